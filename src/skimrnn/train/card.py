"""The model card: what a model folder's README.md says."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from skimrnn.config import SkimConfig
from skimrnn.machine import cpu_name
from skimrnn.model_file import ModelFile
from skimrnn.model_folder import as_stored
from skimrnn.runtime import Model
from skimrnn.runtime.registry import able, named_here
from skimrnn.train.options import TrainingOptions

_TEMPLATE = """\
---
library_name: skimrnn
pipeline_tag: text-classification
tags: [skim-rnn, adaptive-computation, {cell}]
metrics: [accuracy]
# license: yours to name; the terms of the training data stand below
---
# {name}

{kind}: it labels a text as {labels}{several}.

Read it with `skimrnn read FOLDER "a text"`, or in Python with `skimrnn.load(FOLDER)`.
{router}
| | |
| --- | --- |
| trained on | {task}, {texts} texts{unlabelled} |
| validation {measure} | {accuracy} |
| skimmed on validation | {skim_rate} |
| at θ | {threshold}, as trained; `skimrnn info` says what it is now |
| speed | {speed} |
| word vectors | {vectors} |
| vocabulary | {vocabulary} words |
| command | {command} |

Every option, the data's files and digests and how they were split stand in `training.json`.

## Training data and its terms

{terms}

## Limits

A skimmed word is not a word without influence: what is marked shows where computation was spent,
it does not explain a decision.
"""

_UNTRAINED = """
Its router was not trained: the level of each word was given. Read it the same way, with
`model.read(text, levels=...)`.
"""


_TERMS = {
    "sst": "Stanford Sentiment Treebank (Socher et al., EMNLP 2013): none stated with the files; "
    "distributed for research use.",
    "rotten-tomatoes": "Sentence polarity dataset v1.0 (Pang and Lee, ACL 2005): none stated with "
    "the files; distributed for research use.",
    "imdb": "Large Movie Review Dataset v1.0 (Maas et al., ACL 2011): none stated; for research "
    "use.",
    "ag-news": "AG's corpus of news articles, as cut by Zhang et al., NIPS 2015: for research and "
    "other activity that is not commercial.",
}
"""As their authors state them."""

_TERMS_BELOW = "\n- what the model `{}` was trained on: its card says it."
_TERMS_UNLABELLED = (
    "\n- {}, texts without labels: not known here; name them before you give the model away."
)

_WORDS_TIMED, _ROUNDS = 3000, 5


class Speed(NamedTuple):
    """What a word took.

    Attributes:
        us_per_word: microseconds of one thread, from text to label.
        implementation: what read.
        cpu: where.
    """

    us_per_word: float
    implementation: str
    cpu: str


def measure_speed(file: ModelFile, texts: Sequence[str], dtype: str | None = None) -> Speed | None:
    """How fast this machine reads some of these texts; None if there is no word in them.

    Args:
        file: the model.
        texts: so many of them as make enough words.
        dtype: that it will be stored in, if another than it has now; float16 is read as float32.
    """
    if dtype == "float64":
        file = replace(file, parameters=as_stored(file.parameters, dtype))
    possible = able(file.config, next(iter(file.parameters.values())).dtype)
    named = named_here()
    # One that cannot read this model is no reason not to save it.
    model = Model(file, named if named in possible else possible[0])
    chosen, words = [], 0
    for text in texts:
        if words >= _WORDS_TIMED:
            break
        chosen.append(text)
        words += len(model.read(text))
    if not words:
        return None
    taken = []
    for _ in range(_ROUNDS):
        begin = time.process_time()
        for text in chosen:
            model.predict_proba(text)
        taken.append(time.process_time() - begin)
    return Speed(1e6 * float(np.median(taken)) / words, model.implementation, cpu_name())


def network_name(network: SkimConfig | TrainingOptions) -> str:
    """What the layers are, "2-layer bidirectional Skim-GRU of 33 / 5 units": D and each level."""
    cell = "RNN" if network.cell.startswith("rnn_") else network.cell.upper()
    parts = [
        f"{network.num_layers}-layer" if network.num_layers > 1 else "",
        "bidirectional" if network.bidirectional else "",
        f"Skim-{cell}" if len(network.levels) > 1 else f"plain {cell}",
        f"of {' / '.join(map(str, network.levels))} units",
    ]
    return " ".join(part for part in parts if part)


def model_card(
    config: SkimConfig,
    training: dict[str, Any],
    threshold: float | str = 0.5,
    speed: Speed | None = None,
) -> str:
    """The card of a text classifier.

    Args:
        config: its layer options.
        training: its training record.
        threshold: θ that it was judged at.
        speed: how fast it was read; None if it was not timed.
    """
    task, best, given = training["task"], training["best"], training.get("given_levels")
    accuracy, several = f"{100 * best['accuracy']:.1f} %", training.get("multilabel")
    rate = best["skim_rate"]
    vectors, below = training["vectors"], training.get("base") or training.get("start")
    earlier = dict.fromkeys((one["how"], one["name"]) for one in training.get("earlier", ()))
    more = training.get("unlabelled", 0)
    source = "none" if vectors is None else vectors["source"]
    return _TEMPLATE.format(
        name=f"skimrnn: {task['name']}",
        cell=config.cell,
        kind=f"A {network_name(config)}",
        labels=", ".join(f"*{label}*" for label in task["labels"]),
        task=_cell(task["name"]),
        texts=f"{task['counts']['train']['texts']:,}",
        unlabelled=f", and {more:,} without labels, by what a teacher says of them" if more else "",
        several=", any number of these" if several else "",
        measure="micro-F1" if several else "accuracy",
        accuracy=f"{100 * best['f1']:.1f} %; all labels of a text right: {accuracy}"
        if several
        else accuracy,
        skim_rate="nothing: it does not skim"
        if rate is None
        else f"{100 * rate:.1f} % of the words"
        + (f", levels given: {_cell(given)}" if given else ""),
        vectors=_cell(
            f"those of the model `{below}`, which this one began as" if below else source
        ),
        threshold=threshold,
        speed="not measured"
        if speed is None
        else f"{speed.us_per_word:.2f} µs a word from text to label, one thread, "
        f"`{speed.implementation}` on {speed.cpu}",
        # A file of one's own may bear the name of a data set.
        terms=_terms(task["name"], known={} if "columns" in task else _TERMS)
        + "".join(
            (_TERMS_UNLABELLED if how == "unlabelled" else _TERMS_BELOW).format(name)
            for how, name in earlier
        ),
        vocabulary=f"{training['vocabulary']:,}",
        router=_UNTRAINED if given else "",
        command=_cell(f"`{training['command']}`" if training["command"] else "not stated"),
    )


def _cell(text: str) -> str:
    r"""A text within a table, where ``|`` ends a cell, in code too, unless it is ``\|``."""
    return text.replace("|", r"\|")


def _terms(task: str, known: Mapping[str, str]) -> str:
    """What is known of a task's terms, a line for each of its data sets."""
    names = task.removesuffix("-phrases").split("+")
    said = [f"- {known[name]}" for name in names if name in known]
    if len(said) < len(names):
        said.append(f"- {task}: not known here; name them before you give the model away.")
    return "\n".join(said)
