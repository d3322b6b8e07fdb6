"""What each route answers."""

import json

import numpy as np
import pytest
from sites import serving

from models import make_classifier, make_config
from skimrnn.runtime import Model
from skimrnn.serve.schemas import (
    MAX_CHARACTERS,
    MAX_DETAIL_CHARACTERS,
    MAX_TEXTS,
    ModelResponse,
    ReadResponse,
)
from skimrnn.show import view

TEXTS = (
    "The plot is thin , but the acting is a joy from start to finish .",
    "I don't know; it isn't 😀 bad.\n\nA bore",
    "",
)


def test_it_says_what_the_model_says(site, sst):
    reply = site.read(*TEXTS, threshold=0.3, budget=0.5)
    assert reply.status == 200
    for said, reading in zip(
        reply.json["results"], sst.read(TEXTS, threshold=0.3, budget=0.5), strict=True
    ):
        assert said["label"] == reading.label
        assert list(said["probabilities"].values()) == pytest.approx(
            reading.probabilities, abs=1e-6
        )
        assert said["words"] == len(reading)
        assert said["skim_rate"] == reading.skim_rate
        assert "detail" not in said
    assert (reply.json["threshold"], reply.json["budget"]) == (0.3, 0.5)
    ReadResponse.model_validate_json(reply.body)


def test_left_out_the_rule_is_the_models_own(site, sst):
    said = site.read(TEXTS[0], threshold=None).json
    assert (said["model"], said["threshold"], said["budget"]) == ("sst", sst.rule.threshold, None)


@pytest.mark.parametrize("options", [{}, {"threshold": 1}, {"threshold": "argmax", "budget": 0.2}])
def test_detail_is_the_librarys_view_and_the_course_ends_at_the_result(site, sst, options):
    reply = site.read(*TEXTS, detail=True, **options)
    ReadResponse.model_validate_json(reply.body)  # forbids what it does not describe
    for text, said in zip(TEXTS, reply.json["results"], strict=True):
        reading = sst.read(text, **options)
        assert said["detail"]["view"] == json.loads(json.dumps(view(reading)))
        course = said["detail"]["course"]
        assert course["words"][0] == 0
        assert course["words"][-1] == len(reading)
        for label, p in said["probabilities"].items():
            assert course["probabilities"][label][-1] == p
            assert len(course["probabilities"][label]) == len(course["words"])
    assert reply.json["time"]["rounds"] >= 1
    assert reply.json["time"]["us"] > 0


def test_the_course_is_what_reading_the_beginnings_says(site, sst):
    course = site.read(TEXTS[0], detail=True).json["results"][0]["detail"]["course"]
    words = TEXTS[0].split()
    assert course["words"] == list(range(len(words) + 1))
    for count in course["words"]:
        expected = sst.predict_proba(" ".join(words[:count]))
        found = [points[count] for points in course["probabilities"].values()]
        np.testing.assert_allclose(found, expected, atol=2e-6)


def test_the_course_of_a_long_text_has_few_points(site):
    long = "a film " * 2000
    course = site.read(long, detail=True).json["results"][0]["detail"]["course"]
    assert 100 <= len(course["words"]) <= 202
    assert course["words"][-1] == 4000


def test_a_model_of_both_directions_has_no_course():
    config = make_config(bidirectional=True, num_layers=2)
    with serving(Model(make_classifier(config))) as site:
        said = site.read("the good film", detail=True)
        ReadResponse.model_validate_json(said.body)
        detail = said.json["results"][0]["detail"]
        assert detail["course"] is None
        assert (detail["view"]["layers"], detail["view"]["directions"]) == (2, 2)
        counted = site.ask("GET", "/metrics").body.decode()
        read, skimmed = (
            float(counted.split(f'skimrnn_words_total{{taken="{taken}"}} ')[1].split()[0])
            for taken in ("read", "skimmed")
        )
        assert read + skimmed == 3 * 4


def test_a_plain_model_has_no_budget():
    with serving(Model(make_classifier(make_config(levels=(7,))))) as site:
        assert site.read("the good film", detail=True).status == 200
        refused = site.read("the good film", budget=0.5)
        assert refused.status == 422
        assert "a budget needs a level to skim at" in refused.json["detail"]


@pytest.mark.parametrize(
    ("asked", "status", "said"),
    [
        ({"texts": []}, 422, "texts: List should have at least 1 item"),
        ({"texts": [""] * (MAX_TEXTS + 1)}, 422, f"texts: List should have at most {MAX_TEXTS}"),
        ({"texts": ["a" * (MAX_CHARACTERS + 1)]}, 422, f"at most {MAX_CHARACTERS} characters"),
        ({"texts": "a"}, 422, "texts: Input should be a valid list"),
        ({"texts": [1]}, 422, "texts.0: Input should be a valid string"),
        ({"texts": ["\ud800"]}, 422, "texts.0: Input should be a valid string"),
        ({}, 422, "texts: Field required"),
        ([], 422, "the body: "),
        ({"texts": ["a"], "threshold": "high"}, 422, "threshold: Input should be a valid number"),
        ({"texts": ["a"], "threshold": True}, 422, "threshold: Input should be a valid number"),
        ({"texts": ["a"], "threshold": float("nan")}, 422, "threshold: Input should be a finite"),
        ({"texts": ["a"], "threshold": 10**400}, 422, "threshold: "),
        ({"texts": ["a"], "budget": 1.5}, 422, "budget: Input should be less than or equal to 1"),
        ({"texts": ["a"], "burst": 1}, 422, "burst: Extra inputs are not permitted"),
        ({"texts": ["a"], "\ud800": 1}, 422, "the body: "),
        (
            {"texts": ["a " * (MAX_DETAIL_CHARACTERS // 2), "a"], "detail": True},
            413,
            f"may have {MAX_DETAIL_CHARACTERS:,} characters in all; got 30,001",
        ),
        (b'{"texts": ["a"', 400, "the body is no JSON"),
        (b"\xff\xfe", 400, ""),
        (b"[" * 100_000, 400, ""),
        (b'{"texts": ["a"], "threshold": ' + b"9" * 5000 + b"}", 400, ""),
    ],
)
def test_what_is_refused_is_told_why(site, asked, status, said):
    reply = site.post(asked)
    assert reply.status == status, reply.body[:500]
    assert list(reply.json) == ["detail"]
    assert said in reply.json["detail"]


def test_limits_themselves_are_allowed(site):
    assert len(site.read(*["a"] * MAX_TEXTS).json["results"]) == MAX_TEXTS
    assert site.read("a " * (MAX_CHARACTERS // 2)).json["results"][0]["words"] == 50_000


def test_other_paths_and_methods_are_told_so(site):
    assert site.ask("GET", "/nothing?text=here").json == {"detail": "Not Found"}
    reply = site.ask("GET", "/v1/read")
    assert (reply.status, reply.headers["allow"]) == (405, "POST")


def test_the_model_is_described(site, sst):
    said = ModelResponse.model_validate_json(site.ask("GET", "/v1/model").body)
    assert said.name == "sst"
    assert said.labels == list(sst.labels)
    assert said.layer["levels"] == list(sst.config.levels)
    assert said.implementation == sst.implementation


def test_health(site):
    assert site.ask("GET", "/healthz").json == {"status": "ok"}
    assert site.ask("GET", "/readyz").json == {"status": "ok"}
    state = site.app.state
    state.draining = state.closing = True
    try:
        reply = site.ask("GET", "/readyz")
        assert (reply.status, reply.headers["connection"]) == (503, "close")
        assert site.ask("GET", "/healthz").status == 200
    finally:
        state.draining = state.closing = False


def test_metrics_count_requests_texts_and_words(sst):
    with serving(sst, "sst") as site:
        site.read("a joy", "a bore", threshold=1)
        site.read("a joy from start to finish", threshold=-1)
        site.read()
        site.ask("GET", "/secret/path?and=query")
        said = site.ask("GET", "/metrics")
    lines = said.body.decode().splitlines()
    assert 'skimrnn_requests_total{method="POST",route="/v1/read",status="200"} 2.0' in lines
    assert 'skimrnn_requests_total{method="POST",route="/v1/read",status="422"} 1.0' in lines
    assert 'skimrnn_requests_total{method="GET",route="other",status="404"} 1.0' in lines
    assert 'skimrnn_request_seconds_count{route="/v1/read"} 3.0' in lines
    assert "skimrnn_texts_total 3.0" in lines
    assert 'skimrnn_words_total{taken="read"} 4.0' in lines
    assert 'skimrnn_words_total{taken="skimmed"} 6.0' in lines
    assert b"secret" not in said.body


def test_a_failure_is_a_500_and_says_no_text(sst, caplog, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("quoting a private text")

    with serving(sst) as site:
        monkeypatch.setattr("skimrnn.serve.app.answer", broken)
        reply = site.read("a private text")
    assert reply.status == 500
    assert reply.json == {"detail": "the server failed; its log says where"}
    assert "RuntimeError at test_serve_app.py:" in caplog.text
    assert "private" not in caplog.text


def test_the_page_is_one_file_with_a_policy(site):
    reply = site.ask("GET", "/")
    assert reply.status == 200
    policy = reply.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    page = reply.body.decode()
    assert "--mark: #ffe394" in page  # the shared style is in it
    without = page.replace("http://www.w3.org/2000/svg", "")
    assert "://" not in without
    assert "style=" not in without  # the policy would forbid it
    assert site.ask("GET", "/docs").status == 404


def test_the_description_names_every_route(site):
    said = site.ask("GET", "/openapi.json").json
    assert set(said["paths"]) == {"/v1/read", "/v1/model", "/healthz", "/readyz", "/metrics"}
    assert set(said["paths"]["/v1/read"]["post"]["responses"]) == {
        *("200", "400", "408", "413", "422", "503")
    }
