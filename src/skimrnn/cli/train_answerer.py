"""``skimrnn train-answerer``: from questions about texts to a model folder; needs torch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skimrnn.cli.options import DataDirOption, DeviceOption, DtypeOption, OutOption
from skimrnn.cli.teacher import check_share
from skimrnn.cli.train import choose_vectors, command_of, interrupted

if TYPE_CHECKING:
    from skimrnn.tasks import QuestionTask
    from skimrnn.train import TrainingOptions

PLAIN_STEPS = 5000
"""Steps that read everything at first, as the paper has it; half of all steps, if these are few."""

WANTED_RATE, RATE_WEIGHT = 0.6, 10.0
"""The share to skim, and what the squared distance from it weighs in the loss."""

SKIM_SIZE = 20
"""Units that skimming updates."""

_OF_SKIMMING = ("skim_size", "wanted_rate", "skim_weight", "skim_start", "warm_start_steps")
"""Options that say how to skim."""


def train_answerer(
    ctx: typer.Context,
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA",
            help="squad, or the path of your own JSON file in the layout of SQuAD v1.1; a path has "
            "a separator (./mine.json).",
            show_default=False,
        ),
    ],
    out: OutOption,
    data_dir: DataDirOption = None,
    split_seed: Annotated[
        int, typer.Option(min=0, help="Draws the articles that are held out.")
    ] = 0,
    vectors: Annotated[
        str | None,
        typer.Option(
            metavar="PATH|glove-6b-50d|none",
            help="Word vectors, as for train; they stay as they are. Random ones are learnt.",
            show_default=False,
        ),
    ] = None,
    model: Annotated[str, typer.Option(metavar="NAME", help="attention or bidaf.")] = "attention",
    hidden_size: Annotated[int, typer.Option(metavar="D", help="Units of the full cell.")] = 100,
    layers: Annotated[int, typer.Option(metavar="N", help="Layers that read the context.")] = 2,
    skim_size: Annotated[
        int | None,
        typer.Option(
            metavar="S",
            help=f"Units that skimming updates; 0 skips the word. {SKIM_SIZE} if left out.",
            show_default=False,
        ),
    ] = None,
    no_skim: Annotated[bool, typer.Option("--no-skim", help="Read every word.")] = False,
    wanted_rate: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            help=f"Share of the words to skim, 0 to 1; {WANTED_RATE} if left out.",
            show_default=False,
        ),
    ] = None,
    skim_weight: Annotated[
        float | None,
        typer.Option(
            metavar="GAMMA",
            help="Instead of a rate, the weight of the paper's penalty, such as 0.1.",
            show_default=False,
        ),
    ] = None,
    skim_start: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="What skims begins, after the warm start, by reading: small cells as the full "
            "cell's first units; or drawn, at random. reading if left out.",
            show_default=False,
        ),
    ] = None,
    warm_start_steps: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help=f"Steps that read everything at first; {PLAIN_STEPS:,}, or half of all if these "
            "are fewer, if left out.",
            show_default=False,
        ),
    ] = None,
    teacher: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="An answerer to learn from as well, trained on the same questions and vectors; "
            "it is listened to after --warm-start-steps.",
            show_default=False,
        ),
    ] = None,
    distillation: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            help="Share of --teacher in the loss; 0.5 if left out.",
            show_default=False,
        ),
    ] = None,
    filters: Annotated[
        int, typer.Option(metavar="N", help="Filters over a word's spelling; 0 leaves it out.")
    ] = 50,
    epochs: Annotated[int, typer.Option(metavar="N", help="Passes over the questions.")] = 12,
    batch_size: Annotated[int, typer.Option(metavar="B", help="Questions per step.")] = 64,
    learning_rate: Annotated[float, typer.Option(metavar="RATE", help="Of Adam.")] = 2e-3,
    dropout: Annotated[float, typer.Option(metavar="SHARE", help="Of words and states.")] = 0.3,
    max_tokens: Annotated[
        int, typer.Option(metavar="N", help="Cut training contexts there; reading never cuts.")
    ] = 400,
    seed: Annotated[int, typer.Option(metavar="N", help="Of all that is random.")] = 0,
    threads: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Threads of torch; its own choice if left out.",
            show_default=False,
        ),
    ] = None,
    dtype: DtypeOption = "float32",
    device: DeviceOption = "cpu",
) -> None:
    """Train a model that answers questions about a text, and save it as a model folder.

    Checkpoint and log lie in FOLDER.training meanwhile; a run that was cut off goes on from there
    if the same command is given again.
    """
    from skimrnn.cli.output import console, note, percent, shown_path
    from skimrnn.cli.progress import TrainingProgress
    from skimrnn.cli.threads import use_threads
    from skimrnn.model_folder import check_target
    from skimrnn.tasks import load_questions

    use_threads(threads)
    from skimrnn import train
    from skimrnn.train.processes import check_device

    check_device(device)
    check_share(distillation, teacher)
    made_of = train.AnswererOptions(model=model, filters=filters)
    check_target(out, dtype)
    task = load_questions(data, data_dir=data_dir, seed=split_seed)
    chosen, said = choose_vectors(vectors, data_dir, train.TrainingOptions().embedding_size)
    # Vectors that are drawn at random say nothing of a word: those are learnt.
    options = settings(ctx.params, task, freeze_embedding=chosen is not None)
    counts = ", ".join(f"{len(part):,} {name}" for name, part in task.splits().items())
    note(f"{task.name}: {counts} questions; word vectors: {said}")
    if out.exists():
        note(f"the model in {out} will be replaced when this one is done")
    with TrainingProgress(options.epochs) as progress, interrupted(progress, out):
        trained = train.train_answerer(
            task,
            options,
            out,
            made_of=made_of,
            vectors=chosen,
            command=command_of(ctx),
            dtype=dtype,
            device=device,
            show=progress.show,
            teacher=teacher,
        )
    learnt, asked = trained.record["questions"]["train"], len(task.train)
    if learnt < asked:
        note(
            f"{asked - learnt:,} of the training questions were left out: their answer is not "
            f"within the first {max_tokens:,} words (--max-tokens)"
        )
    best, folder, screen = trained.outcome.best, shown_path(trained.folder), console()
    skimmed = "" if best["skim_rate"] is None else f", {percent(best['skim_rate'])} skimmed"
    scores = f"F1 {percent(best['f1'])}, exact {percent(best['exact_match'])}"
    screen.print(f"best on validation: {scores}{skimmed}", style="bold", soft_wrap=True)
    screen.print(f"saved in {folder}", soft_wrap=True)
    screen.print(f'next: skimrnn answer {folder} --context FILE --question "..."', soft_wrap=True)


def settings(
    given: dict[str, Any], task: QuestionTask, *, freeze_embedding: bool
) -> TrainingOptions:
    """The settings of a run with these parameters of the command.

    Raises:
        ValueError: if a value is refused.
    """
    from skimrnn.config import resolve_levels
    from skimrnn.train import TrainingOptions

    useless = [name for name in _OF_SKIMMING if given["no_skim"] and given[name] is not None]
    if useless:
        flags = ", ".join(f"--{name.replace('_', '-')}" for name in useless)
        raise ValueError(f"--no-skim trains a plain RNN, which never skims; leave out {flags}")
    hidden = given["hidden_size"]
    size = SKIM_SIZE if given["skim_size"] is None else given["skim_size"]
    levels = (hidden,) if given["no_skim"] else resolve_levels(hidden, size, None)
    plain = given["warm_start_steps"]
    if given["no_skim"]:
        plain = 0
    elif plain is None:
        steps = -(-len(task.train) // max(given["batch_size"], 1)) * given["epochs"]
        plain = min(PLAIN_STEPS, steps // 2)
    names = (
        *("hidden_size", "epochs", "batch_size", "learning_rate", "dropout"),
        *("max_tokens", "seed"),
    )
    return TrainingOptions(
        levels=levels,
        **_penalty(given["wanted_rate"], given["skim_weight"]),
        num_layers=given["layers"],
        warm_start_steps=plain,
        skim_start=given["skim_start"] or ("reading" if plain else "drawn"),
        patience=2 * given["epochs"],
        evaluations_per_epoch=1,
        schedule="cosine",
        averaging=0.999,
        freeze_embedding=freeze_embedding,
        **({} if given["distillation"] is None else {"distillation": given["distillation"]}),
        **{name: given[name] for name in names},
    )


def _penalty(wanted_rate: float | None, skim_weight: float | None) -> dict[str, Any]:
    """The penalty of a rate, or the paper's where its weight is given.

    Raises:
        ValueError: if both are given.
    """
    if skim_weight is None:
        wanted = WANTED_RATE if wanted_rate is None else wanted_rate
        return {"penalty": "rate", "wanted_rate": wanted, "skim_weight": RATE_WEIGHT}
    if wanted_rate is not None:
        raise ValueError(
            f"--wanted-rate {wanted_rate} and --skim-weight {skim_weight} are two ways to say how "
            "much is skimmed: give one of them"
        )
    return {"skim_weight": skim_weight}
