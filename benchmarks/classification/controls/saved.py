"""A trained control in one file, ``model.npz``, without pickle.

about           UTF-8: JSON with cell, labels and training record
words           UTF-8: the vocabulary, one word a line
embedding       (V, E) float32, as all that follow
weight, bias    (G*D, window*E), (G*D,): of the gates, as in ``gated.py``
head_weight, head_bias    (C, D), (C,)
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skimrnn.files import write_atomically
from skimrnn.text import Vocabulary

NAME = "model.npz"
_ARRAYS = ("embedding", "weight", "bias", "head_weight", "head_bias")

Array = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class SavedControl:
    """A control's whole content.

    Attributes:
        cell: "qrnn" or "mingru".
        labels: the C classes.
        vocabulary: V words.
        embedding: (V, E).
        weight: of all gates, (G*D, window*E).
        bias: likewise, (G*D,).
        head_weight: (C, D), applied to the final h.
        head_bias: (C,).
        record: how it was trained, as JSON values.
    """

    cell: str
    labels: tuple[str, ...]
    vocabulary: Vocabulary
    embedding: Array
    weight: Array
    bias: Array
    head_weight: Array
    head_bias: Array
    record: dict[str, Any]

    @property
    def hidden_size(self) -> int:
        """D."""
        return self.head_weight.shape[1]

    def write(self, folder: Path) -> None:
        """Write the file into a folder, whole or not at all."""
        about = {"cell": self.cell, "labels": self.labels, "record": self.record}
        buffer = io.BytesIO()
        np.savez(
            buffer,
            allow_pickle=False,
            about=_bytes(json.dumps(about)),
            words=_bytes(self.vocabulary.to_text()),
            **{name: np.asarray(getattr(self, name), np.float32) for name in _ARRAYS},
        )
        write_atomically(folder / NAME, buffer.getvalue())


def read(folder: Path) -> SavedControl:
    """The control in a folder.

    Raises:
        FileNotFoundError: if there is none.
    """
    path = folder / NAME
    if not path.is_file():
        raise FileNotFoundError(
            f"{folder} holds no control, which would be {NAME}; train one with "
            "python -m benchmarks.classification --row qrnn"
        )
    with np.load(path, allow_pickle=False) as file:
        about = json.loads(file["about"].tobytes())
        vocabulary = Vocabulary.from_text(file["words"].tobytes().decode())
        arrays = {name: file[name] for name in _ARRAYS}
    labels = tuple(about["labels"])
    return SavedControl(about["cell"], labels, vocabulary, **arrays, record=about["record"])


def _bytes(text: str) -> NDArray[np.uint8]:
    return np.frombuffer(text.encode(), np.uint8)
