"""Answer questions about a text without torch: words to numbers, scores to an answer.

What stands for a word is computed as in ``nn/models/words.py``, under the same names; what a model
makes of them, in ``scorers.py``.

Letters: E word vector, X what stands for a word, M rows that are remembered of each word.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skimrnn.answerer_config import AnswererConfig
from skimrnn.answerer_file import AnswererFile, read_answerer
from skimrnn.decision import Rule, rules_or_own
from skimrnn.reading import AnswerReading
from skimrnn.runtime.bundled import answerer_folder
from skimrnn.runtime.registry import sequence_reader
from skimrnn.runtime.remembered import Remembered
from skimrnn.runtime.scorers import SCORERS, Scorer, linear, relu
from skimrnn.spans import best_span
from skimrnn.text.passages import Passage, spelling

Array = NDArray[Any]

REMEMBERED = 100_000
"""Words whose encoding is kept at most; then all are forgotten, and met anew."""

TOGETHER = 256
"""Words that are encoded at a time; the more, the more memory it takes."""


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
        self.dtype: np.dtype[Any] = self._of["embedding.weight"].dtype
        readers = {}
        for name, layer in self.config.layers.items():
            self.implementation, readers[name] = sequence_reader(
                layer, file.of_layer(name), implementation, precision=precision
            )
        self._scorer: Scorer = SCORERS[self.config.model](self._of, readers)
        self._remembered = Remembered()

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
            The likeliest answer of at most ``spans.LONGEST`` words, and what was skimmed.

        Raises:
            TypeError: if a text is not str.
            ValueError: if a text has no word, or an option is refused.
        """
        for name, text in (("context", context), ("question", question)):
            if not isinstance(text, str):
                raise TypeError(f"the {name} must be str; got {type(text).__name__}")
        [rule] = rules_or_own(self.rule, self.config.context, 1, threshold, budget, burst)
        passage = Passage.of(context, question)
        for name, text, words in (
            ("context", context, passage.context.words),
            ("question", question, passage.question),
        ):
            if not words:
                raise ValueError(f"the {name} has no word to read; got {text[:60]!r}")
        start, end, read = self._scorer.scores(
            self._encode(passage.context.words),
            self._encode(passage.question),
            passage.features.astype(self.dtype),
            rule,
        )
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

    def forget(self) -> None:
        """Drop what is remembered of words, some 2 KB each; the next call meets its words anew."""
        self._remembered = Remembered()

    # ---- from words to numbers ------------------------------------------------------------------

    def _encode(self, words: Sequence[str]) -> Array:
        """What is remembered of each word, (M, n, X).

        A word met before is looked up: what is left to compute for a text is small.
        """
        remembered = self._remembered
        if len(remembered) + len(remembered.new(words)) > REMEMBERED:
            remembered = self._remembered = Remembered()
        return remembered.of(words, self._made)

    def _made(self, words: Sequence[str]) -> Array:
        """What is remembered of words met for the first time, (M, n, X)."""
        parts = [
            self._scorer.remembered(self._words(words[begin : begin + TOGETHER]))
            for begin in range(0, len(words), TOGETHER)
        ]
        return np.concatenate(parts, axis=1)[:, :, 0]

    def _words(self, words: Sequence[str]) -> Array:
        """A word's own vector beside what its spelling says, through a highway, (n, 1, X).

        A stack of one-word products, which NumPy makes one by one: a product of many words rounds
        otherwise than one of few, and what a word is may not depend on those it came with.
        """
        x = self._of["embedding.weight"][self._vocabulary.rows(words)][:, None]
        if self.config.filters:
            x = np.concatenate([x, self._spelled(spelling(words))], axis=2)
        carried = 1 / (1 + np.exp(-linear(self._of, "words.carry", x)))
        changed = relu(linear(self._of, "words.change", x))
        return np.asarray(carried * x + (1 - carried) * changed)

    def _spelled(self, bytes_of: NDArray[np.int64]) -> Array:
        """The greatest answer of each filter along a word's bytes, (n, 1, filters)."""
        weight, width = self._of["words.filters.weight"], self.config.filter_width
        bytes_of = np.pad(bytes_of, ((0, 0), (width - 1, width - 1)))
        vectors = self._of["words.bytes.weight"][bytes_of]  # (n, places + width - 1, byte_size)
        windows = np.lib.stride_tricks.sliding_window_view(vectors, width, axis=1)
        found = windows.reshape(*windows.shape[:2], -1) @ weight.reshape(len(weight), -1).T
        return relu(found.max(axis=1, keepdims=True) + self._of["words.filters.bias"])


def load_answerer(
    model: str | os.PathLike[str],
    *,
    implementation: str | None = None,
    precision: str = "float32",
) -> Answerer:
    """Load a model that answers questions.

    Args:
        model: the name of a bundled one, such as ``"squad"``, or the path of a model folder (a
            str is a path if it has a separator); if there is none of that path, a name on the
            public hub, ``"org/name"`` or ``"org/name@revision"``.
        implementation: what to read with, of ``implementations()``; the fastest if None.
        precision: of the recurrent weights, "float32" or "int8".

    Raises:
        HubError: if it is no folder here and the hub does not give it.
        ModelFileError: if the folder is not an answerer that can be read.
        ValueError: if a bare name is no bundled model's, or there is no implementation of that
            name, or it cannot read the model.
    """
    return Answerer(read_answerer(answerer_folder(model)), implementation, precision=precision)
