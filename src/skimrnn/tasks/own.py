"""Users' own data: one file, or a folder with a file or folder for each split or label."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from skimrnn.tasks.base import DataError, Examples, TextTask, make_task
from skimrnn.tasks.rows import (
    Labelled,
    file_kind,
    label_folders,
    read_file,
    read_label_folders,
)
from skimrnn.tasks.splits import strata, stratified_split

HELD_OUT_SHARE = 0.1

_SPLIT_NAMES = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test", "testing"),
}
_HOLD_OUT = "{share:.0%} of {source}, drawn at random within each label{several}"
_SEVERAL = ", a text's rarest"


@dataclass(frozen=True)
class _Columns:
    text: str | None
    label: str | None
    separator: str | None


def load(
    path: Path,
    *,
    seed: int = 0,
    text_column: str | None = None,
    label_column: str | None = None,
    label_separator: str | None = None,
) -> TextTask:
    """Return the task made of a user's own file or folder.

    A folder may hold ``train``, ``validation`` (or ``dev``) and ``test``, each a file or a folder
    per label; a validation or test split that is missing is cut from train, a tenth each. A
    single file, a folder with only one, or a folder per label is split 80/10/10. Such cuts are
    seeded, drawn within each label, and stated in the record. The labels are those of the
    training rows, sorted (by value if all are whole numbers). With ``label_separator``, or lists
    in JSON, a text may have any number of labels: `rows.read_file` says how.

    Raises:
        DataError: if anything cannot be read or used as it is; the message says what to do.
    """
    columns = _Columns(text_column, label_column, label_separator)
    parts = _find_parts(path)
    if parts and "train" not in parts:
        raise DataError(
            f"{path} holds {' and '.join(parts)} but no train; add one, or pass a single file"
        )
    read = {name: _read_source(part, columns) for name, part in parts.items()}
    whole = read.get("train") or _read_source(path, columns)
    several = any(rows.multilabel for rows in (whole, *read.values()))
    labels = _sorted_labels({label for own in whole.labels for label in own})
    if several and not labels:
        raise DataError(f"{parts.get('train', path)}: no text has a label; give them labels")
    if label_separator is not None and all(len(own) == 1 for own in whole.labels):
        raise DataError(
            f"{parts.get('train', path)}: every text has exactly one label when "
            f"{label_separator!r} is what separates them; name another separator, or none for one "
            "label a text"
        )
    halves = [label for label in labels if any("\ud800" <= one <= "\udfff" for one in label)]
    if halves:
        raise DataError(
            f"{parts.get('train', path)}: the label {halves[0]!r} has half of a character (a lone "
            "surrogate), which no model file can hold; mend it"
        )
    if not several and len(labels) < 2:
        raise DataError(
            f"{parts.get('train', path)}: every text has the label {labels[0]!r}; "
            "a classifier needs at least two labels"
        )
    splits = {name: _examples(rows, labels, parts[name], several) for name, rows in read.items()}
    splits = splits or {"train": _examples(whole, labels, path, several)}
    splits, rules = _complete(splits, seed, path)
    sources = list(read.values()) or [whole]
    record: dict[str, Any] = {
        "source": "files",
        "files": [file for source in sources for file in source.files],
        "columns": whole.columns,
        **({"multilabel": True, "label_separator": label_separator} if several else {}),
        "seed": seed,
        "split": rules,
        "held_out_texts_that_are_also_in_train": _repeated(splits),
    }
    return make_task(_name(path), labels, splits, record)


def load_examples(
    path: Path,
    labels: Sequence[str],
    *,
    text_column: str | None = None,
    label_column: str | None = None,
    label_separator: str | None = None,
) -> Examples:
    """Return a user's own texts with their classes among a model's labels, to evaluate it.

    Of a folder with splits that is its test split; of anything else, all of it.

    Raises:
        DataError: as `load`, and if the data have labels that are not among ``labels``.
    """
    parts = _find_parts(path)
    if parts and "test" not in parts:
        raise DataError(
            f"{path} holds {' and '.join(parts)} but no test; add one, or pass the file to use"
        )
    source = parts.get("test", path)
    rows = _read_source(source, _Columns(text_column, label_column, label_separator))
    return _examples(rows, labels, source, rows.multilabel)


def _find_parts(path: Path) -> dict[str, Path]:
    if not path.exists():
        raise DataError(f"{path} does not exist")
    if not path.is_dir():
        return {}
    parts: dict[str, Path] = {}
    for split, names in _SPLIT_NAMES.items():
        found = [
            entry
            for entry in sorted(path.iterdir())
            if (entry.is_dir() and entry.name in names and _has_source(entry))
            or (entry.is_file() and file_kind(entry) and entry.name.split(".")[0] in names)
        ]
        if len(found) > 1:
            both = " and ".join(entry.name for entry in found)
            raise DataError(f"{path}: {both} could each be the {split} split; keep one")
        if found:
            parts[split] = found[0]
    return parts


def _has_source(folder: Path) -> bool:
    return bool(label_folders(folder) or _data_files(folder))


def _data_files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.iterdir()) if path.is_file() and file_kind(path)]


def _read_source(path: Path, columns: _Columns) -> Labelled:
    if path.is_dir():
        files = _data_files(path)
        if label_folders(path):
            if columns.text is not None or columns.label is not None:
                raise DataError(f"{path} is a folder per label and has no columns to name")
            return read_label_folders(path, columns.separator)
        if len(files) != 1:
            names = ", ".join(file.name for file in files)
            raise DataError(
                f"{path} holds {'several data files: ' + names if files else 'no data'}; expected "
                "one CSV, TSV or JSON Lines file, files named train, validation and test, or a "
                "folder of .txt files for each label"
            )
        path = files[0]
    return read_file(
        path,
        text_column=columns.text,
        label_column=columns.label,
        label_separator=columns.separator,
    )


def _sorted_labels(labels: set[str]) -> list[str]:
    try:
        return sorted(labels, key=lambda label: (int(label), label))
    except ValueError:
        return sorted(labels)


def _examples(rows: Labelled, labels: Sequence[str], path: Path, several: bool) -> Examples:
    row_of = {label: row for row, label in enumerate(labels)}
    unknown = sorted({label for own in rows.labels for label in own} - row_of.keys())
    if unknown:
        more = f" and {len(unknown) - 5} more" if len(unknown) > 5 else ""
        raise DataError(
            f"{path} has the label{'s' * (len(unknown) > 1)} "
            f"{', '.join(map(repr, unknown[:5]))}{more}; "
            f"the known labels are {', '.join(map(repr, labels))}"
        )
    if not several:
        return Examples(rows.texts, np.array([row_of[own[0]] for own in rows.labels], np.int64))
    targets = np.zeros((len(rows.texts), len(labels)), dtype=np.bool_)
    for row, own in enumerate(rows.labels):
        targets[row, [row_of[label] for label in own]] = True
    return Examples(rows.texts, targets)


def _complete(
    splits: dict[str, Examples], seed: int, path: Path
) -> tuple[dict[str, Examples], dict[str, str]]:
    """Cut the splits that are missing from train; return all, and how each was made."""
    missing = [split for split in ("validation", "test") if split not in splits]
    rules = dict.fromkeys(splits, "as given")
    if missing:
        train = splits["train"]
        shares = [HELD_OUT_SHARE] * len(missing)
        rows, *held_out = stratified_split(strata(train.targets), shares, seed)
        if any(not len(part) for part in held_out):
            raise DataError(
                f"{path}: {len(train)} texts are too few to cut {' and '.join(missing)} from; "
                f"some label needs at least {len(missing) + 1}"
            )
        source = "all texts" if len(missing) == 2 else "train"
        several = _SEVERAL if train.multilabel else ""
        rule = _HOLD_OUT.format(share=HELD_OUT_SHARE, source=source, several=several)
        rules |= dict.fromkeys(missing, rule)
        rules["train"] = "what the other splits leave"
        splits = splits | {"train": train.take(rows)}
        splits |= {name: train.take(part) for name, part in zip(missing, held_out, strict=True)}
    return {split: splits[split] for split in _SPLIT_NAMES}, rules


def _repeated(splits: dict[str, Examples]) -> int:
    train = set(splits["train"].texts)
    return sum(text in train for s in ("validation", "test") for text in splits[s].texts)


def _name(path: Path) -> str:
    name = path.resolve().name
    return Path(name.removesuffix(".gz")).stem if path.is_file() else name
