"""Texts shared among threads: the same readings, in the same order."""

import threading

import numpy as np
import pytest

from models import make_classifier, make_config
from skimrnn.runtime import Model, implementations

TEXTS = [f"good film {'is ' * (n % 7)} n't {n}" for n in range(150)] + ["", b"good \xff"]


@pytest.mark.parametrize("name", implementations())
@pytest.mark.parametrize("workers", [2, 5, 200])
def test_what_is_read_does_not_depend_on_them(name, workers):
    model = Model(make_classifier(make_config((17, 3))), name)
    thresholds = list(np.linspace(0, 1, len(TEXTS)))
    alone = model.read(TEXTS, threshold=thresholds)
    shared = model.read(TEXTS, threshold=thresholds, workers=workers)
    assert [one.text for one in shared] == [one.text for one in alone]
    for one, other in zip(alone, shared, strict=True):
        assert one.p.tobytes() == other.p.tobytes()
        assert one.rule == other.rule
    p = model.predict_proba(TEXTS, threshold=thresholds)
    again = model.predict_proba(TEXTS, threshold=thresholds, workers=workers)
    assert p.tobytes() == again.tobytes()
    assert again.shape == (len(TEXTS), 3)
    assert model.predict(TEXTS, workers=workers) == model.predict(TEXTS)


def test_threads_are_used_only_when_asked_for(monkeypatch):
    model = Model(make_classifier())
    used = set()
    predict = model._texts.predict

    class Spy:
        def predict(self, texts, rules):
            used.add(threading.current_thread())
            barrier.wait()
            return predict(texts, rules)

    monkeypatch.setattr(model, "_texts", Spy())
    barrier = threading.Barrier(1)
    model.predict_proba(TEXTS)
    assert used == {threading.current_thread()}
    used.clear()
    barrier = threading.Barrier(3, timeout=60)  # passed only if three work at once
    model.predict_proba(["good"] * 3, workers=3)
    assert len(used) == 3
    assert threading.current_thread() not in used


def test_few_texts():
    model = Model(make_classifier())
    for texts in ([], ["good"], ["good", "film"]):
        assert model.predict_proba(texts, workers=4).shape == (len(texts), 3)
        assert len(model.read(texts, workers=4)) == len(texts)
    assert model.predict("good", workers=4) == model.predict("good")
    assert model.read("good", workers=2).text == "good"


@pytest.mark.parametrize("workers", [0, -1, 1.0, True, "2", None])
def test_a_wrong_number_is_refused(workers):
    model = Model(make_classifier())
    for call in (model.read, model.predict, model.predict_proba, model.encode):
        for texts in (["good"], "good"):
            with pytest.raises(ValueError, match=f"workers must be .* at least 1; got {workers!r}"):
                call(texts, workers=workers)


def test_an_error_in_a_thread_reaches_the_caller(monkeypatch):
    model = Model(make_classifier())

    class Broken:
        def predict(self, texts, rules):
            raise MemoryError("no room")

    monkeypatch.setattr(model, "_texts", Broken())
    with pytest.raises(MemoryError, match="no room"):
        model.predict(["good"] * 5, workers=2)
