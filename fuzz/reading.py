"""Random networks read random texts, for so many seconds: no crash, and NumPy's decisions.

By rules, and at random levels.

python -m fuzz.reading [--seconds 60] [--seed 0]

Meant for a build with the address and undefined-behaviour sanitizers (``make fuzz``), where an
access out of bounds ends the process. Some networks have weights so large that states overflow.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

import numpy as np

from fuzz.texts import random_texts
from skimrnn.config import GATES, SkimConfig
from skimrnn.model_file import ACTIVATIONS, ModelFile, TextPart
from skimrnn.routers import find_router
from skimrnn.runtime import Model, implementations
from skimrnn.runtime.native import ROUTERS
from skimrnn.text import Vocabulary, scan

SCALES = (0.3, 0.3, 0.3, 3.0, 1e20)
FORCED = (2.0, -1.0)


def random_config(random: np.random.Generator) -> SkimConfig:
    """Any cell and router, 1 to 4 levels, odd sizes, up to 3 layers, both directions."""
    cell = str(random.choice(list(GATES)))
    count = int(random.integers(1, 5))
    sizes = sorted(set(random.integers(0, 70, count).tolist()) | {1}, reverse=True)
    if random.random() < 0.5 and sizes[0] > 1:
        sizes.remove(1)
    able = [name for name in ROUTERS if find_router(name).levels in (None, len(sizes))]
    return SkimConfig(
        cell=cell,
        input_size=int(random.integers(1, 40)),
        hidden_size=sizes[0] if sizes[0] else 1,
        levels=tuple(sizes) if sizes[0] else (1,),
        num_layers=int(random.integers(1, 4)),
        bias=bool(random.random() < 0.7),
        bidirectional=bool(random.random() < 0.4),
        skim_input=str(random.choice(["prefix", "full"])),
        shared=bool(random.random() < 0.2),
        router_input="hidden" if cell != "lstm" or random.random() < 0.3 else "state",
        router=str(random.choice(able)) if len(sizes) > 1 else "softmax",
    )


def random_model(random: np.random.Generator, vocabulary: Vocabulary) -> ModelFile:
    """Its parameters, vectors and head, uniform within a scale drawn for the model."""
    config = random_config(random)
    scale = random.choice(SCALES)

    def draw(shape: tuple[int, ...]) -> Any:
        return (random.uniform(-scale, scale, shape)).astype(np.float32)

    parameters = {name: draw(shape) for name, shape in config.parameter_shapes().items()}
    classes = int(random.integers(1, 6))
    width = config.directions * config.hidden_size
    text = TextPart(
        tuple(f"label {k}" for k in range(classes)),
        vocabulary,
        draw((len(vocabulary), config.input_size)),
        draw((classes, width)),
        draw((classes,)),
        activation=str(random.choice(ACTIVATIONS)),
    )
    return ModelFile(config, parameters, text=text)


def random_rule(random: np.random.Generator, skims: bool) -> dict[str, Any]:
    """A threshold, forced or free, sometimes with a budget."""
    free = [float(random.random()), "argmax", 0.0, 1.0]
    threshold = [*FORCED, *free][int(random.integers(6))]
    if not skims or random.random() < 0.6:
        return {"threshold": threshold}
    return {
        "threshold": threshold,
        "budget": float(random.random()),
        "burst": float(random.integers(0, 4)),
    }


def read_once(random: np.random.Generator, seed: list[int]) -> None:
    """One model, some texts, every implementation and precision."""
    texts = random_texts(12, seed)
    words = [scan(text).words for text in texts]
    vocabulary = Vocabulary.build(words[:6], min_count=1)
    file = random_model(random, vocabulary)
    rule = random_rule(random, file.config.skims)
    reference = Model(file, "numpy")
    with np.errstate(all="ignore"):
        wanted = reference.read(texts, threshold=2.0)
    last = len(file.config.levels) - 1
    given = [random.integers(0, last + 1, reading.level.shape) for reading in wanted]
    for name in implementations()[:-1]:
        for precision in ("float32", "int8"):
            if precision == "int8" and file.config.cell == "rnn_relu":
                continue
            room = int(random.choice([0, 5_000, 2**25]))
            model = Model(file, name, precision=precision, table_bytes=room)
            model.predict_proba(texts, **rule)
            model.read(texts, **rule)
            if not file.config.bidirectional and not file.config.following:
                session = model.session(**rule)
                for text in texts[:3]:
                    session.feed(text)
                type(session).from_bytes(model, session.to_bytes()).finish()
            for one, other in zip(model.read(texts, levels=given), given, strict=True):
                if (one.level != other).any():
                    raise AssertionError(f"{name} {precision} takes other levels: {one.text!a}")
            for one, other in zip(model.read(texts, threshold=2.0), wanted, strict=True):
                if one.level.shape != other.level.shape or (one.level != other.level).any():
                    raise AssertionError(f"{name} {precision} reads another text: {one.text!a}")


def main() -> None:
    """Read until the time is over."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if len(implementations()) == 1:
        sys.exit("the native reader is not installed: there is nothing to fuzz")
    end, number = time.monotonic() + options.seconds, 0
    while time.monotonic() < end:
        seed = [options.seed, number]
        try:
            read_once(np.random.default_rng(seed), seed)
        except Exception:
            print(f"seed {seed}")
            raise
        number += 1
    print(f"{number:,} models read, every implementation and precision, nothing wrong")


if __name__ == "__main__":
    main()
