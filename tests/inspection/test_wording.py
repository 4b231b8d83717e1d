"""Text and numbers of the report."""

from __future__ import annotations

import html

import pytest

from aitex_utils.inspection.wording import as_count, as_number, as_text


@pytest.mark.parametrize("text", ['<b>&"x`.png', "plain", "5\u00a0%", "\u65e5\u672c.png", "a'b"])
def test_printable_text_comes_back_from_html(text: str):
    assert html.unescape(as_text(text)) == text
    assert not set('<>"') & set(as_text(text))


@pytest.mark.parametrize(
    ("text", "expected"), [("\udcff", "\\udcff"), ("\u202e", "\\u202e"), ("\x00\n", "\\x00\\n"), (3, "3")]
)
def test_other_text_is_escaped_and_can_be_written(text: object, expected: str):
    assert as_text(text) == expected
    as_text(text).encode("utf-8")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (2.0, "2.000"),
        (123.456, "123.5"),
        (1234567.0, "1234567"),
        (2.5e8, "2.500e+08"),
        (-0.001, "-0.001000"),
        (0.0, "0"),
    ],
)
def test_numbers_have_four_significant_digits(value: float, expected: str):
    assert as_number(value) == expected


def test_counts_have_plurals():
    assert [as_count(number, "region") for number in (0, 1, 2)] == ["0 regions", "1 region", "2 regions"]
