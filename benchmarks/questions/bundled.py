"""Judge the bundled answerer on SQuAD's dev set, time it, and write its card.

    python -m benchmarks.questions.bundled [--make] [--data-dir DIR]

Writes ``results/answerer-squad.json`` and the card, ``src/skimrnn/answering/squad/README.md``.
``--make`` makes the model out of the run of ``ROW`` that is on this machine: its vocabulary cut,
its word vectors kept in int8 and the rest in float16.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

import skimrnn
from benchmarks.machine import RESULTS, provenance
from benchmarks.questions.measured import folder_of, measure
from skimrnn.answerer_file import AnswererFile, read_answerer, write_answerer
from skimrnn.files import sha256, write_atomically
from skimrnn.tasks import Questions, load_questions
from skimrnn.text import Vocabulary

ROW, SEED = "attention-skim-20-rate-0.6-long", 0
WORDS = 60_000
"""Words of its vocabulary, the most frequent; the spelling of others is still read."""

TIMED = 200
"""Questions that are timed, each with its words met before."""

FOLDER = Path(skimrnn.__file__).parent / "answering" / "squad"
RESULT = RESULTS / "answerer-squad.json"

CARD = """\
---
library_name: skimrnn
pipeline_tag: question-answering
tags: [skim-rnn, adaptive-computation, lstm]
metrics: [f1, exact_match]
language: en
license: cc-by-sa-4.0
---
# skimrnn: squad

An LSTM with attention that marks the part of an English paragraph that answers a question about it.
Its two layers over the paragraph, in both directions, update {levels} units by level and read at
θ = {threshold}. It is there to show what skimming is, not to be relied on: it always answers,
also where the paragraph does not.

Ask it with `skimrnn answer squad --context FILE --question "…"`, or in Python with
`skimrnn.load_answerer("squad")`.

| SQuAD v1.1 dev set | F1 | exact match | skimmed | ms a question |
| --- | --- | --- | --- | --- |
| {questions:,} questions | {f1:.1f} | {exact:.1f} | {rate} | {ms:.1f} |

The time is that of one thread, from two texts to the answer, read with `{implementation}` on
{cpu}, words met before.

It is the row `{row}` of docs/results-questions.md with seed {seed}, its vocabulary cut
to {words:,} words, its word vectors kept in int8 and its other numbers in float16; whole, it has an
F1 of {whole:.1f}. Made by

    {command}

and judged by `python -m benchmarks.questions.bundled`. Articles held out of train said which
weights to keep. `training.json` has every option, the files' digests and the split.

## Training data and its terms

As their authors state them:

- SQuAD v1.1, the training questions (Rajpurkar et al., EMNLP 2016): Creative Commons
  Attribution-ShareAlike 4.0.
- GloVe 6B, 50-d word vectors (Pennington et al., EMNLP 2014): Open Data Commons Public Domain
  Dedication and License 1.0.

The folder holds no text of these: a list of {words:,} words, and numbers.

## Limits

Paragraphs of an encyclopedia and questions that they answer in a few words. A skimmed word is not a
word without influence: the marks show where computation went, they do not explain an answer.
"""


def main() -> None:
    """Make the model if asked to, judge it, then write the result and the card."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.questions.bundled",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    parser.add_argument("--make", action="store_true", help="first make it out of its run")
    parser.add_argument("--data-dir", help="folder of the data sets; else SKIMRNN_DATA or ./data")
    arguments = parser.parse_args()
    if arguments.make:
        make(folder_of(ROW, SEED))
    judge(load_questions("squad", data_dir=arguments.data_dir).test)


def make(run: Path) -> None:
    """Cut and pack a run."""
    whole = read_answerer(run)
    command = (
        f"python -m benchmarks.questions --row {ROW} --seed {SEED}; "
        "python -m benchmarks.questions.bundled --make"
    )
    cut = with_words(whole, WORDS)
    training = {**cut.training, "command": command, "vocabulary": len(cut.vocabulary)}
    cut = replace(cut, training={**training, "row": ROW, "seed": SEED})
    write_answerer(FOLDER, cut, dtype="float16", int8_rows=True)
    shutil.copyfile(run / "log.jsonl", FOLDER / "log.jsonl")


def with_words(model: AnswererFile, words: int) -> AnswererFile:
    """The model with the first words of its vocabulary alone, which are the most frequent."""
    rows = model.parameters["embedding.weight"][:words]
    parameters = {**model.parameters, "embedding.weight": rows}
    vocabulary = Vocabulary(model.vocabulary.words[:words])
    return replace(model, parameters=parameters, vocabulary=vocabulary)


def judge(test: Questions) -> None:
    """Answer the test's questions, then write the result and the card."""
    answerer = skimrnn.load_answerer("squad")
    result = {
        "parameters_sha256": sha256(FOLDER / "model.safetensors"),
        "bytes": sum(path.stat().st_size for path in FOLDER.iterdir()),
        "test": measure(answerer, test),
        "implementation": answerer.implementation,
        "ms": milliseconds(answerer, test),
        **provenance("python -m benchmarks.questions.bundled"),
    }
    write_atomically(RESULT, (json.dumps(result) + "\n").encode())
    write_atomically(FOLDER / "README.md", card(answerer, result).encode())


def milliseconds(answerer: skimrnn.Answerer, test: Questions) -> float:
    """Of processor time a question, the median."""
    times = []
    some = test.take(np.random.default_rng(0).permutation(len(test))[:TIMED])
    with threadpool_limits(1):
        for one in some.questions:
            context = some.contexts[one.context]
            answerer.answer(context, one.text)
            began = time.process_time()
            answerer.answer(context, one.text)
            times.append(time.process_time() - began)
    return 1000 * float(np.median(times))


def card(answerer: skimrnn.Answerer, result: dict[str, Any]) -> str:
    """The model card, from the training record and the results."""
    training, test = answerer.training, result["test"]
    run = json.loads((RESULTS / "questions" / f"squad-{ROW}-seed{SEED}.json").read_text())
    return CARD.format(
        levels=" / ".join(map(str, answerer.config.context.levels)),
        threshold=answerer.rule.threshold,
        questions=test["questions"],
        f1=100 * test["f1"],
        exact=100 * test["exact_match"],
        rate=f"{test['skim_rate']:.0%}",
        ms=result["ms"],
        implementation=result["implementation"],
        cpu=result["cpu"],
        row=training["row"],
        seed=training["seed"],
        words=training["vocabulary"] - 1,
        whole=100 * run["test"]["f1"],
        command=training["command"],
    )


if __name__ == "__main__":
    main()
