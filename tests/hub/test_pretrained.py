"""The torch modules' ``save_pretrained``, ``from_pretrained`` and ``push_to_hub``."""

import copy
import pickle

import numpy as np
import pytest
import torch
from loopback import Hub, commit_of, python

import skimrnn
from models import make_classifier, make_config, make_layer, saved, tree
from skimrnn.config import GATES
from skimrnn.decision import Rule
from skimrnn.nn import SkimGRU, SkimLSTM, SkimRNN, TextClassifier, load, save

CLASSES = {"lstm": SkimLSTM, "gru": SkimGRU, "rnn_tanh": SkimRNN, "rnn_relu": SkimRNN}
EVERYTHING = {"num_layers": 2, "bidirectional": True, "skim_input": "full", "bias": False}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("cell", GATES)
def test_a_layer_comes_back_as_it_was_saved(cell, dtype, tmp_path):
    config = make_config((7, 3, 0), cell=cell, **EVERYTHING)
    folder = saved(tmp_path / "layer", make_layer(config, dtype=dtype, rule=Rule(0.3, 0.5, 2)))
    layer = CLASSES[cell].from_pretrained(folder)
    assert layer.config == config
    assert (layer.threshold, layer.budget, layer.burst) == (0.3, 0.5, 2)
    assert not layer.training
    assert layer.save_pretrained(tmp_path / "again") is None
    assert tree(tmp_path / "again") == tree(folder)


def test_a_classifier_comes_back_and_reads_alike(tmp_path):
    folder = saved(tmp_path / "model", make_classifier(rule=Rule(0.4)))
    model = TextClassifier.from_pretrained(str(folder))
    reader = skimrnn.load(folder)
    texts = ["the film is good", "bad", "isn't é"]
    rows = [torch.tensor(model.vocabulary.rows(one.words)).long() for one in reader.read(texts)]
    lengths = torch.tensor([len(one) for one in rows])
    scores = model(torch.nn.utils.rnn.pad_sequence(rows, batch_first=True), lengths)
    np.testing.assert_allclose(
        scores.softmax(1).detach(), reader.predict_proba(texts), rtol=0, atol=1e-6
    )
    assert tuple(model.labels) == reader.labels
    model.save_pretrained(tmp_path / "again", card="# New\n", training={"epochs": 1})
    again = skimrnn.load(tmp_path / "again")
    assert again.digest == reader.digest
    assert (again.card, again.training) == ("# New\n", {"epochs": 1})


def test_loading_draws_nothing_from_the_callers_generator(tmp_path):
    folder = saved(tmp_path / "layer", make_layer())
    before = torch.random.get_rng_state()
    load(folder)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_the_layers_of_a_classifier(tmp_path):
    folder = saved(tmp_path / "model")
    layer = SkimLSTM.from_pretrained(folder)
    assert torch.equal(layer.weight_ih_l0, load(folder).rnn.weight_ih_l0)


@pytest.mark.parametrize(
    ("cls", "model", "what"),
    [
        (SkimGRU, make_classifier(), "TextClassifier, not a SkimGRU"),
        (TextClassifier, make_layer(), "SkimLSTM, not a TextClassifier"),
    ],
)
def test_another_kind_is_refused(cls, model, what, tmp_path):
    with pytest.raises(TypeError, match=f"holds a {what}; load it with .*from_pretrained"):
        cls.from_pretrained(saved(tmp_path / "model", model))


def test_no_such_folder():
    with pytest.raises(skimrnn.ModelFileError, match="there is no such folder"):
        SkimLSTM.from_pretrained("./nothing")


def test_a_classifier_needs_its_words(tmp_path):
    model = TextClassifier(SkimLSTM(3, 5, skim_size=1), words=4, classes=2)
    with pytest.raises(ValueError, match="a text classifier is saved with vocabulary="):
        model.save_pretrained(tmp_path / "model")


def test_a_copy_knows_its_words(tmp_path):
    model = load(saved(tmp_path / "model"))
    save(copy.deepcopy(model), tmp_path / "copy")
    assert tree(tmp_path / "copy")["vocabulary.txt"] == tree(tmp_path / "model")["vocabulary.txt"]


def test_they_are_the_hubs_mixins():
    hub = pytest.importorskip("huggingface_hub", reason="needs huggingface_hub ('skimrnn[hub]')")
    for cls in (*CLASSES.values(), TextClassifier):
        assert issubclass(cls, hub.PyTorchModelHubMixin)
    layer = SkimGRU(3, 5, skim_size=2)
    twin = copy.deepcopy(layer)
    assert isinstance(twin, hub.PyTorchModelHubMixin)
    assert twin.config == layer.config
    assert torch.equal(pickle.loads(pickle.dumps(layer)).weight_hh_l0, twin.weight_hh_l0)


def test_without_the_package_folders_are_saved_and_loaded(tmp_path):
    code = """
import sys
sys.modules["huggingface_hub"] = None
from skimrnn.nn import SkimLSTM
layer = SkimLSTM(3, 5, skim_size=2)
layer.save_pretrained("./layer")
print(SkimLSTM.from_pretrained("./layer").config == layer.config, SkimLSTM.__mro__[2].__bases__)
"""
    assert python(code, tmp_path, "http://127.0.0.1:9") == "True (<class 'object'>,)"


def test_the_hub(tmp_path):
    pytest.importorskip("huggingface_hub", reason="needs huggingface_hub ('skimrnn[hub]')")
    server = Hub()
    folder = saved(tmp_path / "model", make_classifier(card="# A card\n"))
    code = """
from skimrnn.nn import TextClassifier
model = TextClassifier.from_pretrained("./model")
print(model.push_to_hub("org/film", card="# A card\\n", token="t"))
again = TextClassifier.from_pretrained("org/film", revision="main", cache_dir="./cache")
print(model.save_pretrained("./film", push_to_hub=True, repo_id="org/two", token="t"))
try:
    TextClassifier.from_pretrained("org/absent")
except OSError as error:
    print(type(error).__name__)
"""
    try:
        first, second, error = python(code, tmp_path, server.endpoint).splitlines()
    finally:
        server.shutdown()
        server.server_close()
    assert first.endswith("/org/film/commit/" + "c" * 40)
    assert "/org/two/commit/" in second
    assert error == "HubError"
    assert server.repositories["org/film"]["main"] == tree(folder)
    assert server.repositories["org/two"]["main"].keys() == tree(folder).keys()
    assert (tmp_path / "cache" / "models--org--film" / "snapshots" / commit_of("main")).is_dir()
