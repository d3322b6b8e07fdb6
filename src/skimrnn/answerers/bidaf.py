"""Bidirectional attention flow: both sides read first, then held against each other both ways."""

from __future__ import annotations

from skimrnn.answerers.base import Shapes, Sizes, linear


class Bidaf:
    """Its sizes; ``nn/models/bidaf.py`` and ``runtime/scorers.py`` have the equations."""

    name: str = "bidaf"
    skims: str = "modelling"
    layers: tuple[str, ...] = ("encoder", "modelling", "ending")

    def inputs(self, sizes: Sizes, layer: str) -> int:
        """A word of either side; four vectors of a context word; what the modelling layers say."""
        if layer == "encoder":
            return sizes.word + sizes.features
        return (
            8 * sizes.hidden["encoder"] if layer == "modelling" else 2 * sizes.hidden["modelling"]
        )

    def parameter_shapes(self, sizes: Sizes) -> Shapes:
        """Likeness of two states and their product, and the two pointers."""
        read, modelled, ended = (2 * sizes.hidden[layer] for layer in self.layers)
        return {
            **linear("likeness", 1, 3 * read),
            **linear("start", 1, 4 * read + modelled),
            **linear("end", 1, 4 * read + ended),
        }
