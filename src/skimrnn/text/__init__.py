"""From text to rows of an embedding: words, vocabularies and pretrained word vectors."""

from skimrnn.text.vectors import (
    PACKAGED_GLOVE,
    WordVectors,
    packaged_glove,
    read_word_vectors,
)
from skimrnn.text.vocabulary import UNKNOWN, Vocabulary
from skimrnn.text.words import (
    MAX_WORD_LENGTH,
    Words,
    character_tables,
    read_character_tables,
    scan,
    settled_length,
)

__all__ = [
    "MAX_WORD_LENGTH",
    "PACKAGED_GLOVE",
    "UNKNOWN",
    "Vocabulary",
    "WordVectors",
    "Words",
    "character_tables",
    "packaged_glove",
    "read_character_tables",
    "read_word_vectors",
    "scan",
    "settled_length",
]
