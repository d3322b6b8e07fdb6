"""The command ``skimrnn``; each command stands in its own file and is a thin call.

Nothing heavy is imported before a command runs: ``skimrnn --help`` needs neither numpy nor torch.
"""

import inspect
import sys
from typing import Annotated

import typer

from skimrnn import __version__
from skimrnn.cli.answer import answer
from skimrnn.cli.bench import bench
from skimrnn.cli.calibrate import calibrate
from skimrnn.cli.demo import demo
from skimrnn.cli.errors import Commands, open_closed_streams, tolerate_any_text
from skimrnn.cli.evaluate import evaluate
from skimrnn.cli.export import export
from skimrnn.cli.info import info
from skimrnn.cli.push import push
from skimrnn.cli.read import read
from skimrnn.cli.score import score
from skimrnn.cli.serve import serve
from skimrnn.cli.tradeoff import tradeoff
from skimrnn.cli.train import train
from skimrnn.cli.train_answerer import train_answerer

app = typer.Typer(
    name="skimrnn",
    cls=Commands,
    help="Recurrent networks that skim: train one on labelled texts, and read with it.",
    epilog="Start with: skimrnn demo",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)


def _help(docstring: str) -> str:
    """A docstring's paragraphs, a line each for the terminal to break, nothing in them mark-up."""
    paragraphs = inspect.cleandoc(docstring).split("\n\n")
    return "\n\n".join(" ".join(lines.split()) for lines in paragraphs).replace("[", "\\[")


_READING, _MAKING = (demo, read, answer, score, serve), (train, train_answerer, calibrate)
for _command in (*_READING, *_MAKING, evaluate, tradeoff, export, push, info, bench):
    app.command(help=_help(_command.__doc__ or ""))(_command)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"skimrnn {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line."""
    open_closed_streams()
    tolerate_any_text(sys.stdout, sys.stderr)
    app(prog_name="skimrnn")
