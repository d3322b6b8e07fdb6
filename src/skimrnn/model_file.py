"""The folder of a text classifier or a bare layer, written whole, and checked whole when read.

A classifier's config.json has its labels and what its head sees; a bare layer has no
vocabulary.txt. ``model_folder.py`` says what is in a model folder.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skimrnn.config import SkimConfig
from skimrnn.decision import Rule
from skimrnn.files import new_folder
from skimrnn.model_folder import (
    FORMAT,
    FORMAT_VERSION,
    ROWS,
    ModelFileError,
    as_json,
    as_stored,
    check_target,
    is_there,
    keep_others,
    layer_of,
    load_tensors,
    open_folder,
    part,
    plain,
    quantised,
    read_json,
    record_and_card,
    rule_of,
    shape_problems,
    value_problems,
    vocabulary_of,
    write_files,
)
from skimrnn.text import Vocabulary

POOLINGS = ("last",)
SOFTMAX, SIGMOID = "softmax", "sigmoid"
ACTIVATIONS = (SOFTMAX, SIGMOID)

Array = NDArray[Any]


@dataclass(frozen=True)
class TextPart:
    """What turns a layer into a text classifier.

    Attributes:
        labels: the C class names.
        vocabulary: V words; row 0 is the unknown word.
        embedding: (V, E).
        head_weight: (C, directions * D), applied to the last layer's final hidden states.
        head_bias: (C,).
        pooling: what the head sees; "last" is the final hidden state of each direction.
        activation: what makes the head's scores probabilities: "softmax", one label a text, or
            "sigmoid", each label by itself, any number of them a text.
    """

    labels: tuple[str, ...]
    vocabulary: Vocabulary
    embedding: Array
    head_weight: Array
    head_bias: Array
    pooling: str = "last"
    activation: str = SOFTMAX

    @property
    def multilabel(self) -> bool:
        """Whether a text may have several labels, or none."""
        return self.activation == SIGMOID


@dataclass(frozen=True)
class ModelFile:
    """A model folder's whole content.

    Attributes:
        config: the layers' options.
        parameters: the layers' parameters, named as in ``config.parameter_shapes()``.
        rule: the threshold and budget it reads with unless told otherwise.
        text: embedding, vocabulary and head; None for a bare layer.
        training: how it was trained, as JSON values.
        card: the model card, Markdown.
        torch: what a module of torch is made with besides, and reading does without: whichever of
            "batch_first", "dropout", "hard" and, of a classifier, "text_dropout" is not its
            default, false or 0.
    """

    config: SkimConfig
    parameters: Mapping[str, Array]
    rule: Rule = field(default_factory=Rule)
    text: TextPart | None = None
    training: Mapping[str, Any] = field(default_factory=dict)
    card: str = ""
    torch: Mapping[str, bool | float] = field(default_factory=dict)

    def with_router_options(self, options: Mapping[str, int]) -> ModelFile:
        """The same model with other router options (``SkimConfig.with_router_options``)."""
        return replace(self, config=self.config.with_router_options(options))

    def digest(self) -> str:
        """SHA-256 of all that decides what is read, but for the rule, in hex."""
        hashed = hashlib.sha256(json.dumps(self.config.to_dict()).encode())
        for name, array in sorted(_tensors(self).items()):
            hashed.update(f"{name} {array.dtype} {array.shape}".encode())
            hashed.update(np.ascontiguousarray(array).tobytes())
        if self.text is not None:
            hashed.update(json.dumps(self.text.labels).encode())
            hashed.update(self.text.vocabulary.to_text().encode())
            if self.text.activation != SOFTMAX:  # which every model had before there was another
                hashed.update(self.text.activation.encode())
        return hashed.hexdigest()


def write_model(
    folder: Path | str, model: ModelFile, *, dtype: str | None = None, int8_rows: bool = False
) -> None:
    """Write a model folder, whole or not at all.

    Args:
        folder: where; an older model there is replaced, any other folder with files is refused.
        model: what to write.
        dtype: "float16", "float32" or "float64" to store the parameters in; None keeps theirs.
        int8_rows: whether a classifier's word vectors are stored in int8 with a scale for each,
            and so rounded to 1/127 of their largest number.

    Raises:
        ValueError: if the model is not one that could be read back.
        FileExistsError: if the folder holds something that is not a model.
        OSError: if it cannot be written; nothing is then changed.
    """
    folder = Path(folder)
    check_target(folder, dtype)
    tensors = as_stored(_tensors(model), dtype)
    problems = value_problems(tensors)
    if int8_rows and model.text is None:
        problems.append("int8_rows is for word vectors, and a layer has none")
    elif int8_rows and not problems:
        tensors |= quantised(tensors[ROWS], problems)
    classifier = model.text is not None
    values: dict[str, Any] = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "kind": "classifier" if classifier else "layer",
        "layer": model.config.to_dict(),
        "rule": {name: plain(value) for name, value in asdict(model.rule).items()},
    }
    rows = classes = None
    if model.text is not None:
        rows, classes = len(model.text.vocabulary), len(model.text.labels)
        values["head"] = {
            "labels": list(model.text.labels),
            "pooling": model.text.pooling,
            "activation": model.text.activation,
        }
    if model.torch:
        values["torch"] = dict(model.torch)
    config = _Config.check(values, problems).layer
    stored = {name: (str(array.dtype), array.shape) for name, array in tensors.items()}
    expected = None if config is None else _expected(config, classifier, rows, classes)
    problems += shape_problems(stored, expected)
    files = {
        "config.json": part(problems, "config.json", lambda: as_json(values)),
        "training.json": part(problems, "training.json", lambda: as_json(model.training)),
        "README.md": part(problems, "README.md", lambda: model.card.encode()),
    }
    if model.text is not None:
        files["vocabulary.txt"] = model.text.vocabulary.to_text().encode()
    write_files(folder, files, tensors, problems)


def with_rule(folder: Path | str, out: Path | str, rule: Rule, record: Mapping[str, Any]) -> None:
    """Write a model folder anew with another rule and more in its training record.

    Every other file of the model is kept as it is, and what else lies where it is written.

    Args:
        folder: a model folder.
        out: where to; it may be the same folder.
        rule: the threshold and budget to read with from now on.
        record: added to the training record, by key.

    Raises:
        ModelFileError: if the folder cannot be read.
        ValueError: if the rule does not fit the model.
        FileExistsError: if ``out`` holds something that is not a model.
        OSError: if it cannot be written; nothing is then changed.
    """
    folder, out = Path(folder), Path(out)
    model = read_model(folder)
    check_target(out)
    values = read_json(folder / "config.json")
    values["rule"] = {name: plain(value) for name, value in asdict(rule).items()}
    rule_of(values["rule"], model.config)
    changed = {
        "config.json": as_json(values),
        "training.json": as_json({**model.training, **record}),
    }
    with new_folder(out) as new:
        for path in folder.iterdir():
            if path.is_file() and path.name not in changed:
                shutil.copyfile(path, new / path.name)  # without its mode, which may be read-only
        keep_others(out, new)
        for name, data in changed.items():
            (new / name).write_bytes(data)


def read_model(folder: Path | str) -> ModelFile:
    """Read and check a model folder.

    Returns:
        The model; float16 parameters come back as float32.

    Raises:
        ModelFileError: if it is missing, malformed, truncated, oversized or foreign.
    """
    folder = Path(folder)
    problems: list[str] = []
    values = open_folder(folder, problems)
    config = _Config() if values is None else _Config.check(values, problems)
    vocabulary = None
    # With a damaged config.json it is not known what it should be; what there is, is checked.
    if config.kind == "classifier" or (config.kind is None and is_there(folder, "vocabulary.txt")):
        vocabulary = part(problems, "vocabulary.txt", lambda: vocabulary_of(folder))
    expected = None
    if config.layer is not None and config.kind is not None:
        rows = None if vocabulary is None else len(vocabulary)
        classes = None if config.head is None else len(config.head.labels)
        expected = _expected(config.layer, config.kind == "classifier", rows, classes)
    tensors = part(problems, "model.safetensors", lambda: load_tensors(folder, expected, problems))
    training, card = record_and_card(folder, problems)
    if problems:
        raise ModelFileError(folder, problems)
    assert config.layer is not None
    assert config.rule is not None
    assert tensors is not None
    text, prefix = None, ""
    if config.kind == "classifier":
        assert config.head is not None
        assert vocabulary is not None
        text = TextPart(
            config.head.labels,
            vocabulary,
            tensors["embedding.weight"],
            tensors["head.weight"],
            tensors["head.bias"],
            config.head.pooling,
            config.head.activation,
        )
        prefix = "rnn."
    parameters = {name: tensors[prefix + name] for name in config.layer.parameter_shapes()}
    assert config.torch is not None
    return ModelFile(config.layer, parameters, config.rule, text, training, card, config.torch)


# ---- config.json --------------------------------------------------------------------------------


class _Head(NamedTuple):
    """What config.json says of the head; ``TextPart`` says what each is."""

    labels: tuple[str, ...]
    pooling: str
    activation: str


class _Config(NamedTuple):
    """What config.json says; None for what is missing or wrong."""

    layer: SkimConfig | None = None
    rule: Rule | None = None
    kind: str | None = None
    head: _Head | None = None
    torch: dict[str, bool | float] | None = None

    @classmethod
    def check(cls, values: Mapping[str, Any], problems: list[str]) -> _Config:
        """The parts that are right; what is wrong is added to ``problems``."""
        layer = part(problems, "layer", lambda: layer_of(values.get("layer")))
        rule = part(problems, "rule", lambda: rule_of(values.get("rule"), layer))
        kind = part(problems, "kind", lambda: _kind(values.get("kind")))
        head = None
        if kind == "classifier":
            head = part(problems, "head", lambda: _head(values.get("head")))
        torch = part(problems, "torch", lambda: _torch(values.get("torch", {})))
        return cls(layer, rule, kind, head, torch)


def _kind(value: Any) -> str:
    if value not in ("layer", "classifier"):
        hint = "; skimrnn.load_answerer reads it" if value == "answerer" else ""
        raise ValueError(f'it must be "layer" or "classifier"; got {value!r}{hint}')
    return str(value)


def _head(values: Any) -> _Head:
    if not isinstance(values, dict):
        raise ValueError("it is missing or not an object")
    labels, pooling = values.get("labels"), values.get("pooling")
    activation = values.get("activation", SOFTMAX)  # older folders do not name it
    problems: list[str] = []
    if (
        not isinstance(labels, list)
        or not labels
        or not all(isinstance(label, str) for label in labels)
        or len(set(labels)) != len(labels)
    ):
        problems.append(f"labels must be a list of different strings, at least one; got {labels!r}")
    elif any("\ud800" <= character <= "\udfff" for label in labels for character in label):
        problems.append(f"labels must have no lone surrogate; got {labels!r}")
    if pooling not in POOLINGS:
        problems.append(f"pooling must be one of {', '.join(POOLINGS)}; got {pooling!r}")
    if activation not in ACTIVATIONS:
        problems.append(f"activation must be one of {', '.join(ACTIVATIONS)}; got {activation!r}")
    if problems:
        raise ValueError("; ".join(problems))
    assert isinstance(labels, list)
    return _Head(tuple(labels), str(pooling), str(activation))


def _torch(values: Any) -> dict[str, bool | float]:
    """What ``ModelFile.torch`` says, as it stands in config.json; older folders lack it."""
    flags, shares = {"batch_first", "hard"}, {"dropout", "text_dropout"}
    if not isinstance(values, dict) or not set(values) <= flags | shares:
        raise ValueError(f"it must be an object with some of {', '.join(sorted(flags | shares))}")
    wrong = [
        f"{name}={value!r}"
        for name, value in values.items()
        if (name in flags) != isinstance(value, bool)
        or not isinstance(value, bool | int | float)
        or not 0 <= value <= 1
    ]
    if wrong:
        raise ValueError(
            "batch_first and hard must be true or false, dropout and text_dropout from 0 to 1; got "
            + ", ".join(wrong)
        )
    return dict(values)


# ---- tensors ------------------------------------------------------------------------------------


def _tensors(model: ModelFile) -> dict[str, Array]:
    """The parameters as named in model.safetensors."""
    if model.text is None:
        return dict(model.parameters)
    return {
        "embedding.weight": model.text.embedding,
        **{f"rnn.{name}": array for name, array in model.parameters.items()},
        "head.weight": model.text.head_weight,
        "head.bias": model.text.head_bias,
    }


def _expected(
    config: SkimConfig, classifier: bool, rows: int | None, classes: int | None
) -> dict[str, tuple[int | None, ...]]:
    """The shape that each parameter must have; None where it is not known."""
    if not classifier:
        return dict(config.parameter_shapes())
    return {
        "embedding.weight": (rows, config.input_size),
        **{f"rnn.{name}": shape for name, shape in config.parameter_shapes().items()},
        "head.weight": (classes, config.directions * config.hidden_size),
        "head.bias": (classes,),
    }
