"""What every kind of model folder has in common: its files, their limits, how each is checked.

    config.json         format version, kind, sizes, reading rule
    model.safetensors   the parameters, in float16, float32 or float64; word vectors also in int8
    vocabulary.txt      one word a line, line i = row i of the word vectors
    training.json       how it was trained
    README.md           the model card

docs/model-format.md describes it for other readers. No pickle anywhere. ``model_file.py`` and
``answerer_file.py`` are the kinds.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

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

_OURS = {*MAX_BYTES, "log.jsonl"}
"""What a folder may hold that is part of a model or of its training, and goes with it."""
_STORED = {"F16": "float16", "F32": "float32", "F64": "float64", "I8": "int8"}
_PROBLEMS_SHOWN, _LINE_SHOWN = 50, 400

ROWS, SCALES = "embedding.weight", "embedding.scale"
"""The word vectors, which may be in int8, and then the scale of each."""

Array = NDArray[Any]
Shapes = Mapping[str, tuple[int | None, ...]]
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
        shown = [printable(problem) for problem in problems[:_PROBLEMS_SHOWN]]
        if len(problems) > len(shown):
            shown.append(f"... and {len(problems) - len(shown)} more")
        listed = "".join(f"\n  - {problem}" for problem in shown)
        super().__init__(f"{folder} is not a model that skimrnn can read:{listed}")

    def __reduce__(self) -> tuple[Any, ...]:
        """Let it travel between processes, its two arguments kept."""
        return type(self), (self.folder, self.problems)


def check_target(folder: Path, dtype: str | None = None) -> None:
    """Raise the error that ``write_model`` would raise for this folder and dtype, if any.

    For what takes long before there is something to save.

    Raises:
        ValueError: if there is no such dtype.
        FileExistsError: if the folder holds something that is not a model, or what runs.
    """
    if dtype is not None and dtype not in DTYPES:
        raise ValueError(f"dtype must be one of {', '.join(DTYPES)}; got {dtype!r}")
    if Path.cwd().is_relative_to(folder.resolve()):
        raise FileExistsError(
            f"{folder} holds the folder that this runs in, and saving puts a new folder in its "
            "place; name another one, such as ./model"
        )
    if folder.exists() and not folder.is_dir():
        raise FileExistsError(f"{folder} is a file; name a folder to save the model in")
    if folder.is_dir() and any(folder.iterdir()) and not _is_model(folder):
        raise FileExistsError(
            f"{folder} holds files but no skimrnn model, and saving would replace them; "
            "name a new folder"
        )


def write_files(
    folder: Path,
    files: Mapping[str, bytes | None],
    tensors: Mapping[str, Array],
    problems: list[str],
) -> None:
    """Write a whole folder or nothing.

    Args:
        folder: where; an older model there is replaced, and what else lies there stays.
        files: all but the parameters; None for one whose problem is among ``problems``.
        tensors: the parameters.
        problems: what was found wrong.

    Raises:
        ValueError: if anything is wrong, naming all.
        OSError: if it cannot be written; nothing is then changed.
    """
    whole = dict(files)
    if not problems:
        whole["model.safetensors"] = save(dict(tensors), {"format": FORMAT})
    problems += [
        f"{name} would have {len(data)} bytes; at most {MAX_BYTES[name]} are read"
        for name, data in whole.items()
        if data is not None and len(data) > MAX_BYTES[name]
    ]
    if problems:
        raise ValueError("this model cannot be saved: " + "; ".join(map(printable, problems)))
    try:
        with new_folder(folder) as new:
            for name, data in whole.items():
                (new / name).write_bytes(data or b"")
            keep_others(folder, new)
    except OSError as error:
        message = f"{error.strerror or error}; {folder} was not saved and is as it was before"
        raise OSError(error.errno, message) from error


def keep_others(folder: Path, new: Path) -> None:
    """Copy what is no part of a model, such as ``.git``, into the folder that takes its place.

    Args:
        folder: the one that is replaced; it may not be there.
        new: the one that takes its place.

    Raises:
        OSError: if something cannot be copied.
    """
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.name in _OURS or os.path.lexists(new / path.name):
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.copytree(path, new / path.name, symlinks=True)
        else:
            shutil.copy2(path, new / path.name, follow_symlinks=False)


def as_stored(parameters: Mapping[str, Array], dtype: str | None) -> dict[str, Array]:
    """The parameters as they are written: in this dtype, or in their own if None."""
    with np.errstate(over="ignore"):  # too large becomes inf, which is refused
        return {
            name: np.ascontiguousarray(array if dtype is None else array.astype(dtype))
            for name, array in parameters.items()
        }


def open_folder(folder: Path, problems: list[str]) -> dict[str, Any] | None:
    """What config.json holds; None if it cannot be read, with the reason added to ``problems``.

    Raises:
        ModelFileError: if this is no folder of ours at all.
    """
    if not os.path.isdir(folder):  # unlike Path.is_dir, False for any name that cannot be
        raise ModelFileError(folder, ["there is no such folder"])
    if not os.path.lexists(folder / "config.json"):
        raise ModelFileError(folder, ["it has no config.json, so it is not a model folder"])
    values = part(problems, "config.json", lambda: read_json(folder / "config.json"))
    if values is not None:
        refuse_foreign(folder, values)
    return values


def record_and_card(folder: Path, problems: list[str]) -> tuple[dict[str, Any], str]:
    """What training.json and README.md hold, if they are there."""
    training = card = None
    if is_there(folder, "training.json"):
        training = part(problems, "training.json", lambda: read_json(folder / "training.json"))
    if is_there(folder, "README.md"):
        card = part(problems, "README.md", lambda: read_bytes(folder / "README.md").decode())
    return training or {}, card or ""


# ---- config.json --------------------------------------------------------------------------------


def refuse_foreign(folder: Path, values: Mapping[str, Any]) -> None:
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


def layer_of(values: Any) -> SkimConfig:
    """The options of a stack of layers, as they stand in config.json.

    Raises:
        ValueError: if they are not such, or ask for more than is read.
    """
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


def rule_of(values: Any, layer: SkimConfig | None) -> Rule:
    """The reading rule in config.json, for this layer if it is known.

    Raises:
        ValueError: if it is none, or does not fit the layer.
    """
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


# ---- tensors ------------------------------------------------------------------------------------


def shape_problems(
    stored: Mapping[str, tuple[str, tuple[int, ...]]],
    expected: Shapes | None,
) -> list[str]:
    """What is wrong with these dtypes and shapes; ``expected`` is None if it is not known."""
    problems = []
    int8_rows = stored.get(ROWS, ("",))[0] == "int8"
    if expected is not None and int8_rows and ROWS in expected:
        expected = {**expected, SCALES: (expected[ROWS][0],)}
    if expected is not None:
        problems += [f"parameter {name} is missing" for name in expected if name not in stored]
        problems += [f"parameter {name} is not known" for name in stored if name not in expected]
    for name, (dtype, shape) in stored.items():
        wished = ("float32",) if name == SCALES else DTYPES
        if dtype not in wished and not (name == ROWS and int8_rows):
            problems.append(f"parameter {name} is {dtype}; expected {' or '.join(wished)}")
        if expected is not None and name in expected and not _fits(shape, expected[name]):
            wanted = str(expected[name]).replace("None", "?")
            problems.append(f"parameter {name} is {shape}; expected {wanted}")
    one = {dtype for name, (dtype, _) in stored.items() if name != SCALES}
    dtypes = sorted(one & set(DTYPES))
    if len(dtypes) > 1:
        problems.append(f"the parameters have several dtypes: {', '.join(dtypes)}")
    return problems


def _fits(shape: tuple[int, ...], expected: tuple[int | None, ...]) -> bool:
    return len(shape) == len(expected) and all(
        wanted in (None, size) for size, wanted in zip(shape, expected, strict=True)
    )


def quantised(rows: Array, problems: list[str]) -> dict[str, Array]:
    """Word vectors (V, E) in int8, and the scale (V,) of each in float32, told if it overflows."""
    with np.errstate(over="ignore"):
        scale = (np.abs(rows).max(axis=1, initial=0).astype(np.float64) / 127).astype(np.float32)
    problems += value_problems({SCALES: scale})
    divisor = np.where(scale > 0, scale, 1)[:, None]
    return {ROWS: np.clip(np.rint(rows / divisor), -127, 127).astype(np.int8), SCALES: scale}


def value_problems(tensors: Mapping[str, Array]) -> list[str]:
    """What is wrong with the numbers themselves."""
    return [
        f"parameter {name} has values that are not finite"
        for name, array in tensors.items()
        if str(array.dtype) in DTYPES and not np.isfinite(array).all()
    ]


def load_tensors(folder: Path, expected: Shapes | None, problems: list[str]) -> dict[str, Array]:
    """The parameters; what is wrong with them is added to ``problems``.

    Names, dtypes and shapes are judged before any value is read, so that a file that does not
    belong to its config.json costs nothing.
    """
    path = folder / "model.safetensors"
    check_file(path)
    tensors: dict[str, Array] = {}
    try:
        with safe_open(path, framework="numpy") as file:
            stored: dict[str, tuple[str, tuple[int, ...]]] = {}
            for name in file.keys():  # noqa: SIM118 - older safetensors cannot be iterated
                found_there = file.get_slice(name)
                dtype = found_there.get_dtype()
                stored[name] = _STORED.get(dtype, dtype), tuple(found_there.get_shape())
            found = shape_problems(stored, expected)
            for name, (dtype, shape) in stored.items():
                wanted = expected if name != SCALES else {SCALES: (None,)}
                known = wanted is None or (name in wanted and _fits(shape, wanted[name]))
                if known and (dtype in DTYPES or (name, dtype) == (ROWS, "int8")):
                    tensors[name] = file.get_tensor(name)
    except (SafetensorError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"it is damaged or not a safetensors file ({error})") from None
    if not stored:
        raise ValueError("it holds no parameter")
    problems += found + value_problems(tensors)
    whole = {
        name: array.astype(np.float32) if array.dtype == np.float16 else array
        for name, array in tensors.items()
    }
    if not problems and SCALES in whole:
        scale = whole.pop(SCALES)
        dtype = next(array.dtype for name, array in whole.items() if name != ROWS)
        with np.errstate(over="ignore"):  # too large becomes inf, which is refused
            whole[ROWS] = (whole[ROWS] * scale[:, None]).astype(dtype)
        problems += value_problems({ROWS: whole[ROWS]})
    return whole


# ---- the files ----------------------------------------------------------------------------------


def vocabulary_of(folder: Path) -> Vocabulary:
    """The words in vocabulary.txt."""
    return Vocabulary.from_text(read_bytes(folder / "vocabulary.txt").decode())


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        ValueError: if there is none.
    """
    try:
        values = json.loads(read_bytes(path).decode(), parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not JSON: {error}") from None
    if not isinstance(values, dict):
        raise ValueError(f"it must hold a JSON object; got {type(values).__name__}")
    return values


def _refuse_constant(name: str) -> None:
    raise ValueError(f"it is not JSON: {name} is no number there")


def read_bytes(path: Path) -> bytes:
    """What is in one of the files, if it is not too large."""
    check_file(path)
    return path.read_bytes()


def check_file(path: Path) -> None:
    """Refuse a file that is not there, empty, or larger than its kind may be."""
    if not path.is_file():
        raise ValueError("there is no such file")
    size, limit = path.stat().st_size, MAX_BYTES[path.name]
    if not size and path.name != "README.md":
        raise ValueError("it is empty")
    if size > limit:
        raise ValueError(f"it is larger than {limit} bytes")


def is_there(folder: Path, name: str) -> bool:
    """Whether there is anything of this name, be it a folder or a link to nothing."""
    return os.path.lexists(folder / name)


def part(problems: list[str], name: str, read: Callable[[], T]) -> T | None:
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
    values = part([], "config.json", lambda: read_json(folder / "config.json"))
    return values is not None and values.get("format") == FORMAT


def as_json(values: Mapping[str, Any]) -> bytes:
    """A JSON object as it stands in a file."""
    try:
        text = json.dumps(dict(values), indent=2, ensure_ascii=False, allow_nan=False)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return (text + "\n").encode()


def plain(value: Any) -> Any:
    """NumPy's numbers as Python's, which JSON takes."""
    return value.item() if isinstance(value, np.generic) else value


def printable(problem: str) -> str:
    """A problem as it may stand in a message: nothing that steers a terminal, no endless line."""
    lines = []
    for line in problem.split("\n"):
        cut = line if len(line) <= _LINE_SHOWN else line[:_LINE_SHOWN] + " ..."
        shown = (c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut)
        lines.append("".join(shown))
    return "\n".join(lines)
