"""From torch to the model folder that reads without torch."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.utils import parametrize

from skimrnn.answerer_file import AnswererFile, read_answerer, write_answerer
from skimrnn.answerers import find_answerer
from skimrnn.config import SkimConfig
from skimrnn.decision import Rule
from skimrnn.model_file import ModelFile, TextPart, read_model, write_model
from skimrnn.nn.classifier import TextClassifier
from skimrnn.nn.models import QuestionReader, make_reader
from skimrnn.nn.skim import SkimLayer, layer_of
from skimrnn.nn.surgery import from_rnn
from skimrnn.text import Vocabulary


def save(
    module: nn.Module,
    folder: str | os.PathLike[str],
    *,
    vocabulary: Vocabulary | None = None,
    labels: Sequence[str] | None = None,
    training: Mapping[str, Any] | None = None,
    card: str = "",
    dtype: str | None = None,
) -> None:
    """Save a layer or a text classifier as a folder that reads without torch.

    Args:
        module: a skimming layer, a torch LSTM, GRU or RNN (read as one that never skims), or a
            ``TextClassifier``.
        folder: where; an older model there is replaced, any other folder with files is refused.
        vocabulary: the classifier's V words; its own ``vocabulary`` if None.
        labels: the classifier's C classes; its own ``labels`` if None.
        training: how it was trained, JSON values.
        card: the model card, Markdown.
        dtype: "float16", "float32" or "float64" to store in; None keeps the parameters'.

    Raises:
        TypeError: if the module is none of these.
        ValueError: if words or labels are missing or too many, or a parameter is not finite.
        FileExistsError: if the folder holds something that is not a model.
        OSError: if it cannot be written; nothing is then changed.
    """
    file = as_file(module, vocabulary=vocabulary, labels=labels, training=training or {}, card=card)
    write_model(Path(folder), file, dtype=dtype)


def as_file(
    module: nn.Module,
    *,
    vocabulary: Vocabulary | None = None,
    labels: Sequence[str] | None = None,
    training: Mapping[str, Any],
    card: str = "",
) -> ModelFile:
    """What ``save`` writes; arguments and errors as there."""
    if isinstance(module, TextClassifier):
        vocabulary, labels = vocabulary or module.vocabulary, labels or module.labels
        if vocabulary is None or labels is None:
            raise ValueError("a text classifier is saved with vocabulary=... and labels=...")
        text = TextPart(
            tuple(labels),
            vocabulary,
            _array(module.embedding.weight),
            _array(module.head.weight),
            _array(module.head.bias),
            activation=module.activation,
        )
        rnn: nn.Module = module.rnn
    else:
        text, rnn = None, module
        if vocabulary is not None or labels is not None:
            raise ValueError("vocabulary and labels belong to a TextClassifier, not to a layer")
    layer = _skimming(rnn)
    parameters = {name: _array(_value(layer, name)) for name in _config(layer).parameter_shapes()}
    rule = Rule(*(_single(layer, name) for name in ("threshold", "budget", "burst")))
    made_with = {name: getattr(layer, name) for name in ("batch_first", "dropout", "hard")}
    if isinstance(module, TextClassifier):
        made_with["text_dropout"] = module.dropout.p
    unlike_default = {name: value for name, value in made_with.items() if value}
    return ModelFile(_config(layer), parameters, rule, text, training, card, unlike_default)


def load(folder: str | os.PathLike[str]) -> TextClassifier | SkimLayer:
    """The module that a model folder holds, to train further; the way back from ``save``.

    Args:
        folder: the folder of a text classifier or of layers.

    Returns:
        The module in ``eval()``, as it was saved, with the folder's threshold, budget and burst; a
        classifier knows its ``vocabulary`` and ``labels``. Its path and temperature, which are a
        run's, are those of a new one.

    Raises:
        ModelFileError: if the folder cannot be read.
    """
    file = read_model(Path(folder))
    layer = _layer_of(file)
    if file.text is None:
        return layer.eval()
    text = file.text
    model = TextClassifier(
        layer,
        len(text.vocabulary),
        len(text.labels),
        dropout=file.torch.get("text_dropout", 0.0),
        activation=text.activation,
    )
    model.to(next(layer.parameters()).dtype)
    model.vocabulary, model.labels = text.vocabulary, text.labels
    own = {"embedding.weight": text.embedding, "head.weight": text.head_weight}
    state = {**own, "head.bias": text.head_bias}
    model.load_state_dict(
        {name: torch.tensor(array) for name, array in state.items()}
        | {f"rnn.{name}": one for name, one in layer.state_dict().items()}
    )
    return model.eval()


def _layer_of(file: ModelFile) -> SkimLayer:
    rule = file.rule
    dtype = next(iter(file.parameters.values())).dtype
    with torch.random.fork_rng(devices=[]):  # it draws weights, which are then overwritten
        layer = layer_of(
            file.config,
            batch_first=file.torch.get("batch_first", False),
            dropout=file.torch.get("dropout", 0.0),
            dtype=getattr(torch, str(dtype)),
            hard=file.torch.get("hard", False),
            threshold=rule.threshold,
            budget=rule.budget,
            burst=rule.burst,
        )
    layer.load_state_dict({name: torch.tensor(array) for name, array in file.parameters.items()})
    return layer


def save_answerer(
    model: QuestionReader,
    folder: str | os.PathLike[str],
    vocabulary: Vocabulary,
    *,
    training: Mapping[str, Any] | None = None,
    card: str = "",
    dtype: str | None = None,
) -> None:
    """Save an answerer as a folder that answers without torch.

    Args:
        model: the answerer.
        folder: where; an older model there is replaced, any other folder with files is refused.
        vocabulary: its V words.
        training: how it was trained, JSON values.
        card: the model card, Markdown.
        dtype: "float16", "float32" or "float64" to store in; None keeps the parameters'.

    Raises:
        ValueError: if there are too few or too many words, or a parameter is not finite.
        FileExistsError: if the folder holds something that is not a model.
        OSError: if it cannot be written; nothing is then changed.
    """
    parameters = {name: _array(one) for name, one in model.named_parameters()}
    layer: SkimLayer = getattr(model, find_answerer(model.config.model).skims)
    rule = Rule(*(_single(layer, name) for name in ("threshold", "budget", "burst")))
    file = AnswererFile(model.config, parameters, vocabulary, rule, training or {}, card)
    write_answerer(Path(folder), file, dtype=dtype)


def load_answerer(folder: str | os.PathLike[str]) -> tuple[QuestionReader, Vocabulary]:
    """The module of an answerer's folder and the words it knows; the way back.

    Args:
        folder: what ``save_answerer`` wrote.

    Returns:
        The module in ``eval()``, with the folder's threshold, budget and burst, and its words.

    Raises:
        ModelFileError: if the folder cannot be read.
    """
    file = read_answerer(Path(folder))
    with torch.random.fork_rng(devices=[]):  # it draws weights, which are then overwritten
        model = make_reader(file.config, len(file.vocabulary))
    dtype = next(iter(file.parameters.values())).dtype
    model.to(getattr(torch, str(dtype)))
    model.load_state_dict({name: torch.tensor(array) for name, array in file.parameters.items()})
    layer: SkimLayer = getattr(model, find_answerer(file.config.model).skims)
    rule = file.rule
    layer.threshold, layer.budget, layer.burst = rule.threshold, rule.budget, rule.burst
    return model.eval(), file.vocabulary


def _skimming(module: nn.Module) -> SkimLayer:
    if isinstance(module, SkimLayer):
        return module
    if isinstance(module, nn.LSTM | nn.GRU | nn.RNN):
        with torch.random.fork_rng(devices=[]):  # from_rnn draws weights, then overwrites them
            return from_rnn(module, levels=(module.hidden_size,))
    raise TypeError(
        "expected a skimming layer, a torch.nn.LSTM, GRU or RNN, or a TextClassifier; "
        f"got {type(module).__name__}"
    )


def _config(layer: SkimLayer) -> SkimConfig:
    return layer.config


def _single(layer: SkimLayer, name: str) -> Any:
    """A reading option that is one value for all texts, else an error."""
    value = getattr(layer, name)
    if not isinstance(value, str) and np.ndim(value):
        raise ValueError(f"{name} must be one value for all texts to be saved; got one per text")
    return value


def _value(layer: SkimLayer, name: str) -> torch.Tensor:
    """A parameter, or what a parametrised one is now.

    Raises:
        ValueError: if it is neither: of ``weight_norm`` and ``prune`` as hooks, it may be out of
            date.
    """
    if parametrize.is_parametrized(layer, name):
        return getattr(layer, name)  # type: ignore[no-any-return]
    if name not in layer._parameters:
        raise ValueError(
            f"{name} is no parameter but made by a hook, as torch.nn.utils.weight_norm and prune "
            "do, and may be out of date; remove the hook before saving"
        )
    return layer.get_parameter(name)


def _array(parameter: torch.Tensor) -> np.ndarray[Any, Any]:
    tensor = parameter.detach().cpu()
    if tensor.dtype == torch.bfloat16:  # NumPy has no such type; float32 holds every value of it.
        tensor = tensor.float()
    return tensor.numpy()
