"""The text of the course: spelling, links, sources, pictures and numbers, each with a breach that must be noticed."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from project_root import ROOT
from prose import anchors, listed, page, pages

PAGES = pages()
WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
CHECKS = sorted((ROOT / "aitex_utils" / "lessons").glob("nb[0-9][0-9]"))
AMERICAN = re.compile(  # which the dictionary takes; "k-center greedy" is a name
    r"colors?\b|neighbor|centers?\b|centered|gray|behavior|label(ed|ing)|model(ed|ing)|(normal|recogn|visual|optim|"
    r"standard|general|memor|summar)iz|analyz"
)
REFERENCES = ROOT / "notebooks" / "references.bib"
ARXIV = re.compile(r"\barxiv(?:\.org/(?:abs|pdf)/|:|\s+)(\d{4}\.\d{4,5})", re.IGNORECASE)
DOI = re.compile(r"\b10\.\d{4,9}/[^\s\"<>{},;]+[^\s\"<>{},;.]")
NUMBERED = re.compile(
    r"\b(?:sections?|figures?|tables?|equations?|chapters?|exercises?|notebooks?|python|version)\s+\d[\d.]*"
    r"(?:(?:,| to| and|–|-)\s*\d[\d.]*)*",
    re.IGNORECASE,
)
EXERCISE = re.compile(r"\b0\d\.\d{1,2}\b(?!\s*%)")
TYPED = re.compile(r"\d[\d.,]*\s*(?:%|per ?cent)|(?<![\w.])\d*\.\d+|\d+/\d+\b")


@cache
def dictionary():
    from spellchecker import SpellChecker

    known = SpellChecker()  # its English is American, and offline
    known.word_frequency.load_words(word.lower() for word in listed("words.txt"))
    return known


def misspelt(prose: str) -> list[str]:
    """Return the words that neither the dictionary nor words.txt has; names of code and abbreviations are no words."""
    prose = re.sub(r"https?://\S+|k-center", " ", prose.replace("’", "'"))
    words = {re.sub(r"'s?$", "", word) for word in WORD.findall(prose)}
    plain = {word for word in words if len(word) > 1 and (word.islower() or word.istitle() or "'" in word)}
    american = {word for word in plain if AMERICAN.match(word.lower())}
    return sorted(dictionary().unknown(plain) | {word.lower() for word in american})


def bad_links(name: str, text: str, external: set[str]) -> list[str]:
    """Return the links of a page that lead nowhere: files or anchors that aren't there, addresses not listed."""
    found, notebook = page(text), name.startswith("notebooks/source/")
    folders = [ROOT / "notebooks", ROOT / "notebooks" / "solved"] if notebook else [(ROOT / name).parent]
    bad = []
    for link in [*found.links, *(file for file, _ in found.pictures)]:
        parts = urlsplit(link)
        if parts.scheme or link.startswith("//"):
            host = re.fullmatch(r"[\w-]+(\.[\w-]+)+", parts.netloc)
            if parts.scheme != "https" or not host or re.search(r"\s", link):
                bad.append(f"{link} is no https address")
            elif not (ARXIV.search(link) or DOI.search(link)) and link not in external:
                bad.append(f"{link} isn't listed in tests/project/links.txt")
            continue
        bad += [
            f"{link} isn't there for {folder.name}" for folder in folders if not _leads(folder, parts, found, notebook)
        ]
    return bad


def _leads(folder: Path, parts, found, notebook: bool) -> bool:
    """Say whether a relative link leads to a file, and to an anchor in it if it names one."""
    target = folder / unquote(parts.path)
    if not parts.path:
        return unquote(parts.fragment) in anchors(found, notebook)
    if not target.exists() or ROOT not in target.resolve().parents:
        return False
    if not parts.fragment or target.suffix != ".md":
        return True
    return unquote(parts.fragment) in anchors(page(target.read_text(encoding="utf-8")), False)


def cited(text: str) -> set[str]:
    """Return the arXiv numbers and DOIs that a text names, as links or in words; a DOI in lower case."""
    dois = {_unbalanced(doi).lower() for doi in DOI.findall(text)}
    return {number for number in ARXIV.findall(text)} | {doi for doi in dois if "arxiv" not in doi}


def _unbalanced(doi: str) -> str:
    """Take off the brackets of Markdown that a DOI ran into; it may hold pairs of its own."""
    while doi and (doi[-1] in ".]" or (doi[-1] == ")" and doi.count(")") > doi.count("("))):
        doi = doi[:-1]
    return doi.split("](")[0]


def references(text: str) -> dict[str, dict[str, str]]:
    """Return the entries of a BibTeX file by key; fields are written as `name = {value},` one a line."""
    found = {}
    for entry in re.split(r"^@", text, flags=re.MULTILINE)[1:]:
        key = re.match(r"\w+\{([^,\s]+),", entry)
        assert key and key[1] not in found, f"no key, or one that is there already: @{entry[:60]}"
        fields = re.findall(r"^\s*(\w+)\s*=\s*\{(.*)\},?\s*$", entry, flags=re.MULTILINE)
        found[key[1]] = {name.lower(): value for name, value in fields}
    return found


def without_a_word(text: str) -> list[str]:
    """Return the pictures of a page whose alt text doesn't say what is to be seen."""
    return [file for file, alt in page(text).pictures if len(WORD.findall(alt)) < 3]


def typed_numbers(text: str, allowed: list[str]) -> list[str]:
    """Return the decimal fractions and percentages in the prose that no placeholder, and no allowed phrase, holds."""
    prose = " ".join(page(text).prose.split())
    prose = DOI.sub(" ", ARXIV.sub(" ", re.sub(r"https?://\S+", " ", prose)))
    for phrase in allowed:
        prose = prose.replace(phrase, " ")
    prose = EXERCISE.sub(" ", NUMBERED.sub(" ", prose))
    return [prose[max(0, m.start() - 40) : m.end() + 20] for m in TYPED.finditer(prose)]


def said_by_checks(number: str) -> str:
    """Return all that the checks of a notebook can say."""
    from aitex_utils.lessons.engine.catalogue import entries

    exercises, questions = entries(number, "EXERCISES").values(), entries(number, "QUESTIONS").values()
    said = [text for e in exercises for text in (e.task, e.praise, *e.hints, *(m.hint for m in e.mistakes))]
    said += [text for q in questions for text in (q.text, *(part for choice in q.choices.values() for part in choice))]
    assert [text for text in said if not isinstance(text, str)] == [], "no text: is a comma too many in a tuple?"
    return "\n\n".join(said)


@pytest.mark.parametrize("name", PAGES)
def test_spelling(name: str):
    assert misspelt(page(PAGES[name]).prose) == [], "fix the word, or add it to tests/project/words.txt"


@pytest.mark.parametrize("number", [path.stem[2:] for path in CHECKS])
def test_spelling_of_what_the_checks_say(number: str):
    assert misspelt(page(said_by_checks(number)).prose) == [], "fix the word, or add it to tests/project/words.txt"


MISSPELT = """# Recieve

The colour of *teh* cloth, ![an outlned thing](a.png) and [lnik](https://example.org/wrod). <summary>Anser</summary>

| a | tabel |
|---|---|
| `cdoe` | $\\sgima$ {{results/x.json: sceonds}} |

```
blokc
```
<kbd>Ctlr</kbd>-<code>xyzw</code> <pre>prse</pre>

A <kbd>Ctlr</kbd> keey, PatchCore's AUROC isn't wrnog, doesnt it? Normalized colors, k-center greedy."""


def test_a_misspelt_word_is_noticed():
    assert misspelt(page(MISSPELT).prose) == [
        *("anser", "colors", "doesnt", "keey", "lnik", "normalized", "outlned", "recieve", "tabel", "teh", "wrnog")
    ]


@pytest.mark.parametrize("name", PAGES)
def test_links(name: str):
    assert bad_links(name, PAGES[name], set(listed("links.txt"))) == []


def test_external_links_are_listed_once():
    links = listed("links.txt")
    assert len(set(links)) == len(links)
    used = {link for text in PAGES.values() for link in page(text).links}
    assert sorted(set(links) - used) == [], "no page has these any more"


@pytest.mark.parametrize(
    ("link", "bad"),
    [
        ("README.md", ""),
        ("data/README.md#data", ""),
        ("#a-title-with-code-2", ""),
        ("#named", ""),
        ("https://example.org/listed", ""),
        ("https://arxiv.org/abs/2106.08265", ""),
        ("https://doi.org/10.1016/0893-6080(89)90014-2", ""),
        ("none.md", "isn't there"),
        ("../elsewhere", "isn't there"),
        ("data/README.md#none", "isn't there"),
        ("#none", "isn't there"),
        ("http://example.org/listed", "is no https"),
        ("https://example", "is no https"),
        ("//example.org/listed", "is no https"),
        ("https://example.org/other", "isn't listed"),
        ("mailto:a@example.org", "is no https"),
    ],
)
def test_a_link_that_leads_nowhere_is_noticed(link: str, bad: str):
    title = '# A title, with `code` (2)\n\n<a id="named"></a>\n\n'
    for written in (
        f"[words]({link})",
        f"[words](\n{link})",
        f'<a href="{link}">words</a>',
        f"[words]\n\n[words]: {link}",
    ):
        messages = bad_links("README.md", title + written, {"https://example.org/listed"})
        assert (len(messages) == 1 and bad in messages[0]) if bad else messages == [], messages


def test_a_notebook_s_links_must_lead_somewhere_from_both_its_places():
    name = "notebooks/source/99_x.py"
    assert bad_links(name, "[words](00_start_here.ipynb)", set()) == []
    assert bad_links(name, "[words](../data/README.md)", set()) == ["../data/README.md isn't there for solved"]
    assert bad_links(name, "## 1. A title?\n\n[words](#1.-A-title?)", set()) == []


@pytest.mark.skipif(not REFERENCES.is_file(), reason="there is no notebooks/references.bib yet")
def test_what_is_cited_is_in_the_references():
    entries = references(REFERENCES.read_text(encoding="utf-8"))
    known = {entry[f].lower() for entry in entries.values() for f in ("doi", "eprint") if f in entry}
    missing = {name: cited(text) - known for name, text in PAGES.items() if name.startswith("notebooks/")}
    assert {name: sorted(ids) for name, ids in missing.items() if ids} == {}


@pytest.mark.skipif(not REFERENCES.is_file(), reason="there is no notebooks/references.bib yet")
def test_references_are_complete():
    entries = references(REFERENCES.read_text(encoding="utf-8"))
    wanted = ("author", "title", "year")
    assert [key for key, entry in entries.items() if not all(entry.get(f) for f in wanted)] == []
    assert [key for key, entry in entries.items() if not ({"doi", "eprint"} & set(entry))] == []


def test_what_is_cited_is_found():
    text = """[arXiv 2106.08265](https://arxiv.org/abs/2106.08265), arXiv:1904.02639,
    [doi 10.1016/0893-6080(89)90014-2](https://doi.org/10.1016/0893-6080(89)90014-2),
    (https://doi.org/10.2478/AUT-2019-0035), doi:10.1148/radiology.143."""
    assert cited(text) == {
        *("2106.08265", "1904.02639", "10.1016/0893-6080(89)90014-2", "10.2478/aut-2019-0035", "10.1148/radiology.143"),
    }


def test_a_broken_reference_is_noticed():
    good = "@article{one,\n  author = {A and B},\n  doi = {10.1/X},\n}\n"
    assert references(good) == {"one": {"author": "A and B", "doi": "10.1/X"}}
    for broken in (good + good, "@article{\n author = {A}\n}"):
        with pytest.raises(AssertionError, match="no key, or one that is there already"):
            references(broken)


def too_long_for_the_front_page(text: str) -> list[str]:
    """Return the lines of more than 150 characters outside tables, and a message if there are 90 lines or more."""
    lines = text.splitlines()
    long = [line for line in lines if len(line) > 150 and not line.startswith("|")]
    return long + ([f"{len(lines)} lines"] if len(lines) >= 90 else [])


def test_the_front_page_is_short():
    assert too_long_for_the_front_page(PAGES["README.md"]) == []


def test_a_long_front_page_is_noticed():
    line = "a" * 151
    assert too_long_for_the_front_page(f"{line}\n| {line} |\n" + "b\n" * 88) == [line, "90 lines"]


@pytest.mark.parametrize("name", PAGES)
def test_pictures_have_words(name: str):
    assert without_a_word(PAGES[name]) == []


def test_a_picture_without_words_is_noticed():
    text = '![](a.png) ![b.png](b.png) <img src="c.png"> ![A strip of fabric](d.png)\n\n<img alt="" src="e.png">\n\n'
    text += '<p><img src="f.png" alt="A strip of fabric"></p>\n\n[![](g.png)](README.md)'
    assert without_a_word(text) == ["a.png", "b.png", "c.png", "e.png", "g.png"]


@pytest.mark.parametrize("name", [name for name in PAGES if name.startswith("notebooks/source/")])
def test_numbers_in_prose_aren_t_typed(name: str):
    assert typed_numbers(PAGES[name], listed("typed_numbers.txt")) == [], "compute it, or take it from a results file"


@pytest.mark.parametrize("number", ["0.978", "97 %", "97%", "97.8 %", "12.5", ".5", "1,024.5", "3 percent", "1/3"])
def test_a_typed_number_is_noticed(number: str):
    for text in (f"It reaches {number} here.", f"| a |\n|---|\n| {number} |", f"<summary>It is {number}.</summary>"):
        assert len(typed_numbers(text, ["as 0.978 is"])) == 1


def test_numbers_that_may_be_typed():
    text = """Exercise 01.2 and 02.11, section 3.1, 3.2 and 4.5, `0.5`, $x = 0.5$, {{results/x.json: a.b: .1%}},
    Python 3.10, 1,024 patches, 256 px, [arXiv 2106.08265](https://arxiv.org/abs/2106.08265), doi 10.1148/x.14.1.
    Guessing gives 0.5 for all.

```
0.5
```"""
    assert typed_numbers(text, ["Guessing gives 0.5"]) == []
    assert len(typed_numbers(text, ["Guessing yields 0.5"])) == 1
