"""The one model format: a folder, written whole, and checked whole when read.

    config.json         format version, layer options, reading rule, labels
    model.safetensors   the parameters, in float16, float32 or float64
    vocabulary.txt      one word a line, line i = row i of the embedding (classifiers only)
    training.json       how it was trained
    README.md           the model card

docs/model-format.md describes it for other readers. No pickle anywhere.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from skimrnn.config import SkimConfig
from skimrnn.decision import Rule
from skimrnn.files import new_folder
from skimrnn.text import Vocabulary

FORMAT = "skimrnn"
FORMAT_VERSION = 1
DTYPES = ("float16", "float32", "float64")
POOLINGS = ("last",)
MAX_LAYERS = 1_000
_MAX_BYTES = {"config.json": 2**20, "training.json": 2**26, "README.md": 2**24}
_MAX_VOCABULARY_BYTES = 2**28

Array = NDArray[Any]
T = TypeVar("T")


class ModelFileError(ValueError):
    """A model folder that cannot be read; the message names every problem found."""

    def __init__(self, folder: Path | str, problems: list[str]) -> None:
        self.folder = Path(folder)
        self.problems = problems
        listed = "".join(f"\n  - {problem}" for problem in problems)
        super().__init__(f"{folder} is not a model that skimrnn can read:{listed}")


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
    """

    labels: tuple[str, ...]
    vocabulary: Vocabulary
    embedding: Array
    head_weight: Array
    head_bias: Array
    pooling: str = "last"


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
    """

    config: SkimConfig
    parameters: Mapping[str, Array]
    rule: Rule = field(default_factory=Rule)
    text: TextPart | None = None
    training: Mapping[str, Any] = field(default_factory=dict)
    card: str = ""


def write_model(folder: Path | str, model: ModelFile, *, dtype: str | None = None) -> None:
    """Write a model folder, whole or not at all.

    Args:
        folder: where; an older model there is replaced, any other folder with files is refused.
        model: what to write.
        dtype: "float16", "float32" or "float64" to store the parameters in; None keeps theirs.

    Raises:
        ValueError: if the model is not one that could be read back.
        FileExistsError: if the folder holds something that is not a model.
        OSError: if it cannot be written; nothing is then changed.
    """
    folder = Path(folder)
    if dtype is not None and dtype not in DTYPES:
        raise ValueError(f"dtype must be one of {', '.join(DTYPES)}; got {dtype!r}")
    _refuse_foreign(folder)
    tensors = {
        name: np.ascontiguousarray(array if dtype is None else array.astype(dtype))
        for name, array in _tensors(model).items()
    }
    problems = _tensor_problems(tensors, model.config, model.text)
    if problems:
        raise ValueError("this model cannot be saved: " + "; ".join(problems))
    config: dict[str, Any] = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "kind": "layer" if model.text is None else "classifier",
        "layer": model.config.to_dict(),
        "rule": asdict(model.rule),
    }
    if model.text is not None:
        config["head"] = {"labels": list(model.text.labels), "pooling": model.text.pooling}
    try:
        with new_folder(folder) as new:
            (new / "config.json").write_text(_json(config), encoding="utf-8")
            (new / "model.safetensors").write_bytes(save(tensors, {"format": FORMAT}))
            if model.text is not None:
                words = model.text.vocabulary.to_text()
                (new / "vocabulary.txt").write_text(words, encoding="utf-8", newline="\n")
            (new / "training.json").write_text(_json(dict(model.training)), encoding="utf-8")
            (new / "README.md").write_text(model.card, encoding="utf-8")
    except OSError as error:
        message = f"{error.strerror or error}; {folder} was not saved and is as it was before"
        raise OSError(error.errno, message) from error


def read_model(folder: Path | str) -> ModelFile:
    """Read and check a model folder.

    Returns:
        The model; float16 parameters come back as float32.

    Raises:
        ModelFileError: if it is missing, malformed, truncated, oversized or foreign.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ModelFileError(folder, ["there is no such folder"])
    if not (folder / "config.json").is_file():
        raise ModelFileError(folder, ["it has no config.json, so it is not a model folder"])
    problems: list[str] = []
    values = _read_json(folder / "config.json", problems)
    if problems:
        raise ModelFileError(folder, problems)
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        raise ModelFileError(folder, ['config.json is not ours: "format" is not "skimrnn"'])
    if values.get("format_version") != FORMAT_VERSION:
        raise ModelFileError(
            folder,
            [
                f"format version {values.get('format_version')!r} is not {FORMAT_VERSION}, the one "
                "this skimrnn reads: install the skimrnn that wrote it"
            ],
        )
    config = _part(problems, "layer", lambda: _layer_config(values.get("layer")))
    rule = _part(problems, "rule", lambda: _rule(values.get("rule")))
    kind = values.get("kind")
    if kind not in ("layer", "classifier"):
        problems.append(f'"kind" in config.json must be "layer" or "classifier"; got {kind!r}')
    labels, pooling, vocabulary = None, "last", None
    if kind == "classifier":
        labels, pooling = _part(problems, "head", lambda: _head(values.get("head"))) or (None, "")
        vocabulary = _part(problems, "vocabulary.txt", lambda: _vocabulary(folder))
    tensors = _part(problems, "model.safetensors", lambda: _load_tensors(folder)) or {}
    training = _read_json(folder / "training.json", problems, missing={})
    card = _read_text(folder / "README.md", problems, missing="")
    text: TextPart | None = None
    if config is not None and tensors and (kind == "layer" or (labels and vocabulary)):
        if kind == "classifier" and {"embedding.weight", "head.weight", "head.bias"} <= set(
            tensors
        ):
            assert labels is not None
            assert vocabulary is not None
            text = TextPart(
                labels,
                vocabulary,
                tensors["embedding.weight"],
                tensors["head.weight"],
                tensors["head.bias"],
                pooling,
            )
        problems += _tensor_problems(tensors, config, text, classifier=kind == "classifier")
    if problems:
        raise ModelFileError(folder, problems)
    assert config is not None
    assert rule is not None
    prefix = "rnn." if kind == "classifier" else ""
    parameters = {name: tensors[prefix + name] for name in config.parameter_shapes()}
    return ModelFile(config, parameters, rule, text, training, card)


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


def _tensor_problems(
    tensors: Mapping[str, Array],
    config: SkimConfig,
    text: TextPart | None,
    *,
    classifier: bool | None = None,
) -> list[str]:
    """What keeps these tensors from being the parameters of such a model."""
    classifier = text is not None if classifier is None else classifier
    prefix = "rnn." if classifier else ""
    expected = {prefix + name: shape for name, shape in config.parameter_shapes().items()}
    if classifier:
        rows = len(text.vocabulary) if text else -1
        classes = len(text.labels) if text else -1
        expected["embedding.weight"] = (rows, config.input_size)
        expected["head.weight"] = (classes, config.directions * config.hidden_size)
        expected["head.bias"] = (classes,)
    problems = [f"parameter {name} is missing" for name in expected if name not in tensors]
    problems += [f"parameter {name} is not known" for name in tensors if name not in expected]
    dtypes = {str(array.dtype) for array in tensors.values()}
    if len(dtypes) > 1:
        problems.append(f"the parameters have several dtypes: {', '.join(sorted(dtypes))}")
    for name, array in tensors.items():
        if str(array.dtype) not in DTYPES:
            problems.append(f"parameter {name} is {array.dtype}; expected {' or '.join(DTYPES)}")
        elif name in expected and array.shape != expected[name] and -1 not in expected[name]:
            problems.append(f"parameter {name} is {array.shape}; expected {expected[name]}")
        elif not np.isfinite(array).all():
            problems.append(f"parameter {name} has values that are not finite")
    return problems


def _load_tensors(folder: Path) -> dict[str, Array]:
    path = folder / "model.safetensors"
    if not path.is_file():
        raise ValueError("there is no such file")
    try:
        tensors = load_file(path)
    except (SafetensorError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"it is damaged or not a safetensors file ({error})") from None
    if not tensors:
        raise ValueError("it holds no parameter")
    return {
        name: array.astype(np.float32) if array.dtype == np.float16 else array
        for name, array in tensors.items()
    }


# ---- the other files ----------------------------------------------------------------------------


def _layer_config(values: Any) -> SkimConfig:
    if not isinstance(values, dict):
        raise ValueError("is missing or not an object")
    layers = values.get("num_layers", 1)
    if isinstance(layers, int) and layers > MAX_LAYERS:
        raise ValueError(f"num_layers is {layers}; more than {MAX_LAYERS} are not read")
    return SkimConfig.from_dict(values)


def _rule(values: Any) -> Rule:
    if not isinstance(values, dict) or set(values) != {"threshold", "budget", "burst"}:
        raise ValueError("must be an object with threshold, budget and burst")
    return Rule(**values)


def _head(values: Any) -> tuple[tuple[str, ...], str]:
    if not isinstance(values, dict):
        raise ValueError("is missing or not an object")
    labels, pooling = values.get("labels"), values.get("pooling")
    if (
        not isinstance(labels, list)
        or not labels
        or not all(isinstance(label, str) for label in labels)
        or len(set(labels)) != len(labels)
    ):
        raise ValueError("labels must be a list of different strings, at least one")
    if pooling not in POOLINGS:
        raise ValueError(f"pooling must be one of {', '.join(POOLINGS)}; got {pooling!r}")
    return tuple(labels), pooling


def _vocabulary(folder: Path) -> Vocabulary:
    path = folder / "vocabulary.txt"
    if not path.is_file():
        raise ValueError("there is no such file")
    if path.stat().st_size > _MAX_VOCABULARY_BYTES:
        raise ValueError(f"it is larger than {_MAX_VOCABULARY_BYTES} bytes")
    return Vocabulary.from_text(path.read_bytes().decode("utf-8"))


def _read_json(path: Path, problems: list[str], missing: Any = None) -> Any:
    text = _read_text(path, problems, missing="")
    if not text:
        return missing
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        problems.append(f"{path.name} is not JSON: {error}")
        return missing


def _read_text(path: Path, problems: list[str], missing: str) -> str:
    if not path.is_file():
        return missing
    limit = _MAX_BYTES[path.name]
    if path.stat().st_size > limit:
        problems.append(f"{path.name} is larger than {limit} bytes")
        return missing
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        problems.append(f"{path.name} is not UTF-8: {error}")
        return missing


def _part(problems: list[str], name: str, read: Callable[[], T]) -> T | None:
    """What ``read`` gives, or None with the reason added to ``problems``."""
    try:
        return read()
    except (ValueError, TypeError) as error:
        problems.append(f"{name}: {error}")
        return None


def _refuse_foreign(folder: Path) -> None:
    if folder.is_dir() and any(folder.iterdir()) and not _is_model(folder):
        raise FileExistsError(
            f"{folder} holds files but no skimrnn model, and saving would replace them; "
            "name a new folder"
        )
    if folder.exists() and not folder.is_dir():
        raise FileExistsError(f"{folder} is a file; name a folder to save the model in")


def _is_model(folder: Path) -> bool:
    values = _read_json(folder / "config.json", [])
    return isinstance(values, dict) and values.get("format") == FORMAT


def _json(values: Mapping[str, Any]) -> str:
    return json.dumps(values, indent=2, ensure_ascii=False) + "\n"
