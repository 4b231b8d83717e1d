"""Files for adopters of the course: version, citation, changelog, licences, platforms, workflow, issue forms.

Each check is a function that returns what is wrong, and each is also shown a breach that it must notice.
"""

from __future__ import annotations

import datetime
import importlib.metadata
import itertools
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from project_root import ROOT
from prose import page, pages

import aitex_utils
import course

PAGES = pages()
ADOPTION = ["CHANGELOG.md", "CODE_OF_CONDUCT.md", "CONTRIBUTING.md", "LICENSE-text.md"]
ADOPTION += ["teaching/adopting.md", "teaching/platforms.md"]
GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
FORMS = sorted(path for path in (GITHUB / "ISSUE_TEMPLATE").glob("*.yml") if path.stem != "config")
DEVCONTAINER = ROOT / ".devcontainer" / "devcontainer.json"
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


def unknown_commands(text: str) -> list[str]:
    """Return the calls of course.py in a text that name a command, benchmark or test that is not there."""
    bad = []
    for call in re.findall(r"(?:\bpython |\bpy |`)course\.py[ \t]+([^`\n&|;\"#]+)", text):
        words = call.split()
        command = words[0].rstrip(".,:")
        if not re.fullmatch(r"[a-z]+", command):
            continue
        if command not in course.COMMANDS:
            bad.append(f"course.py {command}")
        elif command == "test":
            bad += [f"course.py test {word}" for word in words[1:] if "/" in word and not (ROOT / word).exists()]
            bad += [f"course.py test {word}" for word in words[1:] if word.startswith("--") and word != "--quick"]
        elif command == "bench" and len(words) > 1 and not (ROOT / "benchmarks" / f"{words[1]}.py").is_file():
            bad.append(f"course.py bench {words[1]}")
        elif command == "build":
            numbers = [word for word in words[1:] if word.isdigit()]
            bad += [f"course.py build {n}" for n in numbers if not [*ROOT.glob(f"notebooks/source/{n}_*.py")]]
    return bad


def missing_paths(text: str) -> list[str]:
    """Return the paths in code spans that are not there. NN and NAME stand for any notebook and any name."""
    starts = "aitex_utils|benchmarks|notebooks|teaching|tests|\\.ci|\\.github|\\.devcontainer"
    spans = re.findall(rf"`((?:{starts})(?:/[\w./-]*)?|[A-Z]+(?:-text)?\.(?:md|txt|cff))`", text)
    bad = []
    for span in spans:
        pattern = span.rstrip("/").replace("nbNN", "nb[0-9][0-9]").replace("NN_name", "[0-9][0-9]_*")
        if not [*ROOT.glob(pattern.replace("NN", "[0-9][0-9]").replace("NAME", "*"))]:
            bad.append(span)
    return bad


COMMANDED = [ROOT / name for name in ("README.md", *ADOPTION)] + [*WORKFLOWS, *FORMS, DEVCONTAINER]


@pytest.mark.parametrize("path", COMMANDED, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_commands_and_files_that_are_named_are_there(path: Path):
    text = path.read_text(encoding="utf-8")
    assert unknown_commands(text) == []
    assert missing_paths(text) == []


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
    texts += f" {distribution.metadata['License']} {distribution.metadata['License-Expression']}"
    networks, licence = weights_table()[package]
    short = licence.split(" for the code")[0]
    assert re.search({"Apache 2.0": r"Apache.{1,40}2\.0", "BSD": r"BSD"}[short], texts, re.DOTALL), texts
    if "for the code" in licence:  # the package says so itself
        words = str(distribution.metadata.get_payload() or distribution.metadata["Description"])
        assert re.search(r"dataset.{0,80}licen[sc]e|dataset used for training", words, re.DOTALL)


def test_aitex_has_the_terms_that_the_page_of_the_data_states():
    for name in ("LICENSE-text.md", "data/README.md"):
        text = " ".join(PAGES[name].split())
        assert re.search(r"terms of use before you publish pictures", text), name


# Platforms


def supported_python() -> list[str]:
    """Return the versions of Python that the project supports, from pyproject.toml and the launcher's advice."""
    lowest = int(re.search(r'^target-version = "py3(\d+)"$', read("pyproject.toml"), re.MULTILINE)[1])
    advice = next(text for text in course.PIP_ERRORS.values() if "use a 64-bit Python" in text)
    first, last = map(int, re.search(r"Python 3\.(\d+) to 3\.(\d+)", advice).groups())
    assert first == lowest, "pyproject.toml and course.py name different versions as the oldest"
    return [f"3.{minor}" for minor in range(first, last + 1)]


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


# Workflows


def workflow_problems(text: str) -> list[str]:
    """Return what is wrong with the structure of a workflow: jobs, matrix, steps, and commands of course.py."""
    workflow = yaml.safe_load(text)
    problems = [f"{key} is missing" for key in ("name", "permissions", "jobs") if key not in workflow]
    if True not in workflow and "on" not in workflow:  # YAML 1.1 reads the key `on` as true
        problems.append("on is missing")
    for name, job in workflow.get("jobs", {}).items():
        matrix = job.get("strategy", {}).get("matrix", {})
        axes = {*matrix, *(key for more in matrix.get("include", []) for key in more)} - {"include", "exclude"}
        used = set(re.findall(r"\$\{\{\s*matrix\.(\w+)", json.dumps(job)))
        problems += [f"{name}: the matrix has no {axis}" for axis in sorted(used - axes)]
        problems += [f"{name}: no {key}" for key in ("runs-on", "timeout-minutes", "steps") if key not in job]
        for step in job.get("steps", []):
            if len({"run", "uses"} & set(step)) != 1:
                problems.append(f"{name}: a step neither runs nor uses: {step}")
            if not re.fullmatch(r"[\w-]+/[\w-]+@v?[\w.]+", step.get("uses", "a/b@v1")):
                problems.append(f"{name}: {step['uses']} has no version")
    return problems + [f"{call} is unknown" for call in unknown_commands(text)]


def combinations(matrix: dict[str, Any]) -> set[tuple[str, str]]:
    """Return the pairs of system and Python version that a matrix runs."""
    pairs = set(itertools.product(matrix["os"], matrix["python"]))
    return pairs | {(more["os"], more["python"]) for more in matrix.get("include", [])}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_the_workflows_are_well_formed(path: Path):
    assert workflow_problems(path.read_text(encoding="utf-8")) == []


def test_actionlint_finds_nothing():
    program = shutil.which("actionlint")
    if program is None:
        pytest.skip("actionlint is not installed, so only the structure of the workflows is checked")
    done = subprocess.run([program, *map(str, WORKFLOWS)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_workflow_runs_the_fast_tests_on_each_system_and_python():
    (job,) = yaml.safe_load(read(".github/workflows/tests.yml"))["jobs"].values()
    assert "python course.py test --quick" in [step.get("run") for step in job["steps"]]
    pairs, supported = combinations(job["strategy"]["matrix"]), supported_python()
    assert sorted({python for _, python in pairs}, key=lambda v: int(v[2:])) == supported
    systems = {system.split("-")[0] for system, _ in pairs}
    assert systems == {"ubuntu", "macos", "windows"}
    for system in {system for system, _ in pairs}:
        assert {(system, supported[0]), (system, supported[-1])} <= pairs
    uses = {step["uses"].split("@")[0]: step for step in job["steps"] if "uses" in step}
    assert uses["actions/setup-python"]["with"]["python-version"] == "${{ matrix.python }}"


WORKFLOW = """name: a
on: [push]
permissions: {contents: read}
jobs:
  one:
    runs-on: ${{ matrix.os }}
    timeout-minutes: 5
    strategy: {matrix: {os: [ubuntu-latest]}}
    steps:
      - uses: actions/checkout@v4
      - run: python course.py test --quick
"""


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ("", "", ""),
        ("on: [push]\n", "", "on is missing"),
        ("permissions: {contents: read}\n", "", "permissions is missing"),
        ("matrix.os", "matrix.system", "the matrix has no system"),
        ("    timeout-minutes: 5\n", "", "no timeout-minutes"),
        ("- run: python course.py test --quick", "- name: nothing", "neither runs nor uses"),
        ("checkout@v4", "checkout", "has no version"),
        ("course.py test", "course.py tests", "course.py tests is unknown"),
        ("--quick", "--quik", "course.py test --quik is unknown"),
    ],
)
def test_a_malformed_workflow_is_noticed(before: str, after: str, problem: str):
    problems = workflow_problems(WORKFLOW.replace(before, after) if before else WORKFLOW)
    assert (len(problems) == 1 and problem in problems[0]) if problem else problems == [], problems


# Issue forms


def form_problems(text: str) -> list[str]:
    """Return what is wrong with an issue form: keys, kinds of fields, names, and the question for the doctor."""
    form = yaml.safe_load(text)
    problems = [f"{key} is missing" for key in ("name", "description", "body") if not form.get(key)]
    fields = form.get("body") or []
    wanted = {"markdown": {"value"}, "input": {"label"}, "textarea": {"label"}, "dropdown": {"label", "options"}}
    for field in fields:
        keys = wanted.get(field.get("type"))
        if keys is None:
            problems.append(f"there is no field of type {field.get('type')}")
            continue
        problems += [f"a {field['type']} has no {key}" for key in sorted(keys - set(field.get("attributes", {})))]
        if field["type"] != "markdown" and not re.fullmatch(r"[\w-]+", str(field.get("id", ""))):
            problems.append(f"a {field['type']} has no id")
    ids = [field["id"] for field in fields if "id" in field]
    problems += [f"two fields are called {name}" for name in sorted({name for name in ids if ids.count(name) > 1})]
    if not any("`python course.py doctor`" in str(field.get("attributes")) for field in fields):
        problems.append("it does not ask for the doctor")
    return problems


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_the_issue_forms_are_well_formed(path: Path):
    assert form_problems(path.read_text(encoding="utf-8")) == []


def test_there_is_a_form_for_each_kind_of_issue():
    assert [path.stem for path in FORMS] == ["code", "notebook", "teaching"]
    for path in FORMS:
        fields = {f.get("id"): f for f in yaml.safe_load(path.read_text(encoding="utf-8"))["body"]}
        is_required = fields["doctor"]["validations"]["required"]
        assert is_required is (path.stem != "teaching")  # a question of a teacher need not be about a machine


FORM = """name: A fault
description: Something fails.
body:
  - type: textarea
    id: doctor
    attributes: {label: Doctor, description: "Paste `python course.py doctor`."}
  - type: dropdown
    id: kind
    attributes: {label: Kind, options: [a, b]}
"""


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ("", "", ""),
        ("description: Something fails.\n", "", "description is missing"),
        ("type: dropdown", "type: list", "no field of type list"),
        (", options: [a, b]", "", "a dropdown has no options"),
        ("    id: kind\n", "", "a dropdown has no id"),
        ("id: kind", "id: doctor", "two fields are called doctor"),
        ("course.py doctor", "course.py test", "does not ask for the doctor"),
    ],
)
def test_a_malformed_form_is_noticed(before: str, after: str, problem: str):
    problems = form_problems(FORM.replace(before, after) if before else FORM)
    assert (len(problems) == 1 and problem in problems[0]) if problem else problems == [], problems


# Dev container


def test_the_dev_container():
    container = json.loads(DEVCONTAINER.read_text(encoding="utf-8"))
    assert container["image"].rpartition(":")[2] in supported_python()
    assert container["forwardPorts"] == [8888] and set(container["portsAttributes"]) == {"8888"}
    assert "port 8888" in PAGES["teaching/platforms.md"]
    assert "python course.py doctor" in container["postCreateCommand"]
    needs = container["hostRequirements"]
    assert int(needs["storage"].removesuffix("gb")) > course.GB_KEPT + course.GB_FETCHED
    memory = re.search(r"container with (\d+) GB is enough", PAGES["teaching/platforms.md"])
    assert memory and needs["memory"] == f"{memory[1]}gb"
    interpreter = container["customizations"]["vscode"]["settings"]["python.defaultInterpreterPath"]
    assert interpreter.endswith("/.venv/bin/python")


def test_libraries_of_the_system_are_those_that_the_doctor_names():
    """In the container and the workflow."""
    named = re.search(r"sudo apt install ([\w. -]+)`", read("aitex_utils/commands/doctor.py"))
    assert named
    for path in (DEVCONTAINER, *WORKFLOWS):
        assert f"apt-get install --yes {named[1]}" in path.read_text(encoding="utf-8"), path.name


# Code of conduct


def test_the_code_of_conduct_invents_no_address():
    text = PAGES["CODE_OF_CONDUCT.md"]
    assert not re.search(r"[\w.]+@[\w.]+", text)
    assert "no address yet" in text and "code of conduct" in PAGES["teaching/adopting.md"]
