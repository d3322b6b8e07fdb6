import io
import re
import time

import pytest
from rich.console import Console

from skimrnn.show import render_terminal
from skimrnn.show.phrases import printable

READ, SKIMMED, HARDER, RESET = "\x1b[1;4m", "\x1b[2m", "\x1b[2;3m", "\x1b[0m"


def printed(view, *, terminal=False, width=80, environ=None, **which):
    out = io.StringIO()
    color = "standard" if terminal else None
    Console(
        file=out, force_terminal=terminal, color_system=color, width=width, _environ=environ or {}
    ).print(render_terminal(view, **which))
    return out.getvalue()


def test_read_words_are_bold_and_underlined_and_skimmed_ones_dim(seen):
    lines = printed(seen("not so good", [0, 1, 0]), terminal=True).splitlines()

    assert lines[0] == (
        "\x1b[1mpositive 75%\x1b[0m  read 2 of 3 words (33% skimmed), 4.6× fewer operations"
    )
    assert lines[2] == f"{READ}not{RESET} {SKIMMED}so{RESET} {READ}good{RESET}"
    assert lines[4].startswith(f"{READ}read{RESET} {SKIMMED}skimmed{RESET}")


def test_nothing_hangs_on_colour(seen):
    made = seen("not so good", [0, 1, 0])

    plain = printed(made, terminal=True, environ={"NO_COLOR": "1"})

    assert plain == printed(made, terminal=True)
    assert not re.search(r"\x1b\[(3|4|9|10)\d", plain)


def test_a_file_gets_brackets_and_no_escape_sequence(seen):
    assert printed(seen("not so very good", [0, 1, 0, 0])) == (
        "positive 75%  read 3 of 4 words (25% skimmed), 4.6× fewer operations\n"
        "\n"
        "[not] so [very good]\n"
        "\n"
        "[read], the rest skimmed, threshold 0.5\n"
    )


@pytest.mark.parametrize(
    ("text", "level", "spans", "shown"),
    [
        ("a [b] c", [0, 1, 0], None, "{a} [b] {c}"),
        ("a [b] {c}", [0, 1, 1], None, "<a> [b] {c}"),
        ("[a] {b} <c>", [1, 0, 1], None, "[a] [[{b}]] <c>"),
        ("didn't.", [1, 0, 0], [(0, 3), (3, 6), (6, 7)], "did[n't.]"),
        ("a  b", [0, 0], None, "[a  b]"),
        ("a\nb\nc", [0, 0, 1], [(0, 1), (2, 3), (4, 5)], "[a]\n[b]\nc"),
        ("a\rb", [0, 0], [(0, 1), (2, 3)], "[a]\n[b]"),
        ("  a ", [0], None, "  [a] "),
    ],
)
def test_brackets(seen, text, level, spans, shown):
    body = printed(seen(text, level, spans=spans)).split("\n\n")[1]

    assert body == shown


def test_three_levels_differ_in_style(seen):
    shown = printed(seen("a b c d", [0, 1, 2, 3], levels=4), terminal=True)

    assert (
        f"{READ}a{RESET} {SKIMMED}b{RESET} {HARDER}c{RESET} {HARDER}d{RESET}" in shown.splitlines()
    )
    assert f"{HARDER}skimmed harder{RESET}" in shown


def test_several_passes_show_the_chosen_one_and_what_others_read(seen):
    made = seen("a b c", [[[0, 1, 1], [0, 0, 1]]])

    forward = printed(made, terminal=True).splitlines()
    backward = printed(made, terminal=True, direction=1).splitlines()

    assert f"{READ}a{RESET} b {SKIMMED}c{RESET}" in forward
    assert f"{READ}a{RESET} {READ}b{RESET} {SKIMMED}c{RESET}" in backward
    assert "read in another pass" in forward[-1]
    assert "layer 1 backward read 2 of 3 words" in backward[0]


@pytest.mark.parametrize("terminal", [False, True])
def test_a_hostile_text_moves_no_cursor_and_injects_no_markup(seen, hostile, terminal):
    made = seen(hostile, labels=("x\x1b[2J[bold]y", "z"), probabilities=(0.9, 0.1))

    shown = printed(made, terminal=terminal)

    # Only rich's own styles are left: numbers between ESC [ and m.
    bare = re.sub(r"\x1b\[[\d;]*m", "", shown)
    assert not re.search(
        "[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", bare
    )
    assert "[31m" not in shown.replace("\u241b[31m", "")
    assert "x\u241b[2J[bold]y 90%" in bare
    # Not a character of the text is lost.
    body = re.sub(r"[{}\s]|\[\[|\]\]", "", bare)
    assert re.sub(r"[{}\s]|\[\[|\]\]", "", printable(hostile)) in body


@pytest.mark.parametrize("terminal", [False, True])
def test_the_empty_text(seen, terminal):
    lines = printed(seen("", [], spans=[]), terminal=terminal).splitlines()

    assert len(lines) == 1
    assert lines[0].endswith("no words to read")


def test_one_token(seen):
    assert "\n[a]\n" in printed(seen("a", [0]))


@pytest.mark.parametrize("terminal", [False, True])
def test_ten_thousand_tokens_take_no_more_than_moments(seen, terminal):
    made = seen(" ".join(["word"] * 10_000))

    start = time.perf_counter()
    shown = printed(made, terminal=terminal)

    assert shown.count("word") == 10_000 + 1  # once in the header
    assert time.perf_counter() - start < 20


def test_a_pass_that_is_not_there(seen):
    with pytest.raises(ValueError, match=r"layer must be .* 0 to 0; got layer=3"):
        render_terminal(seen("a"), layer=3)
