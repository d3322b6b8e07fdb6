"""Write docs/benchmarks.md and its picture from results/speed.json.

    python -m benchmarks.speed_report [--check]

What was to be shown is told of every processor that was measured, ``results/speed-*.json`` besides;
what the bundled models do is told of one that has measured today's.
``--check`` writes nothing and fails if the page is not what the result says.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from operator import ge as at_least
from operator import le as at_most
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.pages import between, write_or_check
from skimrnn import cost
from skimrnn.bench.networks import make_network
from skimrnn.files import sha256
from skimrnn.runtime import bundled_models, model_folder

RESULT = Path(__file__).parent / "results" / "speed.json"
ELSEWHERE = sorted(RESULT.parent.glob("speed-*.json"))
DOCS = Path(__file__).parent.parent / "docs"
PAGE, PICTURE = DOCS / "benchmarks.md", DOCS / "reading-time.svg"
README = DOCS.parent / "README.md"
RATES = (0.0, 0.5, 0.75, 0.9, 0.95)

Row = dict[str, Any]


class Rows:
    """The rows of a result, found by what they say."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = [row for row in rows if row["missing"] is None]
        self.missing = [row for row in rows if row["missing"] is not None]
        ours = [row["isa"] for row in self._rows if row["engine"] == "skimrnn"]
        self.isas = list(dict.fromkeys(isa for isa in ours if isa != "numpy"))
        self.sizes = sorted({row["hidden_size"] for row in self._rows})

    def all(self, **wanted: Any) -> list[Row]:
        """Those whose values are these."""
        return [row for row in self._rows if all(row[k] == v for k, v in wanted.items())]

    def one(self, **wanted: Any) -> Row:
        """The only one."""
        [row] = self.all(**wanted)
        return row

    def plain(self, size: int, precision: str, isa: str | None = None, table: bool = True) -> Row:
        """Our plain LSTM."""
        return self.one(
            engine="skimrnn",
            what="plain",
            hidden_size=size,
            precision=precision,
            isa=isa or self.isas[0],
            table=table,
        )

    def skim(self, size: int, precision: str, rate: float, isa: str | None = None) -> Row:
        """Ours, skimming."""
        return self.one(
            what="skim",
            words="zipf",
            hidden_size=size,
            precision=precision,
            skim_rate=rate,
            isa=isa or self.isas[0],
        )

    def peers(self, size: int, precision: str | None = None) -> list[Row]:
        """The other engines, fastest first."""
        found = [r for r in self.all(hidden_size=size) if r["engine"] != "skimrnn"]
        found = [r for r in found if precision in (None, r["precision"])]
        return sorted(found, key=lambda row: row["us_per_token"])


def main() -> None:
    """Write the page and the picture, or check the page."""
    result, *elsewhere = (json.loads(path.read_text()) for path in (RESULT, *ELSEWHERE))
    rows = Rows(result["rows"])

    def pages() -> dict[Path, str]:
        return {
            PAGE: make_page(result, elsewhere),
            README: between(README, "speed", make_summary(result, elsewhere)),
        }

    if write_or_check("benchmarks.speed_report", __doc__, pages):
        draw(rows)


def make_summary(result: dict[str, Any], elsewhere: Sequence[dict[str, Any]]) -> str:
    """What the README shows: text to label on sentences, and one line on the engines."""
    shown = _of_todays_models(result, elsewhere)
    own = f"model sst, {Rows(shown['rows']).isas[0]} "
    sst = "model `sst` as it was" if "sst" in _made_anew(shown) else "model `sst`"
    wanted = {
        f"{own}float32, reading everything": f"{sst}, reading every word",
        f"{own}float32, skimming": f"{sst}, skimming",
        f"{own}int8, skimming": f"{sst}, skimming, int8",
        "tf-idf of words and pairs, logistic regression": "tf-idf of words and pairs, scikit-learn",
        "naive-Bayes-weighted words, pairs, triples, linear.cc": "n-grams, a native loop",
        "fastText, words and pairs": "fastText, words and pairs",
    }
    found = {(row["reader"], row["call"]): row for row in shown["text"] if row["task"] == "sst"}
    lines = []
    for reader, name in wanted.items():
        one, every = (found.get((reader, call)) for call in ("one text", "all texts"))
        assert one is not None
        times = [_number(row and row["us_mean"], 1) for row in (one, every)]
        lines.append([name, f"{100 * one['accuracy']:.1f} %", *times])
    heads = (
        f"SST sentences, text to label; {_processor(shown)}",
        "accuracy",
        "µs, a call each",
        "µs, one call",
    )
    machines = [(_processor(one), Rows(one["rows"])) for one in (result, *elsewhere)]
    full = [(cpu, one.plain(100, "float32")["ratio_to_best_peer"]) for cpu, one in machines]
    part = [(cpu, one.skim(100, "int8", 0.9)["ratio_to_any_peer"]) for cpu, one in machines]

    def said_of(ratios: Sequence[tuple[str, float]]) -> str:
        *most, last = (f"{ratio:.1f} ({cpu})" for cpu, ratio in ratios)
        return " or ".join([", ".join(most), last] if most else [last])

    said = [
        f"In time alone, with random weights, an LSTM of 100 units reads {said_of(full)}",
        "times as fast as in the best other engine (float32, nothing skimmed), and with int8 "
        "weights and 90 % skimmed",
        f"{said_of(part)} times as fast as in the best of any precision,",
        "whose int8 differs most between processors: [docs/benchmarks.md](docs/benchmarks.md), "
        "losses included.",
    ]
    parts = [_table(heads, lines), *_said_of_made_anew(shown), "\n".join(said)]
    return "\n\n".join(parts)


def _made_anew(result: dict[str, Any]) -> list[str]:
    """The bundled models that are not those which were measured."""
    measured = result.get("bundled", {})  # results of long ago did not say which these were
    return [
        name
        for name in bundled_models()
        if sha256(model_folder(name) / "model.safetensors") != measured.get(name)
    ]


def _of_todays_models(
    result: dict[str, Any], elsewhere: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """The first result whose bundled models are today's; the first of all if none is."""
    return next((one for one in (result, *elsewhere) if not _made_anew(one)), result)


def _said_of_made_anew(result: dict[str, Any]) -> list[str]:
    """What there is to say of each."""
    said = []
    for name in _made_anew(result):
        judged = json.loads((RESULT.parent / f"bundled-{name}.json").read_text())["tests"][name]
        said.append(
            f"The model `{name}` was made anew after {_processor(result)} was measured: today's is "
            f"{100 * judged['accuracy']:.1f} % accurate, with {100 * judged['skim_rate']:.0f} % "
            "skimmed."
        )
    return said


def _processor(result: dict[str, Any]) -> str:
    """Its name without what all have, and its best instruction set that we use."""
    name = result["cpu"].replace("(R)", "").replace(" Processor", "")
    return f"{name} with {Rows(result['rows']).isas[0]}"


def make_page(result: dict[str, Any], elsewhere: Sequence[dict[str, Any]]) -> str:
    """All of docs/benchmarks.md."""
    rows = Rows(result["rows"])
    shown = _of_todays_models(result, elsewhere)
    versions = ", ".join(f"{name} {number}" for name, number in result["versions"].items())
    parts = [
        "# How fast it reads",
        "Written by `python -m benchmarks.speed_report` from `benchmarks/results/speed.json`, "
        f"made by `{result['command']}` on {result['date'][:10]} at commit {result['commit'][:7]}: "
        f"{result['cpu']}, Python {result['python']}, {versions}. One thread, processor time; "
        "machines are shared and noisy, so ratios are medians over rounds in which all contenders "
        "read the same texts in turns, each once untimed to bring it back into the caches. "
        "`skimrnn bench` repeats the first part anywhere.",
        *_said_of_made_anew(result),
        "## What was to be shown",
        _targets(result, elsewhere),
        "## One step at a time",
        "From the best float32 engine to skimming, microseconds a word. Any engine could look the "
        "input part up per word, or keep weights in int8: skimming may claim its own step only.",
        _chain(rows),
        "## Reading ids, one text at a time",
        "Random LSTMs with as many inputs as units, texts of 20 to 800 words (median 180) over a "
        "vocabulary of 20,000, frequent words frequent as in language, every word's input part in "
        "the table. Routers run and decide word by word; their bias was shifted until the share "
        "skimmed (S = 5) came near. *alike*: times faster than the best other engine with weights "
        "alike; *any*: than the best of all; *plain*: than our plain LSTM of the same precision; "
        "*model*: time over the sum of reads, skims and router, each measured alone.",
        *(_reading(rows, size) for size in rows.sizes),
        _missing(rows),
        "![time and operations against the share skimmed](reading-time.svg)",
        "## Instruction sets",
        "Microseconds a word; the other engines use what they find on the CPU.",
        _instruction_sets(rows),
        "## From text to label",
        "Processor time a text, mean (and, a call a text, median and 99th percentile), with "
        "accuracy on the whole test set. The bundled model `sst` was trained on sentences of film "
        "reviews and `imdb` on whole ones; each reads the other's texts as it finds them. Every "
        "rival was trained on the task's own training texts. fastText pays for Python's part of "
        "its call, and the naive-Bayes rows, a native loop behind our scanner, for one call of "
        "two.",
        *(
            _texts(one, task)
            for one in ([result] if shown is result else [result, shown])
            for task in ("imdb", "sst")
        ),
        "## int8 against float32",
        "The bundled models. Decisions *forced*: where both read every word, whether their routers "
        "would skim the same; *free*: levels really taken.",
        _precision(shown["precision"]),
        "int8 stays an option, to be asked for: a saved model then gives the same probabilities "
        "wherever it is read, and only AVX-512's byte products make int8 much faster.",
        "## What it takes",
        _resources(shown),
        "## How far from the limit, and what is lost",
        _limits(result, rows),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _table(heads: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    rule = ["---", *("---:" for _ in heads[1:])]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (heads, rule, *lines))


def _number(value: float | None, places: int = 2) -> str:
    return "" if value is None else f"{value:,.{places}f}"


def _us(value: float) -> str:
    return f"{value:.3f}" if value < 10 else f"{value:.1f}"


class Claim(NamedTuple):
    """What was to be shown, and what a result shows of it."""

    what: str
    value: float
    required: float
    aim: float
    unit: str
    holds: Callable[[float, float], bool]

    @property
    def bounds(self) -> list[str]:
        """What is required, and the aim."""
        sign = "≥" if self.holds is at_least else "≤"
        return [f"{sign} {bound:g}{self.unit}" for bound in (self.required, self.aim)]

    @property
    def verdict(self) -> str:
        """The value, and whether it is enough."""
        value = f"{self.value:.2f}{self.unit}" if self.unit else f"{self.value:.0f}"
        if self.holds(self.value, self.aim):
            return f"{value}, aim met"
        return f"{value}, met" if self.holds(self.value, self.required) else f"**{value}, missed**"


def _targets(result: dict[str, Any], elsewhere: Sequence[dict[str, Any]]) -> str:
    """A line a claim, a column a processor."""
    results = (result, *elsewhere)
    heads = [
        f"{_processor(one)}, {one['date'][:10]}, commit {one['commit'][:7]}" for one in results
    ]
    claims = zip(*map(_claims, results), strict=True)
    lines = ([same[0].what, *same[0].bounds, *(one.verdict for one in same)] for same in claims)
    return _table(("what", "required", "aim", *heads), lines)


def _claims(result: dict[str, Any]) -> list[Claim]:
    rows = Rows(result["rows"])
    tests = result["text"]
    resources = result["resources"]

    def text(reader: str, call: str) -> Row:
        [row] = [
            r
            for r in tests
            if r["task"] == "imdb" and r["call"] == call and r["reader"].startswith(reader)
        ]
        return row

    words = text("tf-idf of words, ", "all texts")
    own = f"model imdb, {rows.isas[0]} "
    long_full = words["us_mean"] / text(own + "float32, skimming", "all texts")["us_mean"]
    long_int8 = words["us_mean"] / text(own + "int8, skimming", "all texts")["us_mean"]
    models = [
        rows.skim(size, precision, rate)["ratio_to_model"]
        for size in (100, 512)
        for precision in ("float32", "int8")
        for rate in RATES[1:]
    ]
    always = [1 / rows.skim(100, name, 0.0)["ratio_to_plain"] for name in ("float32", "int8")]
    at_90 = [rows.skim(100, precision, 0.9)["ratio_to_plain"] for precision in ("float32", "int8")]
    lines: list[tuple[str, float, float, float, str, Callable[[float, float], bool]]] = [
        (
            "full read, D=100, float32, against the best float32 engine",
            *(rows.plain(100, "float32")["ratio_to_best_peer"], 1.6, 2.5, "×", at_least),
        ),
        (
            "full read, D=100, int8, against the best int8 engine",
            *(rows.plain(100, "int8")["ratio_to_best_peer"], 2.5, 4, "×", at_least),
        ),
        (
            "90 % skimmed, D=100, int8, against the best engine of any precision",
            *(rows.skim(100, "int8", 0.9)["ratio_to_any_peer"], 8, 15, "×", at_least),
        ),
        (
            "75 % skimmed, D=512, int8, against the best engine of any precision",
            *(rows.skim(512, "int8", 0.75)["ratio_to_any_peer"], 5, 9, "×", at_least),
        ),
        (
            "time over the cost model, worst of all rates, D=100 and 512",
            *(max(models), 1.25, 1.10, "×", at_most),
        ),
        ("90 % skimmed over our plain LSTM, float32", *(at_90[0], 6, 8, "×", at_least)),
        ("90 % skimmed over our plain LSTM, int8", *(at_90[1], 3, 4.5, "×", at_least)),
        (
            "a router that always reads over plain, float32",
            *(always[0], 1.10, 1.04, "×", at_most),
        ),
        (
            "a router that always reads over plain, int8",
            *(always[1], 1.10, 1.04, "×", at_most),
        ),
        (
            "text to label, IMDb reviews, model imdb, float32, against tf-idf of words, batch",
            *(long_full, 1.5, 3, "×", at_least),
        ),
        ("the same, int8", *(long_int8, 1.5, 3, "×", at_least)),
        (
            "import and load of the bundled model sst beyond NumPy, ms",
            *(resources["load_bundled_ms"], 150, 60, "", at_most),
        ),
        (
            "resident memory of a 20,000-word D=100 model beyond NumPy, MB",
            *(resources["resident_large_mb"], 60, 30, "", at_most),
        ),
    ]
    return [Claim(*line) for line in lines]


def _chain(rows: Rows) -> str:
    lines = []
    for size in (100, 512):
        best = rows.peers(size, "float32")[0]
        steps = [
            (f"{best['engine']}, float32", best),
            ("our plain LSTM, float32", rows.plain(size, "float32", table=False)),
            ("+ input part looked up per word", rows.plain(size, "float32")),
            ("+ int8 weights", rows.plain(size, "int8")),
            ("+ 75 % skimmed", rows.skim(size, "int8", 0.75)),
            ("or 90 % skimmed", rows.skim(size, "int8", 0.9)),
        ]
        first = steps[0][1]["us_per_token"]
        for number, (name, row) in enumerate(steps):
            time = row["us_per_token"]
            before = steps[min(number, 4) - 1][1]["us_per_token"] if number else time
            step = f"{before / time:.2f}×" if number else ""
            lines.append([f"D={size}: {name}", _us(time), step, f"{first / time:.2f}×"])
    return _table(("", "µs a word", "this step", "in all"), lines)


def _reading(rows: Rows, size: int) -> str:
    isa = rows.isas[0]
    lines = []
    for row in rows.peers(size):
        lines.append([f"{row['engine']}, {row['precision']}", *_times(row), "", "", "", ""])
    own = [
        row
        for row in rows.all(hidden_size=size, engine="skimrnn")
        if row["isa"] in (isa, "numpy") and row["what"] != "cost"
    ]
    for row in own:
        name = f"{row['isa']} {row['precision']}, "
        if row["what"] == "plain":
            name += "plain" + ("" if row["table"] else ", nothing looked up")
        else:
            name += f"{100 * row['skim_rate_measured']:.0f} % skimmed"
        name += ", rare words" if row["words"] == "rare" else ""
        ratios = ("ratio_to_best_peer", "ratio_to_any_peer", "ratio_to_plain", "ratio_to_model")
        lines.append([name, *_times(row), *(_number(row[key]) for key in ratios)])
    heads = (f"D = {size}", "µs a word", "p99", "spread", "alike", "any", "plain", "model")
    return _table(heads, lines)


def _times(row: Row) -> list[str]:
    return [_us(row[f"us_per_token{key}"]) for key in ("", "_p99", "_spread")]


def _missing(rows: Rows) -> str:
    lines = {f"- {row['engine']}, {row['precision']}: {row['missing']}" for row in rows.missing}
    return "\n".join(["Not measured:", "", *sorted(lines)]) if lines else ""


def _instruction_sets(rows: Rows) -> str:
    lines = []
    for size in rows.sizes:
        for isa in rows.isas:
            cells = [f"D={size}, {isa}"]
            for precision in ("float32", "int8"):
                cells += [
                    _us(rows.plain(size, precision, isa)["us_per_token"]),
                    _us(rows.skim(size, precision, 0.9, isa)["us_per_token"]),
                ]
            lines.append(cells)
    heads = ("", "float32, plain", "90 % skimmed", "int8, plain", "90 % skimmed")
    return _table(heads, lines)


def _texts(result: dict[str, Any], task: str) -> str:
    titles = {"imdb": "IMDb reviews", "sst": "SST sentences"}
    lines = []
    for row in result["text"]:
        if row["task"] == task:
            tails = [_number(row[key], 1) for key in ("us_p50", "us_p99")]
            size = f"{row['model_bytes'] / 1e6:.1f} MB"
            accuracy = f"{100 * row['accuracy']:.1f} %"
            name = f"{row['reader']}; {row['call']} a call"
            lines.append([name, accuracy, _number(row["us_mean"], 1), *tails, size])
    title = f"{titles[task]}; {_processor(result)}"
    heads = (title, "accuracy", "µs a text", "median", "p99", "model")
    return _table(heads, lines)


def _precision(rows: list[Row]) -> str:
    lines = [
        [
            f"{row['model']} on {row['task']}, {row['split']}, {row['texts']:,} texts",
            *(f"{100 * row[key]:.2f} %" for key in ("labels_equal", "decisions_equal_forced")),
            f"{100 * row['decisions_equal_free']:.2f} %",
            *(f"{100 * row[f'accuracy_{name}']:.2f} %" for name in ("float32", "int8")),
        ]
        for row in rows
    ]
    heads = ("", "labels equal", "decisions, forced", "free", "accuracy float32", "int8")
    return _table(heads, lines)


def _resources(result: dict[str, Any]) -> str:
    found = result["resources"]
    threads = found["threads"]
    if "missing" in threads:
        second = f"not measurable here: {threads['missing']}"
        callers = second
    else:
        second = f"{threads['two_workers']:.2f}× (a control loop: {threads['control']:.2f}×)"
        callers = f"{threads['call_ms_p50']:.2f} ms, p99 {threads['call_ms_p99']:.1f} ms"
    large = f"{found['large_words']:,} words, D={found['large_hidden_size']}"
    lines = [
        ["import and load the bundled model sst", f"{found['load_bundled_ms']:.0f} ms"],
        ["import and load the bundled model imdb", f"{found['load_imdb_ms']:.0f} ms"],
        [f"import and load a model of {large}", f"{found['load_large_ms']:.0f} ms"],
        ["resident memory of the bundled model sst", f"{found['resident_bundled_mb']:.0f} MB"],
        ["resident memory of the bundled model imdb", f"{found['resident_imdb_mb']:.0f} MB"],
        ["resident memory of the large one", f"{found['resident_large_mb']:.0f} MB"],
        ["wheel", f"{found['wheel_mb']:.1f} MB"],
        ["two workers against one, texts a second", second],
        ["a call among 16 concurrent callers, two cores", callers],
    ]
    return _table(("beyond `import numpy`", _processor(result)), lines)


def _limits(result: dict[str, Any], rows: Rows) -> str:
    plain = rows.plain(100, "float32")["us_per_token"]
    weights = 4 * 100 * 112 * 4 / 1e3  # kilobytes of recurrent weights, in whole groups
    best = max(
        (r for r in result["text"] if r["task"] == "imdb"), key=lambda row: float(row["accuracy"])
    )
    [own] = [
        r
        for r in result["text"]
        if r["task"] == "imdb"
        and r["reader"] == f"model imdb, {rows.isas[0]} int8, skimming"
        and r["call"] == "one text"
    ]
    untabled = rows.plain(100, "float32", table=False)["ratio_to_best_peer"]
    return "\n".join(
        [
            f"- A float32 read at D=100 streams {weights:.0f} kB of recurrent weights a word, more "
            f"than the first-level cache holds: {weights / plain:.0f} GB/s.",
            f"- Without the word table our plain cell is no faster than the best engine "
            f"({untabled:.2f}×): it multiplies each word's vector alone, where a dense engine "
            "multiplies all words of a text at once.",
            "- int8 pays with AVX-512's byte products; with `avx2` it gains little until the "
            "weights leave the second-level cache, and with `portable` it loses.",
            f"- On whole reviews the most accurate is {best['reader']}: "
            f"{100 * best['accuracy']:.1f} % in {best['us_mean']:.0f} µs a review, against "
            f"{100 * own['accuracy']:.1f} % in {own['us_mean']:.0f} µs for the bundled model "
            f"`imdb` in int8.",
            "- Skimming's gain in time is smaller than its gain in operations wherever a read is "
            "cheap: router, table row and loop cost the same for every word.",
        ]
    )


def draw(rows: Rows) -> None:
    """Time against share skimmed, beside operations against share skimmed."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "skimrnn"
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(9.5, 3.8), layout="constrained")
    colours = {("float32", 100): "#1f6f8b", ("int8", 100): "#c0562f"}
    colours |= {("float32", 512): "#7fb7c9", ("int8", 512): "#e3a78d"}
    for (precision, size), colour in colours.items():
        found = [rows.skim(size, precision, rate) for rate in RATES]
        x = [100 * row["skim_rate_measured"] for row in found]
        plain = rows.plain(size, precision)["us_per_token"]
        y = [plain / row["us_per_token"] for row in found]
        axes[0].plot(x, y, "o-", color=colour, label=f"D={size}, {precision}", markersize=4)
    for size in (100, 512):
        config = make_network("lstm", size, 5).config
        read, skim = cost.level_operations(config, 0, recurrent=True)
        router = cost.router_operations(config, 0, recurrent=True)
        x = [100 * rate for rate in RATES]
        y = [read / (router + (1 - rate) * read + rate * skim) for rate in RATES]
        colour = colours["float32", size]
        axes[1].plot(x, y, "s-", color=colour, label=f"D={size}", markersize=4)
    for axis, title in zip(
        axes,
        ("measured time: plain ÷ skimming", "operations (recurrent part): plain ÷ skimming"),
        strict=True,
    ):
        axis.set_title(title, fontsize=10)
        axis.set_xlabel("words skimmed, %")
        axis.set_ylim(0, 20)
        axis.grid(alpha=0.3)
        axis.spines[["top", "right"]].set_visible(False)
        axis.legend(frameon=False, fontsize=9)
    axes[0].set_ylabel("times faster")
    axes[1].set_ylabel("times fewer")
    figure.savefig(PICTURE, metadata={"Date": None})


if __name__ == "__main__":
    main()
