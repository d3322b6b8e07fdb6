"""C++ beside the benchmarks, compiled for this machine when it is first needed."""

from __future__ import annotations

import hashlib
import os
import platform
import secrets
import shutil
import subprocess
from pathlib import Path

from skimrnn.machine import cpu_name

FOLDER = Path("runs") / "controls"
FLAGS = ("-std=c++17", "-O3", "-march=native", "-ffast-math", "-fPIC")
WIDE = "-mprefer-vector-width=512"
"""Where there are such vectors, compilers stay at half of them unless told."""


def compiler() -> str | None:
    """The C++ compiler's path, None if there is none."""
    return shutil.which(_name())


def compiled(source: Path, *more: str) -> Path:
    """The shared library of a source with further flags, made if it is not there.

    Raises:
        RuntimeError: if there is no compiler, or it fails.
    """
    found = compiler()
    if found is None:
        raise RuntimeError(
            f"the controls read with {source.name}, and there is no C++ compiler {_name()!r} to "
            "make it with; install one, or name another in CXX"
        )
    flags = [*FLAGS, *more]
    if platform.machine() in ("x86_64", "AMD64"):
        flags.append(WIDE)
    version = _run([found, "--version"])
    key = "\n".join([*flags, version, cpu_name()]).encode() + source.read_bytes()
    library = FOLDER / f"{source.stem}-{hashlib.sha256(key).hexdigest()[:16]}.so"
    if not library.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        unfinished = library.with_suffix(f".{secrets.token_hex(4)}")
        made = f"{unfinished}.o"
        _run([found, *flags, "-c", str(source), "-o", made])
        # Linked without -ffast-math, with which some compilers change the caller's handling of
        # denormal numbers as soon as the library is loaded.
        _run([found, "-shared", made, "-o", str(unfinished)])
        os.unlink(made)
        unfinished.replace(library)
    return library


def _name() -> str:
    return os.environ.get("CXX", "c++")


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed; its words were:\n{done.stderr}")
    return done.stdout
