"""Write docs/export.md from results/export.json.

    python -m benchmarks.export_report [--check]

``--check`` writes nothing and fails if the page is not what the result says.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.pages import write_or_check

RESULT = Path(__file__).parent / "results" / "export.json"
PAGE = Path(__file__).parent.parent / "docs" / "export.md"

Row = dict[str, Any]

PAGE_TEXT = """\
# ONNX

    skimrnn export sst sst.onnx --format onnx        # pip install 'skimrnn[onnx]'
    skimrnn export ./mine mine.onnx --threshold 0.3

writes a model for ONNX Runtime and others, and a classifier's words beside it
(`sst.vocabulary.txt`). **It does not skip.** A graph of standard operators takes one way for a
whole batch, so at every word it computes the router and every cell, and `Where` keeps what the
router chose. It says what our reader says, at more than the price of the full cell: it is there
for places that only an ONNX file can go to. What it costs stands [below](#what-it-costs).

θ is fixed in the file. At `--threshold 1` (or below 0) only the one cell that is then always taken
is in it. A model that reads with a budget is refused: a budget counts what was read so far
(`skimrnn calibrate --no-budget` takes it away). Every
cell, option, number of levels, layers and directions can be exported, and every router that is
written in `routers.Ops`.

| input | |
| --- | --- |
| `rows` int64 (B, T) | a classifier's words, by lines of the vocabulary file from 0; 0 is unknown |
| `x` (B, T, E) | a bare layer's vectors, in the place of `rows` |
| `lengths` int64 (B,) | words of each text, 0 for a text without a word; T is at least 1 |

What stands past a text's length may be anything.

| output | |
| --- | --- |
| `probabilities` (B, C) | a classifier's, in the order of `labels` |
| `output` (B, T, directions · D) | a bare layer's, 0 past a text's length |
| `h_n`, `c_n` (layers · directions, B, D) | a bare layer's; `c_n` of an LSTM only |
| `level` int8 (B, layers · directions, T) | 0 read, 1 and above skimmed, -1 past the length |

The model's metadata has `threshold`, `labels` (JSON), `layer` (JSON, the options as in
[config.json](model-format.md)), `skimrnn_version` and `model_digest`. It needs opset {opset} and
nothing outside ONNX's own operators. float64 models stay float64; other models are in float32.

How a text is cut into words is not in the graph. In Python it is `skimrnn.text.scan`:

```python
import json
import numpy as np
import onnxruntime
from skimrnn.export import export_onnx
from skimrnn.model_file import read_model
from skimrnn.runtime import model_folder
from skimrnn.text import Vocabulary, scan

exported = export_onnx(read_model(model_folder("sst")), "sst.onnx")

session = onnxruntime.InferenceSession(exported.model)
labels = json.loads(session.get_modelmeta().custom_metadata_map["labels"])
vocabulary = Vocabulary.from_text(exported.vocabulary.read_text(encoding="utf-8"))

rows = vocabulary.rows(scan("A joy from start to finish .").words).astype(np.int64)
probabilities, level = session.run(None, {{"rows": rows[None], "lengths": np.array([len(rows)])}})
print(labels[probabilities[0].argmax()], probabilities[0].round(2), level[0, 0])
```

After writing, `skimrnn export` reads made-up texts with the file in ONNX Runtime, if that is there,
and with our reader, and says what it found. Decisions may differ where a probability is within 1e-6
of where the decision turns, because sums are made in another order; from there on a text may be
read otherwise. The tests hold every cell and option to that.

## What it costs

Written by `python -m benchmarks.export_report` from `benchmarks/results/export.json`, made by
`{command}` on {date} at commit {commit}: {cpu}, one thread, {versions}; beside it the machine was
doing this: {beside}. Microseconds of processor time a word, medians over {rounds} rounds in which
the contenders took turns on texts of 20 to 800 words; an LSTM with as many inputs as units,
S = {skim_size}, {skim_rate} of the words skimmed.

{table}

In small layers the loop costs mostly the calls of its operators, some fifty a word, and a text
alone pays for all of them; a batch shares them, and in large layers the weights that are fetched
for it as well. ONNX's own `LSTM` operator is one call a text, which the graph of a skimming layer
cannot be.
"""

NAMES = {
    "ours": "our reader, skimming",
    "ours-reading": "our reader, θ = 1: every word read",
    "onnx": "exported, one text at a time",
    "onnx-batch": "exported, {batch} texts of equal length at once",
    "onnx-reading": "exported at θ = 1, one text at a time",
    "onnx-lstm": "ONNX's own `LSTM` operator, without router",
}


def main() -> None:
    """Write the page, or check it."""
    write_or_check(
        "benchmarks.export_report",
        __doc__,
        lambda: {PAGE: make_page(json.loads(RESULT.read_text()))},
    )


def make_page(result: dict[str, Any]) -> str:
    """All of docs/export.md."""
    from skimrnn.export.onnx_model import OPSET

    rows: list[Row] = result["rows"]
    sizes = sorted({row["hidden_size"] for row in rows})
    rates = {row["skim_rate"] for row in rows}
    heads = ["", *(f"D = {size}, µs" for size in sizes), *(f"÷ ours, D = {size}" for size in sizes)]
    lines = [heads, ["---", *("---:" for _ in heads[1:])]]
    for what, name in NAMES.items():
        times = [_time(rows, size, what) for size in sizes]
        ratios = [time / _time(rows, size, "ours") for time, size in zip(times, sizes, strict=True)]
        lines.append(
            [
                name.format(batch=result["batch"]),
                *(f"{time:.1f}" for time in times),
                *(f"{ratio:.1f}" for ratio in ratios),
            ]
        )
    versions = [f"{name} {result['versions'][name]}" for name in ("onnxruntime", "numpy")]
    return PAGE_TEXT.format(
        opset=OPSET,
        command=result["command"],
        date=result["date"][:10],
        commit=result["commit"][:7],
        cpu=result["cpu"],
        versions=", ".join(versions),
        beside=result["beside"],
        rounds=result["rounds"],
        skim_size=result["skim_size"],
        skim_rate=" and ".join(sorted({f"{100 * rate:.0f} %" for rate in rates})),
        table="\n".join("| " + " | ".join(cells) + " |" for cells in lines),
    )


def _time(rows: list[Row], size: int, what: str) -> float:
    [row] = [row for row in rows if (row["hidden_size"], row["what"]) == (size, what)]
    return float(row["us_per_word"])


if __name__ == "__main__":
    main()
