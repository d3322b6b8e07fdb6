"""What the model card says of a model."""

import pytest

from skimrnn.config import SkimConfig
from skimrnn.train.card import model_card, network_name


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
