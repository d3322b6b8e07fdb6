"""The LSTM with attention: each context word beside what the question has like it."""

from __future__ import annotations

from skimrnn.answerers.base import Shapes, Sizes, linear


class Attention:
    """Its sizes; ``nn/models/attention.py`` and ``runtime/scorers.py`` have the equations."""

    name: str = "attention"
    skims: str = "context"
    layers: tuple[str, ...] = ("question", "context")

    def inputs(self, sizes: Sizes, layer: str) -> int:
        """A question's word; a context's: itself, the question's like it, both multiplied."""
        return sizes.word if layer == "question" else 3 * sizes.word + sizes.features

    def parameter_shapes(self, sizes: Sizes) -> Shapes:
        """Likeness, the question as one vector, and the pointers made of it."""
        asked, seen = 2 * sizes.hidden["question"], 2 * sizes.hidden["context"]
        return {
            **linear("alignment", sizes.word, sizes.word),
            **linear("summary", 1, asked),
            **linear("start", seen, asked),
            **linear("end", seen, asked),
        }
