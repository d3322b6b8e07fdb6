"""What the model card says of a model."""

import pytest

from models import make_classifier
from skimrnn.config import SkimConfig
from skimrnn.runtime import implementations
from skimrnn.train.card import Speed, measure_speed, model_card, network_name


@pytest.mark.parametrize(
    ("more", "name"),
    [
        ({}, "Skim-LSTM of 33 / 5 units"),
        ({"levels": (33,)}, "plain LSTM of 33 units"),
        ({"cell": "rnn_tanh", "levels": (33, 5, 0)}, "Skim-RNN of 33 / 5 / 0 units"),
        (
            {"cell": "gru", "num_layers": 2, "bidirectional": True},
            "2-layer bidirectional Skim-GRU of 33 / 5 units",
        ),
    ],
)
def test_layers_and_directions_are_named_when_more_than_one(more, name):
    given = {"cell": "lstm", "input_size": 4, "hidden_size": 33, "levels": (33, 5), **more}
    assert network_name(SkimConfig(**given)) == name


CONFIG = SkimConfig(cell="gru", input_size=4, hidden_size=33, levels=(33, 5))
TRAINING = {
    "task": {"name": "moods", "labels": ["a", "b"], "counts": {"train": {"texts": 12345}}},
    "best": {"accuracy": 0.5, "skim_rate": 0.25},
    "vectors": None,
    "vocabulary": 67890,
    "command": None,
}


def test_large_numbers_have_separators():
    card = model_card(CONFIG, TRAINING)
    assert "| trained on | moods, 12,345 texts |" in card
    assert "| vocabulary | 67,890 words |" in card
    assert "A Skim-GRU of 33 / 5 units: it labels a text as *a*, *b*." in card


def test_a_router_that_was_not_trained_is_told_of():
    card = model_card(CONFIG, {**TRAINING, "given_levels": "every fourth"})
    assert "Its router was not trained: the level of each word was given." in card
    assert "| skimmed on validation | 25.0 % of the words, levels given: every fourth |" in card
    plain = model_card(CONFIG, {**TRAINING, "given_levels": None})
    assert plain == model_card(CONFIG, TRAINING)
    assert "router was not trained" not in plain


def test_theta_and_speed_and_where_it_was_measured():
    card = model_card(CONFIG, TRAINING, 0.4, Speed(1.234, "avx2", "A fast CPU"))
    assert "| at θ | 0.4, as trained;" in card
    assert "| speed | 1.23 µs a word from text to label, one thread, `avx2` on A fast CPU |" in card
    assert "| speed | not measured |" in model_card(CONFIG, TRAINING)


def test_what_would_end_a_cell_of_the_table_is_escaped():
    own = {"command": "skimrnn train ./a.csv --label-separator '|'"}
    own |= {"vectors": {"source": "a|b.txt"}, "given_levels": "a|b"}
    own |= {"task": {**TRAINING["task"], "name": "a|b"}}
    rows = [line for line in model_card(CONFIG, TRAINING | own).splitlines() if line[:2] == "| "]
    assert r"| command | `skimrnn train ./a.csv --label-separator '\|'` |" in rows
    assert all(row.replace(r"\|", "").count("|") == 3 for row in rows)


@pytest.mark.parametrize(
    ("task", "said"),
    [
        ("sst-phrases", ["- Stanford Sentiment Treebank"]),
        ("sst+rotten-tomatoes", ["- Stanford Sentiment Treebank", "- Sentence polarity"]),
        ("moods", ["- moods: not known here; name them before you give the model away."]),
    ],
)
def test_the_terms_of_the_data(task, said):
    card = model_card(CONFIG, {**TRAINING, "task": {**TRAINING["task"], "name": task}})
    terms = card.partition("## Training data and its terms\n\n")[2].partition("\n\n")[0]
    lines = terms.splitlines()
    assert len(lines) == len(said)
    assert all(line.startswith(start) for line, start in zip(lines, said, strict=True))


def test_a_file_of_ones_own_has_not_the_terms_of_the_set_whose_name_it_bears():
    task = {**TRAINING["task"], "name": "imdb", "columns": {"text": "text", "label": "label"}}
    card = model_card(CONFIG, {**TRAINING, "task": task})
    assert "- imdb: not known here; name them before you give the model away." in card


def test_the_front_matter_names_no_licence():
    front = model_card(CONFIG, TRAINING).split("---\n")[1].splitlines()
    keys = [line.partition(":")[0] for line in front if not line.startswith("#")]
    assert keys == ["library_name", "pipeline_tag", "tags", "metrics"]


def test_the_speed_is_that_of_the_reader():
    speed = measure_speed(make_classifier(), ["the film is good"] * 3)
    assert speed.us_per_word > 0
    assert measure_speed(make_classifier(), ["", " "]) is None


def test_the_speed_is_that_of_the_dtype_that_is_stored():
    assert measure_speed(make_classifier(), ["the film"], "float64").implementation == "numpy"


def test_what_cannot_read_the_model_does_not_time_it(monkeypatch):
    monkeypatch.setenv("SKIMRNN_IMPLEMENTATION", implementations()[0])
    speed = measure_speed(make_classifier(), ["the film"], "float64")
    assert speed.implementation == "numpy"
