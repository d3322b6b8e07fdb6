"""From torch to a folder and back, without torch on the way back."""

import json

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import prune

import skimrnn.nn
from agreement import assert_close, make_batch, make_layer, run_reader, run_torch
from answerers import WORDS, answerer_config, batch_of, make_answerer
from models import make_classifier, saved
from skimrnn.answerers import answerer_models, find_answerer
from skimrnn.decision import Rule
from skimrnn.nn import SkimGRU, SkimLSTM, TextClassifier, record, save
from skimrnn.nn.saving import load_answerer, save_answerer
from skimrnn.text import Vocabulary

EXACT = {"float32": torch.float32, "float64": torch.float64}


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("given", [None, "float16", "float32", "float64"])
def test_a_layer_comes_back_in_the_precision_asked_for(tmp_path, dtype, given):
    """Parameters, options and reading rule; half precision is read as single."""
    layer = make_layer("lstm", 3, 7, levels=(7, 3, 0), skim_input="full", router_input="hidden")
    layer.to(getattr(torch, dtype))
    layer.threshold, layer.budget, layer.burst = 0.4, 0.75, 2
    save(layer, tmp_path / "layer", dtype=given, training={"steps": 3}, card="# A layer\n")
    loaded = skimrnn.load_layer(tmp_path / "layer")
    assert loaded.config == layer.config
    assert loaded.rule == Rule(0.4, 0.75, 2)
    assert loaded.training == {"steps": 3}
    assert loaded.card == "# A layer\n"

    stored = given or dtype
    layer.to(getattr(torch, stored)).to(EXACT.get(stored, torch.float32))
    x, _ = make_batch(layer, [6, 4])
    wanted = run_torch(layer, x, [6, 4])
    read = run_reader(loaded, x, [6, 4])
    assert read.output.dtype == wanted.output.dtype
    np.testing.assert_array_equal(read.level, wanted.level)
    assert_close(read.output, wanted.output)


def test_bfloat16_is_stored_as_single_precision_exactly(tmp_path):
    layer = make_layer("gru", 3, 7, skim_size=2, dtype=torch.bfloat16)
    save(layer, tmp_path / "layer")
    layer.float()
    x, _ = make_batch(layer, [5])
    read = run_reader(skimrnn.load_layer(tmp_path / "layer"), x, [5])
    assert_close(read.output, run_torch(layer, x, [5]).output)


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
def test_torchs_own_layers_are_saved_as_ones_that_never_skim(tmp_path, kind):
    rnn = kind(3, 7, 2, bidirectional=True, dtype=torch.float64)
    save(rnn, tmp_path / "layer")
    layer = skimrnn.load_layer(tmp_path / "layer")
    assert layer.config.levels == (7,)
    x = torch.randn(2, 5, 3).double()
    read = layer.read_vectors(x.numpy())
    output, state = rnn(x.transpose(0, 1))
    assert_close(read.output, output.transpose(0, 1).detach().numpy())
    h_n = state[0] if kind is nn.LSTM else state
    assert_close(read.h_n, h_n.detach().numpy())
    assert (read.level == 0).all()
    assert read.skim_rate == 0
    assert read.cost().flop_reduction == 1
    with pytest.raises(ValueError, match="budget"):
        layer.read_vectors(x.numpy(), budget=0.5)


VOCABULARY = Vocabulary(("<unknown>", "a", "fine", "film", "dull"))
LABELS = ("negative", "positive")


@pytest.mark.parametrize("rnn", [SkimLSTM, SkimGRU])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_classifier_reads_texts_as_it_reads_rows(tmp_path, rnn, bidirectional):
    """Scores, levels and probabilities of the folder's model are the torch model's."""
    model = TextClassifier(
        rnn(3, 7, 2, skim_size=2, bidirectional=bidirectional), len(VOCABULARY), 2, dropout=0.3
    ).eval()
    with torch.no_grad():
        for value in model.rnn.parameters():
            value.mul_(2)
    save(model, tmp_path / "model", vocabulary=VOCABULARY, labels=LABELS)
    loaded = skimrnn.load(tmp_path / "model")
    assert loaded.labels == LABELS
    assert loaded.vocabulary == VOCABULARY

    texts = ["A fine, fine film", "Dull.", "", "What a dull film this is"]
    words = [
        ["a", "fine", ",", "fine", "film"],
        ["dull", "."],
        [],
        ["what", "a", "dull", "film", "this", "is"],
    ]
    lengths = torch.tensor([len(text) for text in words])
    rows = torch.full((4, 6), 3)
    for row, text in zip(rows, words, strict=True):
        row[: len(text)] = torch.from_numpy(VOCABULARY.rows(text))
    with torch.no_grad(), record() as reads:
        wanted = model(rows, lengths).softmax(dim=1).numpy()
    readings = loaded.read(texts)
    np.testing.assert_allclose([r.probabilities for r in readings], wanted, rtol=1e-5)
    np.testing.assert_allclose(loaded.predict_proba(texts), wanted, rtol=1e-5)
    assert loaded.predict(texts) == [LABELS[i] for i in wanted.argmax(axis=1)]
    full = [b for b in range(4) if lengths[b]]
    for entry in reads.entries:
        for row, b in enumerate(full):
            level = readings[b].level[entry.layer, entry.direction]
            assert level.tolist() == entry.level[row, : lengths[b]].tolist()


def test_the_layer_of_a_classifier_can_be_loaded_alone(tmp_path):
    model = TextClassifier(SkimLSTM(3, 7, skim_size=2), len(VOCABULARY), 2).eval()
    save(model, tmp_path / "model", vocabulary=VOCABULARY, labels=LABELS)
    x = torch.randn(1, 5, 3)
    read = skimrnn.load_layer(tmp_path / "model").read_vectors(x.numpy())
    output, _ = model.rnn(x.transpose(0, 1))
    assert_close(read.output, output.transpose(0, 1).detach().numpy())


def test_saving_again_replaces_the_model(tmp_path):
    for size in (1, 3):
        save(SkimLSTM(3, 5, skim_size=size), tmp_path / "layer")
    assert skimrnn.load_layer(tmp_path / "layer").config.levels == (5, 3)
    assert [path.name for path in tmp_path.iterdir()] == ["layer"]


def test_saving_leaves_the_module_and_the_generator_alone(tmp_path):
    rnn = nn.LSTM(3, 5).train()
    before, state = {n: p.clone() for n, p in rnn.state_dict().items()}, torch.get_rng_state()
    save(rnn, tmp_path / "layer")
    assert rnn.training is True
    assert all(torch.equal(before[name], value) for name, value in rnn.state_dict().items())
    assert torch.equal(state, torch.get_rng_state())


# ---- what is refused --------------------------------------------------------------------------


@pytest.mark.parametrize("module", [nn.Linear(2, 2), nn.Sequential(nn.LSTM(2, 2))], ids=repr)
def test_other_modules_are_refused(tmp_path, module):
    with pytest.raises(TypeError, match=f"got {type(module).__name__}"):
        save(module, tmp_path / "x")


def test_a_classifier_needs_words_and_labels_and_a_layer_has_none(tmp_path):
    model = TextClassifier(SkimLSTM(3, 5, skim_size=1), len(VOCABULARY), 2)
    with pytest.raises(ValueError, match=r"vocabulary=.*labels="):
        save(model, tmp_path / "x", labels=LABELS)
    with pytest.raises(ValueError, match="belong to a TextClassifier"):
        save(model.rnn, tmp_path / "x", labels=LABELS)
    with pytest.raises(ValueError, match=r"head.weight is \(2, 5\); expected \(3, 5\)"):
        save(model, tmp_path / "x", vocabulary=VOCABULARY, labels=("a", "b", "c"))
    with pytest.raises(ValueError, match="embedding"):
        save(model, tmp_path / "x", vocabulary=Vocabulary(("<unknown>",)), labels=LABELS)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["threshold", "budget", "burst"])
def test_an_option_per_text_cannot_be_saved(tmp_path, name):
    layer = SkimLSTM(3, 5, skim_size=1)
    setattr(layer, name, [0.5, 0.5])
    with pytest.raises(ValueError, match=f"{name} must be one value"):
        save(layer, tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


def test_a_parameter_that_is_not_finite_cannot_be_saved(tmp_path):
    layer = SkimLSTM(3, 5, skim_size=1)
    with torch.no_grad():
        layer.skim_1_weight_hh_l0[0, 0] = torch.nan
    with pytest.raises(ValueError, match="skim_1_weight_hh_l0 has values that are not finite"):
        save(layer, tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


def test_a_loaded_classifier_keeps_its_activation(tmp_path):
    for activation in ("softmax", "sigmoid"):
        model = skimrnn.nn.load(
            saved(tmp_path / activation, make_classifier(activation=activation))
        )
        assert model.activation == activation


@pytest.mark.parametrize("name", answerer_models())
@pytest.mark.parametrize("dtype", [None, "float16", "float64"])
def test_a_loaded_answerer_scores_as_it_did(tmp_path, name, dtype):
    model = make_answerer(answerer_config(model=name))
    layer = find_answerer(name).skims
    for option, value in (("threshold", 0.4), ("budget", 0.75), ("burst", 2)):
        setattr(getattr(model, layer), option, value)
    save_answerer(model, tmp_path / "model", Vocabulary(WORDS), dtype=dtype)
    before = torch.get_rng_state()
    loaded, words = load_answerer(tmp_path / "model")
    assert torch.equal(torch.get_rng_state(), before)
    assert words.words == WORDS
    assert not loaded.training
    skims = getattr(loaded, layer)
    assert (skims.threshold, skims.budget, skims.burst) == (0.4, 0.75, 2)
    kept = torch.float64 if dtype == "float64" else torch.float32
    stored = getattr(torch, dtype or "float32")
    for ours, theirs in zip(loaded.parameters(), model.parameters(), strict=True):
        assert ours.dtype == kept
        assert torch.equal(ours, theirs.to(stored).to(kept))
    model.load_state_dict(loaded.state_dict())
    batch = batch_of([("the box is in the kitchen", "where is the box ?")], kept)
    with torch.no_grad():
        for ours, theirs in zip(loaded(batch), model.to(kept)(batch), strict=True):
            assert torch.equal(ours, theirs)


def test_what_torch_makes_it_with_comes_back(tmp_path):
    layer = SkimLSTM(3, 7, 2, skim_size=2, batch_first=True, dropout=0.3, hard=True)
    model = TextClassifier(layer, len(VOCABULARY), 2, dropout=0.4)
    save(layer, tmp_path / "layer")
    save(model, tmp_path / "model", vocabulary=VOCABULARY, labels=LABELS)
    again, text = skimrnn.nn.load(tmp_path / "layer"), skimrnn.nn.load(tmp_path / "model")
    x = torch.randn(4, 4, 3)
    assert torch.equal(again(x)[0], layer.eval()(x)[0])
    for one in (again, text.rnn):
        assert (one.batch_first, one.dropout, one.hard) == (True, 0.3, True)
    assert text.dropout.p == 0.4


@pytest.mark.parametrize(
    "damaged",
    [{"path": "eager"}, {"dropout": True}, {"dropout": 2}, {"hard": 1}, {"batch_first": "no"}, 3],
)
def test_what_it_is_made_with_is_checked(tmp_path, damaged):
    save(SkimLSTM(3, 7, skim_size=2), tmp_path / "layer")
    file = tmp_path / "layer" / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "torch": damaged}))
    with pytest.raises(skimrnn.ModelFileError, match="torch: "):
        skimrnn.load_layer(tmp_path / "layer")
    file.write_text(json.dumps({**json.loads(file.read_text()), "torch": {}}))  # as older ones
    assert skimrnn.nn.load(tmp_path / "layer").batch_first is False


def test_a_parametrised_layer_is_saved_as_it_is_now(tmp_path):
    layer = SkimLSTM(3, 7, skim_size=2).eval()
    nn.utils.parametrizations.weight_norm(layer, "weight_hh_l0")
    with torch.no_grad():
        layer.parametrizations.weight_hh_l0.original0.mul_(2)
    with pytest.raises(ValueError, match="begin by reading first"):
        layer.begin_by_reading()
    save(layer, tmp_path / "layer")
    x, _ = make_batch(layer, [5])
    read = run_reader(skimrnn.load_layer(tmp_path / "layer"), x, [5])
    assert_close(read.output, run_torch(layer, x, [5]).output)
    pruned = SkimLSTM(3, 7, skim_size=2)
    prune.l1_unstructured(pruned, "weight_hh_l0", 0.5)
    with pytest.raises(ValueError, match="weight_hh_l0 is no parameter but made by a hook"):
        save(pruned, tmp_path / "pruned")


@pytest.mark.parametrize(
    "lengths",
    [
        torch.tensor([5, 3]),
        torch.tensor([5, 3, -1]),
        torch.tensor([5, 3, 6]),
        torch.tensor([True, True, False]),
        torch.tensor([5.0, 3.0, 1.0]),
    ],
    ids=str,
)
def test_a_classifier_refuses_lengths_that_are_none(lengths):
    model = TextClassifier(SkimLSTM(3, 7, skim_size=2), len(VOCABULARY), 2)
    with pytest.raises(ValueError, match="a whole number from 0 to 5 for each of 3 texts; got "):
        model(torch.zeros(3, 5, dtype=torch.int64), lengths)
