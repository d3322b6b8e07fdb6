"""Cheap recurrent nets beside ours: a QRNN and a minGRU, trained and read as our rows are.

They are controls, not part of the library. ``load`` reads without torch; ``training.train`` trains.
``linear`` reads natively for ``linear.py`` above, whose models have no recurrence at all.
"""

from benchmarks.classification.controls.reader import Control, load, measure

__all__ = ["Control", "load", "measure"]
