"""The one model format: a folder, written whole, and checked whole when read.

    config.json         format version, layer options, reading rule, labels
    model.safetensors   the parameters, in float16, float32 or float64; word vectors also in int8
    vocabulary.txt      one word a line, line i = row i of the embedding (classifiers only)
    training.json       how it was trained
    README.md           the model card

docs/model-format.md describes it for other readers. No pickle anywhere.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from skimrnn.config import SkimConfig
from skimrnn.decision import Rule
from skimrnn.files import new_folder
from skimrnn.text import Vocabulary

FORMAT = "skimrnn"
FORMAT_VERSION = 1
DTYPES = ("float16", "float32", "float64")
POOLINGS = ("last",)
MAX_CELLS = 10_000
"""Layers times directions times levels at most: a folder cannot ask for more than it holds."""
MAX_SIZE = 2**31 - 1
MAX_BYTES = {
    "config.json": 2**20,
    "model.safetensors": 2**34,
    "vocabulary.txt": 2**28,
    "training.json": 2**26,
    "README.md": 2**24,
}

_STORED = {"F16": "float16", "F32": "float32", "F64": "float64", "I8": "int8"}
_ROWS, _SCALES = "embedding.weight", "embedding.scale"
_PROBLEMS_SHOWN, _LINE_SHOWN = 50, 400

Array = NDArray[Any]
T = TypeVar("T")


class ModelFileError(ValueError):
    """A model folder that cannot be read; the message names every problem found.

    Attributes:
        folder: the folder.
        problems: what is wrong with it.
    """

    def __init__(self, folder: Path | str, problems: list[str]) -> None:
        self.folder = Path(folder)
        self.problems = problems
        shown = [_printable(problem) for problem in problems[:_PROBLEMS_SHOWN]]
        if len(problems) > len(shown):
            shown.append(f"... and {len(problems) - len(shown)} more")
        listed = "".join(f"\n  - {problem}" for problem in shown)
        super().__init__(f"{folder} is not a model that skimrnn can read:{listed}")

    def __reduce__(self) -> tuple[Any, ...]:
        """Let it travel between processes, its two arguments kept."""
        return type(self), (self.folder, self.problems)


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

    def digest(self) -> str:
        """SHA-256 of all that decides what is read, but for the rule, in hex."""
        hashed = hashlib.sha256(json.dumps(self.config.to_dict()).encode())
        for name, array in sorted(_tensors(self).items()):
            hashed.update(f"{name} {array.dtype} {array.shape}".encode())
            hashed.update(np.ascontiguousarray(array).tobytes())
        if self.text is not None:
            hashed.update(json.dumps(self.text.labels).encode())
            hashed.update(self.text.vocabulary.to_text().encode())
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
    problems: list[str] = []
    with np.errstate(over="ignore"):  # too large becomes inf, which is refused below
        tensors = {
            name: np.ascontiguousarray(array if dtype is None else array.astype(dtype))
            for name, array in _tensors(model).items()
        }
    problems += _value_problems(tensors)
    if int8_rows and model.text is None:
        problems.append("int8_rows is for word vectors, and a layer has none")
    elif int8_rows and not problems:
        tensors |= _quantised(tensors[_ROWS])
    classifier = model.text is not None
    values: dict[str, Any] = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "kind": "classifier" if classifier else "layer",
        "layer": model.config.to_dict(),
        "rule": {name: _plain(value) for name, value in asdict(model.rule).items()},
    }
    rows = classes = None
    if model.text is not None:
        rows, classes = len(model.text.vocabulary), len(model.text.labels)
        values["head"] = {"labels": list(model.text.labels), "pooling": model.text.pooling}
    config = _Config.check(values, problems).layer
    stored = {name: (str(array.dtype), array.shape) for name, array in tensors.items()}
    expected = None if config is None else _expected(config, classifier, rows, classes)
    problems += _shape_problems(stored, expected)
    files = {
        "config.json": _part(problems, "config.json", lambda: _json(values)),
        "training.json": _part(problems, "training.json", lambda: _json(model.training)),
        "README.md": _part(problems, "README.md", lambda: model.card.encode()),
    }
    if model.text is not None:
        files["vocabulary.txt"] = model.text.vocabulary.to_text().encode()
    if not problems:
        files["model.safetensors"] = save(tensors, {"format": FORMAT})
    problems += [
        f"{name} would have {len(data)} bytes; at most {MAX_BYTES[name]} are read"
        for name, data in files.items()
        if data is not None and len(data) > MAX_BYTES[name]
    ]
    if problems:
        raise ValueError("this model cannot be saved: " + "; ".join(map(_printable, problems)))
    try:
        with new_folder(folder) as new:
            for name, data in files.items():
                (new / name).write_bytes(data or b"")
    except OSError as error:
        message = f"{error.strerror or error}; {folder} was not saved and is as it was before"
        raise OSError(error.errno, message) from error


def with_rule(folder: Path | str, out: Path | str, rule: Rule, record: Mapping[str, Any]) -> None:
    """Write a model folder anew with another rule and more in its training record.

    Every other file is kept as it is.

    Args:
        folder: a model folder.
        out: where to; it may be the same folder, which is then replaced whole.
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
    values = _read_json(folder / "config.json")
    values["rule"] = {name: _plain(value) for name, value in asdict(rule).items()}
    _rule(values["rule"], model.config)
    changed = {
        "config.json": _json(values),
        "training.json": _json({**model.training, **record}),
    }
    with new_folder(out) as new:
        for path in folder.iterdir():
            if path.is_file() and path.name not in changed:
                shutil.copyfile(path, new / path.name)
        for name, data in changed.items():
            (new / name).write_bytes(data)


def check_target(folder: Path, dtype: str | None = None) -> None:
    """Raise the error that ``write_model`` would raise for this folder and dtype, if any.

    For what takes long before there is something to save.

    Raises:
        ValueError: if there is no such dtype.
        FileExistsError: if the folder holds something that is not a model.
    """
    if dtype is not None and dtype not in DTYPES:
        raise ValueError(f"dtype must be one of {', '.join(DTYPES)}; got {dtype!r}")
    if folder.exists() and not folder.is_dir():
        raise FileExistsError(f"{folder} is a file; name a folder to save the model in")
    if folder.is_dir() and any(folder.iterdir()) and not _is_model(folder):
        raise FileExistsError(
            f"{folder} holds files but no skimrnn model, and saving would replace them; "
            "name a new folder"
        )


def read_model(folder: Path | str) -> ModelFile:
    """Read and check a model folder.

    Returns:
        The model; float16 parameters come back as float32.

    Raises:
        ModelFileError: if it is missing, malformed, truncated, oversized or foreign.
    """
    folder = Path(folder)
    if not os.path.isdir(folder):  # unlike Path.is_dir, False for any name that cannot be
        raise ModelFileError(folder, ["there is no such folder"])
    if not os.path.lexists(folder / "config.json"):
        raise ModelFileError(folder, ["it has no config.json, so it is not a model folder"])
    problems: list[str] = []
    values = _part(problems, "config.json", lambda: _read_json(folder / "config.json"))
    if values is not None:
        _refuse_foreign(folder, values)
    config = _Config() if values is None else _Config.check(values, problems)
    vocabulary = None
    # With a damaged config.json it is not known what it should be; what there is, is checked.
    if config.kind == "classifier" or (config.kind is None and _there(folder, "vocabulary.txt")):
        vocabulary = _part(problems, "vocabulary.txt", lambda: _vocabulary(folder))
    expected = None
    if config.layer is not None and config.kind is not None:
        rows = None if vocabulary is None else len(vocabulary)
        classes = None if config.labels is None else len(config.labels)
        expected = _expected(config.layer, config.kind == "classifier", rows, classes)
    tensors = _part(problems, "model.safetensors", lambda: _load(folder, expected, problems))
    training = card = None
    if _there(folder, "training.json"):
        training = _part(problems, "training.json", lambda: _read_json(folder / "training.json"))
    if _there(folder, "README.md"):
        card = _part(problems, "README.md", lambda: _read(folder / "README.md").decode())
    if problems:
        raise ModelFileError(folder, problems)
    assert config.layer is not None
    assert config.rule is not None
    assert tensors is not None
    text, prefix = None, ""
    if config.kind == "classifier":
        assert config.labels is not None
        assert vocabulary is not None
        head = tensors["head.weight"], tensors["head.bias"]
        embedding = tensors["embedding.weight"]
        text = TextPart(config.labels, vocabulary, embedding, *head, config.pooling)
        prefix = "rnn."
    parameters = {name: tensors[prefix + name] for name in config.layer.parameter_shapes()}
    return ModelFile(config.layer, parameters, config.rule, text, training or {}, card or "")


# ---- config.json --------------------------------------------------------------------------------


class _Config(NamedTuple):
    """What config.json says; None for what is missing or wrong."""

    layer: SkimConfig | None = None
    rule: Rule | None = None
    kind: str | None = None
    labels: tuple[str, ...] | None = None
    pooling: str = "last"

    @classmethod
    def check(cls, values: Mapping[str, Any], problems: list[str]) -> _Config:
        """The parts that are right; what is wrong is added to ``problems``."""
        layer = _part(problems, "layer", lambda: _layer(values.get("layer")))
        rule = _part(problems, "rule", lambda: _rule(values.get("rule"), layer))
        kind = _part(problems, "kind", lambda: _kind(values.get("kind")))
        labels, pooling = None, "last"
        if kind == "classifier":
            head = _part(problems, "head", lambda: _head(values.get("head")))
            labels, pooling = head or (labels, pooling)
        return cls(layer, rule, kind, labels, pooling)


def _refuse_foreign(folder: Path, values: Mapping[str, Any]) -> None:
    """Stop at once at what this reader knows nothing about."""
    if values.get("format") != FORMAT:
        raise ModelFileError(folder, ['config.json is not ours: "format" is not "skimrnn"'])
    version = values.get("format_version")
    if isinstance(version, bool) or version != FORMAT_VERSION:
        problem = (
            f"format version {version!r} is not {FORMAT_VERSION}, the one "
            "this skimrnn reads: install the skimrnn that wrote it"
        )
        raise ModelFileError(folder, [problem])


def _layer(values: Any) -> SkimConfig:
    if not isinstance(values, dict):
        raise ValueError("it is missing or not an object")
    problems = [
        f"{name} is more than the {MAX_SIZE} that are read"
        for name in ("input_size", "hidden_size", "num_layers")
        if isinstance(values.get(name), int) and values[name] > MAX_SIZE
    ]
    if problems:
        raise ValueError("; ".join(problems))
    config = SkimConfig.from_dict(values)
    cells = config.num_layers * config.directions * len(config.levels)
    if cells > MAX_CELLS:
        raise ValueError(
            f"num_layers={config.num_layers} with {len(config.levels)} level(s) and "
            f"{config.directions} direction(s) makes {cells} cells; more than {MAX_CELLS} are not "
            "read"
        )
    return config


def _rule(values: Any, layer: SkimConfig | None) -> Rule:
    if not isinstance(values, dict) or set(values) != {"threshold", "budget", "burst"}:
        raise ValueError("it must be an object with threshold, budget and burst")
    problems: list[str] = []
    for name, value in values.items():
        try:
            Rule(**{name: value})
        except ValueError as error:
            problems.append(str(error))
    if values["budget"] is not None and layer is not None and not layer.skims:
        problems.append(
            f"a budget needs a level to skim at; got budget={values['budget']!r} with "
            f"levels={layer.levels}"
        )
    if problems:
        raise ValueError("; ".join(problems))
    return Rule(**values)


def _kind(value: Any) -> str:
    if value not in ("layer", "classifier"):
        raise ValueError(f'it must be "layer" or "classifier"; got {value!r}')
    return str(value)


def _head(values: Any) -> tuple[tuple[str, ...], str]:
    if not isinstance(values, dict):
        raise ValueError("it is missing or not an object")
    labels, pooling = values.get("labels"), values.get("pooling")
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
    if problems:
        raise ValueError("; ".join(problems))
    assert isinstance(labels, list)
    return tuple(labels), str(pooling)


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


def _shape_problems(
    stored: Mapping[str, tuple[str, tuple[int, ...]]],
    expected: Mapping[str, tuple[int | None, ...]] | None,
) -> list[str]:
    """What is wrong with these dtypes and shapes; ``expected`` is None if it is not known."""
    problems = []
    int8_rows = stored.get(_ROWS, ("",))[0] == "int8"
    if expected is not None and int8_rows and _ROWS in expected:
        expected = {**expected, _SCALES: (expected[_ROWS][0],)}
    if expected is not None:
        problems += [f"parameter {name} is missing" for name in expected if name not in stored]
        problems += [f"parameter {name} is not known" for name in stored if name not in expected]
    for name, (dtype, shape) in stored.items():
        wished = ("float32",) if name == _SCALES else DTYPES
        if dtype not in wished and not (name == _ROWS and int8_rows):
            problems.append(f"parameter {name} is {dtype}; expected {' or '.join(wished)}")
        if expected is not None and name in expected and not _fits(shape, expected[name]):
            wanted = str(expected[name]).replace("None", "?")
            problems.append(f"parameter {name} is {shape}; expected {wanted}")
    one = {dtype for name, (dtype, _) in stored.items() if name != _SCALES}
    dtypes = sorted(one & set(DTYPES))
    if len(dtypes) > 1:
        problems.append(f"the parameters have several dtypes: {', '.join(dtypes)}")
    return problems


def _fits(shape: tuple[int, ...], expected: tuple[int | None, ...]) -> bool:
    return len(shape) == len(expected) and all(
        wanted in (None, size) for size, wanted in zip(shape, expected, strict=True)
    )


def _quantised(rows: Array) -> dict[str, Array]:
    """Word vectors (V, E) in int8, and the scale (V,) of each in float32."""
    scale = (np.abs(rows).max(axis=1, initial=0).astype(np.float64) / 127).astype(np.float32)
    divisor = np.where(scale > 0, scale, 1)[:, None]
    return {_ROWS: np.clip(np.rint(rows / divisor), -127, 127).astype(np.int8), _SCALES: scale}


def _value_problems(tensors: Mapping[str, Array]) -> list[str]:
    return [
        f"parameter {name} has values that are not finite"
        for name, array in tensors.items()
        if str(array.dtype) in DTYPES and not np.isfinite(array).all()
    ]


def _load(
    folder: Path, expected: Mapping[str, tuple[int | None, ...]] | None, problems: list[str]
) -> dict[str, Array]:
    """The parameters; what is wrong with them is added to ``problems``.

    Names, dtypes and shapes are judged before any value is read, so that a file that does not
    belong to its config.json costs nothing.
    """
    path = folder / "model.safetensors"
    _check_file(path)
    tensors: dict[str, Array] = {}
    try:
        with safe_open(path, framework="numpy") as file:
            stored: dict[str, tuple[str, tuple[int, ...]]] = {}
            for name in file.keys():  # noqa: SIM118 - older safetensors cannot be iterated
                part = file.get_slice(name)
                dtype = part.get_dtype()
                stored[name] = _STORED.get(dtype, dtype), tuple(part.get_shape())
            found = _shape_problems(stored, expected)
            for name, (dtype, shape) in stored.items():
                wanted = expected if name != _SCALES else {_SCALES: (None,)}
                known = wanted is None or (name in wanted and _fits(shape, wanted[name]))
                if known and (dtype in DTYPES or (name, dtype) == (_ROWS, "int8")):
                    tensors[name] = file.get_tensor(name)
    except (SafetensorError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"it is damaged or not a safetensors file ({error})") from None
    if not stored:
        raise ValueError("it holds no parameter")
    problems += found + _value_problems(tensors)
    whole = {
        name: array.astype(np.float32) if array.dtype == np.float16 else array
        for name, array in tensors.items()
    }
    if not problems and _SCALES in whole:
        scale = whole.pop(_SCALES)
        whole[_ROWS] = (whole[_ROWS] * scale[:, None]).astype(whole["head.weight"].dtype)
    return whole


# ---- the files ----------------------------------------------------------------------------------


def _vocabulary(folder: Path) -> Vocabulary:
    return Vocabulary.from_text(_read(folder / "vocabulary.txt").decode())


def _read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        ValueError: if there is none.
    """
    try:
        values = json.loads(_read(path).decode(), parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not JSON: {error}") from None
    if not isinstance(values, dict):
        raise ValueError(f"it must hold a JSON object; got {type(values).__name__}")
    return values


def _refuse_constant(name: str) -> None:
    raise ValueError(f"it is not JSON: {name} is no number there")


def _read(path: Path) -> bytes:
    _check_file(path)
    return path.read_bytes()


def _check_file(path: Path) -> None:
    if not path.is_file():
        raise ValueError("there is no such file")
    size, limit = path.stat().st_size, MAX_BYTES[path.name]
    if not size and path.name != "README.md":
        raise ValueError("it is empty")
    if size > limit:
        raise ValueError(f"it is larger than {limit} bytes")


def _there(folder: Path, name: str) -> bool:
    """Whether there is anything of this name, be it a folder or a link to nothing."""
    return os.path.lexists(folder / name)


def _part(problems: list[str], name: str, read: Callable[[], T]) -> T | None:
    """What ``read`` gives, or None with the reason added to ``problems``."""
    try:
        return read()
    except UnicodeError as error:
        problems.append(f"{name}: it is not UTF-8 ({error.reason})")  # type: ignore[attr-defined]
    except OSError as error:
        problems.append(f"{name}: it cannot be read ({error.strerror or error})")
    except MemoryError:
        problems.append(f"{name}: it does not fit into memory")
    except (ValueError, TypeError) as error:
        problems.append(f"{name}: {error}")
    return None


def _is_model(folder: Path) -> bool:
    values = _part([], "config.json", lambda: _read_json(folder / "config.json"))
    return values is not None and values.get("format") == FORMAT


def _json(values: Mapping[str, Any]) -> bytes:
    try:
        text = json.dumps(dict(values), indent=2, ensure_ascii=False, allow_nan=False)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return (text + "\n").encode()


def _plain(value: Any) -> Any:
    """NumPy's numbers as Python's, which JSON takes."""
    return value.item() if isinstance(value, np.generic) else value


def _printable(problem: str) -> str:
    """A problem as it may stand in a message: nothing that steers a terminal, no endless line."""
    lines = []
    for line in problem.split("\n"):
        cut = line if len(line) <= _LINE_SHOWN else line[:_LINE_SHOWN] + " ..."
        shown = (c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut)
        lines.append("".join(shown))
    return "\n".join(lines)
