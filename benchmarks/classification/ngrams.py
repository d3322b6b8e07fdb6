"""Words and runs of words, weighted by naive Bayes, in a logistic regression: the strong old rival.

``controls/linear.cc`` computes the same probabilities natively; it is what is timed.

Source: Wang and Manning, "Baselines and Bigrams", ACL 2012.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

BUCKETS = 2**20
MIX = 1_000_003

Rows = NDArray[np.int32]


@dataclass(frozen=True)
class Ngrams:
    """A fitted model.

    Attributes:
        words: V, rows of the vocabulary.
        longest: words of the longest run.
        weights: (C, V + (longest - 1) * BUCKETS) float32; one row for two classes.
        bias: (C,), likewise.
    """

    words: int
    longest: int
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]

    def probabilities(self, rows: Rows) -> NDArray[np.float32]:
        """The probability of each class, (C,), of a text given as rows of the vocabulary."""
        found = features(rows, self.words, self.longest)
        p = 1 / (1 + np.exp(-(self.weights[:, found].sum(axis=1) + self.bias)))
        return np.array([1 - p[0], p[0]], np.float32) if len(p) == 1 else p / p.sum()


def features(rows: Rows, words: int, longest: int) -> NDArray[np.int64]:
    """What occurs in a text: its words and, hashed, its runs of up to ``longest``, each once."""
    parts, run = [rows.astype(np.int64)], rows.astype(np.uint64)
    for length in range(2, longest + 1):
        run = run[:-1] * np.uint64(MIX) + rows[length - 1 :].astype(np.uint64)
        first = words + (length - 2) * BUCKETS
        parts.append((run % np.uint64(BUCKETS)).astype(np.int64) + first)
    return np.unique(np.concatenate(parts))


def fit(
    texts: Sequence[Rows],
    targets: NDArray[np.int64],
    words: int,
    *,
    longest: int = 2,
    strength: float = 0.1,
) -> Ngrams:
    """Fit to texts given as rows of a vocabulary of ``words``.

    Args:
        texts: rows of each text.
        targets: class of each.
        words: V.
        longest: words of the longest run.
        strength: inverse of the regularisation, scikit-learn's C.
    """
    from sklearn.linear_model import LogisticRegression

    matrix = _matrix(texts, words, longest)
    classes = int(targets.max()) + 1
    weights, bias = [], []
    for one in range(classes) if classes > 2 else (1,):
        positive = targets == one
        p, q = (1 + np.asarray(matrix[part].sum(axis=0))[0] for part in (positive, ~positive))
        ratio = np.log((p / p.sum()) / (q / q.sum())).astype(np.float32)
        model = LogisticRegression(C=strength, max_iter=300)
        model.fit(matrix.multiply(ratio).tocsr(), positive)
        weights.append((model.coef_[0] * ratio).astype(np.float32))
        bias.append(model.intercept_[0])
    return Ngrams(words, longest, np.stack(weights), np.array(bias, np.float32))


def _matrix(texts: Sequence[Rows], words: int, longest: int) -> Any:
    from scipy.sparse import csr_matrix

    each = [features(rows, words, longest) for rows in texts]
    ends = np.cumsum([0, *(len(one) for one in each)])
    ones = np.ones(ends[-1], np.float32)
    shape = (len(each), words + (longest - 1) * BUCKETS)
    return csr_matrix((ones, np.concatenate(each), ends), shape)
