"""Time to read an LSTM's words, batch 1: other engines, our plain cell, and skimming.

All contenders of a hidden size read the same texts in turns; ratios are medians over rounds of
one contender's time over another's in the same round.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skimrnn.bench.networks import (
    Network,
    make_network,
    make_texts,
    reader_of,
    skim_rate,
    with_skim_rate,
)
from skimrnn.bench.peers import PEERS, Peer
from skimrnn.bench.timing import Times, in_own_thread, take_turns
from skimrnn.decision import Rule
from skimrnn.runtime.registry import NUMPY, PRECISIONS, SequenceReader, implementations

OURS = "skimrnn"
RATES = (0.0, 0.5, 0.75, 0.9, 0.95)
SIZES, ALL_SIZES = (100, 512), (50, 100, 200, 512)
SKIM_SIZE = 5
_ROUNDS = 15
_NUMPY_TEXTS = 1
_TABLE = {"none": 0, "words": 2**30}
"""Table bytes: no input part looked up, or every word's (the default would cap it at 32 MiB)."""


@dataclass(frozen=True)
class Row:
    """One contender at one hidden size.

    Attributes:
        engine: "skimrnn" for ours.
        what: "plain" (no router), "skim", or "cost" (a part of the cost model).
        precision: of the recurrent weights, "float32" or "int8".
        isa: our implementation; None for the others.
        hidden_size: D; the inputs are as wide.
        table: whether input parts are looked up per word.
        words: "zipf", or "rare" for texts of rare words only.
        skim_rate: as wanted; None without a router.
        skim_rate_measured: as it came out.
        us_per_token: processor time, median over rounds.
        us_per_token_p99: 99th percentile over single texts.
        us_per_token_spread: distance between the quartiles of the rounds.
        wall_us_per_token: by the clock on the wall, median over rounds.
        ratio_to_best_peer: the fastest other engine of this precision over this, median over
            rounds; above 1 this is faster.
        ratio_to_any_peer: the same, over other engines of every precision.
        ratio_to_plain: our plain cell, same precision and implementation, over this.
        ratio_to_model: this over what reads, skims and router cost alone add up to.
        error: largest difference of the last h from the NumPy reference; None where int8's
            decisions are free to differ.
        missing: why there is no time, if there is none.
    """

    engine: str
    what: str
    precision: str
    isa: str | None
    hidden_size: int
    table: bool
    words: str = "zipf"
    skim_rate: float | None = None
    skim_rate_measured: float | None = None
    us_per_token: float | None = None
    us_per_token_p99: float | None = None
    us_per_token_spread: float | None = None
    wall_us_per_token: float | None = None
    ratio_to_best_peer: float | None = None
    ratio_to_any_peer: float | None = None
    ratio_to_plain: float | None = None
    ratio_to_model: float | None = None
    error: float | None = None
    missing: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The row as plain JSON values."""
        return dataclasses.asdict(self)


def bench(
    sizes: Sequence[int] = SIZES,
    *,
    all_implementations: bool = False,
    rounds: int = _ROUNDS,
    seed: int = 0,
    peers: Sequence[Peer] = PEERS,
    show: Callable[[str], None] = lambda line: None,
) -> list[Row]:
    """Time everything.

    Args:
        sizes: hidden sizes D.
        all_implementations: every instruction set that runs here; else the fastest alone.
        rounds: turns that each contender takes.
        seed: of networks, texts and turns.
        peers: the other engines.
        show: told what is being timed.

    Returns:
        A row for each contender, those that are missing included.
    """
    return in_own_thread(lambda: _bench(sizes, all_implementations, rounds, seed, peers, show))


def _bench(
    sizes: Sequence[int],
    all_implementations: bool,
    rounds: int,
    seed: int,
    peers: Sequence[Peer],
    show: Callable[[str], None],
) -> list[Row]:
    native = [name for name in implementations() if name != NUMPY]
    chosen = native if all_implementations else native[:1]
    rows: list[Row] = []
    for hidden_size in sizes:
        engines, missing = _engines(hidden_size, seed, peers)
        for number, name in enumerate(chosen or [NUMPY]):  # one at a time: tables are large
            show(f"D = {hidden_size}, {name}: making networks")
            contenders = [*engines, *(_ours(name, hidden_size, seed) if chosen else ())]
            show(f"D = {hidden_size}, {name}: timing {len(contenders)} readers, {rounds} rounds")
            found = _timed(contenders, rounds, seed)
            rows += [row for row in found if row.engine == OURS or number == 0]
        rows += [*missing, _numpy_row(hidden_size, seed)]
    return rows


def _timed(contenders: Sequence[_Contender], rounds: int, seed: int) -> list[Row]:
    """Their rows, with times."""
    timed: list[tuple[Row, Times]] = []
    for words in ("zipf", "rare"):
        texts = make_texts(seed, words)
        chosen = [one for one in contenders if one.row.words == words]
        readers = [one.read for one in chosen]
        times = take_turns(readers, texts, [len(text) for text in texts], rounds, seed)
        timed += zip((one.row for one in chosen), times, strict=True)
    return [_with_times(row, times, timed) for row, times in timed]


@dataclass(frozen=True)
class _Contender:
    row: Row
    read: Callable[[NDArray[np.int32]], object]
    reader: SequenceReader | None = None


def _engines(
    hidden_size: int, seed: int, peers: Sequence[Peer]
) -> tuple[list[_Contender], list[Row]]:
    """The other engines that can be timed, and a row for each that cannot."""
    plain, text = make_network("lstm", hidden_size, None, seed=seed), make_texts(seed)[0]
    contenders, missing = [], []
    for peer in peers:
        row = Row(peer.engine, "plain", peer.precision, None, hidden_size, table=False)
        try:
            read = peer.make(plain)
        except ImportError as error:
            missing.append(dataclasses.replace(row, missing=f"not installed: {error}"))
            continue
        difference = _difference(read(text), plain, text)
        contenders.append(_Contender(dataclasses.replace(row, error=difference), read))
    return contenders, missing


def _difference(h: NDArray[Any], plain: Network, text: NDArray[np.int32]) -> float:
    """How far a last hidden state is from the reference's."""
    wanted = reader_of(plain, NUMPY).read_words(text, Rule()).h_n[0]
    return float(np.abs(h - wanted).max())


def _ours(name: str, hidden_size: int, seed: int) -> Iterator[_Contender]:
    """Our readers of one implementation, in every precision."""
    texts = make_texts(seed)
    plain = make_network("lstm", hidden_size, None, seed=seed)
    skimming = make_network("lstm", hidden_size, SKIM_SIZE, seed=seed)
    rates = [with_skim_rate(skimming, rate, texts) for rate in RATES]
    # The cost model's parts: all skimmed, and nothing but router and row.
    skim_all = with_skim_rate(skimming, 1, texts)
    skip_all = with_skim_rate(make_network("lstm", hidden_size, 0, seed=seed), 1, texts)
    for precision in PRECISIONS:

        def contender(
            network: Network,
            what: str,
            table: str = "words",
            words: str = "zipf",
            reader: SequenceReader | None = None,
            precision: str = precision,
        ) -> _Contender:
            reader = reader or reader_of(network, name, precision, _TABLE[table])
            row = Row(OURS, what, precision, name, hidden_size, table != "none", words)
            if network.skim_rate is not None:
                measured = skim_rate(reader, make_texts(seed, words))
                wanted = network.skim_rate
                row = dataclasses.replace(row, skim_rate=wanted, skim_rate_measured=measured)
            else:
                h = reader.read_words(texts[0], Rule()).h_n[0]
                row = dataclasses.replace(row, error=_difference(h, plain, texts[0]))
            return _Contender(row, lambda rows: reader.read_words(rows, Rule()), reader)

        for table in _TABLE:
            yield contender(plain, "plain", table)
        made = [contender(network, "skim") for network in rates]
        yield from made
        yield contender(skim_all, "cost")
        yield contender(skip_all, "cost")
        # Rows that no cache holds, and decisions that no branch predictor can know.
        for rate in (0.9, 0.5):
            which = RATES.index(rate)
            yield contender(rates[which], "skim", words="rare", reader=made[which].reader)


def _numpy_row(hidden_size: int, seed: int) -> Row:
    """The reference, on one text in a few rounds: it is some thirty times slower."""
    texts = make_texts(seed)[:_NUMPY_TEXTS]
    reader = reader_of(make_network("lstm", hidden_size, None, seed=seed), NUMPY)
    [times] = take_turns(
        [lambda rows: reader.read_words(rows, Rule())], texts, [len(t) for t in texts], 3
    )
    row = Row(OURS, "plain", "float32", NUMPY, hidden_size, table=False)
    return _with_times(row, times, [])


def _with_times(row: Row, times: Times, all_times: Sequence[tuple[Row, Times]]) -> Row:
    """The row with its times, and its ratios to the others of the same words."""
    rounds = times.per_round()
    same = [(other, t) for other, t in all_times if other.words == row.words]
    every = [t.per_round() for other, t in same if other.engine != OURS]
    alike = [
        t.per_round()
        for other, t in same
        if other.engine != OURS and other.precision == row.precision
    ]
    own = [
        t.per_round()
        for other, t in same
        if (other.engine, other.what, other.table) == (OURS, "plain", True)
        and (other.isa, other.precision) == (row.isa, row.precision)
    ]

    def best(group: list[NDArray[np.float64]]) -> float | None:
        if row.engine != OURS or not group:
            return None
        fastest = min(group, key=lambda t: float(np.median(t)))
        return float(np.median(fastest / rounds))

    low, high = np.quantile(rounds, [0.25, 0.75])
    wall = (times.wall * times.tokens).sum(axis=1) / times.tokens.sum()
    return dataclasses.replace(
        row,
        us_per_token=float(np.median(rounds)),
        us_per_token_p99=float(np.quantile(times.cpu, 0.99)),
        us_per_token_spread=float(high - low),
        wall_us_per_token=float(np.median(wall)),
        ratio_to_best_peer=best(alike),
        ratio_to_any_peer=best(every),
        ratio_to_plain=None if row.what == "plain" else best(own),
        ratio_to_model=_over_model(row, rounds, same),
    )


def _over_model(
    row: Row, rounds: NDArray[np.float64], same: Sequence[tuple[Row, Times]]
) -> float | None:
    """Its time over the sum of its parts, each measured alone: reads, skims, router and row."""
    if row.what != "skim" or row.words != "zipf" or row.skim_rate_measured is None:
        return None
    ours = [
        (other, t.per_round())
        for other, t in same
        if (other.isa, other.precision) == (row.isa, row.precision)
    ]
    read_all = next(t for other, t in ours if other.what == "skim" and other.skim_rate == 0)
    skim_all, skip_all = (t for other, t in ours if other.what == "cost")
    rate = row.skim_rate_measured
    reads, skims = (1 - rate) * (read_all - skip_all), rate * (skim_all - skip_all)
    return float(np.median(rounds / (reads + skims + skip_all)))
