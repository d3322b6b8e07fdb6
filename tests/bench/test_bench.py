"""The bench: routers that decide as wanted, engines that agree, rows that say what they are."""

import json
from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

from skimrnn.bench import networks, peers, reading, timing
from skimrnn.bench.networks import make_network, make_texts, reader_of, with_skim_rate
from skimrnn.bench.peers import PEERS, Peer
from skimrnn.bench.reading import RATES, bench
from skimrnn.cli import app
from skimrnn.decision import Rule
from skimrnn.runtime import implementations


@pytest.fixture(autouse=True)
def few_words(monkeypatch):
    """Small enough for seconds."""
    monkeypatch.setattr(networks, "VOCABULARY", 300)
    monkeypatch.setattr(networks, "TEXTS", 3)


def test_texts_have_natural_lengths_and_words():
    texts = make_texts(0)
    assert texts[0].dtype == np.int32
    assert len({len(text) for text in texts}) == 3
    words = np.concatenate(texts)
    assert (words < 30).mean() > 0.4  # a few words are most of a text
    rare = np.concatenate(make_texts(0, "rare"))
    assert rare.min() >= 150
    assert rare.max() < 300
    assert [t.tolist() for t in make_texts(0)] == [t.tolist() for t in texts]


@pytest.mark.parametrize("rate", [0.0, 0.5, 0.9, 1.0])
def test_routers_run_and_skim_as_wanted(rate):
    texts = make_texts(0)
    network = with_skim_rate(make_network("lstm", 20, 5), rate, texts)
    reader = reader_of(network)
    assert abs(networks.skim_rate(reader, texts) - rate) < 0.02
    read = [reader.read_words(text, Rule()) for text in texts]
    if 0 < rate < 1:
        p = np.concatenate([one.p[0, 0, :, 1] for one in read])
        assert np.unique(p).size > 50  # it looks at words and state
        level = np.concatenate([one.level[0, 0] for one in read])
        assert (np.diff(level) != 0).mean() > 0.05


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: f"{peer.engine}-{peer.precision}")
def test_engines_read_what_we_read(peer):
    network = make_network("lstm", 20, None)
    texts = make_texts(1)

    def read_all():
        read = peer.make(network)
        return [read(text) for text in texts]

    try:
        states = timing.in_own_thread(read_all)
    except ImportError as error:
        pytest.skip(f"needs pip install 'skimrnn[bench]': {error}")
    reference = reader_of(network, "numpy")
    for text, state in zip(texts, states, strict=True):
        wanted = reference.read_words(text, Rule()).h_n[0]
        close = 1e-5 if peer.precision == "float32" else 0.05
        np.testing.assert_allclose(state, wanted, rtol=0, atol=close)


def test_the_callers_floating_point_mode_is_its_own():
    tiny = np.full(4, 1e-40, np.float32)

    def denormals_are_kept():
        return bool((tiny * np.float32(1) != 0).all())

    assert denormals_are_kept()
    bench((8,), rounds=1)
    assert denormals_are_kept()


def stand_in(engine="stand-in", precision="float32"):
    """An engine that is there on every machine: the reference."""

    def make(network):
        reader = reader_of(network, "numpy")
        return lambda rows: reader.read_words(rows, Rule()).h_n[0]

    return Peer(engine, precision, make)


def absent(network):
    raise ImportError("No module named 'absent'")


@pytest.fixture(scope="module")
def rows():
    patch = pytest.MonkeyPatch()
    patch.setattr(networks, "VOCABULARY", 300)
    patch.setattr(networks, "TEXTS", 2)
    engines = [stand_in(), Peer("absent", "int8", absent)]
    made = bench((33,), rounds=2, all_implementations=True, peers=engines)
    patch.undo()
    return made


def test_there_is_a_row_for_each_contender(rows):
    native = [name for name in implementations() if name != "numpy"]
    assert [row.missing for row in rows if row.engine == "absent"] == [
        "not installed: No module named 'absent'"
    ]
    numpy = [row for row in rows if row.isa == "numpy"]
    assert [(row.what, row.precision) for row in numpy] == [("plain", "float32")]
    for name in native:
        for precision in ("float32", "int8"):
            own = [row for row in rows if (row.isa, row.precision) == (name, precision)]
            assert sorted(row.table for row in own if row.what == "plain") == [False, True]
            skimming = [row for row in own if row.what == "skim" and row.words == "zipf"]
            assert [row.skim_rate for row in skimming] == list(RATES)
            for row in skimming:
                assert abs(row.skim_rate_measured - row.skim_rate) < 0.05
                assert row.ratio_to_model > 0
                assert row.ratio_to_plain > 0
            assert {row.words for row in own} == {"zipf", "rare"}


def test_rows_hold_what_they_say(rows):
    for row in rows:
        if row.missing:
            assert row.us_per_token is None
            continue
        assert row.us_per_token > 0
        assert row.us_per_token_p99 > 0
        assert row.us_per_token_spread >= 0
        if row.what == "plain" and row.isa != "numpy":
            assert row.error < (1e-4 if row.precision == "float32" else 0.1)
        zipf_of_ours = row.engine == "skimrnn" and row.isa != "numpy" and row.words == "zipf"
        assert (row.ratio_to_any_peer is not None) == zipf_of_ours
        same_precision = zipf_of_ours and row.precision == "float32"
        assert (row.ratio_to_best_peer is not None) == same_precision
    json.dumps([row.to_dict() for row in rows], allow_nan=False)


def test_ratios_are_of_the_same_rounds():
    """Half the speed in every round is a ratio of 2, whatever the rounds' own speed."""
    rounds = np.array([[1.0], [10.0], [3.0]])
    tokens = np.array([7])
    base = reading.Row("other", "plain", "float32", None, 8, False)
    ours = replace(base, engine="skimrnn", isa="avx2", table=True)
    slow, fast = (timing.Times(r, r, tokens) for r in (rounds, rounds / 2))
    row = reading._with_times(ours, fast, [(base, slow), (ours, fast)])
    assert row.ratio_to_best_peer == row.ratio_to_any_peer == 2
    assert row.us_per_token == 1.5


def test_turns_visit_every_contender_and_text():
    seen = []
    readers = [lambda text, n=n: seen.append((n, text)) for n in range(3)]
    times = timing.take_turns(readers, ["a", "b"], [2, 4], rounds=2)
    assert len(seen) == 3 * 2 * 2 * 2  # warmed up and timed
    assert {(n, t) for n, t in seen} == {(n, t) for n in range(3) for t in "ab"}
    assert all(one.cpu.shape == one.wall.shape == (2, 2) for one in times)


def test_the_command(monkeypatch, rows):
    monkeypatch.setattr("skimrnn.bench.bench", lambda *_, **__: rows)
    told = CliRunner().invoke(app, ["bench", "--json"])
    assert told.exit_code == 0, told.output
    first = json.loads(told.stdout)["rows"][0]
    wanted = "engine precision isa hidden_size skim_rate skim_rate_measured us_per_token"
    wanted += " us_per_token_p99 ratio_to_best_peer ratio_to_any_peer"
    assert set(wanted.split()) <= set(first)
    shown = CliRunner().invoke(app, ["bench"])
    assert shown.exit_code == 0, shown.output
    assert "LSTM, 33 units" in shown.stdout
    assert "absent, int8: not installed: No module named 'absent'" in shown.stdout


def test_the_quantiser_is_not_trusted_blindly(monkeypatch):
    """If it leaves the LSTM as it is, a float32 row must not pass for an int8 one."""
    quantization = pytest.importorskip("onnxruntime.quantization", reason="needs onnxruntime")
    onnx = pytest.importorskip("onnx", reason="needs onnx")

    def leave(given, made, **_):
        onnx.save(onnx.load(given), made)

    monkeypatch.setattr(quantization, "quantize_dynamic", leave)
    with pytest.raises(RuntimeError, match="left the LSTM in float32"):
        peers.onnx_runtime_int8(make_network("lstm", 20, None))
