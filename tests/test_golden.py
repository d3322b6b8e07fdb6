"""The reference and torch against golden.json, and golden.json against what writes it."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from agreement import CLOSE, EPS, margins
from skimrnn import cost, reference
from skimrnn.config import SkimConfig
from skimrnn.decision import Chooser, Rule, choose_level
from skimrnn.model_file import ModelFile
from skimrnn.nn import SkimGRU, SkimLSTM, SkimRNN, record
from skimrnn.nn import cells as torch_cells
from skimrnn.nn.router import Routing, TorchOps
from skimrnn.nn.rule import Choose
from skimrnn.nn.sequences import Ragged
from skimrnn.nn.steps import Direction
from skimrnn.routers.softmax import SoftmaxRouter
from skimrnn.runtime import Layer, implementations
from skimrnn.train.noise import batch_gumbel, gumbel

FOLDER = Path(__file__).parent / "data"
GOLDEN = json.loads((FOLDER / "golden.json").read_text(encoding="utf-8"))
# What 9 significant digits and another order of the sums leave open.
TOLERANCE = {"rtol": 1e-6, "atol": 1e-7}
CPU = torch.device("cpu")


def cases(name):
    return [pytest.param(case, id=f"{name}{i}") for i, case in enumerate(GOLDEN[name])]


def by_layer(case):
    layer = case["layer"]
    return f"{layer['cell']}-{layer['skim_input']}-{layer['router_input']}"


def assert_same(one, other, path=""):
    """Equal JSON values, numbers that are not whole to 1e-6."""
    assert type(one) is type(other), path
    if isinstance(one, dict):
        assert list(one) == list(other), path
        for key in one:
            assert_same(one[key], other[key], f"{path}/{key}")
    elif isinstance(one, list):
        assert len(one) == len(other), path
        for i, pair in enumerate(zip(one, other, strict=True)):
            assert_same(*pair, f"{path}/{i}")
    elif isinstance(one, float):
        assert one == pytest.approx(other, rel=1e-6, abs=1e-6), path
    else:
        assert one == other, path


def test_the_file_is_what_make_golden_writes():
    spec = importlib.util.spec_from_file_location("make_golden", FOLDER / "make_golden.py")
    make_golden = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make_golden)
    assert_same(GOLDEN, json.loads(make_golden.text()))


def test_the_file_covers_every_level_of_two_three_and_four():
    seen = {(len(case["p"]), case["level"]) for case in GOLDEN["levels"]}
    assert seen == {(k, level) for k in (2, 3, 4) for level in range(k)}


SINGLE = np.dtype(np.float32)  # what the native readers compute in; NumPy's is put to it as well
every_implementation = pytest.mark.parametrize("name", implementations())


def spoken_router(p, name):
    """A float32 layer whose router says softmax of its input, and inputs (1, T, K) that say p."""
    p = np.atleast_2d(np.array(p))
    count = p.shape[1]
    config = SkimConfig(
        cell="gru", input_size=count, hidden_size=count, levels=tuple(range(count, 0, -1))
    )
    parameters = {n: np.zeros(shape, SINGLE) for n, shape in config.parameter_shapes().items()}
    parameters["router_weight_l0"][:, :count] = np.eye(count)
    with np.errstate(divide="ignore"):
        x = np.maximum(np.log(p), -80)
    return Layer(ModelFile(config, parameters, Rule()), name), x[None]


# ---- levels -----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_levels_of_the_reference(dtype):
    for case in GOLDEN["levels"]:
        assert choose_level(np.array(case["p"], dtype), case["threshold"]) == case["level"], case


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_levels_of_torch(dtype):
    for case in GOLDEN["levels"]:
        choose = Choose(1, case["threshold"], None, 1, None, CPU)
        assert choose(torch.tensor([case["p"]], dtype=dtype)).tolist() == [case["level"]], case


@pytest.mark.parametrize("count", [2, 3, 4])
def test_levels_of_torch_with_one_threshold_per_text(count):
    wanted = [
        case
        for case in GOLDEN["levels"]
        if len(case["p"]) == count and case["threshold"] != "argmax"
    ]
    choose = Choose(len(wanted), [case["threshold"] for case in wanted], None, 1, None, CPU)
    levels = choose(torch.tensor([case["p"] for case in wanted]))
    assert levels.tolist() == [case["level"] for case in wanted]


@every_implementation
def test_levels_of_a_reader(name):
    """Where rounding decides nothing: the probabilities come out of a softmax."""
    told = 0
    for case in GOLDEN["levels"]:
        layer, x = spoken_router(case["p"], name)
        threshold = case["threshold"]
        forced = threshold != "argmax" and not 0 <= threshold < 1
        if forced or margins(np.array(case["p"]), threshold) > EPS[SINGLE]:
            told += 1
            read = layer.read_vectors(x, threshold=threshold)
            assert read.level.ravel().tolist() == [case["level"]], case
    assert told > 0.7 * len(GOLDEN["levels"])


# ---- budgets ----------------------------------------------------------------------------------


@pytest.mark.parametrize("case", cases("budgets"))
def test_budgets_of_the_reference(case):
    chooser = Chooser(Rule(case["threshold"], case["budget"], case["burst"]))
    assert [chooser(np.array(p)) for p in case["p"]] == case["levels"]


@every_implementation
@pytest.mark.parametrize("case", cases("budgets"))
def test_budgets_of_a_reader(case, name):
    layer, x = spoken_router(case["p"], name)
    way = {option: case[option] for option in ("threshold", "budget", "burst")}
    assert layer.read_vectors(x, **way).level.ravel().tolist() == case["levels"]


@pytest.mark.parametrize("case", cases("budgets"))
def test_budgets_of_torch(case):
    choose = Choose(1, case["threshold"], case["budget"], case["burst"], None, CPU)
    assert [int(choose(torch.tensor([p]))) for p in case["p"]] == case["levels"]


def test_budgets_of_torch_with_one_budget_per_text_of_a_ragged_batch():
    wanted = [case for case in GOLDEN["budgets"] if case["threshold"] != "argmax"]
    wanted.sort(key=lambda case: -len(case["levels"]))
    order = torch.arange(len(wanted)).flip(0)  # the caller's order is the reverse of the rows'
    caller = wanted[::-1]
    choose = Choose(
        len(wanted),
        [case["threshold"] for case in caller],
        [case["budget"] for case in caller],
        [case["burst"] for case in caller],
        order,
        CPU,
    )
    taken = [[] for _ in wanted]
    for t in range(len(wanted[0]["levels"])):
        alive = [case for case in wanted if t < len(case["levels"])]
        for row, level in enumerate(choose(torch.tensor([case["p"][t] for case in alive]))):
            taken[row].append(int(level))
    assert taken == [case["levels"] for case in wanted]


# ---- costs ------------------------------------------------------------------------------------

COUNTS = ("read_all", "taken", "recurrent_read_all", "recurrent_taken")


@pytest.mark.parametrize("case", cases("costs"))
def test_costs_of_the_reference(case):
    counted = cost.count(
        SkimConfig.from_dict(case["layer"]), [np.array(case["levels"], dtype=np.int8)]
    )
    assert {name: getattr(counted, name) for name in COUNTS} == {
        name: (case[name],) for name in COUNTS
    }


@pytest.mark.parametrize(
    "case", [case for case in cases("costs") if case.values[0]["levels"][0][0]]
)
def test_costs_of_torch(case, monkeypatch):
    layer = layer_of(case["layer"]).eval()
    script = [direction for layer_levels in case["levels"] for direction in layer_levels]
    choosers = iter(script)

    def scripted(*_):
        levels = iter(next(choosers))
        return lambda p: torch.tensor([next(levels)])

    monkeypatch.setattr("skimrnn.nn.steps.Choose", scripted)
    with torch.no_grad(), record() as reads:
        layer(torch.zeros(len(script[0]), 1, layer.input_size))
    counted = reads.cost()
    assert {name: sum(getattr(counted, name)) for name in COUNTS} == {
        name: case[name] for name in COUNTS
    }


def layer_of(values):
    """The torch layer of a configuration."""
    options = dict(values)
    kind = options.pop("cell")
    classes = {"lstm": SkimLSTM, "gru": SkimGRU, "rnn_tanh": SkimRNN, "rnn_relu": SkimRNN}
    if kind.startswith("rnn_"):
        options["nonlinearity"] = kind.removeprefix("rnn_")
    return classes[kind](**options)


# ---- steps ------------------------------------------------------------------------------------

STEPS = [pytest.param(case, id=by_layer(case)) for case in GOLDEN["steps"]]


@pytest.mark.parametrize("case", STEPS)
@pytest.mark.parametrize("level", [0, 1, 2])
def test_a_step_of_the_reference(case, level):
    config = SkimConfig.from_dict(case["layer"])
    parameters = {name: np.array(values) for name, values in case["parameters"].items()}
    [[weights]] = reference.unpack(parameters, config)
    h, c = (None if case[part] is None else np.array(case[part]) for part in "hc")
    x, state = np.array(case["x"]), reference.State(h, c)
    prepared = weights.router.prepare(x)
    state, taken, p = reference.step(x, prepared, state, weights, config, lambda p: level)
    assert taken == level
    np.testing.assert_allclose(p, case["p"], **TOLERANCE)
    np.testing.assert_allclose(state.h, case["after"][level]["h"], **TOLERANCE)
    if c is not None:
        np.testing.assert_allclose(state.c, case["after"][level]["c"], **TOLERANCE)


@pytest.mark.parametrize("case", STEPS)
def test_a_step_of_torch(case):
    config = SkimConfig.from_dict(case["layer"])
    w = {name: torch.tensor(values).double() for name, values in case["parameters"].items()}
    cells = [
        torch_cells.CellWeights(
            *(w[f"{prefix}{part}_l0"] for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
        )
        for prefix in ("", "skim_1_")
    ]
    own = {name: w[f"{name}_l0"] for name in config.router_shapes(0)}
    router = Routing(
        SoftmaxRouter(own, config.input_size, TorchOps, sizes=config.levels), config.router_input
    )
    direction = Direction(config, [*cells, None], router)
    x, h = (torch.tensor([case[part]]).double() for part in "xh")
    c = None if case["c"] is None else torch.tensor([case["c"]]).double()
    state = torch_cells.State(h, c)

    log_p, _ = router(router.prepare(x, Ragged([1], None, x.device), False), state)
    p = log_p.exp()
    np.testing.assert_allclose(p[0], case["p"], **TOLERANCE)
    for level, cell in enumerate(cells):
        x_part = torch.nn.functional.linear(x, cell.weight_ih, cell.bias_ih)
        after = direction.update(level, x_part, state)
        np.testing.assert_allclose(after.h[0], case["after"][level]["h"], **TOLERANCE)
        if c is not None:
            np.testing.assert_allclose(after.c[0], case["after"][level]["c"], **TOLERANCE)


@pytest.mark.parametrize("case", STEPS)
@pytest.mark.parametrize("level", [0, 1, 2])
def test_a_step_of_the_whole_torch_layer(case, level, monkeypatch):
    layer = layer_of(case["layer"]).double().eval()
    layer.load_state_dict({n: torch.tensor(v) for n, v in case["parameters"].items()})
    monkeypatch.setattr("skimrnn.nn.steps.Choose", lambda *_: lambda p: torch.tensor([level]))
    hx = torch.tensor([case["h"]]).double()
    if case["c"] is not None:
        hx = (hx, torch.tensor([case["c"]]).double())
    with torch.no_grad(), record() as reads:
        output, state = layer(torch.tensor([case["x"]]).double(), hx)
    h, c = state if case["c"] is not None else (state, None)
    np.testing.assert_allclose(reads.entries[0].p[0, 0], case["p"], **TOLERANCE)
    np.testing.assert_allclose(output[0], case["after"][level]["h"], **TOLERANCE)
    np.testing.assert_allclose(h[0], case["after"][level]["h"], **TOLERANCE)
    if c is not None:
        np.testing.assert_allclose(c[0], case["after"][level]["c"], **TOLERANCE)


@every_implementation
@pytest.mark.parametrize("case", STEPS)
@pytest.mark.parametrize("level", [0, 1, 2])
def test_a_step_of_a_reader(case, level, name):
    """Each of three levels is forced: by θ >= 1, by a budget of nothing, by θ < 0."""
    config = SkimConfig.from_dict(case["layer"])
    parameters = {n: np.array(values, SINGLE) for n, values in case["parameters"].items()}
    layer = Layer(ModelFile(config, parameters, Rule()), name)
    h, c = (None if case[part] is None else np.array([case[part]], SINGLE) for part in "hc")
    way = [{"threshold": 1}, {"threshold": 1, "budget": 0, "burst": 0}, {"threshold": -1}][level]
    read = layer.read_vectors(np.array([case["x"]], SINGLE), hx=h if c is None else (h, c), **way)
    close = {"rtol": CLOSE[SINGLE], "atol": CLOSE[SINGLE]}
    assert read.level.ravel().tolist() == [level]
    np.testing.assert_allclose(read.p.ravel(), case["p"], **close)
    np.testing.assert_allclose(read.output[0], case["after"][level]["h"], **close)
    np.testing.assert_allclose(read.h_n[0], case["after"][level]["h"], **close)
    if c is not None:
        np.testing.assert_allclose(read.c_n[0], case["after"][level]["c"], **close)


# ---- noise ------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", cases("noise"))
def test_noise(case):
    key = {name: value for name, value in case.items() if name != "gumbel"}
    np.testing.assert_allclose(gumbel(**key), case["gumbel"], **TOLERANCE)


def test_noise_differs_wherever_its_key_does():
    first = [case["gumbel"][0][0] for case in GOLDEN["noise"]]
    assert len(set(first)) == len(first)


@pytest.mark.parametrize("case", cases("noise"))
def test_noise_of_a_batch_is_the_noise_of_its_texts(case):
    row, tokens = case["row"], case["tokens"]
    lengths, first_row = ([1, tokens + 2], row - 1) if row else ([tokens + 2, 1], 0)
    batch = batch_gumbel(
        case["seed"], case["step"], lengths, 2, 2, case["levels"], first_row=first_row
    )
    own = batch[case["layer"], case["direction"], 1 if row else 0]
    np.testing.assert_allclose(own[:tokens], case["gumbel"], rtol=1e-6, atol=1e-6)
