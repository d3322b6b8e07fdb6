"""Judge the bundled models on their held-out tests, time them, and write their cards.

    python -m benchmarks.classification.bundled [NAME ...] [--make] [--data-dir DIR]

Writes ``results/bundled-NAME.json`` and the card, ``src/skimrnn/models/NAME/README.md``. ``--make``
makes a model out of the runs of ``benchmarks.classification``: of the skimming row that validation
texts chose, the seed that they liked best, its vocabulary cut, its word vectors kept in int8 and
the rest in float16.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import skimrnn
from benchmarks.classification.runs import Run
from benchmarks.classification.stats import chosen, group, load
from benchmarks.machine import RESULTS, provenance
from skimrnn.evaluation import evaluate, load_test_texts
from skimrnn.files import sha256, write_atomically
from skimrnn.model_file import ModelFile, read_model, write_model
from skimrnn.tasks import load_task
from skimrnn.text import Vocabulary

MODELS = Path(skimrnn.__file__).parent / "models"
WORDS = 24_000
"""Words of the vocabulary of a model made here; the others are read as the unknown word."""

CARD = """\
---
library_name: skimrnn
pipeline_tag: text-classification
tags: [skim-rnn, adaptive-computation, lstm]
metrics: [accuracy]
language: en
---
# skimrnn: {name}

A small Skim-LSTM that labels {labels}.
It updates {levels} units by level and reads at θ = {threshold}. It is there to show what skimming
is; it is no more than a sentiment model for film reviews.

Read it with `skimrnn read {name} "a text"`, or in Python with `skimrnn.load("{name}")`.

| held-out texts | texts | accuracy | skimmed | operations, reading all ÷ done | µs a word |
| --- | --- | --- | --- | --- | --- |
{rows}

The time is that of one thread from text to label, read with `{implementation}` on {cpu}.

Validation accuracy {validation}, on {validation_texts:,} texts, chose the weights.
{split} Made by

    {command}

and judged by `python -m benchmarks.classification.bundled`. `training.json` has every option, the
files' digests, the split and what was dropped.

## Training data and its terms

As their authors state them:

{terms}

The folder holds no text of these corpora: a list of {vocabulary:,} words in order of frequency, and
numbers.

## Limits

{limits}
A skimmed word is not a word without influence: the marks show where computation went, they do not
explain a decision.
"""

_GLOVE = """\
- GloVe 6B, 50-d word vectors (Pennington et al., EMNLP 2014): Open Data Commons Public Domain
  Dedication and License 1.0."""


@dataclass(frozen=True)
class Bundled:
    """What there is to say of a bundled model.

    Attributes:
        task: of whose runs it is made.
        recipe: of theirs.
        labels: what it labels, and as what.
        tests: its held-out texts, by the name of their task.
        split: how the texts were kept apart.
        terms: of its training data.
        limits: what it is not for.
    """

    task: str
    recipe: str
    labels: str
    tests: dict[str, str]
    split: str
    terms: str
    limits: str


BUNDLED = {
    "sst": Bundled(
        "sst-phrases",
        "taught",
        "an English sentence about a film *negative* or *positive*",
        {"sst": "SST, test sentences"},
        "It is the row `{row}` of docs/results.md, trained on phrases and taught by\n"
        "sentences of reviews, with seed {seed}, its vocabulary cut to {vocabulary:,} words, its "
        "word vectors kept\nin int8 and its other numbers in float16. It says nothing of other "
        "sets of Rotten Tomatoes\nsnippets, of which the treebank is made: it may have seen them.",
        """\
- Stanford Sentiment Treebank, phrases of the training trees (Socher et al., EMNLP 2013): none
  stated with the files; distributed for research use.
- Large Movie Review Dataset v1.0, the training reviews, without their labels for word vectors, and
  100,000 of their sentences with what five LSTMs say of them and a hint by the review's label (Maas
  et al., ACL 2011): none stated; for research use.
"""
        + _GLOVE,
        "Sentences and short reviews of films, in English, of the years before 2013; whole "
        "reviews, other\nsubjects and irony are beyond what it was trained on.",
    ),
    "imdb": Bundled(
        "imdb",
        "tuned",
        "an English review of a film *negative* or *positive*",
        {"imdb": "IMDb, test reviews"},
        "It is the row `{row}` of docs/results.md with seed {seed}, its vocabulary\ncut to "
        "{vocabulary:,} words, its word vectors kept in int8 and its other numbers in float16.\n"
        "Of the published training reviews 123 stand in the published test set too, word for word.",
        """\
- Large Movie Review Dataset v1.0, the labelled training reviews (Maas et al., ACL 2011): none
  stated; for research use.
"""
        + _GLOVE,
        "Whole reviews of films, in English, of the years before 2011, most of them with a clear "
        "verdict;\nsingle sentences are better read by `sst`, other subjects and irony are beyond "
        "what it was trained on.",
    ),
}


def main() -> None:
    """Make the model if asked to, evaluate, then write the results and the cards."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("name", nargs="*", help="all if left out", default=list(BUNDLED))
    parser.add_argument("--make", action="store_true", help="first make it out of its runs")
    parser.add_argument("--data-dir", help="folder of the data sets; else SKIMRNN_DATA or ./data")
    arguments = parser.parse_args()
    for name in arguments.name:
        if arguments.make:
            make(name, arguments.data_dir)
        judge(name, arguments.data_dir)


def make(name: str, data_dir: str | None) -> None:
    """Cut and pack the run of a task that validation texts chose."""
    task = BUNDLED[name].task
    rows = group(load()[task], BUNDLED[name].recipe)
    row = chosen(rows)
    assert row is not None
    runs = rows[row].by_seed
    seed = max(runs, key=lambda one: runs[one]["validation"]["accuracy"])
    run = Run(task, row, seed)
    command = (
        f"python -m benchmarks.classification --task {task} --row {row} --seed {seed}; "
        f"python -m benchmarks.classification.bundled {name} --make"
    )
    cut = packed(with_words(read_model(run.folder), WORDS))
    best = {**cut.training["best"], "accuracy": validated(cut, name, data_dir)}
    assert cut.text is not None
    training = {
        **{**cut.training, "command": command, "vocabulary": len(cut.text.vocabulary)},
        **{"row": row, "seed": seed, "best": best},
    }
    whole = replace(cut, training=training)
    write_model(MODELS / name, whole, dtype="float16", int8_rows=True)
    shutil.copyfile(run.folder / "log.jsonl", MODELS / name / "log.jsonl")


def validated(model: ModelFile, task: str, data_dir: str | None) -> float:
    """The accuracy of a model on its task's validation texts."""
    texts, reader = load_task(task, data_dir=data_dir).validation, skimrnn.runtime.Model(model)
    labels = [reader.labels[target] for target in texts.targets]
    found = reader.predict(texts.texts, workers=2)
    return sum(one == other for one, other in zip(found, labels, strict=True)) / len(labels)


def packed(model: ModelFile) -> ModelFile:
    """The model as it is when it has been stored small and read back."""
    with tempfile.TemporaryDirectory() as folder:
        write_model(Path(folder, "small"), model, dtype="float16", int8_rows=True)
        return read_model(Path(folder, "small"))


def with_words(model: ModelFile, words: int) -> ModelFile:
    """The model with the most frequent words of its vocabulary alone."""
    assert model.text is not None
    vocabulary = Vocabulary(model.text.vocabulary.words[:words])
    text = replace(model.text, vocabulary=vocabulary, embedding=model.text.embedding[:words])
    return replace(model, text=text)


def judge(name: str, data_dir: str | None) -> None:
    """Evaluate a bundled model, then write the result and the card."""
    model, folder = skimrnn.load(name), MODELS / name
    examples = {
        data: load_test_texts(model, data, data_dir=data_dir).examples
        for data in BUNDLED[name].tests
    }
    tests = {data: evaluate(model, texts).to_dict() for data, texts in examples.items()}
    result = {
        "model": name,
        "parameters_sha256": sha256(folder / "model.safetensors"),
        "bytes": sum(path.stat().st_size for path in folder.iterdir()),
        "tests": tests,
        "implementations": [
            evaluate(skimrnn.load(name, implementation=one), examples[name]).to_dict()
            for one in implementations(name)
        ],
        **provenance("python -m benchmarks.classification.bundled"),
    }
    path = RESULTS / f"bundled-{name}.json"
    write_atomically(path, (json.dumps(result, indent=1) + "\n").encode())
    write_atomically(folder / "README.md", card(name, model, result).encode())


def implementations(name: str) -> tuple[str, ...]:
    """What is timed; NumPy, at fifty microseconds a word, would take hours for whole reviews."""
    every = skimrnn.implementations()
    return every if name == "sst" else tuple(one for one in every if one != "numpy")


def card(name: str, model: skimrnn.Model, result: dict[str, Any]) -> str:
    """The model card, from the training record and the result."""
    training, said = model.training, BUNDLED[name]
    # Its own texts were timed for the page of results as well: there is one time for both.
    tests = {**result["tests"], name: result["implementations"][0]}
    rows = [
        f"| {said.tests[data]} | {test['texts']:,} | {100 * test['accuracy']:.1f} % "
        f"| {100 * test['skim_rate']:.1f} % | {test['flop_reduction']:.1f} "
        f"| {1e6 * test['seconds_skimming'] / test['timed_tokens']:.2f} |"
        for data, test in tests.items()
    ]
    vocabulary = len(model.vocabulary) - 1
    return CARD.format(
        name=name,
        labels=said.labels,
        levels=" / ".join(map(str, model.config.levels)),
        threshold=model.rule.threshold,
        rows="\n".join(rows),
        implementation=tests[name]["implementation"],
        cpu=result["cpu"],
        validation=f"{100 * training['best']['accuracy']:.1f} %",
        validation_texts=training["task"]["counts"]["validation"]["texts"],
        split=said.split.format(**{**training, "vocabulary": vocabulary}),
        command=training["command"],
        terms=said.terms,
        vocabulary=vocabulary,
        limits=said.limits,
    )


if __name__ == "__main__":
    main()
