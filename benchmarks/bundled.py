"""Judge the bundled model on its held-out tests, time it, and write its card.

    python -m benchmarks.bundled [--data-dir DIR]

The model itself is made by the command in its ``training.json``. This writes
``results/bundled-sst.json`` and the card, ``src/skimrnn/models/sst/README.md``.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import skimrnn
from benchmarks.machine import provenance
from skimrnn.evaluation import evaluate, load_test_texts
from skimrnn.files import sha256, write_atomically

NAME = "sst"
TESTS = {"sst": "SST, test sentences", "rotten-tomatoes": "Rotten Tomatoes, test snippets"}
FOLDER = Path(skimrnn.__file__).parent / "models" / NAME
RESULT = Path(__file__).parent / "results" / f"bundled-{NAME}.json"

CARD = """\
---
library_name: skimrnn
pipeline_tag: text-classification
tags: [skim-rnn, adaptive-computation, lstm]
language: en
---
# skimrnn: {name}

A small Skim-LSTM that labels an English sentence about a film *negative* or *positive*. It updates
{levels} units by level and reads at θ = {threshold}. It is there to show what skimming is; it is no
more than a sentiment model for film reviews.

Read it with `skimrnn read {name} "a text"`, or in Python with `skimrnn.load("{name}")`.

| held-out texts | texts | accuracy | skimmed | operations, reading all ÷ done |
| --- | --- | --- | --- | --- |
{rows}

Validation accuracy {validation}, on {validation_texts:,} texts, chose the weights. The treebank is
made of Rotten Tomatoes snippets, so training texts of one corpus that occur in, or hold, a
validation or test text of the other (by letters and digits alone) were dropped. Made by

    {command}

and judged by `python -m benchmarks.bundled`. `training.json` has every option, the files' digests,
the split and what was dropped.

## Training data and its terms

As their authors state them:

- Stanford Sentiment Treebank, training trees (Socher et al., EMNLP 2013): none stated with the
  files; distributed for research use.
- Rotten Tomatoes snippets, sentence polarity data set v1.0 (Pang and Lee, ACL 2005): none stated;
  distributed for research use.
- GloVe 6B, 50-d word vectors (Pennington et al., EMNLP 2014): Open Data Commons Public Domain
  Dedication and License 1.0.

The folder holds no text of these corpora: a list of {vocabulary:,} words in order of frequency, and
numbers.

## Limits

Sentences and short reviews of films, in English, of the years before 2013; whole reviews, other
subjects and irony are beyond what it was trained on. A skimmed word is not a word without
influence: the marks show where computation went, they do not explain a decision.
"""


def main() -> None:
    """Evaluate, then write the result and the card."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", help="folder of the data sets; else SKIMRNN_DATA or ./data")
    data_dir = parser.parse_args().data_dir
    model = skimrnn.load(NAME)
    examples = {data: load_test_texts(model, data, data_dir=data_dir).examples for data in TESTS}
    tests = {data: evaluate(model, texts).to_dict() for data, texts in examples.items()}
    result = {
        "model": NAME,
        "parameters_sha256": sha256(FOLDER / "model.safetensors"),
        "tests": tests,
        "implementations": [
            evaluate(skimrnn.load(NAME, implementation=name), examples[NAME]).to_dict()
            for name in skimrnn.implementations()
        ],
        **provenance("python -m benchmarks.bundled"),
    }
    write_atomically(RESULT, (json.dumps(result, indent=1) + "\n").encode())
    write_atomically(FOLDER / "README.md", card(model, tests).encode())


def card(model: skimrnn.Model, tests: dict[str, Any]) -> str:
    """The model card, from the training record and the tests' results."""
    training = model.training
    rows = [
        f"| {TESTS[data]} | {test['texts']:,} | {100 * test['accuracy']:.1f} % "
        f"| {100 * test['skim_rate']:.1f} % | {test['flop_reduction']:.1f} |"
        for data, test in tests.items()
    ]
    return CARD.format(
        name=NAME,
        levels=" / ".join(map(str, model.config.levels)),
        threshold=model.rule.threshold,
        rows="\n".join(rows),
        validation=f"{100 * training['best']['accuracy']:.1f} %",
        validation_texts=training["task"]["counts"]["validation"]["texts"],
        command=training["command"],
        vocabulary=len(model.vocabulary) - 1,
    )


if __name__ == "__main__":
    main()
