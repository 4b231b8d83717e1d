"""The house style over the course's text: what a program can find of it, and an example of each breach."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from house_style import RULES, Rule, breaches, check, files, main
from project_root import ROOT
from sentences import Text, of_docstring, of_markdown, of_python, sentences

FOLDERS = ["aitex_utils", "benchmarks", "notebooks/capstone", "notebooks/source"]
FOLDERS += ["teaching/assignment"]
PAGES = ["README.md", "data/README.md", "notebooks/glossary.md", "course.py", "notebooks/build.py"]
PAGES += ["teaching/notes", "teaching/discussion.md", "teaching/misconceptions.md", "notebooks/notes.py"]
PAGES += ["CHANGELOG.md", "CODE_OF_CONDUCT.md", "CONTRIBUTING.md", "LICENSE-text.md"]
PAGES += ["teaching/adopting.md", "teaching/platforms.md"]
PAGES += ["teaching/README.md", "teaching/paths", "notebooks/timing.py", "notebooks/objectives.py"]
PAGES += ["notebooks/plans.py", "notebooks/path.py", "notebooks/class_copy.py"]
PAGES += ["teaching/collecting.md"]
PAGES += ["teaching/offline.md", "teaching/accessibility.md"]
CHECKED = sorted({path.relative_to(ROOT).as_posix() for path in files([ROOT / name for name in FOLDERS + PAGES])})

# (file, rule, words, reason): where the style allows what a rule finds, or a name has those words.
ALLOWED: list[tuple[str, str, str, str]] = []


def allowed(name: str, rule: str, words: str) -> bool:
    return any(name == file and rule == kind and part in words for file, kind, part, _ in ALLOWED)


@pytest.mark.parametrize("name", CHECKED)
def test_the_house_style(name: str):
    found = [breach for breach in check(ROOT / name) if not allowed(name, breach.rule, breach.words)]
    assert [f"line {breach.line}: {breach.rule}: {breach.words!r} ({breach.instead})" for breach in found] == []


def test_every_exception_is_needed_and_explained():
    for name, rule, part, reason in ALLOWED:
        assert any(breach.rule == rule and part in breach.words for breach in check(ROOT / name)), (name, rule, part)
        assert len(reason.split()) >= 3, (name, rule, part)


def names_of(text: str, kind: str = "paragraph") -> set[str]:
    return {rule for _, rule, _, _ in breaches(Text(1, text, kind))}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_each_rule_notices_its_breach_and_passes_good_english(rule: Rule):
    assert [*rule.find(Text(1, rule.breach, "paragraph"))], rule.breach
    assert names_of(rule.good) == set()


@pytest.mark.parametrize(
    "text",
    [
        "The detector scores each tile. Larger values are more anomalous, and 1 in 20 clean tiles is flagged.",
        "What is the largest score? Who would flag it? What remains, and why?",
        "Use `may` and `what lies above; told`. Set $a; b$ in {{results/x.json: told.usual}} s.",
        "A few things differ: the backbone, the input size, and the coreset sampling ratio.",
        "Increase the slider's value; the map; and the threshold.",
        "The bound holds for all patches. Hold the mouse button. People who know NumPy can skip it.",
        "The neighbours' median, e.g. 0.5, is subtracted. As usually happens, one of two tiles is flagged.",
    ],
)
def test_good_english_passes(text: str):
    assert [b for part in of_markdown(text) for b in breaches(part)] == []


def test_semicolons_are_allowed_in_lists_and_fields():
    for kind in ("item", "cell", "field"):
        assert names_of("Read the file; write it.", kind) == set()
    assert names_of("Read the file; write it.", "comment") == {"semicolon"}


PAGE = """# What lies below

A tile may
be told apart, `told`.

- It asks; nobody
  listens.

| sooner | b |
|---|---|
| mend | 2 |

<!-- table: x -->
| told | told |
<!-- end -->

<details><summary>Tell me</summary>

<p>Whoever reads it</p>

</details>
"""


def test_markdown_is_read_with_its_lines():
    found = [(text.line_of(at), rule) for text in of_markdown(PAGE) for at, rule, _, _ in breaches(text)]
    assert found == [
        *((1, "headless what"), (1, "what lies"), (3, "may"), (4, "tell"), (6, "ask, know, feel"), (6, "nobody")),
        *((9, "sooner"), (11, "mend"), (17, "tell"), (19, "nobody")),
    ]


NOTEBOOK = '''# ---
# jupyter: told; told
# ---

# %% [markdown]
# # A title
#
# It was told.

# %% exercise="01.2"
%matplotlib inline
def distance(a: int) -> int:
    """Return what lies between.

    It is mended.

    Parameters
    ----------
    may : told
        Nobody knows; it is fine.

    Examples
    --------
    >>> told = "may; told"
    """
    told = 1  # sooner than
    # later, by whoever
    return told


caption = (
    "The distance of the tile, "
    f"which was {distance(1)} px, told."
)
names = {"told": 1, "upper center": 2}
pattern = re.compile("it is told by")
code = "import sys; it may be told"
'''


def test_a_notebook_s_source_is_read_with_its_lines():
    found = {(text.line_of(at), rule) for text in of_python(NOTEBOOK) for at, rule, _, _ in breaches(text)}
    assert found == {
        *((8, "tell"), (13, "what lies"), (15, "mend"), (20, "nobody"), (26, "sooner"), (27, "nobody"), (33, "tell")),
    }


def test_docstrings_are_read_without_names_types_and_examples():
    text = "Return it.\n\n    Parameters\n    ----------\n    a, b : told\n        Numbers.\n\n"
    text += "    Notes\n    -----\n    As\n\n        told = 1\n    "
    assert [(part.kind, part.text) for part in of_docstring(text, 1)] == [
        *(("docstring", "Return it."), ("docstring", "As"), ("field", "Numbers.")),
    ]


def test_sentences_end_at_a_full_stop_before_a_new_one():
    text = "By Roth et al. A score, e.g. 0.5 px. It ends! `x` follows (see Fig. 3). Then?"
    assert [sentence for _, sentence in sentences(text)] == [
        *("By Roth et al. A score, e.g. 0.5 px.", "It ends!", "`x` follows (see Fig. 3).", "Then?"),
    ]


def test_the_program_lists_breaches_with_their_lines(tmp_path: Path, capsys: pytest.CaptureFixture):
    page = tmp_path / "page.md"
    page.write_text("Good.\n\nIt was told.\n", encoding="utf-8")
    assert main([str(tmp_path)]) == 1
    assert re.fullmatch(rf"{re.escape(str(page))}:3: tell: 'told' \(.*\)\n", capsys.readouterr().out)
    page.write_text("Good.\n", encoding="utf-8")
    assert main([str(page)]) == 0
