"""A server of the bundled model of sentences, for all tests that do not need one of their own."""

import pytest

import skimrnn


@pytest.fixture(scope="session")
def sst():
    return skimrnn.load("sst")


@pytest.fixture(scope="session")
def site(sst):
    from sites import serving  # skips where the packages are absent

    with serving(sst, "sst") as one:
        yield one
