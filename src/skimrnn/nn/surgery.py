"""From torch's recurrent layers to skimming ones, one layer or a whole model."""

from __future__ import annotations

from typing import Unpack

import torch
from torch import nn
from torch.nn.utils import parametrize

from skimrnn.nn.skim import SkimGRU, SkimLayer, SkimLSTM, SkimOptions, SkimRNN

_TORCH_LAYERS = (nn.LSTM, nn.GRU, nn.RNN)


def from_rnn(rnn: nn.RNNBase, **options: Unpack[SkimOptions]) -> SkimLayer:
    """A skimming layer whose full cell has the weights of a torch layer.

    Args:
        rnn: an ``nn.LSTM``, ``nn.GRU`` or ``nn.RNN``; not changed.
        **options: skimming options, as for ``SkimLSTM``.

    Returns:
        The layer, on the same device, in the same dtype and mode; its small cells and routers
        are drawn anew.

    Raises:
        TypeError: if it is not one of torch's three layers itself; a subclass may compute
            something else.
        ValueError: if it projects its state (``proj_size``), has hooks or parametrised weights,
            which would be lost, or an option does not fit.
    """
    parametrised = parametrize.is_parametrized(rnn)  # such a layer is of a class of its own
    if not parametrised and type(rnn) not in _TORCH_LAYERS:
        raise TypeError(f"expected a torch.nn.LSTM, GRU or RNN; got {type(rnn).__name__}")
    hooks = (
        *(rnn._forward_hooks, rnn._forward_pre_hooks),
        *(rnn._backward_hooks, rnn._backward_pre_hooks),
    )
    if parametrised or any(hooks) or set(rnn.state_dict()) != _names(rnn):
        raise ValueError(
            f"this {type(rnn).__name__} has hooks or parametrised weights, which a skimming layer "
            "would not keep; remove them first and put them back on the new layer"
        )
    if rnn.proj_size:
        raise ValueError(
            f"proj_size is not supported (got {rnn.proj_size}): a skim copies units of a state as "
            "wide as the output"
        )
    like = rnn.weight_ih_l0
    assert isinstance(like, torch.Tensor)
    shared = {
        "input_size": rnn.input_size,
        "hidden_size": rnn.hidden_size,
        "num_layers": rnn.num_layers,
        "bias": rnn.bias,
        "batch_first": rnn.batch_first,
        "dropout": rnn.dropout,
        "bidirectional": rnn.bidirectional,
        "device": like.device,
        "dtype": like.dtype,
    }
    layer: SkimLayer
    if isinstance(rnn, nn.LSTM):
        layer = SkimLSTM(**shared, **options)  # type: ignore[arg-type]
    elif isinstance(rnn, nn.GRU):
        layer = SkimGRU(**shared, **options)  # type: ignore[arg-type]
    else:
        nonlinearity = rnn.mode.removeprefix("RNN_").lower()
        layer = SkimRNN(**shared, nonlinearity=nonlinearity, **options)  # type: ignore[arg-type]
    layer.load_state_dict({**layer.state_dict(), **rnn.state_dict()})
    for name, parameter in rnn.named_parameters():
        layer.get_parameter(name).requires_grad_(parameter.requires_grad)
    return layer.train(rnn.training)


def skimmify(model: nn.Module, **options: Unpack[SkimOptions]) -> nn.Module:
    """Replace every LSTM, GRU and RNN inside a model by a skimming one, weights kept.

    A layer used in several places is replaced by one layer used in the same places; layers that
    skim already are left alone. The full cells' parameters stay the ones that they were, tied to
    what they were tied to and known to an optimiser; what skims is new to it.

    Args:
        model: the model, changed in place; if it is itself such a layer, use what is returned.
        **options: skimming options, as for ``SkimLSTM``; ``skim_size`` at least. A router input
            of "state" is for LSTMs only.

    Returns:
        The model.

    Raises:
        TypeError: if one of them is a subclass, which may compute something else.
        ValueError: if the model has no such layer, one has hooks or parametrised weights, or an
            option does not fit; the model is then as it was.
    """
    found: dict[nn.RNNBase, list[tuple[nn.Module, str]]] = {}
    for parent in model.modules():
        for name, child in parent._modules.items():
            if _replaceable(child):
                found.setdefault(child, []).append((parent, name))  # type: ignore[arg-type]
    if isinstance(model, nn.LSTM | nn.GRU | nn.RNN) and _replaceable(model):
        return from_rnn(model, **options)
    if not found:
        raise ValueError("the model holds no torch.nn.LSTM, GRU or RNN to replace")
    layers = {rnn: from_rnn(rnn, **options) for rnn in found}
    for rnn, layer in layers.items():
        for name in _names(rnn):  # the same parameters: ties and optimisers hold
            setattr(layer, name, rnn.get_parameter(name))
    for rnn, places in found.items():
        for parent, name in places:
            setattr(parent, name, layers[rnn])
    return model


def _names(rnn: nn.RNNBase) -> set[str]:
    """The names of a torch layer's own parameters."""
    return {name for names in rnn._all_weights for name in names}


def _replaceable(module: nn.Module | None) -> bool:
    return isinstance(module, nn.LSTM | nn.GRU | nn.RNN) and not isinstance(module, SkimLayer)
