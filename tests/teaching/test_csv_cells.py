"""A text in a cell stays in its cell, and no spreadsheet takes it for a formula."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aitex_utils.teaching.csv_cells import FORMULA, one_line, text_cell


@given(st.lists(st.text(st.characters(codec=None)) | st.sampled_from(["\r0", "=1", "\t@a", "\x00", "a\nb", "\ud800"])))
def test_any_text_is_one_cell_of_one_line(texts: list[str]):
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerow([text_cell(text) for text in ("first", *texts)])
    lines = file.getvalue().splitlines()
    (row,) = csv.reader(lines)
    assert len(lines) == 1 and len(row) == len(texts) + 1
    assert not any(cell.startswith(FORMULA) for cell in row)
    file.getvalue().encode("utf-8")


@pytest.mark.parametrize("character", ["\x1b", "\x9b", "\u202e", "\u2067"])
def test_no_name_commands_a_terminal_or_turns_the_text_after_it(character: str):
    assert one_line(f"ben{character}2K") == "ben 2K"


def test_an_ordinary_text_stays():
    assert text_cell("Ada Lovelace, 00.1") == "Ada Lovelace, 00.1"
