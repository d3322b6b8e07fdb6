"""Write golden.json: small vectors, made by the reference, that every implementation must give.

    python tests/data/make_golden.py

Inputs are formulas rounded to four decimals, so that no random generator is part of them.
"""

import json
from pathlib import Path

import numpy as np

from skimrnn import cost
from skimrnn.config import SkimConfig
from skimrnn.decision import Chooser, Rule, choose_level
from skimrnn.reference import State, step, unpack
from skimrnn.train.noise import gumbel

PATH = Path(__file__).with_name("golden.json")


def single(*values):
    """The float32 value of each number, as Python floats: what p is when it is compared."""
    return [float(np.float32(value)) for value in values]


def numbers(count, phase, scale=1.0):
    """Numbers within +-scale, without a pattern that a fault could hide in."""
    index = np.arange(count, dtype=np.float64)
    return np.round(scale * np.sin(index * (1.7 + 0.1 * phase) + 0.3 + phase), 4)


# ---- which level ------------------------------------------------------------------------------

P = [
    single(0.5, 0.5),
    single(0.9, 0.1),
    single(0.2, 0.8),
    single(0.6, 0.4),
    single(1.0, 0.0),
    single(0.0, 1.0),
    single(0.2, 0.5, 0.3),
    single(0.5, 0.25, 0.25),
    single(0.4, 0.4, 0.2),
    single(0.3, 0.35, 0.35),
    single(0.1, 0.2, 0.3, 0.4),
    single(0.25, 0.25, 0.25, 0.25),
    single(0.7, 0.1, 0.1, 0.1),
]
# 0.1, 0.4 and 0.8 lie on the other side of their float32 values than a float64 test would say.
THRESHOLDS = [-1.0, -1e-30, 0.0, 0.1, 0.25, 0.4, 0.5, 0.8, 0.999, 1.0, 2.0, "argmax"]


def levels():
    return [
        {"p": p, "threshold": threshold, "level": choose_level(np.array(p), threshold)}
        for p in P
        for threshold in THRESHOLDS
    ]


# ---- the budget -------------------------------------------------------------------------------

BUDGETS = [
    # threshold, budget, burst, p_skim token after token
    (0.5, 0.5, 1, [0.1] * 8),
    (0.5, 0.5, 0, [0.1] * 8),
    (0.5, 0.0, 2, [0.1] * 6),
    (0.5, 0.0, 0, [0.1] * 3),
    (0.5, 1.0, 0, [0.1] * 4),
    (0.5, 0.25, 1, [0.9] * 8 + [0.1] * 8),  # unused allowance is kept
    (0.5, 0.1, 0, [0.1] * 21),  # adding 0.1 ten times gives less than 1
    (0.5, 0.58, 0, [0.1] * 50),  # 0.58 * 50 is below 29 in float64 and 29 in float32
    (0.5, 0.3, 0.1, [0.1] * 8),  # 0.1 + 0.3 * 3 is below 1 unless the product is not rounded
    (0.5, 0.3, 0.5, [0.1] * 12),  # burst need not be whole
    (2.0, 0.5, 1, [0.9] * 6),  # the ceiling holds above a threshold that reads everything
    (-1.0, 0.5, 1, [0.1] * 4),
    ("argmax", 0.4, 1, [0.3, 0.6, 0.1, 0.2, 0.5, 0.4]),
]


def budgets():
    cases = []
    for threshold, budget, burst, p_skim in BUDGETS:
        chooser = Chooser(Rule(threshold, budget, burst))
        p = [single(1 - value, value) for value in p_skim]
        taken = [chooser(np.array(row)) for row in p]
        cases.append(
            {"threshold": threshold, "budget": budget, "burst": burst, "p": p, "levels": taken}
        )
    return cases


# ---- costs ------------------------------------------------------------------------------------

COSTS = [
    ({"cell": "lstm", "input_size": 50, "hidden_size": 100, "levels": (100, 10)}, [[[0, 1, 1, 1]]]),
    ({"cell": "lstm", "input_size": 7, "hidden_size": 5, "levels": (5,)}, [[[0, 0, 0]]]),
    (
        {
            "cell": "gru",
            "input_size": 7,
            "hidden_size": 9,
            "levels": (9, 3, 0),
            "num_layers": 2,
            "bidirectional": True,
            "skim_input": "full",
        },
        [[[0, 1, 2], [2, 2, 2]], [[1, 1, 0], [0, 0, 0]]],
    ),
    (
        {
            "cell": "lstm",
            "input_size": 3,
            "hidden_size": 4,
            "levels": (4, 0),
            "router_input": "hidden",
        },
        [[[1, 1, 0, 1, 1]]],
    ),
    ({"cell": "rnn_relu", "input_size": 3, "hidden_size": 4, "levels": (4, 1)}, [[[]]]),
]


def costs():
    cases = []
    for options, taken in COSTS:
        config = SkimConfig(**options)
        counted = cost.count(config, [np.array(taken, dtype=np.int8)])
        cases.append(
            {
                "layer": config.to_dict(),
                "levels": taken,
                "read_all": counted.read_all[0],
                "taken": counted.taken[0],
                "recurrent_read_all": counted.recurrent_read_all[0],
                "recurrent_taken": counted.recurrent_taken[0],
            }
        )
    return cases


# ---- one step ---------------------------------------------------------------------------------

STEPS = [
    *(("lstm", skim, router) for skim in ("prefix", "full") for router in ("state", "hidden")),
    *(
        (cell, skim, "hidden")
        for cell in ("gru", "rnn_tanh", "rnn_relu")
        for skim in ("prefix", "full")
    ),
]


def steps():
    cases = []
    for phase, (cell, skim_input, router_input) in enumerate(STEPS):
        config = SkimConfig(
            cell=cell,
            input_size=2,
            hidden_size=3,
            levels=(3, 2, 0),
            skim_input=skim_input,
            router_input=router_input,
        )
        parameters = {
            name: numbers(int(np.prod(shape)), phase + 0.07 * index).reshape(shape)
            for index, (name, shape) in enumerate(config.parameter_shapes().items())
        }
        x, h = numbers(2, phase + 0.5), numbers(3, phase + 0.6)
        c = numbers(3, phase + 0.9) if cell == "lstm" else None
        [[weights]] = unpack(parameters, config)
        after = []
        for level in range(3):
            prepared, choose = weights.router.prepare(x), lambda p, level=level: level
            state, _, p = step(x, prepared, State(h, c), weights, config, choose)
            after.append({"h": _list(state.h), "c": _list(state.c)})
        cases.append(
            {
                "layer": config.to_dict(),
                "parameters": {name: _list(array) for name, array in parameters.items()},
                "x": _list(x),
                "h": _list(h),
                "c": _list(c),
                "p": _list(p),
                "after": after,
            }
        )
    return cases


# ---- noise ------------------------------------------------------------------------------------

NOISE = [
    {"seed": 0, "step": 0, "row": 0, "layer": 0, "direction": 0, "tokens": 3, "levels": 2},
    {"seed": 1, "step": 0, "row": 0, "layer": 0, "direction": 0, "tokens": 1, "levels": 2},
    {"seed": 0, "step": 1, "row": 0, "layer": 0, "direction": 0, "tokens": 1, "levels": 2},
    {"seed": 0, "step": 0, "row": 1, "layer": 0, "direction": 0, "tokens": 1, "levels": 2},
    {"seed": 0, "step": 0, "row": 0, "layer": 1, "direction": 0, "tokens": 1, "levels": 2},
    {"seed": 0, "step": 0, "row": 0, "layer": 0, "direction": 1, "tokens": 1, "levels": 2},
    {"seed": 7, "step": 99_999, "row": 31, "layer": 1, "direction": 1, "tokens": 2, "levels": 3},
]


def noise():
    return [{**key, "gumbel": _list(gumbel(**key))} for key in NOISE]


# ---- the file ---------------------------------------------------------------------------------


def _list(array):
    """As nested lists, to 9 significant digits: float32 needs no more."""
    if array is None:
        return None
    if array.ndim > 1:
        return [_list(row) for row in array]
    return [float(f"{value:.9g}") for value in array]


def make():
    """The whole content of golden.json."""
    return {
        "levels": levels(),
        "budgets": budgets(),
        "costs": costs(),
        "steps": steps(),
        "noise": noise(),
    }


def text():
    """golden.json, one case a line."""
    parts = [
        f'"{name}": [\n' + ",\n".join(json.dumps(case) for case in cases) + "\n]"
        for name, cases in make().items()
    ]
    return "{\n" + ",\n".join(parts) + "\n}\n"


if __name__ == "__main__":
    PATH.write_text(text(), encoding="utf-8")
