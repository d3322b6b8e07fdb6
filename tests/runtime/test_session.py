"""A text that comes in pieces is read as the whole text is, to the bit."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

import skimrnn
from models import make_classifier, make_config, make_layer, saved
from skimrnn import Session, SessionError
from skimrnn.runtime import Layer, Model, implementations
from skimrnn.text import scan, settled_length

TEXT = "It isn't a good film, don't you think? 'Tis the director's, we'd say…"

NAMES = [
    *((name, "float32") for name in implementations()),
    *((name, "int8") for name in implementations() if name != "numpy"),
]
OPTIONS = [
    {"cell": "lstm"},
    {"cell": "gru", "num_layers": 2, "skim_input": "full"},
    {"cell": "lstm", "router": "skip-rnn"},
    {"cell": "gru", "router": "skipw"},
    {"cell": "lstm", "router": "vcrnn", "shared": True},
    {
        "cell": "lstm",
        "router": "lstm-jump",
        "router_options": {"reads": 2, "longest": 3, "jumps": 4},
    },
]
PIECES = st.lists(
    st.one_of(
        st.sampled_from(
            [
                *("n't", "'", "’", "t", "n", "s", "re", "'s ", "N’T", " ", ",", ".", "good", "\n"),
                *("\0", "é", "e\u0301", "😀", "文字", "\u212a", "\ud800", "\udc00", "\u200b", "-"),
                *("a" * 1023, "b" * 1025, "n" * 1024 + "'t"),
            ]
        ),
        st.text(max_size=5),
    ),
    max_size=20,
).map("".join)


def make_model(name="numpy", precision="float32", seed=0, **options):
    levels = (40, 33) if precision == "int8" else (7, 3)
    file = make_classifier(make_config(levels, **options), seed=seed)
    return Model(file, name, precision=precision)


MODELS = {
    (name, precision, number): make_model(name, precision, **options)
    for name, precision in NAMES
    for number, options in enumerate(OPTIONS)
}
every_model = pytest.mark.parametrize(
    "model", list(MODELS.values()), ids=["-".join(map(str, key)) for key in MODELS]
)


def assert_same(one, other):
    assert one.text == other.text
    for name in ("level", "p", "probabilities"):
        ours, theirs = getattr(one, name), getattr(other, name)
        assert ours.dtype == theirs.dtype
        assert ours.shape == theirs.shape
        assert ours.tobytes() == theirs.tobytes(), name
    assert one.words == other.words
    assert (one.rule, one.config, one.labels) == (other.rule, other.config, other.labels)


def cut(text, places):
    places = sorted({min(place, len(text)) for place in places})
    return [text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True)]


@every_model
@settings(max_examples=25)
@given(
    text=PIECES,
    places=st.lists(st.integers(0, 60), max_size=6),
    rule=st.sampled_from([{}, {"threshold": 2.0, "budget": 0.3}, {"threshold": "argmax"}]),
)
def test_pieces_are_the_whole(model, text, places, rule):
    session = model.session(**rule)
    for number, piece in enumerate(cut(text, places)):
        before = session.tokens
        assert session.feed(piece) == session.tokens - before
        if number % 2:  # looking at it changes nothing
            so_far = session.reading
            assert text.startswith(so_far.text)
            assert so_far.text + session.waiting == "".join(cut(text, places)[: number + 1])
            assert_same(so_far, model.read(so_far.text, **rule))
    assert_same(session.finish(), model.read(text, **rule))
    assert_same(session.finish(), session.reading)
    assert session.tokens == len(session.reading)


@pytest.mark.parametrize("name", implementations())
@given(
    data=st.one_of(st.binary(max_size=60), PIECES.map(lambda t: t.encode("utf-8", "replace"))),
    places=st.lists(st.integers(0, 60), max_size=6),
)
def test_bytes_are_cut_anywhere(name, data, places):
    model = MODELS[name, "float32", 0]
    session = model.session()
    for piece in cut(data, places):
        session.feed(piece)
    assert_same(session.finish(), model.read(data))


@given(st.text(max_size=3), PIECES, PIECES)
def test_what_is_settled_does_not_change(start, text, rest):
    text = start + text
    settled = settled_length(text)
    words = scan(text[:settled]).words
    assert scan(text + rest).words[: len(words)] == words
    after = scan((text + rest)[settled:]).words
    assert [*words, *after] == scan(text + rest).words


def test_a_word_waits_until_it_is_settled():
    session = make_model().session()
    seen = []
    for character in "I don't, no":
        session.feed(character)
        seen.append((session.tokens, session.waiting))
    assert seen == [
        *((0, "I"), (1, ""), (1, "d"), (1, "do"), (1, "don"), (1, "don'"), (1, "don't")),
        *((4, ""), (4, ""), (4, "n"), (4, "no")),
    ]
    assert session.reading.words == ["i", "do", "n't", ","]
    assert session.finish().words == ["i", "do", "n't", ",", "no"]
    assert session.waiting == ""


def test_a_long_run_of_characters_is_scanned_once(monkeypatch):
    """Fed one by one, each is looked at once while the run goes on."""
    model = make_model()
    scanned = []
    rows = model._texts.rows
    monkeypatch.setattr(model._texts, "rows", lambda text: scanned.append(len(text)) or rows(text))
    session = model.session()
    for _ in range(5_000):
        session.feed("a")
    assert scanned == []
    session.feed(" ")
    assert scanned == [5_001]


def test_an_empty_session():
    model = make_model()
    session = model.session()
    assert_same(session.reading, model.read(""))
    assert session.feed("") == 0
    assert_same(session.finish(), model.read(""))


def test_clones_go_their_own_way():
    model = make_model()
    session = model.session(threshold=0.4)
    session.feed(b"good fi")
    session.feed("\u00e9".encode()[:1])
    other = session.clone()
    session.feed("\u00e9".encode()[1:] + b" is")
    other.feed("\u00ea".encode()[1:] + b" do")
    assert_same(session.finish(), model.read("good fi\u00e9 is", threshold=0.4))
    assert not other.finished
    assert_same(other.finish(), model.read("good fi\u00ea do", threshold=0.4))


def test_a_reset_session_is_a_new_one():
    model = make_model()
    session = model.session(threshold=2, budget=0.3)
    session.feed(TEXT.encode()[:-1])
    session.finish()
    session.reset()
    assert (session.tokens, session.waiting, session.finished) == (0, "", False)
    session.feed(TEXT)
    assert_same(session.finish(), model.read(TEXT, threshold=2, budget=0.3))


def test_what_cannot_be_fed():
    session = make_model().session()
    with pytest.raises(TypeError, match="text must be str or bytes; got list"):
        session.feed(["good"])
    session.feed(b"caf\xc3")
    with pytest.raises(SessionError, match="end inside a character; feed its other bytes before"):
        session.feed("e")
    session.feed(b"\xa9")
    assert session.feed(" film") == 1
    session.finish()
    with pytest.raises(SessionError, match=r"finished; call reset\(\) to read another text"):
        session.feed("x")


def test_a_model_that_reads_backwards_has_no_sessions():
    model = Model(make_classifier(make_config((7, 3), bidirectional=True)))
    with pytest.raises(SessionError, match=r"also reads from the end.*model\.read"):
        model.session()


def test_options_are_checked():
    model = make_model()
    with pytest.raises(ValueError, match="budget must be from 0 to 1"):
        model.session(budget=2)
    with pytest.raises(ValueError, match="threshold must be"):
        model.session(threshold=float("nan"))


# ---- to bytes and back --------------------------------------------------------------------------


@every_model
@pytest.mark.parametrize("place", [0, 3, 7, 20, len(TEXT)])
def test_a_saved_session_goes_on(model, place):
    rule = {"threshold": 0.6, "budget": 0.4, "burst": 2}
    session = model.session(**rule)
    session.feed(TEXT[:place])
    again = Session.from_bytes(model, session.to_bytes())
    assert (again.tokens, again.waiting) == (session.tokens, session.waiting)
    again.feed(TEXT[place:])
    assert_same(again.finish(), model.read(TEXT, **rule))
    done = Session.from_bytes(model, again.to_bytes())
    assert done.finished
    assert_same(done.reading, again.reading)


def test_half_a_character_and_a_lone_surrogate_are_kept():
    model = make_model()
    session = model.session(threshold="argmax")
    session.feed("\ud800 x")
    session.feed("é".encode()[:1])
    again = Session.from_bytes(model, session.to_bytes())
    again.feed("é".encode()[1:])
    assert_same(again.finish(), model.read("\ud800 xé", threshold="argmax"))


def test_the_digest_names_the_model(folder: Path, tmp_path: Path):
    digest = skimrnn.load(folder).digest
    assert len(digest) == 64
    assert digest == skimrnn.load(folder, implementation="numpy").digest
    assert digest == skimrnn.load_layer(folder).digest
    assert make_model(seed=1).digest != make_model(seed=2).digest
    assert make_model().digest == make_model().digest
    assert Layer(make_layer()).digest != Layer(make_layer(seed=3)).digest
    other = saved(tmp_path / "other", make_classifier(dtype="float64"))
    assert skimrnn.load(other).digest != digest


@pytest.mark.parametrize(("name", "precision"), NAMES)
def test_a_state_that_overflowed_goes_on_as_it_would_have(name, precision):
    """Such a model is a bad one, but its sessions are no worse than its readings."""
    model = MODELS[name, precision, 0]
    session = model.session()
    session.feed("good film ")
    tensors = load_tensors(session.to_bytes())
    tensors["c"][:] = np.nan
    again = Session.from_bytes(model, save_tensors(tensors))
    again.feed("is ")
    assert again.tokens == 3


def test_another_models_session_is_refused():
    session = make_model(seed=1).session()
    session.feed(TEXT)
    with pytest.raises(SessionError, match="saved with another model; load the model that"):
        Session.from_bytes(make_model(seed=2), session.to_bytes())


def damaged():
    """Names of faults, and what each does to a session's arrays."""

    def change(name, make):
        def fault(tensors):
            tensors[name] = make(tensors[name])

        return fault

    yield "h misses a unit", change("h", lambda a: a[:, 1:].copy()), "h must be float32"
    yield "c in float64", change("c", lambda a: a.astype("f8")), "c must be float32"
    yield "no c", lambda t: t.pop("c"), "'c'"
    yield "a level too deep", change("level", lambda a: a * 0 + 2), "level must be from 0 to 1"
    yield "a negative level", change("level", lambda a: a * 0 - 1), "level must be from 0 to 1"
    yield "a wrong count", change("reads", lambda a: a + 1), "number of tokens at level 0"
    yield "a shorter text", change("text", lambda a: a[:4].copy()), "level must be int8"
    yield "no character", change("text", lambda a: a + 0x110000), "code point not in range"
    yield "a text of bytes", change("text", lambda a: a.astype("u1")), "Cannot cast"
    yield "p in one number", change("p", lambda a: a.reshape(-1)), "p must be float32"
    yield "a waiting word", change("waiting", lambda a: np.array([97, 32], "u4")), "what waits"
    yield "about is gone", lambda t: t.pop("about"), "not a session"
    yield "about is a list", change("about", lambda a: np.frombuffer(b"[]", "u1")), "not a session"


@pytest.mark.parametrize(
    ("fault", "message"), [(f, m) for _, f, m in damaged()], ids=[name for name, *_ in damaged()]
)
def test_damaged_sessions_are_refused(fault, message):
    model = make_model()
    session = model.session()
    session.feed(TEXT)
    tensors = load_tensors(session.to_bytes())
    fault(tensors)
    with pytest.raises(SessionError, match=message):
        Session.from_bytes(model, save_tensors(tensors))


@pytest.mark.parametrize("value", [1.5, -2.0, np.inf])
@pytest.mark.parametrize("name", [name for name, precision in NAMES if precision == "int8"])
def test_int8_goes_on_from_no_h_beyond_one(name, value):
    model = make_model(name, "int8")
    session = model.session()
    session.feed(TEXT)
    tensors = load_tensors(session.to_bytes())
    tensors["h"][..., 0], tensors["h"][..., -1] = np.nan, value  # one's own may hold NaN
    with pytest.raises(SessionError, match="h must be within -1 to 1"):
        Session.from_bytes(model, save_tensors(tensors))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ('{"format": "skimrnn session", "version": 2}', "version 2, and this skimrnn reads"),
        ('{"format": "skimrnn session", "version": 1, "model": "x"}', "another model"),
        ('{"format": "other"}', "not a session of skimrnn"),
        ("{", "not a session"),
        ("[" * 100_000, "not a session"),
    ],
)
def test_other_descriptions_are_refused(values, message):
    model = make_model()
    tensors = load_tensors(model.session().to_bytes())
    tensors["about"] = np.frombuffer(values.encode(), np.uint8)
    with pytest.raises(SessionError, match=message):
        Session.from_bytes(model, save_tensors(tensors))


@pytest.mark.parametrize("rule", ['{"threshold": NaN}', '{"angle": 1}', "[]", '{"budget": 7}'])
def test_a_wrong_rule_is_refused(rule):
    model = make_model()
    tensors = load_tensors(model.session().to_bytes())
    about = tensors["about"].tobytes().decode()
    begin = about.index('"rule":')
    changed = about[:begin] + f'"rule": {rule}}}'
    tensors["about"] = np.frombuffer(changed.encode(), np.uint8)
    with pytest.raises(SessionError, match="damaged session"):
        Session.from_bytes(model, save_tensors(tensors))


@given(st.binary(max_size=300))
def test_any_bytes_are_a_session_or_an_error(data):
    with pytest.raises(SessionError, match="not a session"):
        Session.from_bytes(MODELS["numpy", "float32", 0], data)


@given(st.lists(st.tuples(st.integers(0, 2_000), st.integers(0, 255)), min_size=1, max_size=4))
def test_changed_bytes_are_a_session_or_an_error(changes):
    model = MODELS["numpy", "float32", 0]
    session = model.session()
    session.feed(TEXT)
    data = bytearray(session.to_bytes())
    for place, value in changes:
        data[place % len(data)] = value
    try:
        again = Session.from_bytes(model, bytes(data))
    except SessionError:
        return
    again.finish()  # what was changed was a state or a word: it reads on
