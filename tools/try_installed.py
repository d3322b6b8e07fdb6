"""Try the package that is installed: what a fresh wheel must do in an empty environment.

    python tools/try_installed.py

Run it with an interpreter that has the wheel and not the source tree. Windows wheels have no native
reader (CMakeLists.txt says why) and read with NumPy.
"""

import sys

import skimrnn
from skimrnn import extension
from skimrnn.text import scan

TEXT = "It isn't a good film, but the actors' K\u212arma's fine \U0001f600 \ufffd"


def main() -> None:
    """Read with every implementation, in every way."""
    if "site-packages" not in skimrnn.__file__:
        sys.exit(f"this is not an installed package: {skimrnn.__file__}")
    if not extension.instruction_sets() and sys.platform != "win32":
        sys.exit("the wheel has no native reader")
    for name in skimrnn.implementations():
        for precision in ("float32",) if name == "numpy" else ("float32", "int8"):
            model = skimrnn.load("sst", implementation=name, precision=precision)
            reading = model.read(TEXT)
            assert reading.words == scan(TEXT).words
            assert len(reading) == len(reading.words) > 10
            rows = model.vocabulary.rows(reading.words).tolist()
            assert model._texts.rows(TEXT).tolist() == rows
            session = model.session()
            for character in TEXT:
                session.feed(character)
            assert session.finish().p.tobytes() == reading.p.tobytes()
            assert model.predict(["a joy", "a bore"] * 9, workers=2) == ["positive", "negative"] * 9
    assert "torch" not in sys.modules
    print("read with", ", ".join(skimrnn.implementations()))


if __name__ == "__main__":
    main()
