"""Scoring files of any size: a table of texts in, the same table with labels out.

``score_file`` does it on one machine, resumably; ``skimrnn.scoring.ray`` on a cluster; both with a
``BatchScorer``.
"""

from skimrnn.scoring.files import ScoringError
from skimrnn.scoring.runner import Scored, score_file
from skimrnn.scoring.scorer import BatchScorer

__all__ = ["BatchScorer", "Scored", "ScoringError", "score_file"]
