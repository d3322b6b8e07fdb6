"""The model card: what a model folder's README.md says."""

from __future__ import annotations

from typing import Any

from skimrnn.config import SkimConfig

_TEMPLATE = """\
---
library_name: skimrnn
pipeline_tag: text-classification
tags: [skim-rnn, adaptive-computation, {cell}]
---
# {name}

{kind}: it labels a text as {labels}.

Read it with `skimrnn read FOLDER "a text"`, or in Python with `skimrnn.load(FOLDER)`.

| | |
| --- | --- |
| trained on | {task}, {texts} texts |
| validation accuracy | {accuracy} |
| skimmed on validation | {skim_rate} |
| word vectors | {vectors} |
| vocabulary | {vocabulary} words |
| command | {command} |

Every option, the data's files and digests and how they were split stand in `training.json`.

A skimmed word is not a word without influence: what is marked shows where computation was spent,
it does not explain a decision.
"""


def model_card(config: SkimConfig, training: dict[str, Any]) -> str:
    """The card of a text classifier, from its layer options and its training record."""
    task, best = training["task"], training["best"]
    rate = best["skim_rate"]
    cell = config.cell.removeprefix("rnn_").upper() if config.cell in ("lstm", "gru") else "RNN"
    sizes = " / ".join(map(str, config.levels))
    kind = (
        f"A Skim-{cell} that updates {sizes} units by level"
        if config.skims
        else f"A plain {cell} of {config.hidden_size} units"
    )
    vectors = training["vectors"]
    return _TEMPLATE.format(
        name=f"skimrnn: {task['name']}",
        cell=config.cell,
        kind=kind,
        labels=", ".join(f"*{label}*" for label in task["labels"]),
        task=task["name"],
        texts=task["counts"]["train"]["texts"],
        accuracy=f"{100 * best['accuracy']:.1f} %",
        skim_rate="nothing: it does not skim"
        if rate is None
        else f"{100 * rate:.1f} % of the words",
        vectors="none" if vectors is None else vectors["source"],
        vocabulary=training["vocabulary"],
        command=f"`{training['command']}`" if training["command"] else "not stated",
    )
