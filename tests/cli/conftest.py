"""Made-up reviews, and a model trained on them by the command itself."""

import pytest
from cli_helpers import TINY, run, write_csv


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    return write_csv(tmp_path_factory.mktemp("data") / "reviews.csv", 200)


@pytest.fixture(scope="session")
def training(data, tmp_path_factory):
    """What the training command printed, and the folder that it wrote."""
    folder = tmp_path_factory.mktemp("trained") / "tiny"
    result = run("train", data, "--out", folder, "--epochs", "6", "--patience", "50", *TINY)
    return result, folder


@pytest.fixture
def model(training):
    return training[1]


@pytest.fixture(autouse=True)
def _working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SKIMRNN_DATA", raising=False)
