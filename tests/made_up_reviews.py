"""A made-up table of reviews: each is good or bad by one or two of its words."""

import csv
from pathlib import Path

import numpy as np

FILLER = (
    *("the", "a", "film", "it", "was", "and", "of", "to", "one", "in", "this", "that", "its"),
    *("plot", "actors", "scene", "music", "from", "start", "finish", "camera", "story", "last"),
)
SAYS = {
    "good": ("joy", "charming", "moving", "delight", "superb"),
    "bad": ("bore", "tedious", "dull", "mess", "clumsy"),
}


def write_reviews(path: Path, count: int, seed: int = 0) -> None:
    """Write so many, half of them good, as a CSV file with the columns text and label."""
    random = np.random.default_rng(seed)
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["text", "label"])
        for number in range(count):
            label = ("good", "bad")[number % 2]
            words = random.choice(FILLER, random.integers(4, 16)).tolist()
            for _ in range(random.integers(1, 3)):
                place = int(random.integers(len(words) + 1))
                words.insert(place, str(random.choice(SAYS[label])))
            table.writerow([" ".join(words), label])


def write_topics(path: Path, count: int = 400) -> None:
    """Write so many texts with any number of the same labels, "|" between a text's."""
    random = np.random.default_rng(2)
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["text", "label"])
        for number in range(count):
            labels = [label for at, label in enumerate(SAYS) if number >> at & 1]
            words = random.choice(FILLER, random.integers(4, 16)).tolist()
            for label in labels:
                words.insert(int(random.integers(len(words) + 1)), str(random.choice(SAYS[label])))
            table.writerow([" ".join(words), "|".join(labels)])
