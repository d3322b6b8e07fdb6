"""``skimrnn train``: from labelled texts to a model folder; the one command that needs torch."""

from __future__ import annotations

import contextlib
import os
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skimrnn.cli.options import (
    DataArgument,
    DataDirOption,
    DeviceOption,
    DtypeOption,
    LabelColumnOption,
    LabelSeparatorOption,
    OutOption,
    TextColumnOption,
    parse_router_options,
)
from skimrnn.cli.teacher import check_share, unlabelled_texts, without_held_out

if TYPE_CHECKING:
    from skimrnn.cli.progress import TrainingProgress
    from skimrnn.tasks import TextTask
    from skimrnn.train import Trained, TrainingOptions

DEFAULT_SKIM_SIZE = 5
_NEAR = 0.1
"""How far from a rate that was wanted the rate may be without a word about it."""

_LAYERS, _SKIMMING, _TRAINING, _WORDS = "Layers", "Skimming", "Training", "Words"
_OF_SKIMMING = (  # beside OF_WHAT_SKIMS
    *("skim_size", "hard"),
    *("penalty", "skim_weight", "wanted_rate", "warm_start_steps", "skim_ramp_steps"),
    "skim_start",
    *("temperature_rate", "temperature_floor", "threshold_spread"),
)
_OF_WORDS = ("embedding_size", "min_count", "max_words", "freeze_embedding")
_PATHS = ("vectors", "teacher", "unlabelled", "start", "base", "convert")
_NOT_IN_THE_RECORD = {"data_dir", "threads", "device"}


def _option(panel: str, flag: str, default: object, text: str, **more: Any) -> Any:
    """An option whose default, named here for the help alone, is that of TrainingOptions."""
    shown = "" if default is None else f" [dim]\\[default: {default}][/dim]"
    return typer.Option(flag, help=text + shown, rich_help_panel=panel, show_default=False, **more)


def train(
    ctx: typer.Context,
    data: DataArgument,
    out: OutOption,
    data_dir: DataDirOption = None,
    phrases: Annotated[
        bool,
        typer.Option(
            "--phrases",
            help="Train on all labelled phrases of SST.",
            rich_help_panel="Data",
            show_default=False,
        ),
    ] = False,
    text_column: TextColumnOption = None,
    label_column: LabelColumnOption = None,
    label_separator: LabelSeparatorOption = None,
    split_seed: Annotated[
        int,
        typer.Option(min=0, help="Draws the splits that are not given.", rich_help_panel="Data"),
    ] = 0,
    vectors: Annotated[
        str | None,
        typer.Option(
            metavar="PATH|glove-6b-50d|none",
            help="Word vectors: a GloVe text file (.txt, .gz), the packaged table, or none. Left "
            "out: a GloVe file in the data folder, else the packaged table if installed, else "
            "none.",
            rich_help_panel="Data",
            show_default=False,
        ),
    ] = None,
    teacher: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODEL",
            help="A model of the same labels to learn from as well: a bundled one's name or a "
            "folder. Given several times, the mean of what they say.",
            rich_help_panel="Data",
            show_default=False,
        ),
    ] = None,
    unlabelled: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="Texts without labels to learn from by what --teacher says of them: a CSV, "
            "TSV or JSON Lines file, or .txt with a text a line; what DATA holds out is left out.",
            rich_help_panel="Data",
            show_default=False,
        ),
    ] = None,
    start: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="A model to go on from, a bundled one's name or a folder: its words, word vectors "
            "and layers are begun with, and its head where the labels are the same.",
            rich_help_panel="Data",
            show_default=False,
        ),
    ] = None,
    base: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="A model of the same labels that stays as it is, a bundled one's name or a "
            "folder: only what skims is learnt, on top of it.",
            rich_help_panel="Skimming",
            show_default=False,
        ),
    ] = None,
    convert: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="A plain RNN, trained with --no-skim, to make skim and say what it says: stands "
            "for --start and --teacher MODEL and settings for that; better with --unlabelled.",
            rich_help_panel="Skimming",
            show_default=False,
        ),
    ] = None,
    cell: Annotated[
        str | None,
        _option(_LAYERS, "--cell", "lstm", "lstm, gru, rnn_tanh or rnn_relu.", metavar="CELL"),
    ] = None,
    hidden_size: Annotated[
        int | None, _option(_LAYERS, "--hidden-size", 100, "Units of the full cell.", metavar="D")
    ] = None,
    num_layers: Annotated[
        int | None, _option(_LAYERS, "--layers", 1, "Layers.", metavar="N")
    ] = None,
    bidirectional: Annotated[
        bool | None, _option(_LAYERS, "--bidirectional", None, "Read backwards as well.")
    ] = None,
    embedding_size: Annotated[
        int | None,
        _option(
            _LAYERS,
            "--embedding-size",
            50,
            "Size of word vectors to look for or draw.",
            metavar="E",
        ),
    ] = None,
    skim_size: Annotated[
        int | None,
        _option(
            _SKIMMING,
            "--skim-size",
            DEFAULT_SKIM_SIZE,
            "Units that skimming updates; 0 skips the word.",
            metavar="S",
        ),
    ] = None,
    levels: Annotated[
        str | None,
        _option(
            _SKIMMING,
            "--levels",
            None,
            'Units updated at each level, instead of --skim-size: "100,20,0".',
            metavar="LIST",
        ),
    ] = None,
    no_skim: Annotated[
        bool, _option(_SKIMMING, "--no-skim", None, "Train the plain RNN of the same size.")
    ] = False,
    skim_input: Annotated[
        str | None,
        _option(
            _SKIMMING,
            "--skim-input",
            "prefix",
            "What the small cell sees of the state: prefix or full.",
            metavar="WHAT",
        ),
    ] = None,
    shared: Annotated[
        bool | None,
        _option(_SKIMMING, "--shared", None, "Small cells are the full cell's first units."),
    ] = None,
    router_input: Annotated[
        str | None,
        _option(
            _SKIMMING,
            "--router-input",
            "state for the LSTM, else hidden",
            "What the router sees: hidden or state.",
            metavar="WHAT",
        ),
    ] = None,
    router: Annotated[
        str | None,
        _option(_SKIMMING, "--router", "softmax", "What decides.", metavar="NAME"),
    ] = None,
    router_options: Annotated[
        str | None,
        _option(
            _SKIMMING,
            "--router-options",
            None,
            'Settings of that router: "window=10,reads=5".',
            metavar="LIST",
        ),
    ] = None,
    hard: Annotated[
        bool | None,
        _option(_SKIMMING, "--hard", None, "Take levels whole instead of mixing them."),
    ] = None,
    penalty: Annotated[
        str | None,
        _option(
            _SKIMMING,
            "--penalty",
            "skim",
            "What asks for skimming: skim, cost or rate.",
            metavar="NAME",
        ),
    ] = None,
    skim_weight: Annotated[
        float | None,
        _option(
            _SKIMMING,
            "--skim-weight",
            0.01,
            "Weight of the penalty; 5 with a wanted rate.",
            metavar="WEIGHT",
        ),
    ] = None,
    wanted_rate: Annotated[
        float | None,
        _option(
            _SKIMMING,
            "--wanted-rate",
            None,
            "The share of the words to skim, 0 to 1, such as 0.9; means penalty rate.",
            metavar="SHARE",
        ),
    ] = None,
    warm_start_steps: Annotated[
        int | None,
        _option(
            _SKIMMING, "--warm-start-steps", 0, "Steps that read everything first.", metavar="N"
        ),
    ] = None,
    skim_ramp_steps: Annotated[
        int | None,
        _option(
            _SKIMMING,
            "--skim-ramp-steps",
            0,
            "Steps over which the penalty then rises.",
            metavar="N",
        ),
    ] = None,
    skim_start: Annotated[
        str | None,
        _option(
            _SKIMMING,
            "--skim-start",
            "drawn",
            "What skims begins, after the warm start, drawn at random or reading: small cells as "
            "the full cell's first units.",
            metavar="NAME",
        ),
    ] = None,
    temperature_rate: Annotated[
        float | None,
        _option(
            _SKIMMING, "--temperature-rate", 0.0001, "How fast sampling sharpens.", metavar="RATE"
        ),
    ] = None,
    temperature_floor: Annotated[
        float | None,
        _option(_SKIMMING, "--temperature-floor", 0.5, "How sharp sampling gets.", metavar="VALUE"),
    ] = None,
    threshold_spread: Annotated[
        float | None,
        _option(
            _SKIMMING,
            "--threshold-spread",
            0.0,
            "Train for thresholds whose log-odds are within so much of 0, a draw a text.",
            metavar="ODDS",
        ),
    ] = None,
    batch_size: Annotated[
        int | None, _option(_TRAINING, "--batch-size", 32, "Texts a step.", metavar="N")
    ] = None,
    epochs: Annotated[
        int | None, _option(_TRAINING, "--epochs", 20, "Passes over the texts.", metavar="N")
    ] = None,
    patience: Annotated[
        int | None,
        _option(
            _TRAINING,
            "--patience",
            12,
            "Stop after so many evaluations without a better one.",
            metavar="N",
        ),
    ] = None,
    evaluations_per_epoch: Annotated[
        int | None,
        _option(
            _TRAINING,
            "--evaluations-per-epoch",
            2,
            "How often the validation texts are read.",
            metavar="N",
        ),
    ] = None,
    learning_rate: Annotated[
        float | None, _option(_TRAINING, "--learning-rate", 0.002, "Of Adam.", metavar="RATE")
    ] = None,
    schedule: Annotated[
        str | None,
        _option(
            _TRAINING,
            "--schedule",
            "constant",
            "Learning rate: constant or cosine.",
            metavar="NAME",
        ),
    ] = None,
    weight_decay: Annotated[
        float | None,
        _option(
            _TRAINING, "--weight-decay", 0.0, "On matrices but the word vectors.", metavar="WEIGHT"
        ),
    ] = None,
    gradient_clip: Annotated[
        float | None,
        _option(_TRAINING, "--gradient-clip", 1.0, "Largest norm of the gradient.", metavar="NORM"),
    ] = None,
    dropout: Annotated[
        float | None,
        _option(
            _TRAINING, "--dropout", 0.5, "On word vectors and the final state.", metavar="SHARE"
        ),
    ] = None,
    distillation: Annotated[
        float | None,
        _option(
            _TRAINING,
            "--distillation",
            0.5,
            "Share of --teacher in the loss of a labelled text.",
            metavar="SHARE",
        ),
    ] = None,
    adversarial: Annotated[
        float | None,
        _option(
            _TRAINING,
            "--adversarial",
            0.0,
            "Also label rightly with the word vectors of a text shifted so far, the worst way.",
            metavar="LENGTH",
        ),
    ] = None,
    averaging: Annotated[
        float | None,
        _option(
            _TRAINING,
            "--averaging",
            0.99,
            "Keep averaged weights with this decay a step; 0 for none.",
            metavar="DECAY",
        ),
    ] = None,
    seed: Annotated[
        int | None,
        _option(_TRAINING, "--seed", 0, "Of parameters, order, dropout and noise.", metavar="N"),
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Threads of torch; its own choice if left out.",
            rich_help_panel=_TRAINING,
            show_default=False,
        ),
    ] = None,
    unknown_probability: Annotated[
        float | None,
        _option(
            _WORDS,
            "--unknown-probability",
            0.02,
            "Chance that a training word becomes the unknown word.",
            metavar="SHARE",
        ),
    ] = None,
    freeze_embedding: Annotated[
        bool | None,
        _option(_WORDS, "--freeze-embedding", None, "Leave the word vectors as they are."),
    ] = None,
    max_tokens: Annotated[
        int | None,
        _option(
            _WORDS,
            "--max-tokens",
            400,
            "Cut training texts there; reading never cuts.",
            metavar="N",
        ),
    ] = None,
    min_count: Annotated[
        int | None,
        _option(
            _WORDS, "--min-count", 2, "Know words seen so often, or with a vector.", metavar="N"
        ),
    ] = None,
    max_words: Annotated[
        int | None,
        _option(_WORDS, "--max-words", "no limit", "Know at most so many words.", metavar="N"),
    ] = None,
    dtype: DtypeOption = "float32",
    device: DeviceOption = "cpu",
) -> None:
    """Train a classifier on labelled texts and save it as a model folder.

    With --label-separator, or lists in JSON Lines, a text may have any number of labels; the
    evaluation with the best micro-F1 is then kept, where else it is accuracy.

    Checkpoint and log lie in FOLDER.training meanwhile; a run that was cut off goes on from there
    if the same command is given again. With torchrun, several processes or machines share every
    batch: torchrun --nproc-per-node 2 -m skimrnn train ...
    """
    from skimrnn.cli.convert import converting
    from skimrnn.cli.output import note
    from skimrnn.cli.progress import TrainingProgress
    from skimrnn.cli.threads import use_threads
    from skimrnn.model_folder import check_target
    from skimrnn.tasks import load_task

    use_threads(threads)
    from skimrnn.train import train_classifier  # says what to install without torch
    from skimrnn.train.earlier import earlier_model, unlabelled_file
    from skimrnn.train.processes import check_device
    from skimrnn.train.teachers import load_teachers, say

    check_device(device)  # what the command alone decides comes before data are read
    given = converting(ctx.params)
    start, teacher = given["start"], given["teacher"]
    check_share(distillation, teacher)
    found = unlabelled_texts(unlabelled, teacher or (), text_column)
    below, begun = begun_with(base, start, vectors)
    options = training_options(given, below, begun)
    check_target(out, dtype)
    task = load_task(
        data,
        data_dir=data_dir,
        phrases=phrases,
        seed=split_seed,
        text_column=text_column,
        label_column=label_column,
        label_separator=label_separator,
    )
    chosen, said = None, f"those of {base or start}"
    if below is None and begun is None:
        chosen, said = choose_vectors(vectors, data_dir, options.embedding_size)
    more = [] if found is None else without_held_out(found.texts, task)
    teachers = load_teachers(teacher or (), task.labels, task.multilabel)
    learnt_from = [earlier_model("teacher", name, one.training) for name, one in teachers.items()]
    learnt_from += [] if found is None else [unlabelled_file(found.file)]
    taught = say(teachers, task.labels, [*task.train.texts, *more]) if teachers else None
    note(_summary(task, options, len(more)))
    if found is not None and len(more) < len(found.texts):
        note(
            f"{len(found.texts) - len(more):,} unlabelled texts are validation or test texts: they "
            "are left out"
        )
    note(f"word vectors: {said}")
    if out.exists():
        note(f"the model in {out} will be replaced when this one is done")
    shown = TrainingProgress(options.epochs, options.evaluations_per_epoch)
    with shown as progress, interrupted(progress, out):
        trained = train_classifier(
            task,
            options,
            out,
            vectors=chosen,
            teacher=taught,
            learnt_from=learnt_from,
            unlabelled=more,
            command=command_of(ctx),
            dtype=dtype,
            device=device,
            base=below,
            start=begun,
            show=progress.show,
        )
    _print_result(trained, given)


@contextlib.contextmanager
def interrupted(progress: TrainingProgress, out: Path) -> Iterator[None]:
    """Say, if the run in the block is interrupted, how it goes on."""
    from skimrnn.cli.errors import INTERRUPTED, fail
    from skimrnn.train.run import beside

    try:
        yield
    except KeyboardInterrupt:
        progress.stop()
        kept = (beside(out) / "checkpoint.pt").exists()
        then = "go on from the last checkpoint" if kept else "start again: no checkpoint yet"
        fail(f"interrupted; give the same command to {then}", INTERRUPTED)


def begun_with(
    base: str | None, start: str | None, vectors: str | None
) -> tuple[Path | None, Path | None]:
    """The folders of the models that ``--base`` and ``--start`` name.

    Raises:
        ValueError: if there is more than one of the three, or no such bundled model.
    """
    from skimrnn.runtime import model_folder

    given = {"--base": base, "--start": start, "--vectors": vectors}
    several = [f"{name} {value}" for name, value in given.items() if value is not None]
    if len(several) > 1:
        raise ValueError(
            f"{several[0].split()[0]} has its own word vectors; got {' and '.join(several)}, "
            "give one of them"
        )
    folders = [None if name is None else model_folder(name) for name in (base, start)]
    return folders[0], folders[1]


def training_options(
    given: dict[str, Any], base: Path | None = None, start: Path | None = None
) -> TrainingOptions:
    """The settings of a run; what was not given has its default, or is as in the base or start.

    Args:
        given: the command's parameters by name, None for what was left out.
        base: the folder of the model that stays as it is, if there is one.
        start: the folder of the model that the run begins as, if there is one.

    Raises:
        ValueError: if a value is refused, or values contradict each other.
    """
    from dataclasses import fields

    from skimrnn.config import OF_WHAT_SKIMS, resolve_levels
    from skimrnn.model_file import read_model
    from skimrnn.routers import find_router, router_names
    from skimrnn.train import TrainingOptions
    from skimrnn.train.base import Base
    from skimrnn.train.earlier import OF_THE_FULL_CELL
    from skimrnn.train.options import RATE_WEIGHT
    from skimrnn.train.start import Start

    names = {field.name for field in fields(TrainingOptions)} - {"levels"}
    chosen = {name: given[name] for name in names if given.get(name) is not None}
    if "router_options" in chosen:
        chosen["router_options"] = parse_router_options(chosen["router_options"])
    if "wanted_rate" in chosen:
        chosen.setdefault("penalty", "rate")
    if chosen.get("penalty") == "rate":
        chosen.setdefault("skim_weight", RATE_WEIGHT)
    sizes = None if given["levels"] is None else _whole_numbers(given["levels"])
    if sizes is not None:
        chosen.setdefault("hidden_size", sizes[0])
    if base is not None:
        its_own = [name for name in _OF_WORDS if chosen.get(name)]
        if its_own:
            flags = ", ".join(f"--{name.replace('_', '-')}" for name in its_own)
            raise ValueError(f"--base has its own words and vectors, which stay; leave out {flags}")
        layer = read_model(base).config
        for name in OF_THE_FULL_CELL:
            chosen.setdefault(name, getattr(layer, name))
    if start is not None:
        if chosen.get("embedding_size"):
            raise ValueError("--start has its own word vectors; leave out --embedding-size")
        layer = read_model(start).config
        for name in OF_THE_FULL_CELL:
            chosen.setdefault(name, getattr(layer, name))
        asked = any(given.get(name) is not None for name in ("skim_size", *OF_WHAT_SKIMS))
        as_it_is = not asked and not given["no_skim"]
        if as_it_is and all(chosen[name] == getattr(layer, name) for name in OF_THE_FULL_CELL):
            sizes = layer.levels
            for name in set(OF_WHAT_SKIMS) - {"levels"}:
                chosen.setdefault(name, getattr(layer, name))
    hidden = chosen.setdefault("hidden_size", TrainingOptions.hidden_size)
    skim_size = given["skim_size"]
    if given["no_skim"]:
        skim_size, sizes = None, (hidden,)
    elif sizes is None and skim_size is None:
        skim_size = DEFAULT_SKIM_SIZE
    levels = resolve_levels(hidden, skim_size, sizes)
    _check_that_it_skims(given, levels)
    router = chosen.get("router", TrainingOptions.router)
    if len(levels) > 1 and router in router_names() and find_router(router).training != "sampled":
        chosen.setdefault("penalty", "cost")  # the paper's asks for a sampled choice
    options = TrainingOptions(levels=levels, **chosen)
    for kind, folder in ((Base, base), (Start, start)):
        if folder is not None:
            kind.of_folder(folder).check_full_cell(folder, options)
    return options


def _check_that_it_skims(given: dict[str, Any], levels: tuple[int, ...]) -> None:
    """Raise if something is given that says how to skim, for a network of one level."""
    from skimrnn.config import OF_WHAT_SKIMS

    if len(levels) > 1:
        return
    if given["no_skim"]:
        why, remedy = "--no-skim trains a plain RNN, which never skims; ", ""
    elif given["levels"] is not None:
        why, remedy = f"--levels {given['levels']} is a plain RNN, which never skims; ", ""
    else:
        why, remedy = "the start is a plain RNN, which never skims; ", "give --skim-size too, or "
    useless = [
        name
        for name in (*OF_WHAT_SKIMS, *_OF_SKIMMING)
        if given.get(name) is not None and (name != "levels" or given["no_skim"])
    ]
    if useless:
        flags = ", ".join(f"--{name.replace('_', '-')}" for name in useless)
        raise ValueError(f"{why}{remedy}leave out {flags}")


def choose_vectors(
    given: str | None, data_dir: str | None, size: int
) -> tuple[str | Path | None, str]:
    """Which word vectors to train with, and a sentence that says so.

    Args:
        given: a path, a packaged table's name, "none"; None to look for a GloVe file.
        data_dir: the data folder to look in, as given.
        size: E, the size of the vectors to look for.
    """
    from skimrnn.tasks import find_word_vectors

    if given == "none":
        return None, "none, drawn at random"
    if given is not None:
        return given, given
    found = find_word_vectors(data_dir, size)
    if isinstance(found, Path):
        return found, f"{found} (found in the data folder)"
    if found is not None:
        return found, f"the packaged table {found}"
    return None, (
        f"none found, drawn at random; better: a GloVe file of {size} numbers a word as "
        "glove/ in the data folder or by --vectors"
    )


def _whole_numbers(given: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in given.split(","))
    except ValueError:
        raise ValueError(
            f'--levels must be whole numbers separated by commas, such as "100,20,0"; got {given!r}'
        ) from None


def _summary(task: TextTask, options: TrainingOptions, unlabelled: int) -> str:
    from skimrnn.train.card import network_name

    sizes = {name: len(part) for name, part in task.splits().items()}
    sizes |= {"unlabelled": unlabelled} if unlabelled else {}
    counts = ", ".join(f"{size:,} {name}" for name, size in sizes.items())
    labels = ", ".join(task.labels[:6]) + (", ..." if len(task.labels) > 6 else "")
    several = " (any number a text)" if task.multilabel else ""
    return f"{task.name}: {counts} texts; labels {labels}{several}; {network_name(options)}"


def command_of(ctx: typer.Context) -> str:
    """The command for the record: only what was given, and no folder of this machine."""
    from skimrnn.cli.output import without_folders

    parts = ["skimrnn", str(ctx.info_name)]
    for parameter in ctx.command.params:
        name = str(parameter.name)
        value = ctx.params.get(name)
        source = ctx.get_parameter_source(name)
        if name in _NOT_IN_THE_RECORD or source is None or source.name != "COMMANDLINE":
            continue
        if name == "data":
            parts.append(without_folders(str(value)))
        elif isinstance(value, bool):
            parts.append(parameter.opts[0])
        else:
            for one in value if isinstance(value, list) else [value]:
                path = name == "out" or (name in _PATHS and Path(str(one)).exists())
                shown = without_folders(os.path.join(".", str(one))) if path else str(one)
                parts += [parameter.opts[0], shown]
    return shlex.join(parts)


def _print_result(trained: Trained, given: dict[str, Any]) -> None:
    from skimrnn.cli.output import console, percent, shown_path
    from skimrnn.train.options import RATE_WEIGHT

    outcome, best = trained.outcome, trained.outcome.best
    folder = shown_path(trained.folder)
    skimmed, wanted = "", given["wanted_rate"]
    if best["skim_rate"] is not None:
        skimmed = f", {percent(best['skim_rate'])} skimmed"
        skimmed += "" if wanted is None else f" ({percent(wanted)} wanted)"
    evaluate = ["skimrnn", "evaluate", folder, given["data"]]
    for name in ("data_dir", "text_column", "label_column"):
        if given[name] is not None:
            evaluate += [f"--{name.replace('_', '-')}", str(given[name])]
    screen = console()
    f1 = f"micro-F1 {percent(best['f1'])}, " if "f1" in best else ""
    accuracy = f"best validation {f1}accuracy {percent(best['accuracy'])}{skimmed}"
    screen.print(accuracy, style="bold", soft_wrap=True)
    ended = "stopped early after" if outcome.stopped_early else "ended after"
    when = f"at epoch {best['epoch']:.1f}; {ended} {outcome.steps:,} steps, {outcome.seconds:.0f} s"
    screen.print(when, soft_wrap=True)
    if wanted is not None and abs((best["skim_rate"] or 0) - wanted) > _NEAR:
        advice = "far from the rate that was wanted: try more --epochs and --patience, or a greater"
        screen.print(f"{advice} --skim-weight ({RATE_WEIGHT:g} if left out)", soft_wrap=True)
    screen.print(f"saved in {folder}", soft_wrap=True)
    screen.print(f"next: {shlex.join(evaluate)}", soft_wrap=True)
    screen.print(f'      {shlex.join(["skimrnn", "read", folder])} "your own text"', soft_wrap=True)
