"""Models on the hub, played by a loopback endpoint; each call in a fresh interpreter."""

import sys
from pathlib import Path

import pytest
from loopback import Hub, commit_of, python

import skimrnn
from answerers import as_file, make_answerer
from models import make_classifier, saved
from skimrnn import hub
from skimrnn.answerer_file import write_answerer

pytest.importorskip("huggingface_hub", reason="needs huggingface_hub (pip install 'skimrnn[hub]')")

AWAY = "http://127.0.0.1:9"  # where nothing listens

LOAD = """
import skimrnn
for load, name in {names!r}:
    try:
        model = getattr(skimrnn, load)(name)
        print(model.predict("good film"), model.digest)
    except Exception as error:
        print(type(error).__name__, error)
"""


def loaded(tmp_path, endpoint, *names, load="load", **more):
    """What loading these names one after the other gives in a fresh interpreter, a line each."""
    pairs = [(load, name) if isinstance(name, str) else name for name in names]
    return python(LOAD.format(names=pairs), tmp_path, endpoint, **more).splitlines()


@pytest.fixture
def server():
    made = Hub()
    yield made
    made.shutdown()
    made.server_close()


def files_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def put(server, tmp_path, name="org/film", revision="main", seed=0):
    """A classifier on the hub, with a file that is none of ours beside it; and its folder."""
    folder = saved(tmp_path / f"made-{revision}", make_classifier(seed=seed, card="# A card\n"))
    files = {**files_of(folder), "notes.bin": b"not ours"}
    server.repositories.setdefault(name, {})[revision] = files
    return folder


def said(folder):
    model = skimrnn.load(folder)
    return f"{model.predict('good film')} {model.digest}"


def test_a_model_is_downloaded_once_and_our_files_alone(server, tmp_path):
    folder = put(server, tmp_path)
    assert loaded(tmp_path, server.endpoint, "org/film", "org/film") == [said(folder)] * 2
    fetched = [one.rpartition("/")[2] for one in server.asked if one.startswith("GET /org/film")]
    assert sorted(fetched) == sorted(files_of(folder))
    # What was downloaded is read without the hub.
    server.asked.clear()
    offline = loaded(tmp_path, server.endpoint, "org/film", HF_HUB_OFFLINE="1")
    assert offline == [said(folder)] == loaded(tmp_path, AWAY, "org/film")
    assert server.asked == []


def test_a_revision_is_named_after_the_name(server, tmp_path):
    main, other = put(server, tmp_path), put(server, tmp_path, revision="v1", seed=5)
    assert said(main) != said(other)
    names = ("org/film@v1", f"org/film@{commit_of('v1')}", "org/film@main", "org/film@v9")
    assert loaded(tmp_path, server.endpoint, *names) == [
        said(other),
        said(other),
        said(main),
        "HubError org/film on the hub has no branch, tag or commit 'v9'",
    ]


def test_a_folder_here_comes_first(server, tmp_path):
    put(server, tmp_path)
    here = saved(tmp_path / "org" / "film", make_classifier(seed=9))
    assert loaded(tmp_path, server.endpoint, "org/film") == [said(here)]
    assert server.asked == []


def test_layers_answerers_and_commands_know_the_hub_too(server, tmp_path):
    put(server, tmp_path)
    write_answerer(tmp_path / "answerer", as_file(make_answerer()))
    server.repositories["org/asked"] = {"main": files_of(tmp_path / "answerer")}
    code = """
import skimrnn
from skimrnn.cli import app
layer = skimrnn.load_layer("org/film")
answerer = skimrnn.load_answerer("org/asked")
app(["info", "org/film"], standalone_mode=False)
print(layer.config.levels, type(answerer).__name__)
"""
    printed = python(code, tmp_path, server.endpoint)
    assert "negative, positive" in printed
    assert printed.splitlines()[-1] == "(7, 3) Answerer"


def test_what_cannot_be_had_is_one_line_that_says_what_to_do(server, tmp_path):
    put(server, tmp_path)
    put(server, tmp_path, name="org/damaged")
    server.repositories["org/damaged"]["main"]["model.safetensors"] = b"\0" * 50
    server.repositories["org/other"] = {"main": {"weights.bin": b"x"}}
    loads = ("load", "load_layer", "load_answerer")
    names = [*((load, "org/absent") for load in loads), "org/other", "org/damaged"]
    *absent, other, damaged, problem = loaded(tmp_path, server.endpoint, *names)
    assert absent == [
        "HubError org/absent is no folder here, and the hub has no such model, or shows it to its "
        "owners alone: check the name, or log in with: hf auth login"
    ] * len(loads)
    assert other == (
        "HubError org/other on the hub has no config.json, so it is not a skimrnn model"
    )
    assert damaged.startswith("ModelFileError ")
    assert "model.safetensors: it is damaged or not a safetensors file" in problem


def test_offline_and_out_of_reach_are_said_at_once(server, tmp_path):
    [offline] = loaded(tmp_path, server.endpoint, "org/film", HF_HUB_OFFLINE="1")
    assert offline == (
        "HubError org/film is no folder here and not in the hub's cache, and HF_HUB_OFFLINE "
        "forbids to ask the hub: unset it, or give the path of a model folder"
    )
    assert server.asked == []
    [away] = loaded(tmp_path, AWAY, "org/film")
    assert away.startswith("HubError org/film is no folder here, and it could not be had from")
    assert away.endswith("try again with the network up, or give the path of a model folder")


def test_a_file_that_is_cut_off_is_not_taken(server, tmp_path):
    folder = put(server, tmp_path)
    size = len(server.repositories["org/film"]["main"]["model.safetensors"])
    server.promise["model.safetensors"] = size + 1000
    [problem] = loaded(tmp_path, server.endpoint, "org/film")
    assert problem.startswith("HubError org/film is no folder here, and it could not be had")
    server.promise.clear()
    server.repositories["org/film"] = {"v2": server.repositories["org/film"]["main"]}
    assert loaded(tmp_path, server.endpoint, "org/film@v2") == [said(folder)]


PUSH = """
import skimrnn.hub
from skimrnn.cli import app
app(["push", "./made-main", "org/new", "--private"], standalone_mode=False)
"""


def test_a_folder_is_pushed_and_read_back(server, tmp_path):
    folder = put(server, tmp_path)
    (folder / "secret.txt").write_text("stays here")
    printed = python(PUSH, tmp_path, server.endpoint, HF_TOKEN="t")
    assert printed.endswith(f"/org/new/commit/{'c' * 40}")
    assert "private" in server.created[0].values() or server.created[0].get("private")
    del server.repositories["org/film"]["main"]["notes.bin"]
    assert server.repositories["org/new"] == server.repositories["org/film"]
    assert loaded(tmp_path, server.endpoint, "org/new") == [said(folder)]


def test_a_hub_that_does_not_take_it(tmp_path):
    saved(tmp_path / "made-main")
    code = (
        "import skimrnn.hub\n"
        "try: skimrnn.hub.upload('made-main', 'org/new', token='t')\n"
        "except skimrnn.hub.HubError as error: print(error)\n"
    )
    refused = python(code, tmp_path, AWAY)
    assert refused.startswith("org/new could not be uploaded (ConnectError: ")
    assert refused.endswith("try again with the network up")


@pytest.mark.parametrize("folder", ["nosuch", "foreign", "damaged"])
def test_what_is_no_model_is_not_pushed(folder, tmp_path, monkeypatch):
    pytest.importorskip("huggingface_hub", reason="needs pip install 'skimrnn[hub]'")
    monkeypatch.setattr("huggingface_hub.HfApi", lambda **_: pytest.fail("the hub was asked"))
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "README.md").write_text("somebody's own")
    (tmp_path / "foreign" / "config.json").write_text('{"model_type": "other"}')
    saved(tmp_path / "damaged")
    (tmp_path / "damaged" / "model.safetensors").write_bytes(b"")
    with pytest.raises(skimrnn.ModelFileError):
        hub.upload(tmp_path / folder, "org/new", token="t")


# ---- names and packages, without any hub --------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["./org/film", "a/b/c", "../org", "/org/film", "org/", "o rg/film"]
)
def test_what_cannot_be_a_name_on_the_hub_is_a_path(path):
    assert hub.folder_of(path) == Path(path)
    with pytest.raises(skimrnn.ModelFileError, match="there is no such folder"):
        skimrnn.load(path)


def test_a_path_object_is_never_looked_for_on_the_hub(tmp_path, monkeypatch):
    monkeypatch.setattr(hub, "download", lambda name: pytest.fail("the hub was asked"))
    with pytest.raises(skimrnn.ModelFileError, match="there is no such folder"):
        skimrnn.load(tmp_path / "org" / "film")


def test_a_wrong_name_is_refused():
    with pytest.raises(hub.HubError, match=r'"org/name" or "org/name@revision"; got \'film\''):
        hub.download("film")


def test_without_the_package_the_error_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(hub.HubError) as caught:
        skimrnn.load("org/film")
    assert str(caught.value) == (
        "org/film is no folder here, and to look for it on the hub needs the package "
        "huggingface_hub; install it with: pip install 'skimrnn[hub]'"
    )
