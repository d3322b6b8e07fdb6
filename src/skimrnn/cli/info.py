"""``skimrnn info``: what is installed, or what a model is."""

from __future__ import annotations

import platform
from importlib import metadata
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skimrnn.cli.options import JsonOption

if TYPE_CHECKING:
    from pathlib import Path

    from skimrnn.model_file import ModelFile


def info(
    model: Annotated[
        str | None,
        typer.Argument(
            metavar="MODEL",
            help="A bundled model's name, or the path of a model folder; left out, the "
            "installation is described.",
            show_default=False,
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Describe the installation, or a model: sizes, rule, labels, how it was trained."""
    from skimrnn.cli.output import print_json

    if model is None:
        found = describe_installation()
        print_json(found, indent=2) if json else _print_installation(found)
        return
    from skimrnn.model_file import read_model
    from skimrnn.runtime import model_folder

    folder = model_folder(model)
    found = describe_model(read_model(folder))
    found = {
        "model": model,
        "folder": str(folder),
        "bytes": sum(file.stat().st_size for file in folder.iterdir() if file.is_file()),
        **found,
    }
    print_json(found, indent=2) if json else _print_model(found)


def describe_installation() -> dict[str, Any]:
    """Versions, implementations, bundled models and the data folder, as JSON values."""
    from skimrnn import __version__, bundled_answerers, bundled_models, implementations
    from skimrnn.extension import ENVIRONMENT_VARIABLE, instruction_sets, named_implementation

    forced = named_implementation()
    folder, looked_in = _data_dir()
    return {
        "skimrnn": __version__,
        "python": platform.python_version(),
        "numpy": _version("numpy"),
        "torch": _version("torch"),
        "implementations": list(implementations()),
        "implementation": forced or implementations()[0],
        "native_reader": bool(instruction_sets()),
        "implementation_forced_by": ENVIRONMENT_VARIABLE if forced else None,
        "bundled_models": list(bundled_models()),
        "bundled_answerers": list(bundled_answerers()),
        "data_dir": None if folder is None else str(folder.resolve()),
        "data_dir_note": looked_in,
    }


def describe_model(file: ModelFile) -> dict[str, Any]:
    """A model's sizes, rule, labels and training, as JSON values."""
    from skimrnn.runtime.native import precisions
    from skimrnn.runtime.registry import NUMPY, able

    arrays = list(file.parameters.values())
    readers = able(file.config, arrays[0].dtype)
    found: dict[str, Any] = {
        "kind": "layer" if file.text is None else "classifier",
        "layer": file.config.to_dict(),
        "rule": {
            "threshold": file.rule.threshold,
            "budget": file.rule.budget,
            "burst": file.rule.burst,
        },
        "layer_parameters": sum(int(array.size) for array in arrays),
        "implementations": list(readers),
        "precisions": list(precisions(file.config)) if readers[0] != NUMPY else [],
    }
    if file.text is not None:
        text = file.text
        head = int(text.head_weight.size + text.head_bias.size)
        found |= {
            "labels": list(text.labels),
            "activation": text.activation,
            "vocabulary": len(text.vocabulary),
            "embedding_parameters": int(text.embedding.size),
            "head_parameters": head,
        }
    return {**found, "training": dict(file.training)}


def _data_dir() -> tuple[Path | None, str]:
    """The data folder if there is one, and where was looked or why that is no folder."""
    from skimrnn.tasks import DataError, find_data_dir

    try:
        return find_data_dir(None)
    except DataError as error:  # what else is installed is told all the same
        return None, str(error)


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _print_installation(found: dict[str, Any]) -> None:
    from skimrnn.extension import ENVIRONMENT_VARIABLE

    active = found["implementation"]
    if active not in found["implementations"]:
        active = f"{active}, which this machine cannot run"
    how = "forced by" if found["implementation_forced_by"] else "another is forced by"
    names = ", ".join(found["implementations"])
    if not found["native_reader"]:
        names += (
            " (the native reader, some thirty times faster, is not installed: install a C++ "
            "compiler, then skimrnn again)"
        )
    _print_rows(
        f"skimrnn {found['skimrnn']}",
        [
            ("python", found["python"]),
            ("numpy", found["numpy"] or "not installed"),
            ("torch", found["torch"] or "not installed (to train: pip install 'skimrnn[train]')"),
            ("implementations", names),
            ("in use", f"{active} ({how} the environment variable {ENVIRONMENT_VARIABLE})"),
            ("bundled models", ", ".join(found["bundled_models"]) or "none"),
            ("that answer questions", ", ".join(found["bundled_answerers"]) or "none"),
            ("data folder", found["data_dir"] or f"none: {found['data_dir_note']}"),
        ],
    )


def _print_model(found: dict[str, Any]) -> None:
    from skimrnn.cli.output import percent

    layer, rule, training = found["layer"], found["rule"], found["training"]
    sizes = " / ".join(map(str, layer["levels"]))
    shape = f"{layer['num_layers']} layer{'s' * (layer['num_layers'] > 1)}"
    shape += ", both directions" if layer["bidirectional"] else ", forward"
    unit = "word" if found["kind"] == "classifier" else "step"
    parameters = f"{found['layer_parameters']:,} in the layers"
    rows = [
        ("kind", "text classifier" if found["kind"] == "classifier" else "layers alone"),
        ("cell", f"{layer['cell']}, {shape}"),
        ("levels", f"{sizes} units" + ("" if len(layer["levels"]) > 1 else " (it never skims)")),
        ("input", f"{layer['input_size']} numbers a {unit}"),
    ]
    if len(layer["levels"]) > 1:
        rows.append(("sees", f"small cell: {layer['skim_input']}, router: {layer['router_input']}"))
        if layer.get("shared"):
            rows.append(("shared", "small cells are the full cell's first units"))
        if layer["router"] != "softmax":
            options = "".join(f", {k} {v}" for k, v in layer.get("router_options", {}).items())
            rows.append(("router", layer["router"] + options))
    if found["kind"] == "classifier":
        parameters += (
            f", {found['embedding_parameters']:,} in the word vectors, "
            f"{found['head_parameters']:,} in the head"
        )
        several = " (any number of them a text)" if found["activation"] == "sigmoid" else ""
        rows.append(("labels", ", ".join(found["labels"]) + several))
        rows.append(("vocabulary", f"{found['vocabulary']:,} words"))
    budget = "no budget" if rule["budget"] is None else f"budget {rule['budget']:g}"
    rows += [
        ("rule", f"threshold {rule['threshold']}, {budget}, burst {rule['burst']:g}"),
        ("parameters", parameters),
        ("read by", _readers(found)),
        ("folder", f"{found['folder']} ({found['bytes'] / 2**20:.1f} MiB)"),
    ]
    task, best = training.get("task"), training.get("best")
    if isinstance(task, dict) and "name" in task:
        rows.append(("trained on", str(task["name"])))
    if isinstance(best, dict) and isinstance(best.get("accuracy"), float):
        skimmed = best.get("skim_rate")
        f1 = f"micro-F1 {percent(best['f1'])}, " if isinstance(best.get("f1"), float) else ""
        rows.append(
            (
                "validation",
                f"{f1}accuracy {percent(best['accuracy'])}"
                + (f", {percent(skimmed)} skimmed" if isinstance(skimmed, float) else ""),
            )
        )
    if isinstance(training.get("command"), str):
        rows.append(("command", training["command"]))
    _print_rows(found["model"], rows)


def _readers(found: dict[str, Any]) -> str:
    """What can read a model, and how its recurrent weights may be kept."""
    names = ", ".join(found["implementations"])
    if not found["precisions"]:
        return f"{names} alone"
    kept = " or ".join(found["precisions"])
    return f"{names}; recurrent weights in {kept} (numpy: as they are)"


def _print_rows(title: str, rows: list[tuple[str, str]]) -> None:
    from rich.table import Table

    from skimrnn.cli.output import console
    from skimrnn.show.phrases import one_line

    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in rows:
        grid.add_row(name, one_line(value))
    screen = console()
    screen.print(one_line(title), style="bold underline")
    screen.print(grid)
