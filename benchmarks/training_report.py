"""Write docs/training.md from results/training.json and results/training-gpu.json.

    python -m benchmarks.training_report [--check]

``--check`` writes nothing and fails if the page is not what the result says.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.pages import write_or_check
from skimrnn.bench.training import DEFAULT_PATH

RESULT = Path(__file__).parent / "results" / "training.json"
GPU_RESULT = RESULT.with_name("training-gpu.json")
PAGE = Path(__file__).parent.parent / "docs" / "training.md"

HEADLINE = "T=200, B=32, D=100"
EQUAL = ("T=50, B=32, D=100", "T=200, B=128, D=100", "T=400, B=64, D=200")
NATURAL = "natural lengths, B=32, D=100"

Row = dict[str, Any]

USAGE = """\
## How a step is computed

A layer's `path` says it, at its making or later: `"native"` is one call into C++ for the whole
sequence, on the CPU, for LSTM and GRU in float32 with the softmax router; `"fused"` is one kernel
for the whole sequence on a GPU, in Triton, for an LSTM in float32 with the softmax router that
reads all or has two levels; `"graph"` is torch's loop recorded as CUDA graphs for a bucket of
shapes, and replayed; `"eager"` is torch's loop as it is, the reference, for every cell, router,
device and dtype; `"auto"`, the default, takes the first of these that can. All take the same noise
and give the same gradients but for rounding. The number of torch's threads moves the gradients of
weights in the last bits, nothing else. A second derivative, one in forward mode and a batch of
gradients at once need `"eager"`, which `"auto"` takes under the transforms of `torch.func`, and
where `noise` or the temperature is learnt. `torch.func.vmap` is for training mode: in `eval()` the
data say which cell runs.

The commands let torch's threads sleep while they wait: they set `OMP_WAIT_POLICY=PASSIVE` unless it
is set. Threads that spin, which is OpenMP's habit, make a step of many small products many times as
long where other programs want the same cores. A script of your own sets it before it imports torch.

While a run trains, memory that its steps free stays with the process, and goes back to the system
after the last step: texts of hundreds of words need large blocks at every step, and each would come
back page by page. This is done by settings of glibc's malloc; where the environment has its own
(`MALLOC_MMAP_THRESHOLD_` and the like, or `glibc.malloc` in `GLIBC_TUNABLES`), they hold.

On a GPU a skip saves nothing: both cells are computed, in training and in `eval()`, where the
kernel decides by the threshold (a budget, or levels that are given, go through torch's loop). The
tests run the kernel on the CPU by Triton's interpreter; on a GPU,
`TRITON_INTERPRET=0 python -m pytest tests/nn/test_fused.py` runs them there.

- `torch.compile` leaves the layers as they are, as it leaves torch's own, and compiles around them.
- `torch.export` and `torch.jit.trace` refuse them, because which cell runs depends on the data;
  with `skimming=False` the full cell is exported. `torch.jit.script` cannot read them.
- Under autocast a layer computes, and gives its outputs, in its weights' dtype. Layers in float64,
  float16 and bfloat16 take torch's loop.
- A process that is forked after torch, or a layer of ours, has computed on several threads hangs
  when it does so itself, as OpenMP's threads are not forked with it: start it by `"spawn"`, or call
  `torch.set_num_threads(1)` in it.
- `record()` collects what its own thread calls: under `nn.DataParallel` it belongs inside of the
  module that is replicated. A checkpoint needs `use_reentrant=False`; the old kind gives no penalty
  a gradient, which is refused.

## Several processes or machines

    torchrun --nproc-per-node 2 -m skimrnn train imdb --out ./imdb

Every process takes its share of each batch, and gradients are averaged by DistributedDataParallel:
that is the joined batch's gradient. The first process evaluates, writes checkpoints and the model,
and hands a checkpoint on when a run is resumed, so only its disk counts. On several machines, start
the same command on each, with the data there, as torchrun wants it:

    torchrun --nnodes 2 --nproc-per-node 8 --rdzv-backend c10d --rdzv-endpoint FIRST:29500 \\
        -m skimrnn train imdb --out ./imdb

`--device cuda` takes one GPU a process."""


def main() -> None:
    """Write the page, or check it."""
    write_or_check(
        "benchmarks.training_report",
        __doc__,
        lambda: {PAGE: make_page(*(json.loads(p.read_text()) for p in (RESULT, GPU_RESULT)))},
    )


def make_page(result: dict[str, Any], gpu: dict[str, Any]) -> str:
    """All of docs/training.md."""
    of_cpu = [row for row in result["rows"] if row["device"] == "cpu"]
    rows = [row for row in (*of_cpu, *gpu["rows"]) if row["missing"] is None]
    missing = sorted(
        {f"- {_where(row)}: {row['missing']}" for row in of_cpu if row["missing"] is not None}
    )
    versions = ", ".join(f"{name} {number}" for name, number in result["versions"].items())
    parts = [
        "# How fast it trains",
        "Written by `python -m benchmarks.training_report` from "
        f"`benchmarks/results/training.json`, made by `{result['command']}` on "
        f"{result['date'][:10]} at commit {result['commit'][:7]}: {result['cpu']}, Python "
        f"{result['python']}, {versions}. Forward and backward pass of one layer with as many "
        "inputs as units, S = 5, T words by B texts, denormal numbers flushed for all. "
        "Contenders take turns in one process; ratios are medians over rounds. Processor time for "
        "one thread, the clock for two. `skimrnn bench training --all-paths` repeats it anywhere.",
        "Rows of a GPU are from `benchmarks/results/training-gpu.json`, made by "
        f"`{gpu['command']}` on {gpu['date'][:10]} at commit {gpu['commit'][:7]}: "
        f"{gpu['rows'][0]['device']}, torch {gpu['versions']['torch']}, by the clock.",
        "## What was to be shown",
        _targets(rows),
        *(["Not measured:", "\n".join(missing)] if missing else []),
        "## Every row",
        "*plain* is torch's own layer, `auto` what a skimming layer does by default, `eager` "
        "torch's loop over the words, which is the reference in torch. *÷ torch's*: time over that "
        "of the plain layer, below 1 is faster; *gain*: of two threads over one; *MB*: most memory "
        "beyond weights and inputs. Natural lengths are like those of IMDb's training reviews cut "
        "at 400 words, in batches of similar length, packed.",
        _all(rows),
        "## An epoch of IMDb",
        "25,000 reviews cut at 400 words less a tenth for validation, batches of 32, one thread, "
        "word vectors, head and optimiser included.",
        _epochs(result["epochs"]),
        USAGE,
        "## Where it goes",
        "A skimming layer does what torch's LSTM does, and router, small cell and mixture as well. "
        "It is about as fast because the products of a chunk of some 256 words (inputs, gradients "
        "of inputs and weights) run while its gates are in the cache, because packed batches cost "
        "their real words alone, and because little is kept: the activated gates, c and h. At "
        "T = 50 everything fits into the cache anyway, and torch's LSTM is ahead. The kernels know "
        "LSTM and GRU in float32 with the softmax router; anything else goes through torch's loop, "
        'by the same name "auto".',
        "On the GPU our kernel keeps no weights between steps and reads them anew for each. Where "
        "all texts are equally long cuDNN is ahead; on packed texts of unequal lengths ours is. "
        "The rows above are of two levels. Of the full cell alone (packed batches in training) the "
        "backward pass was mended after that run, where it had read beyond an array, and has not "
        "been timed since; the graph path's gradients are compared on the CPU alone.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _where(row: Row) -> str:
    if row["device"] != "cpu":
        return str(row["device"])
    return "one thread" if row["threads"] == 1 else f"{row['threads']} threads"


def _table(heads: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    rule = ["---", *("---:" for _ in heads[1:])]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (heads, rule, *lines))


def _one(rows: list[Row], shape: str, path: str = DEFAULT_PATH, threads: int = 1) -> Row | None:
    found = [
        row
        for row in rows
        if (row["device"], row["shape"], row["cell"]) == ("cpu", shape, "lstm")
        and (row["path"], row["threads"]) == (path, threads)
    ]
    return found[0] if found else None


def _targets(rows: list[Row]) -> str:
    lines: list[tuple[str, float | None, float, float, bool]] = []

    def ratio(shape: str) -> float:
        row = _one(rows, shape)
        assert row is not None
        return float(row["ratio_to_nn_lstm"])

    lines.append((f"{HEADLINE}: time over `nn.LSTM`'s", ratio(HEADLINE), 1.2, 0.8, False))
    lines += [(f"{shape}: the same", ratio(shape), 1.3, 0.9, False) for shape in EQUAL]
    two = _one(rows, HEADLINE, threads=2)
    gain = None if two is None else float(two["gain"])
    lines.append((f"{HEADLINE}: two threads over one", gain, 1.5, 1.8, True))
    lines.append(
        ("natural lengths: words a second over packed `nn.LSTM`'s", 1 / ratio(NATURAL), 1, 2, True)
    )
    memory = []
    for shape in (HEADLINE, *EQUAL, NATURAL):
        ours, plain = _one(rows, shape), _one(rows, shape, "plain")
        if ours and plain and ours["peak_mb"] and plain["peak_mb"]:
            memory.append(ours["peak_mb"] / plain["peak_mb"])
    lines.append(
        ("peak memory over `nn.LSTM`'s, worst shape", max(memory, default=None), 1.5, 1, False)
    )
    lines.append(
        ("on a GPU, T=200, B=128, D=100: time over cuDNN's `nn.LSTM`", _gpu(rows), 3, 1.5, False)
    )

    def cells(what: str, value: float | None, required: float, aim: float, more: bool) -> list[str]:
        sign = "≥" if more else "≤"
        bounds = [f"{sign} {bound:g}×" for bound in (required, aim)]
        if value is None:
            return [what, "not measured", *bounds, ""]
        held = [value >= bound if more else value <= bound for bound in (required, aim)]
        verdict = "aim met" if held[1] else "met" if held[0] else "**missed**"
        return [what, f"{value:.2f}×", *bounds, verdict]

    return _table(("what", "measured", "required", "aim", ""), (cells(*line) for line in lines))


def _gpu(rows: list[Row]) -> float | None:
    found = [
        row
        for row in rows
        if row["device"] != "cpu" and row["shape"] == EQUAL[1] and row["path"] == DEFAULT_PATH
    ]
    return float(found[0]["ratio_to_nn_lstm"]) if found else None


def _all(rows: list[Row]) -> str:
    lines = [
        [
            f"{row['cell']}, {row['shape']}"
            + ("" if row["device"] == "cpu" else f", {row['device']}"),
            row["path"],
            str(row["threads"]),
            f"{row['ms']:,.1f}",
            f"{row['ms_spread']:,.1f}",
            f"{row['ratio_to_nn_lstm']:.2f}",
            f"{row['tokens_per_second']:,.0f}",
            "" if row["gain"] is None else f"{row['gain']:.2f}",
            "" if row["peak_mb"] is None else f"{row['peak_mb']:.0f}",
        ]
        for row in rows
    ]
    heads = ("", "path", "threads", "ms", "spread", "÷ torch's", "words/s", "gain", "MB")
    return _table(heads, lines)


def _epochs(epochs: list[Row]) -> str:
    names = {
        "plain": "plain `nn.LSTM`, D = 100",
        "native": "Skim-LSTM, D = 100, S = 5",
        "eager": "the same through torch's loop, as it was before there were kernels",
    }
    lines = [
        [names[one["path"]], f"{one['seconds']:.0f}", f"{one['words'] / one['seconds']:,.0f}"]
        for one in epochs
    ]
    return _table(("", "seconds", "words/s"), lines)


if __name__ == "__main__":
    main()
