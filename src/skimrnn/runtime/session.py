"""Reading a text as it comes in: chunk by chunk, the same bits as reading it whole.

A word is read when nothing that follows can change it: at the next space, or the next mark other
than an apostrophe (``don`` may become ``do n't``). Until then its run of characters waits.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from skimrnn.decision import Rule
from skimrnn.reading import Reading
from skimrnn.runtime.carried import Carried
from skimrnn.text import settled_length

if TYPE_CHECKING:
    from skimrnn.runtime.model import Model

_FORMAT: Final = "skimrnn session"
_VERSION: Final = 1


class SessionError(ValueError):
    """A session that cannot go on: finished, fed two kinds of text, or saved by another model."""


class _Part(NamedTuple):
    """What was read at once: its text, and level and p as ``Reading`` has them."""

    text: str
    level: NDArray[np.int8]
    p: NDArray[np.float32]


class Session:
    """One text, read as it comes in; made by ``model.session()``.

    It keeps the text and the decisions, so that ``reading`` can give them. Not for several threads
    at once; the model may be shared.

    Attributes:
        model: what reads.
        rule: threshold and budget, for the whole text.
        finished: whether ``finish`` was called.
    """

    def __init__(self, model: Model, rule: Rule) -> None:
        if model.config.bidirectional:
            raise SessionError(
                "a session reads forward, and this model also reads from the end of the text; "
                "read the whole text with model.read"
            )
        if model.config.following:
            raise SessionError(
                f"a session reads what is there so far, and the router {model.config.router!r} "
                "looks at all that follows before it reads; read the whole text with model.read"
            )
        self.model, self.rule = model, rule
        self.reset()

    def reset(self) -> None:
        """Begin anew, with an empty text."""
        self.finished = False
        self._carried = Carried.nothing(self.model.config, self.model.dtype)
        self._parts: list[_Part] = []
        self._waiting: list[str] = []
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def feed(self, text: str | bytes) -> int:
        """Take the next piece of the text, cut anywhere: inside a word, or a character's bytes.

        Args:
            text: str, or UTF-8 bytes (what is invalid becomes U+FFFD).

        Returns:
            How many words were read by it.

        Raises:
            TypeError: if it is neither str nor bytes.
            SessionError: if the session is finished, or a str comes in the middle of a
                character's bytes.
        """
        if not isinstance(text, str | bytes):
            raise TypeError(f"text must be str or bytes; got {type(text).__name__}")
        if self.finished:
            raise SessionError("this session is finished; call reset() to read another text")
        if isinstance(text, bytes):
            text = self._decoder.decode(text)
        elif self._decoder.getstate()[0]:
            raise SessionError(
                "the bytes fed before end inside a character; feed its other bytes before any str"
            )
        settled = settled_length(text)
        if not settled:
            self._waiting.append(text)
            return 0
        ready = "".join([*self._waiting, text[:settled]])
        self._waiting = [text[settled:]]
        return self._read(ready)

    def finish(self) -> Reading:
        """Read what still waits; the reading of the whole text."""
        if not self.finished:
            rest = "".join([*self._waiting, self._decoder.decode(b"", final=True)])
            self._waiting = []
            self._read(rest)
            self.finished = True
        return self.reading

    @property
    def tokens(self) -> int:
        """Words read so far."""
        return self._carried.tokens

    @property
    def waiting(self) -> str:
        """The characters that are not read yet."""
        return "".join(self._waiting)

    @property
    def probabilities(self) -> NDArray[np.float32]:
        """Probability of each class after what was read so far, (C,)."""
        return self.model._texts.head(self._carried.h[-1])

    @property
    def reading(self) -> Reading:
        """The reading of all that was read so far, as ``model.read`` would give it."""
        if len(self._parts) != 1:
            config = self.model.config
            shape = (config.num_layers, 1, 0)
            empty = _Part("", np.zeros(shape, np.int8), np.zeros((*shape, len(config.levels)), "f"))
            parts = [empty, *self._parts]
            self._parts = [
                _Part(
                    "".join(part.text for part in parts),
                    np.concatenate([part.level for part in parts], axis=2),
                    np.concatenate([part.p for part in parts], axis=2),
                )
            ]
        whole, model = self._parts[0], self.model
        return Reading(
            whole.text,
            model.labels,
            self.probabilities,
            whole.level,
            whole.p,
            self.rule,
            model.config,
            model.multilabel,
        )

    def clone(self) -> Session:
        """Another session that stands where this one does; each goes its own way."""
        other = Session(self.model, self.rule)
        other.finished, other._carried = self.finished, self._carried
        other._parts, other._waiting = list(self._parts), list(self._waiting)
        other._decoder.setstate(self._decoder.getstate())
        return other

    def to_bytes(self) -> bytes:
        """All of it but the model, to go on elsewhere with ``Session.from_bytes``.

        A safetensors file: no code is run when it is read.
        """
        reading, carried = self.reading, self._carried
        tensors = {
            "h": carried.h,
            "reads": carried.reads,
            "memory": carried.memory,
            "level": reading.level,
            "p": reading.p,
            "text": _codes(reading.text),
            "waiting": _codes(self.waiting),
            "bytes": np.frombuffer(self._decoder.getstate()[0], np.uint8),
        }
        if carried.c is not None:
            tensors["c"] = carried.c
        about = {
            "format": _FORMAT,
            "version": _VERSION,
            "model": self.model.digest,
            "finished": self.finished,
            "rule": asdict(self.rule),
        }
        tensors["about"] = np.frombuffer(json.dumps(about).encode(), np.uint8)
        return save_tensors({k: np.ascontiguousarray(v) for k, v in tensors.items()})

    @classmethod
    def from_bytes(cls, model: Model, data: bytes) -> Session:
        """The session that ``to_bytes`` wrote, to go on with the same model.

        Raises:
            SessionError: if they are no session's bytes, damaged, or of another model or version.
        """
        about, tensors = _unpack(data)
        if about.get("version") != _VERSION:
            raise SessionError(
                f"this session was saved in version {about.get('version')!r}, and this skimrnn "
                f"reads version {_VERSION}"
            )
        if about.get("model") != model.digest:
            raise SessionError(
                "this session was saved with another model; load the model that it was made with"
            )
        try:
            session = cls(model, Rule(**about["rule"]))
            session._take(tensors)
            session.finished = about["finished"] is True
        except (KeyError, TypeError, ValueError) as error:
            raise SessionError(f"these bytes are a damaged session: {error}") from error
        return session

    def _read(self, text: str) -> int:
        rows = self.model._texts.rows(text)
        read, self._carried = self.model._reader.continue_words(rows, self.rule, self._carried)
        self._parts.append(_Part(text, read.level, read.p.astype(np.float32, copy=False)))
        return len(rows)

    def _take(self, tensors: Mapping[str, NDArray[Any]]) -> None:
        """Go on from saved arrays, each checked against this model and the others."""
        config, dtype = self.model.config, self.model.dtype
        text, waiting = _text(tensors["text"]), _text(tensors["waiting"])
        tokens = len(self.model._texts.rows(text))
        layers, states = config.num_layers, (config.num_layers, config.hidden_size)
        expected = {
            "h": (dtype, states),
            "reads": (np.dtype(np.int64), (layers,)),
            "memory": (dtype, (layers, len(config.memory))),
            "level": (np.dtype(np.int8), (layers, 1, tokens)),
            "p": (np.dtype(np.float32), (layers, 1, tokens, len(config.levels))),
        }
        if config.cell == "lstm":
            expected["c"] = (dtype, states)
        for name, (kind, shape) in expected.items():
            array = tensors[name]
            if array.dtype != kind or array.shape != shape:
                raise ValueError(f"{name} must be {kind} {shape}; got {array.dtype} {array.shape}")
        if settled_length(waiting):
            raise ValueError("what waits holds a whole word")
        level, reads = tensors["level"], tensors["reads"]
        if level.size and not 0 <= int(level.min()) <= int(level.max()) < len(config.levels):
            raise ValueError(f"level must be from 0 to {len(config.levels) - 1}")
        # NaN passes: a model whose numbers overflow has it in sessions of its own.
        if self.model.precision == "int8" and (np.abs(tensors["h"]) > 1).any():
            raise ValueError("h must be within -1 to 1 for a model in int8")
        counted = (level[:, 0] == 0).sum(axis=1) if config.skims else 0
        if (reads != counted).any():
            raise ValueError("reads must be the number of tokens at level 0")
        self._decoder.decode(tensors["bytes"].astype(np.uint8, casting="equiv").tobytes())
        self._carried = Carried(tensors["h"], tensors.get("c"), reads, tokens, tensors["memory"])
        self._parts = [_Part(text, level, tensors["p"])]
        self._waiting = [waiting]


def _codes(text: str) -> NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def _text(codes: NDArray[Any]) -> str:
    return codes.astype("<u4", casting="equiv").tobytes().decode("utf-32-le", "surrogatepass")


def _unpack(data: bytes) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The description and the arrays of a session's bytes."""
    try:
        tensors = load_tensors(data)
        about = json.loads(tensors["about"].tobytes())
    except (SafetensorError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise SessionError(f"these bytes are not a session: {error}") from error
    if not isinstance(about, dict) or about.get("format") != _FORMAT:
        raise SessionError("these bytes are not a session of skimrnn")
    return about, tensors
