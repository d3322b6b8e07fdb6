"""SST and Rotten Tomatoes together, without training on what either holds out.

SST was made from the Rotten Tomatoes snippets, so training on both leaks unless what they share
is taken out. Texts are compared by `text_key`: letters and digits only, case folded.

A text of one corpus leaks into the other if it equals a held-out text of that corpus or occurs
inside one. It also leaks if a held-out text occurs inside of it; for that the held-out text must
have at least `MIN_INNER` letters and digits, because a whole held-out text such as "no" or "bad"
occurs in nearly everything and gives nothing away. Neutral SST sentences count as held out too.
"""

from collections.abc import Iterable

from skimrnn.tasks.base import Examples, TextTask, make_task
from skimrnn.tasks.splits import text_key

MIN_INNER = 20
_PIECE = 12


class HeldOut:
    """Held-out texts, and whether another text leaks one of them."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._keys = {key for text in texts if (key := text_key(text))}
        self._joined = "\n".join(sorted(self._keys))
        # Most texts are told apart by their first letters, without a search through all.
        self._pieces = {self._joined[n : n + _PIECE] for n in range(len(self._joined))}
        self._by_start: dict[str, list[str]] = {}
        for key in self._keys:
            if len(key) >= MIN_INNER:
                self._by_start.setdefault(key[:MIN_INNER], []).append(key)

    def leaks(self, text: str) -> bool:
        """Return whether the text equals or occurs in a held-out text, or holds a long one."""
        key = text_key(text)
        if not key:
            return False
        return self._within(key) or self._holds_one(key)

    def _within(self, key: str) -> bool:
        if len(key) >= _PIECE and key[:_PIECE] not in self._pieces:
            return False
        return key in self._joined

    def _holds_one(self, key: str) -> bool:
        for start in range(len(key) - MIN_INNER + 1):
            for inner in self._by_start.get(key[start : start + MIN_INNER], ()):
                if key.startswith(inner, start):
                    return True
        return False


def combine(sst: TextTask, rotten: TextTask, sst_neutral: Iterable[str] = ()) -> TextTask:
    """Return one task of both corpora.

    Training texts of one that leak into validation or test of the other are dropped, and so are
    validation texts of one that leak into the test of the other, or a model would be chosen by
    its test texts. Nothing is dropped inside of a corpus, nor from the tests.

    Args:
        sst: the SST task, of sentences or phrases.
        rotten: the Rotten Tomatoes task.
        sst_neutral: neutral sentences of SST's validation and test, which also count as held out.
    """
    neutral = list(sst_neutral)
    parts = {"sst": sst, "rotten-tomatoes": rotten}
    tests = {
        "sst": HeldOut([*sst.test.texts, *neutral]),
        "rotten-tomatoes": HeldOut(rotten.test.texts),
    }
    held_out = {
        "sst": HeldOut([*sst.validation.texts, *sst.test.texts, *neutral]),
        "rotten-tomatoes": HeldOut([*rotten.validation.texts, *rotten.test.texts]),
    }
    kept: dict[str, list[Examples]] = {"train": [], "validation": []}
    dropped: dict[str, dict[str, int]] = {"train": {}, "validation": {}}
    for name, other in (("sst", "rotten-tomatoes"), ("rotten-tomatoes", "sst")):
        for split, against in (("train", held_out[other]), ("validation", tests[other])):
            examples = parts[name].splits()[split]
            clean = _without(examples, against)
            kept[split].append(clean)
            dropped[split][name] = len(examples) - len(clean)
    splits = {
        "train": Examples.join(kept["train"]),
        "validation": Examples.join(kept["validation"]),
        "test": Examples.join([sst.test, rotten.test]),
    }
    record = {
        "source": "combined",
        "files": [file for part in parts.values() for file in part.record.get("files", [])],
        "seed": rotten.record.get("seed"),
        "split": "that of each part, without what leaks",
        "rule": (
            "letters and digits only, case folded: equal, contained, or containing a held-out "
            f"text of at least {MIN_INNER}"
        ),
        "dropped": dropped,
        "neutral_sst_sentences_held_out": len(neutral),
        "parts": {name: part.record for name, part in parts.items()},
    }
    return make_task(f"{sst.name}+{rotten.name}", sst.labels, splits, record)


def _without(examples: Examples, held_out: HeldOut) -> Examples:
    return examples.take(
        [row for row, text in enumerate(examples.texts) if not held_out.leaks(text)]
    )
