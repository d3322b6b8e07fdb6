"""Other engines on the same plain LSTM: the same weights, words and threads.

Each is made of the parameters of a network without a router and reads rows of the embedding,
look-up included, to the last hidden state. One thread, no spinning, denormals flushed where the
engine can be told so.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skimrnn.bench.networks import Network
from skimrnn.extension import instruction_sets

Array = NDArray[Any]
Read = Callable[[NDArray[np.int32]], Array]
"""From rows (T,) of the embedding to the last hidden state (D,)."""


class Peer(NamedTuple):
    """An engine, or why it is not here.

    Attributes:
        engine: its name and version.
        precision: "float32", or "int8" for the weights.
        make: what makes a reader of a network; raises ImportError if the engine is absent.
    """

    engine: str
    precision: str
    make: Callable[[Network], Read]


def onnx_lstm(network: Network) -> Any:
    """The network as an ONNX model: ids (T,) to the last hidden state (1, 1, D)."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    hidden = network.config.hidden_size
    p = network.parameters

    def gates(matrix: Array) -> Array:  # torch's i, f, g, o to ONNX's i, o, f, c
        i, f, g, o = np.split(matrix, 4)
        return np.concatenate([i, o, f, g])[None]

    bias = np.concatenate([gates(p["bias_ih_l0"]), gates(p["bias_hh_l0"])], axis=1)
    tensors = {
        "embedding": network.embedding,
        "W": gates(p["weight_ih_l0"]),
        "R": gates(p["weight_hh_l0"]),
        "B": bias,
        "axis": np.array([1]),
    }
    nodes = [
        helper.make_node("Gather", ["embedding", "ids"], ["vectors"]),
        helper.make_node("Unsqueeze", ["vectors", "axis"], ["x"]),
        helper.make_node("LSTM", ["x", "W", "R", "B"], ["", "h_n"], hidden_size=hidden),
    ]
    graph = helper.make_graph(
        nodes,
        "lstm",
        [helper.make_tensor_value_info("ids", TensorProto.INT32, ["T"])],
        [helper.make_tensor_value_info("h_n", TensorProto.FLOAT, [1, 1, hidden])],
        [numpy_helper.from_array(value, name) for name, value in tensors.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    return model


def onnx_runtime(network: Network) -> Read:
    """ONNX Runtime's fused LSTM in float32."""
    return _onnx_session(onnx_lstm(network))


def onnx_runtime_int8(network: Network) -> Read:
    """ONNX Runtime's ``DynamicQuantizeLSTM``: int8 weights, activations quantised as they come.

    On an x86-64 CPU without VNNI, where its sums of byte products saturate, weights have seven
    bits, as its documentation advises.
    """
    import tempfile
    from pathlib import Path

    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with tempfile.TemporaryDirectory() as folder:
        given, made = Path(folder, "lstm.onnx"), Path(folder, "int8.onnx")
        onnx.save(onnx_lstm(network), given)
        with _quiet():  # it advises a preparation that an LSTM does not need
            quantize_dynamic(
                given,
                made,
                op_types_to_quantize=["LSTM"],
                weight_type=QuantType.QInt8,
                per_channel=True,
                reduce_range=not {"avx512", "neon"} & set(instruction_sets()),
            )
        model = onnx.load(made)
    if not any(node.op_type == "DynamicQuantizeLSTM" for node in model.graph.node):
        raise RuntimeError("ONNX Runtime's quantiser left the LSTM in float32")
    return _onnx_session(model)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """No warnings of the root logger meanwhile."""
    logger = logging.getLogger()
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def _onnx_session(model: Any) -> Read:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.set_denormal_as_zero", "1")
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )

    def read(rows: NDArray[np.int32]) -> Array:
        return np.asarray(session.run(None, {"ids": rows})[0]).reshape(-1)

    return read


def openvino(network: Network) -> Read:
    """OpenVINO in float32, for latency."""
    import openvino as ov

    core = ov.Core()
    compiled = core.compile_model(
        core.read_model(onnx_lstm(network).SerializeToString()),
        "CPU",
        {
            "INFERENCE_NUM_THREADS": 1,
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": "f32",
        },
    )
    request = compiled.create_infer_request()

    def read(rows: NDArray[np.int32]) -> Array:
        return np.asarray(request.infer({"ids": rows})["h_n"]).reshape(-1)

    return read


def torch_lstm(network: Network) -> Read:
    """``torch.nn.LSTM``; its file is with torch's others."""
    read: Read = import_module("skimrnn.nn.timed").reader(network.parameters, network.embedding)
    return read


PEERS = (
    Peer("ONNX Runtime", "float32", onnx_runtime),
    Peer("ONNX Runtime", "int8", onnx_runtime_int8),
    Peer("OpenVINO", "float32", openvino),
    Peer("torch.nn.LSTM", "float32", torch_lstm),
)
