"""Time a question about a paragraph, without torch and with it, side by side.

    python -m benchmarks.questions.times [--row NAME ...] [--seed N] [--data-dir DIR]

Needs the models that ``benchmarks.questions`` leaves under ``runs/questions``, times those that are
there, and needs a quiet machine: nothing else should run. Writes ``results/question-times.json``
anew, for times compare within a sitting alone.

All contenders answer the same dev questions in turns, one a call, in one thread; the time is the
process's own processor time. Ours goes from the two texts to the answer; words are met before, as
in a service that has run for a while, and once more with every word met anew. Torch gets its batch
ready made, and once the vectors of its words too, so that only layers, attention and pointers are
timed, with torch's own LSTM; ratios are to that.
"""

from __future__ import annotations

import argparse
import copy
import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

import skimrnn
from benchmarks.machine import RESULTS, provenance
from benchmarks.questions.curves import THRESHOLDS
from benchmarks.questions.measured import trained
from benchmarks.questions.rows import ROWS
from skimrnn.answerer_file import AnswererFile, read_answerer, write_answerer
from skimrnn.answerers import find_answerer
from skimrnn.bench.timing import in_own_thread, take_turns
from skimrnn.decision import Rule
from skimrnn.files import write_atomically
from skimrnn.nn.models import PassageBatch, make_reader
from skimrnn.nn.timed import set_up
from skimrnn.spans import best_span
from skimrnn.tasks import Questions, load_questions
from skimrnn.text import scan
from skimrnn.train.questions import collate_questions, encode_questions

RESULT = RESULTS / "question-times.json"
QUESTIONS, ROUNDS = 100, 7
PRECISIONS = ("float32", "int8")
OWN = 0.5
"""θ that models are trained for, and read at unless told otherwise."""


@dataclass(frozen=True)
class Asked:
    """A question as it is put to a contender."""

    place: int
    context: str
    question: str


@dataclass(frozen=True)
class Contender:
    """What is timed, and what is said of it.

    Attributes:
        row: of the table.
        reader: an instruction set of ours, or "torch".
        precision: of the recurrent weights.
        words: "met before" or "met anew"; "ready made" for torch.
        threshold: θ; None where nothing is skimmed.
        own: whether that is the model's own θ.
        call: from a question to anything.
    """

    row: str
    reader: str
    precision: str
    words: str
    threshold: float | None
    own: bool
    call: Callable[[Asked], object]


def main() -> None:
    """Measure, then write the result."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.questions.times",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    said = f"all if left out: {', '.join(ROWS)}"
    parser.add_argument("--row", nargs="*", choices=tuple(ROWS), default=list(ROWS), help=said)
    parser.add_argument("--seed", type=int, default=0, help="of the models")
    parser.add_argument("--data-dir", help="folder of the data sets; else SKIMRNN_DATA or ./data")
    arguments = parser.parse_args()
    set_up(threads=1)
    test = load_questions("squad", data_dir=arguments.data_dir).test
    drawn = test.take(np.random.default_rng(0).permutation(len(test))[:QUESTIONS])
    asked = [
        Asked(place, drawn.contexts[one.context], one.text)
        for place, one in enumerate(drawn.questions)
    ]
    contenders: list[Contender] = []
    folders = {n: path for n, path in trained(arguments.seed).items() if n in arguments.row}
    with tempfile.TemporaryDirectory() as scratch:
        for name, folder in with_plain(folders, Path(scratch)).items():
            contenders += [*ours(name, folder), *torch_s(name, folder, drawn)]
    with threadpool_limits(1):  # else products too small for two threads keep both of them busy
        rows = in_own_thread(lambda: measure(contenders, asked))
    result = {
        "seed": arguments.seed,
        "questions": len(asked),
        "words": sum(len(scan(one.context).words) for one in asked),
        "rows": rows,
        **provenance("python -m benchmarks.questions.times"),
    }
    write_atomically(RESULT, (json.dumps(result, indent=1) + "\n").encode())


def with_plain(folders: Mapping[str, Path], scratch: Path) -> dict[str, Path]:
    """The folders, with one in ``scratch`` for each plain row that is wanted and not among them."""
    whole = dict(folders)
    for name, folder in folders.items():
        plain = ROWS[name].plain
        if plain not in whole and ROWS[name].skims:
            write_answerer(scratch / plain, reading_all(read_answerer(folder)))
            whole[plain] = scratch / plain
    return whole


def reading_all(model: AnswererFile) -> AnswererFile:
    """A model without what it skims with: its full cells alone."""
    skims, layer = find_answerer(model.config.model).skims, model.config.context
    plain = replace(layer, levels=(layer.hidden_size,))
    config = replace(model.config, layers={**model.config.layers, skims: plain})
    kept = config.parameter_shapes(len(model.vocabulary))
    parameters = {name: model.parameters[name] for name in kept}
    return replace(model, config=config, parameters=parameters, rule=Rule())


def ours(name: str, folder: Path) -> list[Contender]:
    """A row's model in each precision, and in float32 over θ and with words met anew."""
    found = []
    for precision in PRECISIONS:
        answerer = skimrnn.load_answerer(folder, precision=precision)
        thresholds: list[float | None] = [None]
        if ROWS[name].skims:
            thresholds = [OWN]
            if precision == "float32":
                thresholds += [one for one in THRESHOLDS if one != OWN]
        said = (name, answerer.implementation, precision)
        for at, threshold in enumerate(thresholds):
            found.append(
                Contender(*said, "met before", threshold, not at, _call(answerer, threshold))
            )
        if precision == "float32":
            anew = _call(answerer, thresholds[0], forgets=True)
            found.append(Contender(*said, "met anew", thresholds[0], True, anew))
    return found


def _call(
    answerer: skimrnn.Answerer, threshold: float | None, *, forgets: bool = False
) -> Callable[[Asked], object]:
    """Answer with a rule of the model's own: a call that is given one takes a little longer."""
    mine = copy.copy(answerer)
    mine.rule = answerer.rule if threshold is None else Rule(threshold)

    def call(one: Asked) -> object:
        if forgets:
            mine.forget()
        return mine.answer(one.context, one.question)

    return call


def torch_s(name: str, folder: Path, drawn: Questions) -> list[Contender]:
    """The same model in torch, if all its layers read all: what skims has no layer of torch's."""
    file = read_answerer(folder)
    if ROWS[name].skims:
        return []
    model = make_reader(file.config, len(file.vocabulary))
    model.load_state_dict(
        {key: torch.from_numpy(np.array(a)) for key, a in file.parameters.items()}
    )
    for layer in file.config.layers:
        setattr(model, layer, Alone(getattr(model, layer)))
    model.eval()
    data = encode_questions(drawn, file.vocabulary)
    place_of = {int(place): row for row, place in enumerate(data.asked)}
    batches = {place: collate_questions(data, [row])[0] for place, row in place_of.items()}
    with torch.inference_mode():
        words = {
            id(one): model.words(model.embedding(one.rows), one.spelling)
            for one in batches.values()
        }
    known = Known(words)
    own = model.words

    def call(one: Asked, encoder: nn.Module) -> object:
        batch: PassageBatch = batches[one.place]
        known.batch = id(batch)
        model.words = encoder  # type: ignore[assignment]
        with torch.inference_mode():
            start, end = model(batch)
        return best_span(start[0].numpy(), end[0].numpy())

    said = (name, "torch", "float32")
    return [
        Contender(*said, "ready made", None, True, lambda one: call(one, known)),
        Contender(*said, "met anew", None, True, lambda one: call(one, own)),
    ]


class Known(nn.Module):
    """In place of a word encoder: what it gave for a batch before."""

    def __init__(self, words: Mapping[int, Tensor]) -> None:
        super().__init__()
        self.of, self.batch = words, 0

    def forward(self, vectors: Tensor, spelling: Tensor) -> Tensor:
        """The words of ``batch``."""
        return self.of[self.batch]


class Alone(nn.Module):
    """Torch's own LSTM, given the one text of a packed batch as a plain tensor."""

    def __init__(self, layer: nn.LSTM) -> None:
        super().__init__()
        self.lstm = nn.LSTM(
            layer.input_size,
            layer.hidden_size,
            layer.num_layers,
            bidirectional=layer.bidirectional,
        )
        self.lstm.load_state_dict(layer.state_dict())

    def forward(self, packed: PackedSequence) -> tuple[PackedSequence, Tensor]:
        """What the layer gives."""
        outputs, (h, _) = self.lstm(packed.data)
        return packed._replace(data=outputs), h


def measure(contenders: list[Contender], asked: list[Asked]) -> list[dict[str, Any]]:
    """Milliseconds of every contender on the same questions, and torch's and plain's over them."""
    words = [len(scan(one.context).words) for one in asked]
    taken = take_turns([one.call for one in contenders], asked, words, ROUNDS)
    rounds = [times.per_round() * sum(words) / len(asked) / 1000 for times in taken]
    torch_times = {
        one.row: times
        for one, times in zip(contenders, rounds, strict=True)
        if one.words == "ready made"
    }
    plain = {
        (one.row, one.precision): times
        for one, times in zip(contenders, rounds, strict=True)
        if one.words == "met before" and one.threshold is None
    }
    rows = []
    for one, times in zip(contenders, rounds, strict=True):
        base = ROWS[one.row].plain
        rows.append(
            {
                "row": one.row,
                "reader": one.reader,
                "precision": one.precision,
                "words": one.words,
                "threshold": one.threshold,
                "own_threshold": one.own,
                "ms": float(np.median(times)),
                "ms_quartiles": np.percentile(times, [25, 75]).tolist(),
                "torch_over_this": _over(torch_times.get(base), times),
                "plain_over_this": _over(plain.get((base, one.precision)), times),
            }
        )
    return rows


def _over(base: Any, times: Any) -> float | None:
    """The median of the rounds' ratios; None without the base."""
    return None if base is None else float(np.median(base / times))


if __name__ == "__main__":
    main()
