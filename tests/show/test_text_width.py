import pytest

from skimrnn.show.text_width import text_width


@pytest.mark.parametrize(
    ("text", "bold", "thousandths"),
    [
        ("", False, 0),
        (" ~", False, 278 + 584),
        (" ~", True, 278 + 584),
        ("Will", False, 944 + 3 * 222),
        ("Will", True, 944 + 3 * 278),
        ("@m", True, 975 + 889),
        ("語…", False, 2000),
        ("é", False, 580),
        ("e\u0301", False, 556),
    ],
)
def test_widths(text, bold, thousandths):
    assert text_width(text, 20, bold=bold) == pytest.approx(thousandths * 20 / 1000)
