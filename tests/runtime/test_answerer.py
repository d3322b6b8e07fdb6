"""Answers without torch: those of the torch model, word for word, for every implementation."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

import skimrnn
from agreement import CLOSE, every_reader
from answerers import answerer_config, as_file, batch_of, make_answerer
from skimrnn.answerer_file import write_answerer
from skimrnn.nn import record
from skimrnn.runtime.answerer import Answerer
from skimrnn.spans import best_span

PAIRS = [
    ("The red box is in the kitchen. The 😀 is in the Café, isn't it?", "Where is the box?"),
    ("é", "?"),
    ("In the box the box the box", "where where where in the kitchen is"),
    ("An unknownwordwhichisverylong stands in front of kitchens", "what stands in front"),
]
CONFIGS = {
    "two layers": answerer_config(),
    "reads all": answerer_config((7,)),
    "skips": answerer_config((7, 0)),
    "three levels": answerer_config((9, 4, 1), num_layers=1),
    "no spelling": answerer_config(filters=0),
    "bidaf": answerer_config(model="bidaf"),
    "bidaf reads all": answerer_config((7,), model="bidaf"),
}


@every_reader
@pytest.mark.parametrize("what", CONFIGS)
def test_the_answer_is_that_of_torch(what, name, dtype):
    model = make_answerer(CONFIGS[what], dtype=dtype)
    answerer = Answerer(as_file(model), name)
    assert answerer.implementation == name
    with torch.no_grad():
        for pair in PAIRS:
            with record() as reads:
                start, end = model(batch_of([pair], dtype))
            span = best_span(start[0].numpy(), end[0].numpy())
            found = answerer.answer(*pair)
            ends = found.starts[span.first], found.ends[span.last]
            assert (found.start, found.end) == ends
            close = 100 * CLOSE[np.dtype(str(dtype)[6:])]
            assert found.probability == pytest.approx(span.probability, abs=close)
            context = [entry for entry in reads.entries if entry.config == model.config.context]
            levels = torch.stack([entry.level[0] for entry in context]).numpy()
            assert np.array_equal(found.level.reshape(levels.shape), levels)
            assert found.answer == pair[0][found.start : found.end]


def test_some_words_are_read_and_some_skimmed():
    answerer = Answerer(as_file(make_answerer()))
    rates = [answerer.answer(*pair).skim_rate for pair in PAIRS]
    assert 0 < min(rates[:1] + rates[2:]) <= max(rates) < 1
    found = answerer.answer(*PAIRS[0])
    assert found.skim_rates.shape == (2, 2)
    assert found.skim_rates.mean() == pytest.approx(found.skim_rate)
    assert found.cost().flop_reduction > 1


def test_a_threshold_and_a_budget_are_those_of_the_context():
    answerer = Answerer(as_file(make_answerer()))
    assert answerer.answer(*PAIRS[0], threshold=2.0).skim_rate == 0
    assert answerer.answer(*PAIRS[0], threshold=-1.0).skim_rate == 1
    read = (answerer.answer(*PAIRS[0], threshold=2.0, budget=0.25).level == 0).mean(axis=2)
    assert (read <= 0.25 + 1 / len(answerer.answer(*PAIRS[0]))).all()
    plain = Answerer(as_file(make_answerer(CONFIGS["reads all"])))
    assert plain.answer(*PAIRS[0]).skim_rate == 0
    with pytest.raises(ValueError, match="a budget needs a level to skim at"):
        plain.answer(*PAIRS[0], budget=0.5)


def test_a_text_without_a_word_is_refused():
    answerer = Answerer(as_file(make_answerer()))
    with pytest.raises(ValueError, match=r"the context has no word to read; got ' '"):
        answerer.answer(" ", "where?")
    with pytest.raises(ValueError, match=r"the question has no word to read; got ''"):
        answerer.answer("here", "")
    with pytest.raises(TypeError, match="the question must be str; got bytes"):
        answerer.answer("here", b"where")


def test_words_are_encoded_once_and_forgotten_together(monkeypatch):
    answerer = Answerer(as_file(make_answerer()))
    asked = []
    words = answerer._words
    monkeypatch.setattr(answerer, "_words", lambda new: asked.extend(new) or words(new))
    first = answerer.answer(*PAIRS[0])
    met = len(asked)
    assert met == len(set(asked))
    assert answerer.answer(*PAIRS[0]).probability == first.probability
    assert len(asked) == met
    monkeypatch.setattr("skimrnn.runtime.answerer.REMEMBERED", 12)
    answerer.answer(*PAIRS[2])
    assert len(answerer._remembered) <= 12
    assert answerer.answer(*PAIRS[0]).probability == first.probability


def test_what_a_word_is_does_not_depend_on_its_company(monkeypatch):
    answerer = Answerer(as_file(make_answerer()))
    words = list(dict.fromkeys(" ".join(text for pair in PAIRS for text in pair).split()))
    together = answerer._encode(words)
    for size in (1, 2, 7):
        monkeypatch.setattr("skimrnn.runtime.answerer.TOGETHER", size)
        answerer.forget()
        assert np.array_equal(answerer._encode(words), together)


def test_threads_that_meet_words_together_find_what_one_finds():
    pairs = [
        (f"{context} {' '.join(f'w{n}' for n in range(at, at + 40))}", question)
        for at, (context, question) in enumerate(PAIRS * 8)
    ]
    wanted = [Answerer(as_file(make_answerer())).answer(*pair).probability for pair in pairs]
    shared = Answerer(as_file(make_answerer()))
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda pair: shared.answer(*pair).probability, pairs))
    assert found == wanted


def test_a_bare_name_is_a_bundled_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_answerer(tmp_path / "mine", as_file(make_answerer()))
    assert skimrnn.load_answerer("./mine").config == as_file(make_answerer()).config
    for name, hint in (
        ("mine", "write ./mine"),
        ("sst", "sst labels texts: use load, or skimrnn read"),
        ("nope", r"only: .*squad.* \(a path has a separator\)$"),
    ):
        with pytest.raises(ValueError, match=f"there is no bundled model {name!r}.*{hint}"):
            skimrnn.load_answerer(name)


def test_the_folder_gives_the_same_answers(tmp_path):
    file = as_file(make_answerer(), training={"seed": 1}, card="# It answers")
    write_answerer(tmp_path / "mine", file)
    loaded = skimrnn.load_answerer(tmp_path / "mine")
    one, other = loaded.answer(*PAIRS[0]), Answerer(file).answer(*PAIRS[0])
    assert (one.answer, one.probability) == (other.answer, other.probability)
    assert (loaded.training, loaded.card) == ({"seed": 1}, "# It answers")
    assert loaded.config == file.config


def test_int8_weights_read_nearly_the_same():
    file = as_file(make_answerer(answerer_config((40, 5)), seed=3))
    native = [name for name in skimrnn.implementations() if name != "numpy"]
    if not native:
        pytest.skip("the native reader is not compiled in")
    one, other = (Answerer(file, precision=name) for name in ("float32", "int8"))
    agree = [np.mean(one.answer(*p).level == other.answer(*p).level) for p in PAIRS]
    assert np.mean(agree) > 0.9


# ---- the likeliest span --------------------------------------------------------------------------


def test_the_best_span_is_the_best_of_all_spans():
    random = np.random.default_rng(0)
    for words in (1, 2, 7, 40):
        for longest in (1, 3, 15):
            start, end = random.normal(size=(2, words)).astype(np.float32) * 3
            p, q = (np.exp(x) / np.exp(x).sum() for x in (start.astype(float), end.astype(float)))
            every = {
                (i, j): p[i] * q[j] for i in range(words) for j in range(i, min(words, i + longest))
            }
            span = best_span(start, end, longest)
            assert (span.first, span.last) == max(every, key=every.get)
            assert span.probability == pytest.approx(max(every.values()))
