"""``skimrnn export``: write a model for other engines."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from skimrnn.cli.options import ModelArgument, ThresholdOption, parse_threshold


def export(
    model: ModelArgument,
    out: Annotated[
        Path,
        typer.Argument(
            metavar="OUT.onnx",
            help="The file to write; a classifier's words are written beside it.",
            show_default=False,
        ),
    ],
    format: Annotated[str, typer.Option(metavar="onnx", help="What to write.")] = "onnx",
    threshold: ThresholdOption = None,
) -> None:
    """Write a model for other engines, with the threshold fixed in it.

    ONNX says the same and does not skip: it computes all cells at every word.
    """
    from importlib.util import find_spec

    from skimrnn.cli.errors import fail
    from skimrnn.cli.output import note
    from skimrnn.export import compare, export_onnx
    from skimrnn.model_file import read_model
    from skimrnn.runtime import model_folder

    if format != "onnx":
        raise ValueError(f"--format must be onnx; got {format!r}")
    if out.suffix.lower() != ".onnx":
        raise ValueError(f"the file must end in .onnx; got {out}")
    file = read_model(model_folder(model))
    written = export_onnx(file, out, threshold=parse_threshold(threshold))
    note(f"wrote {written.model}, θ fixed at {written.threshold}")
    if written.vocabulary is not None:
        note(f"wrote {written.vocabulary}")
    if find_spec("onnxruntime") is None:
        note("not checked: onnxruntime is not installed (pip install 'skimrnn[onnx]')")
        return
    found = compare(file, written.model, written.threshold)
    what = "sequences" if file.text is None else "texts"
    said = (
        f"in ONNX Runtime, on {found.texts} made-up {what}, {found.equal} of {found.decisions} "
        f"decisions are as in our reader, and the largest difference is {found.largest:.0e}"
    )
    if not found.holds:
        fail(f"{written.model} does not read as the model does: {said}", code=1)
    typer.echo(f"checked: {said}")
