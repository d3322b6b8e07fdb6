"""Train on few labelled texts, anew and going on from a bundled model.

    python -m benchmarks.few_texts [--data-dir DIR]

Writes ``results/few-texts.json``; a quarter of an hour. ``python -m benchmarks.few_texts_report``
writes the part of docs/choosing.md. Each seed draws its texts from a task's training texts; a tenth
of them is what the estimator keeps to judge by. The test texts are read once per model. Nothing was
tuned.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

import skimrnn
from benchmarks.classification.vectors import glove
from benchmarks.machine import RESULTS, provenance
from skimrnn import SkimClassifier
from skimrnn.files import write_atomically
from skimrnn.reading import skim_rate
from skimrnn.tasks import Examples, TextTask, load_task

RESULT = RESULTS / "few-texts.json"
TASKS = ("rotten-tomatoes", "ag-news")
COUNTS = (100, 500, 2000)
SEEDS = (0, 1, 2)
BUNDLED = "imdb"

Texts, Labels = list[str], list[str]
Fit = Callable[[Texts, Labels, int, str | None], Any]


def _anew(texts: Texts, labels: Labels, seed: int, data_dir: str | None) -> Any:
    return SkimClassifier(vectors=str(glove(data_dir)), random_state=seed).fit(texts, labels)


def _on(texts: Texts, labels: Labels, seed: int, data_dir: str | None) -> Any:
    return SkimClassifier(start=BUNDLED, random_state=seed).fit(texts, labels)


def _linear(texts: Texts, labels: Labels, seed: int, data_dir: str | None) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    return make_pipeline(words, LogisticRegression(C=10, max_iter=1000)).fit(texts, labels)


METHODS: dict[str, Fit] = {"anew": _anew, "start": _on, "linear": _linear}


def main() -> None:
    """Train, judge and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", help="folder of the data sets; else SKIMRNN_DATA or ./data")
    data_dir = parser.parse_args().data_dir
    rows = [row for name in TASKS for row in measure(name, data_dir)]
    result = {"bundled": BUNDLED, "rows": rows, **provenance("python -m benchmarks.few_texts")}
    write_atomically(RESULT, (json.dumps(result, indent=1) + "\n").encode())


def measure(name: str, data_dir: str | None) -> list[dict[str, Any]]:
    """The test accuracies of a task: for each count and method one per seed."""
    task = load_task(name, data_dir=data_dir)
    texts, labels = list(task.test.texts), np.array(names(task, task.test))
    rows = []
    as_it_is = skimrnn.load(BUNDLED)
    if set(as_it_is.labels) == set(task.labels):
        right = np.array(as_it_is.predict(texts)) == labels
        rows.append({"task": name, "texts": 0, "method": "as it is", "accuracy": [right.mean()]})
    for count in COUNTS:
        for method, fit in METHODS.items():
            accuracy, rates = [], []
            for seed in SEEDS:
                some = task.train.take(draw(len(task.train), count, seed))
                fitted = fit(list(some.texts), names(task, some), seed, data_dir)
                accuracy.append(float((fitted.predict(texts) == labels).mean()))
                if isinstance(fitted, SkimClassifier) and fitted.model_ is not None:
                    rates.append(skim_rate([r.level for r in fitted.model_.read(texts)]))
            row = {"task": name, "texts": count, "method": method, "accuracy": accuracy}
            rows.append({**row, "skim_rate": rates or None})
            print(json.dumps(rows[-1]), flush=True)
    return rows


def names(task: TextTask, examples: Examples) -> Labels:
    """The label of each text."""
    return [task.labels[target] for target in examples.targets]


def draw(texts: int, count: int, seed: int) -> NDArray[np.int64]:
    """So many of them, without repeats."""
    return np.random.default_rng(seed).permutation(texts)[:count]


if __name__ == "__main__":
    main()
