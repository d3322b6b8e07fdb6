"""Answer questions about a text without torch: the layers by a reader, the rest in NumPy.

The same equations, under the same names, as ``nn/models/attention.py`` and ``nn/models/words.py``,
for one context and one question.

Letters: T words of a context, J words of a question, E word vector, X what stands for a word, D
hidden size.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skimrnn.answerer_config import AnswererConfig
from skimrnn.answerer_file import AnswererFile, read_answerer
from skimrnn.answering import best_span
from skimrnn.decision import Rule, rules_for
from skimrnn.reading import AnswerReading
from skimrnn.runtime.registry import sequence_reader
from skimrnn.text.passages import Passage, spelling

Array = NDArray[Any]

REMEMBERED = 100_000
"""Words whose encoding is kept at most; then all are forgotten, and met anew."""


class Answerer:
    """Finds the part of a context that answers a question; to be shared by threads.

    Attributes:
        config: the sizes.
        rule: the threshold and budget it reads contexts with unless told otherwise.
        implementation: the name of the implementation in use.
        precision: what the recurrent weights are kept in.
        training: how it was trained, as JSON values.
        card: the model card, Markdown.
    """

    def __init__(
        self,
        file: AnswererFile,
        implementation: str | None = None,
        *,
        precision: str = "float32",
    ) -> None:
        self.config: AnswererConfig = file.config
        self.rule: Rule = file.rule
        self.training: dict[str, Any] = dict(file.training)
        self.card: str = file.card
        self.precision: str = precision
        self._vocabulary = file.vocabulary
        self._of = {name: np.asarray(array) for name, array in file.parameters.items()}
        self.dtype: np.dtype[Any] = self._of["summary.weight"].dtype
        readers = {}
        for name, layer in self.config.layers.items():
            self.implementation, readers[name] = sequence_reader(
                layer, file.of_layer(name), implementation, precision=precision
            )
        self._question, self._context = readers["question"], readers["context"]
        self._encoded: dict[str, Array] = {}

    def answer(
        self,
        context: str,
        question: str,
        *,
        threshold: float | str | None = None,
        budget: float | None = None,
        burst: float | None = None,
    ) -> AnswerReading:
        """Find the answer to a question in a context.

        Args:
            context: the text that holds the answer.
            question: what is asked.
            threshold: θ for the context, a number or "argmax"; the model's own if None.
            budget: ceiling on the share of its words read, in each layer and direction; likewise.
            burst: reads allowed ahead of the budget; likewise.

        Returns:
            The likeliest answer of at most ``answering.LONGEST`` words, and what was skimmed.

        Raises:
            TypeError: if a text is not str.
            ValueError: if a text has no word, or an option is refused.
        """
        for name, text in (("context", context), ("question", question)):
            if not isinstance(text, str):
                raise TypeError(f"the {name} must be str; got {type(text).__name__}")
        rule = self._rule(threshold, budget, burst)
        passage = Passage.of(context, question)
        for name, text, words in (
            ("context", context, passage.context.words),
            ("question", question, passage.question),
        ):
            if not words:
                raise ValueError(f"the {name} has no word to read; got {text[:60]!r}")
        x, key = self._encode(passage.context.words)
        asked, asked_key = self._encode(passage.question)
        alike = _softmax(key @ asked_key.T) @ asked
        seen = np.concatenate([x, alike, x * alike, passage.features.astype(self.dtype)], axis=1)
        read = self._context.read(seen, rule)
        summary = self._asked(asked)
        start, end = (read.output @ self._linear(name, summary) for name in ("start", "end"))
        span = best_span(start, end)
        begin, until = passage.context.starts[span.first], passage.context.ends[span.last]
        return AnswerReading(
            context,
            question,
            int(begin),
            int(until),
            span.probability,
            read.level,
            read.p,
            rule,
            self.config.context,
        )

    def _rule(
        self, threshold: float | str | None, budget: float | None, burst: float | None
    ) -> Rule:
        own = self.rule
        [rule] = rules_for(
            1,
            own.threshold if threshold is None else threshold,
            own.budget if budget is None else budget,
            own.burst if burst is None else burst,
        )
        if rule.budget is not None and not self.config.context.skims:
            raise ValueError(
                "a budget needs a level to skim at, and this model has none "
                f"(levels={self.config.context.levels}); leave the budget out"
            )
        return rule

    # ---- the equations --------------------------------------------------------------------------

    def _encode(self, words: Sequence[str]) -> tuple[Array, Array]:
        """What stands for each word, and what likeness is told by, each (n, X).

        A word met before is looked up: what is left to compute for a text is small.
        """
        known = self._encoded
        new = [word for word in dict.fromkeys(words) if word not in known]
        if len(known) + len(new) > REMEMBERED:
            known = self._encoded = {}
            new = list(dict.fromkeys(words))
        for word in new:  # one by one: a product of many rounds otherwise than a product of few
            x = self._words([word])
            known[word] = np.stack([x[0], _relu(self._linear("alignment", x))[0]])
        both = np.stack([known[word] for word in words], axis=1)
        return both[0], both[1]

    def _words(self, words: Sequence[str]) -> Array:
        """A word's own vector beside what its spelling says, through a highway, (n, X)."""
        x = self._of["embedding.weight"][self._vocabulary.rows(words)]
        if self.config.filters:
            x = np.concatenate([x, self._spelled(spelling(words))], axis=1)
        carried = 1 / (1 + np.exp(-self._linear("words.carry", x)))
        return np.asarray(carried * x + (1 - carried) * _relu(self._linear("words.change", x)))

    def _spelled(self, bytes_of: NDArray[np.int64]) -> Array:
        """The greatest answer of each filter along a word's bytes, (n, filters)."""
        weight, width = self._of["words.filters.weight"], self.config.filter_width
        bytes_of = np.pad(bytes_of, ((0, 0), (width - 1, width - 1)))
        vectors = self._of["words.bytes.weight"][bytes_of]  # (n, places + width - 1, byte_size)
        windows = np.lib.stride_tricks.sliding_window_view(vectors, width, axis=1)
        found = windows.reshape(*windows.shape[:2], -1) @ weight.reshape(len(weight), -1).T
        return _relu(found.max(axis=1) + self._of["words.filters.bias"])

    def _asked(self, question: Array) -> Array:
        """The question as one vector, (2 D,)."""
        states = self._question.read(question, Rule()).output
        weight = _softmax(self._linear("summary", states)[:, 0])
        return np.asarray(weight @ states)

    def _linear(self, name: str, x: Array) -> Array:
        return np.asarray(x @ self._of[f"{name}.weight"].T + self._of[f"{name}.bias"])


def _relu(x: Array) -> Array:
    return np.maximum(x, 0)


def _softmax(x: Array) -> Array:
    """Over the last axis."""
    powers = np.exp(x - x.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def load_answerer(
    folder: str | os.PathLike[str],
    *,
    implementation: str | None = None,
    precision: str = "float32",
) -> Answerer:
    """Load a model that answers questions.

    Args:
        folder: the model folder.
        implementation: what to read with, of ``implementations()``; the fastest if None.
        precision: of the recurrent weights, "float32" or "int8".

    Raises:
        ModelFileError: if the folder is not an answerer that can be read.
        ValueError: if there is no implementation of that name, or it cannot read the model.
    """
    return Answerer(read_answerer(Path(folder)), implementation, precision=precision)
