"""How a command ends when it cannot go on: one clear message, a fixed exit code, no traceback."""

from __future__ import annotations

import io
import os
import sys
from typing import Any, NoReturn, TextIO

import typer
from typer.core import TyperGroup

USAGE = 2
"""Exit code where the user has something to mend: an option, a file, a package to install."""
INTERRUPTED = 130

TRACEBACK_VARIABLE = "SKIMRNN_TRACEBACK"
"""Set to anything, an error is shown with its traceback."""


class Commands(TyperGroup):
    """The group of all commands, which turns expected errors into messages."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command; what it raises of the kinds below becomes a message on stderr."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
            return result
        except BrokenPipeError:
            # Whoever read our output has enough. What is still buffered must not fail at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(1) from None
        except KeyboardInterrupt:
            fail("interrupted", INTERRUPTED)
        except (ValueError, OSError, ImportError, FloatingPointError) as error:
            if os.environ.get(TRACEBACK_VARIABLE):
                raise
            fail(message_of(error))


def fail(message: str, code: int = USAGE) -> NoReturn:
    """Say what is wrong on stderr and end the command.

    Raises:
        typer.Exit: always.
    """
    say_error(message)
    raise typer.Exit(code) from None


def say_error(message: str) -> None:
    """Print an error on stderr, in red where there are colours."""
    from rich.text import Text

    from skimrnn.cli.output import console
    from skimrnn.show.phrases import printable

    screen = console(stderr=True)
    screen.quiet = False
    text = Text.assemble(("error: ", "bold red"), printable(message))
    screen.print(text, soft_wrap=not screen.is_terminal)


def message_of(error: Exception) -> str:
    """One message for an error; a file that could not be opened is named first."""
    if isinstance(error, OSError) and error.strerror:
        named = f"{error.filename}: " if error.filename is not None else ""
        return f"{named}{error.strerror}"
    return str(error) or type(error).__name__


def open_closed_streams() -> None:
    """Put the null device where a standard stream was closed (``>&-``): Python has None there."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            # In this order each takes the lowest number that is free: that of the stream itself.
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115


def tolerate_any_text(*streams: TextIO) -> None:
    """Let characters that a stream cannot encode come out as stand-ins instead of failing."""
    for stream in streams:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
