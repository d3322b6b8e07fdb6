"""The rows that are no recurrent nets: tf-idf, averaged vectors and n-grams in linear models.

What is free in them is chosen on the validation texts, as the recurrent rows' weights are.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.classification import ngrams
from benchmarks.classification.controls.compiler import compiler
from benchmarks.classification.controls.linear import NativeLinear, native_averages, native_ngrams
from benchmarks.classification.measured import Measured, measured
from benchmarks.scanner import scanner
from skimrnn.files import write_atomically
from skimrnn.tasks import Examples, TextTask
from skimrnn.text import Vocabulary, read_word_vectors, scan

Probabilities = Callable[[str], NDArray[np.floating[Any]]]
STRENGTHS = {"ngrams": (0.03, 0.1, 0.3), "tf-idf": (1.0, 3.0, 10.0), "averages": (0.1, 1.0, 10.0)}
LONGEST = 3
"""Words of the longest run of the n-grams."""


@dataclass(frozen=True)
class Linear:
    """A fitted model, kept as one file.

    Attributes:
        labels: the C classes.
        model: what was fitted.
        strength: inverse of the regularisation, chosen on validation texts.
        vocabulary: the words it knows; None if it cuts texts itself.
    """

    labels: tuple[str, ...]
    model: Any
    strength: float
    vocabulary: Vocabulary | None = None

    @property
    def parts(self) -> tuple[Any, ...]:
        """What it is made of, as it is kept."""
        return self.labels, self.model, self.strength, self.vocabulary

    @property
    def implementation(self) -> str:
        """What gives the probabilities: scikit-learn, NumPy, or a native source by its name."""
        if self.vocabulary is None:
            return "scikit-learn"
        return self._native.implementation if self._native else "NumPy"

    @property
    def precision(self) -> str:
        """Of what it computes with."""
        return "float64" if self.vocabulary is None else "float32"

    def predict_proba(self, text: str) -> NDArray[np.floating[Any]]:
        """The probability of each class, (C,)."""
        return self._probabilities(text)

    @cached_property
    def _probabilities(self) -> Probabilities:
        if self.vocabulary is None:
            return lambda text: self.model.predict_proba([text])[0]
        rows, of_rows = scanner(self.vocabulary).rows, (self._native or self.model).probabilities
        return lambda text: of_rows(rows(text))

    @cached_property
    def _native(self) -> NativeLinear | None:
        """What scores rows natively, if the model can be and there is a compiler."""
        if compiler() is None:
            return None
        if isinstance(self.model, ngrams.Ngrams):
            return native_ngrams(self.model)
        if isinstance(self.model, Averages):
            return native_averages(self.model.weights, self.model.bias)
        return None

    def write(self, path: Path) -> None:
        """Keep it; for this machine alone, being a pickle."""
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, pickle.dumps(self.parts))

    @classmethod
    def read(cls, path: Path) -> Linear:
        """What ``write`` has kept."""
        return cls(*pickle.loads(path.read_bytes()))


@dataclass(frozen=True)
class Averages:
    """Logistic regression of a text's mean word vector.

    Attributes:
        weights: (V, C) float32, each word's vector times the regression's weights.
        bias: (C,).
    """

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]

    def probabilities(self, rows: NDArray[np.int32]) -> NDArray[np.float32]:
        """The probability of each class, (C,); (T,) rows of the vocabulary."""
        known = rows[rows > 0]
        scores = self.bias + (self.weights[known].mean(axis=0) if len(known) else 0)
        exponentials = np.exp(scores - scores.max())
        return np.asarray(exponentials / exponentials.sum())


def fit(
    kind: str, task: TextTask, vectors: str | Path | None = None, *, longest: int = LONGEST
) -> Linear:
    """The model of this kind that is best on the task's validation texts.

    Args:
        kind: "tf-idf", "ngrams" or "averages".
        task: the texts.
        vectors: a word-vector file, which the averages need.
        longest: words of the longest run, for the n-grams: 1 is words alone, 2 words and pairs.
    """
    kinds: dict[str, Callable[..., Callable[[float], Linear]]] = {
        "tf-idf": _tf_idf,
        "ngrams": partial(_ngrams, longest=longest),
        "averages": _averages,
    }
    make = kinds[kind](task, vectors)
    fitted = [make(strength) for strength in STRENGTHS[kind]]
    return max(fitted, key=lambda model: accuracy(model, task.validation))


def accuracy(model: Linear, examples: Examples) -> float:
    """Share of texts that are labelled rightly."""
    return float(right(model, examples).mean())


def right(model: Linear, examples: Examples) -> NDArray[np.bool_]:
    """Which texts are labelled rightly, (N,)."""
    found = [int(np.argmax(model.predict_proba(text))) for text in examples.texts]
    return np.array(found) == np.asarray(examples.targets)


def measure(model: Linear, examples: Examples) -> Measured:
    """Accuracy in the layout of the other rows; what is not counted is None."""
    tokens = sum(len(scan(text).words) for text in examples.texts)
    return measured(right(model, examples), tokens)


def _tf_idf(task: TextTask, _: str | Path | None) -> Callable[[float], Linear]:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    vectorizer = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    features = vectorizer.fit_transform(task.train.texts)

    def make(strength: float) -> Linear:
        model = LogisticRegression(C=strength, max_iter=300).fit(features, task.train.targets)
        return Linear(task.labels, make_pipeline(vectorizer, model), strength)

    return make


def _ngrams(task: TextTask, _: str | Path | None, longest: int) -> Callable[[float], Linear]:
    vocabulary, rows = encoded(task)

    def make(strength: float) -> Linear:
        model = ngrams.fit(
            rows, task.train.targets, len(vocabulary), longest=longest, strength=strength
        )
        return Linear(task.labels, model, strength, vocabulary)

    return make


def _averages(task: TextTask, vectors: str | Path | None) -> Callable[[float], Linear]:
    from sklearn.linear_model import LogisticRegression

    if vectors is None:
        raise ValueError("averages need a word-vector file, and none was given")
    words = [scan(text).words for text in task.train.texts]
    found = read_word_vectors(vectors, {word for text in words for word in text})
    vocabulary = Vocabulary.build(words, with_vector=set(found.words), min_count=10**9)
    matrix = np.zeros((len(vocabulary), found.matrix.shape[1]), np.float32)
    matrix[vocabulary.rows(found.words)] = found.matrix
    matrix[0] = 0
    rows = [vocabulary.rows(text) for text in words]
    means = np.stack(
        [matrix[row[row > 0]].mean(axis=0) if row.any() else matrix[0] for row in rows]
    )

    def make(strength: float) -> Linear:
        model = LogisticRegression(C=strength, max_iter=1000).fit(means, task.train.targets)
        weights, bias = model.coef_, model.intercept_
        if len(weights) == 1:
            weights, bias = np.stack([0 * weights[0], weights[0]]), np.array([0, bias[0]])
        parts = ((matrix @ weights.T).astype(np.float32), bias.astype(np.float32))
        return Linear(task.labels, Averages(*parts), strength, vocabulary)

    return make


def encoded(task: TextTask) -> tuple[Vocabulary, list[NDArray[np.int32]]]:
    """The words seen at least twice in a task's training texts, and the texts in their rows."""
    words: Sequence[Sequence[str]] = [scan(text).words for text in task.train.texts]
    vocabulary = Vocabulary.build(words, min_count=2)
    return vocabulary, [vocabulary.rows(text) for text in words]
