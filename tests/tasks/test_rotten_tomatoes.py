from pathlib import Path

import pytest

from skimrnn.tasks import load_task
from skimrnn.tasks.splits import text_key


@pytest.fixture
def snippets(write, tmp_path: Path) -> Path:
    negative = [f"caf\xe9 bad {n} \x85 still bad" for n in range(20)]
    positive = [f"good {n}" for n in range(20)]
    write("data/mr/rt-polarity.neg", "\n".join(negative).encode("latin-1") + b"\n")
    write("data/mr/rt-polarity.pos", " \n".join(positive).encode("latin-1") + b"\n")
    return tmp_path / "data"


def test_lines_are_windows_1252_and_end_at_line_feeds(snippets: Path):
    task = load_task("rotten-tomatoes", data_dir=snippets)
    texts = [text for examples in task.splits().values() for text in examples.texts]
    assert len(texts) == 40
    assert "café bad 3 … still bad" in texts
    assert "good 7" in texts
    assert [len(examples) for examples in task.splits().values()] == [32, 4, 4]
    for examples in task.splits().values():
        for text, target in zip(examples.texts, examples.targets.tolist(), strict=True):
            assert task.labels[target] == ("positive" if text.startswith("good") else "negative")


def test_the_seed_draws_the_split_and_is_recorded(snippets: Path):
    tasks = [load_task("rotten-tomatoes", data_dir=snippets, seed=seed) for seed in (0, 0, 1)]
    assert tasks[0].test.texts == tasks[1].test.texts != tasks[2].test.texts
    assert [task.record["seed"] for task in tasks] == [0, 0, 1]
    assert tasks[0].record["split"] == "random, not stratified"


def test_training_snippets_that_are_held_out_too_are_dropped(write, tmp_path: Path):
    write("data/mr/rt-polarity.neg", "\n".join(f"bad {n % 10} !" for n in range(20)))
    write("data/mr/rt-polarity.pos", "\n".join(f"good , {n}" for n in range(20)))
    task = load_task("rotten-tomatoes", data_dir=tmp_path / "data")
    held_out = {text_key(t) for t in task.validation.texts + task.test.texts}
    dropped = task.record["dropped"]["train_snippets_equal_to_a_held_out_one"]
    assert dropped == 32 - len(task.train) > 0
    assert not held_out & {text_key(text) for text in task.train.texts}


@pytest.mark.parametrize("folder", ["rt-polaritydata/rt-polaritydata", "rotten-tomatoes", "."])
def test_folder_names(snippets: Path, tmp_path: Path, folder: str):
    (tmp_path / "other" / folder).parent.mkdir(parents=True, exist_ok=True)
    if folder == ".":
        other = snippets / "mr"
    else:
        (snippets / "mr").rename(tmp_path / "other" / folder)
        other = tmp_path / "other"
    assert len(load_task("rotten-tomatoes", data_dir=other).test) == 4


def test_real_counts_are_those_of_the_paper(real_data: Path):
    task = load_task("rotten-tomatoes", data_dir=real_data)
    # Of the 8,530 two differ from a held-out snippet in punctuation only.
    assert [len(examples) for examples in task.splits().values()] == [8_528, 1_066, 1_066]
    assert task.record["dropped"] == {"train_snippets_equal_to_a_held_out_one": 2}
    assert task.record["counts"]["test"] == {"texts": 1_066, "negative": 539, "positive": 527}
