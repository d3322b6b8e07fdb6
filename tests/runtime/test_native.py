"""The native reader: its table, its threads, its arithmetic, and that skipping is real."""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from models import make_config
from native_parts import (
    WORDS,
    assert_near,
    assert_same_bits,
    make_parts,
    make_rows,
    row_bytes,
)
from skimrnn import extension
from skimrnn.config import SkimConfig
from skimrnn.decision import Rule
from skimrnn.runtime import native
from skimrnn.runtime.native import NativeReader
from skimrnn.runtime.numpy_reader import NumpyReader

needs_the_extension = pytest.mark.skipif(
    not extension.instruction_sets(), reason="the native reader is not compiled in"
)
CELLS = ("lstm", "gru", "rnn_tanh", "rnn_relu")
RULES = (Rule(0.5), Rule("argmax"), Rule(2.0, 0.5), Rule(-1))


@pytest.fixture(
    params=extension.instruction_sets() or [pytest.param("none", marks=needs_the_extension)],
    scope="module",
)
def isa(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def configs() -> Iterator[SkimConfig]:
    """Every cell, one layer and two, one direction and two, with all that differs inside."""
    for number, cell in enumerate(CELLS):
        for layers, both in ((1, False), (2, True)):
            yield make_config(
                (19, 5, 0) if both else (17, 3),
                cell=cell,
                input_size=7,
                num_layers=layers,
                bidirectional=both,
                skim_input="full" if number % 2 else "prefix",
                bias=number != 1,
            )
    for router in ("skip-rnn", "skipw", "lstm-jump", "leap-lstm"):
        yield make_config((33, 3), input_size=7, num_layers=2, router=router)
    yield make_config((33, 18, 3), input_size=7, num_layers=2, router="vcrnn", shared=True)


every_config = pytest.mark.parametrize(
    "config", list(configs()), ids=lambda c: f"{c.cell}-{c.num_layers}-{c.router}"
)


def test_where_there_is_a_compiler_there_is_the_extension() -> None:
    compiler = next(filter(None, map(shutil.which, ("c++", "g++", "clang++"))), None)
    if compiler is None:
        pytest.skip("no C++ compiler here: the package is complete without its extension")
    assert extension.instruction_sets(), f"{compiler} is here, but skimrnn._native is not"


# ---- words and their table -----------------------------------------------------------------------


@every_config
def test_the_table_never_changes_a_bit(config: SkimConfig, isa: str) -> None:
    """No row of it, some, half, or all: each word's input part is the same wherever it is from."""
    parameters, embedding = make_parts(config)
    room = {0: 0, row_bytes(config) - 1: 0, 3 * row_bytes(config): 3}
    room |= {(WORDS // 2) * row_bytes(config) + 5: WORDS // 2, WORDS * row_bytes(config): WORDS}
    room |= {native.TABLE_BYTES: WORDS}
    texts = [make_rows(tokens, seed=tokens) for tokens in (0, 1, 2, 60)]
    wanted = None
    for table_bytes, table_rows in room.items():
        reader = NativeReader(config, parameters, isa, embedding, table_bytes)
        assert reader.network.table_rows == table_rows
        assert table_rows * row_bytes(config) <= table_bytes
        readings = [reader.read_words(text, rule) for text in texts for rule in RULES]
        for reading, first in zip(readings, wanted or readings, strict=True):
            assert_same_bits(reading, first)
        wanted = wanted or readings


@every_config
def test_reading_words_is_reading_their_vectors(config: SkimConfig, isa: str) -> None:
    parameters, embedding = make_parts(config)
    reader = NativeReader(config, parameters, isa, embedding, (WORDS // 2) * row_bytes(config))
    for tokens in (0, 1, 2, 33, 130):  # of many vectors, what most need is made together
        for rule in RULES:
            rows = make_rows(tokens)
            words = reader.read_words(rows, rule)
            assert words.output.shape == (0, config.directions * config.hidden_size)
            assert_same_bits(words, reader.read(embedding[rows], rule), output=False)


def test_words_outside_of_the_embedding_are_refused(isa: str) -> None:
    config = make_config()
    parameters, embedding = make_parts(config)
    reader = NativeReader(config, parameters, isa, embedding)
    without = NativeReader(config, parameters, isa)
    last = reader.read_words(np.array([0, WORDS - 1], np.int32), Rule())
    assert last.level.shape == (1, 1, 2)
    for rows in ([WORDS], [0, -1], [0, 1, 2**31 - 1], [-(2**31)]):
        with pytest.raises(ValueError, match="a row is outside of the embedding"):
            reader.read_words(np.array(rows, np.int32), Rule())
    with pytest.raises(ValueError, match="a row is outside of the embedding"):
        without.read_words(np.array([0], np.int32), Rule())


def test_what_does_not_fit_is_refused(isa: str) -> None:
    config = make_config()
    parameters, embedding = make_parts(config)
    reader = NativeReader(config, parameters, isa)
    with pytest.raises(ValueError, match="the embedding has another width"):
        NativeReader(config, parameters, isa, embedding[:, 1:])
    with pytest.raises(ValueError, match="x has another width"):
        reader.read(embedding[:, 1:], Rule())
    right, wrong = np.zeros((1, 7), np.float32), np.zeros((1, 8), np.float32)
    for initial in ((wrong, right), (right, wrong), (np.zeros((2, 7), np.float32), right)):
        with pytest.raises(ValueError, match="an initial state has the wrong shape"):
            reader.read(embedding, Rule(), initial)
    with pytest.raises(ValueError, match="this CPU cannot run sse1"):
        NativeReader(config, parameters, "sse1")


# ---- the same whatever reads ---------------------------------------------------------------------


@pytest.mark.skipif(
    not {"avx2", "avx512"} <= set(extension.instruction_sets()),
    reason="needs a CPU with AVX2 and AVX-512",
)
@every_config
def test_avx2_and_avx512_agree_to_the_bit(config: SkimConfig) -> None:
    """Sums run in one order, whatever the vector width; both have fused products."""
    parameters, embedding = make_parts(config)
    narrow, wide = (
        NativeReader(config, parameters, name, embedding, 5 * row_bytes(config))
        for name in ("avx2", "avx512")
    )
    for tokens in (1, 50):
        for rule in RULES:
            rows = make_rows(tokens)
            assert_same_bits(narrow.read_words(rows, rule), wide.read_words(rows, rule))
            x = embedding[rows]
            assert_same_bits(narrow.read(x, rule), wide.read(x, rule))


@every_config
def test_threads_share_a_reader(config: SkimConfig, isa: str) -> None:
    parameters, embedding = make_parts(config)
    reader = NativeReader(config, parameters, isa, embedding, 9 * row_bytes(config))
    work = [(make_rows(300 + 7 * seed, seed), rule) for seed in range(8) for rule in RULES]
    alone = [reader.read_words(*one) for one in work]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda one: reader.read_words(*one), work * 3))
    for ours, theirs in zip(together, alone * 3, strict=True):
        assert_same_bits(ours, theirs)


def test_a_huge_text(isa: str) -> None:
    """100,000 tokens; what stands later changes nothing before it."""
    config = make_config((17, 3))
    parameters, embedding = make_parts(config)
    reader = NativeReader(config, parameters, isa, embedding)
    rows = make_rows(100_000)
    whole = reader.read_words(rows, Rule(0.5))
    assert whole.level.shape == (1, 1, 100_000)
    assert 0.05 < whole.level.mean() < 0.95
    np.testing.assert_allclose(whole.p.sum(axis=-1), 1, rtol=1e-6)
    first = reader.read_words(rows[:500], Rule(0.5))
    assert whole.level[..., :500].tobytes() == first.level.tobytes()
    assert whole.p[..., :500, :].tobytes() == first.p.tobytes()
    level = reader.read_words(rows, Rule(2.0, 0.3, 2)).level[0, 0]
    reads = np.cumsum(level == 0)
    assert (reads <= 2 + 0.3 * np.arange(1, 100_001) + 1e-6).all()
    assert reads[-1] == 30_002


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("hidden", [1, 3, 15, 16, 17, 31, 33, 100])
def test_odd_sizes(cell: str, hidden: int, isa: str) -> None:
    """Both sides of every group of sixteen; a budget of a half makes reads and skims alternate.

    So no decision depends on rounding, and each cell stands on the other's state.
    """
    rule = Rule(2.0, 0.5)
    for number, small in enumerate(size for size in (0, 1, 5, 15, 16, 17, 33) if size < hidden):
        for inputs in (1, 16, 21):
            options = {"skim_input": ("prefix", "full")[number % 2]}
            if cell == "lstm":
                options["router_input"] = ("state", "hidden")[number // 2 % 2]
            config = make_config(
                (hidden, small),
                cell=cell,
                input_size=inputs,
                bidirectional=number % 3 == 0,
                **options,
            )
            # relu has no bound: larger weights make its state explode
            parts = make_parts(config, seed=number, scale=0.4 if cell == "rnn_relu" else 1.0)
            parameters, embedding = parts
            rows = make_rows(9, seed=number)
            reader = NativeReader(config, parameters, isa, embedding, 9 * row_bytes(config))
            numpy = NumpyReader(config, parameters, embedding)
            wanted = numpy.read_words(rows, rule)
            assert set(wanted.level.ravel()) == {0, 1}
            assert_near(reader.read(embedding[rows], rule), wanted)
            assert_near(reader.read_words(rows, rule), wanted, output=False)


# ---- skipping is real ----------------------------------------------------------------------------


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("skim_input", ["prefix", "full"])
@pytest.mark.parametrize("broken", [0, 1])
def test_only_the_chosen_cell_is_computed(
    cell: str, skim_input: str, broken: int, isa: str
) -> None:
    """NaN in the weights of one cell: seen wherever it is taken, and nowhere else.

    A product with them that is computed and thrown away by a mask would have to be thrown away
    without arithmetic: 0 * NaN is NaN.
    """
    config = make_config((17, 5), cell=cell, skim_input=skim_input)
    parameters, embedding = make_parts(config)
    for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
        name = f"skim_1_{part}_l0" if broken else f"{part}_l0"
        parameters[name] = np.full_like(parameters[name], np.nan)
    rows = make_rows(6)
    for table_bytes in (0, native.TABLE_BYTES):
        reader = NativeReader(config, parameters, isa, embedding, table_bytes)
        for threshold, level in ((2.0, 0), (-1.0, 1)):
            rule = Rule(threshold)
            read, words = reader.read(embedding[rows], rule), reader.read_words(rows, rule)
            assert (read.level == level).all()
            assert_same_bits(words, read, output=False)
            if level == broken:
                size = config.levels[level]
                assert np.isnan(read.output[:, :size]).all()
                assert np.isfinite(read.output[:, size:]).all()
                assert not np.isfinite(words.h_n).all()
            else:
                assert np.isfinite(read.output).all()
                assert np.isfinite(read.p).all()
                assert np.isfinite(words.h_n).all()
                assert read.c_n is None or np.isfinite(read.c_n).all()


# ---- arithmetic ----------------------------------------------------------------------------------


def test_denormals_are_read_and_the_callers_mode_is_its_own(isa: str) -> None:
    """Within a call they count as zero; after it, in the caller's thread, they do not."""
    tiny = np.full(4, 1e-40, np.float32)

    def mode_is_unchanged() -> bool:
        return bool((tiny * np.float32(1) != 0).all() and np.float32(1e-40) * np.float32(1) != 0)

    assert mode_is_unchanged()
    for cell in CELLS:
        config = make_config((17, 3), cell=cell)
        parameters, embedding = make_parts(config)
        for name in ("weight_hh_l0", "skim_1_weight_ih_l0", "router_weight_l0"):
            parameters[name] = np.full_like(parameters[name], 1e-40)
        embedding[::2] *= np.float32(1e-39)
        assert ((embedding != 0) & (np.abs(embedding) < 1.1e-38)).any()
        reader = NativeReader(config, parameters, isa, embedding)
        assert mode_is_unchanged()
        numpy = NumpyReader(config, parameters, embedding)
        state = np.full((1, 17), 3e-40, np.float32)
        initial = (state, state if cell == "lstm" else None)
        rows = make_rows(20)
        rule = Rule(2.0, 0.5)
        read = reader.read(embedding[rows], rule, initial)
        assert mode_is_unchanged()
        assert_near(read, numpy.read(embedding[rows], rule, initial))
        words = reader.read_words(rows, rule)
        assert mode_is_unchanged()
        assert_near(words, numpy.read_words(rows, rule), output=False)


def sweep() -> np.ndarray:
    """Inputs from -100 to 100, and tiny ones of both signs down to the smallest normal number."""
    tiny = np.logspace(-37.9, 0, 1000)
    near = np.linspace(-1, 1, 2001)
    return np.concatenate([np.linspace(-100, 100, 8001), near, tiny, -tiny]).astype(np.float32)


def test_accuracy_of_tanh(isa: str) -> None:
    """Relative error below 3e-7 (under three units in the last place), everywhere."""
    config = make_config((1,), cell="rnn_tanh", input_size=1, bias=False)
    parameters = {"weight_ih_l0": np.ones((1, 1), np.float32), "weight_hh_l0": np.zeros((1, 1))}
    x = sweep()
    ours = NativeReader(config, parameters, isa).read(x[:, None], Rule()).output[:, 0]
    np.testing.assert_allclose(ours, np.tanh(x.astype(np.float64)), rtol=3e-7, atol=0)
    assert (np.abs(ours) <= 1).all()


def test_accuracy_of_sigmoid(isa: str) -> None:
    """Relative error below 3e-7 down to -87; below that it stays under 2e-38, as it should.

    A GRU's update gate from the state 1 to the candidate 0.
    """
    config = make_config((1,), cell="gru", input_size=1, bias=False)
    weight = np.array([[0], [1], [0]], np.float32)
    parameters = {"weight_ih_l0": weight, "weight_hh_l0": np.zeros((3, 1), np.float32)}
    reader, one = NativeReader(config, parameters, isa), np.ones((1, 1), np.float32)
    x = sweep()[::2]
    ours = np.array([reader.read(v.reshape(1, 1), Rule(), (one, None)).h_n[0, 0] for v in x])
    wanted = 1 / (1 + np.exp(-x.astype(np.float64)))
    normal = x > -87
    np.testing.assert_allclose(ours[normal], wanted[normal], rtol=3e-7, atol=0)
    assert (np.abs(ours[~normal]) < 2e-38).all()
    assert (~normal).sum() > 100


@pytest.mark.parametrize("cell", CELLS)
def test_a_nan_in_the_text_stays_one(cell: str, isa: str) -> None:
    """As in NumPy and torch: what is not a number is not read as one."""
    config = make_config((17,), cell=cell)
    parameters, embedding = make_parts(config)
    x = embedding[:6].copy()
    x[3, 2] = np.nan
    output = NativeReader(config, parameters, isa).read(x, Rule()).output
    assert np.isfinite(output[:3]).all()
    assert np.isnan(output[3:]).all()


@needs_the_extension
def test_parameters_of_another_size_are_refused():
    config = SkimConfig(cell="lstm", input_size=3, hidden_size=5, levels=(5, 2))
    shapes = config.parameter_shapes()
    for name in shapes:
        parameters = {n: np.zeros(shape, np.float32) for n, shape in shapes.items()}
        parameters[name] = np.zeros(shapes[name][0] + 1, np.float32)
        with pytest.raises(ValueError, match="must have"):
            NativeReader(config, parameters, extension.instruction_sets()[0])
    parameters.pop("router_weight_l0")
    with pytest.raises(ValueError, match="must have"):
        NativeReader(config, parameters, extension.instruction_sets()[0])


@needs_the_extension
def test_the_many_parameters_of_a_router_are_checked():
    config = make_config((5, 2), router="leap-lstm")
    for name in config.router_shapes(0):
        parameters, _ = make_parts(config)
        parameters[f"{name}_l0"] = parameters[f"{name}_l0"][1:]
        with pytest.raises(ValueError, match="must have"):
            NativeReader(config, parameters, extension.instruction_sets()[0])


# ---- what the binding refuses, whoever calls it --------------------------------------------------


@needs_the_extension
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"levels": []}, "levels must fall from hidden_size"),
        ({"levels": [18, 3]}, "levels must fall from hidden_size"),
        ({"levels": [17, 17]}, "levels must fall from hidden_size"),
        ({"levels": [17, 3, 5]}, "levels must fall from hidden_size"),
        ({"levels": [17, -1]}, "levels must fall from hidden_size"),
        ({"hidden_size": 0, "levels": [0]}, "a size is below 1"),
        ({"num_layers": 0}, "a size is below 1"),
        ({"directions": 3}, "more than two directions"),
    ],
    ids=str,
)
def test_sizes_that_no_network_has_are_refused(changes, said):
    config = make_config((17, 3), input_size=7)
    parameters, _ = make_parts(config)
    sizes = {"hidden_size": 17, "num_layers": 1, "directions": 1, "levels": [17, 3]} | changes
    flat = native.flat_parameters(config, parameters)
    with pytest.raises(ValueError, match=said):
        extension.kernels.Network(
            *("lstm", 7, *sizes.values(), False, True, "softmax", {}, flat),
            *(extension.instruction_sets()[0], False),
        )


@needs_the_extension
def test_words_are_given_once(isa):
    config = make_config((17, 3), input_size=7)
    parameters, embedding = make_parts(config)
    reader = NativeReader(config, parameters, isa, embedding)
    with pytest.raises(ValueError, match="there are words already, which readers share"):
        reader.network.set_words(embedding, 0)


@needs_the_extension
def test_numbers_that_lie_between_two_places(isa):
    """What a buffer at an odd offset gives; a load from there is undefined in C++."""
    config = make_config((17, 3), input_size=7)
    parameters, _ = make_parts(config)
    x = np.random.default_rng(0).normal(size=(9, 7)).astype(np.float32)
    apart = np.frombuffer(b"-" + x.tobytes(), np.float32, offset=1).reshape(x.shape)
    assert not apart.flags.aligned
    reader, rule = NativeReader(config, parameters, isa), Rule(0.5)
    assert_same_bits(reader.read(apart, rule), reader.read(x, rule))
