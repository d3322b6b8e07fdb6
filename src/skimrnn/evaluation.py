"""How well and how fast a model reads labelled texts; needs no torch.

Accuracy, the share skimmed and the operations saved are counted on every text. Seconds are
measured on a sample, skimming and reading everything side by side. Operation counts and seconds
are different things and have different names.
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

import numpy as np

from skimrnn import cost
from skimrnn.decision import Rule, rules_or_own
from skimrnn.reading import chosen, skim_rate
from skimrnn.runtime import Model
from skimrnn.tasks import (
    BUILT_IN,
    DataError,
    Examples,
    TextTask,
    accuracy,
    load_examples,
    load_task,
    micro_f1,
)
from skimrnn.tasks.splits import permutation
from skimrnn.text import scan

TIMED_TEXTS = 200
"""At most so many texts are timed."""
MOST_REPEATS = 5
ENOUGH_SECONDS = 2.0
"""The timed texts are read again until so much time has gone by, or so many times."""

_COARSEST = 1e-5
_TREEBANK_AND_ITS_SOURCE = {"sst", "rotten-tomatoes"}


@dataclass(frozen=True)
class Timing:
    """Seconds to label each of some texts, by two rules that took turns text by text.

    Attributes:
        skimming: by the rule that was asked for, one number per text, the median of the repeats.
        reading: by threshold 1, which reads every token with the same model, likewise.
        repeats: how often each text was read by each rule.
        clock: "thread_time", the CPU time of this thread, or "perf_counter" where that is coarse.
    """

    skimming: tuple[float, ...]
    reading: tuple[float, ...]
    repeats: int
    clock: str

    @property
    def seconds_skimming(self) -> float:
        """The sum over the texts by the rule that was asked for."""
        return sum(self.skimming)

    @property
    def seconds_reading(self) -> float:
        """The sum over the texts with every token read."""
        return sum(self.reading)


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What a model made of labelled texts.

    Attributes:
        accuracy: share of texts given their label, in [0, 1]; by a multi-label model, given all
            their labels and no other.
        skim_rate: share of (token, layer, direction) skimmed, pooled; None without a token.
        flop_reduction: operations of reading everything over operations done; None likewise.
        flop_reduction_per_text: mean of the texts' own ratios; None likewise.
        recurrent_reduction: as ``flop_reduction``, the input part left out; None likewise.
        seconds_skimming: to label ``timed_texts`` sampled texts by this rule.
        seconds_reading: to label the same texts reading every token.
        timed_texts: how many texts were timed.
        timed_tokens: how many tokens they have.
        timing_repeats: how often each was; a text counts with its median.
        clock: "thread_time" or "perf_counter".
        texts: how many texts.
        tokens: how many tokens they have.
        threshold: θ in force.
        budget: the ceiling on reads in force, or None.
        burst: reads allowed ahead of the budget.
        implementation: the name of the one that read.
        f1: of a multi-label model the micro-F1 of its labels over all texts, in [0, 1], else None.
    """

    accuracy: float
    skim_rate: float | None
    flop_reduction: float | None
    flop_reduction_per_text: float | None
    recurrent_reduction: float | None
    seconds_skimming: float
    seconds_reading: float
    timed_texts: int
    timed_tokens: int
    timing_repeats: int
    clock: str
    texts: int
    tokens: int
    threshold: float | str
    budget: float | None
    burst: float
    implementation: str
    f1: float | None = None

    @property
    def score(self) -> float:
        """What says how well it reads: ``f1`` where there is one, else ``accuracy``."""
        return self.accuracy if self.f1 is None else self.f1

    def to_dict(self) -> dict[str, Any]:
        """The evaluation as strict JSON values: an infinite threshold is given as 1.0 or -1.0."""
        values = dataclasses.asdict(self)
        if not isinstance(self.threshold, str) and math.isinf(self.threshold):
            values["threshold"] = math.copysign(1.0, self.threshold)
        return values


class _Columns(TypedDict, total=False):
    text_column: str | None
    label_column: str | None
    label_separator: str | None


@dataclass(frozen=True)
class TestTexts:
    """Texts to evaluate a model with.

    Attributes:
        examples: texts and classes, as rows of the model's labels.
        split: "test" for texts held out from training, "all" for all of a user's own file.
        notes: sentences that a reader of the result should know.
    """

    __test__ = False  # not a test class, whatever its name

    examples: Examples
    split: str
    notes: tuple[str, ...] = ()


def evaluate(
    model: Model,
    examples: Examples,
    *,
    threshold: float | str | None = None,
    budget: float | None = None,
    burst: float | None = None,
    timed_texts: int = TIMED_TEXTS,
    seed: int = 0,
    show: Callable[[int], None] = lambda done: None,
) -> Evaluation:
    """Read labelled texts by one rule, and time a sample of them.

    Args:
        model: what reads.
        examples: the texts; classes are rows of ``model.labels``, multi-label if the model is.
        threshold: θ for all texts; the model's own if None.
        budget: ceiling on the share of tokens read; the model's own if None.
        burst: reads allowed ahead of the budget; the model's own if None.
        timed_texts: at most so many are timed, at least 1.
        seed: draws the timed texts.
        show: called with the number of texts read so far.

    Raises:
        ValueError: if there is no text, the texts alone or the model alone is multi-label, or an
            option is refused.
    """
    if not len(examples):
        raise ValueError("there is no text to evaluate with; give at least one")
    if timed_texts < 1:
        raise ValueError(f"timed_texts must be at least 1; got {timed_texts}")
    if examples.multilabel != model.multilabel:
        several = "any number of labels a text", "one label a text"
        knows, has = several if model.multilabel else several[::-1]
        raise ValueError(f"the model gives {knows}, and these texts have {has}")
    rule = rule_in_force(model, threshold, budget, burst)
    options: dict[str, Any] = dataclasses.asdict(rule)
    levels, rows = [], []
    for done, text in enumerate(examples.texts, start=1):
        reading = model.read(text, **options)
        levels.append(reading.level)
        rows.append(reading.probabilities)
        show(done)
    probabilities = np.array(rows)
    predicted = chosen(probabilities, True) if model.multilabel else probabilities.argmax(axis=1)
    counted = cost.count(model.config, levels)
    timed = sample(examples, timed_texts, seed).texts
    timing = measure(model, timed, rule)
    return Evaluation(
        accuracy=accuracy(examples.targets, predicted),
        skim_rate=skim_rate(levels),
        flop_reduction=counted.flop_reduction,
        flop_reduction_per_text=counted.flop_reduction_per_text,
        recurrent_reduction=counted.recurrent_reduction,
        seconds_skimming=timing.seconds_skimming,
        seconds_reading=timing.seconds_reading,
        timed_texts=len(timed),
        timed_tokens=sum(len(scan(text)) for text in timed),
        timing_repeats=timing.repeats,
        clock=timing.clock,
        texts=len(examples),
        tokens=sum(level.shape[-1] for level in levels),
        implementation=model.implementation,
        f1=micro_f1(examples.targets, predicted) if model.multilabel else None,
        **options,
    )


def measure(
    model: Model, texts: Sequence[str], rule: Rule, *, repeats: int | None = None
) -> Timing:
    """Time the labelling of each text by a rule and with everything read, taking turns.

    Args:
        model: what reads.
        texts: at least one.
        rule: the rule to compare with reading everything.
        repeats: how often each text is read; None repeats until ``ENOUGH_SECONDS`` are over, at
            most ``MOST_REPEATS`` times.
    """
    clock, name = _clock()
    # A budget of 1 refuses nothing; None would stand for the model's own.
    unlimited = None if model.rule.budget is None else 1.0
    rules: tuple[dict[str, Any], dict[str, Any]] = (
        dataclasses.asdict(rule),
        {"threshold": 1.0, "budget": unlimited},
    )
    for options in rules:
        model.predict_proba(texts[0], **options)  # what happens only once is not timed
    passes: list[list[list[float]]] = []
    began = time.perf_counter()
    while not passes or (
        len(passes) < repeats
        if repeats is not None
        else len(passes) < MOST_REPEATS and time.perf_counter() - began < ENOUGH_SECONDS
    ):
        seconds = [[0.0] * len(texts), [0.0] * len(texts)]
        for number, text in enumerate(texts):
            first = (number + len(passes)) % 2  # neither always comes to a warmed cache
            for which in (first, 1 - first):
                start = clock()
                model.predict_proba(text, **rules[which])
                seconds[which][number] = clock() - start
        passes.append(seconds)
    skimming, reading = np.median(np.array(passes), axis=0).tolist()
    return Timing(tuple(skimming), tuple(reading), len(passes), name)


def rule_in_force(
    model: Model, threshold: float | str | None, budget: float | None, burst: float | None
) -> Rule:
    """The rule that these options give; None stands for the model's own value.

    Raises:
        ValueError: if a value is refused.
    """
    return rules_or_own(model.rule, model.config, 1, threshold, budget, burst)[0]


def sample(examples: Examples, count: int, seed: int = 0) -> Examples:
    """At most ``count`` of the examples, drawn by the seed, in their own order."""
    if len(examples) <= count:
        return examples
    return examples.take(np.sort(permutation(len(examples), seed)[:count]))


def load_test_texts(
    model: Model,
    data: str,
    *,
    data_dir: str | None = None,
    text_column: str | None = None,
    label_column: str | None = None,
    label_separator: str | None = None,
) -> TestTexts:
    """The texts of ``data`` that a model may be judged by.

    Of a built-in data set that is the test split, drawn by the seed in the model's record if the
    model was trained on it. Of a user's own data that the model was trained on (told by the
    files' digests) it is the test split that was held out then; of other data, all, or the test
    split if there is one.

    Args:
        model: whose record and labels count.
        data: a built-in name, or a path with a separator.
        data_dir: as for ``skimrnn.tasks.load_task``.
        text_column: likewise.
        label_column: likewise.
        label_separator: likewise; that of the model's record if None.

    Raises:
        DataError: if the data cannot be read, have labels that the model does not know, or have
            several labels a text where the model gives one.
    """
    found = _test_texts(model, data, data_dir, text_column, label_column, label_separator)
    if model.multilabel:
        return dataclasses.replace(found, examples=found.examples.as_multilabel(len(model.labels)))
    if found.examples.multilabel:
        raise DataError(
            f"{data} has any number of labels a text, and the model gives one; evaluate it with "
            "texts of one label each"
        )
    return found


def _test_texts(
    model: Model,
    data: str,
    data_dir: str | None,
    text_column: str | None,
    label_column: str | None,
    label_separator: str | None,
) -> TestTexts:
    records = _learnt_from(model.training)
    record = records[0]
    own_files = "columns" in record  # as the records of users' own data have, and no other
    told = record.get("label_separator")
    if label_separator is None and data not in BUILT_IN and isinstance(told, str) and told:
        label_separator = told
    columns = _Columns(
        text_column=text_column, label_column=label_column, label_separator=label_separator
    )
    if data in BUILT_IN:
        asked = set(data.split("+"))
        drawn_by = next((one.get("seed") for one in records if _built_in(one) & asked), 0)
        examples = load_examples(
            data, model.labels, data_dir=data_dir, seed=_seed(drawn_by), **columns
        )
        notes = [note for one in records for note in _leaks(one, asked, drawn_by)]
        return TestTexts(examples, "test", tuple(dict.fromkeys(notes)))
    with_files = [one for one in records if "columns" in one]
    task = _as_for_training(data, _seed(record.get("seed")), columns) if with_files else None
    named = text_column is not None or label_column is not None
    if task is not None and not named and _digests(task.record) == _digests(record):
        columns |= _columns(record)  # those that training had, whatever they are called
        task = _as_for_training(data, _seed(record.get("seed")), columns)
    held_out = None if task is None or not own_files else _held_out(model, record, task)
    if held_out is not None:
        count = f"{len(held_out):,}"
        note = f"the model was trained on {data}; only the {count} texts held out then count"
        # Unlabelled texts were split by nothing, and those held out were left out of them.
        split_otherwise = [
            one for one in with_files if "split" in one and _split(one) != _split(record)
        ]
        return TestTexts(held_out, "test", (note, *_seen(split_otherwise, data, task)))
    examples = load_examples(data, model.labels, data_dir=data_dir, **columns)
    return TestTexts(examples, "all", _seen(with_files, data, task))


def _learnt_from(training: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The record of a model's task, then those of the models that it began with or was taught by.

    One is empty where it is not there: a record may be a stranger's.
    """
    found: list[Mapping[str, Any]] = []
    waiting: list[Any] = [training]
    for one in waiting:
        if isinstance(one, Mapping):
            task, earlier = one.get("task"), one.get("earlier")
            found.append(task if isinstance(task, Mapping) else {})
            waiting += earlier if isinstance(earlier, list) else []
    return found


def _built_in(record: Mapping[str, Any]) -> set[str]:
    """The built-in data sets that a task was made of."""
    name = str(record.get("name")).replace("sst-phrases", "sst")
    return set() if "columns" in record else set(name.split("+"))


def _seed(recorded: Any) -> int:
    return recorded if isinstance(recorded, int) and recorded >= 0 else 0


def _leaks(record: Mapping[str, Any], asked: set[str], drawn_by: Any) -> tuple[str, ...]:
    """A warning if a task trained on texts that are asked for.

    It did if it was trained on just one of SST and Rotten Tomatoes, or split Rotten Tomatoes, which
    comes without a split, by another seed than these texts are drawn by.
    """
    parts = _built_in(record)
    learnt = parts & _TREEBANK_AND_ITS_SOURCE
    seen = "it has seen some of these texts, so the accuracy comes out too high"
    if len(learnt) == 1 and asked & (_TREEBANK_AND_ITS_SOURCE - learnt):
        return (
            f"SST is made of Rotten Tomatoes snippets and the model was trained on {min(learnt)}: "
            + seen,
        )
    if "rotten-tomatoes" in parts & asked and record.get("seed") != drawn_by:
        return (f"the model was trained on rotten-tomatoes by another split too: {seen}",)
    return ()


def _as_for_training(data: str, seed: int, columns: _Columns) -> TextTask | None:
    """The task that training made of own data; None if they are good to evaluate with only."""
    try:
        return load_task(data, seed=seed, **columns)
    except DataError:
        return None


def _held_out(model: Model, record: Mapping[str, Any], task: TextTask) -> Examples | None:
    """The test split of the data that the model was trained on; None if these are others."""
    known = all(label in model.labels for label in task.labels)
    if not known or _digests(task.record) != _digests(record):
        return None
    # Which texts are held out is drawn label by label: by other labels it would be others.
    drawn = _digests_by_part(record).keys() != {"train", "validation", "test"}
    if drawn and _columns(task.record) != _columns(record):
        return None
    places = [model.labels.index(label) for label in task.labels]
    return task.test.among(places, len(model.labels))


def _split(record: Mapping[str, Any]) -> tuple[Any, ...]:
    """What says which texts a task of own data trained on."""
    return _digests(record), record.get("seed"), record.get("split")


def _seen(
    records: Sequence[Mapping[str, Any]], data: str, task: TextTask | None
) -> tuple[str, ...]:
    """A warning if texts of these data served for training in one of these tasks."""
    if Path(data).expanduser().is_file():
        with Path(data).expanduser().open("rb") as file:
            read = [hashlib.file_digest(file, "sha256").hexdigest()]
    else:
        parts = {} if task is None else _digests_by_part(task.record)
        read = [parts["test"]] if "test" in parts else list(parts.values())
    learnt = {
        digest
        for record in records
        for part, digest in _digests_by_part(record).items()
        if part != "test" and isinstance(digest, str)
    }
    if not set(read) & learnt:
        return ()
    return (
        f"the model was trained on texts of {data}: it has seen them, so the accuracy comes out "
        "too high",
    )


def _digests_by_part(record: Mapping[str, Any]) -> dict[str, Any]:
    """The digests of the files, by the split that each was; the only file of all is "train"."""
    rules = record.get("split")
    given = [
        part
        for part in ("train", "validation", "test")
        if part == "train" or (isinstance(rules, dict) and rules.get(part) == "as given")
    ]
    return dict(zip(given, _digests(record), strict=False))  # a record may be a stranger's


def _columns(record: Mapping[str, Any]) -> _Columns:
    """The columns of a table that a task of own data was made of."""
    columns = record.get("columns")
    columns = columns if isinstance(columns, dict) else {}
    found: _Columns = {}
    if isinstance(text := columns.get("text"), str):
        found["text_column"] = text
    if isinstance(label := columns.get("label"), str):
        found["label_column"] = label
    return found


def _digests(record: Mapping[str, Any]) -> list[Any]:
    files = record.get("files")
    files = files if isinstance(files, list) else []
    return [file.get("sha256") for file in files if isinstance(file, dict)]


def _clock() -> tuple[Callable[[], float], str]:
    """The CPU time of this thread, or the time of day where that ticks too slowly."""
    if time.get_clock_info("thread_time").resolution <= _COARSEST:
        return time.thread_time, "thread_time"
    return time.perf_counter, "perf_counter"
