"""A small classifier and what it reads with."""

from pathlib import Path

import pytest

from models import make_classifier, make_config, saved
from skimrnn.runtime import Model, implementations, load


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("runtime") / "model", make_classifier(make_config((7, 3))))


@pytest.fixture(scope="session", params=implementations())
def implementation(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def model(folder: Path, implementation: str) -> Model:
    return load(folder, implementation=implementation)
