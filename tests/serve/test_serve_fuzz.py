"""Whatever is sent, the server does not fail."""

import json

import hypothesis
import hypothesis.strategies as st
import pytest

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


@hypothesis.settings(max_examples=100)
@hypothesis.given(st.binary(max_size=200))
def test_no_bytes_on_the_wire_make_it_fail(site, sent):
    with site.socket() as connection:
        connection.sendall(b"GET /" + sent + b"\r\n\r\n")
        connection.shutdown(1)
        first = connection.recv(65536)
    assert not first.startswith(b"HTTP/1.1 5")
    assert site.ask("GET", "/healthz").status == 200


def test_schemathesis_finds_nothing(site):
    """The description and the answers agree, for requests made from the description."""
    pytest.importorskip("schemathesis", reason="needs pip install 'skimrnn[test-serve]'")
    import subprocess
    import sys

    done = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "run", "--max-examples", "15"),
            *("--seed", "1", "--no-color", "--phases", "examples,coverage,fuzzing"),
            f"http://127.0.0.1:{site.port}/openapi.json",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:]
