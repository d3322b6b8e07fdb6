"""Random texts, from seeded arrays: what the word rules turn on, and anything at all."""

from __future__ import annotations

import numpy as np

_CLITICS = "ntsmdrevlNTSMDREVL''’’ .,-\n"
# A case pair that meets ASCII, one-to-one lower case, marks that combine, spaces of all kinds,
# joiners, lone surrogates, the ends of each UTF-8 length.
_EDGES = (
    "\u212aİıßΣςσé\u0301\u0308\u200b\u200d\ufeff\u00ad\u0085\u2028\u3000\0\x7f\x80\u07ff\u0800"
    "\ud7ff\ud800\udbff\udc00\udfff\ue000\ufffd\uffff\U00010000\U0010ffff😀👩文字"
)
_LONG = 1024


def random_texts(count: int, seed: int | list[int]) -> list[str]:
    """``count`` texts of 0 to 48 code points each, one in 500 with a run of about 1,024.

    A quarter each: what clitics are made of, ASCII, any code point, and edges among letters.
    """
    random = np.random.default_rng(seed)
    lengths = random.integers(0, 49, count)
    kinds = np.repeat(random.integers(0, 4, count), lengths)
    size = len(kinds)
    pools = [np.array([ord(c) for c in pool], "<u4") for pool in (_CLITICS, _EDGES + "nst'  ")]
    codes = np.choose(
        kinds,
        [
            pools[0][random.integers(0, len(pools[0]), size)],
            random.integers(0, 0x80, size, dtype="<u4"),
            random.integers(0, 0x110000, size, dtype="<u4"),
            pools[1][random.integers(0, len(pools[1]), size)],
        ],
    )
    whole = codes.astype("<u4").tobytes().decode("utf-32-le", "surrogatepass")
    ends = np.cumsum(lengths)
    texts = [whole[end - n : end] for end, n in zip(ends.tolist(), lengths.tolist(), strict=True)]
    for index in random.integers(0, count, count // 500).tolist():
        letter = "anéK文"[int(random.integers(5))]
        run = letter * int(random.integers(_LONG - 2, _LONG + 3)) * int(random.integers(1, 3))
        texts[index] = texts[index][:9] + run + texts[index][9:]
    return texts
