"""Small made-up answerers, as their folder holds them and as torch does."""

from typing import Any

import numpy as np
import torch

from skimrnn.answerer_config import AnswererConfig, make_layers
from skimrnn.answerer_file import AnswererFile
from skimrnn.answerers import find_answerer
from skimrnn.nn.models import PassageBatch, QuestionReader, make_reader
from skimrnn.text import UNKNOWN, Vocabulary
from skimrnn.text.passages import FEATURES, Passage, spelling

WORDS = (UNKNOWN, "the", "box", "is", "red", "where", "kitchen", "in", "é", "😀", "?", ".")


def answerer_config(
    levels: tuple[int, ...] = (7, 3),
    *,
    model: str = "attention",
    embedding_size: int = 5,
    filters: int = 4,
    **layer: Any,
) -> AnswererConfig:
    shared: dict[str, Any] = {"cell": "lstm", "hidden_size": levels[0], "levels": levels[:1]}
    kind = find_answerer(model)
    settings = dict.fromkeys(kind.layers, shared)
    settings[kind.skims] = {**shared, "levels": levels, "num_layers": 2, **layer}
    return AnswererConfig(
        model=model,
        embedding_size=embedding_size,
        byte_size=3,
        filters=filters,
        filter_width=2,
        layers=make_layers(model, embedding_size + filters, settings),
    )


def make_answerer(
    config: AnswererConfig | None = None, *, seed: int = 0, dtype: Any = torch.float32
) -> QuestionReader:
    """With parameters wide enough for levels and answers to differ from text to text."""
    torch.manual_seed(seed)
    model = make_reader(config or answerer_config(), len(WORDS)).to(dtype).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            wide = 2.0 if "router" in name else 1.5
            torch.nn.init.normal_(parameter, std=wide / max(parameter.shape[-1], 1) ** 0.5)
        if model.words.spells:
            model.words.bytes.weight[0] = 0
    return model


def as_file(model: QuestionReader, **more: Any) -> AnswererFile:
    parameters = {name: one.detach().numpy() for name, one in model.named_parameters()}
    return AnswererFile(model.config, parameters, Vocabulary(WORDS), **more)


def batch_of(pairs: list[tuple[str, str]], dtype: Any = torch.float32) -> PassageBatch:
    """Contexts and questions as torch's model takes them."""
    passages = [Passage.of(*pair) for pair in pairs]
    sides = [list(p.context.words) for p in passages] + [list(p.question) for p in passages]
    forms = list(dict.fromkeys(word for side in sides for word in side))
    rows = [torch.tensor([forms.index(word) for word in side]) for side in sides]

    def padded(rows: list[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        lengths = torch.tensor([len(row) for row in rows])
        return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True), lengths

    context, context_lengths = padded(rows[: len(pairs)])
    question, question_lengths = padded(rows[len(pairs) :])
    features = torch.zeros(*context.shape, len(FEATURES), dtype=dtype)
    for b, passage in enumerate(passages):
        features[b, : len(passage.context)] = torch.from_numpy(passage.features)
    return PassageBatch(
        context,
        context_lengths,
        question,
        question_lengths,
        features,
        torch.from_numpy(Vocabulary(WORDS).rows(forms).astype(np.int64)),
        torch.from_numpy(spelling(forms)),
    )
