"""Recurrent weights in int8: exactly as stated, close to float32, refused where they cannot be."""

from pathlib import Path

import numpy as np
import pytest

import skimrnn
import two_layer_router  # noqa: F401  (registers a router that the kernels do not know)
from models import make_classifier, make_config, saved
from native_parts import CLOSE, assert_near, assert_same_bits, make_parts, make_rows, row_bytes
from skimrnn import extension, reference
from skimrnn.decision import Rule
from skimrnn.runtime import Model, native, registry
from skimrnn.runtime.native import NativeReader
from skimrnn.runtime.numpy_reader import NumpyReader

pytestmark = pytest.mark.skipif(
    not extension.instruction_sets(), reason="the native reader is not compiled in"
)
COLUMNS = 32
"""From so many units on a recurrent matrix is kept in int8."""

FORCED = (Rule(2.0), Rule(-1.0), Rule(2.0, 0.5))
CONFIGS = [
    {"cell": "lstm", "levels": (33, 5)},
    {"cell": "lstm", "levels": (50, 34, 3), "skim_input": "full"},
    {"cell": "gru", "levels": (47, 33, 0), "bidirectional": True},
    {"cell": "gru", "levels": (100, 5), "num_layers": 2},
    {"cell": "rnn_tanh", "levels": (36, 1), "bias": False},
    {"cell": "lstm", "levels": (31, 2)},  # too small: float32 throughout
    {"cell": "lstm", "levels": (40,)},
]
every_config = pytest.mark.parametrize(
    "config",
    [make_config(**options) for options in CONFIGS],
    ids=lambda config: f"{config.cell}-{config.hidden_size}",
)


@pytest.fixture(params=extension.instruction_sets())
def isa(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def in_int8(parameters, monkeypatch):
    """Make the reference multiply the matrices that are kept in int8 as integers."""
    kept = {}
    for name, matrix in parameters.items():
        if "weight_hh" in name and matrix.shape[1] >= COLUMNS:
            largest = np.abs(matrix).max(axis=1, keepdims=True)
            kept[id(matrix)] = np.rint(matrix / largest * np.float32(127)), largest[:, 0]
    float_product = reference.product

    def product(matrix, vector):
        if id(matrix) not in kept:
            return float_product(matrix, vector)
        whole, largest = kept[id(matrix)]
        sums = whole.astype(np.int64) @ np.rint(vector * np.float32(127)).astype(np.int64)
        return (sums * (largest / np.float32(127 * 127))).astype(np.float32)

    monkeypatch.setattr(reference, "product", product)
    return kept


@every_config
def test_it_is_the_reference_with_integer_products(config, isa, monkeypatch) -> None:
    """Rounding to 127ths, the integers, the scales: each as stated, on every instruction set.

    A value of h on the edge between two 127ths may fall to either side, which moves a sum by half
    a weight's 127th; over a few tokens it stays within the tolerance below.
    """
    parameters, embedding = make_parts(config)
    rows = make_rows(6)
    for rule in FORCED if config.skims else (Rule(),):
        with monkeypatch.context() as patch:
            kept = in_int8(parameters, patch)
            wanted = NumpyReader(config, parameters, embedding).read_words(rows, rule)
        reader = NativeReader(config, parameters, isa, embedding, precision="int8")
        read = reader.read_words(rows, rule)
        np.testing.assert_array_equal(read.level, wanted.level)
        np.testing.assert_allclose(read.h_n, wanted.h_n, atol=2e-3 if kept else CLOSE)
        exact = np.isclose(read.h_n, wanted.h_n, atol=CLOSE).mean()
        assert exact > 0.7
        if not kept:
            assert_near(read, wanted, output=False)


@every_config
def test_it_is_close_to_float32(config, isa) -> None:
    parameters, embedding = make_parts(config)
    full = NativeReader(config, parameters, isa, embedding)
    small = NativeReader(config, parameters, isa, embedding, precision="int8")
    for rule in FORCED if config.skims else (Rule(),):
        rows = make_rows(40)
        one, other = full.read_words(rows, rule), small.read_words(rows, rule)
        np.testing.assert_array_equal(one.level, other.level)
        difference = np.abs(one.h_n - other.h_n)
        assert difference.max() < 0.1
        assert difference.mean() < 0.02
        if config.hidden_size >= COLUMNS and (one.level == 0).any():
            assert one.h_n.tobytes() != other.h_n.tobytes(), "int8 changes nothing: is it used?"


@every_config
def test_integers_are_the_same_on_every_instruction_set(config) -> None:
    if not {"avx2", "avx512"} <= set(extension.instruction_sets()):
        pytest.skip("needs a CPU with AVX2 and AVX-512")
    parameters, embedding = make_parts(config)
    rows = make_rows(50)
    for rule in (*FORCED, Rule(0.5)) if config.skims else (Rule(),):
        readings = [
            NativeReader(config, parameters, name, embedding, precision="int8").read_words(
                rows, rule
            )
            for name in ("avx2", "avx512")
        ]
        assert_same_bits(*readings)


@every_config
def test_the_table_never_changes_a_bit(config, isa) -> None:
    parameters, embedding = make_parts(config)
    rows, rule = make_rows(60), Rule(0.5)
    readings = [
        NativeReader(config, parameters, isa, embedding, room, "int8").read_words(rows, rule)
        for room in (0, 20 * row_bytes(config), native.TABLE_BYTES)
    ]
    for reading in readings[1:]:
        assert_same_bits(reading, readings[0])


def test_a_matrix_of_zeros_and_the_largest_weights(isa) -> None:
    """No scale to divide by; and sums at their ends, -127 * 127 * D and its opposite."""
    config = make_config((4 * COLUMNS, 5), cell="rnn_tanh")
    parameters, _ = make_parts(config)
    weight = parameters["weight_hh_l0"]
    h = np.ones((1, config.hidden_size), np.float32)
    for value, sign in ((0.0, 0), (3.0, 1), (-3.0, -1)):
        weight[:] = value
        parameters |= {
            name: np.zeros_like(parameters[name]) for name in ("bias_ih_l0", "bias_hh_l0")
        }
        reader = NativeReader(config, parameters, isa, precision="int8")
        x = np.zeros((1, config.input_size), np.float32)
        read = reader.read(x, Rule(2.0), (h, None))
        np.testing.assert_allclose(read.h_n, np.full_like(h, sign), atol=1e-6)


def test_it_is_refused_where_h_has_no_bound(isa) -> None:
    config = make_config((40, 3), cell="rnn_relu")
    parameters, _ = make_parts(config)
    with pytest.raises(ValueError, match=r"h stays within 1.*rnn_relu.*use \"float32\""):
        NativeReader(config, parameters, isa, precision="int8")


@pytest.mark.parametrize("value", [1.0001, -3.0, np.nan, np.inf])
def test_a_state_beyond_one_is_refused(value, isa) -> None:
    config = make_config((40, 3), cell="gru")
    parameters, embedding = make_parts(config)
    reader = NativeReader(config, parameters, isa, precision="int8")
    h = np.zeros((1, 40), np.float32)
    reader.read(embedding[:2], Rule(), (h + 1, None))
    h[0, 39] = value
    with pytest.raises(ValueError, match=r"h within -1 to 1; got .* in hx"):
        reader.read(embedding[:2], Rule(), (h, None))


def test_models_take_it(folder: Path) -> None:
    for name in extension.instruction_sets():
        model = skimrnn.load(folder, implementation=name, precision="int8")
        assert (model.precision, model.implementation) == ("int8", name)
        assert skimrnn.load_layer(folder, implementation=name, precision="int8").precision == "int8"
    assert skimrnn.load(folder).precision == "float32"


def test_numpy_and_unknown_precisions_are_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match='"numpy" reads in the precision of the model, not in'):
        skimrnn.load(folder, implementation="numpy", precision="int8")
    with pytest.raises(ValueError, match="precision must be one of float32, int8; got 'int4'"):
        skimrnn.load(folder, precision="int4")
    double = saved(tmp_path / "double", make_classifier(dtype="float64"))
    with pytest.raises(
        ValueError, match=r"reads in the precision .*, or save the model as float32"
    ):
        skimrnn.load(double, precision="int8")


def test_int8_where_numpy_alone_can_read_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    own = Model(make_classifier(make_config((7, 3), router="two-layer"))).file
    with pytest.raises(ValueError, match="leave precision out: the router 'two-layer' is known to"):
        Model(own, precision="int8")
    monkeypatch.setattr(registry, "instruction_sets", lambda: ())
    with pytest.raises(ValueError, match="leave precision out: this machine has no native"):
        Model(make_classifier(), precision="int8")


@pytest.mark.parametrize("room", [-1, 1.5, True, "1", 2**41])
def test_a_wrong_table_size_is_refused(room, folder: Path) -> None:
    with pytest.raises(ValueError, match="table_bytes must be a whole number from 0"):
        skimrnn.load(folder, table_bytes=room)


def test_a_table_size_is_taken(folder: Path) -> None:
    none, all_of_it = (skimrnn.load(folder, table_bytes=room) for room in (0, None))
    if isinstance(none._reader, NativeReader) and isinstance(all_of_it._reader, NativeReader):
        assert none._reader.network.table_bytes == none._reader.network.table_rows == 0
        assert all_of_it._reader.network.table_rows == len(all_of_it.vocabulary)
    texts = ["good film", "bad"]
    assert none.predict_proba(texts).tobytes() == all_of_it.predict_proba(texts).tobytes()
