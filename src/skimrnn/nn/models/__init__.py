"""Models around skimming layers that answer questions."""

from skimrnn.nn.models.attention import AttentionReader
from skimrnn.nn.models.passages import PassageBatch

__all__ = ["AttentionReader", "PassageBatch"]
