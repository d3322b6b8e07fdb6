"""Memory that a training step frees is kept for the next one, and given back after training."""

import resource
from pathlib import Path

import pytest
import torch

from skimrnn.train.memory import _glibc, kept_memory

FLOATS = 12_000_000  # 48 MB, more than glibc keeps by itself
PAGES = 4 * FLOATS // resource.getpagesize()
OWN = ("GLIBC_TUNABLES", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "MALLOC_TOP_PAD_")

pytestmark = pytest.mark.skipif(
    _glibc() is None, reason="needs glibc, and an environment that does not set its malloc"
)


def faults() -> int:
    """Pages that the system hands out while a block is taken, filled and freed again."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.ones(FLOATS)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def resident() -> int:
    """Pages that the process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1])


def test_a_freed_block_is_taken_again_and_given_back_after_the_block() -> None:
    torch.ones(1)
    before = resident()
    with kept_memory():
        # A freed block that lost its edges to others is too short for the next: some are needed.
        assert min(faults() for _ in range(20)) < PAGES / 4
        assert resident() > before + PAGES / 2
    assert resident() < before + PAGES / 2
    with pytest.raises(KeyError), kept_memory():
        raise KeyError
    faults()
    assert faults() > PAGES / 2


@pytest.mark.parametrize("name", OWN)
def test_settings_of_the_environment_are_left_alone(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "glibc.malloc.top_pad=4096" if name == OWN[0] else "4096")
    assert _glibc() is None
    monkeypatch.setenv(name, "glibc.cpu.x86_shstk=off")
    assert (_glibc() is None) is (name != OWN[0])
