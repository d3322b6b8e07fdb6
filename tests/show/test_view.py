import json

import numpy as np
import pytest

from skimrnn.show import view
from skimrnn.show.view import pieces, read_share, shown_levels


def test_a_view_holds_exactly_what_was_read(stand_in):
    reading = stand_in("Not good", [0, 1], threshold=0.25, budget=0.5, burst=2)

    assert view(reading) == {
        "text": "Not good",
        "label": "positive",
        "probabilities": {"negative": 0.25, "positive": 0.75},
        "multilabel": False,
        "chosen": ["positive"],
        "skim_rate": 0.5,
        "flop_reduction": 4.6,
        "recurrent_reduction": 7.25,
        "threshold": 0.25,
        "budget": 0.5,
        "burst": 2.0,
        "layers": 1,
        "directions": 1,
        "levels": 2,
        "tokens": [
            {"start": 0, "end": 3, "word": "not", "level": [[0]], "p_skim": [[0.2]]},
            {"start": 4, "end": 8, "word": "good", "level": [[1]], "p_skim": [[0.8]]},
        ],
    }


def test_layers_come_before_directions(stand_in):
    level = [[[0, 1, 1], [1, 0, 1]], [[1, 1, 0], [0, 0, 1]]]

    made = view(stand_in("a b c", level))

    assert (made["layers"], made["directions"]) == (2, 2)
    assert [token["level"] for token in made["tokens"]] == [
        [[0, 1], [1, 0]],
        [[1, 0], [1, 0]],
        [[1, 1], [0, 1]],
    ]
    assert made["tokens"][2]["p_skim"] == [[0.8, 0.8], [0.2, 0.8]]
    assert [read_share(token) for token in made["tokens"]] == [0.5, 0.5, 0.25]
    assert shown_levels(made, 1, 1) == [0, 0, 1]


def test_p_skim_sums_every_level_that_skims(stand_in):
    reading = stand_in("a", [2], levels=3)
    reading.p[0, 0, 0] = [0.125, 0.25, 0.625]

    assert view(reading)["tokens"][0]["p_skim"] == [[0.875]]


@pytest.mark.parametrize("threshold", [0.3, 0.7, 1 / 3])
def test_p_skim_stands_to_the_threshold_as_it_did_when_decided(stand_in, threshold):
    # The neighbours of the threshold in float32, where 1 - p[0] would fall on the wrong side.
    theta = np.float32(threshold)
    near = [np.nextafter(theta, np.float32(0)), theta, np.nextafter(theta, np.float32(1))]
    reading = stand_in("a b c", [0, 0, 1], threshold=threshold)
    reading.p[0, 0, :, 1] = near
    reading.p[0, 0, :, 0] = np.float32(1) - reading.p[0, 0, :, 1]

    shown = [token["p_skim"][0][0] for token in view(reading)["tokens"]]

    assert [np.float32(p) > theta for p in shown] == [False, False, True]
    assert [np.float32(p) for p in shown] == near


def test_the_plain_network_skims_nothing(stand_in):
    made = view(stand_in("a b", [0, 0], levels=1))

    assert made["levels"] == 1
    assert made["skim_rate"] == 0.0
    assert [token["p_skim"] for token in made["tokens"]] == [[[0.0]], [[0.0]]]


@pytest.mark.parametrize("text", ["", "  \n "])
def test_no_token_gives_nulls(stand_in, text):
    made = view(stand_in(text, [], spans=[]))

    assert made["tokens"] == []
    assert made["skim_rate"] is made["flop_reduction"] is made["recurrent_reduction"] is None
    assert "".join(characters for characters, _ in pieces(made)) == text


@pytest.mark.parametrize(
    ("given", "shown"),
    [(float("inf"), 1.0), (-float("inf"), -1.0), ("argmax", "argmax"), (2, 2.0), (None, None)],
)
def test_a_view_is_strict_json(stand_in, hostile, given, shown):
    made = view(stand_in(hostile, threshold=given))

    again = json.loads(json.dumps(made, allow_nan=False))

    assert again == made
    assert again["threshold"] == shown
    assert again["burst"] == (None if given is None else 1)


def test_pieces_are_the_text_again(seen, hostile):
    made = seen(hostile)

    assert "".join(characters for characters, _ in pieces(made)) == hostile
    assert [t for _, t in pieces(made) if t is not None] == made["tokens"]


def test_pieces_of_touching_tokens_and_white_space_at_both_ends(seen):
    made = seen(" didn't.\n", [1, 0, 1], spans=[(1, 4), (4, 7), (7, 8)])

    assert [characters for characters, _ in pieces(made)] == [" ", "did", "n't", ".", "\n"]


@pytest.mark.parametrize(
    ("layer", "direction", "message"),
    [
        (1, 0, "layer must be one of the view's, 0 to 0; got layer=1"),
        (-1, 0, "layer must be one of the view's, 0 to 0; got layer=-1"),
        (0, 2, "direction must be one of the view's, 0 to 1; got direction=2"),
    ],
)
def test_a_pass_that_is_not_there(seen, layer, direction, message):
    made = seen("a", [[[0], [1]]])

    with pytest.raises(ValueError, match="must be one of the view's") as error:
        shown_levels(made, layer, direction)
    assert str(error.value) == message
