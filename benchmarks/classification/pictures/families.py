"""Which rows belong together, and what they are called in a picture, where room is short."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.classification.pictures.drawing import (
    AMBER,
    BLACK,
    BLUE,
    GREEN,
    PURPLE,
    QUIET,
    SKY,
    VERMILION,
)


@dataclass(frozen=True)
class Family:
    """Rows that share a marker and a colour.

    Attributes:
        name: in the legend.
        marker: matplotlib's.
        colour: as a hexadecimal number.
        rows: the short name of each row.
        base: short names of rows of the base recipe, drawn hollow.
    """

    name: str
    marker: str
    colour: str
    rows: dict[str, str]
    base: dict[str, str]


_GRID = {f"skim-{s}-{g}": f"{s} · {g}" for g in (0.01, 0.02) for s in (5, 10)}
_MORE = {"skim-10-0.005": "10 · 0.005", "skim-20-0.01": "20 · 0.01"}

FAMILIES = (
    Family(
        "reads every word",
        "s",
        BLACK,
        {
            "lstm-tuned": "LSTM",
            "lstm-searched-tuned": "LSTM, searched",
            "lstm-fixed-tuned": "LSTM, vectors fixed",
            "bigger-lstm-tuned": "LSTM, 200, both ways",
            "gru-tuned": "GRU",
        },
        {"lstm": "LSTM"},
    ),
    Family(
        "Skim-LSTM, S · γ",
        "o",
        BLUE,
        {f"{row}-tuned": name for row, name in (_GRID | _MORE).items()}
        | {"skim-10-0.01-fixed-tuned": "10 · 0.01, vectors fixed"},
        _GRID,
    ),
    Family(
        "skims otherwise",
        "D",
        SKY,
        {
            "rate-10-0.9-tuned": "10, 90 %",
            "rate-10-0.95-tuned": "10, 95 %",
            "skip-0.01-tuned": "skipping",
            "levels-20-0-tuned": "three levels",
            "skim-gru-10-0.01-tuned": "Skim-GRU",
            "spread-10-0.01-tuned": "for many θ",
        },
        {},
    ),
    Family(
        "other ways to read less",
        "h",
        QUIET,
        {
            "skip-rnn-0.05-tuned": "Skip RNN, 0.05",
            "skip-rnn-0.2-tuned": "Skip RNN, 0.2",
            "skipw-0.05-tuned": "SkipW, 0.05",
            "skipw-0.2-tuned": "SkipW, 0.2",
            "vcrnn-0.05-tuned": "VCRNN, 0.05",
            "vcrnn-0.2-tuned": "VCRNN, 0.2",
            "lstm-jump-tuned": "LSTM-Jump",
            "lstm-jump-fewer-tuned": "LSTM-Jump, fewer jumps",
            "leap-lstm-0.5-tuned": "Leap-LSTM, 50 %",
            "leap-lstm-0.8-tuned": "Leap-LSTM, 80 %",
            **{
                f"frozen-{size}-{weight}-tuned": f"on a frozen LSTM, {size} · {weight}"
                for size, weight in ((0, 0.1), (0, 0.3), (10, 0.1))
            },
        },
        {},
    ),
    Family(
        "taught by sentences of reviews",
        "*",
        BLUE,
        {
            "lstm-taught": "LSTM, taught",
            "skim-10-0.01-taught": "10 · 0.01, taught",
            "skim-20-0.01-taught": "20 · 0.01, taught",
            "skim-10-0.01-bigger-taught": "10 · 0.01, bigger teachers",
            "ngrams-taught": "NB n-grams, taught",
        },
        {},
    ),
    Family(
        "plain LSTM made to skim, S · γ",
        "p",
        PURPLE,
        {
            "rate-20-0.75-converted": "20, 75 %",
            "skim-10-0.02-converted": "10 · 0.02",
            "skim-20-0.01-converted": "20 · 0.01",
            "skim-20-0.02-converted": "20 · 0.02",
            "skim-20-0.05-converted": "20 · 0.05",
            "skim-20-0.02-alone-converted": "20 · 0.02, own texts alone",
            "random-20-converted": "random",
            "lstm-20-converted": "LSTM of 20 units",
        },
        {},
    ),
    Family(
        "levels given, at the learned time",
        "X",
        VERMILION,
        {
            "random-tuned": "random",
            "random-20-tuned": "random, S = 20",
            "random-90-tuned": "random, 90 %",
            "random-taught": "random, taught",
            "periodic-tuned": "every n-th",
            "frequent-tuned": "rare words",
        },
        {},
    ),
    Family(
        "smaller net or cut text",
        "v",
        AMBER,
        {
            "small-lstm-tuned": "small LSTM",
            "small-lstm-searched-tuned": "small LSTM, searched",
            "tiny-lstm-tuned": "LSTM of 10 units",
            "first-tuned": "first words",
            "last-tuned": "last words",
        },
        {},
    ),
    Family(
        "other recurrent nets",
        "^",
        PURPLE,
        {
            "qrnn-tuned": "QRNN",
            "mingru-tuned": "minGRU",
            "qrnn-wide-tuned": "wide QRNN",
            "mingru-wide-tuned": "wide minGRU",
            "qrnn-wide-searched-tuned": "wide QRNN, searched",
            "mingru-wide-searched-tuned": "wide minGRU, searched",
        },
        {},
    ),
    Family(
        "no recurrent net",
        "P",
        GREEN,
        {"averages": "mean vector", "tf-idf": "tf-idf", "ngrams": "NB n-grams"},
        {},
    ),
)


def family_of(row: str) -> tuple[Family, str, bool]:
    """A row's family, its short name, and whether it is of the base recipe."""
    for family in FAMILIES:
        if row in family.rows:
            return family, family.rows[row], False
        if row in family.base:
            return family, family.base[row], True
    return Family("other", "*", QUIET, {row: row}, {}), row, False
