"""How fast reading is, beside other engines: what ``skimrnn bench`` runs."""

from skimrnn.bench.reading import Row, bench

__all__ = ["Row", "bench"]
