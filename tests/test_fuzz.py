"""A sample of what ``make fuzz`` does at length; FUZZ_SEED makes it another sample."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fuzz import folders, leaks, reading, training
from fuzz.scanners import differences
from fuzz.texts import random_texts
from skimrnn import extension
from skimrnn.runtime import implementations, native
from skimrnn.text import scan

needs_the_extension = pytest.mark.skipif(
    not extension.instruction_sets(), reason="the native reader is not compiled in"
)
ROOT = Path(__file__).parent.parent
SEED = int(os.environ.get("FUZZ_SEED", "0"))


def test_texts_hold_what_the_rules_turn_on():
    """A generator that misses the hard cases would find nothing."""
    texts = random_texts(5_000, 0)
    assert texts == random_texts(5_000, 0)
    assert texts != random_texts(5_000, 1)
    words = {word for text in texts for word in scan(text).words}
    assert {"n't", "'s", "'re", "'ll", "'ve", "'", "\u2019", "\ud800", "k"} <= words
    assert 1024 in {len(word) for word in words}
    assert any(len(text) == 0 for text in texts)
    assert sum(max(map(ord, text), default=0) > 0xFFFF for text in texts) > 1_000


@needs_the_extension
@pytest.mark.parametrize("part", range(2))
def test_both_scanners_cut_random_texts_alike(part):
    found = differences(10_000, [SEED, part])
    assert not found, (SEED, part, found[:5])


@needs_the_extension
def test_a_difference_between_scanners_would_be_found(monkeypatch):
    rows = native.NativeTextReader.rows
    monkeypatch.setattr(native.NativeTextReader, "rows", lambda self, text: rows(self, text)[:-1])
    assert len(differences(200, 0)) > 100


@needs_the_extension
@pytest.mark.parametrize("part", range(4))
def test_random_models_read_random_texts(part):
    for number in range(6):
        seed = [SEED, part, number]
        reading.read_once(np.random.default_rng(seed), seed)


def test_random_passes_have_the_gradients_that_a_small_step_confirms():
    random = np.random.default_rng(SEED)
    for _ in range(40):
        training.train_once(random)


def test_a_chaotic_net_with_two_slopes_alike_by_chance_is_not_a_fault():
    """Its gradients are of the order of 10⁶, and nothing like each other a small step away."""
    seed = 128453745
    with np.errstate(all="ignore"):
        for isa in extension.instruction_sets():
            training.check(training.random_case(np.random.default_rng(seed), isa, 4.0), seed)


def test_a_wrong_gradient_is_noticed(monkeypatch):
    backward = training.backward

    def wrong(case, arrays):
        of_given, of_cells = backward(case, arrays)
        of_given["x"] *= 1.5
        return of_given, of_cells

    monkeypatch.setattr(training, "backward", wrong)
    random, noticed = np.random.default_rng(0), 0
    for _ in range(40):
        try:
            training.train_once(random)
        except AssertionError as error:
            assert "slope" in str(error)  # noqa: PT017
            noticed += 1
    assert noticed > 5


@pytest.mark.parametrize("part", range(4))
def test_damaged_folders_are_read_or_refused(part, tmp_path):
    for number in range(40):
        seed = [SEED, part, number]
        try:
            folders.try_once(tmp_path, np.random.default_rng(seed))
        except BaseException as error:
            raise AssertionError(f"seed {seed}") from error


def in_a_fresh_process(code):
    """What a program prints: here, memory that was freed before would hide what grows."""
    done = subprocess.run(
        [sys.executable, "-c", f"import json\nfrom fuzz import leaks\n{code}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def test_memory_does_not_grow():
    grown = in_a_fresh_process("print(json.dumps(leaks.check(20_000)))")
    assert ("refusals" in grown) == (implementations() != ("numpy",))
    assert max(grown.values()) < leaks.ALLOWED, grown


def test_a_leak_would_be_found():
    code = "kept = []\nprint(leaks.growth(lambda: kept.append(b'x' * 2**20), 20))"
    assert in_a_fresh_process(code) > leaks.ALLOWED
