"""Write docs/serving.md from results/serving.json.

    python -m benchmarks.serving_report [--check]

``--check`` writes nothing and fails if the page is not what the result says.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.pages import write_or_check

RESULT = Path(__file__).parent / "results" / "serving.json"
PAGE = Path(__file__).parent.parent / "docs" / "serving.md"

USE = """\
# Serving a model

```sh
pip install '.[serve]'
skimrnn serve sst            # or imdb, or ./a-model-folder
```

It prints an address of this machine, and listens there alone unless `--host` says otherwise.
There is no password and no TLS: put a proxy before it to let others in. `--port 0` takes a free
port, `--workers` says how many threads read, `--log-requests` writes a line for each request.

![The page: a text, the words that were read marked, the probability along it, the time](serve.png)

**The page**, `/`: paste a text, turn θ or a budget, and see which words are read, how the
probability moves from word to word, and the time beside reading everything. One file without
anything from elsewhere; its policy (CSP) lets its own script and style run and nothing else. It
works by keyboard and is read aloud.

**For programs**, `POST /v1/read`:

```sh
curl localhost:8000/v1/read -H 'content-type: application/json' \\
  -d '{"texts": ["A joy from start to finish ."], "threshold": 0.3, "budget": 0.5, "detail": false}'
```

| | |
| --- | --- |
| `texts` | 1 to 256 texts, at most 100,000 characters each and a body of 1 MiB |
| `threshold` | θ, a number or `"argmax"`; the model's own if left out |
| `budget` | ceiling on the share of words read; the model's own if left out |
| `detail` | also each word's level and p (`view`, as `skimrnn read --json` prints it), the \
`course` of the probabilities and the `time`; at most 30,000 characters in all |

`course` is a session fed word by word, some 200 points at most: it costs one more reading in
pieces (the table below). A model that also reads from the end, or whose router looks ahead, has
none, for what it says of a beginning hangs on what follows. `time` is the thread's processor time
from text to label, the median of up to five rounds in which reading as asked and reading everything
take turns.

What is refused says why in one sentence, `{"detail": "..."}`: 400 no JSON, 408 a body that is
late, 413 too much, 422 a value that is not as described, 503 with `Retry-After` when more is
asked than may wait. `GET /v1/model` says what is served, `/openapi.json` describes all of it,
`/healthz` and `/readyz` are for a supervisor, `/metrics` for Prometheus: requests by route and
status, seconds, texts, words read and skimmed. No log and no counter holds a text, a path or a
query; of an error, its kind and place are logged.

**Limits** (`skimrnn.serve.Limits`): 10 s for a head and for a body to arrive, 15 s between
requests, 256 connections, a thread a core up to four, 64 requests that wait for one and no longer
than 5 s. A reading that has begun is not broken off; the limits on size bound it.

**The end**: on SIGTERM or Ctrl+C `/readyz` says 503 for half a second while all else goes on;
then no connection is taken, each answer asks its client to close, and connections at rest are
closed last.
"""


def main() -> None:
    """Write the page, or check it."""
    write_or_check(
        "benchmarks.serving_report",
        __doc__,
        lambda: {PAGE: make_page(json.loads(RESULT.read_text()))},
    )


def make_page(result: dict[str, Any]) -> str:
    """All of docs/serving.md."""
    first = result["overhead"]
    versions = ", ".join(f"{name} {number}" for name, number in first["versions"].items())
    beside = "; ".join(
        f"{name}: {part['note']}, {part['load_average_before']:.0f}"
        for name, part in result.items()
    )
    parts = [
        USE.rstrip(),
        "## What was measured",
        "Written by `python -m benchmarks.serving_report` from `benchmarks/results/serving.json`, "
        f"made by `{first['command']}` on {first['date'][:10]}: {first['cpu']}, Python "
        f"{first['python']}, {versions}. Model `sst`, loopback, the clients on the same cores as "
        f"the server. Beside it, and the load average before: {beside}.",
    ]
    for title, part, write in (
        ("What the server adds", "overhead", _overhead),
        ("Under load", "load", _load),
        ("The end", "stop", _stop),
        ("Memory", "memory", _memory),
        ("Fuzzing", "fuzz", _fuzz),
    ):
        if part in result:  # the benchmark measures them one after the other
            parts += [f"### {title}", write(result[part])]
    return "\n\n".join(parts) + "\n"


def _table(heads: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    rule = ["---", *("---:" for _ in heads[1:])]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (heads, rule, *lines))


def _overhead(found: dict[str, Any]) -> str:
    lines = []
    for row in found["rows"]:
        reader = row.get("reader_us")
        lines.append(
            [
                row["what"],
                f"{row['words']:,}" if "words" in row else "",
                "" if reader is None else f"{reader:,.0f}",
                f"{row['us']:,.0f}",
                "" if reader is None else f"{row['us'] - reader:,.0f}",
                f"{row['server_cpu_us']:,.0f}",
            ]
        )
    heads = ("", "words", "reader, µs", "request, µs", "added, µs", "server's CPU, µs")
    return (
        "One client, one request after the other. *reader*: `model.read` in the client's process, "
        "which ends with the readings; *request*: from the first byte sent to the last received; "
        f"both the median by the clock of {found['calls']:,} calls. *server's CPU*: its processor "
        "time a request.\n\n" + _table(heads, lines)
    )


def _load(found: dict[str, Any]) -> str:
    errors = ", ".join(f"{count} × {what}" for what, count in found["errors"].items())
    return (
        f"{found['clients']} clients for {found['seconds']:.0f} s, a sentence a request, each "
        f"asking again as soon as it was answered: {found['requests']:,} requests, "
        f"**{found['requests_per_s']:,.0f} a second**, median {found['p50_ms']:.1f} ms, "
        f"**p99 {found['p99_ms']:.1f} ms**, p99.9 {found['p999_ms']:.1f} ms, longest "
        f"{found['max_ms']:.0f} ms; {errors or 'no error'}. The server took "
        f"{100 * found['server_cpu_share']:.0f} % of a core."
    )


def _stop(found: dict[str, Any]) -> str:
    lost = {what: count for what, count in found.items() if what.startswith("not answered")}
    said = ", ".join(f"{count} {what}" for what, count in lost.items())
    return (
        f"SIGTERM in the midst of such a load, eight sentences a request: {found['asked']:,} "
        f"requests were sent, {found['answered']:,} answered; {said or 'none was lost'}. All "
        f"{found['clients refused at the end']} clients were then refused a connection."
    )


def _memory(found: dict[str, Any]) -> str:
    points = found["points"]
    wanted = [points[0], points[1], points[len(points) // 2], points[-1]]
    line = ", ".join(f"{point['mb']:.1f} MB after {point['texts']:,}" for point in wanted)
    grown = points[-1]["mb"] - points[1]["mb"]
    return (
        f"Resident memory over {points[-1]['texts']:,} texts, {found['at_once']} a request: "
        f"{line}; {grown:+.1f} MB from the second of these to the last."
    )


def _fuzz(found: dict[str, Any]) -> str:
    described, damaged = found["described"], found["damaged"]
    total = sum(described.values()) + sum(damaged.values())
    fives = sum(
        count for status, count in found["server_statuses"].items() if status.startswith("5")
    )
    rows = [
        [name, f"{sum(counts.values()):,}", _statuses(counts)]
        for name, counts in (
            ("made from the description, by Schemathesis", described),
            ("damaged, by `python -m fuzz.serving`", damaged),
        )
    ]
    failures = "; ".join(found["described_failures"])
    return (
        f"{total:,} requests, {fives} of them answered 5xx. Schemathesis also checks every answer "
        f"against the description: {failures or 'nothing found'}. *none*: what was sent broke off "
        "before it was a request, and the connection was closed.\n\n"
        + _table(("", "requests", "by status"), rows)
    )


def _statuses(counts: dict[str, int]) -> str:
    return ", ".join(f"{status}: {count:,}" for status, count in counts.items())


if __name__ == "__main__":
    main()
