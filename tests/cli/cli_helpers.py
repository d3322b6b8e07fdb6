"""Made-up reviews, and ways to run commands."""

import csv
import os
import random
import subprocess
import sys
from pathlib import Path

from typer.testing import CliRunner

from skimrnn.cli import app

GOOD = ["wonderful", "superb", "moving", "delightful", "clever"]
BAD = ["dreadful", "tedious", "stale", "clumsy", "hollow"]
PLAIN = "the film has a story about people in town and it runs for two hours"

TINY = [
    *("--hidden-size", "8", "--skim-size", "2", "--embedding-size", "6", "--vectors", "none"),
    *("--learning-rate", "0.02", "--dropout", "0", "--threads", "1"),
    *("--skim-weight", "0"),
]


def reviews(count: int) -> list[tuple[str, str]]:
    """Rows of text and label; the label hangs on two words of each text."""
    random_words = random.Random(1)
    rows = []
    for number in range(count):
        words = random_words.choices(PLAIN.split(), k=random_words.randint(4, 12))
        for _ in range(2):
            place = random_words.randint(0, len(words))
            words.insert(place, random_words.choice(BAD if number % 2 else GOOD))
        rows.append((" ".join(words), "bad" if number % 2 else "good"))
    return rows


def write_csv(path: Path, count: int) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("text", "label"))
        writer.writerows(reviews(count))
    return path


def run(*arguments, input=None, code=0):
    """Run a command in this process; give its result with the exit code checked."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], input=input)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


def start(*arguments, **more):
    """Start a command in a process of its own."""
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", **more.pop("env", {})}
    return subprocess.Popen(
        [sys.executable, "-m", "skimrnn", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=more.pop("stdin", subprocess.DEVNULL),
        env=environment,
        **more,
    )
