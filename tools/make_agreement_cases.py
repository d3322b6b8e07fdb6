"""Write what cpp/tests/agreement.cc compares with: networks, texts, and the reference's readings.

    python tools/make_agreement_cases.py build/agreement-cases.bin

Little-endian: int32 and float32 alone, doubles where said; ``cpp/tests/agreement.cc`` reads it.
"""

from __future__ import annotations

import itertools
import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np

from fuzz.texts import random_texts
from skimrnn.config import GATES, SkimConfig
from skimrnn.decision import ARGMAX, Rule, Way
from skimrnn.files import write_atomically
from skimrnn.routers import find_router
from skimrnn.runtime.native import ROUTERS, flat_parameters
from skimrnn.runtime.numpy_reader import NumpyReader
from skimrnn.text import Vocabulary, character_tables, scan

MAGIC = b"SKAG"
SIZES = (1, 3, 15, 16, 17, 31, 33, 40)
TOKENS = 12
ROUTER_OPTIONS = (
    *("window", "reads", "sharpness", "longest", "jumps"),
    *("units", "ahead", "filters"),
)
"""All that a router that the kernels know may have, in the file's order."""

MARGIN = 1e-3
"""Free decisions are compared where no probability is nearer to the threshold."""

RULES = (
    Rule(2.0),
    Rule(-1.0),
    Rule(2.0, 0.5),
    Rule(2.0, 0.2, 3),
    Rule(0.5),
    Rule(0.4, 0.6),
    Rule(ARGMAX),
)


def configs() -> list[SkimConfig]:
    """Every cell, kind of levels and option, with odd sizes in turn."""
    made = []
    axes = itertools.product(GATES, range(4), ("prefix", "full"), (1, 2), (False, True))
    for number, (cell, levels, skim_input, layers, both) in enumerate(axes):
        hidden = SIZES[1:][number % 7]
        small = [size for size in SIZES if size < hidden][number // 7 % SIZES.index(hidden)]
        sizes = [(hidden, small), (hidden, 0), (hidden, small, 0), (hidden,)][levels]
        able = [name for name in ROUTERS if find_router(name).levels in (None, len(sizes))]
        made.append(
            SkimConfig(
                cell=cell,
                input_size=SIZES[number // 5 % 8],
                hidden_size=hidden,
                levels=sizes,
                num_layers=layers,
                bias=number % 3 != 0,
                bidirectional=both,
                skim_input=skim_input,
                shared=number % 5 == 0,
                router_input="hidden" if cell != "lstm" or number % 2 else "state",
                router=able[(number // 4 + number // 32) % len(able) if len(sizes) > 1 else 0],
            )
        )
    return made


def case(config: SkimConfig, number: int) -> list[bytes]:
    """A network, a text and its readings: by every clear rule, and at two lots of given levels."""
    random = np.random.default_rng(number)
    scale = 0.4 if config.cell == "rnn_relu" else 1.2
    parameters = {
        name: (random.uniform(-1, 1, shape) * scale / np.sqrt(config.hidden_size)).astype("f4")
        for name, shape in config.parameter_shapes().items()
    }
    x = random.normal(size=(TOKENS, config.input_size)).astype(np.float32)
    states = (config.num_layers * config.directions, config.hidden_size)
    h, c = random.uniform(-1, 1, (2, *states)).astype(np.float32)
    initial = (h, c if config.cell == "lstm" else None) if number % 2 else None
    reader = NumpyReader(config, parameters)
    parts = [
        ints(
            *(list(GATES).index(config.cell), config.input_size, config.hidden_size),
            *(config.num_layers, config.directions, len(config.levels), *config.levels),
            *(config.skim_input == "full", config.router_input == "state"),
            ROUTERS.index(config.router),
            *(config.router_options.get(name, 0) for name in ROUTER_OPTIONS),
        )
    ]
    flat = flat_parameters(config, parameters)
    parts.append(ints(len(flat)))
    for array in flat:
        parts += [ints(-1)] if array is None else [ints(array.size), floats(array)]
    parts += [ints(len(x)), floats(x), ints(initial is not None)]
    if initial is not None:
        parts += [floats(part) for part in initial if part is not None]
    shape = (config.num_layers, config.directions, TOKENS)
    given = random.integers(0, len(config.levels), (2, *shape)).astype(np.int8)
    ways: list[Way] = [*(RULES if config.skims else RULES[:1]), *given]
    readings = []
    for way in ways:
        read = reader.read(x, way, initial)
        if not isinstance(way, Rule) or clear(read.p, way):
            readings.append((way, read))
    parts.append(ints(len(readings)))
    for way, read in readings:
        # A budget beside given levels must not count.
        rule = way if isinstance(way, Rule) else Rule(0.5, 0.0, 0)
        argmax = rule.threshold == ARGMAX
        parts.append(ints(argmax, rule.budget is not None))
        parts.append(
            struct.pack("<3d", 0 if argmax else rule.threshold, rule.budget or 0, rule.burst)
        )
        parts.append(ints(0) if isinstance(way, Rule) else ints(1, *way.ravel().tolist()))
        parts += [floats(read.output), floats(read.h_n)]
        parts += [] if read.c_n is None else [floats(read.c_n)]
        parts += [ints(*read.level.ravel().tolist()), floats(read.p)]
    return parts


def clear(p: Any, rule: Rule) -> bool:
    """Whether rounding cannot change a decision."""
    if rule.threshold == ARGMAX:
        ordered = np.sort(p, axis=-1)
        return bool((ordered[..., -1] - ordered[..., -2] > MARGIN).all())
    if not 0 <= rule.threshold < 1:  # type: ignore[operator]
        return True
    tails = p[..., ::-1].cumsum(axis=-1)[..., :-1]
    return bool((np.abs(tails - rule.threshold) > MARGIN).all())


def scanner() -> list[bytes]:
    """The character table, a vocabulary, and texts with the rows of their words."""
    texts = [text.encode("utf-8", "surrogatepass") for text in random_texts(4000, 1)]
    decoded = [text.decode("utf-8", "surrogatepass") for text in texts]
    words = [scan(text).words for text in decoded]
    vocabulary = Vocabulary.build(words[::2], min_count=1)
    classes, lower = character_tables()
    parts = [ints(len(classes)), classes.tobytes(), lower.astype("<u4").tobytes()]
    parts.append(ints(len(vocabulary)))
    for word in vocabulary.words:
        data = word.encode("utf-8", "surrogatepass")
        parts += [ints(len(data)), data]
    parts.append(ints(len(texts)))
    for text, found in zip(texts, words, strict=True):
        rows = vocabulary.rows(found)
        parts += [ints(len(text)), text, ints(len(rows), *rows.tolist())]
    return parts


def ints(*values: int) -> bytes:
    """Little-endian int32."""
    return struct.pack(f"<{len(values)}i", *values)


def floats(array: Any) -> bytes:
    """Little-endian float32, row by row."""
    return np.ascontiguousarray(array, "<f4").tobytes()


def main() -> None:
    """Write the file."""
    [path] = sys.argv[1:]
    made = configs()
    parts = [MAGIC, ints(len(made))]
    for number, config in enumerate(made):
        parts += case(config, number)
    parts += scanner()
    write_atomically(Path(path), b"".join(parts))
    print(f"{path}: {len(made)} networks, {sum(map(len, parts)):,} bytes")


if __name__ == "__main__":
    main()
