"""From text to label: the bundled models beside linear models of words and runs of words.

Every rival is trained on the task's own training texts. Of the bundled models each was trained on
one kind of text, and reads the other as it finds it. Times are processor time a text, one thread,
all in turns over the same texts.
"""

from __future__ import annotations

import pickle
import re
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import skimrnn
from benchmarks.classification.linear import LONGEST, Linear, fit
from skimrnn.tasks import TextTask, load_task

TIMED = 1000
ROUNDS = 5
BUCKETS = 2**20

TRAINED_ON = {"sst": "SST, phrases; sentences of IMDb", "imdb": "IMDb"}
"""Whose training texts the bundled models have seen."""

Labels = NDArray[np.int64]
Predict = Callable[[Sequence[str]], Labels]


@dataclass(frozen=True)
class Reader:
    """What labels texts.

    Attributes:
        name: as it stands in the table.
        trained_on: which task's training texts.
        predict: indices of labels, of a list of texts.
        size: bytes of the model.
        batch: whether it is timed on all texts in one call; else a call a text.
    """

    name: str
    trained_on: str
    predict: Predict
    size: int
    batch: bool = False


def rows(task_name: str, data_dir: str | None) -> list[dict[str, Any]]:
    """A row for each reader on a task's test texts."""
    task = load_task(task_name, data_dir=data_dir)
    readers = [*ours(task), *linear(task), *n_grams(task), *fast_text(task)]
    random = np.random.default_rng(0)
    chosen = random.permutation(len(task.test))[:TIMED]
    texts = [task.test.texts[i] for i in chosen]
    times = _times(readers, texts)
    made = []
    for reader, cpu in zip(readers, times, strict=True):
        found = reader.predict(task.test.texts)
        made.append(
            {
                "task": task_name,
                "reader": reader.name,
                "trained_on": reader.trained_on,
                "call": "all texts" if reader.batch else "one text",
                "accuracy": float((found == np.asarray(task.test.targets)).mean()),
                "test_texts": len(task.test),
                "us_mean": float(cpu.mean()),
                "us_p50": None if reader.batch else float(np.quantile(cpu, 0.5)),
                "us_p99": None if reader.batch else float(np.quantile(cpu, 0.99)),
                "model_bytes": reader.size,
                "timed_texts": len(texts),
            }
        )
    return made


def _times(readers: Sequence[Reader], texts: Sequence[str]) -> list[NDArray[np.float64]]:
    """Microseconds a text, (rounds, texts) or, in batch, (rounds, 1)."""
    random = np.random.default_rng(0)
    times: list[list[NDArray[np.float64]]] = [[] for _ in readers]
    for _ in range(ROUNDS):
        for number in random.permutation(len(readers)):
            reader = readers[number]
            reader.predict(texts[:50])
            if reader.batch:
                begin = time.process_time_ns()
                reader.predict(texts)
                taken = [(time.process_time_ns() - begin) / len(texts)]
            else:
                taken = []
                for text in texts:
                    begin = time.process_time_ns()
                    reader.predict([text])
                    taken.append(time.process_time_ns() - begin)
            times[number].append(np.array(taken) / 1000)
    return [np.stack(one) for one in times]


def ours(task: TextTask) -> list[Reader]:
    """The bundled models: skimming and reading everything, in both precisions."""
    return [reader for name in skimrnn.bundled_models() for reader in bundled(name, task)]


def bundled(name: str, task: TextTask) -> list[Reader]:
    """One of them, by its name."""
    folder = Path(skimrnn.__file__).parent / "models" / name
    size = sum(path.stat().st_size for path in folder.iterdir())
    made = []
    for precision in ("float32", "int8"):
        model = skimrnn.load(name, precision=precision)
        order = np.array([task.labels.index(label) for label in model.labels])
        for threshold, what in ((None, "skimming"), (2.0, "reading everything")):

            def predict(
                texts: Sequence[str],
                model: skimrnn.Model = model,
                order: NDArray[Any] = order,
                threshold: float | None = threshold,
            ) -> Labels:
                p = model.predict_proba(texts, threshold=threshold)
                return np.asarray(order[p.argmax(axis=1)])

            title = f"model {name}, {model.implementation} {precision}, {what}"
            made += [
                Reader(title, TRAINED_ON[name], predict, size, batch) for batch in (False, True)
            ]
    return made


def linear(task: TextTask) -> list[Reader]:
    """tf-idf and logistic regression, scikit-learn's own tokens."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    made = []
    for pairs, title in ((1, "words"), (2, "words and pairs")):
        vectors = TfidfVectorizer(ngram_range=(1, pairs), min_df=2, sublinear_tf=True)
        pipeline = make_pipeline(vectors, LogisticRegression(C=10, max_iter=300))
        pipeline.fit(task.train.texts, task.train.targets)
        size = len(pickle.dumps(pipeline))
        made += [
            Reader(f"tf-idf of {title}, logistic regression", task.name, pipeline.predict, size, b)
            for b in (False, True)
        ]
    return made


def n_grams(task: TextTask) -> list[Reader]:
    """Our scanner's words and runs of words, weighted by naive Bayes, scored natively.

    They are the ``ngrams`` row of the classification table, and the same of words alone.
    """
    made = []
    for longest, title in ((1, "words"), (LONGEST, "words, pairs, triples")):
        model = fit("ngrams", task, longest=longest)

        def predict(texts: Sequence[str], model: Linear = model) -> Labels:
            return np.array([int(model.predict_proba(text).argmax()) for text in texts])

        name = f"naive-Bayes-weighted {title}, {model.implementation}"
        made.append(Reader(name, task.name, predict, len(pickle.dumps(model.parts))))
    return made


def fast_text(task: TextTask) -> list[Reader]:
    """The fastText classifier with word pairs, on words split by one regular expression."""
    import fasttext

    split = re.compile(r"\w+|[^\w\s]").findall

    def prepared(text: str) -> str:
        return " ".join(split(text.lower()))

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "train.txt")
        train = task.train
        shuffled = np.random.default_rng(0).permutation(len(train))  # it learns in file order
        lines = [f"__label__{train.targets[i]} {prepared(train.texts[i])}\n" for i in shuffled]
        path.write_text("".join(lines))
        model = fasttext.train_supervised(
            str(path), dim=50, epoch=5, lr=0.5, wordNgrams=2, bucket=BUCKETS, thread=1, verbose=0
        )
        model.save_model(str(Path(folder, "model.bin")))
        size = Path(folder, "model.bin").stat().st_size

    def predict(texts: Sequence[str]) -> Labels:
        return np.array([int(model.predict(prepared(text))[0][0][-1]) for text in texts])

    return [Reader("fastText, words and pairs", task.name, predict, size)]
