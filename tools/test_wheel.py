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

TRY = """
import sys
import skimrnn
from skimrnn.text import scan
from skimrnn import extension

assert "site-packages" in skimrnn.__file__, skimrnn.__file__
assert extension.instruction_sets(), "the wheel has no native reader"
text = "It isn't a good film, but the actors' K\u212arma's fine \U0001f600 \ufffd"
for name in skimrnn.implementations():
    for precision in ("float32",) if name == "numpy" else ("float32", "int8"):
        model = skimrnn.load("sst", implementation=name, precision=precision)
        reading = model.read(text)
        assert reading.words == scan(text).words
        assert len(reading) == len(reading.words) > 10
        rows = model.vocabulary.rows(reading.words).tolist()
        assert model._texts.rows(text).tolist() == rows
        session = model.session()
        for character in text:
            session.feed(character)
        assert session.finish().p.tobytes() == reading.p.tobytes()
        assert model.predict(["a joy", "a bore"] * 9, workers=2) == ["positive", "negative"] * 9
assert "torch" not in sys.modules
print("read with", ", ".join(skimrnn.implementations()))
"""


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
        run(python, "-P", "-c", TRY, cwd=folder)
        skimrnn = folder / "empty" / "bin" / "skimrnn"
        for arguments in (["info"], ["info", "sst"], ["demo"], ["read", "sst", "A joy to watch ."]):
            run(skimrnn, *arguments, cwd=folder)
        for made in (wheel, sdist):
            print(f"{made.name}: {made.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
