"""Where and with what a number was measured."""

from __future__ import annotations

import platform
import subprocess
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from skimrnn.machine import cpu_name

RESULTS = Path(__file__).parent / "results"
"""Where all results go."""

PACKAGES = (
    *("numpy", "torch", "safetensors"),
    *("onnx", "onnxruntime", "openvino", "scikit-learn", "fasttext-numpy2-wheel"),
)


def provenance(command: str) -> dict[str, Any]:
    """Command, commit, machine and versions, for a result's record."""
    return {
        "command": command,
        "commit": _git("rev-parse", "HEAD"),
        "changed_files": len(
            _git(
                "status", "--porcelain", "--", "src", "benchmarks/*.py", "benchmarks/*.cc"
            ).splitlines()
        ),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpu": cpu_name(),
        "python": platform.python_version(),
        "versions": _versions(),
    }


def _versions() -> dict[str, str]:
    """Of the packages that are installed."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=False)
    return done.stdout.strip()
