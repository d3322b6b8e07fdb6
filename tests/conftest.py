"""Every test starts from the same seeds, uses one core, no network, and writes to tmp only."""

import os
import random
import sys

import hypothesis
import numpy as np
import pytest

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["OMP_NUM_THREADS"] = "1"
os.environ.setdefault("TRITON_INTERPRET", "1")  # 0 on a machine with a GPU, to test on that
os.environ.pop("SKIMRNN_IMPLEMENTATION", None)

hypothesis.settings.register_profile(
    "skimrnn", deadline=None, derandomize=True, database=None, max_examples=60
)
hypothesis.settings.load_profile("skimrnn")


@pytest.fixture(autouse=True, scope="session")
def _one_core_and_a_folder_of_our_own(tmp_path_factory):
    """A test that writes to the working folder writes to a temporary one."""
    if "torch" in sys.modules:  # not imported here: the torch-free tests must stay so
        sys.modules["torch"].set_num_threads(1)
    before = os.getcwd()
    os.chdir(tmp_path_factory.mktemp("working_folder"))
    yield
    os.chdir(before)


@pytest.fixture(autouse=True)
def _seeds():
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 (for code that uses the global generator)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)
