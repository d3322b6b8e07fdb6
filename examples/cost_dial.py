"""One model, many costs: read the same reviews at several thresholds and under a ceiling.

    python examples/cost_dial.py

Needs no torch and no data: the bundled model and three reviews of films that do not exist.
"""

import time

import skimrnn

REVIEWS = (
    "It begins well enough , and the first half hour has charm , but then the story loses its way "
    "and never finds it again ; by the end I was bored and wished that I had stayed at home .",
    "I did not expect much of a film about a lighthouse keeper and his goat . It turned out to be "
    "the funniest and most touching thing that I have seen all year , and the goat is superb .",
    "The camera work is fine . The rest is a mess of clumsy dialogue , tedious chases and a plot "
    "that a child would see through .",
)


def main() -> None:
    """Print labels, words read and time for each setting."""
    model = skimrnn.load("imdb")
    for setting in ({"threshold": 1.0}, {"threshold": 0.5}, {"threshold": 0.1}, {"budget": 0.1}):
        readings = model.read(REVIEWS, **setting)
        begin = time.perf_counter()
        for _ in range(200):
            model.predict(REVIEWS, **setting)
        microseconds = (time.perf_counter() - begin) / 200 / len(REVIEWS) * 1e6
        [(name, value)] = setting.items()
        labels = ", ".join(f"{r.label} {r.probabilities.max():.0%}" for r in readings)
        words = sum(len(reading) for reading in readings)
        read = words - sum(int(reading.skimmed.sum()) for reading in readings)
        print(
            f"{name} {value:4}: {labels}; {read} of {words} words read, {microseconds:.0f} µs each"
        )


if __name__ == "__main__":
    main()
