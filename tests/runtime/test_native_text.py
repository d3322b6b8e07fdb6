"""The native scanner, vocabulary and head: text in, probabilities out, as with NumPy."""

import numpy as np
import pytest

from skimrnn import extension
from skimrnn.config import SkimConfig
from skimrnn.decision import Rule
from skimrnn.model_file import TextPart
from skimrnn.runtime.native import NativeReader, NativeTextReader
from skimrnn.runtime.numpy_reader import NumpyReader, NumpyTextReader
from skimrnn.text import Vocabulary, scan

pytestmark = pytest.mark.skipif(
    not extension.instruction_sets(), reason="the native reader is not compiled in"
)


def make_text_part(vocabulary: Vocabulary, units: int) -> TextPart:
    random = np.random.default_rng(0)
    return TextPart(
        ("no", "yes", "perhaps"),
        vocabulary,
        random.normal(size=(len(vocabulary), 3)).astype(np.float32),
        random.normal(size=(3, units)).astype(np.float32),
        random.normal(size=3).astype(np.float32),
    )


def make_readers(
    vocabulary: Vocabulary, config: SkimConfig
) -> tuple[NumpyTextReader, list[NativeTextReader]]:
    random = np.random.default_rng(1)
    parameters = {
        name: random.normal(size=shape).astype(np.float32) * 0.5
        for name, shape in config.parameter_shapes().items()
    }
    text = make_text_part(vocabulary, config.directions * config.hidden_size)
    reader = NumpyReader(config, parameters, text.embedding)
    natives = [
        NativeTextReader(NativeReader(config, parameters, isa, text.embedding), text)
        for isa in extension.instruction_sets()
    ]
    return NumpyTextReader(reader, text, config.directions), natives


CONFIG = SkimConfig(cell="lstm", input_size=3, hidden_size=17, levels=(17, 5))


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff\xfe good", b"caf\xc3\xa9 \xe2\x82", b"\xed\xa0\x80 x", b"\xf5\x80", b"a\0b"],
)
def test_bytes_are_what_they_decode_to(data):
    text = data.decode("utf-8", errors="replace")
    vocabulary = Vocabulary.build([scan(text).words], min_count=1)
    reader = make_readers(vocabulary, CONFIG)[1][0]
    assert np.array_equal(reader.rows(data), vocabulary.rows(scan(data).words))


def test_a_word_that_shares_its_start_with_others_is_told_apart():
    words = ["<unknown>", *(letter * count for letter in "ab" for count in range(1, 400))]
    vocabulary = Vocabulary(tuple(words))
    reader = make_readers(vocabulary, CONFIG)[1][0]
    text = " ".join([*words[1:], "zz", "a" * 400])
    assert np.array_equal(reader.rows(text), [*range(1, len(words)), 0, 0])


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_probabilities_are_those_of_numpy(cell, bidirectional):
    config = SkimConfig(
        cell=cell, input_size=3, hidden_size=17, levels=(17, 5, 0), bidirectional=bidirectional
    )
    texts = ["", "good", "it's not good , it isn't", "the good , the good", "the " * 300]
    vocabulary = Vocabulary.build([scan(text).words for text in texts], min_count=1)
    numpy, natives = make_readers(vocabulary, config)
    rules = [Rule(2.0, 0.5), Rule(-1), Rule(1), Rule(2.0, 0.2, 3), Rule(1)]
    expected = numpy.predict(texts, rules)
    for reader in natives:
        together = reader.predict(texts, rules)
        np.testing.assert_allclose(together, expected, rtol=0, atol=2e-5)
        for text, rule, row in zip(texts, rules, together, strict=True):
            one, wanted = reader.read(text, rule), numpy.read(text, rule)
            assert np.array_equal(one.probabilities, row)  # alone or beside others, to the bit
            assert np.array_equal(one.level, wanted.level)
            np.testing.assert_allclose(one.p, wanted.p, rtol=0, atol=3e-5)
        assert reader.predict([], []).shape == (0, 3)


def test_parts_that_do_not_fit_are_refused():
    vocabulary = Vocabulary(("<unknown>", "a"))
    reader = NativeReader(
        CONFIG,
        {n: np.zeros(shape, np.float32) for n, shape in CONFIG.parameter_shapes().items()},
        extension.instruction_sets()[0],
        np.zeros((2, 3), np.float32),
    )
    for words, units in ((("<unknown>",), 17), (("<unknown>", "a"), 16)):
        with pytest.raises(ValueError, match="do not fit each other"):
            NativeTextReader(reader, make_text_part(Vocabulary(words), units))
    assert NativeTextReader(reader, make_text_part(vocabulary, 17)).rows("a b").tolist() == [1, 0]
