"""A small model, and tables of made-up texts."""

import pytest
from scoring_tables import PIECES

from models import saved
from skimrnn.scoring import BatchScorer


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return str(saved(tmp_path_factory.mktemp("scoring") / "model"))


@pytest.fixture
def scorer(folder):
    return BatchScorer(folder)


@pytest.fixture
def rows():
    """Rows of text columns alone, some without a text."""
    return [
        {"id": str(number), "text": f"{PIECES[number % len(PIECES)]}", "more": "a, b"}
        for number in range(40)
    ]
