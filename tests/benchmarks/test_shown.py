"""What was asked of the sets, and whether it was met."""

import numpy as np
import pytest

from benchmarks.classification import report_shown, stats
from benchmarks.classification.pictures.data import Results
from benchmarks.classification.rows import TITLES

TEXTS, SEEDS = 2000, 3


def runs_of(name, wrong, skimmed=None):
    """Runs of which these texts of each thousand are labelled wrongly, each seed's own."""
    made = {}
    for seed in range(SEEDS):
        correct = (np.arange(TEXTS) * 7 + seed) % 1000 >= wrong
        test = {"texts": TEXTS, "correct": np.packbits(correct).tobytes().hex()}
        test |= {"accuracy": float(correct.mean()), "skim_rate": skimmed}
        made[seed] = {"test": test, "validation": {"accuracy": 1 - wrong / 1000}, "data": {}}
    return stats.Runs(name, made)


def row(name, us, over=1.0):
    return {
        **{"row": name, "precision": "float32", "accuracy": 0.9, "us_per_text": us},
        "plain_over_this": over,
    }


def verdict(met, lacks):
    return {"from_reading_all": {"met": met}, "front": {"lacks": lacks}}


def page(wrong=100, skimmed=0.9, small_us=50.0, task="imdb", timed=3):
    """The cells of both tables, of a set with one skimming row and two controls."""
    learned = "skim-10-0.01-tuned"
    rows = (
        *(runs_of("lstm-tuned", 100), runs_of(learned, wrong, skimmed)),
        *(runs_of("random-tuned", 150, skimmed), runs_of("small-lstm-tuned", 100)),
    )
    times = [row("lstm-tuned", 400.0), row(learned, 80.0, 5.0), row("small-lstm-tuned", small_us)]
    times = times[:timed]
    curves = {"verdicts": {"one": verdict(True, 0.004), "other": verdict(False, None)}}
    results = Results(
        {task: {one.name: one for one in rows}}, {task: {"rows": times}}, {task: curves}
    )
    lines = [line for line in report_shown.lines(results) if line.startswith(f"| {TITLES[task]}")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_a_row_that_has_all_that_is_required_meets_it():
    asked, _ = page()
    assert asked == [
        *("IMDb", "skim-10-0.01-tuned", "+0.00 (+0.00 … +0.00): not inferior"),
        *("90.00", "≥ 90 (≥ 92.5)", "90.00", "≥ 80", "5.00", "≥ 4", "80.0", "(≤ 60)", "met"),
    ]


@pytest.mark.parametrize("lacking", [{"wrong": 120}, {"skimmed": 0.7}])
def test_a_row_that_lacks_a_part_of_it_does_not(lacking):
    assert page(**lacking)[0][-1] == "**not met**"


def test_what_was_asked_of_every_set_is_said():
    _, (title, learned, front, met, lacks) = page()
    assert title == "IMDb"
    assert learned.startswith("skim-10-0.01-tuned +5.00")
    assert learned.endswith("learned skimming is better")
    assert front == "skim-10-0.01-tuned: no, for small-lstm-tuned"
    assert (met, lacks) == ("1 of 2", "+0.40")


@pytest.mark.parametrize("changed", [{"small_us": 90.0}, {"wrong": 90}])
def test_a_row_is_on_the_front_where_no_small_net_is_quicker_and_as_accurate(changed):
    assert page(**changed)[1][2] == "skim-10-0.01-tuned: yes"


def test_of_a_set_without_small_nets_nothing_is_said_of_the_front():
    [cells] = page(task="sst-phrases", timed=2)
    assert cells[0] == TITLES["sst-phrases"]
    assert cells[1].endswith("learned skimming is better")
    assert cells[2] == ""


def test_the_chosen_row_of_each_recipe_stands_beside_small_nets_of_any():
    wrong = {"lstm-tuned": 100, "skim-10-0.01-tuned": 110, "random-tuned": 150}
    wrong |= {"lstm-taught": 90, "skim-10-0.01-taught": 90, "lstm-20-converted": 100}
    times = [row(name, 80.0) for name in wrong if name != "lstm-20-converted"]
    results = Results(
        {"sst": {name: runs_of(name, some, 0.9) for name, some in wrong.items()}},
        {"sst": {"rows": [*times, row("lstm-20-converted", 50.0)]}},
        {},
    )
    [line] = [one for one in report_shown.lines(results) if "learned skimming is better" in one]
    front = line.split("|")[3].strip()
    assert front == "skim-10-0.01-tuned: no, for lstm-20-converted; skim-10-0.01-taught: yes"
