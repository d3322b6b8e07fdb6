"""The controls: gradients, the native reader beside torch, the file, runs like every row's."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from torch.nn.utils.rnn import pack_padded_sequence

from agreement import SIZES
from benchmarks.classification import controls
from benchmarks.classification.controls import compiler, native, saved, tables
from benchmarks.classification.controls.gated import CELLS
from benchmarks.classification.controls.native import NativeControl, compiled
from benchmarks.classification.controls.recurrence import before, last, scan
from benchmarks.classification.controls.speed import random_control
from benchmarks.classification.controls.training import control, train
from skimrnn.extension import kernels
from skimrnn.nn import TextClassifier
from skimrnn.tasks import Examples, TextTask
from skimrnn.text import UNKNOWN, Vocabulary
from skimrnn.train import TrainingOptions

WORDS, CLASSES = 40, 3
# Probabilities in float32, summed in another order and from products of rounded exponentials: a
# step adds a few units in the last place (6e-8), and forgets most of those before it.
CLOSE = 3e-6

every_cell = pytest.mark.parametrize("cell", CELLS)
natively = pytest.mark.skipif(
    compiler.compiler() is None, reason="the controls need a C++ compiler"
)
scanned = pytest.mark.skipif(kernels is None, reason="the scanner needs the C++ extension")


def naive_scan(a, b, sizes):
    """Row by row, each from its predecessor's."""
    h = list(b[: sizes[0]])
    earlier = before(sizes).tolist()
    for row in range(sizes[0], len(b)):
        h.append(a[row] * h[earlier[row - sizes[0]]] + b[row])
    return torch.stack(h)


def naive_final(cell, layer, x):
    """The final h (D,) of one text (T, E), equation by equation."""
    parts = [part.chunk(layer.window, dim=1) for part in layer.linear.weight.chunk(layer.gates)]
    biases = layer.linear.bias.chunk(layer.gates)
    h = c = x.new_zeros(layer.hidden_size)
    previous = x.new_zeros(x.shape[1])
    for now in x:
        seen = (now, previous)[: layer.window]
        sums = [
            sum(weight @ vector for weight, vector in zip(weights, seen, strict=True)) + bias
            for weights, bias in zip(parts, biases, strict=True)
        ]
        if cell == "qrnn":
            z, f, o = sums[0].tanh(), sums[1].sigmoid(), sums[2].sigmoid()
            c = f * c + (1 - f) * z
            h = o * c
        else:
            z = sums[0].sigmoid()
            h = (1 - z) * h + z * sums[1]
        previous = now
    return h


def make_model(cell, units, inputs=5, scale=1.0, seed=0):
    torch.manual_seed(seed)
    model = TextClassifier(CELLS[cell](inputs, units), WORDS, CLASSES).eval()
    with torch.no_grad():
        for parameter in model.rnn.parameters():
            parameter.mul_(scale)
    return model


def saved_of(model, cell):
    vocabulary = Vocabulary((UNKNOWN, *(f"w{row}" for row in range(1, WORDS))))
    return control(model, cell, ("a", "b", "c"), vocabulary, {"steps": 3})


# ---- training ------------------------------------------------------------------------------------


@pytest.mark.parametrize("sizes", [[1], [3], [1] * 9, [4, 4, 2, 1, 1], [5, 3, 3]], ids=str)
def test_the_scan_and_its_gradient_are_those_of_a_loop(sizes):
    shape = (sum(sizes), 3)
    a, b = (torch.rand(shape, dtype=torch.float64, requires_grad=True) for _ in "ab")
    wanted = torch.rand(shape, dtype=torch.float64)

    def gradient(scan):
        loss = (scan(a, b, sizes) * wanted).sum()
        return torch.autograd.grad(loss, (a, b), materialize_grads=True)  # one step uses no a

    for one, other in zip(gradient(scan), gradient(naive_scan), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(scan(a, b, sizes), naive_scan(a, b, sizes), rtol=0, atol=1e-14)
    assert torch.autograd.gradcheck(partial(scan, sizes=sizes), (a, b))


def test_rows_of_a_packed_batch():
    sizes = [3, 2, 2, 1]
    assert before(sizes).tolist() == [0, 1, 3, 4, 5]
    assert last(sizes).tolist() == [7, 6, 2]


@every_cell
def test_a_layer_is_its_equations_and_so_is_its_gradient(cell):
    layer = CELLS[cell](4, 6).double()
    lengths = [2, 7, 1, 4]
    x = torch.randn(len(lengths), max(lengths), 4, dtype=torch.float64, requires_grad=True)
    packed = pack_padded_sequence(x, torch.tensor(lengths), batch_first=True, enforce_sorted=False)
    _, h_n = layer(packed)
    assert h_n.shape == (1, 4, 6)
    naive = torch.stack([naive_final(cell, layer, x[i, :n]) for i, n in enumerate(lengths)])
    torch.testing.assert_close(h_n[0], naive, rtol=1e-12, atol=1e-12)
    over = (x, layer.linear.weight, layer.linear.bias)
    weights = torch.randn_like(naive)
    ours = torch.autograd.grad((h_n[0] * weights).sum(), over)
    theirs = torch.autograd.grad((naive * weights).sum(), over)
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-11, atol=1e-11)


# ---- the native reader ---------------------------------------------------------------------------


def assert_agree(model, reader, texts):
    lengths = torch.tensor([len(text) for text in texts])
    rows = np.zeros((len(texts), max(map(len, texts))), np.int64)
    for row, text in zip(rows, texts, strict=True):
        row[: len(text)] = text
    with torch.no_grad():
        wanted = model(torch.from_numpy(rows), lengths).softmax(dim=1).numpy()
    found = np.stack([reader.read(text) for text in texts])
    np.testing.assert_allclose(found, wanted, rtol=0, atol=CLOSE)


@natively
@every_cell
@pytest.mark.parametrize("units", [*SIZES, 16, 100])
def test_native_reads_what_torch_reads(cell, units):
    random = np.random.default_rng(units)
    for scale in (0.1, 1.0, 8.0):
        model = make_model(cell, units, scale=scale)
        reader = NativeControl(saved_of(model, cell))
        texts = [random.integers(0, WORDS, n).astype(np.int32) for n in (0, 1, 2, 3, 17, 300)]
        assert_agree(model, reader, texts)


@natively
@every_cell
def test_a_text_without_words_has_the_zero_states_label(cell):
    model = make_model(cell, 7)
    found = NativeControl(saved_of(model, cell)).read(np.zeros(0, np.int32))
    np.testing.assert_allclose(found, model.head.bias.softmax(dim=0).detach(), atol=CLOSE)


@natively
def test_gates_that_are_shut_or_open_altogether():
    """Exponents as large as the table takes, whose products reach far beyond."""
    model = make_model("qrnn", 16, inputs=1)
    with torch.no_grad():
        model.embedding.weight[:] = torch.tensor([[1.0], [-1.0]]).repeat(WORDS // 2, 1)
        model.rnn.linear.bias.zero_()
        for part, largest in zip(model.rnn.linear.weight.chunk(3), (21.4, 42.9, 42.9), strict=True):
            signs = torch.tensor([[i & 1, i >> 1 & 1] for i in range(16)]) * 2.0 - 1
            part[:] = largest * signs
    reader = NativeControl(saved_of(model, "qrnn"))
    random = np.random.default_rng(0)
    assert_agree(model, reader, [random.integers(0, WORDS, n).astype(np.int32) for n in (1, 2, 60)])


def test_exponents_beyond_the_tables_are_refused():
    control = random_control("qrnn", 8, words=WORDS)
    with pytest.raises(
        ValueError, match=r"word table is \d+\.\d, and above 43 it may overflow; tr"
    ):
        tables.word_table(replace(control, weight=control.weight * 100))


@every_cell
def test_the_table_stands_at_a_cache_line_with_a_row_for_each_word(cell):
    table = tables.word_table(random_control(cell, 17, words=WORDS))
    assert table.shape == {"qrnn": (WORDS + 1, 6, 32), "mingru": (WORDS, 2, 32)}[cell]
    assert table.ctypes.data % 64 == 0


@natively
@every_cell
@pytest.mark.parametrize("row", [-1, WORDS, 2**31 - 1])
def test_rows_outside_of_the_vocabulary_are_refused(cell, row):
    reader = NativeControl(random_control(cell, 3, words=WORDS))
    with pytest.raises(ValueError, match=f"must be from 0 to below {WORDS}, the words known; got"):
        reader.read(np.array([1, row, 2], np.int32))


@natively
def test_it_is_compiled_once():
    assert compiled(16) == compiled(16)
    assert compiled(16) != compiled(32)
    assert [path.suffix for path in compiler.FOLDER.iterdir()].count(".o") == 0


def test_without_a_compiler(monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(RuntimeError, match=r"no C\+\+ compiler 'no-such-compiler' .* name another"):
        compiled(16)


@natively
def test_a_compiler_that_fails(monkeypatch, tmp_path):
    broken = tmp_path / "scan.cc"
    broken.write_text("this is no C++")
    monkeypatch.setattr(native, "SOURCE", broken)
    with pytest.raises(RuntimeError, match=r"failed; its words were:\n.*error"):
        compiled(16)


# ---- the file ------------------------------------------------------------------------------------


@every_cell
def test_what_is_saved_is_read(cell, tmp_path):
    before = saved_of(make_model(cell, 7), cell)
    before.write(tmp_path)
    after = saved.read(tmp_path)
    for name, value in vars(before).items():
        np.testing.assert_array_equal(getattr(after, name), value, err_msg=name)
    assert after.hidden_size == 7
    with np.load(tmp_path / saved.NAME, allow_pickle=False) as file:
        assert all(array.dtype != object for array in file.values())


def test_a_folder_without_a_control(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"holds no control, .* train one with"):
        controls.load(tmp_path)


# ---- runs ----------------------------------------------------------------------------------------


def examples(count, seed):
    """Good or bad by one word; a text without words now and then."""
    random = np.random.default_rng(seed)
    targets = np.arange(count) % 2
    filler = ("the", "a", "film", "it", "was", "and", "of")
    made = []
    for target in targets:
        words = [str(word) for word in random.choice(filler, random.integers(1, 6))]
        words.insert(int(random.integers(len(words) + 1)), ("bad", "good")[target])
        made.append(" ".join(words))
    made[count // 2] = ""
    return Examples(made, targets)


@pytest.fixture(scope="module")
def task():
    record = {"name": "moods", "labels": ["bad", "good"], "counts": {"train": {"texts": 96}}}
    return TextTask("moods", ("bad", "good"), *(examples(n, n) for n in (96, 41, 40)), record)


OPTIONS = TrainingOptions(
    hidden_size=12,
    levels=(12,),
    embedding_size=8,
    batch_size=16,
    epochs=12,
    learning_rate=0.03,
    dropout=0.1,
    averaging=0.9,
)


@natively
@scanned
@every_cell
def test_it_learns_and_reads_as_it_was_trained(cell, task, tmp_path):
    trained = train(task, cell, OPTIONS, tmp_path / "control")
    assert [path.name for path in tmp_path.iterdir()] == ["control"]
    assert sorted(path.name for path in trained.folder.iterdir()) == ["log.jsonl", "model.npz"]
    best = trained.outcome.best
    assert best["accuracy"] > 0.9
    assert best["skim_rate"] is None
    read = controls.load(trained.folder)
    assert read.record == trained.record
    assert read.record["options"]["cell"] == cell
    measured = controls.measure(read, task.validation)
    assert measured["accuracy"] == pytest.approx(best["accuracy"], abs=1 / 41 + 1e-9)
    texts = task.validation.texts
    right = np.array(read.predict(texts)) == np.array(task.labels)[task.validation.targets]
    assert measured["correct"] == np.packbits(right).tobytes().hex()
    assert measured["texts"] == 41
    assert measured["tokens"] == sum(len(text.split()) for text in texts)
    p = read.predict_proba(texts)
    assert p.shape == (41, 2)
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(read.predict_proba(texts[0].encode()), p[0])
    np.testing.assert_array_equal(read.read_rows(read.rows(texts[0]).astype(np.int64)), p[0])
    assert read.predict(texts[0]) == read.predict(texts)[0]
    assert read.predict_proba([]).shape == (0, 2)


def test_a_run_that_was_cut_off_ends_the_same(task, tmp_path):
    options = replace(OPTIONS, epochs=2)
    whole = train(task, "qrnn", options, tmp_path / "whole")

    def cut_off(event):
        if event["step"] == 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(task, "qrnn", options, tmp_path / "cut", show=cut_off)
    with pytest.raises(ValueError, match="control was 'qrnn' and is 'mingru'"):
        train(task, "mingru", options, tmp_path / "cut")
    again = train(task, "qrnn", options, tmp_path / "cut")
    assert again.outcome.history == whole.outcome.history
    first, second = (saved.read(trained.folder) for trained in (whole, again))
    np.testing.assert_array_equal(first.weight, second.weight)


def test_no_such_control(task, tmp_path):
    with pytest.raises(ValueError, match="a control is one of qrnn, mingru; got 'lstm'"):
        train(task, "lstm", OPTIONS, tmp_path / "control")
