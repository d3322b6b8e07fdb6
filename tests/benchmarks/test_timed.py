"""Rows that were timed in a later sitting stand beside those of the first."""

import json

import pytest

from benchmarks.classification.timed import joined, load
from benchmarks.classification.times import Contender, untimed


def row(name, us, precision="float32", size=1, reader="avx2"):
    return {
        **{"row": name, "precision": precision, "reader": reader, "bytes": size},
        **{"us_per_word": us / 10, "us_per_word_spread": us / 100, "us_per_text": us},
        "plain_over_this": 3.0,
    }


FIRST = [
    *(row("lstm-tuned", 100), row("lstm-tuned", 50, "int8"), row("skip-0.01-tuned", 30)),
    row("lstm-tuned", 400, size=None, reader="an engine"),
]
LATER = {
    "date": "2026-11-27T10:00:00+00:00",
    "cpu": "another",
    "rows": [
        *(row("lstm-tuned", 200), row("lstm-tuned", 60, "int8")),
        *(row("gru-tuned", 150), row("gru-tuned", 60, "int8")),
    ],
}


def test_a_later_sitting_is_scaled_by_what_the_plain_lstm_took():
    whole = joined({"rows": FIRST, "cpu": "a cpu", "later": [LATER]})
    assert whole["cpu"] == "a cpu"
    assert whole["rows"][:4] == FIRST
    one, small = whole["rows"][4:]
    assert (one["row"], one["us_per_text"], one["us_per_word"]) == ("gru-tuned", 75, 7.5)
    assert (small["precision"], small["us_per_text"]) == ("int8", 50)
    assert one["plain_over_this"] == 3.0
    assert (one["best_engine_over_this"], small["best_engine_over_this"]) == (400 / 75, 8)
    assert one["later"] == small["later"] == "2026-11-27, another"


def test_of_a_row_that_is_timed_again_the_last_time_counts():
    again = {
        **{"date": "2026-11-30T10:00:00+00:00", "cpu": "another"},
        "rows": [row("lstm-tuned", 50), row("skip-0.01-tuned", 10, reader="avx512")],
    }
    whole = joined({"rows": FIRST, "cpu": "a cpu", "later": [LATER, again]})
    [skip] = [one for one in whole["rows"] if one["row"] == "skip-0.01-tuned"]
    assert (skip["us_per_text"], skip["reader"]) == (20, "avx512")
    assert skip["later"] == "2026-11-30, another"
    assert [one["us_per_text"] for one in whole["rows"] if one["row"] == "lstm-tuned"] == [
        *(100, 50, 400)
    ]


def test_without_later_sittings_nothing_changes(tmp_path):
    path = tmp_path / "times.json"
    assert load(path) == {}
    path.write_text(json.dumps({"sst": {"rows": FIRST}}))
    assert load(path)["sst"]["rows"] == FIRST


def contender(name, size=1):
    return Contender(name, "float32", "avx2", str, size, 0.5)


def test_a_later_sitting_may_time_another_plain_lstm_too():
    rows = [row("lstm-tuned", 200), row("lstm", 220), row("skim-10-0.01", 80)]
    whole = joined({"rows": FIRST, "cpu": "a cpu", "later": [{**LATER, "rows": rows}]})
    assert [one["us_per_text"] for one in whole["rows"][4:]] == [110, 40]


@pytest.mark.parametrize("later", [[], [LATER]])
def test_a_sitting_takes_what_has_no_time(later):
    names = ("lstm-tuned", "skip-0.01-tuned", "gru-tuned", "first-tuned")
    found = untimed(
        [*map(contender, names), contender("lstm-tuned", None)], {"rows": FIRST, "later": later}
    )
    new = ["first-tuned"] if later else ["gru-tuned", "first-tuned"]
    assert [one.row for one in found] == ["lstm-tuned", *new]
    assert untimed([contender("lstm-tuned"), contender("skip-0.01-tuned")], {"rows": FIRST}) == []
    plain = untimed([contender("lstm-tuned"), contender("lstm")], {"rows": FIRST})
    assert [one.row for one in plain] == ["lstm-tuned", "lstm"]
