"""Random training passes, for so many seconds: no crash, and gradients that a small step confirms.

python -m fuzz.training [--seconds 60] [--seed 0]

Needs no torch, so it runs with the sanitizers' build (``make fuzz``). Some weights are so large
that states overflow: then there is nothing to confirm but that it ends.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from skimrnn.extension import instruction_sets, kernels

SCALES = (0.4, 0.4, 0.4, 4.0, 1e20)
STEP = 2e-3


@dataclass(frozen=True)
class Case:
    """One direction of one layer, its batch, and a loss: the results times given weights."""

    options: dict[str, Any]
    sizes: list[int]
    given: dict[str, Any]
    cells: list[list[Any] | None]
    loss: dict[str, Any]


def random_case(random: np.random.Generator, isa: str, scale: float) -> Case:
    """Any sizes and options that the kernels take."""
    cell = str(random.choice(["lstm", "gru"]))
    lstm, gates = cell == "lstm", 4 if cell == "lstm" else 3
    hidden, inputs = int(random.integers(1, 70)), int(random.integers(1, 70))
    count = int(random.integers(0, min(4, hidden + 1)))
    smaller = random.choice(hidden, count, replace=False)
    levels = [hidden, *sorted(map(int, smaller), reverse=True)]
    batch, steps = int(random.integers(1, 40)), int(random.integers(1, 30))
    sizes = sorted((int(n) for n in random.integers(1, batch + 1, steps)), reverse=True)
    tokens, rows, K = sum(sizes), sizes[0], len(levels)
    full, state_router = bool(random.random() < 0.5), lstm and bool(random.random() < 0.5)

    def draw(*shape: int, by: float = 1.0) -> Any:
        return (random.normal(size=shape) * by).astype(np.float32)

    cells: list[list[Any] | None] = []
    for level, size in enumerate(levels):
        seen = hidden if full or not level else size
        shapes = ((gates * size, inputs), (gates * size, seen), (gates * size,), (gates * size,))
        biased = random.random() < 0.7
        weights = [draw(*s, by=scale) if biased or len(s) > 1 else None for s in shapes]
        cells.append(weights if size else None)
    width = inputs + hidden * (2 if state_router else 1)
    c_0 = draw(rows, hidden) if lstm else None
    return Case(
        options={
            "isa": isa,
            "cell": cell,
            "levels": levels,
            "full_skim_input": full,
            "state_router": state_router,
            "backwards": bool(random.random() < 0.5),
            "hard": bool(random.random() < 0.2),
            "temperature": float(random.uniform(0.4, 1.5)),
            "threads": int(random.integers(1, 5)),
        },
        sizes=sizes,
        given={
            "x": draw(tokens, inputs),
            "router_weight": draw(K, width, by=scale),
            "router_bias": draw(K),
            "noise": draw(tokens, K),
            "h_0": draw(rows, hidden),
            "c_0": c_0,
        },
        cells=cells,
        loss={
            "outputs": draw(tokens, hidden),
            "log_p": draw(tokens, K, by=0.1),
            "h_n": draw(rows, hidden),
            "c_n": draw(rows, hidden) if lstm else None,
        },
    )


def forward(case: Case) -> tuple[float, Any, dict[str, Any]]:
    """The loss, and what the backward pass takes."""
    tokens, hidden, K = sum(case.sizes), case.options["levels"][0], len(case.options["levels"])
    lstm = case.options["cell"] == "lstm"

    def room(*shape: int) -> Any:
        return np.full(shape, np.nan, np.float32)

    made = []
    for size, cell in zip(case.options["levels"], case.cells, strict=True):
        gates = room(tokens, (4 if lstm else 3) * size)
        made.append(cell and (*cell, gates, None if lstm else room(tokens, size)))
    results = {
        "outputs": room(tokens, hidden),
        "log_p": room(tokens, K),
        "h_n": room(*case.given["h_0"].shape),
        "c_n": room(*case.given["h_0"].shape) if lstm else None,
    }
    arrays = kernels.TrainingArrays(
        sizes=case.sizes,
        cells=made,
        outputs=results["outputs"],
        c_before=room(tokens, hidden) if lstm else None,
        log_p=results["log_p"],
        **case.given,
    )
    level = np.empty(tokens, np.int64)
    options = kernels.TrainingOptions(**case.options)
    kernels.train_forward(options, arrays, level, results["h_n"], results["c_n"])
    assert ((level >= 0) & (level < K)).all()
    loss = sum(
        float((weight.astype(np.float64) * results[name]).sum())
        for name, weight in case.loss.items()
        if weight is not None
    )
    return loss, arrays, results


def backward(case: Case, arrays: Any) -> tuple[dict[str, Any], list[list[Any] | None]]:
    """The gradients of what is given, and of each cell's parameters."""
    lstm = case.options["cell"] == "lstm"
    of_given = {name: None if a is None else np.zeros_like(a) for name, a in case.given.items()}
    of_cells = [
        cell and [None if p is None else np.zeros_like(p) for p in cell] for cell in case.cells
    ]
    taken = [cell and (*cell[:3], None if lstm else cell[3]) for cell in of_cells]
    kernels.train_backward(
        kernels.TrainingOptions(**case.options),
        arrays,
        taken,
        case.loss["outputs"],
        case.loss["log_p"],
        case.loss["h_n"],
        case.loss["c_n"],
        of_given["x"],
        of_given["router_weight"],
        of_given["router_bias"],
        of_given["h_0"],
        of_given["c_0"],
    )
    if lstm:
        of_cells = [cell and [*cell[:3], cell[2]] for cell in of_cells]
    del of_given["noise"]
    return of_given, of_cells


def gradients(case: Case) -> tuple[dict[str, Any], list[list[Any] | None]]:
    """What a forward and a backward pass make of a case."""
    return backward(case, forward(case)[1])


def train_once(random: np.random.Generator) -> None:
    """One case on every instruction set."""
    scale = float(random.choice(SCALES))
    seed = int(random.integers(2**31))
    for isa in instruction_sets():
        with np.errstate(all="ignore"):
            check(random_case(np.random.default_rng(seed), isa, scale), seed)


def check(case: Case, seed: int) -> None:
    """The slope along a random direction is what the gradient says, where both are tame."""
    of_given, of_cells = gradients(case)
    if case.options["hard"]:
        return  # the straight-through gradient is not a slope
    random = np.random.default_rng(seed)

    def along(array: Any) -> Any:
        return None if array is None else random.normal(size=array.shape).astype(np.float32)

    by_given = {name: along(gradient) for name, gradient in of_given.items()}
    by_cells = [cell and [along(p) for p in cell] for cell in of_cells]

    def product(of_given: dict[str, Any], of_cells: list[list[Any] | None]) -> float:
        pairs = [(gradient, by_given[name]) for name, gradient in of_given.items()]
        for cell, by in zip(of_cells, by_cells, strict=True):
            pairs += list(zip(cell or [], by or [], strict=True))
        return float(sum((g.astype(float) * d).sum() for g, d in pairs if d is not None))

    norm = np.sqrt(product(by_given, by_cells))
    step = STEP * norm**0.5

    def moved(by: float) -> Case:
        def move(array: Any, d: Any) -> Any:
            return None if array is None else array + np.float32(by / norm) * d

        given = {n: move(a, by_given[n]) if n in by_given else a for n, a in case.given.items()}
        cells = [
            cell and [move(p, d) for p, d in zip(cell, by or [], strict=True)]
            for cell, by in zip(case.cells, by_cells, strict=True)
        ]
        return replace(case, given=given, cells=cells)

    far, near = (
        (forward(moved(by))[0] - forward(moved(-by))[0]) / (2 * by) for by in (step, step / 2)
    )
    said = product(of_given, of_cells) / norm
    size = max(abs(far), abs(near), 1.0)
    if not np.isfinite([far, near, said]).all() or abs(far - near) > 0.01 * size:
        return  # rounding or curvature: no slope to compare with
    if abs(near - said) <= 0.05 * size:
        return
    # A slope is the mean of the gradients on the way. Where they are far from each other the net
    # is chaotic, and two slopes were alike by chance.
    ends = [product(*gradients(moved(by))) / norm for by in (-step / 2, step / 2)]
    if max(abs(end - said) for end in ends) > 0.2 * abs(said):
        return
    raise AssertionError(f"slope {near:g}, gradient {said:g}: seed {seed}, {case.options}")


def main() -> None:
    """Train until the time is over."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    random = np.random.default_rng(arguments.seed)
    end, done = time.monotonic() + arguments.seconds, 0
    while time.monotonic() < end:
        train_once(random)
        done += 1
    print(f"training: {done} cases on {', '.join(instruction_sets())}, no fault")


if __name__ == "__main__":
    main()
