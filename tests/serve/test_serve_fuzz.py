"""Whatever is sent, the server does not fail."""

import json
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

import hypothesis
import hypothesis.strategies as st
import pytest

from fuzz.serving import make_request, send

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
NEARLY = st.fixed_dictionaries(
    {"texts": st.lists(st.text() | JSON, max_size=3) | JSON},
    optional={
        "threshold": st.floats() | st.sampled_from(["argmax", "x", -1, 10**30]) | JSON,
        "budget": st.floats() | JSON,
        "detail": st.booleans() | JSON,
        "more": JSON,
    },
)
TYPES = st.sampled_from(["application/json", "text/plain", "application/x-www-form-urlencoded", ""])


@hypothesis.settings(max_examples=100)
@hypothesis.given(NEARLY | JSON)
def test_no_json_makes_it_fail(site, value):
    reply = site.post(json.dumps(value).encode())
    assert reply.status in (200, 400, 413, 422), reply
    assert reply.json


@hypothesis.settings(max_examples=60)
@hypothesis.given(st.binary(max_size=200), TYPES)
def test_no_bytes_make_it_fail(site, body, content_type):
    reply = site.ask("POST", "/v1/read", body, {"content-type": content_type})
    assert reply.status in (400, 415, 422), reply
    assert reply.json


def test_no_damaged_request_makes_it_fail(site):
    draw = random.Random(0)
    statuses = Counter(send(site.port, make_request(draw)) for _ in range(300))
    assert not [status for status in statuses if status.startswith("5")]
    assert {"200", "400", "405", "422"} <= {*statuses}  # it is of many kinds
    assert site.ask("GET", "/healthz").status == 200


def test_schemathesis_finds_nothing(site):
    """The description and the answers agree, for requests made from the description."""
    pytest.importorskip("schemathesis", reason="needs pip install 'skimrnn[test-serve]'")
    checks = Path(__file__).parent / "schemathesis.toml"
    done = subprocess.run(
        [
            *(
                sys.executable,
                "-m",
                "schemathesis.cli",
                "--config-file",
                str(checks),
                "run",
                "--max-examples",
                "15",
            ),
            *("--seed", "1", "--no-color", "--phases", "examples,coverage,fuzzing"),
            f"http://127.0.0.1:{site.port}/openapi.json",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:]
