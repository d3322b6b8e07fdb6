"""The one plain format in which a reading leaves the library: a dictionary that JSON can hold."""

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from skimrnn.reading import AnswerReading, Reading


class Token(TypedDict):
    """One word or mark of the text, and what each layer and direction did with it.

    ``start`` and ``end`` are code-point offsets into the view's ``text``; ``word`` is the token as
    the vocabulary sees it (lower case). ``level[layer][direction]`` is 0 where the token was read
    and 1 or more where it was skimmed. ``p_skim[layer][direction]`` is the router's probability of
    not reading, in [0, 1]: with two levels, the number that the threshold is compared with.
    """

    start: int
    end: int
    word: str
    level: list[list[int]]
    p_skim: list[list[float]]


class View(TypedDict):
    """One reading as plain data; what ``read --json`` prints and every renderer takes.

    * ``text``: the text as it was given.
    * ``label``, ``probabilities``: the most probable label; every label with its probability.
    * ``multilabel``: whether each label is there or not by itself; the probabilities then do not
      add up to 1. ``chosen``: the labels that the text has, of a multi-label model maybe none or
      several; of any other ``label`` alone.
    * ``skim_rate``: share of (token, layer, direction) skimmed, in [0, 1]; None without a token.
    * ``flop_reduction``: operations of reading everything / operations done; None without a token.
      ``recurrent_reduction``: the same, with the input part left out on both sides.
    * ``threshold``: the θ in force, or "argmax"; None where the levels were given. ``budget``: the
      ceiling on reading, or None. ``burst``: how many tokens may be read ahead of the budget.
    * ``layers``, ``directions``, ``levels``: how many of each; ``levels`` counts level 0 (read).
    * ``tokens``: the words in the order of the text, see ``Token``.
    """

    text: str
    label: str
    probabilities: dict[str, float]
    multilabel: bool
    chosen: list[str]
    skim_rate: float | None
    flop_reduction: float | None
    recurrent_reduction: float | None
    threshold: float | str | None
    budget: float | None
    burst: float | None
    layers: int
    directions: int
    levels: int
    tokens: list[Token]


def view(reading: "Reading | AnswerReading") -> View:
    """Give a reading as plain data: strings, numbers, lists and dictionaries only.

    Of an answer, ``text`` is the context, ``label`` the answer, with its probability alone.

    Every number is finite, so that strict JSON can hold it: an infinite threshold is given as 1.0
    (read everything) or -1.0 (read nothing), which decide alike.
    """
    layers, directions, _, levels = reading.p.shape
    # Summed from the last level upwards in float32, as the threshold rule does: for two levels
    # `p_skim > threshold` then says exactly what was decided, which 1 - p[0] could miss by a bit.
    if levels > 1:
        p_skim = reading.p[..., :0:-1].cumsum(axis=-1, dtype=reading.p.dtype)[..., -1]
    else:
        p_skim = 0 * reading.p[..., 0]
    # The shortest decimals that name the same float32: 0.3, not 0.30000001192092896.
    p_lists = p_skim.transpose(2, 0, 1).astype(str).astype(float).tolist()
    level_lists = reading.level.transpose(2, 0, 1).tolist()
    cost = reading.cost()
    return {
        "text": reading.text,
        "label": reading.label,
        "probabilities": {
            label: float(str(p))
            for label, p in zip(reading.labels, reading.probabilities, strict=True)
        },
        "multilabel": reading.multilabel,
        "chosen": list(reading.chosen),
        "skim_rate": _plain(reading.skim_rate),
        "flop_reduction": _plain(cost.flop_reduction),
        "recurrent_reduction": _plain(cost.recurrent_reduction),
        "threshold": _finite(reading.threshold),
        "budget": _plain(reading.budget),
        "burst": None if reading.rule is None else float(reading.rule.burst),
        "layers": layers,
        "directions": directions,
        "levels": levels,
        "tokens": [
            {"start": int(start), "end": int(end), "word": word, "level": level, "p_skim": p}
            for start, end, word, level, p in zip(
                reading.starts, reading.ends, reading.words, level_lists, p_lists, strict=True
            )
        ],
    }


def pieces(view: View) -> Iterator[tuple[str, Token | None]]:
    """Give the whole text in order: each token with its characters, and what lies between (None).

    The characters joined give the text again, nothing added and nothing lost.
    """
    text, at = view["text"], 0
    for token in view["tokens"]:
        if token["start"] > at:
            yield text[at : token["start"]], None
        yield text[token["start"] : token["end"]], token
        at = token["end"]
    if at < len(text):
        yield text[at:], None


def read_share(token: Token) -> float:
    """Give the share of (layer, direction) pairs that read the token, in [0, 1].

    It is the strength with which a renderer shows a word of a model with several passes.
    """
    levels = [level for layer in token["level"] for level in layer]
    return levels.count(0) / len(levels)


def shown_levels(view: View, layer: int, direction: int) -> list[int]:
    """Give each token's level in one layer and direction, T numbers.

    Raises:
        ValueError: if the view has no such layer or direction.
    """
    for name, given, size in (
        ("layer", layer, view["layers"]),
        ("direction", direction, view["directions"]),
    ):
        if not 0 <= given < size:
            raise ValueError(
                f"{name} must be one of the view's, 0 to {size - 1}; got {name}={given}"
            )
    return [token["level"][layer][direction] for token in view["tokens"]]


def _plain(number: float | None) -> float | None:
    return None if number is None else float(number)


def _finite(threshold: float | str | None) -> float | str | None:
    if threshold is None or isinstance(threshold, str):
        return threshold
    return float(threshold) if math.isfinite(threshold) else math.copysign(1.0, threshold)
