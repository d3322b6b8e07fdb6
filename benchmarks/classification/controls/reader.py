"""From text to label with a control, without torch."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.classification.controls import saved
from benchmarks.classification.controls.native import NativeControl
from benchmarks.classification.measured import Measured, measured
from benchmarks.scanner import scanner
from skimrnn.tasks import Examples

Text = str | bytes
Array = NDArray[np.float32]


class Control:
    """A trained control; called as ``skimrnn.Model`` is, with no θ to set.

    Attributes:
        labels: the C classes.
        vocabulary: the words it knows.
        record: how it was trained.
        implementation: what reads.
        precision: of the word table.
    """

    implementation = "scan.cc"
    precision = "float32"

    def __init__(self, control: saved.SavedControl) -> None:
        self.cell, self.labels, self.record = control.cell, control.labels, control.record
        self.vocabulary = control.vocabulary
        self._scanner = scanner(control.vocabulary)
        self._native = NativeControl(control)

    def rows(self, text: Text) -> NDArray[np.int32]:
        """The rows of a text's words, (T,)."""
        return self._scanner.rows(text)

    def read_rows(self, rows: NDArray[np.int32]) -> Array:
        """The probability of each class (C,) of a text given as rows of the vocabulary (T,)."""
        return self._native.read(np.ascontiguousarray(rows, np.int32))

    def predict_proba(self, texts: Text | Sequence[Text]) -> Array:
        """The probability of each class: (C,) for a text, (N, C) for a sequence of N."""
        if isinstance(texts, str | bytes):
            return self._native.read(self._scanner.rows(texts))
        p = np.empty((len(texts), len(self.labels)), np.float32)
        for row, text in zip(p, texts, strict=True):
            row[:] = self._native.read(self._scanner.rows(text))
        return p

    def predict(self, texts: Text | Sequence[Text]) -> str | list[str]:
        """The likeliest class of one text, or of each."""
        p = self.predict_proba(texts)
        if p.ndim == 1:
            return self.labels[int(p.argmax())]
        return [self.labels[int(row)] for row in p.argmax(axis=1)]


def load(folder: str | os.PathLike[str]) -> Control:
    """The control in a folder.

    Raises:
        FileNotFoundError: if there is none.
        RuntimeError: if there is no compiler for its reader.
    """
    return Control(saved.read(Path(folder)))


def measure(control: Control, examples: Examples) -> Measured:
    """Accuracy on texts; nothing is skimmed, and no operation counted."""
    found = control.predict_proba(examples.texts).argmax(axis=1)
    tokens = sum(len(control.rows(text)) for text in examples.texts)
    return measured(found == np.asarray(examples.targets), tokens)
