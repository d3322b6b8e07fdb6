"""The folder of an answerer, written whole, and checked whole when read.

Its config.json has the kind "answerer", the sizes of ``AnswererConfig``, and the rule by which the
context is read; the question's layer has its own levels and the same rule. ``model_folder.py`` says
what is in a model folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from skimrnn.answerer_config import AnswererConfig
from skimrnn.decision import Rule
from skimrnn.model_folder import (
    FORMAT,
    FORMAT_VERSION,
    MAX_SIZE,
    ROWS,
    ModelFileError,
    as_json,
    as_stored,
    check_target,
    layer_of,
    load_tensors,
    open_folder,
    part,
    plain,
    quantised,
    record_and_card,
    rule_of,
    shape_problems,
    value_problems,
    vocabulary_of,
    write_files,
)
from skimrnn.text import Vocabulary

KIND = "answerer"

Array = NDArray[Any]


@dataclass(frozen=True)
class AnswererFile:
    """An answerer's folder's whole content.

    Attributes:
        config: the sizes.
        parameters: by the names of ``config.parameter_shapes()``.
        vocabulary: V words; row 0 is the unknown word.
        rule: the threshold and budget it reads with unless told otherwise.
        training: how it was trained, as JSON values.
        card: the model card, Markdown.
    """

    config: AnswererConfig
    parameters: Mapping[str, Array]
    vocabulary: Vocabulary
    rule: Rule = field(default_factory=Rule)
    training: Mapping[str, Any] = field(default_factory=dict)
    card: str = ""

    def of_layer(self, name: str) -> dict[str, Array]:
        """The parameters of one of the recurrent layers, by the layer's own names."""
        shapes = self.config.layers[name].parameter_shapes()
        return {key: self.parameters[f"{name}.{key}"] for key in shapes}


def write_answerer(
    folder: Path | str, model: AnswererFile, *, dtype: str | None = None, int8_rows: bool = False
) -> None:
    """Write a model folder, whole or not at all.

    Arguments and errors as for ``model_file.write_model``.
    """
    folder = Path(folder)
    check_target(folder, dtype)
    tensors = as_stored(model.parameters, dtype)
    problems = value_problems(tensors)
    if int8_rows and not problems:
        tensors |= quantised(tensors[ROWS], problems)
    stored = {name: (str(array.dtype), array.shape) for name, array in tensors.items()}
    problems += shape_problems(stored, {**model.config.parameter_shapes(len(model.vocabulary))})
    values = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "kind": KIND,
        "answerer": model.config.to_dict(),
        "rule": {name: plain(value) for name, value in asdict(model.rule).items()},
    }
    part(problems, "rule", lambda: rule_of(values["rule"], model.config.context))
    files = {
        "config.json": part(problems, "config.json", lambda: as_json(values)),
        "training.json": part(problems, "training.json", lambda: as_json(model.training)),
        "README.md": part(problems, "README.md", lambda: model.card.encode()),
        "vocabulary.txt": model.vocabulary.to_text().encode(),
    }
    write_files(folder, files, tensors, problems)


def read_answerer(folder: Path | str) -> AnswererFile:
    """Read and check an answerer's folder.

    Returns:
        The answerer; float16 parameters come back as float32.

    Raises:
        ModelFileError: if it is missing, malformed, truncated, oversized, foreign or another kind.
    """
    folder = Path(folder)
    problems: list[str] = []
    config = rule = None
    values = open_folder(folder, problems)
    if values is not None:
        if values.get("kind") != KIND:
            raise ModelFileError(
                folder,
                [f'its kind is {values.get("kind")!r}, not "{KIND}"; read it with skimrnn.load'],
            )
        config = part(problems, "answerer", lambda: _config(values.get("answerer")))
        layer = None if config is None else config.context
        rule = part(problems, "rule", lambda: rule_of(values.get("rule"), layer))
    vocabulary = part(problems, "vocabulary.txt", lambda: vocabulary_of(folder))
    expected = None
    if config is not None and vocabulary is not None:
        expected = {**config.parameter_shapes(len(vocabulary))}
    tensors = part(problems, "model.safetensors", lambda: load_tensors(folder, expected, problems))
    training, card = record_and_card(folder, problems)
    if problems:
        raise ModelFileError(folder, problems)
    assert config is not None
    assert rule is not None
    assert tensors is not None
    assert vocabulary is not None
    return AnswererFile(config, tensors, vocabulary, rule, training, card)


def _config(values: Any) -> AnswererConfig:
    if not isinstance(values, dict):
        raise ValueError("it is missing or not an object")
    layers = values.get("layers")
    if isinstance(layers, dict):
        for layer in layers.values():  # what is too large is refused before it is made
            layer_of(layer)
    large = [
        name
        for name in ("embedding_size", "byte_size", "filters", "filter_width")
        if isinstance(values.get(name), int) and values[name] > MAX_SIZE
    ]
    if large:
        raise ValueError(f"{', '.join(large)} must be at most {MAX_SIZE}")
    return AnswererConfig.from_dict(values)
