"""The model folder: what is written comes back, and a failure to write leaves what was there."""

import errno
import hashlib
import json
import os
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models import LABELS, WORDS, make_classifier, make_config, make_layer, rules, saved, tree
from skimrnn.config import SkimConfig
from skimrnn.decision import Rule
from skimrnn.model_file import ModelFile, read_model, write_model
from skimrnn.model_folder import check_target
from skimrnn.text import Vocabulary

NAMES = {
    "layer": {"README.md", "config.json", "model.safetensors", "training.json"},
    "classifier": {
        "README.md",
        "config.json",
        "model.safetensors",
        "training.json",
        "vocabulary.txt",
    },
}
DISK_FULL = OSError(errno.ENOSPC, "disk full while saving")


def assert_same(found: ModelFile, expected: ModelFile, dtype: str | None = None) -> None:
    assert found.config == expected.config
    assert found.rule == expected.rule
    assert found.training == expected.training
    assert found.card == expected.card
    pairs = [
        (found.parameters[name], expected.parameters[name])
        for name in expected.config.parameter_shapes()
    ]
    assert set(found.parameters) == set(expected.config.parameter_shapes())
    assert (found.text is None) == (expected.text is None)
    if found.text is not None and expected.text is not None:
        assert found.text.labels == expected.text.labels
        assert found.text.vocabulary == expected.text.vocabulary
        assert found.text.pooling == expected.text.pooling
        for name in ("embedding", "head_weight", "head_bias"):
            pairs.append((getattr(found.text, name), getattr(expected.text, name)))
    for ours, theirs in pairs:
        stored = theirs.astype(dtype or theirs.dtype)
        assert ours.dtype == (np.float32 if stored.dtype == np.float16 else stored.dtype)
        np.testing.assert_array_equal(ours, stored)


# ---- what is written comes back ------------------------------------------------------------------


@pytest.mark.parametrize("make", [make_layer, make_classifier])
@pytest.mark.parametrize("levels", [(7,), (7, 3), (7, 0), (7, 3, 1), (7, 4, 0)], ids=str)
@pytest.mark.parametrize(
    "options",
    [
        {"cell": "lstm"},
        {"cell": "lstm", "router_input": "hidden", "skim_input": "full", "num_layers": 2},
        {"cell": "gru", "bidirectional": True, "num_layers": 3},
        {"cell": "rnn_tanh", "bias": False},
        {"cell": "rnn_relu", "input_size": 1, "bidirectional": True},
    ],
    ids=lambda options: "-".join(map(str, options.values())),
)
def test_round_trip(make, levels, options, tmp_path: Path) -> None:
    model = make(
        make_config(levels, **options),
        rule=Rule(0.25, None, 3.5),
        training={"seed": 3, "é": [1.5, None, {"deep": "😀"}]},
        card="# Card\r\nwith é\n",
    )
    write_model(tmp_path / "model", model)
    assert_same(read_model(tmp_path / "model"), model)
    assert set(tree(tmp_path / "model")) == NAMES["layer" if model.text is None else "classifier"]


@pytest.mark.parametrize("make", [make_layer, make_classifier])
@pytest.mark.parametrize("given", ["float16", "float32", "float64"])
@pytest.mark.parametrize("dtype", [None, "float16", "float32", "float64"])
def test_round_trip_of_every_dtype(make, given: str, dtype: str | None, tmp_path: Path) -> None:
    model = make(dtype=given)
    write_model(tmp_path / "model", model, dtype=dtype)
    assert_same(read_model(tmp_path / "model"), model, dtype)


@pytest.mark.parametrize("given", ["float32", "float64"])
@pytest.mark.parametrize("dtype", [None, "float16", "float32", "float64"])
def test_rows_in_int8_come_back_within_half_a_step(
    given: str, dtype: str | None, tmp_path: Path
) -> None:
    model = make_classifier(dtype=given)
    embedding = model.text.embedding.copy()
    embedding[0], embedding[1] = 0, np.linspace(-1, 1, embedding.shape[1]) * 1e-3
    model = replace(model, text=replace(model.text, embedding=embedding))
    write_model(tmp_path / "model", model, dtype=dtype, int8_rows=True)
    whole = read_model(tmp_path / "model")
    step = np.abs(embedding).max(axis=1, keepdims=True) / 127
    # With float16 the numbers themselves are rounded first, by 2**-11.
    allowed = 0.501 * step + (dtype == "float16") * (2**-11 * np.abs(embedding) + 1e-7)
    assert (np.abs(whole.text.embedding - embedding) <= allowed).all()
    assert not whole.text.embedding[0].any()
    as_stored = embedding.astype(dtype or given).astype(whole.text.embedding.dtype)
    assert_same(replace(whole, text=replace(whole.text, embedding=as_stored)), model, dtype)
    small = (tmp_path / "model" / "model.safetensors").read_bytes()
    assert b'"I8"' in small
    assert small.count(b"embedding.scale") == 1
    write_model(tmp_path / "again", whole, dtype=dtype, int8_rows=True)
    np.testing.assert_allclose(
        read_model(tmp_path / "again").text.embedding, whole.text.embedding, rtol=2e-3, atol=1e-7
    )


def test_rows_in_int8_whose_scale_is_too_large_replace_nothing(tmp_path: Path) -> None:
    model = make_classifier(dtype="float64")
    write_model(tmp_path / "model", model)
    before = tree(tmp_path)
    embedding = model.text.embedding.copy()
    embedding[1, 0] = 1e60
    model = replace(model, text=replace(model.text, embedding=embedding))
    with pytest.raises(ValueError, match=r"embedding\.scale has values that are not finite"):
        write_model(tmp_path / "model", model, int8_rows=True)
    assert tree(tmp_path) == before


def test_rows_in_int8_are_a_classifier_s(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="int8_rows is for word vectors, and a layer has none"):
        write_model(tmp_path / "model", make_layer(), int8_rows=True)
    assert tree(tmp_path) == {}


@pytest.mark.parametrize(
    "rule",
    [*rules(), Rule(np.float32(0.3), np.float64(0.5), np.int64(2)), Rule(3), Rule(0)],
    ids=str,
)
def test_round_trip_of_the_rule(rule: Rule, tmp_path: Path) -> None:
    assert read_model(saved(tmp_path / "model", make_layer(rule=rule))).rule == rule


@given(
    words=st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), unique=True),
    labels=st.lists(
        st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=9, unique=True
    ),
)
def test_round_trip_of_words_and_labels(words, labels, tmp_path_factory) -> None:
    words = [word for word in words if not {"\n", "\r"} & set(word) and word != WORDS[0]]
    folder = tmp_path_factory.mktemp("words") / "model"
    model = make_classifier(make_config((2, 1)), words=(WORDS[0], *words), labels=labels)
    assert_same(read_model(saved(folder, model)), model)


def test_arrays_in_any_memory_order(tmp_path: Path) -> None:
    model = make_classifier()
    turned = {name: np.asfortranarray(array) for name, array in model.parameters.items()}
    every_second = {
        name: array.repeat(2)[::2].reshape(array.shape) for name, array in turned.items()
    }
    for parameters in (turned, every_second):
        write_model(tmp_path / "model", replace(model, parameters=parameters))
        assert_same(read_model(tmp_path / "model"), model)


def test_the_bytes_do_not_depend_on_the_order_of_parameters(tmp_path: Path) -> None:
    model = make_classifier(training={"b": 1, "a": 2})
    backwards = replace(model, parameters=dict(reversed(list(model.parameters.items()))))
    first, second = saved(tmp_path / "1", model), saved(tmp_path / "2", backwards)
    assert tree(first) == tree(second)


def test_golden_files(tmp_path: Path) -> None:
    """Change the format version when this changes: other readers rely on it."""
    config = SkimConfig(cell="gru", input_size=2, hidden_size=2, levels=(2, 1))
    shapes = config.parameter_shapes()
    parameters = {
        name: np.arange(np.prod(shape), dtype=np.float32).reshape(shape) - number
        for number, (name, shape) in enumerate(shapes.items())
    }
    model = ModelFile(config, parameters, training={"seed": 1}, card="card\n")
    files = tree(saved(tmp_path / "model", model))
    assert json.loads(files["config.json"] or b"") == {
        "format": "skimrnn",
        "format_version": 1,
        "kind": "layer",
        "layer": {
            "cell": "gru",
            "input_size": 2,
            "hidden_size": 2,
            "levels": [2, 1],
            "num_layers": 1,
            "bias": True,
            "bidirectional": False,
            "skim_input": "prefix",
            "router_input": "hidden",
            "router": "softmax",
        },
        "rule": {"threshold": 0.5, "budget": None, "burst": 1},
    }
    tensors = files.pop("model.safetensors") or b""
    start = 8 + int.from_bytes(tensors[:8], "little")
    header = json.loads(tensors[8:start])
    assert header.pop("__metadata__") == {"format": "skimrnn"}
    assert {name: tuple(part["shape"]) for name, part in header.items()} == shapes
    assert {part["dtype"] for part in header.values()} == {"F32"}
    for name, part in header.items():
        first, end = part["data_offsets"]
        assert tensors[start + first : start + end] == parameters[name].astype("<f4").tobytes()
    assert files == {
        "config.json": files["config.json"],
        "training.json": b'{\n  "seed": 1\n}\n',
        "README.md": b"card\n",
    }


def test_config_of_a_classifier(tmp_path: Path) -> None:
    config = json.loads((saved(tmp_path / "model") / "config.json").read_text("utf-8"))
    assert config["kind"] == "classifier"
    head = {"labels": list(LABELS), "pooling": "last", "activation": "softmax"}
    assert config["head"] == head
    assert set(config) == {"format", "format_version", "kind", "layer", "rule", "head"}
    words = (tmp_path / "model" / "vocabulary.txt").read_bytes()
    assert words == ("\n".join(WORDS) + "\n").encode()


def test_a_multi_label_model_is_read_as_it_was_written(tmp_path: Path) -> None:
    model = make_classifier(activation="sigmoid")
    read = read_model(saved(tmp_path / "model", model))
    assert read.text is not None
    assert read.text.multilabel
    assert read.text.activation == "sigmoid"
    assert read.digest() == model.digest() != make_classifier().digest()


def test_a_folder_that_names_no_activation_is_a_softmax(tmp_path: Path) -> None:
    """As all folders did before there was another."""
    folder = saved(tmp_path / "model")
    config = json.loads((folder / "config.json").read_text("utf-8"))
    del config["head"]["activation"]
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    read = read_model(folder)
    assert read.text is not None
    assert (read.text.activation, read.text.multilabel) == ("softmax", False)
    assert read.digest() == make_classifier().digest()


def test_the_digest_of_a_softmax_is_what_it_was() -> None:
    """Sessions that were saved name their model by it."""
    model = make_classifier()
    assert model.text is not None
    hashed = hashlib.sha256(json.dumps(model.config.to_dict()).encode())
    tensors = {f"rnn.{name}": array for name, array in model.parameters.items()}
    tensors["embedding.weight"] = model.text.embedding
    tensors["head.weight"], tensors["head.bias"] = model.text.head_weight, model.text.head_bias
    for name, array in sorted(tensors.items()):
        hashed.update(f"{name} {array.dtype} {array.shape}".encode() + array.tobytes())
    hashed.update(json.dumps(LABELS).encode() + model.text.vocabulary.to_text().encode())
    assert model.digest() == hashed.hexdigest()


# ---- what cannot be saved ------------------------------------------------------------------------


def broken(name: str) -> ModelFile:
    model = make_classifier()
    text = model.text
    assert text is not None
    parameters = dict(model.parameters)
    first = next(iter(parameters))
    match name:
        case "missing":
            del parameters[first]
        case "unknown":
            parameters["other"] = parameters[first]
        case "shape":
            parameters[first] = parameters[first][1:]
        case "integers":
            parameters[first] = parameters[first].astype(np.int8)
        case "mixed":
            parameters[first] = parameters[first].astype(np.float64)
        case "nan":
            parameters[first] = np.full_like(parameters[first], np.nan)
        case "rows":
            text = replace(text, vocabulary=Vocabulary(WORDS[:-1]))
        case "labels":
            text = replace(text, labels=("a", "a", "b"))
        case "surrogate":
            text = replace(text, labels=("a", "\ud800", "b"))
        case "pooling":
            text = replace(text, pooling="mean")
        case "rule":
            model = replace(model, rule=Rule(float("inf")))
        case "budget":
            config = make_config((7,))
            kept = {name: parameters[name] for name in config.parameter_shapes()}
            return replace(model, config=config, parameters=kept, rule=Rule(budget=0.5))
        case "training":
            model = replace(model, training={"a": {1, 2}})
        case "training nan":
            model = replace(model, training={"a": float("nan")})
        case "card":
            model = replace(model, card="\udcff")
    return replace(model, parameters=parameters, text=text)


REFUSED = {
    "missing": "parameter rnn.weight_ih_l0 is missing",
    "unknown": "parameter rnn.other is not known",
    "shape": r"parameter rnn.weight_ih_l0 is \(27, 5\); expected \(28, 5\)",
    "integers": "parameter rnn.weight_ih_l0 is int8; expected float16 or float32 or float64",
    "mixed": "several dtypes: float32, float64",
    "nan": "parameter rnn.weight_ih_l0 has values that are not finite",
    "rows": r"parameter embedding.weight is \(10, 5\); expected \(9, 5\)",
    "labels": "labels must be a list of different strings",
    "surrogate": "labels must have no lone surrogate",
    "pooling": "pooling must be one of last; got 'mean'",
    "rule": "config.json: .*not JSON compliant",
    "budget": "a budget needs a level to skim at",
    "training": "training.json: .*not JSON serializable",
    "training nan": "training.json: .*not JSON compliant",
    "card": "README.md: it is not UTF-8",
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_could_not_be_read_back_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"cannot be saved: .*{REFUSED[name]}"):
        write_model(tmp_path / "model", broken(name))
    assert tree(tmp_path) == {}


def test_values_too_large_for_the_dtype_are_refused(tmp_path: Path) -> None:
    model = make_layer()
    parameters = {name: array * 1e6 for name, array in model.parameters.items()}
    with pytest.raises(ValueError, match="weight_hh_l0 has values that are not finite"):
        write_model(tmp_path / "model", replace(model, parameters=parameters), dtype="float16")
    assert tree(tmp_path) == {}


@pytest.mark.parametrize("dtype", ["int8", "bfloat16", "", "half"])
def test_an_unknown_dtype_is_refused(dtype: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="dtype must be one of float16, float32, float64; got"):
        write_model(tmp_path / "model", make_layer(), dtype=dtype)
    assert tree(tmp_path) == {}


# ---- where ---------------------------------------------------------------------------------------


def test_an_older_model_is_replaced_whole(tmp_path: Path) -> None:
    folder = saved(tmp_path / "model", make_classifier(card="old"))
    (folder / "log.jsonl").write_text("{}\n")
    layer = make_layer(seed=5)
    write_model(folder, layer)
    assert_same(read_model(folder), layer)
    assert set(tree(folder)) == NAMES["layer"]
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_what_is_no_part_of_a_model_stays_where_one_is_replaced(tmp_path: Path) -> None:
    folder = saved(tmp_path / "model", make_classifier(card="old"))
    (folder / ".git").mkdir()
    others = {".git/HEAD": "ref: refs/heads/main", "reviews.csv": "text,label\n"}
    for name, content in others.items():
        (folder / name).write_text(content)
    (folder / "absent").symlink_to("nowhere")
    layer = make_layer(seed=5)
    write_model(folder, layer)
    assert_same(read_model(folder), layer)
    assert {name: (folder / name).read_text() for name in others} == others
    assert (folder / "absent").is_symlink()
    assert set(os.listdir(folder)) == {*NAMES["layer"], ".git", "reviews.csv", "absent"}


def test_a_model_of_a_later_version_is_replaced_too(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text('{"format": "skimrnn", "format_version": 9}')
    assert_same(read_model(saved(tmp_path / "model")), make_classifier())


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    assert_same(read_model(saved(tmp_path / "model")), make_classifier())
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize(
    "files",
    [
        {"thesis.txt": b"years of work"},
        {".hidden": b""},
        {"config.json": b'{"format": "other"}'},
        {"config.json": b"not json"},
        {"config.json": b'["skimrnn"]'},
        {"config.json": b"\xff"},
        {"model.safetensors": b"", "training.json": b"{}"},
    ],
    ids=str,
)
def test_a_foreign_folder_is_left_alone(files: dict[str, bytes], tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    with pytest.raises(FileExistsError, match="holds files but no skimrnn model"):
        write_model(folder, make_layer())
    with pytest.raises(FileExistsError, match="name a new folder"):
        check_target(folder)
    assert tree(tmp_path) == {
        "model": None,
        **{f"model/{name}": files[name] for name in sorted(files)},
    }


def test_a_file_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "model").write_bytes(b"mine")
    with pytest.raises(FileExistsError, match="is a file; name a folder"):
        write_model(tmp_path / "model", make_layer())
    assert tree(tmp_path) == {"model": b"mine"}


# ---- failures while saving -----------------------------------------------------------------------


def count_calls(owner: object, name: str, monkeypatch, fail_at: int, error: BaseException):
    """Count the calls of a function, and let the one numbered ``fail_at`` fail."""
    original, calls = getattr(owner, name), []

    def counted(*args, **kwargs):
        calls.append(args)
        if len(calls) == fail_at:
            raise error
        return original(*args, **kwargs)

    monkeypatch.setattr(owner, name, counted)
    return calls


PLACES = {
    "write_bytes": (Path, "write_bytes", 5),
    "fsync": (os, "fsync", 5),
    "rename": (Path, "rename", 2),
    "mkdir": (Path, "mkdir", 2),
}


@pytest.mark.parametrize("error", [DISK_FULL, KeyboardInterrupt()], ids=["full", "interrupt"])
@pytest.mark.parametrize(
    ("place", "at"), [(place, at + 1) for place, (_, _, n) in PLACES.items() for at in range(n)]
)
def test_a_failure_anywhere_leaves_the_old_model(
    place: str, at: int, error: BaseException, tmp_path: Path, monkeypatch
) -> None:
    old = make_classifier(card="old")
    folder = saved(tmp_path / "model", old)
    before = tree(tmp_path)
    owner, name, _ = PLACES[place]
    with monkeypatch.context() as patch:
        calls = count_calls(owner, name, patch, at, error)
        with pytest.raises(type(error)) as caught:
            write_model(folder, make_classifier(seed=7, card="new"))
    assert len(calls) >= at
    assert tree(tmp_path) == before
    assert_same(read_model(folder), old)
    if isinstance(error, OSError):
        assert caught.value.errno == errno.ENOSPC
        message = f"disk full while saving; {folder} was not saved and is as it was before"
        assert message in str(caught.value)


@pytest.mark.parametrize("place", PLACES)
def test_every_place_that_can_fail_is_tried(place: str, tmp_path: Path, monkeypatch) -> None:
    folder = saved(tmp_path / "model")
    owner, name, count = PLACES[place]
    calls = count_calls(owner, name, monkeypatch, 0, DISK_FULL)
    write_model(folder, make_classifier(seed=7))
    assert len(calls) == count


@pytest.mark.parametrize("error", [DISK_FULL, KeyboardInterrupt()], ids=["full", "interrupt"])
@pytest.mark.parametrize("at", range(1, 6))
def test_a_failure_leaves_nothing_where_there_was_nothing(
    at: int, error: BaseException, tmp_path: Path, monkeypatch
) -> None:
    with monkeypatch.context() as patch:
        count_calls(Path, "write_bytes", patch, at, error)
        with pytest.raises(type(error)):
            write_model(tmp_path / "model", make_classifier())
    assert tree(tmp_path) == {}


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from models import make_classifier, make_config
from skimrnn.model_file import write_model
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    write_model(Path(sys.argv[1]), make_classifier(make_config((60, 3))))
except OSError as error:
    print(error)
else:
    print("saved")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process are POSIX's")
def test_a_disk_that_is_really_full(tmp_path: Path) -> None:
    """No byte more than 20,000 goes into a file of that process; the parameters have 64,000."""
    folder = saved(tmp_path / "model", make_classifier(card="old"))
    before = tree(tmp_path)
    for target in (folder, tmp_path / "other"):
        ran = subprocess.run(
            [sys.executable, "-c", FULL_DISK, str(target), str(Path(__file__).parent)],
            capture_output=True,
            text=True,
            check=True,
        )
        assert "File too large" in ran.stdout
        assert f"{target} was not saved and is as it was before" in ran.stdout
        assert tree(tmp_path) == before
    assert read_model(folder).card == "old"


def test_the_error_travels_between_processes(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no such folder") as caught:
        read_model(tmp_path / "absent")
    again = pickle.loads(pickle.dumps(caught.value))
    assert type(again) is type(caught.value)
    assert str(again) == str(caught.value)
    assert again.problems == ["there is no such folder"]
    assert again.folder == tmp_path / "absent"


def test_a_folder_from_before_there_were_routers_to_choose_has_the_papers(tmp_path):
    folder = saved(tmp_path)
    config = json.loads((folder / "config.json").read_text())
    del config["layer"]["router"]
    (folder / "config.json").write_text(json.dumps(config))
    assert read_model(folder).config.router == "softmax"
