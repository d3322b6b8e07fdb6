"""A torch model of your own that skims: a tagger of words, plain layers swapped for skimming ones.

    python examples/skimming_tagger.py

Needs torch. The made-up task: tag each number with the word that was named first in the text, which
has to be kept in mind over many words that do not matter.
"""

import torch
from torch import Tensor, nn

import skimrnn.nn

WORDS, NAMES, LENGTH, STEPS = 50, 3, 20, 300


def batch(texts: int) -> tuple[Tensor, Tensor]:
    """Texts (B, T) of filler with a name at the start and three numbers, and tags (B, T)."""
    words = torch.randint(NAMES + 1, WORDS, (texts, LENGTH))
    names = torch.randint(NAMES, (texts,))
    words[:, 0] = names + 1
    tags = torch.zeros_like(words)
    for row in range(texts):
        places = torch.randperm(LENGTH - 1)[:3] + 1
        words[row, places] = 0  # a number
        tags[row, places] = names[row] + 1
    return words, tags


class Tagger(nn.Module):
    """Word vectors, a recurrent layer, a tag for each word."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(WORDS, 16)
        self.rnn = nn.LSTM(16, 48, batch_first=True)
        self.head = nn.Linear(48, NAMES + 1)

    def forward(self, words: Tensor) -> Tensor:
        """Scores (B, T, tags)."""
        states, _ = self.rnn(self.embedding(words))
        return self.head(states)


def main() -> None:
    """Train, then show accuracy and what was skimmed."""
    torch.manual_seed(0)
    model = Tagger()
    skimrnn.nn.skimmify(model, skim_size=4)  # the LSTM now skims
    optimiser = torch.optim.Adam(model.parameters(), lr=5e-3)
    for step in range(STEPS):
        words, tags = batch(32)
        with skimrnn.nn.record() as reads:
            scores = model(words)
        loss = nn.functional.cross_entropy(scores.flatten(0, 1), tags.flatten())
        asks = 0.02 * min(1.0, step / 200)  # ask for skimming only once there is something to keep
        (loss + asks * reads.penalty("skim")).backward()
        optimiser.step()
        optimiser.zero_grad()
    model.eval()
    words, tags = batch(500)
    with torch.no_grad(), skimrnn.nn.record() as reads:
        found = model(words).argmax(dim=2)
    wanted = tags > 0
    right = (found == tags)[wanted].float().mean()
    print(
        f"{right:.1%} of the numbers have their name, {reads.skim_rate():.0%} of the words skimmed"
    )


if __name__ == "__main__":
    main()
