"""What an import brings with it, seen in fresh interpreters; and the public names."""

import json
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import skimrnn
from models import saved

HEAVY = ("torch", "numpy", "safetensors", "rich", "typer", "pyarrow", "datasets", "matplotlib")
WITH_TORCH = ("skimrnn.nn", "skimrnn.train")
INSTALL = "pip install 'skimrnn[train]'"

BLOCK_TORCH = """
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Block())
"""


def run(code: str, *arguments: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def heavy_after(code: str, *arguments: str) -> set[str]:
    """Which heavy packages a fresh interpreter has imported after running the code."""
    ending = f"\nimport sys, json; print(json.dumps([n for n in {HEAVY} if n in sys.modules]))"
    return set(json.loads(run(code + ending, *arguments).splitlines()[-1]))


def torch_free_modules() -> list[str]:
    """Every module of the package outside nn/ and train/."""
    found = ["skimrnn"]
    paths = [(path, "skimrnn.") for path in skimrnn.__path__]
    while paths:
        path, prefix = paths.pop()
        for module in pkgutil.iter_modules([path], prefix):
            if module.name in WITH_TORCH:
                continue
            found.append(module.name)
            if module.ispkg:
                folder = Path(path) / module.name.rpartition(".")[2]
                paths.append((str(folder), f"{module.name}."))
    return sorted(found)


def import_all(modules: list[str]) -> str:
    return "import importlib, sys\n" + "\n".join(
        f"importlib.import_module({name!r})" for name in modules if not name.endswith("__main__")
    )


def test_the_package_itself_imports_nothing_heavy() -> None:
    assert heavy_after("import skimrnn; skimrnn.__version__; dir(skimrnn)") == set()


def test_the_walk_finds_the_package() -> None:
    found = torch_free_modules()
    for name in ("config", "reference", "runtime.model", "text.words", "tasks.sst", "show.html"):
        assert f"skimrnn.{name}" in found
    assert not any(name.startswith(WITH_TORCH) for name in found)


def test_no_module_outside_nn_and_train_imports_torch() -> None:
    assert "torch" not in heavy_after(import_all(torch_free_modules()))


def test_each_such_module_works_without_torch_there() -> None:
    run(BLOCK_TORCH + import_all(torch_free_modules()))


LOAD_AND_READ = """
import sys, skimrnn
from pathlib import Path
model = skimrnn.load(Path(sys.argv[1]))
reading = model.read("The good film isn't bad.")
reading.label, reading.words, reading.skim_rate, reading.cost()
model.predict(["good", ""]), model.predict_proba(b"bad")
skimrnn.load_layer(Path(sys.argv[1])).read_vectors([[0.0] * 5] * 3)
"""


def test_loading_and_reading_need_no_torch(tmp_path: Path) -> None:
    folder = str(saved(tmp_path / "model"))
    assert heavy_after(LOAD_AND_READ, folder) == {"numpy", "safetensors"}
    run(BLOCK_TORCH + LOAD_AND_READ, folder)


@pytest.mark.parametrize(
    ("code", "brought"),
    [
        ("import skimrnn, numpy", "numpy"),
        ("import skimrnn; skimrnn.Reading", "numpy"),
        ("import skimrnn.nn", "torch"),
    ],
)
def test_the_check_can_fail(code: str, brought: str) -> None:
    """The test of the tests above: an import that should not be there is seen."""
    assert brought in heavy_after(code)


def test_the_block_can_fail() -> None:
    ran = run(BLOCK_TORCH + "try:\n import torch\nexcept ModuleNotFoundError as e: print(e.name)")
    assert ran == "torch\n"


@pytest.mark.parametrize(
    "code",
    [
        "import skimrnn.nn",
        "import skimrnn.train",
        "from skimrnn import nn",
        "import skimrnn; skimrnn.train",
        "import skimrnn.nn.skim",
        "from skimrnn.train.classification import train_classifier",
        "from skimrnn.train import TrainingOptions",
    ],
)
def test_without_torch_the_error_says_how_to_install_it(code: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", BLOCK_TORCH + code], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 1
    assert ran.stderr.splitlines()[-1] == (
        f"ModuleNotFoundError: skimrnn.nn and skimrnn.train need torch; install it with: {INSTALL}"
    )


def test_the_public_list_is_what_can_be_imported() -> None:
    assert len(set(skimrnn.__all__)) == len(skimrnn.__all__)
    for name in skimrnn.__all__:
        assert getattr(skimrnn, name) is not None
    assert set(skimrnn._HOME) | {"__version__"} == set(skimrnn.__all__)
    names: dict[str, object] = {}
    exec("from skimrnn import *", names)
    assert set(skimrnn.__all__) <= set(names)


@pytest.mark.parametrize(
    ("package", "names"), [("sklearn", {"SkimClassifier"}), ("torch", {"nn", "train"})]
)
def test_what_needs_a_package_that_is_not_there_is_not_listed(
    package: str, names: set[str]
) -> None:
    code = f"""{BLOCK_TORCH.replace("torch", package)}
import inspect, pydoc, skimrnn
from skimrnn import *
pydoc.render_doc(skimrnn)
print(*[name for name, _ in inspect.getmembers(skimrnn)])
"""
    listed = set(run(code).split())
    assert "load" in listed
    assert not listed & names
    assert names <= set(dir(skimrnn))


@pytest.mark.parametrize("module", ["runtime", "text", "tasks", "show", "nn", "train"])
def test_the_lists_of_the_rooms(module: str) -> None:
    if module in ("nn", "train"):
        pytest.importorskip("torch", reason="needs torch; the test above covers its absence")
    room = __import__(f"skimrnn.{module}", fromlist=["x"])
    assert room.__all__
    assert len(set(room.__all__)) == len(room.__all__)
    for name in room.__all__:
        assert getattr(room, name) is not None


def test_dir_names_what_can_be_imported_once() -> None:
    names = dir(skimrnn)
    assert len(set(names)) == len(names)
    assert set(skimrnn.__all__) | {"nn", "text", "tasks", "show", "train"} <= set(names)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'skimrnn' has no attribute 'read_all'"):
        _ = skimrnn.read_all
    with pytest.raises(ImportError, match="cannot import name 'read_all'"):
        exec("from skimrnn import read_all")
