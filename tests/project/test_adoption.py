"""Pages for adopters of the course: version, citation, changelog, licences, and platforms.

Each check is a function that returns what is wrong, and each is also shown a breach that it must notice.
"""

from __future__ import annotations

import datetime
import importlib.metadata
import itertools
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from named_in_pages import (
    PROGRAMS,
    WITHOUT_PARSER,
    missing_paths,
    options_of,
    supported_python,
    unknown_commands,
    unknown_lone_options,
    unknown_sections,
    unknown_tasks,
)
from project_root import ROOT
from prose import page, pages

import aitex_utils

PAGES = pages()
ADOPTION = ["CHANGELOG.md", "CODE_OF_CONDUCT.md", "CONTRIBUTING.md", "LICENSE-text.md"]
ADOPTION += ["teaching/adopting.md", "teaching/platforms.md"]
SETTINGS = [*sorted((ROOT / ".github").rglob("*.yml")), ROOT / ".devcontainer" / "devcontainer.json"]
VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")

# What version 1.2.0 of the Citation File Format requires, and the other keys that it allows at the top level.
CFF_REQUIRED = {"authors", "cff-version", "message", "title"}
CFF_ALLOWED = CFF_REQUIRED | {"abstract", "commit", "contact", "date-released", "doi", "identifiers", "keywords"}
CFF_ALLOWED |= {"license", "license-url", "preferred-citation", "references", "repository", "repository-artifact"}
CFF_ALLOWED |= {"repository-code", "type", "url", "version"}
CHANGES = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")  # of Keep a Changelog


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


# Version


def changelog_problems(text: str) -> list[str]:
    """Return what breaks the form of Keep a Changelog: title, releases from new to old, kinds of changes."""
    lines = text.splitlines()
    problems = [] if lines[:1] == ["# Changelog"] else ["the first line is not # Changelog"]
    releases: list[tuple[tuple[int, ...], str]] = []
    section, entries = "", 0
    for line in [*lines, "## end"]:
        if line.startswith(("## ", "### ")) and section.startswith("### ") and not entries:
            problems.append(f"{section} is empty")
        if line.startswith("### ") and line[4:] not in CHANGES:
            problems.append(f"{line} is no kind of change")
        if line.startswith("## ") and line != "## end":
            found = re.fullmatch(rf"## \[({VERSION.pattern})\] - (\d{{4}}-\d\d-\d\d)", line)
            if found:
                releases.append((tuple(map(int, found.group(2, 3, 4))), found[5]))
            elif line != "## [Unreleased]" or releases:
                problems.append(f"{line} is no heading of a release")
        if line.startswith("#"):
            section, entries = line, 0
        entries += line.startswith("- ")
    for new, old in itertools.pairwise(releases):
        if new[0] <= old[0] or new[1] < old[1]:
            problems.append(f"{new} stands above {old}")
    for _, date in releases:
        try:
            datetime.date.fromisoformat(date)
        except ValueError:
            problems.append(f"{date} is no date")
    return problems if releases else [*problems, "no release"]


def newest_release(text: str) -> tuple[str, str]:
    """Return version and date of the newest release in a changelog."""
    found = re.search(r"^## \[(\d[^\]]*)\] - (\S+)$", text, re.MULTILINE)
    assert found, "no release"
    return found[1], found[2]


def stated_versions(text: str) -> list[str]:
    """Return the versions of the course that a text states, as in "version 1.0.0 of the course"."""
    pattern = rf"[Vv]ersion ({VERSION.pattern}) of (?:the|this) course|[Cc]ourse,? version ({VERSION.pattern})"
    return [found[1] or found[5] for found in re.finditer(pattern, text)]


def test_one_version():
    citation = yaml.safe_load(read("CITATION.cff"))
    assert VERSION.fullmatch(aitex_utils.__version__)
    assert citation["version"] == aitex_utils.__version__
    assert newest_release(read("CHANGELOG.md")) == (aitex_utils.__version__, citation["date-released"])
    stated = {name: stated_versions(text) for name, text in PAGES.items()}
    assert {name: found for name, found in stated.items() if set(found) - {aitex_utils.__version__}} == {}


def test_a_stated_version_is_found():
    text = "This is version 1.0.0 of the course. Course, version 0.9.1. Version 2.0.0 of NumPy, protocol version 3.1.4."
    assert stated_versions(text) == ["1.0.0", "0.9.1"]


def test_the_changelog_is_well_formed():
    assert changelog_problems(read("CHANGELOG.md")) == []


CHANGELOG = "# Changelog\n\n## [Unreleased]\n\n## [1.1.0] - 2026-02-01\n\n### Fixed\n\n- b\n\n"
CHANGELOG += "## [1.0.0] - 2026-01-01\n\n### Added\n\n- a\n"


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ("", "", ""),
        ("# Changelog", "# Changes", "first line"),
        ("## [1.1.0] - 2026-02-01", "## 1.1.0 - 2026-02-01", "no heading"),
        ("## [1.1.0] - 2026-02-01", "## [1.1] - 2026-02-01", "no heading"),
        ("2026-02-01", "2026-02-30", "no date"),
        ("[1.1.0]", "[0.9.9]", "stands above"),
        ("2026-02-01", "2025-12-31", "stands above"),
        ("### Fixed", "### Repaired", "no kind of change"),
        ("- a\n", "", "### Added is empty"),
        ("- b\n", "", "### Fixed is empty"),
        ("## [1.0.0] - 2026-01-01", "## [Unreleased]", "no heading"),
        (CHANGELOG, "# Changelog\n", "no release"),
    ],
)
def test_a_malformed_changelog_is_noticed(before: str, after: str, problem: str):
    problems = changelog_problems(CHANGELOG.replace(before, after) if before else CHANGELOG)
    assert (len(problems) == 1 and problem in problems[0]) if problem else problems == [], problems


# Citation


def citation_problems(text: str) -> list[str]:
    """Return what makes a file invalid as CITATION.cff of version 1.2.0."""
    try:
        entry = yaml.safe_load(text)
    except yaml.YAMLError as error:
        return [f"no YAML: {error}"]
    if not isinstance(entry, dict):
        return ["no mapping"]
    problems = [f"{key} is missing" for key in sorted(CFF_REQUIRED - set(entry))]
    problems += [f"{key} is no key of the format" for key in sorted(set(entry) - CFF_ALLOWED)]
    if entry.get("cff-version", "1.2.0") != "1.2.0":
        problems.append("cff-version is not 1.2.0")
    texts = [key for key in ("message", "title", "version", "date-released", "abstract", "license") if key in entry]
    problems += [f"{key} is no text" for key in texts if not (isinstance(entry[key], str) and entry[key].strip())]
    if entry.get("type", "software") not in ("software", "dataset"):
        problems.append("type is neither software nor dataset")
    for work in (entry, *entry.get("references", [])):
        authors = work.get("authors", [])
        problems += [] if authors else ["authors are missing"] if "authors" in work or work is not entry else []
        for author in authors:
            if not ("name" in author or {"family-names", "given-names"} <= set(author)):
                problems.append(f"the author {author} has no name")
    for work in entry.get("references", []):
        problems += [f"a reference has no {key}" for key in ("title", "type", "year") if key not in work]
    return problems


def test_the_citation_is_valid():
    assert citation_problems(read("CITATION.cff")) == []


CITATION = """cff-version: 1.2.0
message: Cite it.
title: A course
authors:
  - name: The authors
references:
  - {type: article, title: A paper, year: 2020, authors: [{family-names: A, given-names: B}]}
"""


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ("", "", ""),
        ("message: Cite it.\n", "", "message is missing"),
        ("title: A course\n", "", "title is missing"),
        ("1.2.0", "1.1.0", "cff-version"),
        ("name: The", "nmae: The", "has no name"),
        ("message: Cite it.", "message: 5", "message is no text"),
        ("message:", "version: 1.0\nmessage:", "version is no text"),
        ("message:", "date-released: 2026-01-01\nmessage:", "date-released is no text"),
        ("message:", "licence: MIT\nmessage:", "licence is no key"),
        ("message:", "type: course\nmessage:", "type is neither"),
        ("  - name: The authors\n", "  []\n", "authors are missing"),
        (" year: 2020,", "", "a reference has no year"),
        ("given-names: B", "", "has no name"),
        ("message: Cite it.", "message: [", "no YAML"),
        (CITATION, "a text", "no mapping"),
    ],
)
def test_an_invalid_citation_is_noticed(before: str, after: str, problem: str):
    problems = citation_problems(CITATION.replace(before, after) if before else CITATION)
    assert (len(problems) == 1 and problem in problems[0]) if problem else problems == [], problems


def test_what_is_cited_agrees_with_the_references_of_the_notebooks():
    known = read("notebooks/references.bib")
    for work in yaml.safe_load(read("CITATION.cff"))["references"]:
        identifiers = [i["value"].removeprefix("https://arxiv.org/abs/") for i in work.get("identifiers", [])]
        entries = [part for part in known.split("\n@") if any(x in part for x in [work.get("doi"), *identifiers] if x)]
        assert len(entries) == 1, work["title"]
        authors = " and ".join(f"{author['family-names']}, {author['given-names']}" for author in work["authors"])
        for value in (work["title"], authors, str(work["year"])):
            assert f"{{{value}}}" in entries[0], value


def test_authors_are_those_of_the_licence():
    holders = re.findall(r"Copyright \(c\) \d{4} (.+)", read("LICENSE.txt"))
    assert [author["name"] for author in yaml.safe_load(read("CITATION.cff"))["authors"]] == holders
    assert f"© 2026 {holders[0]}" in read("LICENSE-text.md").replace("`", "")


# Commands and files that pages name


OUTSIDE = [*sorted((ROOT / "teaching" / "slides").glob("*.md")), ROOT / "teaching" / "handout.md", *SETTINGS]
NAMING = PAGES | {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in OUTSIDE}
TEACHING = [name for name in NAMING if name.startswith("teaching/") and name not in ADOPTION]


@pytest.mark.parametrize("name", NAMING)
def test_commands_and_files_that_are_named_are_there(name: str):
    text = NAMING[name]
    assert unknown_commands(text) == []
    assert missing_paths(text) == []
    assert unknown_lone_options(text) == []


@pytest.mark.parametrize("name", TEACHING)
def test_exercises_guesses_and_questions_that_are_named_are_there(name: str):
    assert unknown_tasks(NAMING[name]) == []


def test_an_unknown_task_or_section_is_noticed():
    good = "Exercises 01.1 to 01.6, guess 00.a and question 02.q6. It takes 10.9 s, 12.9 % or {{a: 05.9}}. AUROC 0.95."
    assert unknown_tasks(good) == []
    assert unknown_tasks("Exercise 01.9, <!-- guess (00.z) -->, 04.q9: no, and 12.99.") == ["01.9", "00.z", "04.q9"]
    assert unknown_sections("Sections 1 to 8. Section 5 and section 11 of notebook 02.", ["00"]) == []
    bad = "Section 15 of notebook 00. Sections 8 to\n20, sections 3, 4 and 30, sections 9 and 10 in notebook 00."
    found = ["Section 15 of notebook 00", "Sections 8 to 20", "sections 3, 4 and 30"]
    assert unknown_sections(bad, ["00", "01"]) == [*found, "sections 9 and 10 in notebook 00"]


def test_the_options_of_a_program_are_those_of_its_help(capsys: pytest.CaptureFixture):
    from aitex_utils.commands import bundle

    with pytest.raises(SystemExit):
        bundle.main(["--help"])
    assert set(re.findall(r"(?<![\w-])--[a-z-]+", capsys.readouterr().out)) == options_of(PROGRAMS["bundle"])
    for command in set(PROGRAMS) - WITHOUT_PARSER - {"doctor"}:
        assert len(options_of(PROGRAMS[command])) > 1, command


def test_an_unknown_command_or_file_is_noticed():
    good = (
        "Run `python course.py test --quick tests/project`, `course.py bench demo` and `course.py build 04 --check`.\n"
    )
    good += "Then course.py sets up. `course.py NAME` runs, and `python course.py` alone helps."
    assert unknown_commands(good) == []
    bad = "`course.py sit`, `course.py test tests/none`, `course.py test --quik`, `course.py bench x`\n"
    bad += "py course.py build 77"
    calls = ["sit", "test tests/none", "test --quik", "bench x", "build 77"]
    assert unknown_commands(bad) == [f"course.py {call}" for call in calls]
    for command in sorted(set(PROGRAMS) - WITHOUT_PARSER) + ["bench speed"]:
        assert unknown_commands(f"`course.py {command} A --torch cpu --no-such=3`") == [
            f"course.py {command} --no-such"
        ]
    assert unknown_commands("`course.py mark A B --csv C`, `course.py bench speed --only a`.") == []
    assert unknown_lone_options("`--class`, `--katex FILE`, `--quick` and `--to FOLDER`") == []
    assert unknown_lone_options("`--klass`, `--csvs FILE`") == ["--klass", "--csvs"]
    assert missing_paths("`tests/lessons/nbNN`, `notebooks/source/NN_name.py`, `README.md`, `benchmarks/`") == []
    assert missing_paths("`tests/none`, `NONE.md`, `aitex_utils/nbNN.py`") == [
        "tests/none",
        "NONE.md",
        "aitex_utils/nbNN.py",
    ]


def test_the_readme_leads_to_the_pages_for_adopters():
    links = page(PAGES["README.md"]).links
    assert {"LICENSE-text.md", "teaching/adopting.md", "teaching/platforms.md"} <= set(links)
    reached = {"README.md"}
    for _ in range(3):
        for name in [n for n in reached if n in PAGES]:
            targets = [(ROOT / name).parent / link.split("#")[0] for link in page(PAGES[name]).links if ":" not in link]
            reached |= {t.resolve().relative_to(ROOT).as_posix() for t in targets}
    assert set(ADOPTION) - reached == set()


# Licences


def weights_table() -> dict[str, tuple[str, str]]:
    """Return, for each package of weights in LICENSE-text.md, its networks and the licence stated for it."""
    rows = re.findall(r"^\| (`.+?) \| `([\w-]+)` \| (.+?) \|$", read("LICENSE-text.md"), re.MULTILINE)
    return {package: (networks, licence) for networks, package, licence in rows}


def test_every_network_has_its_licence():
    from aitex_utils.backbones import DEFAULT_LAYERS

    named = set(re.findall(r"`([\w:]+)`", " ".join(networks for networks, _ in weights_table().values())))
    assert named == {*DEFAULT_LAYERS, "timm:NAME"}


@pytest.mark.parametrize("package", sorted(weights_table()))
def test_the_licence_is_what_the_package_states(package: str):
    distribution = importlib.metadata.distribution(package)
    names = [file for file in distribution.files or () if file.name.upper().startswith("LICENSE")]
    texts = " ".join(Path(str(distribution.locate_file(name))).read_text(encoding="utf-8")[:300] for name in names)
    texts += f" {distribution.metadata.get('License')} {distribution.metadata.get('License-Expression')}"
    networks, licence = weights_table()[package]
    short = licence.split(" for the code")[0]
    assert re.search({"Apache 2.0": r"Apache.{1,40}2\.0", "BSD": r"BSD"}[short], texts, re.DOTALL), texts
    if "for the code" in licence:  # the package says so itself
        words = str(distribution.metadata.get_payload() or distribution.metadata.get("Description"))
        assert re.search(r"dataset.{0,80}licen[sc]e|dataset used for training", words, re.DOTALL)


def test_aitex_has_the_terms_that_the_page_of_the_data_states():
    for name in ("LICENSE-text.md", "data/README.md"):
        text = " ".join(PAGES[name].split())
        assert re.search(r"terms of use before you publish pictures", text), name


# Platforms


def test_every_platform_has_a_section_and_an_honest_state():
    text = PAGES["teaching/platforms.md"]
    rows = re.findall(r"^\| \[(.+?)\]\((#.+?)\) \| .+? \| (.+?) \|$", text, re.MULTILINE)
    wanted = {"Linux", "macOS", "Windows", "VS Code", "Dev container", "JupyterHub", "Colab", "Kaggle"}
    assert {name for name, _, _ in rows} == wanted
    for name, _, state in rows:
        assert re.search(r"\b(not tested|tested|imitated)\b", state), name
        assert name == "Linux" or not re.match(r"tested\b", state), name
    assert f"Python {supported_python()[0]} to {supported_python()[-1]}" in text


def test_the_memory_that_the_page_promises():
    promised = re.search(r"All stay under (\d+) GiB", PAGES["teaching/platforms.md"])
    measured = json.loads(read("benchmarks/results/notebooks.json"))
    assert promised and max(cost["peak_memory_mib"] for cost in measured.values()) < int(promised[1]) * 1024


def test_the_first_cell_for_colab_finds_the_course(tmp_path: Path):
    """In a Python that has the packages, but whose start-up files do not lead to the course."""
    blocks = re.findall(r"^```\n(.*?)^```", PAGES["teaching/platforms.md"], re.MULTILINE | re.DOTALL)
    (cell,) = (block for block in blocks if "git clone" in block)
    lines = [line for line in cell.splitlines() if not line.startswith(("!", "%cd"))]
    program = "\n".join([*lines, "import aitex_utils", "print(aitex_utils.__file__)"])
    command = [sys.executable, "-S", "-E", "-c", program]
    done = subprocess.run(command, cwd=ROOT / "notebooks", capture_output=True, text=True, check=True)
    assert Path(done.stdout.strip()) == ROOT / "aitex_utils" / "__init__.py"
    without = [sys.executable, "-S", "-E", "-c", "import aitex_utils"]
    assert subprocess.run(without, cwd=ROOT / "notebooks", capture_output=True).returncode == 1
    assert "%cd course/notebooks" in cell and "-r ../requirements.txt" in cell


# Code of conduct


def test_the_code_of_conduct_invents_no_address():
    text = PAGES["CODE_OF_CONDUCT.md"]
    assert not re.search(r"[\w.]+@[\w.]+", text)
    assert "no address yet" in text and "code of conduct" in PAGES["teaching/adopting.md"]
