"""Build the wheel from the sdist, install it into an empty environment, and try it there.

    python tools/test_wheel.py

Nothing of the source tree can be imported there, and torch is not installed.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).parent.parent
TRY = ROOT / "tools" / "try_installed.py"


def run(*command: str | Path, cwd: Path) -> None:
    """Run a command there, and end with its output where it fails."""
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{done.stdout}{done.stderr}")
    shown = " ".join(Path(str(part)).name for part in command[:4]).splitlines()[0]
    print(f"$ {shown}")
    print("".join(f"    {line}\n" for line in done.stdout.splitlines()[-3:]), end="")


def main() -> None:
    """Build, install, try."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        venv.create(folder / "build", with_pip=True)
        build = folder / "build" / "bin" / "python"
        run(build, "-m", "pip", "install", "-q", "build", cwd=folder)
        run(build, "-m", "build", "-o", folder / "dist", ROOT, cwd=folder)
        [wheel] = (folder / "dist").glob("*.whl")
        [sdist] = (folder / "dist").glob("*.tar.gz")
        venv.create(folder / "empty", with_pip=True)
        python = folder / "empty" / "bin" / "python"
        run(python, "-m", "pip", "install", "-q", wheel, cwd=folder)
        run(python, "-P", TRY, cwd=folder)
        skimrnn = folder / "empty" / "bin" / "skimrnn"
        for arguments in (["info"], ["info", "sst"], ["demo"], ["read", "sst", "A joy to watch ."]):
            run(skimrnn, *arguments, cwd=folder)
        for made in (wheel, sdist):
            print(f"{made.name}: {made.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
