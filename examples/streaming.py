"""Read a text as it comes in, and stop as soon as the answer is clear.

    python examples/streaming.py

Needs no torch and no data. A session carries the state from one piece of text to the next.
"""

import skimrnn

PIECES = (
    "I went in without any expectations . ",
    "The opening is slow , ",
    "but what follows is a joy : ",
    "sharp , funny and beautifully acted , ",
    "one of the best films of the year . ",
    "I would see it again tomorrow .",
)
SURE = 0.97


def main() -> None:
    """Feed piece by piece; print what is known after each."""
    model = skimrnn.load("imdb")
    session = model.session()
    for piece in PIECES:
        session.feed(piece)
        probabilities = session.probabilities
        best = int(probabilities.argmax())
        print(
            f"{session.tokens:3} words  {model.labels[best]:8} {probabilities[best]:.0%}  {piece}"
        )
        if probabilities[best] >= SURE:
            print("That is sure enough; the rest need not come.")
            break


if __name__ == "__main__":
    main()
