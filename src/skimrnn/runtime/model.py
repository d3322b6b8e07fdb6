"""Load a model folder and read with it, without torch: text to label, or vectors to states."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from skimrnn import cost
from skimrnn.config import SkimConfig
from skimrnn.decision import Rule, Way, rules_or_own
from skimrnn.model_file import ModelFile, read_model
from skimrnn.model_folder import ModelFileError
from skimrnn.reading import Reading, chosen, names_of, skim_rate
from skimrnn.reference import SequenceReading
from skimrnn.runtime.bundled import model_folder
from skimrnn.runtime.given import for_sequences, for_texts, refuse_rule
from skimrnn.runtime.registry import sequence_reader, text_reader
from skimrnn.runtime.session import Session

Array = NDArray[Any]
T = TypeVar("T")
W = TypeVar("W", bound=Way)
Threshold = float | str | Sequence[float] | None
Budget = float | Sequence[float] | None


class Layer:
    """A stack of skimming layers that reads vectors; immutable, to be shared by threads."""

    def __init__(
        self,
        file: ModelFile,
        implementation: str | None = None,
        *,
        precision: str = "float32",
        table_bytes: int | None = None,
        embedding: Array | None = None,
    ) -> None:
        self.config: SkimConfig = file.config
        self.rule: Rule = file.rule
        self.training: dict[str, Any] = dict(file.training)
        self.card: str = file.card
        self.implementation, self._reader = sequence_reader(
            file.config,
            file.parameters,
            implementation,
            embedding,
            precision=precision,
            table_bytes=table_bytes,
        )
        self.precision: str = precision
        self.file: ModelFile = file
        self.dtype: np.dtype[Any] = next(iter(file.parameters.values())).dtype

    def read_vectors(
        self,
        x: Array,
        lengths: Sequence[int] | Array | None = None,
        hx: Array | tuple[Array, Array] | None = None,
        *,
        threshold: Threshold = None,
        budget: Budget = None,
        burst: Budget = None,
        levels: Any = None,
    ) -> VectorsReading:
        """Read sequences of vectors.

        Args:
            x: one sequence (T, E), or a padded batch (B, T, E).
            lengths: tokens of each sequence, (B,); all T if None.
            hx: initial state as torch's RNNs take it, ``(h_0, c_0)`` for the LSTM and ``h_0``
                otherwise, each (layers * directions, B, D) or, for one sequence,
                (layers * directions, D); zeros if None.
            threshold: θ, a number, "argmax" or one number per sequence; the model's own if None.
            budget: ceiling on the share of tokens read, likewise; the model's own if None.
            burst: reads allowed ahead of the budget, likewise.
            levels: for study, the level to take each token at, whole numbers from 0 to K - 1,
                (B, layers, directions, T), or (B, T) for the same in every layer and direction,
                in text order; for one sequence without B. Past a sequence's length they are not
                looked at. No rule chooses then; ``p`` is what the router says all the same.

        Returns:
            Outputs, final states, levels and probabilities, batch first.

        Raises:
            ValueError: if a shape, a length, a level or an option does not fit, or levels come
                with a threshold, budget or burst.
        """
        x = np.asarray(x, dtype=self.dtype)
        batched = x.ndim == 3
        if x.ndim not in (2, 3) or x.shape[-1] != self.config.input_size:
            raise ValueError(
                f"x must be (T, {self.config.input_size}) or (B, T, {self.config.input_size}); "
                f"got {x.shape}"
            )
        states = self._initial(hx, len(x) if batched else 1, batched)
        rows = x if batched else x[None]
        count = _lengths(lengths, rows.shape)
        ways: list[Way] = [*self._rules(len(rows), threshold, budget, burst)]
        if levels is not None:
            refuse_rule(threshold=threshold, budget=budget, burst=burst)
            ways[:] = for_sequences(levels, rows.shape[1], count, self.config, batched)
        read = [
            self._reader.read(row[:n], way, None if states is None else _row(states, b))
            for b, (row, n, way) in enumerate(zip(rows, count, ways, strict=True))
        ]
        reading = _join(read, count, rows.shape[1], self.config, self.dtype)
        return reading if batched else reading.only()

    @cached_property
    def digest(self) -> str:
        """A name for what the model is: SHA-256 of its options, parameters and words, in hex."""
        return self.file.digest()

    def _rules(self, texts: int, threshold: Threshold, budget: Budget, burst: Budget) -> list[Rule]:
        return rules_or_own(self.rule, self.config, texts, threshold, budget, burst)

    def _initial(self, hx: Any, batch: int, batched: bool) -> tuple[Array, Array | None] | None:
        if hx is None:
            return None
        several = isinstance(hx, tuple | list) or np.ndim(hx) > 0
        given = tuple(hx) if self.config.cell == "lstm" and several else (hx,)
        states = self.config.num_layers * self.config.directions
        size = self.config.hidden_size
        shape = (states, batch, size) if batched else (states, size)
        arrays = [np.asarray(part, dtype=self.dtype, order="C") for part in given]
        expected = 2 if self.config.cell == "lstm" else 1
        if len(arrays) != expected or any(array.shape != shape for array in arrays):
            what = (
                f"(h_0, c_0), each of shape {shape}" if expected == 2 else f"h_0 of shape {shape}"
            )
            got = hx.shape if isinstance(hx, np.ndarray) else [array.shape for array in arrays]
            raise ValueError(f"hx must be {what}; got {got}")
        arrays = [array.reshape(states, batch, size) for array in arrays]
        return arrays[0], arrays[1] if expected == 2 else None


@dataclass(frozen=True)
class VectorsReading:
    """What reading a batch of vector sequences gives; without the B axis for one sequence.

    Attributes:
        output: h after every token, (B, T, directions * D); zero past a sequence's length.
        h_n: last hidden states, (layers * directions, B, D).
        c_n: last cell states, likewise; None but for the LSTM.
        level: level taken, int8 (B, layers, directions, T); -1 past a sequence's length.
        p: probabilities, (B, layers, directions, T, K); zero past a sequence's length.
        lengths: tokens of each sequence, (B,); (1,) for one sequence.
        config: the options of the layers that read.
    """

    output: Array
    h_n: Array
    c_n: Array | None
    level: NDArray[np.int8]
    p: Array
    lengths: NDArray[np.int64]
    config: SkimConfig

    @property
    def skim_rate(self) -> float | None:
        """Share of (token, layer, direction) skimmed, pooled; None without a token."""
        return skim_rate(self._levels())

    def cost(self) -> cost.Cost:
        """The operations it took, against reading every token."""
        return cost.count(self.config, self._levels())

    def only(self) -> VectorsReading:
        """The same for a batch of one, without the B axis."""
        c_n = None if self.c_n is None else self.c_n[:, 0]
        return VectorsReading(
            self.output[0], self.h_n[:, 0], c_n, self.level[0], self.p[0], self.lengths, self.config
        )

    def _levels(self) -> list[NDArray[np.int8]]:
        level = self.level if self.level.ndim == 4 else self.level[None]
        return [row[..., :n] for row, n in zip(level, self.lengths, strict=True)]


class Predictions(NamedTuple):
    """What is said of N texts.

    Attributes:
        probabilities: of each class, (N, C).
        words: how many each text has, (N,).
        skim_rate: share of each text's (word, layer, direction) skimmed, (N,), in [0, 1]; NaN for
            a text without a word.
    """

    probabilities: NDArray[np.float32]
    words: NDArray[np.int64]
    skim_rate: NDArray[np.float64]


class Model(Layer):
    """A text classifier that reads and skims; immutable, to be shared by threads.

    It takes the arrays of its file as they are, without a copy: they are not to be changed.

    Attributes:
        labels: the C classes.
        multilabel: whether each label is there or not by itself, any number of them a text.
        vocabulary: the V words it knows.
        config: the layers' options.
        rule: the threshold and budget it reads with unless told otherwise.
        implementation: the name of the implementation in use.
        precision: what the recurrent weights are kept in.
        training: how it was trained, as JSON values.
        card: the model card, Markdown.
        file: the whole content of its folder.
    """

    def __init__(
        self,
        file: ModelFile,
        implementation: str | None = None,
        *,
        precision: str = "float32",
        table_bytes: int | None = None,
    ) -> None:
        if file.text is None:
            raise ValueError("this is a bare layer, not a text classifier; use load_layer")
        super().__init__(
            file,
            implementation,
            precision=precision,
            table_bytes=table_bytes,
            embedding=file.text.embedding,
        )
        self._texts = text_reader(self._reader, file.text, self.config.directions)
        self.labels = file.text.labels
        self.multilabel = file.text.multilabel
        self.vocabulary = file.text.vocabulary

    @overload
    def read(  # type: ignore[overload-overlap]  # a str is a Sequence of str as well
        self,
        texts: str | bytes,
        *,
        threshold: Threshold = None,
        budget: Budget = None,
        burst: Budget = None,
        levels: Any = None,
        workers: int = 1,
    ) -> Reading: ...
    @overload
    def read(
        self,
        texts: Sequence[str | bytes],
        *,
        threshold: Threshold = None,
        budget: Budget = None,
        burst: Budget = None,
        levels: Any = None,
        workers: int = 1,
    ) -> list[Reading]: ...
    def read(
        self,
        texts: str | bytes | Sequence[str | bytes],
        *,
        threshold: Threshold = None,
        budget: Budget = None,
        burst: Budget = None,
        levels: Any = None,
        workers: int = 1,
    ) -> Reading | list[Reading]:
        """Read one text, or several.

        Args:
            texts: a text, or a sequence of texts; bytes are UTF-8.
            threshold: θ, a number, "argmax" or one number per text; the model's own if None.
            budget: ceiling on the share of tokens read, likewise; the model's own if None.
            burst: reads allowed ahead of the budget, likewise.
            levels: for study (what would it say, had it read these words?), the level to take
                each token at, whole numbers from 0 to K - 1, (layers, directions, T), or (T,) for
                the same in every layer and direction, in text order; for a sequence of texts one
                such array each, or None for a text that the model's own rule decides. No rule
                chooses then (``reading.rule`` is None); ``p`` is what the router says all the
                same. ``predict`` and ``predict_proba`` take none.
            workers: threads that share the texts; 1 is the calling one. What is read stays the
                same to the bit. NumPy's readings hardly gain from it, native ones do.

        Returns:
            A ``Reading`` for a text, a list of them for a sequence.

        Raises:
            TypeError: if a text is neither str nor bytes.
            ValueError: if an option is refused, levels do not fit their text, or they come with a
                threshold, budget or burst.
        """
        if isinstance(texts, str | bytes):
            return self.read(
                [texts],
                threshold=threshold,
                budget=budget,
                burst=burst,
                levels=None if levels is None else [levels],
                workers=workers,
            )[0]
        texts = _checked(texts)
        ways: list[Way] = [*self._rules(len(texts), threshold, budget, burst)]
        if levels is not None:
            refuse_rule(threshold=threshold, budget=budget, burst=burst)
            tokens = [len(self._texts.rows(text)) for text in texts]
            for text, one in enumerate(for_texts(levels, tokens, self.config)):
                ways[text] = ways[text] if one is None else one
        return [one for part in _share(self._read, texts, ways, workers) for one in part]

    def _read(self, texts: Sequence[str | bytes], ways: Sequence[Way]) -> list[Reading]:
        readings = []
        for text, way in zip(texts, ways, strict=True):
            if isinstance(text, bytes):
                text = text.decode("utf-8", errors="replace")
            read = self._texts.read(text, way)
            rule = way if isinstance(way, Rule) else None
            readings.append(Reading(text, self.labels, *read, rule, self.config, self.multilabel))
        return readings

    @overload
    def predict(  # type: ignore[overload-overlap]
        self,
        texts: str | bytes,
        *,
        threshold: Threshold = None,
        budget: Budget = None,
        burst: Budget = None,
        workers: int = 1,
    ) -> str: ...
    @overload
    def predict(
        self,
        texts: Sequence[str | bytes],
        *,
        threshold: Threshold = None,
        budget: Budget = None,
        burst: Budget = None,
        workers: int = 1,
    ) -> list[str]: ...
    def predict(
        self,
        texts: str | bytes | Sequence[str | bytes],
        *,
        threshold: Threshold = None,
        budget: Budget = None,
        burst: Budget = None,
        workers: int = 1,
    ) -> str | list[str]:
        """The likeliest class of one text, or of each; arguments and errors as for ``read``.

        Raises:
            ValueError: if the model is multi-label as well; ``predict_labels`` is for any model.
        """
        if self.multilabel:
            raise ValueError(
                "this model gives a text any number of labels, not one; use predict_labels for "
                "those that are chosen, or predict_proba for the probability of each"
            )
        p = self.predict_proba(
            texts, threshold=threshold, budget=budget, burst=burst, workers=workers
        )
        if p.ndim == 1:
            return self.labels[int(np.argmax(p))]
        return [self.labels[int(row)] for row in np.argmax(p, axis=1)]

    @overload
    def predict_labels(  # type: ignore[overload-overlap]
        self,
        texts: str | bytes,
        *,
        threshold: Threshold = None,
        budget: Budget = None,
        burst: Budget = None,
        workers: int = 1,
    ) -> tuple[str, ...]: ...
    @overload
    def predict_labels(
        self,
        texts: Sequence[str | bytes],
        *,
        threshold: Threshold = None,
        budget: Budget = None,
        burst: Budget = None,
        workers: int = 1,
    ) -> list[tuple[str, ...]]: ...
    def predict_labels(
        self,
        texts: str | bytes | Sequence[str | bytes],
        *,
        threshold: Threshold = None,
        budget: Budget = None,
        burst: Budget = None,
        workers: int = 1,
    ) -> tuple[str, ...] | list[tuple[str, ...]]:
        """The labels of one text, or of each; arguments and errors as for ``read``.

        Returns:
            Those of a probability of 0.5 or more if the model is multi-label, maybe none; the
            likeliest alone if not.
        """
        p = self.predict_proba(
            texts, threshold=threshold, budget=budget, burst=burst, workers=workers
        )
        rows = [names_of(row, self.labels) for row in chosen(np.atleast_2d(p), self.multilabel)]
        return rows[0] if p.ndim == 1 else rows

    def predict_proba(
        self,
        texts: str | bytes | Sequence[str | bytes],
        *,
        threshold: Threshold = None,
        budget: Budget = None,
        burst: Budget = None,
        workers: int = 1,
    ) -> NDArray[np.float32]:
        """The probability of each class: (C,) for a text, (N, C) for a sequence of N.

        Arguments and errors as for ``read``.
        """
        if isinstance(texts, str | bytes):
            rows = self.predict_proba(
                [texts], threshold=threshold, budget=budget, burst=burst, workers=workers
            )
            return np.asarray(rows[0])
        texts = _checked(texts)
        rules = self._rules(len(texts), threshold, budget, burst)
        parts = _share(self._texts.predict, texts, rules, workers)
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def encode(
        self,
        texts: str | bytes | Sequence[str | bytes],
        *,
        threshold: Threshold = None,
        budget: Budget = None,
        burst: Budget = None,
        workers: int = 1,
    ) -> Array:
        """What the head sees: the last layer's final hidden state of each direction.

        Arguments and errors as for ``read``.

        Returns:
            (directions * D,) for a text, (N, directions * D) for a sequence of N, in the
            parameters' dtype.
        """
        if isinstance(texts, str | bytes):
            rows = self.encode(
                [texts], threshold=threshold, budget=budget, burst=burst, workers=workers
            )
            return np.asarray(rows[0])
        texts = _checked(texts)
        rules = self._rules(len(texts), threshold, budget, burst)
        return np.concatenate([*_share(self._encode, texts, rules, workers)])

    def _encode(self, texts: Sequence[str | bytes], rules: Sequence[Rule]) -> Array:
        directions, size = self.config.directions, self.config.hidden_size
        states = np.empty((len(texts), directions * size), self.dtype)
        for state, text, rule in zip(states, texts, rules, strict=True):
            read = self._reader.read_words(self._texts.rows(text), rule)
            state[:] = read.h_n[-directions:].reshape(-1)
        return states

    def predict_counted(
        self,
        texts: Sequence[str | bytes],
        *,
        threshold: Threshold = None,
        budget: Budget = None,
        burst: Budget = None,
    ) -> Predictions:
        """The probability of each class, words and skim rate of each text, in one native call.

        Arguments and errors as for ``read``, but one text alone is refused by a TypeError.
        """
        if isinstance(texts, str | bytes):
            raise TypeError(
                f"texts must be several, such as a list of str; got one text, {texts!r:.60}: "
                "put it into a list"
            )
        texts = _checked(texts)
        rules = self._rules(len(texts), threshold, budget, burst)
        probabilities, counts = self._texts.predict_counted(texts, rules)
        words, skimmed = counts.T
        states = self.config.num_layers * self.config.directions
        with np.errstate(invalid="ignore"):
            return Predictions(probabilities, words, skimmed / (words * states))

    def session(
        self,
        *,
        threshold: float | str | None = None,
        budget: float | None = None,
        burst: float | None = None,
    ) -> Session:
        """Read one text as it comes in.

        Args:
            threshold: θ, a number or "argmax"; the model's own if None.
            budget: ceiling on the share of tokens read; the model's own if None.
            burst: reads allowed ahead of the budget; the model's own if None.

        Returns:
            A session: ``feed`` it, look at its ``reading``, ``finish`` it.

        Raises:
            SessionError: if the model also reads backwards, or its router looks ahead.
            ValueError: if an option is refused.
        """
        return Session(self, self._rules(1, threshold, budget, burst)[0])


def load(
    model: str | os.PathLike[str],
    *,
    implementation: str | None = None,
    precision: str = "float32",
    table_bytes: int | None = None,
    router_options: Mapping[str, int] | None = None,
) -> Model:
    """Load a text classifier.

    Args:
        model: the name of a bundled model, such as ``"sst"``, or the path of a model folder; a
            path given as a string has a separator (``"./mine"``). If there is no such folder,
            ``"org/name"``, or ``"org/name@revision"``, is downloaded from the public hub.
        implementation: what to read with, of ``implementations()``; the fastest if None.
        precision: of the recurrent weights: "float32", or "int8", which is faster and reads
            almost the same (docs/runtime.md says how nearly).
        table_bytes: room for what is looked up per word instead of being computed, 32 MiB if
            None; it changes time and memory, not a bit of what is read.
        router_options: other settings of its router than it was saved with, such as
            ``{"reads": 3}`` for SkipW, which then reads at most 3 tokens of a window.

    Returns:
        The model, ready to read.

    Raises:
        ModelFileError: if the folder is not a text classifier that can be read.
        HubError: if it is no folder here and the hub does not give it.
        ValueError: if there is no bundled model, or no implementation, of that name, or the
            model cannot be read in that precision or with those options.
    """
    folder = model_folder(model)
    file = read_model(folder).with_router_options(router_options or {})
    if file.text is None:
        raise ModelFileError(folder, ["it is a bare layer, not a text classifier; use load_layer"])
    return Model(file, implementation, precision=precision, table_bytes=table_bytes)


def load_layer(
    folder: str | os.PathLike[str],
    *,
    implementation: str | None = None,
    precision: str = "float32",
    router_options: Mapping[str, int] | None = None,
) -> Layer:
    """Load a stack of layers to read vectors with; of a text classifier, its layers.

    Arguments and errors as for ``load``.
    """
    file = read_model(model_folder(folder)).with_router_options(router_options or {})
    return Layer(file, implementation, precision=precision)


_CHUNK = 64
"""Texts that a worker takes at once: many times fewer than there are, so that all end together."""


def _share(
    work: Callable[[Sequence[str | bytes], Sequence[W]], T],
    texts: Sequence[str | bytes],
    ways: Sequence[W],
    workers: int,
) -> list[T]:
    """``work`` done on all texts, in parts that keep their order; one part if it is not shared."""
    if not isinstance(workers, int) or isinstance(workers, bool) or workers < 1:
        raise ValueError(f"workers must be a whole number of at least 1; got {workers!r}")
    if workers == 1 or len(texts) < 2:
        return [work(texts, ways)]
    from concurrent.futures import ThreadPoolExecutor  # not needed to read alone

    chunk = max(1, min(_CHUNK, len(texts) // (4 * workers)))

    def part(begin: int) -> T:
        return work(texts[begin : begin + chunk], ways[begin : begin + chunk])

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(part, range(0, len(texts), chunk)))


def _checked(texts: Iterable[str | bytes]) -> list[str | bytes]:
    if not isinstance(texts, Iterable):
        raise TypeError(
            f"expected a text or a sequence of texts, each str or bytes; got {type(texts).__name__}"
        )
    texts = list(texts)
    for index, text in enumerate(texts):
        if not isinstance(text, str | bytes):
            raise TypeError(f"a text must be str or bytes; text {index} is {type(text).__name__}")
    return texts


def _lengths(lengths: Any, shape: tuple[int, ...]) -> list[int]:
    batch, tokens = shape[0], shape[1]
    if lengths is None:
        return [tokens] * batch
    given = np.asarray(lengths).reshape(-1).tolist()
    whole = all(isinstance(n, int) and 0 <= n <= tokens for n in given)
    if len(given) != batch or not whole:
        raise ValueError(
            f"lengths must be {batch} whole numbers from 0 to {tokens}; got {given[:20]}"
        )
    return given


def _row(states: tuple[Array, Array | None], b: int) -> tuple[Array, Array | None]:
    h, c = states
    return h[:, b], None if c is None else c[:, b]


def _join(
    read: list[SequenceReading], lengths: list[int], tokens: int, config: SkimConfig, dtype: Any
) -> VectorsReading:
    batch, states = len(read), (config.num_layers, config.directions)
    width = config.directions * config.hidden_size
    output = np.zeros((batch, tokens, width), dtype=dtype)
    level = np.full((batch, *states, tokens), -1, dtype=np.int8)
    p = np.zeros((*level.shape, len(config.levels)), dtype=dtype)
    h_n = np.zeros((states[0] * states[1], batch, config.hidden_size), dtype=dtype)
    c_n = np.zeros_like(h_n) if config.cell == "lstm" else None
    for b, (one, n) in enumerate(zip(read, lengths, strict=True)):
        output[b, :n], level[b, ..., :n], p[b, ..., :n, :] = one.output, one.level, one.p
        h_n[:, b] = one.h_n
        if c_n is not None:
            c_n[:, b] = one.c_n
    return VectorsReading(output, h_n, c_n, level, p, np.array(lengths, dtype=np.int64), config)
