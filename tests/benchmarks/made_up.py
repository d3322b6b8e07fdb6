"""Result files with made-up numbers, as the benchmarks write them."""

import json
from pathlib import Path

import numpy as np

from benchmarks.classification.curves import CURVES, SEPARATE, THRESHOLDS
from benchmarks.classification.rows import ROWS
from benchmarks.classification.speech import PARTS
from benchmarks.classification.verdicts import verdicts
from benchmarks.classification.words import BANDS, TENTHS

CPU = "a made-up processor"


def write(folder: Path, tasks=("sst", "imdb")) -> Path:
    """Write times, runs of three seeds, curves, words and a review into a folder."""
    (folder / "classification").mkdir(parents=True)
    times, curves, words = {}, {}, {}
    for number, task in enumerate(tasks):
        random = np.random.default_rng(number)
        for row in ROWS:
            for seed in range(1 if ROWS[row].linear else 3):
                one = run(task, row, seed, random)
                (folder / "classification" / f"{task}-{row}-seed{seed}.json").write_text(
                    json.dumps(one)
                )
        times[task] = {"rows": timed(random, 40.0 * (1 + 6 * number)), "cpu": CPU}
        curves[task] = traced(random, 38.0 * (1 + 6 * number))
        words[task] = counted(random)
    reviews = {"model": "made-up", "meant": ["positive"], "views": [viewed()]}
    made = {"times": times, "curves": curves, "words": words, "reviews": reviews}
    for name, content in made.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    return folder


def run(task, row, seed, random):
    """One run of a row; the share skimmed rises with γ and with S."""
    skims = ROWS[row].skims
    weight, size = ROWS[row].settings.get("skim_weight", 0), ROWS[row].settings.get("levels", [0])
    return {
        "task": task,
        "row": row,
        "seed": seed,
        "test": {
            "accuracy": 0.82 + 0.02 * ROWS[row].tuned + float(random.normal(0, 0.006)),
            "skim_rate": min(
                0.99, 0.7 + 8 * weight + 0.003 * size[-1] + float(random.normal(0, 0.02))
            )
            if skims
            else None,
        },
    }


def timed(random, us):
    """A time of every row and, of recurrent nets, two precisions."""
    rows = [{"row": "lstm-tuned", "precision": "float32", "us_per_text": 1.0, "accuracy": None}]
    for row in ROWS:
        if ROWS[row].given:
            continue
        part = 0.4 if ROWS[row].skims else 1.0
        part *= 0.3 if ROWS[row].linear else 1.0
        here = us * part * float(random.uniform(0.85, 1.15))
        rows.append({"row": row, "precision": "float32", "us_per_text": here, "accuracy": 0.5})
        rows.append({"row": row, "precision": "int8", "us_per_text": here / 2, "accuracy": 0.5})
    return rows


def point(threshold, us, accuracy):
    """A point of a curve."""
    return {
        "threshold": threshold,
        "accuracy": accuracy,
        "accuracy_spread": 0.002,
        "validation_accuracy": accuracy,
        "skim_rate": 1 - threshold,
        "flop_reduction": 2.0,
        "us_per_word": us / 20,
        "us_per_text": us,
    }


def traced(random, us):
    """Curves that fall towards both ends, and separate points about their middles."""
    curves = {
        row: [
            point(
                threshold,
                us * (0.25 + 0.4 * threshold + 0.35 * (threshold == 1)),
                0.84 - 0.004 * number - 0.03 * (threshold - 0.5) ** 2,
            )
            for threshold in THRESHOLDS
        ]
        for number, row in enumerate(CURVES)
    }
    separate = [
        {
            "row": row,
            **point(
                0.5, us * float(random.uniform(0.3, 0.6)), 0.835 + float(random.normal(0, 0.003))
            ),
        }
        for row in SEPARATE
    ]
    return {
        "seeds": [0, 1],
        "texts": 1000,
        "timed_texts": 300,
        "timed_words": 6000,
        "implementation": "avx512",
        "curves": curves,
        "separate": separate,
        "verdicts": {row: verdicts(curve, separate) for row, curve in curves.items()},
        "cpu": CPU,
    }


def counted(random):
    """What was read of each kind of word."""

    def shares(names):
        return [
            {"name": name, "words": 1000, "read": float(share)}
            for name, share in zip(names, random.uniform(0, 1, len(names)), strict=True)
        ]

    bands = shares(BANDS)
    bands[-1] |= {"words": 0, "read": None}
    return {
        "row": "skim-10-0.01-tuned",
        "seed": 0,
        "tagger": "made up",
        "texts": 500,
        "words": 11000,
        "read": 0.3,
        "bands": bands,
        "parts": shares(PARTS),
        "tenths": shares(TENTHS),
        "often": {"at_least": 50, "different_words": 30},
        "most_read": shares(["joy", "dull", "n't"]),
        "least_read": shares(["the", "|", "of"]),
        "cpu": CPU,
    }


def viewed():
    """A text of three words, the second of them read."""
    words = (("a", 1), ("fine", 0), ("film", 1))
    at, tokens = 0, []
    for word, level in words:
        tokens.append(
            {
                "start": at,
                "end": at + len(word),
                "word": word,
                "level": [[level]],
                "p_skim": [[float(level)]],
            }
        )
        at += len(word) + 1
    return {
        "text": "a fine film",
        "label": "positive",
        "probabilities": {"positive": 0.9, "negative": 0.1},
        "multilabel": False,
        "chosen": ["positive"],
        "skim_rate": 2 / 3,
        "flop_reduction": 3.0,
        "recurrent_reduction": 3.0,
        "threshold": 0.5,
        "budget": None,
        "burst": 1.0,
        "layers": 1,
        "directions": 1,
        "levels": 2,
        "tokens": tokens,
    }
