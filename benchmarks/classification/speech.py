"""Coarse parts of speech of the scanner's words, by TextBlob's lexicon and rules; works offline.

The tagger sees lower-case words of whole texts and knows no sentence ends. It looks words up,
guesses others by their endings, and mends little by the neighbours: "like" is always a preposition.
Good enough to tell nouns from determiners over many words, and for no more than that.
"""

from __future__ import annotations

from collections.abc import Sequence

PARTS = (
    *("adjective", "adverb", "verb", "noun", "pronoun", "determiner"),
    *("preposition", "conjunction", "number", "punctuation", "other"),
)

# Penn Treebank tags by how they start. IN has subordinating conjunctions as well ("because"), TO
# the infinitive's "to"; "other" is interjections, particles, "there", and the genitive, as which
# the short form of "is" is tagged too.
_STARTS = {
    "JJ": "adjective",
    "RB": "adverb",
    "WRB": "adverb",
    "VB": "verb",
    "MD": "verb",
    "NN": "noun",
    "PRP": "pronoun",
    "WP": "pronoun",
    "DT": "determiner",
    "PDT": "determiner",
    "WDT": "determiner",
    "IN": "preposition",
    "TO": "preposition",
    "CC": "conjunction",
    "CD": "number",
}


def parts_of_speech(words: Sequence[str]) -> list[str]:
    """The part of speech, of ``PARTS``, of each word of a text."""
    from textblob.en import parser

    if not words:
        return []
    return [coarse(word, tag) for word, tag in parser.find_tags(list(words))]


def coarse(word: str, tag: str) -> str:
    """The part of speech that a tag of the Penn Treebank stands for.

    A word without a letter or digit is punctuation, whatever its tag.
    """
    if not any(map(str.isalnum, word)):
        return "punctuation"
    found = [part for start, part in _STARTS.items() if tag.startswith(start)]
    return found[0] if found else "other"
