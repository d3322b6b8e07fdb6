r"""Stanford Sentiment Treebank, two classes, from its trees or from the ``stsa.*`` files.

Socher et al., EMNLP 2013. Neutral sentences are left out: 6,920 / 872 / 1,821 remain.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from skimrnn.tasks.base import DataError, Examples, TextTask, make_task
from skimrnn.tasks.sources import file_record, folders_to_try, read_lines

LABELS = ("negative", "positive")
PUBLISHED = (6_920, 872, 1_821)
EXPECTED = "sst/trees/{train,dev,test}.txt or sst/stsa.binary.{train,dev,test}"

_FOLDERS = ("sst", "SST", "stanfordSentimentTreebank", "trainDevTestTrees_PTB", "trees")
_TREE_FOLDERS = ("trees", "trainDevTestTrees_PTB/trees", ".")
_SPLITS = {"train": "train", "validation": "dev", "test": "test"}
_FINE, _BINARY = 5, 2

# A word may hold a no-break space ("2 1/2"), so white space is named, not \s.
_TOKEN = re.compile(r"[()]|[^() \t\r\n]+")
_BRACKETS = {
    "-LRB-": "(", "-RRB-": ")", "-LSB-": "[", "-RSB-": "]", "-LCB-": "{", "-RCB-": "}",
}  # fmt: skip
_QUOTES = {"``": '"', "''": '"', "`": "'"}

Labelled = list[tuple[str, int]]


@dataclass
class Treebank:
    """The labelled texts of one copy: 0 negative, 1 positive, None neutral.

    ``nodes`` holds every node of the training trees, or is None for a copy without trees.
    """

    layout: str
    files: list[dict[str, Any]] = field(default_factory=list)
    sentences: dict[str, list[tuple[str, int | None]]] = field(default_factory=dict)
    nodes: list[tuple[str, int | None]] | None = None

    def neutral_held_out(self) -> list[str]:
        """Return the neutral sentences of the validation and the test split, as far as known."""
        held_out = self.sentences["validation"] + self.sentences["test"]
        return [text for text, target in held_out if target is None]


def load(data_dir: Path, *, phrases: bool = False) -> TextTask | None:
    """Return the task read from the folder, or None if no copy is there.

    Args:
        data_dir: the data folder, or the treebank's own.
        phrases: train on every labelled phrase that is not neutral (each text and label once)
            instead of sentences; validation and test stay sentences.

    Raises:
        DataError: if a file is malformed, or phrases are wanted and there are no trees.
    """
    treebank = read_treebank(data_dir)
    return None if treebank is None else make_sst_task(treebank, phrases=phrases)


def read_treebank(data_dir: Path) -> Treebank | None:
    """Return the first complete copy in the folder, trees before ``stsa.*``, else None."""
    folders = folders_to_try(data_dir, _FOLDERS)
    for folder in folders:
        for sub in _TREE_FOLDERS:
            files = {split: folder / sub / f"{name}.txt" for split, name in _SPLITS.items()}
            # Any data set may have a train.txt: only one of trees begins with a bracket.
            if all(file.is_file() for file in files.values()) and _is_tree_file(files["train"]):
                return _read_trees(folder, files)
    for folder in folders:
        for kind, classes in (("binary", _BINARY), ("fine", _FINE)):
            files = {s: folder / f"stsa.{kind}.{name}" for s, name in _SPLITS.items()}
            if all(file.is_file() for file in files.values()):
                return _read_stsa(folder, files, kind, classes)
    return None


def make_sst_task(treebank: Treebank, *, phrases: bool) -> TextTask:
    """Return the task of a treebank that was read."""
    splits = {split: _two_classes(rows) for split, rows in treebank.sentences.items()}
    record: dict[str, Any] = {
        "source": "files",
        "layout": treebank.layout,
        "files": treebank.files,
        "seed": None,
        "split": "the published one; neutral sentences left out",
    }
    if phrases:
        if treebank.nodes is None:
            raise DataError(
                "training on the phrases of SST needs its trees (sst/trees/{train,dev,test}.txt); "
                f"there are only {treebank.layout} files"
            )
        labelled = _two_classes(treebank.nodes)
        splits["train"] = list(dict.fromkeys(labelled))
        record["phrases"] = {
            "nodes": len(treebank.nodes),
            "not_neutral": len(labelled),
            "different": len(splits["train"]),
        }
    name = "sst-phrases" if phrases else "sst"
    return make_task(name, LABELS, {s: to_examples(rows) for s, rows in splits.items()}, record)


def to_examples(rows: Labelled) -> Examples:
    """Return (text, target) pairs as examples."""
    targets = np.array([target for _, target in rows], dtype=np.int64)
    return Examples([text for text, _ in rows], targets)


def parse_tree(line: str) -> list[tuple[str, int]]:
    """Return (text, label 0 … 4) of every node of a bracketed tree, the whole sentence last.

    Raises:
        ValueError: if the brackets do not balance or a node has no label or no word.
    """
    words: list[str] = []
    nodes: list[tuple[str, int]] = []
    open_nodes: list[tuple[int, int]] = []  # label, first word
    tokens: Iterator[str] = iter(_TOKEN.findall(line))
    for token in tokens:
        if nodes and not open_nodes:
            raise ValueError("there is more after the end of the tree")
        if token == "(":
            label = next(tokens, "")
            if label not in {"0", "1", "2", "3", "4"}:
                raise ValueError(f"a node needs a label from 0 to 4, not {label!r}")
            open_nodes.append((int(label), len(words)))
        elif not open_nodes:
            raise ValueError(f"{token!r} stands outside of the tree")
        elif token == ")":
            node_label, first = open_nodes.pop()
            if first == len(words):
                raise ValueError("a node has no word")
            nodes.append((" ".join(words[first:]), node_label))
        else:
            words.append(unescape(token))
    if open_nodes or not nodes:
        raise ValueError("a bracket is not closed")
    return nodes


def unescape(word: str) -> str:
    r"""Return the word as written: ``-LRB-`` is ``(``, ``\/`` is ``/``, ``''`` is ``"``."""
    if (bracket := _BRACKETS.get(word.upper())) is not None:
        return bracket
    return _QUOTES.get(word, word).replace("\\/", "/").replace("\\*", "*")


def _is_tree_file(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"(")


def _read_trees(folder: Path, files: dict[str, Path]) -> Treebank:
    treebank = Treebank("trees", nodes=[])
    assert treebank.nodes is not None
    for split, path in files.items():
        rows: list[tuple[str, int | None]] = []
        for number, line in enumerate(read_lines(path), start=1):
            try:
                nodes = parse_tree(line)
            except ValueError as error:
                raise DataError(f"{path}, tree {number}: {error}") from error
            rows.append(_polar(*nodes[-1], _FINE))
            if split == "train":
                treebank.nodes.extend(_polar(*node, _FINE) for node in nodes)
        treebank.sentences[split] = rows
        treebank.files.append(file_record(path, folder))
    return treebank


def _read_stsa(folder: Path, files: dict[str, Path], kind: str, classes: int) -> Treebank:
    treebank = Treebank(f"stsa.{kind}")
    for split, path in files.items():
        rows: list[tuple[str, int | None]] = []
        for number, line in enumerate(read_lines(path), start=1):
            label, _, text = line.partition(" ")
            if not (label.isdecimal() and int(label) < classes and text):
                raise DataError(
                    f"{path}, line {number}: expected a label from 0 to {classes - 1}, a blank "
                    f"and a text; got {line[:40]!r}"
                )
            words = " ".join(unescape(word) for word in text.split(" "))
            rows.append(_polar(words, int(label), classes))
        treebank.sentences[split] = rows
        treebank.files.append(file_record(path, folder))
    return treebank


def _polar(text: str, label: int, classes: int) -> tuple[str, int | None]:
    if classes == _BINARY:
        return text, label
    return text, None if label == 2 else int(label > 2)


def _two_classes(rows: list[tuple[str, int | None]]) -> Labelled:
    return [(text, target) for text, target in rows if target is not None]
