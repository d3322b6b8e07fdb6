"""The model card: what a model folder's README.md says."""

from __future__ import annotations

from typing import Any

from skimrnn.config import SkimConfig
from skimrnn.train.options import TrainingOptions

_TEMPLATE = """\
---
library_name: skimrnn
pipeline_tag: text-classification
tags: [skim-rnn, adaptive-computation, {cell}]
---
# {name}

{kind}: it labels a text as {labels}{several}.

Read it with `skimrnn read FOLDER "a text"`, or in Python with `skimrnn.load(FOLDER)`.
{router}
| | |
| --- | --- |
| trained on | {task}, {texts} texts |
| validation {measure} | {accuracy} |
| skimmed on validation | {skim_rate} |
| word vectors | {vectors} |
| vocabulary | {vocabulary} words |
| command | {command} |

Every option, the data's files and digests and how they were split stand in `training.json`.

A skimmed word is not a word without influence: what is marked shows where computation was spent,
it does not explain a decision.
"""

_UNTRAINED = """
Its router was not trained: the level of each word was given. Read it the same way, with
`model.read(text, levels=...)`.
"""


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


def model_card(config: SkimConfig, training: dict[str, Any]) -> str:
    """The card of a text classifier, from its layer options and its training record."""
    task, best, given = training["task"], training["best"], training.get("given_levels")
    accuracy, several = f"{100 * best['accuracy']:.1f} %", training.get("multilabel")
    rate = best["skim_rate"]
    vectors = training["vectors"]
    return _TEMPLATE.format(
        name=f"skimrnn: {task['name']}",
        cell=config.cell,
        kind=f"A {network_name(config)}",
        labels=", ".join(f"*{label}*" for label in task["labels"]),
        task=task["name"],
        texts=f"{task['counts']['train']['texts']:,}",
        several=", any number of these" if several else "",
        measure="micro-F1" if several else "accuracy",
        accuracy=f"{100 * best['f1']:.1f} %; all labels of a text right: {accuracy}"
        if several
        else accuracy,
        skim_rate="nothing: it does not skim"
        if rate is None
        else f"{100 * rate:.1f} % of the words" + (f", levels given: {given}" if given else ""),
        vectors="none" if vectors is None else vectors["source"],
        vocabulary=f"{training['vocabulary']:,}",
        router=_UNTRAINED if given else "",
        command=f"`{training['command']}`" if training["command"] else "not stated",
    )
