"""Does a rival's time follow what it decides? Words read natively, at several shares read.

    python -m benchmarks.rivals.reading_time

Needs a quiet machine; a minute a router. An LSTM of random weights. Skip RNN's, VCRNN's and
Leap-LSTM's bias is shifted until it skips so much; SkipW's ceiling is set, and all that it lets
through is read; LSTM-Jump's reads are, and its bias is that of the jump over what is left of a
window. VCRNN skips no word whole: one that updates a quarter of the units is counted as skipped.
The router runs and decides as ever. The cost model is the straight line between the two ends,
nothing skipped and all (of Skip RNN and LSTM-Jump, but each text's first token). Writes
``results/rivals/reading-time*.json``.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.machine import provenance
from benchmarks.rivals.adding import FOLDER
from skimrnn.bench.networks import Network, make_network, make_texts, reader_of, skim_rate
from skimrnn.bench.timing import in_own_thread, take_turns
from skimrnn.config import SkimConfig
from skimrnn.decision import Rule
from skimrnn.files import write_atomically

RESULTS = {
    "skip-rnn": FOLDER / "reading-time.json",
    "skipw": FOLDER / "reading-time-skipw.json",
    "vcrnn": FOLDER / "reading-time-vcrnn.json",
    "lstm-jump": FOLDER / "reading-time-lstm-jump.json",
    "leap-lstm": FOLDER / "reading-time-leap-lstm.json",
}
SMALL = {"skip-rnn": 0, "skipw": 0, "vcrnn": 25, "lstm-jump": 0, "leap-lstm": 0}
"""Units that are updated where the word is skipped, of ``HIDDEN``."""
RATES = (0.25, 0.5, 0.67, 0.8, 0.9)
HIDDEN, ROUNDS, BISECTIONS, WINDOW = 100, 15, 16, 10
ENDLESS = 10**6
"""More jumps than a text has words."""
FAR = 100.0
"""A bias at which a sigmoid is 0 or 1, whatever the state."""


def network(
    router: str, bias: float | list[float], hidden: int = HIDDEN, **options: int
) -> Network:
    """A random network of which this router decides, with this bias and these options."""
    plain = make_network("lstm", hidden, None)
    config = SkimConfig(
        cell="lstm",
        input_size=plain.config.input_size,
        hidden_size=hidden,
        levels=(hidden, SMALL[router] * hidden // HIDDEN),
        shared=True,
        router=router,
        router_options=options,
    )
    shapes, random = config.router_shapes(0), np.random.default_rng(1)
    drawn = {name: random.uniform(-1, 1, shape) * hidden**-0.5 for name, shape in shapes.items()}
    if router == "leap-lstm":
        drawn["router_out_bias"] = np.array([bias, 0])
    else:
        drawn["router_bias"] = np.full(shapes["router_bias"], bias)
    own = {f"{name}_l0": array.astype(np.float32) for name, array in drawn.items()}
    return Network(config, {**plain.parameters, **own}, plain.embedding, None)


def skipping(router: str, rate: float, texts: list[Any]) -> Network:
    """The network that skips about this share of these texts."""
    if router == "skipw":
        reads = round((1 - rate) * WINDOW)
        return replace(network(router, FAR, window=WINDOW, reads=reads), skim_rate=rate)
    if router == "lstm-jump":
        reads = max(round((1 - rate) * WINDOW), 1)
        bias = [FAR * (jump == WINDOW - reads + 1) for jump in range(WINDOW + 1)]
        options = {"reads": reads, "longest": WINDOW, "jumps": 0 if rate == 1 else ENDLESS}
        return replace(network(router, bias, **options), skim_rate=rate)
    if rate in (0, 1):
        return network(router, -FAR if rate else FAR)
    low, high = -FAR, FAR
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        skipped = skim_rate(reader_of(network(router, middle), table_bytes=0), texts)
        low, high = (middle, high) if skipped > rate else (low, middle)
    return replace(network(router, (low + high) / 2), skim_rate=rate)


def measure(router: str, rounds: int = ROUNDS) -> list[dict[str, Any]]:
    """A row for the plain cell, for each rate and for both ends, in every native precision."""
    texts = make_texts(0)
    networks = {
        "plain": make_network("lstm", HIDDEN, None),
        "reads all": skipping(router, 0, texts),
        **{f"skips {rate:g}": skipping(router, rate, texts) for rate in RATES},
        "skips all": skipping(router, 1, texts),
    }
    rows = []
    for precision in ("float32", "int8"):
        readers = {name: reader_of(one, None, precision) for name, one in networks.items()}
        calls = [lambda text, one=one: one.read_words(text, Rule()) for one in readers.values()]
        times = take_turns(calls, texts, [len(text) for text in texts], rounds)
        taken = {name: one.per_round() for name, one in zip(readers, times, strict=True)}
        skipped = {name: skim_rate(one, texts) for name, one in readers.items() if name != "plain"}
        ends = [(skipped[name], taken[name]) for name in ("reads all", "skips all")]
        for name, us in taken.items():
            row: dict[str, Any] = {
                "what": name,
                "precision": precision,
                "skipped": skipped.get(name),
                "us_per_token": float(np.median(us)),
                "plain_over_this": float(np.median(taken["plain"] / us)),
                "over_model": None,
            }
            if name.startswith("skips 0"):
                (none, slow), (most, fast) = ends
                share = (skipped[name] - none) / (most - none)
                row["over_model"] = float(np.median(us / (slow + share * (fast - slow))))
            rows.append(row)
    return rows


def main() -> None:
    """Measure each router, then write its result."""
    for router, path in RESULTS.items():
        rows = in_own_thread(lambda router=router: measure(router))
        result = {"rows": rows, **provenance("python -m benchmarks.rivals.reading_time")}
        write_atomically(path, (json.dumps(result, indent=1) + "\n").encode())
        for row in rows:
            print(router, row)


if __name__ == "__main__":
    main()
