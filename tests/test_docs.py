"""The README's code runs, and the pages say what the results say."""

import csv
import html
import importlib.util
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pyarrow
import pytest
from pyarrow import parquet

import skimrnn
from made_up_reviews import write_reviews, write_topics
from skimrnn.show import render_svg, view

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
RUNTIME = (ROOT / "docs" / "runtime.md").read_text(encoding="utf-8")


def python_blocks(page: str = README) -> list[str]:
    return re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)


def printed_by(code, folder):
    """What a program prints that is run in this folder, and ends well, without a warning."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_readme_has_its_examples():
    blocks = python_blocks()
    assert len(blocks) == 3
    assert "skimrnn.load" in blocks[0]
    assert "SkimClassifier" in blocks[1]
    assert "skimmify" in blocks[2]


def test_readme_examples_run(tmp_path):
    write_reviews(tmp_path / "reviews.csv", 2000)
    printed = [printed_by(block, tmp_path) for block in python_blocks()]
    assert "skimmed" in printed[0]
    assert printed[1].startswith("['good']")
    assert "(8, 30, 128)" in printed[2]
    assert skimrnn.load(tmp_path / "reviews").predict("what a bore") == "bad"


def readme_commands() -> list[list[str]]:
    """Every line of the README's shell blocks, without its comment."""
    blocks = re.findall(r"```sh\n(.*?)```", README, flags=re.DOTALL)
    return [shlex.split(line, comments=True) for line in "".join(blocks).splitlines()]


def test_readme_commands_run(tmp_path):
    """One after the other, as a reader would, on files of the names that they name."""
    write_reviews(tmp_path / "reviews.csv", 400)
    write_reviews(tmp_path / "few.csv", 60, seed=2)
    write_reviews(tmp_path / "held-out.csv", 100, seed=1)
    write_topics(tmp_path / "topics.csv")
    (tmp_path / "more.txt").write_text("a film that nobody has labelled\n" * 20)
    (tmp_path / "article.txt").write_text("The bridge was built by Ada Stone in 1911 .\n")
    with (tmp_path / "held-out.csv").open(encoding="utf-8") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    parquet.write_table(pyarrow.table({"text": texts}), tmp_path / "texts.parquet")
    run = []
    for program, *arguments in readme_commands():
        # make's are what runs these tests; tests/bench times smaller networks than bench does
        if program == "skimrnn" and arguments[0] != "bench":
            subprocess.run(
                [sys.executable, "-m", "skimrnn", *arguments], cwd=tmp_path, check=True, timeout=300
            )
            run.append(arguments[0])
    assert run == ["answer", *["train"] * 8, "evaluate", "tradeoff", "read", "calibrate", "score"]
    assert skimrnn.load(tmp_path / "mine").predict("what a bore") == "bad"
    both = skimrnn.load(tmp_path / "topics").predict_labels("a joy that is tedious")
    assert sorted(both) == ["bad", "good"]
    assert parquet.read_table(tmp_path / "labelled.parquet").num_rows == 100
    for made in ("tradeoff.png", "page.html"):
        assert (tmp_path / made).stat().st_size > 1000


def test_tutorial_runs(tmp_path):
    """One block after the other, as a reader would."""
    blocks = python_blocks((ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8"))
    assert len(blocks) == 5
    printed = printed_by("\n".join(blocks), tmp_path)
    assert re.search(r"^good \[", printed, flags=re.MULTILINE)
    assert "θ = 1.0: " in printed
    assert len(printed.splitlines()) == 1 + 1 + 11 + 4 + 1


def test_every_page_has_its_place_on_the_site():
    listed = re.findall(r": ([\w-]+\.md)$", (ROOT / "mkdocs.yml").read_text(), flags=re.MULTILINE)
    assert sorted(listed) == sorted(path.name for path in (ROOT / "docs").glob("*.md"))


def test_the_site_is_built(tmp_path):
    if not all(importlib.util.find_spec(name) for name in ("mkdocs", "mkdocstrings", "material")):
        pytest.skip("needs the extra docs: pip install 'skimrnn[docs]'")
    subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "-q", "-d", str(tmp_path / "site")],
        cwd=ROOT,
        check=True,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )
    page = (tmp_path / "site" / "api" / "index.html").read_text(encoding="utf-8")
    assert "SkimClassifier" in page
    everything = "".join(p.read_text(encoding="utf-8") for p in (tmp_path / "site").rglob("*.html"))
    loaded = re.findall(r"<(?:script|img|link)[^>]+(?:src|href)=\"(https?:[^\"]+)", everything)
    assert loaded == []


def test_estimator_example_runs(tmp_path):
    one, several = python_blocks((ROOT / "docs" / "estimator.md").read_text(encoding="utf-8"))
    printed_by(one + "\nassert again.predict(['a joy']) == ['good']", tmp_path)
    sets = [("sport",), ("politics",), ("politics", "sport"), ()]
    printed_by(f"{several}\nassert names.inverse_transform(given) == {sets}", tmp_path)


def test_runtime_examples_run(tmp_path):
    """One after the other, beginning with a loaded model, as the page does."""
    blocks = python_blocks(RUNTIME)
    assert len(blocks) == 2
    code = "\n".join(['import skimrnn\nmodel = skimrnn.load("sst")', *blocks])
    printed = printed_by(code, tmp_path)
    assert "skimmed: positive" in printed


def test_questions_example_runs(tmp_path):
    (block,) = python_blocks((ROOT / "docs" / "questions.md").read_text(encoding="utf-8"))
    printed = printed_by(block, tmp_path)
    assert len(printed.splitlines()) == 3


def test_scoring_example_runs(tmp_path):
    (block,) = python_blocks((ROOT / "docs" / "scoring.md").read_text(encoding="utf-8"))
    printed = printed_by(block, tmp_path)
    assert printed.splitlines()[0] == "['positive', 'negative', None]"
    assert "rows=3, unlabelled=1" in printed


def test_hub_example_runs(tmp_path):
    (block,) = python_blocks((ROOT / "docs" / "hub.md").read_text(encoding="utf-8"))
    assert printed_by(block, tmp_path) == "True (100, 5)\n"


def test_export_example_runs(tmp_path):
    pytest.importorskip("onnxruntime", reason="needs onnxruntime (pip install 'skimrnn[onnx]')")
    (block,) = python_blocks((ROOT / "docs" / "export.md").read_text(encoding="utf-8"))
    assert printed_by(block, tmp_path).startswith("positive")


@pytest.mark.parametrize("page", sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]), ids=str)
def test_links_lead_somewhere(page):
    text = page.read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", text)
    missing = [t for t in targets if "://" not in t and not (page.parent / t).exists()]
    assert missing == []


@pytest.mark.parametrize(
    "report",
    [
        *("classification.report", "questions.report", "rivals.report"),
        *(
            "export_report",
            "few_texts_report",
            "newcomer_report",
            "scoring_report",
            "serving_report",
            "speed_report",
            "training_report",
        ),
    ],
)
def test_pages_are_what_the_results_say(report):
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{report}", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_picture_of_the_readme_is_how_the_bundled_model_reads():
    """``skimrnn read imdb TEXT --svg docs/skimmed.svg`` draws it anew."""
    picture = (ROOT / "docs" / "skimmed.svg").read_text(encoding="utf-8")
    pieces = [html.unescape(one) for one in re.findall(r"<text[^>]*>([^<]*)</text>", picture)]
    text = re.sub(r" +([.,])", r"\1", " ".join(one.strip() for one in pieces[2:]))
    assert text.startswith("Two sisters")
    assert render_svg(view(skimrnn.load("imdb").read(text))) == picture
