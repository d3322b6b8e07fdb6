"""The rows of the classification table: what each one is, and the recipes that they are made by.

A row is one model family with its settings; all rows of a recipe share everything else. ``base`` is
the first recipe, with the paper's word vectors alone; ``tuned`` adds what was found on validation
texts to help every family (``docs/experiments.md``), and has the controls; ``taught`` adds to that
sentences of film reviews and what a teacher says of them (``taught.py``). ``converted`` makes a
plain LSTM of the tuned recipe skim: the net goes on from it, or keeps it as it is, and learns to
say what it said.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from benchmarks.classification.trials import TRIALS

TITLES = {
    "sst": "SST, trained on sentences",
    "rotten-tomatoes": "Rotten Tomatoes",
    "rotten-tomatoes-folds": "Rotten Tomatoes, ten folds",
    "sst-phrases": "SST, trained on phrases (tested on sentences)",
    "imdb": "IMDb",
    "ag-news": "AG News, 28,488 of 120,000 training texts",
}
TASKS = tuple(TITLES)

TENTHS = 10
"""Into how many parts ``FOLDS`` cuts all texts; a seed, modulo that, says which is tested on."""

SEEDS = {
    "sst": tuple(range(10)),
    "rotten-tomatoes": tuple(range(10)),
    "rotten-tomatoes-folds": tuple(range(3 * TENTHS)),
    "sst-phrases": tuple(range(10)),
    "imdb": (0, 1, 2),
    "ag-news": (0, 1, 2),
}
TAUGHT_SEEDS = {"sst": tuple(range(30))}
"""Of the taught recipe's learned rows, where they are not as many as others.

Thirty were decided on when six of the skimming row had left undecided whether it loses half a
point."""
CONVERTED_SEEDS = tuple(range(30))
"""Of plain LSTMs of which each is made to skim, and of the row that may be chosen of these."""
RIVALS_SEEDS = {"sst": 3}
"""So many of other methods than the paper's; one elsewhere."""
FURTHER_SEEDS = {"sst": tuple(range(10, 30))}
"""More seeds of the tuned plain LSTM, of the rows to choose from, and of random words.

They were added where the first ones had left undecided whether skimming loses half a point; those
of random words when the learned row's own had shown that its first ten had been lucky."""

SHARED: dict[str, Any] = {
    "hidden_size": 100,
    "batch_size": 32,
    "epochs": 12,
    "patience": 8,
    "learning_rate": 2e-3,
    "averaging": 0.99,
    "dropout": 0.5,
    "skim_ramp_steps": 1000,
}
BY_TASK: dict[str, dict[str, Any]] = {
    "sst": {},
    "rotten-tomatoes": {},
    "rotten-tomatoes-folds": {},
    "sst-phrases": {"epochs": 3, "evaluations_per_epoch": 8, "batch_size": 64},
    "imdb": {"epochs": 8},
    "ag-news": {"epochs": 8},
}
_SHORT = {"adversarial": 1.0, "embedding_size": 150, "patience": 4}
TUNED: dict[str, dict[str, Any]] = {
    "sst": _SHORT,
    "rotten-tomatoes": _SHORT,
    "rotten-tomatoes-folds": _SHORT,
    "sst-phrases": {"adversarial": 1.0, "embedding_size": 150},
    "imdb": {
        "adversarial": 2.0,
        "embedding_size": 150,
        "batch_size": 64,
        "epochs": 4,
        "max_tokens": 1000,
        "unknown_probability": 0.1,
    },
    "ag-news": {"adversarial": 1.0, "batch_size": 64, "epochs": 6, "embedding_size": 150},
}
"""What the tuned recipe has beside the base one; its vectors are those of ``VECTORS_FROM``."""

_TAUGHT = {"epochs": 2, "batch_size": 64, "evaluations_per_epoch": 4, "patience": 8}
TAUGHT: dict[str, dict[str, Any]] = {
    "sst": _TAUGHT,
    "rotten-tomatoes": _TAUGHT,
    "sst-phrases": {**_TAUGHT, "patience": 16, "epochs": 3},
}
"""What the taught recipe has beside the tuned one."""

_CONVERTED = {
    **{"epochs": 2, "batch_size": 64, "evaluations_per_epoch": 1, "skim_ramp_steps": 0},
    # What is learnt is a function that is known at every text: there is nothing to overfit.
    **{"distillation": 1.0, "dropout": 0.0, "adversarial": 0.0},
}
CONVERTED: dict[str, dict[str, Any]] = {"sst": _CONVERTED, "rotten-tomatoes": _CONVERTED}
"""What the converted recipe has beside the tuned one; its texts are those of the taught one."""

RECIPES = {"base": BY_TASK, "tuned": TUNED, "taught": TAUGHT, "converted": CONVERTED}
"""The last settings of each recipe, by task."""

TEACHERS = (0, 1, 2, 3, 4)
"""The seeds of the nets, by the tuned recipe, that are a taught row's teacher."""
TEACHER = "lstm-tuned"
"""What they are, where a row does not say otherwise."""

VECTORS_FROM = {
    "sst": "imdb",
    "rotten-tomatoes": "imdb",
    "rotten-tomatoes-folds": "imdb",
    "sst-phrases": "imdb",
    "imdb": "imdb",
    "ag-news": "ag-news",
}
"""Whose training texts the 100 numbers beside GloVe's 50 are learnt from, without their labels."""


PLAIN = {
    "base": "lstm",
    "tuned": "lstm-tuned",
    "taught": "lstm-taught",
    "converted": "lstm-tuned",
}
"""The plain LSTM that each recipe's rows are compared with."""

LEARNED = "skim-10-0.01-tuned"
"""The row that controls follow: its skim rate is theirs, and so is its time."""


@dataclass(frozen=True)
class Row:
    """What a row is.

    Attributes:
        what: in the page, in a few words.
        settings: of ``TrainingOptions``, beside the recipe's.
        recipe: by which it is made, one of ``RECIPES``.
        control: the cell, of ``controls``, that stands in for ours.
        linear: the model, of ``linear.py``, that is no recurrent net at all.
        given: how levels are given instead of being decided, of ``given.py``.
        follows: of given levels, the learned row whose skim rate they have.
        cut: "first" or "last": the words that are left of every text.
        base: the row whose model of the same seed stays as it is: only what skims is learnt.
        start: the row whose model of the same seed is gone on from.
        alone: whether it has its set's own texts alone, where its recipe has sentences as well.
        teacher: the row whose models say what a taught one learns of sentences.
        searched: the row whose settings ``SEARCHED`` changes.
    """

    what: str
    settings: dict[str, Any] = field(default_factory=dict)
    recipe: str = "tuned"
    control: str | None = None
    linear: str | None = None
    given: str | None = None
    follows: str = LEARNED
    cut: str | None = None
    base: str | None = None
    start: str | None = None
    alone: bool = False
    teacher: str = TEACHER
    searched: str | None = None

    @property
    def tuned(self) -> bool:
        """Whether it has what the tuned recipe has, and perhaps more."""
        return self.recipe != "base"

    @property
    def has_teacher(self) -> bool:
        """Whether it learns from what a teacher says of texts."""
        return self.recipe in ("taught", "converted")

    @property
    def has_sentences(self) -> bool:
        """Whether sentences of reviews, that nobody labelled, are among these texts."""
        return self.has_teacher and not self.alone

    @property
    def skims(self) -> bool:
        """Whether a router decides."""
        return len(self.settings.get("levels", (0,))) > 1 and self.given is None

    @property
    def rival(self) -> bool:
        """Whether it reads less by another method than the paper's."""
        other = self.settings.get("router", "softmax") != "softmax"
        return other or (self.base is not None and self.recipe != "converted")

    @property
    def candidate(self) -> bool:
        """Whether validation texts may choose it: a Skim-LSTM of two levels, for θ = 0.5."""
        settings = self.settings
        small = settings.get("levels", ())[1:]
        others = {"cell", "threshold_spread", "freeze_embedding"} & settings.keys()
        own = not self.rival and self.base is None and self.teacher == TEACHER
        return self.skims and own and len(small) == 1 and small[0] > 0 and not others


def searched_name(name: str) -> str:
    """The row of the best of a row's settings, if that is not the row itself."""
    return f"{name.removesuffix('-tuned')}-searched-tuned"


def _skim(size: int, weight: float, **more: Any) -> dict[str, Any]:
    return {"levels": (100, size), "skim_weight": weight, **more}


_PLAIN = {"levels": (100,)}
_BIGGER = "bigger-lstm-tuned"
_GENTLY = {"learning_rate": 1e-3, "schedule": "cosine"}
_GRID = {
    f"skim-{size}-{weight}": _skim(size, weight) for weight in (0.01, 0.02) for size in (5, 10)
}
ROWS: dict[str, Row] = {
    "lstm": Row("plain LSTM", _PLAIN, "base"),
    **{
        name: Row(
            f"Skim-LSTM, S = {name.split('-')[1]}, γ = {name.split('-')[2]}", settings, "base"
        )
        for name, settings in _GRID.items()
    },
    "lstm-tuned": Row("plain LSTM", _PLAIN),
    **{
        f"{name}-tuned": Row(
            f"Skim-LSTM, S = {name.split('-')[1]}, γ = {name.split('-')[2]}", settings
        )
        for name, settings in _GRID.items()
    },
    "skim-10-0.005-tuned": Row("Skim-LSTM, S = 10, γ = 0.005", _skim(10, 0.005)),
    "skim-20-0.01-tuned": Row("Skim-LSTM, S = 20, γ = 0.01", _skim(20, 0.01)),
    **{
        f"rate-10-{rate}-tuned": Row(
            f"Skim-LSTM, S = 10, for a skip rate of {100 * rate:.0f} %",
            _skim(10, 5.0, penalty="rate", wanted_rate=rate),
        )
        for rate in (0.9, 0.95)
    },
    "skip-0.01-tuned": Row("skipping, S = 0, γ = 0.01", _skim(0, 0.01)),
    "levels-20-0-tuned": Row(
        "three levels, 100 / 20 / 0, γ = 0.01", {"levels": (100, 20, 0), "skim_weight": 0.01}
    ),
    "lstm-fixed-tuned": Row(
        "plain LSTM, word vectors left as they are", {"freeze_embedding": True, **_PLAIN}
    ),
    "skim-10-0.01-fixed-tuned": Row(
        "Skim-LSTM, S = 10, γ = 0.01, word vectors left as they are",
        _skim(10, 0.01, freeze_embedding=True),
    ),
    _BIGGER: Row(
        "LSTM of 200 units in both directions",
        {"hidden_size": 200, "levels": (200,), "bidirectional": True},
    ),
    "gru-tuned": Row("plain GRU", {"cell": "gru", **_PLAIN}),
    "skim-gru-10-0.01-tuned": Row("Skim-GRU, S = 10, γ = 0.01", _skim(10, 0.01, cell="gru")),
    "spread-10-0.01-tuned": Row(
        "Skim-LSTM for many thresholds, S = 10, γ = 0.01",
        _skim(10, 0.01, threshold_spread=3.0),
    ),
    **{
        f"skip-rnn-{cost}-tuned": Row(
            f"Skip RNN, cost {cost}", _skim(0, cost, router="skip-rnn", penalty="cost")
        )
        for cost in (0.05, 0.2)
    },
    **{
        f"skipw-{cost}-tuned": Row(
            f"SkipW, at most 5 words of 10, cost {cost}",
            # A sentence has about two such windows, and half of it is about what Skip RNN reads.
            _skim(
                0,
                cost,
                router="skipw",
                router_options={"window": 10, "reads": 5},
                penalty="cost",
            ),
        )
        for cost in (0.05, 0.2)
    },
    **{
        f"vcrnn-{cost}-tuned": Row(
            f"VCRNN, cost {cost}",
            {
                "levels": (100, 75, 50, 25, 10),
                "skim_weight": cost,
                "router": "vcrnn",
                "shared": True,
                "penalty": "cost",
            },
        )
        for cost in (0.05, 0.2)
    },
    **{
        f"lstm-jump{fewer}-tuned": Row(
            f"LSTM-Jump{', fewer jumps' if fewer else ''}",
            _skim(0, 0.0, router="lstm-jump", penalty="cost"),
        )
        for fewer in ("", "-fewer")
    },
    **{
        f"leap-lstm-{rate}-tuned": Row(
            f"Leap-LSTM, for a skip rate of {100 * rate:.0f} %",
            _skim(0, 1.0, router="leap-lstm", penalty="rate", wanted_rate=rate),
        )
        for rate in (0.5, 0.8)
    },
    **{
        f"frozen-{size}-{weight}-tuned": Row(
            f"the plain LSTM as it is, {what}, γ = {weight}",
            # Accuracy is there before anything is skimmed: γ that rises would keep the first state.
            _skim(size, weight, skim_ramp_steps=0),
            base="lstm-tuned",
        )
        for size, what, weight in (
            (0, "skipping learnt", 0.1),
            (0, "skipping learnt", 0.3),
            (10, "skimming learnt, S = 10", 0.1),
        )
    },
    "random-tuned": Row("random words skimmed, S = 10", _skim(10, 0.0), given="random"),
    "random-20-tuned": Row(
        "random words skimmed, S = 20",
        _skim(20, 0.0),
        given="random",
        follows="skim-20-0.01-tuned",
    ),
    "random-90-tuned": Row(
        "random words skimmed, S = 10, as many as for a rate of 90 %",
        _skim(10, 0.0),
        given="random",
        follows="rate-10-0.9-tuned",
    ),
    "periodic-tuned": Row("every n-th word read, S = 10", _skim(10, 0.0), given="periodic"),
    "frequent-tuned": Row("frequent words skimmed, S = 10", _skim(10, 0.0), given="frequent"),
    "small-lstm-tuned": Row("small LSTM", {}),
    "tiny-lstm-tuned": Row("LSTM of 10 units, as what skims", {"hidden_size": 10, "levels": (10,)}),
    "first-tuned": Row("plain LSTM, first words alone", _PLAIN, cut="first"),
    "last-tuned": Row("plain LSTM, last words alone", _PLAIN, cut="last"),
    "qrnn-tuned": Row("QRNN, k = 2", _PLAIN, control="qrnn"),
    "mingru-tuned": Row("minGRU", _PLAIN, control="mingru"),
    "qrnn-wide-tuned": Row("wide QRNN, k = 2", control="qrnn"),
    "mingru-wide-tuned": Row("wide minGRU", control="mingru"),
    **{
        searched_name(name): Row(
            f"{what}, the best of eight settings", control=control, searched=name
        )
        for name, what, control in (
            ("lstm-tuned", "plain LSTM", None),
            ("small-lstm-tuned", "small LSTM", None),
            ("qrnn-wide-tuned", "wide QRNN, k = 2", "qrnn"),
            ("mingru-wide-tuned", "wide minGRU", "mingru"),
        )
    },
    "lstm-taught": Row("plain LSTM", _PLAIN, recipe="taught"),
    **{
        f"skim-{size}-0.01-taught": Row(
            f"Skim-LSTM, S = {size}, γ = 0.01", _skim(size, 0.01), recipe="taught"
        )
        for size in (10, 20)
    },
    "skim-10-0.01-bigger-taught": Row(
        "Skim-LSTM, S = 10, γ = 0.01; the teachers have 200 units in both directions",
        _skim(10, 0.01),
        recipe="taught",
        teacher=_BIGGER,
    ),
    "random-taught": Row(
        "random words skimmed, S = 10",
        _skim(10, 0.0),
        recipe="taught",
        given="random",
        follows="skim-10-0.01-taught",
    ),
    "rate-20-0.75-converted": Row(
        "the plain LSTM made to skim, S = 20, for a skip rate of 75 %",
        _skim(20, 0.3, penalty="rate", wanted_rate=0.75, **_GENTLY),
        recipe="converted",
        start="lstm-tuned",
    ),
    **{
        f"skim-{size}-{weight}-converted": Row(
            f"the plain LSTM as it is, skimming learnt, S = {size}, γ = {weight}",
            _skim(size, weight),
            recipe="converted",
            base="lstm-tuned",
        )
        for size, weight in ((10, 0.02), (20, 0.01), (20, 0.02), (20, 0.05))
    },
    "skim-20-0.02-alone-converted": Row(
        "the plain LSTM as it is, skimming learnt of its own texts alone, S = 20, γ = 0.02",
        _skim(20, 0.02, epochs=12),
        recipe="converted",
        base="lstm-tuned",
        alone=True,
    ),
    "random-20-converted": Row(
        "the plain LSTM made to skim random words, S = 20",
        _skim(20, 0.0, **_GENTLY),
        recipe="converted",
        start="lstm-tuned",
        given="random",
        follows="rate-20-0.75-converted",
    ),
    "lstm-20-converted": Row(
        "LSTM of 20 units that learns what the plain one says",
        {"hidden_size": 20, "levels": (20,), "schedule": "cosine"},
        recipe="converted",
    ),
    "averages": Row("averaged word vectors, logistic regression", linear="averages"),
    "tf-idf": Row("tf-idf of words and pairs, logistic regression", linear="tf-idf"),
    "ngrams": Row("naive-Bayes-weighted words, pairs, triples", linear="ngrams"),
    "ngrams-taught": Row(
        "naive-Bayes-weighted words, pairs, triples; sentences at their likeliest label",
        recipe="taught",
        linear="ngrams",
    ),
}

# What takes as long as LEARNED: units of other nets, and words that are left of a text.
AS_LONG = {
    "small-lstm-tuned": {"sst": 60, "rotten-tomatoes": 60, "imdb": 40, "ag-news": 56},
    # Found by controls/sizes.py.
    "qrnn-wide-tuned": {"sst": 1040, "rotten-tomatoes": 896, "imdb": 352, "ag-news": 752},
    "mingru-wide-tuned": {"sst": 2160, "rotten-tomatoes": 2080, "imdb": 944, "ag-news": 1792},
}
WORDS_LEFT = {"sst": 8, "rotten-tomatoes": 9, "imdb": 50, "ag-news": 14}

SEARCHED: dict[str, dict[str, str]] = {
    "lstm-tuned": {
        "sst": "slower",
        "rotten-tomatoes": "dropout-less",
        "imdb": "dropout-less",
        "ag-news": "dropout-less",
    },
    "small-lstm-tuned": {
        "sst": "dropout-less",
        "rotten-tomatoes": "dropout-less",
        "imdb": "dropout-less",
        "ag-news": "adversarial-more",
    },
    "qrnn-wide-tuned": {
        "sst": "dropout-less",
        "rotten-tomatoes": "dropout-less",
        "imdb": "dropout-less",
        "ag-news": "dropout-less",
    },
    "mingru-wide-tuned": {
        "sst": "dropout-less",
        "rotten-tomatoes": "adversarial-more",
        "imdb": "dropout-less",
        "ag-news": "dropout-less",
    },
}
"""Of each row whose settings are searched (``search.py``), the trial that validation texts chose,
by task; none where that is the recipe."""

TINY = {"imdb": {"adversarial": 1.0}}
"""Settings of the LSTM of 10 units alone: with IMDb's shift of 2.0 it learns nothing (50 %)."""

_SENTENCE, _SENTENCE_FEWER = (7, 10, 4), (9, 10, 2)
JUMPS = {
    "sst": (_SENTENCE, _SENTENCE_FEWER),
    "rotten-tomatoes": (_SENTENCE, _SENTENCE_FEWER),
    "imdb": ((80, 40, 8), (100, 40, 1)),
    "ag-news": ((14, 20, 4), (18, 20, 2)),
}
"""Reads, longest jump and jumps of LSTM-Jump's two rows: its paper's for Rotten Tomatoes and IMDb;
those of AG News, whose texts are twice as long as a sentence and whom the paper read by characters,
are twice as far."""

SOURCES = {"sst-phrases": "sst", "rotten-tomatoes-folds": "rotten-tomatoes"}
"""Which data set a task is made of, where it bears another name."""
FOLDS = "rotten-tomatoes-folds"
"""The task that tests on each tenth of all texts in turn."""
# Where the taught recipe answers what is asked, it has the control of random words as well.
_PHRASES_TAUGHT, _RANDOM_TAUGHT = "skim-20-0.01-taught", "random-taught"
_RANDOM_90 = "random-90-tuned"  # of SST, where validation texts choose what it follows
_FIXED = ("lstm-fixed-tuned", "skim-10-0.01-fixed-tuned")
TESTED_ROWS = {
    "sst": tuple(name for name in ROWS if name != _PHRASES_TAUGHT),
    "rotten-tomatoes": tuple(
        name for name in ROWS if name not in (_PHRASES_TAUGHT, _RANDOM_TAUGHT, _RANDOM_90)
    ),
    "ag-news": tuple(name for name in ROWS if name not in (_BIGGER, _RANDOM_90)),
    "imdb": tuple(name for name in ROWS if name not in (_BIGGER, _RANDOM_90, *_FIXED)),
    FOLDS: ("lstm-tuned", "skim-20-0.01-tuned", "ngrams"),
    "sst-phrases": (
        *("lstm", *_GRID),
        *("lstm-tuned", "skim-5-0.01-tuned", "skim-10-0.01-tuned", "skim-20-0.01-tuned"),
        *("random-20-tuned", "lstm-taught", _PHRASES_TAUGHT, "ngrams-taught"),
    ),
}
"""The rows of a task that has not all of them."""


def settings_of(task: str, name: str, seed: int) -> dict[str, Any]:
    """All that ``TrainingOptions`` is given for a row, where it differs from the defaults."""
    row = ROWS[name]
    if row.searched is not None:
        trial = TRIALS[SEARCHED[row.searched][task]]
        return trial.of(settings_of(task, row.searched, seed))
    settings = {**SHARED, **BY_TASK[task], **(RECIPES["tuned"][task] if row.tuned else {})}
    settings |= {**RECIPES[row.recipe][task], **row.settings}
    if name in AS_LONG:
        units = AS_LONG[name][task]
        settings |= {"hidden_size": units, "levels": (units,)}
    if name == "tiny-lstm-tuned":
        settings |= TINY.get(task, {})
    if row.settings.get("router") == "lstm-jump":
        chosen = JUMPS[task]["fewer" in name]
        settings["router_options"] = dict(zip(("reads", "longest", "jumps"), chosen, strict=True))
    return {**settings, "seed": seed}


def seeds_of(task: str, name: str) -> tuple[int, ...]:
    """The seeds that a row is made with; none if the task does not have the row."""
    row = ROWS[name]
    if name not in TESTED_ROWS.get(task, ROWS) or task not in RECIPES[row.recipe]:
        return ()
    if row.searched and task not in SEARCHED[row.searched]:  # nothing was better than the recipe
        return ()
    if row.linear:  # nothing to draw, but folds have texts of their own
        return tuple(range(TENTHS)) if task == FOLDS else (0,)
    if row.rival:
        return SEEDS[task][: RIVALS_SEEDS.get(task, 1)]
    if row.recipe == "taught" and not row.given and row.teacher == TEACHER:
        return TAUGHT_SEEDS.get(task, SEEDS[task])
    if task in CONVERTED and (name == PLAIN["converted"] or (row.start and row.candidate)):
        return CONVERTED_SEEDS
    judged = row.candidate or row.given == "random" or name == PLAIN["tuned"]
    further = FURTHER_SEEDS.get(task, ()) if judged and row.recipe == "tuned" else ()
    return SEEDS[task] + further
