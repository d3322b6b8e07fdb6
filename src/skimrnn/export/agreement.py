"""Whether an exported model, in ONNX Runtime, reads as ours does."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skimrnn.decision import ARGMAX
from skimrnn.export.onnx_model import INSTALL
from skimrnn.model_file import ModelFile
from skimrnn.runtime import Layer, Model
from skimrnn.text import scan

Array = NDArray[Any]
Run = Callable[[dict[str, Array]], dict[str, Array]]

NEAR = 1e-6
"""A decision may differ where a probability is this near to where it turns."""
CLOSE = 1e-4
"""Largest difference of probabilities and states that rounding explains."""

_LENGTHS = (0, 1, 2, 5, 17, 40)


@dataclass(frozen=True)
class Agreement:
    """What was found where an exported model and ours read the same.

    Attributes:
        texts: texts (for a layer, sequences) that both read.
        decisions: words of them, in every layer and direction.
        equal: decisions that are the same.
        differing: texts with another decision though none of its probabilities is within ``NEAR``
            of where it turns.
        largest: largest difference of what they give, over texts with the same decisions; beyond
            1, in proportion.
    """

    texts: int
    decisions: int
    equal: int
    differing: int
    largest: float

    @property
    def holds(self) -> bool:
        """Whether rounding explains every difference."""
        return not self.differing and self.largest <= CLOSE


def compare(
    file: ModelFile, model: str | os.PathLike[str] | bytes, threshold: float | str
) -> Agreement:
    """Read made-up texts (for a layer, vectors) with both, in one padded batch.

    Args:
        file: what was exported.
        model: the ONNX model, its path or its bytes.
        threshold: θ that is fixed in it.

    Raises:
        ImportError: if the package ``onnxruntime`` is missing.
    """
    run = onnx_runtime(model)
    random = np.random.default_rng(0)
    lengths = np.array(_LENGTHS)
    if file.text is None:
        x = random.normal(size=(len(lengths), lengths.max(), file.config.input_size))
        return compare_vectors(Layer(file), run, x, lengths, threshold)
    words = file.text.vocabulary.words
    texts = [" ".join(random.choice(words, size=length)) for length in _LENGTHS]
    return compare_texts(Model(file), run, texts, threshold)


def compare_texts(model: Model, run: Run, texts: list[str], threshold: float | str) -> Agreement:
    """Read texts with both."""
    rows = [model.vocabulary.rows(scan(text).words) for text in texts]
    lengths = np.array([len(one) for one in rows])
    padded = np.full((len(texts), max(lengths.max(), 1)), -1)
    for row, one in zip(padded, rows, strict=True):
        row[: len(one)] = one
    theirs = run({"rows": padded, "lengths": lengths})
    ours = model.read(texts, threshold=threshold)
    return _agreement(
        [(one.level, one.p, {"probabilities": one.probabilities}) for one in ours],
        [
            (level[:, :length], {"probabilities": p})
            for level, p, length in zip(
                theirs["level"], theirs["probabilities"], lengths, strict=True
            )
        ],
        threshold,
    )


def compare_vectors(
    layer: Layer, run: Run, x: Array, lengths: Array, threshold: float | str
) -> Agreement:
    """Read sequences of vectors (B, T, E) with both."""
    x = x.astype(layer.dtype)
    theirs = run({"x": x, "lengths": lengths})
    ours = layer.read_vectors(x, lengths, threshold=threshold)
    states = {"output": ours.output, "h_n": ours.h_n.swapaxes(0, 1)}
    if ours.c_n is not None:
        states["c_n"] = ours.c_n.swapaxes(0, 1)
    given = {name: a if name == "output" else a.swapaxes(0, 1) for name, a in theirs.items()}
    return _agreement(
        [
            (ours.level[b, ..., :n], ours.p[b, ..., :n, :], {k: a[b] for k, a in states.items()})
            for b, n in enumerate(lengths)
        ],
        [
            (theirs["level"][b, :, :n], {name: given[name][b] for name in states})
            for b, n in enumerate(lengths)
        ],
        threshold,
    )


def margin(p: Array, threshold: float | str) -> Array:
    """How far the probabilities (..., K) are from another decision."""
    if p.shape[-1] == 1:
        return np.full(p.shape[:-1], np.inf)
    if threshold == ARGMAX:
        least = np.sort(p, axis=-1)
        return np.asarray(least[..., -1] - least[..., -2])
    assert not isinstance(threshold, str)
    if not 0 <= threshold < 1:
        return np.full(p.shape[:-1], np.inf)
    shares = np.cumsum(p[..., ::-1], axis=-1)[..., :-1]
    return np.asarray(np.abs(shares - np.float32(threshold)).min(axis=-1))


def onnx_runtime(model: str | os.PathLike[str] | bytes) -> Run:
    """What runs a model on one thread, from its inputs by name to its outputs by name.

    Raises:
        ImportError: if the package is missing.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise ImportError(
            f"running an ONNX model needs the package onnxruntime; install it with: {INSTALL}"
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        model if isinstance(model, bytes) else os.fspath(model),
        options,
        providers=["CPUExecutionProvider"],
    )
    names = [output.name for output in session.get_outputs()]

    def run(inputs: dict[str, Array]) -> dict[str, Array]:
        return dict(zip(names, session.run(names, inputs), strict=True))

    return run


def _agreement(
    ours: list[tuple[Array, Array, dict[str, Array]]],
    theirs: list[tuple[Array, dict[str, Array]]],
    threshold: float | str,
) -> Agreement:
    """Of each text: our levels (layers, directions, T), p and values; their levels and values."""
    decisions = equal = differing = 0
    largest = 0.0
    for (level, p, values), (other, given) in zip(ours, theirs, strict=True):
        same = level.reshape(other.shape) == other
        decisions, equal = decisions + same.size, equal + int(same.sum())
        if same.all():
            for name, value in values.items():
                off = np.abs(value - given[name]) / np.maximum(1, np.abs(value))
                largest = max(largest, float(off.max(initial=0)))
        elif margin(p, threshold).min(initial=np.inf) > NEAR:
            differing += 1
    return Agreement(len(ours), decisions, equal, differing, largest)
