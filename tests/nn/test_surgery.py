"""``from_rnn`` and ``skimmify``, and three public shapes of model that go on working."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import skimrnn
from agreement import assert_close, every_reader
from skimrnn.nn import SkimGRU, SkimLSTM, SkimRNN, from_rnn, record, save, skimmify

LAYERS = {
    "lstm": (nn.LSTM, {}, SkimLSTM),
    "gru": (nn.GRU, {}, SkimGRU),
    "tanh": (nn.RNN, {}, SkimRNN),
    "relu": (nn.RNN, {"nonlinearity": "relu"}, SkimRNN),
}


# ---- one layer --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", LAYERS)
def test_from_rnn_carries_weights_options_and_mode(kind):
    theirs_class, extra, our_class = LAYERS[kind]
    options = {"num_layers": 2, "bias": False, "batch_first": True, "dropout": 0.2}
    rnn = theirs_class(3, 7, **options, bidirectional=True, dtype=torch.float64, **extra).eval()
    layer = from_rnn(rnn, skim_size=2, threshold=0.3)
    assert type(layer) is our_class
    assert (layer.mode, layer.training, layer.threshold) == (rnn.mode, False, 0.3)
    assert {name: getattr(layer, name) for name in options} == options
    assert layer.bidirectional is True
    assert layer.config.levels == (7, 2)
    assert {value.dtype for value in layer.parameters()} == {torch.float64}
    for name, value in rnn.named_parameters():
        assert torch.equal(layer.get_parameter(name), value)
        assert layer.get_parameter(name) is not value
    x = torch.randn(2, 5, 3).double()
    layer.threshold = 1.0
    torch.testing.assert_close(layer(x)[0], rnn(x)[0], rtol=1e-12, atol=1e-13)


def test_from_rnn_keeps_what_is_frozen():
    rnn = nn.LSTM(3, 7)
    rnn.weight_hh_l0.requires_grad_(False)
    layer = from_rnn(rnn, skim_size=2)
    frozen = [name for name, value in layer.named_parameters() if not value.requires_grad]
    assert frozen == ["weight_hh_l0"]


@pytest.mark.parametrize(
    "module", [nn.Linear(2, 2), nn.LSTMCell(2, 2), SkimLSTM(3, 5, skim_size=1)], ids=repr
)
def test_from_rnn_takes_torchs_layers_only(module):
    with pytest.raises(TypeError, match=rf"got {type(module).__name__}"):
        from_rnn(module, skim_size=1)


def test_a_projecting_lstm_is_refused():
    with pytest.raises(ValueError, match=r"proj_size is not supported \(got 2\)"):
        from_rnn(nn.LSTM(3, 5, proj_size=2), skim_size=1)


def test_unfitting_options_are_refused():
    with pytest.raises(ValueError, match="skim_size=7, hidden_size=5"):
        from_rnn(nn.LSTM(3, 5), skim_size=7)
    with pytest.raises(ValueError, match="only the LSTM has"):
        from_rnn(nn.GRU(3, 5), skim_size=1, router_input="state")


# ---- a whole model ----------------------------------------------------------------------------


def test_every_layer_is_replaced_wherever_it_sits():
    shared = nn.GRU(3, 5)
    model = nn.ModuleDict(
        {
            "one": nn.LSTM(3, 5),
            "deep": nn.Sequential(nn.Linear(3, 3), nn.ModuleList([nn.RNN(3, 5), shared])),
            "again": shared,
            "head": nn.Linear(5, 2),
        }
    )
    linear = model["head"]
    assert skimmify(model, skim_size=2) is model
    assert type(model["one"]) is SkimLSTM
    assert type(model["deep"][1][0]) is SkimRNN
    assert type(model["again"]) is SkimGRU
    assert model["again"] is model["deep"][1][1]
    assert model["head"] is linear
    assert sum(isinstance(m, nn.RNNBase) for m in model.modules()) == 3
    assert torch.equal(model["again"].weight_ih_l0, shared.weight_ih_l0)


def test_a_model_that_is_itself_a_layer_is_returned_replaced():
    rnn = nn.LSTM(3, 5)
    layer = skimmify(rnn, skim_size=1)
    assert type(layer) is SkimLSTM
    assert torch.equal(layer.weight_ih_l0, rnn.weight_ih_l0)


def test_layers_that_skim_already_are_left_alone():
    model = nn.ModuleList([SkimLSTM(3, 5, skim_size=1), nn.LSTM(3, 5)])
    first = model[0]
    skimmify(model, skim_size=2)
    assert model[0] is first
    assert model[1].config.levels == (5, 2)
    with pytest.raises(ValueError, match=r"holds no torch.nn.LSTM"):
        skimmify(model, skim_size=2)


def test_a_model_without_a_layer_is_refused():
    with pytest.raises(ValueError, match=r"holds no torch.nn.LSTM, GRU or RNN"):
        skimmify(nn.Sequential(nn.Linear(3, 3)), skim_size=1)


@pytest.mark.parametrize(
    ("second", "words"),
    [(nn.LSTM(3, 2), "skim_size=3"), (nn.LSTM(3, 9, proj_size=2), "proj_size")],
)
def test_after_a_refusal_the_model_is_as_it_was(second, words):
    model = nn.ModuleList([nn.LSTM(3, 5), second])
    before = list(model)
    with pytest.raises(ValueError, match=words):
        skimmify(model, skim_size=3)
    assert list(model) == before
    assert all(type(module) is nn.LSTM for module in model)


# ---- three public shapes of model -------------------------------------------------------------

WORDS = 12


class Tagger(nn.Module):
    """A packed, two-directional tagger: a label for every word."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(WORDS, 7)
        self.rnn = nn.LSTM(7, 9, bidirectional=True, batch_first=True)
        self.head = nn.Linear(18, 3)

    def vectors(self, words, lengths):
        x = self.embedding(words)
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        return pad_packed_sequence(self.rnn(packed)[0], batch_first=True)[0]

    def loss(self, random):
        """A word's label is its word modulo 3, or that of the word before it if it is 0."""
        lengths = torch.from_numpy(random.integers(2, 9, 16))
        words = torch.from_numpy(random.integers(0, WORDS, (16, int(lengths.max()))))
        before = functional.pad(words, (1, 0))[:, :-1]
        labels = torch.where(words == 0, before, words) % 3
        labels[torch.arange(words.shape[1]) >= lengths[:, None]] = -100
        scores = self.head(self.vectors(words, lengths))
        return functional.cross_entropy(scores.flatten(0, 1), labels.flatten())


class Classifier(nn.Module):
    """A two-layer classifier on the last layer's last state, time first, padded."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(WORDS, 7)
        self.rnn = nn.GRU(7, 9, num_layers=2, dropout=0.1)
        self.head = nn.Linear(9, 2)

    def loss(self, random):
        """Whether word 3 occurs."""
        words = torch.from_numpy(random.integers(0, WORDS, (6, 32)))
        _, h_n = self.rnn(self.embedding(words))
        return functional.cross_entropy(self.head(h_n[-1]), (words == 3).any(dim=0).long())


class Translator(nn.Module):
    """An encoder whose (h, c) the decoder starts from."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(WORDS, 7)
        self.encoder = nn.LSTM(7, 15, batch_first=True)
        self.decoder = nn.LSTM(7, 15, batch_first=True)
        self.head = nn.Linear(15, WORDS)

    def loss(self, random):
        """Say the first word again, three times."""
        source = torch.from_numpy(random.integers(1, WORDS, (32, 4)))
        _, (h, c) = self.encoder(self.embedding(source))
        target = source[:, :1].expand(-1, 3)
        given = functional.pad(target, (1, 0))[:, :-1]
        output, _ = self.decoder(self.embedding(given), (h, c))
        return functional.cross_entropy(self.head(output).flatten(0, 1), target.flatten())


@pytest.mark.parametrize("model_class", [Tagger, Classifier, Translator])
def test_public_shapes_of_model_train_after_skimmify(model_class):
    """The loss falls; every parameter gets a gradient; eval() then skims some and reads some."""
    torch.manual_seed(0)
    model = skimmify(model_class(), skim_size=3).train()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    random, losses = np.random.default_rng(0), []
    for _ in range(40):
        with record() as reads:
            loss = model.loss(random)
        optimizer.zero_grad()
        (loss + 0.05 * reads.penalty()).backward()
        assert all(p.grad is not None for p in model.parameters())
        optimizer.step()
        losses.append(loss.item())
    assert np.mean(losses[-5:]) < 0.85 * np.mean(losses[:5])
    model.eval()
    with torch.no_grad(), record() as reads:
        assert model.loss(random).item() < np.mean(losses[:5])
    assert 0 < reads.skim_rate() < 1
    assert reads.cost().flop_reduction > 0.5


@every_reader
def test_the_taggers_layer_reads_the_same_without_torch(tmp_path, name, dtype):
    """Trained, saved, loaded: the eval outputs are those of ``read_vectors``."""
    torch.manual_seed(0)
    model = skimmify(Tagger().to(dtype), skim_size=3)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    random = np.random.default_rng(0)
    for _ in range(5):
        optimizer.zero_grad()
        model.loss(random).backward()
        optimizer.step()
    lengths = torch.tensor([4, 9, 1, 6])
    words = torch.from_numpy(random.integers(0, WORDS, (4, 9)))
    model.eval()
    with torch.no_grad(), record() as reads:
        wanted = model.vectors(words, lengths)
    assert 0 < reads.skim_rate() < 1
    save(model.rnn, tmp_path / "layer")
    layer = skimrnn.load_layer(tmp_path / "layer", implementation=name)
    read = layer.read_vectors(model.embedding(words).detach().numpy(), lengths.numpy())
    assert_close(read.output, wanted.numpy())
    for direction, entry in enumerate(reads.entries):
        np.testing.assert_array_equal(read.level[:, 0, direction], entry.level.numpy())
    assert read.skim_rate == reads.skim_rate()
    assert read.cost().flop_reduction == reads.cost().flop_reduction


class Tripled(nn.GRU):
    def forward(self, *args, **kwargs):
        output, state = super().forward(*args, **kwargs)
        return 3 * output, state


def hooked():
    layer = nn.LSTM(3, 5)
    layer.register_forward_hook(lambda *_: None)
    return layer


def normed():
    return torch.nn.utils.parametrizations.weight_norm(nn.LSTM(3, 5), "weight_hh_l0")


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: Tripled(3, 5), TypeError, "got Tripled"),
        (hooked, ValueError, "has hooks or parametrised weights"),
        (normed, ValueError, "has hooks or parametrised weights"),
    ],
)
def test_what_would_be_lost_is_refused(make, error, words):
    model = nn.ModuleDict({"plain": nn.LSTM(3, 5), "special": make()})
    before = dict(model.items())
    for call in (lambda: skimmify(model, skim_size=2), lambda: from_rnn(make(), skim_size=2)):
        with pytest.raises(error, match=words):
            call()
    assert dict(model.items()) == before


def test_parameters_stay_the_ones_that_they_were():
    """So that weights are tied to what they were tied to, and an optimiser knows them still."""
    model = nn.ModuleDict({"one": nn.LSTM(3, 7), "two": nn.LSTM(3, 7), "out": nn.Linear(7, 28)})
    model["two"].weight_hh_l0 = model["one"].weight_hh_l0
    model["out"].weight = model["one"].weight_hh_l0
    model["two"].bias_hh_l0 = model["two"].bias_ih_l0
    before = dict(model.named_parameters(remove_duplicate=False))
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    skimmify(model, skim_size=2)
    after = dict(model.named_parameters(remove_duplicate=False))
    assert all(after[name] is parameter for name, parameter in before.items())
    x, weight = torch.randn(4, 2, 3), model["one"].weight_hh_l0.detach().clone()
    model["two"](model["one"](x)[0][..., :3])[0].sum().backward()
    optimiser.step()
    assert not torch.equal(model["out"].weight, weight)
    model.eval()
    first = model["one"](x)[0]
    with torch.no_grad():
        model["out"].weight.zero_()
    assert not torch.equal(model["one"](x)[0], first)
