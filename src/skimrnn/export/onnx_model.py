"""A model folder's content as an ONNX model, and the files that are written."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from skimrnn import __version__
from skimrnn.decision import Rule
from skimrnn.export.graph import Graph, OnnxOps, Value, concatenate, sigmoid, softmax, where
from skimrnn.export.network import Network, read_batch
from skimrnn.files import write_atomically
from skimrnn.model_file import ModelFile
from skimrnn.reference import DirectionWeights, unpack

OPSET, IR_VERSION = 18, 8
"""As old as the operators allow: opset 18 splits by a number of parts."""

INSTALL = "pip install 'skimrnn[onnx]'"

_ABOUT = """\
A Skim-RNN with a fixed threshold, written by skimrnn {version}. It does not skip: every cell is
computed at every word, and what the router chose is kept. {inputs} `lengths` (B,) says how many
words of each text are real; T is at least 1, a length may be 0. `level` (B, layers * directions, T)
is 0 where a word was read, 1 and above where it was skimmed, -1 past a text's length. {outputs}"""

_TEXTS = """\
`rows` (B, T) are the words of each text by their lines in the vocabulary file, from 0; an unknown
word is 0. How a text is cut into words stands in skimrnn's docs/model-format.md."""
_PROBABILITIES = "`probabilities` (B, C) are those of the labels, in the order of the metadata."
_VECTORS = "`x` (B, T, E) are the vectors of each sequence."
_STATES = "`output` (B, T, directions * D), `h_n` and `c_n` are as torch's layers give them."


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        model: the ONNX model.
        vocabulary: the words, one a line; None for a bare layer.
        threshold: θ that is fixed in it.
    """

    model: Path
    vocabulary: Path | None
    threshold: float | str


def export_onnx(
    file: ModelFile, path: str | os.PathLike[str], *, threshold: float | str | None = None
) -> Exported:
    """Write a model as ONNX, and beside it the vocabulary, ``NAME.vocabulary.txt``.

    Args:
        file: a text classifier or a bare layer, from ``read_model``.
        path: of the ONNX model; what is there is replaced.
        threshold: θ to fix, a number or "argmax"; the model's own if None.

    Raises:
        ImportError: if the package ``onnx`` is missing.
        ValueError: if the model's rule or router cannot be written as ONNX, or it would be larger
            than one ONNX file can be.
        OSError: if a file cannot be written.
    """
    path = Path(path)
    model = to_onnx(file, threshold=threshold)
    words = None
    if file.text is not None:
        words = path.with_name(f"{path.stem}.vocabulary.txt")
        write_atomically(words, file.text.vocabulary.to_text().encode())
    write_atomically(path, model.SerializeToString())
    return Exported(path, words, _rule(file, threshold).threshold)


def to_onnx(file: ModelFile, *, threshold: float | str | None = None) -> Any:
    """The ONNX model, ``onnx.ModelProto``, checked.

    Arguments and errors as for ``export_onnx``.
    """
    try:
        import onnx
        from onnx import TensorProto, helper
    except ImportError as error:
        raise ImportError(
            f"exporting to ONNX needs the package onnx; install it with: {INSTALL}"
        ) from error
    rule = _rule(file, threshold)
    size = sum(array.nbytes for array in file.parameters.values())
    size += 0 if file.text is None else file.text.embedding.nbytes
    if size > _MAX_BYTES:
        raise ValueError(
            f"the parameters take {size} bytes, and one ONNX file holds at most {_MAX_BYTES}; "
            "export a model with a smaller vocabulary"
        )
    number = helper.np_dtype_to_tensor_dtype(next(iter(file.parameters.values())).dtype)
    config, graph = file.config, Graph()
    lengths = Value(graph, "lengths")
    if file.text is not None:
        given = Value(graph, "rows")
        first = helper.make_tensor_value_info(given.name, TensorProto.INT64, ["B", "T"])
        vectors, real = _words(given, lengths, file.text.embedding)
    else:
        given = Value(graph, "x")
        first = helper.make_tensor_value_info(given.name, number, ["B", "T", config.input_size])
        vectors = graph.one("Transpose", given, perm=[1, 0, 2])
        real = _real(given, lengths)
    read = read_batch(
        vectors,
        graph.one("Unsqueeze", real, np.array([2])),
        _weights(file),
        config,
        rule.threshold,
    )
    level = graph.one("Transpose", concatenate(read.level, axis=-1), perm=[1, 2, 0])
    outputs = {"level": graph.one("Cast", level, to=TensorProto.INT8)}
    shapes: dict[str, list[int | str]] = {"level": ["B", len(read.level), "T"]}
    if file.text is not None:
        last = concatenate(read.h_n[-config.directions :], axis=-1)
        scores = OnnxOps.linear(last, file.text.head_weight, file.text.head_bias)
        head = sigmoid if file.text.multilabel else softmax
        outputs = {"probabilities": head(scores), **outputs}
        shapes["probabilities"] = ["B", len(file.text.labels)]
    else:
        outputs = {**_states(read, real), **outputs}
        width = config.directions * config.hidden_size
        shapes["output"] = ["B", "T", width]
        shapes["h_n"] = shapes["c_n"] = [len(read.h_n), "B", config.hidden_size]
    for name, value in outputs.items():
        graph.nodes.append(helper.make_node("Identity", [value.name], [name]))
    made = helper.make_graph(
        graph.nodes,
        "skimrnn",
        [first, helper.make_tensor_value_info("lengths", TensorProto.INT64, ["B"])],
        [
            helper.make_tensor_value_info(
                name, TensorProto.INT8 if name == "level" else number, shapes[name]
            )
            for name in outputs
        ],
        graph.initializers(),
    )
    model = helper.make_model(
        made,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="skimrnn",
        producer_version=__version__,
        doc_string=_about(file),
    )
    helper.set_model_props(model, _metadata(file, rule))
    onnx.checker.check_model(model)
    return model


_MAX_BYTES = 2**31 - 2**24
"""Of parameters: a file has at most 2 GiB, and the graph itself needs little."""


def _rule(file: ModelFile, threshold: float | str | None) -> Rule:
    """The rule that is fixed in the graph; an error if it cannot be."""
    if file.rule.budget is not None:
        raise ValueError(
            f"the model reads with a budget of {file.rule.budget}, which counts the words read so "
            "far and cannot be expressed in this graph; store a threshold alone in the model "
            "(skimrnn calibrate --no-budget), then export it"
        )
    return file.rule if threshold is None else replace(file.rule, threshold=threshold)


def _weights(file: ModelFile) -> list[list[DirectionWeights]]:
    """The parameters, with routers that write nodes."""

    def own(weights: DirectionWeights) -> DirectionWeights:
        router = weights.router
        if router is None:
            return weights
        given = router.weights, router.inputs, OnnxOps(), router.options, router.sizes
        writing = type(router)(*given)
        return replace(weights, router=writing)

    return [[own(one) for one in layer] for layer in unpack(file.parameters, file.config)]


def _words(rows: Value, lengths: Value, embedding: Any) -> tuple[Value, Value]:
    """The vectors of the words (T, B, E), and whether there is such a word, bool (T, B)."""
    graph, real = rows.graph, _real(rows, lengths)
    of_batch = graph.one("Transpose", rows, perm=[1, 0])
    known = where(real, of_batch, np.array(0))  # padding may be any number
    return graph.one("Gather", Value(graph, graph.constant(embedding)), known), real


def _real(given: Value, lengths: Value) -> Value:
    """Whether there is such a word, bool (T, B), from rows (B, T) or vectors (B, T, E)."""
    graph = given.graph
    sizes = graph.one("Shape", given)
    tokens = graph.one("Gather", sizes, np.array(1))
    places = graph.one("Range", np.array(0), tokens, np.array(1))
    return graph.one("Less", graph.one("Unsqueeze", places, np.array([1])), lengths)


def _states(read: Network, real: Value) -> dict[str, Value]:
    """What a bare layer gives."""
    graph = real.graph
    there = graph.one("Unsqueeze", real, np.array([2]))
    zero = graph.one("CastLike", np.array(0, np.float32), read.output)
    output = where(there, read.output, zero)
    found = {"output": graph.one("Transpose", output, perm=[1, 0, 2])}
    for name, states in (("h_n", read.h_n), ("c_n", read.c_n)):
        if states:
            each: Sequence[Value] = [graph.one("Unsqueeze", s, np.array([0])) for s in states]
            found[name] = concatenate(each, axis=0)
    return found


def _metadata(file: ModelFile, rule: Rule) -> dict[str, str]:
    """What the model says of itself; values that are not text are JSON."""
    found = {
        "skimrnn_version": __version__,
        "threshold": json.dumps(rule.threshold),
        "layer": json.dumps(file.config.to_dict()),
        "model_digest": file.digest(),
    }
    if file.text is not None:
        found["labels"] = json.dumps(file.text.labels, ensure_ascii=False)
    return found


def _about(file: ModelFile) -> str:
    texts = file.text is not None
    return _ABOUT.format(
        version=__version__,
        inputs=_TEXTS if texts else _VECTORS,
        outputs=_PROBABILITIES if texts else _STATES,
    )
