"""Folders that are damaged, lying, oversized or somebody else's: one ModelFileError, all named."""

import errno
import json
import os
import pickle
import struct
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file, save

from models import LABELS, WORDS, make_classifier, make_config, make_layer, saved
from skimrnn import model_folder
from skimrnn.model_file import read_model
from skimrnn.model_folder import MAX_BYTES, ModelFileError
from skimrnn.runtime import load, load_layer

FILES = ("config.json", "model.safetensors", "vocabulary.txt", "training.json", "README.md")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A classifier, whole until a test damages it."""
    model = make_classifier(make_config((7, 3)), training={"seed": 1}, card="# card\n")
    return saved(tmp_path / "model", model)


def problems_of(folder: Path | str) -> list[str]:
    """What the one error of reading it names; every reader gives the same."""
    with pytest.raises(ModelFileError) as caught:
        read_model(folder)
    error = caught.value
    assert str(error).startswith(f"{folder} is not a model that skimrnn can read:\n  - ")
    for problem in error.problems[:50]:
        assert problem[:100].isprintable() == (problem[:100] in str(error)) or "\n" in problem
    for reader in (load, load_layer):
        with pytest.raises(ModelFileError) as again:
            reader(Path(folder))
        assert again.value.problems == error.problems
    return error.problems


def change_config(folder: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    path = folder / "config.json"
    values = json.loads(path.read_text("utf-8"))
    change(values)
    path.write_text(json.dumps(values), "utf-8")


def change_tensors(folder: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    path = folder / "model.safetensors"
    tensors = load_file(path)
    change(tensors)
    path.write_bytes(save(tensors))


def header_of(data: bytes) -> tuple[dict[str, Any], bytes]:
    start = 8 + int.from_bytes(data[:8], "little")
    return json.loads(data[8:start]), data[start:]


def with_header(header: bytes | dict[str, Any], body: bytes) -> bytes:
    header = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(header)) + header + body


# ---- the folder ----------------------------------------------------------------------------------


def test_a_whole_folder_reads(folder: Path) -> None:
    assert read_model(folder).card == "# card\n"


@pytest.mark.parametrize("name", ["absent", "a/b/c", "x" * 300, "a\0b", "é\udcff"], ids=ascii)
def test_no_folder(name: str, tmp_path: Path) -> None:
    assert problems_of(tmp_path / name) == ["there is no such folder"]


def test_an_empty_folder(tmp_path: Path) -> None:
    found = problems_of(tmp_path)
    assert found == ["it has no config.json, so it is not a model folder"]


def test_a_file_in_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "model").write_bytes(b"{}")
    assert problems_of(tmp_path / "model") == ["there is no such folder"]


def test_links_in_a_circle(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert problems_of(tmp_path / "a") == ["there is no such folder"]
    for name in FILES:
        (folder / name).unlink()
        (folder / name).symlink_to(name)
    assert problems_of(folder) == [f"{name}: there is no such file" for name in FILES_IN_ORDER]


FILES_IN_ORDER = (
    "config.json",
    "vocabulary.txt",
    "model.safetensors",
    "training.json",
    "README.md",
)


def test_links_to_nothing(folder: Path) -> None:
    for name in FILES:
        (folder / name).unlink()
        (folder / name).symlink_to("nowhere")
    assert problems_of(folder) == [f"{name}: there is no such file" for name in FILES_IN_ORDER]


def test_a_folder_in_place_of_each_file(folder: Path) -> None:
    for name in FILES:
        (folder / name).unlink()
        (folder / name).mkdir()
    assert problems_of(folder) == [f"{name}: there is no such file" for name in FILES_IN_ORDER]


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file(name: str, folder: Path) -> None:
    (folder / name).unlink()
    if name in ("training.json", "README.md"):
        file = read_model(folder)
        assert (file.training, file.card) == (
            {} if name == "training.json" else {"seed": 1},
            "" if name == "README.md" else "# card\n",
        )
    else:
        (problem,) = problems_of(folder)
        assert "no config.json" in problem or problem == f"{name}: there is no such file"


@pytest.mark.parametrize("name", ["config.json", "vocabulary.txt", "training.json"])
def test_an_empty_file(name: str, folder: Path) -> None:
    (folder / name).write_bytes(b"")
    assert problems_of(folder) == [f"{name}: it is empty"]


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_too_large(name: str, folder: Path) -> None:
    """Sparse, so that only a reader that reads it pays."""
    with (folder / name).open("r+b") as file:
        file.truncate(MAX_BYTES[name] + 1)
    tracemalloc.start()
    assert problems_of(folder) == [f"{name}: it is larger than {MAX_BYTES[name]} bytes"]
    assert tracemalloc.get_traced_memory()[1] < 2**22
    tracemalloc.stop()


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_not_utf8(name: str, folder: Path) -> None:
    (folder / name).write_bytes(b'{"format": "\xff"}')
    (problem,) = problems_of(folder)
    expected = "damaged or not a safetensors file" if "safe" in name else "it is not UTF-8"
    assert problem.startswith(f"{name}: ")
    assert expected in problem


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_the_system_refuses(name: str, folder: Path, monkeypatch) -> None:
    original = model_folder.check_file

    def refuse(path: Path) -> None:
        original(path)
        if path.name == name:
            raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(model_folder, "check_file", refuse)
    assert problems_of(folder) == [f"{name}: it cannot be read (Permission denied)"]


def test_memory_that_does_not_suffice(folder: Path, monkeypatch) -> None:
    def fail(array: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(np, "isfinite", fail)
    assert problems_of(folder) == ["model.safetensors: it does not fit into memory"]


# ---- config.json ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"{", "config.json: it is not JSON: "),
        (b'{"format": "skimrnn", }', "config.json: it is not JSON: "),
        (b"[" * 200_000, "config.json: it is nested too deeply"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "config.json: it is nested too deeply"),
        (b'{"format": "skimrnn", "a": NaN}', "config.json: it is not JSON: NaN is no number there"),
        (b'{"a": -Infinity}', "config.json: it is not JSON: -Infinity"),
        (b'{"format": ' + b"9" * 10_000 + b"}", "config.json: "),
        (b'["skimrnn"]', "config.json: it must hold a JSON object; got list"),
        (b"null", "config.json: it must hold a JSON object; got NoneType"),
        (b'"skimrnn"', "config.json: it must hold a JSON object; got str"),
        (b"{}", 'config.json is not ours: "format" is not "skimrnn"'),
        (b'{"format": ["skimrnn"]}', 'config.json is not ours: "format" is not "skimrnn"'),
        (b'{"model_type": "bert", "hidden_size": 768}', "config.json is not ours"),
        (b"\xef\xbb\xbf{}", "config.json: "),
    ],
    ids=lambda value: ascii(value[:25]),
)
def test_a_config_that_is_not_ours(data: bytes, expected: str, folder: Path) -> None:
    (folder / "config.json").write_bytes(data)
    (problem,) = problems_of(folder)
    assert problem.startswith(expected)


@pytest.mark.parametrize("version", [2, 99, 0, "1", None, True, 1.5, [1]])
def test_another_version(version: Any, folder: Path) -> None:
    change_config(folder, lambda values: values.update(format_version=version))
    assert problems_of(folder) == [
        f"format version {version!r} is not 1, the one this skimrnn reads: "
        "install the skimrnn that wrote it"
    ]


LAYER = [
    ({"num_layers": 10**6}, "layer: num_layers=1000000 with 2 level(s) and 1 direction(s) makes"),
    ({"num_layers": 10**9}, "layer: num_layers=1000000000 with"),
    ({"num_layers": 10**40}, "layer: num_layers is more than the 2147483647 that are read"),
    ({"hidden_size": 10**4000}, "layer: hidden_size is more than the 2147483647 that are read"),
    ({"input_size": 10**4299}, "layer: input_size is more than the 2147483647 that are read"),
    ({"hidden_size": 10**9, "levels": [10**9, 3]}, "parameter head.weight is (3, 7)"),
    ({"hidden_size": 10**9}, "layer: levels must be whole numbers falling strictly"),
    ({"levels": list(range(7, -90_000, -1))}, "layer: levels must be at most 128; got 90007"),
    ({"levels": list(range(7, -1, -1)), "num_layers": 2000}, "layer: num_layers=2000 with 8"),
    ({"levels": [7, "3"]}, "layer: levels must be whole numbers"),
    ({"levels": [7, 3.0]}, "layer: levels must be whole numbers"),
    ({"levels": [7, True]}, "layer: levels must be whole numbers"),
    ({"levels": [7, None]}, "layer: levels must be whole numbers"),
    ({"levels": [7, -1]}, "layer: levels must be whole numbers"),
    ({"levels": [7, 7]}, "layer: levels must be whole numbers"),
    ({"levels": []}, "layer: levels must be whole numbers"),
    ({"levels": "73"}, "layer: levels must be whole numbers"),
    ({"levels": {"7": 3}}, "layer: levels must be whole numbers"),
    ({"levels": 7}, "layer: levels must be whole numbers"),
    ({"hidden_size": "7"}, "layer: hidden_size must be a whole number of at least 1; got '7'"),
    ({"input_size": -5}, "layer: input_size must be a whole number of at least 1; got -5"),
    ({"input_size": 5.0}, "layer: input_size must be a whole number of at least 1; got 5.0"),
    ({"num_layers": 0}, "layer: num_layers must be a whole number of at least 1; got 0"),
    ({"num_layers": True}, "layer: num_layers must be a whole number of at least 1; got True"),
    ({"bias": 1}, "layer: bias must be true or false; got 1"),
    ({"bidirectional": "no"}, "layer: bidirectional must be true or false; got 'no'"),
    ({"cell": "transformer"}, "layer: cell must be one of lstm, gru, rnn_tanh, rnn_relu; got"),
    ({"cell": ["lstm"]}, "layer: cell must be one of lstm, gru, rnn_tanh, rnn_relu; got ['lstm']"),
    ({"cell": None}, "layer: cell must be one of lstm, gru, rnn_tanh, rnn_relu; got None"),
    ({"skim_input": {}}, 'layer: skim_input must be "prefix" or "full"; got {}'),
    ({"router_input": []}, 'layer: router_input must be "hidden" or "state"; got []'),
    ({"cell": "gru"}, 'layer: router_input="state" needs a cell state, which only the LSTM has'),
    ({"surprise": 1}, "layer: unknown: surprise"),
]


@pytest.mark.parametrize(("change", "expected"), LAYER, ids=lambda value: ascii(value)[:40])
def test_layer_options_that_lie(change: dict[str, Any], expected: str, folder: Path) -> None:
    change_config(folder, lambda values: values["layer"].update(change))
    began = time.process_time()
    tracemalloc.start()
    found = problems_of(folder)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found[0].startswith(expected)
    assert time.process_time() - began < 2
    assert peak < 2**25


@pytest.mark.parametrize("levels", [1, 5])
def test_as_many_cells_as_are_read_are_judged_fast(levels: int, folder: Path) -> None:
    sizes = list(range(7, 7 - levels, -1))
    change_config(folder, lambda v: v["layer"].update(num_layers=10_000 // levels, levels=sizes))
    began = time.process_time()
    found = problems_of(folder)
    assert time.process_time() - began < 5
    assert len(found) > 10_000
    with pytest.raises(ModelFileError) as caught:
        read_model(folder)
    lines = str(caught.value).splitlines()
    assert len(lines) == 52
    assert lines[-1] == f"  - ... and {len(found) - 50} more"


@pytest.mark.parametrize("missing", ["cell", "input_size", "hidden_size", "levels"])
def test_a_missing_layer_option(missing: str, folder: Path) -> None:
    change_config(folder, lambda values: values["layer"].pop(missing))
    assert problems_of(folder) == [f"layer: missing: {missing}"]


CONFIG = [
    ({"layer": None}, "layer: it is missing or not an object"),
    ({"layer": [1]}, "layer: it is missing or not an object"),
    ({"rule": None}, "rule: it must be an object with threshold, budget and burst"),
    ({"rule": {"threshold": 0.5}}, "rule: it must be an object with threshold, budget and burst"),
    ({"kind": "encoder"}, 'kind: it must be "layer" or "classifier"; got \'encoder\''),
    ({"kind": None}, 'kind: it must be "layer" or "classifier"; got None'),
    ({"kind": ["layer"]}, 'kind: it must be "layer" or "classifier"; got [\'layer\']'),
    ({"head": None}, "head: it is missing or not an object"),
    ({"head": {"labels": [], "pooling": "last"}}, "head: labels must be a list of different"),
    ({"head": {"labels": "abc", "pooling": "last"}}, "head: labels must be a list of different"),
    ({"head": {"labels": ["a", "b", "a"], "pooling": "last"}}, "head: labels must be a list of"),
    ({"head": {"labels": ["a", 1, "b"], "pooling": "last"}}, "head: labels must be a list of"),
    ({"head": {"labels": ["a", ["b"], "c"], "pooling": "last"}}, "head: labels must be a list of"),
    ({"head": {"labels": ["\ud800", "b", "c"], "pooling": "last"}}, "head: labels must have no"),
    ({"head": {"labels": list(LABELS), "pooling": "mean"}}, "head: pooling must be one of last"),
    ({"head": {"labels": list(LABELS), "pooling": ["last"]}}, "head: pooling must be one of last"),
    ({"head": {"labels": list(LABELS)}}, "head: pooling must be one of last; got None"),
    *(
        (
            {"head": {"labels": list(LABELS), "pooling": "last", "activation": odd}},
            f"head: activation must be one of softmax, sigmoid; got {odd!r}",
        )
        for odd in ("Sigmoid", "relu", None, True, 1, ["sigmoid"], {"sigmoid": 1})
    ),
]


@pytest.mark.parametrize(("change", "expected"), CONFIG, ids=lambda value: ascii(value)[:40])
def test_a_config_that_does_not_fit(change: dict[str, Any], expected: str, folder: Path) -> None:
    change_config(folder, lambda values: values.update(change))
    (problem,) = problems_of(folder)
    assert problem.startswith(expected)


RULE = [
    ({"threshold": None}, "threshold must be a number"),
    ({"threshold": "0.5"}, "threshold must be a number"),
    ({"threshold": True}, "threshold must be a number"),
    ({"threshold": [0.5]}, "threshold must be a number"),
    ({"threshold": 10**400}, "threshold must be a number"),
    ({"budget": 1.5}, "budget must be from 0 to 1"),
    ({"budget": -0.1}, "budget must be from 0 to 1"),
    ({"budget": "all"}, "budget must be from 0 to 1"),
    ({"burst": -1}, "burst must be a number of at least 0"),
    ({"burst": 10**400}, "burst must be a number of at least 0"),
    ({"burst": None}, "burst must be a number of at least 0"),
]


@pytest.mark.parametrize(("change", "expected"), RULE, ids=lambda value: ascii(value)[:30])
def test_a_rule_that_does_not_fit(change: dict[str, Any], expected: str, folder: Path) -> None:
    change_config(folder, lambda values: values["rule"].update(change))
    (problem,) = problems_of(folder)
    assert problem.startswith(f"rule: {expected}")


def test_a_budget_for_a_model_that_never_skims(tmp_path: Path) -> None:
    folder = saved(tmp_path / "model", make_classifier(make_config((7,))))
    change_config(folder, lambda values: values["rule"].update(budget=0.5))
    assert problems_of(folder) == [
        "rule: a budget needs a level to skim at; got budget=0.5 with levels=(7,)"
    ]


def test_every_problem_of_the_options_is_named(folder: Path) -> None:
    change_config(
        folder,
        lambda values: values.update(
            layer={
                "input_size": -1,
                "hidden_size": 7,
                "levels": [3],
                "bias": 2,
                "skim_input": "all",
                "router_input": "x",
                "other": 1,
            },
            rule={"threshold": "x", "budget": 2, "burst": -1},
            head={"labels": [], "pooling": "x"},
        ),
    )
    layer, rule, head = problems_of(folder)
    named = ("unknown: other", "missing: cell", "input_size", "bias", "levels", "skim_input")
    assert all(name in layer for name in (*named, "router_input must"))
    assert all(name in rule for name in ("threshold", "budget", "burst"))
    assert all(name in head for name in ("labels", "pooling"))


def test_a_problem_cannot_steer_the_terminal_or_fill_it(folder: Path) -> None:
    change_config(
        folder,
        lambda values: values["layer"].update(
            {"\x1b[2J\u202e\r": 1, "x" * 100_000: 1, "\ud800": 2}
        ),
    )
    with pytest.raises(ModelFileError) as caught:
        read_model(folder)
    message = str(caught.value)
    assert len(message) < 1000
    assert message.replace("\n", "").isprintable()
    assert "\\x1b[2J\\u202e\\r" in message


# ---- model.safetensors ---------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0, 1, 4, 7, 8, 9, 50, 200, 0.3, 0.5, 0.9, -1, -100])
def test_a_truncated_file(share: float, folder: Path) -> None:
    path = folder / "model.safetensors"
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data)) if isinstance(share, float) else share])
    (problem,) = problems_of(folder)
    if share == 0:
        assert problem == "model.safetensors: it is empty"
    else:
        assert problem.startswith("model.safetensors: it is damaged or not a safetensors file (")


def lies() -> dict[str, Callable[[dict[str, Any], bytes], bytes]]:
    def offsets(first: int, end: int) -> Callable[[dict[str, Any], bytes], bytes]:
        def lie(header: dict[str, Any], body: bytes) -> bytes:
            header["rnn.bias_hh_l0"]["data_offsets"] = [first, end]
            return with_header(header, body)

        return lie

    def shape(given: Any) -> Callable[[dict[str, Any], bytes], bytes]:
        def lie(header: dict[str, Any], body: bytes) -> bytes:
            header["rnn.bias_hh_l0"]["shape"] = given
            return with_header(header, body)

        return lie

    return {
        "length 0": lambda header, body: struct.pack("<Q", 0) + body,
        "length huge": lambda header, body: struct.pack("<Q", 2**63) + body,
        "length 100 MB": lambda header, body: struct.pack("<Q", 10**8 - 1) + body,
        "length all": lambda header, body: struct.pack("<Q", 2**64 - 1) + b"{}" + body,
        "header not JSON": lambda header, body: with_header(b"{" * 50, body),
        "header deep": lambda header, body: with_header(b"[" * 50_000, body),
        "header not UTF-8": lambda header, body: with_header(b'{"\xff\xff": 1}', body),
        "header empty": lambda header, body: with_header({}, body),
        "header a list": lambda header, body: with_header(b"[]", body),
        "overlapping": offsets(0, 112),
        "beyond the end": offsets(10**6, 10**6 + 112),
        "backwards": offsets(112, 0),
        "negative": offsets(-112, 0),
        "wrapping": offsets(2**64 - 112, 2**64),
        "oversized shape": shape([2**40]),
        "overflowing shape": shape([2**62, 2**62]),
        "negative shape": shape([-28]),
        "shape of strings": shape(["28"]),
        "body too long": lambda header, body: with_header(header, body + b"\0" * 8),
        "body doubled": lambda header, body: with_header(header, body + body),
        "pickle": lambda header, body: pickle.dumps({"a": [1, 2]}),
        "zip": lambda header, body: b"PK\x03\x04" + bytes(200),
        "zeros": lambda header, body: bytes(1000),
        "text": lambda header, body: b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a",
    }


@pytest.mark.parametrize("name", lies())
def test_a_file_that_lies(name: str, folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(lies()[name](*header_of(path.read_bytes())))
    (problem,) = problems_of(folder)
    assert problem.startswith("model.safetensors: it is damaged or not a safetensors file (")


def test_a_pickle_is_not_run(folder: Path, tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.mkdir, (str(tmp_path / "run"),)

    for name in FILES:
        (folder / name).write_bytes(pickle.dumps(Evil()))
    assert len(problems_of(folder)) >= 3
    assert not (tmp_path / "run").exists()


def test_no_parameter_at_all(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(save({}))
    assert problems_of(folder) == ["model.safetensors: it holds no parameter"]


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int64", "bool", "complex64"])
def test_a_wrong_dtype(dtype: str, folder: Path) -> None:
    change_tensors(folder, lambda t: t.update({"head.bias": np.ones(3, dtype)}))
    (problem,) = problems_of(folder)
    assert problem.startswith("parameter head.bias is ")
    assert problem.endswith("; expected float16 or float32 or float64")


INT8_ROWS = [
    ({"embedding.scale": None}, "parameter embedding.scale is missing"),
    ({"embedding.weight": np.ones((10, 5), np.float32)}, "parameter embedding.scale is not known"),
    ({"embedding.scale": np.ones(9, np.float32)}, "embedding.scale is (9,); expected (10,)"),
    (
        {"embedding.scale": np.ones((10, 1), np.float32)},
        "embedding.scale is (10, 1); expected (10,)",
    ),
    ({"embedding.scale": np.ones(10, np.int8)}, "embedding.scale is int8; expected float32"),
    ({"embedding.scale": np.ones(10, np.float64)}, "embedding.scale is float64; expected float32"),
    ({"embedding.scale": np.full(10, np.nan, np.float32)}, "values that are not finite"),
    (
        {
            "embedding.scale": np.full(10, 3e38, np.float32),
            "embedding.weight": np.full((10, 5), 100, np.int8),
        },
        "parameter embedding.weight has values that are not finite",
    ),
    (
        {"embedding.weight": np.ones((10, 4), np.int8)},
        "embedding.weight is (10, 4); expected (10, 5)",
    ),
    ({"embedding.weight": np.ones((10, 5), np.uint8)}, "parameter embedding.weight is"),
]


@pytest.mark.parametrize(("changes", "said"), INT8_ROWS, ids=lambda value: str(value)[:40])
def test_rows_in_int8_and_their_scales_must_fit(changes, said, folder: Path) -> None:
    words, inputs = 10, 5
    whole = {
        "embedding.weight": np.ones((words, inputs), np.int8),
        "embedding.scale": np.ones(words, np.float32),
    }
    change_tensors(folder, lambda tensors: tensors.update(whole))
    assert read_model(folder).text.embedding.dtype == np.float32

    def change(tensors: dict[str, np.ndarray]) -> None:
        tensors.update({name: array for name, array in changes.items() if array is not None})
        for name in (name for name, array in changes.items() if array is None):
            del tensors[name]

    change_tensors(folder, change)
    assert any(said in problem for problem in problems_of(folder)), problems_of(folder)


@pytest.mark.parametrize("dtype", ["BF16", "F8_E4M3", "F8_E5M2", "I16", "U64", "F128", "f32", ""])
def test_a_dtype_without_numpy_s(dtype: str, folder: Path) -> None:
    path = folder / "model.safetensors"
    size = {"BF16": 2, "I16": 2, "U64": 8}.get(dtype, 1)
    only = {"head.bias": {"dtype": dtype, "shape": [3], "data_offsets": [0, 3 * size]}}
    path.write_bytes(with_header(only, bytes(3 * size)))
    found = problems_of(folder)
    assert any("head.bias is " in problem or "damaged" in problem for problem in found)


def test_several_dtypes(folder: Path) -> None:
    change_tensors(folder, lambda t: t.update({"head.bias": np.ones(3, np.float64)}))
    assert problems_of(folder) == ["the parameters have several dtypes: float32, float64"]


@pytest.mark.parametrize("shape", [(), (2,), (4,), (3, 1), (1, 3), (0,), (3, 0)])
def test_a_wrong_shape(shape: tuple[int, ...], folder: Path) -> None:
    change_tensors(folder, lambda t: t.update({"head.bias": np.ones(shape, np.float32)}))
    assert problems_of(folder) == [f"parameter head.bias is {shape}; expected (3,)"]


def test_a_large_tensor_of_a_wrong_shape_is_not_read(folder: Path) -> None:
    path = folder / "model.safetensors"
    header, body = header_of(path.read_bytes())
    size = 2**30
    header["big"] = {
        "dtype": "F32",
        "shape": [size],
        "data_offsets": [len(body), len(body) + 4 * size],
    }
    data = with_header(header, body)
    path.write_bytes(data)
    os.truncate(path, len(data) + 4 * size)  # a hole: takes no room
    began = time.process_time()
    tracemalloc.start()
    assert problems_of(folder) == ["parameter big is not known"]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**22
    assert time.process_time() - began < 2


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["embedding.weight", "rnn.router_bias_l0", "head.weight"])
def test_values_that_are_not_finite(name: str, value: float, folder: Path) -> None:
    change_tensors(folder, lambda t: t[name].reshape(-1).__setitem__(-1, value))
    assert problems_of(folder) == [f"parameter {name} has values that are not finite"]


def test_missing_and_unknown_parameters(folder: Path) -> None:
    def change(tensors: dict[str, Any]) -> None:
        tensors["rnn.weight_ih_l1"] = tensors.pop("rnn.weight_ih_l0")
        del tensors["embedding.weight"]

    change_tensors(folder, change)
    assert problems_of(folder) == [
        "parameter embedding.weight is missing",
        "parameter rnn.weight_ih_l0 is missing",
        "parameter rnn.weight_ih_l1 is not known",
    ]


def test_a_classifier_that_says_it_is_a_layer(folder: Path) -> None:
    change_config(folder, lambda values: values.update(kind="layer"))
    found = problems_of(folder)
    assert "parameter weight_ih_l0 is missing" in found
    assert "parameter rnn.weight_ih_l0 is not known" in found
    assert "parameter head.weight is not known" in found


def test_a_layer_that_says_it_is_a_classifier(tmp_path: Path) -> None:
    folder = saved(tmp_path / "model", make_layer())
    change_config(folder, lambda values: values.update(kind="classifier"))
    found = problems_of(folder)
    assert found[:2] == [
        "head: it is missing or not an object",
        "vocabulary.txt: there is no such file",
    ]
    assert "parameter embedding.weight is missing" in found
    assert "parameter weight_ih_l0 is not known" in found


def test_a_layer_is_no_text_classifier(tmp_path: Path) -> None:
    folder = saved(tmp_path / "model", make_layer())
    with pytest.raises(
        ModelFileError, match="it is a bare layer, not a text classifier; use load_"
    ):
        load(folder)


# ---- vocabulary.txt and training.json ------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (WORDS[:-1], "parameter embedding.weight is (10, 5); expected (9, 5)"),
        ((*WORDS, "more"), "parameter embedding.weight is (10, 5); expected (11, 5)"),
        ((*WORDS[:-1], "the"), "line 10: 'the' stands already on line 2"),
        ((*WORDS[:-1], ""), "line 10: the word is empty"),
        ((*WORDS[:-1], "a\rb"), "line 10: the word has a line break in it"),
        (WORDS[1:], "line 1: must be '<unknown>', the unknown word; got 'the'"),
    ],
    ids=["short", "long", "twice", "empty", "break", "no unknown"],
)
def test_a_vocabulary_that_does_not_fit(words, expected: str, folder: Path) -> None:
    (folder / "vocabulary.txt").write_bytes("\n".join(words).encode() + b"\n")
    (problem,) = problems_of(folder)
    assert expected in problem


def test_a_vocabulary_with_an_endless_line(folder: Path) -> None:
    (folder / "vocabulary.txt").write_bytes(b"x" * 10**6)
    with pytest.raises(ModelFileError) as caught:
        read_model(folder)
    assert "line 1: must be '<unknown>'" in str(caught.value)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"[1]", "it must hold a JSON object; got list"),
        (b"5", "it must hold a JSON object; got int"),
        (b'"' + b"x" * 10, "it is not JSON: "),
        (b"[" * 10**6, "it is nested too deeply"),
        (b'{"a": Infinity}', "it is not JSON: Infinity is no number there"),
    ],
    ids=ascii,
)
def test_a_record_that_is_none(data: bytes, expected: str, folder: Path) -> None:
    (folder / "training.json").write_bytes(data)
    (problem,) = problems_of(folder)
    assert problem.startswith(f"training.json: {expected}")


# ---- all at once, and at random ------------------------------------------------------------------


def test_five_faults_are_five_problems(folder: Path) -> None:
    def change(tensors: dict[str, Any]) -> None:
        del tensors["rnn.bias_hh_l0"]
        tensors["head.weight"] = tensors["head.weight"][:, 1:].copy()
        tensors["embedding.weight"][0, 0] = np.nan

    change_tensors(folder, change)
    change_config(folder, lambda values: values["rule"].update(budget=7))
    (folder / "training.json").write_bytes(b"{")
    found = problems_of(folder)
    starts = [
        "rule: budget must be from 0 to 1, or None; got 7",
        "parameter rnn.bias_hh_l0 is missing",
        "parameter head.weight is (3, 6); expected (3, 7)",
        "parameter embedding.weight has values that are not finite",
        "training.json: it is not JSON: ",
    ]
    assert len(found) == 5
    for problem, start in zip(found, starts, strict=True):
        assert problem.startswith(start)


def test_a_fault_in_every_file(folder: Path) -> None:
    (folder / "config.json").write_bytes(b"{")
    (folder / "vocabulary.txt").write_bytes(b"the\n")
    (folder / "training.json").write_bytes(b"[]")
    (folder / "README.md").write_bytes(b"\xff")
    change_tensors(folder, lambda t: t["head.bias"].__setitem__(0, np.inf))
    found = problems_of(folder)
    starts = ["config.json: ", "vocabulary.txt: ", "parameter head.bias has", "training.json: "]
    assert len(found) == 5
    for problem, start in zip(found, [*starts, "README.md: "], strict=True):
        assert problem.startswith(start)


def test_shapes_are_judged_beside_a_bad_vocabulary(folder: Path) -> None:
    """What does not depend on the damaged part is still named."""
    (folder / "vocabulary.txt").write_bytes(b"\n")
    change_config(folder, lambda values: values["head"].update(labels=["a", "a"]))
    change_tensors(
        folder,
        lambda t: t.update(
            {
                "embedding.weight": np.ones((10, 4), np.float32),
                "head.bias": np.ones((3, 1), np.float32),
                "rnn.bias_ih_l0": np.ones(3, np.float32),
            }
        ),
    )
    found = problems_of(folder)
    assert found[0].startswith("head: labels must be")
    assert found[1].startswith("vocabulary.txt: ")
    assert sorted(found[2:]) == [
        "parameter embedding.weight is (10, 4); expected (?, 5)",
        "parameter head.bias is (3, 1); expected (?,)",
        "parameter rnn.bias_ih_l0 is (3,); expected (28,)",
    ]


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory) -> tuple[Path, dict[str, bytes]]:
    model = make_classifier(make_config((3, 1), input_size=2), training={"a": [1, "é"]}, card="c")
    folder = saved(tmp_path_factory.mktemp("fuzz") / "model", model)
    return folder, {name: (folder / name).read_bytes() for name in FILES}


def reads_or_says_why(folder: Path) -> None:
    """Any other error than ModelFileError goes through and fails the test."""
    try:
        model = load(folder)
    except ModelFileError:
        return
    assert np.isfinite(model.predict_proba("the good film")).all()


@st.composite
def damage(draw: st.DrawFn, data: bytes) -> bytes:
    """The bytes with some flipped, cut out, doubled or put in, and perhaps cut short."""
    changed = bytearray(data)
    # A header comes first and matters most.
    place = st.one_of(st.integers(0, len(data)), st.integers(0, min(len(data), 40)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(place)
        match draw(st.sampled_from(["flip", "set", "cut", "put", "end"])):
            case "flip" if at < len(changed):
                changed[at] ^= 1 << draw(st.integers(0, 7))
            case "set" if at < len(changed):
                changed[at] = draw(st.sampled_from(b'\0\xff09-"{}[]:,e.\\n'))
            case "cut":
                del changed[at : at + draw(st.integers(1, 16))]
            case "put":
                changed[at:at] = draw(st.binary(min_size=1, max_size=8))
            case "end":
                del changed[at:]
    return bytes(changed)


@pytest.mark.parametrize("name", FILES)
@settings(max_examples=150)
@given(data=st.data())
def test_damage_at_random(name: str, fuzzed: tuple[Path, dict[str, bytes]], data) -> None:
    folder, whole = fuzzed
    (folder / name).write_bytes(data.draw(damage(whole[name])))
    reads_or_says_why(folder)
    (folder / name).write_bytes(whole[name])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


@settings(max_examples=150)
@given(data=st.data(), value=JSON)
def test_any_json_in_any_place_of_the_config(fuzzed, data, value) -> None:
    folder, whole = fuzzed
    values = json.loads(whole["config.json"])
    part = data.draw(st.sampled_from([values, values["layer"], values["rule"], values["head"]]))
    part[data.draw(st.sampled_from([*part, "other"]))] = value
    (folder / "config.json").write_text(json.dumps(values))
    reads_or_says_why(folder)
    (folder / "config.json").write_bytes(whole["config.json"])
