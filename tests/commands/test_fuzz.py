"""Hostile arguments of every command: it works, or it ends with one clear sentence, never with a traceback.

Nothing is installed, opened or downloaded: the long work of a command is replaced, its handling of arguments is not.
"""

from __future__ import annotations

import importlib.util
import math
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from project_root import ROOT

sys.path.insert(0, str(ROOT / "notebooks"))

import build as builder  # noqa: E402

from aitex_utils.commands import data, demo, doctor  # noqa: E402
from aitex_utils.commands.launching import run_command  # noqa: E402
from aitex_utils.files import data_folder  # noqa: E402
from aitex_utils.practice import generate, photographs  # noqa: E402

OPTIONS = {
    "data": ("--photographs", "--folder", "--seed", "--fabrics", "--normal", "--defective", "--force", "--clear-cache"),
    "demo": ("--data", "--fabric", "--out", "--seed"),
    "doctor": (),
    "build": ("--check", "--again"),
    "bench": ("speed", "accuracy", "--anomalib"),
    "test": ("--quick", "--quik", "-k", "-x"),
    "lab": ("--no-browser", "--port", "--port=8899", "--allow-root"),
}
SHARED = ("--help", "-h", "--", "-", "--unknown", "-\u0142", "@file", "--fo", "--se=")
PLACES = (
    *("full", "full/thesis.txt", "full/thesis.txt/below", "locked", "locked/below", "missing/deep/below", "practice"),
    *(".", "..", "~", "~/below", "~nobody-here/below", "/proc/below", "/dev/null", "/dev/null/below", "link", "loop"),
    *("a" * 300, "a/" * 3000 + "a", "new\nline", "tab\t", " ", "", "nul\0", "\udc80", "\ud83d", "\u7e54", "CON", "*?"),
)
NUMBERS = ("0", "1", "-1", "2", "00", "99", "1e3", "0x10", "1_0", "nan", "inf", " 1 ", "\u0661", "9" * 30, "9" * 5000)
# Without what could lead to a path outside the test's folder.
TEXTS = st.text(st.characters(exclude_characters="/\\\\:~"), max_size=30).filter(lambda text: text != "..")


def arguments(command: str) -> st.SearchStrategy[list[str]]:
    """Draw a command line: options with and without a value, twice, joined by "=", and words between them."""
    words = st.sampled_from(PLACES) | st.sampled_from(NUMBERS) | TEXTS
    options = st.sampled_from(OPTIONS[command] + SHARED)
    pairs = st.tuples(options, words).flatmap(lambda pair: st.sampled_from([list(pair), ["=".join(pair)], [pair[0]]]))
    return st.lists(pairs | words.map(lambda word: [word]), max_size=4).map(lambda parts: sum(parts, []))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, small_practice: Path) -> Iterator[Path]:
    """Return a project's folder, deep in the temporary folder, with everything that can be in a path's way."""
    root = tmp_path_factory.mktemp("fuzz") / "a" / "project"
    (root / "full").mkdir(parents=True)
    (root / "full" / "thesis.txt").write_text("years of work")
    (root / "locked").mkdir(mode=0o000)
    shutil.copytree(small_practice, root / "practice")
    (root / "home").mkdir()
    if os.name != "nt":
        (root / "link").symlink_to(root / "nowhere")
        (root / "loop").symlink_to(root / "loop")
    yield root
    (root / "locked").chmod(0o700)


@pytest.fixture
def course(place: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[list[str]], int]:
    """Return course.py as a function of its arguments, in a project of the test's own."""
    monkeypatch.chdir(place)
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(place / "home"))
    for name in ("AITEX_ROOT", "COURSE_VENV", "COURSE_PROGRESS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COURSE_CACHE", str(place / "cache"))
    for module in (data_folder, demo):
        monkeypatch.setattr(module, "PROJECT", place)
    monkeypatch.setattr(data_folder, "PRACTICE", place / "practice")
    monkeypatch.setattr(data, "PRACTICE", place / "practice made")
    monkeypatch.setattr(data, "PHOTOGRAPHS", place / "photographs made")

    spec = importlib.util.spec_from_file_location("course_fuzzed", ROOT / "course.py")
    course = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(course)
    run = {"data": data.main, "demo": demo.main, "build": builder.main, "doctor": doctor._main}

    def run_here(*parts: object, cwd: Path | None = None) -> int:
        """Run what the launcher starts here; what does not belong to this test only has to be a possible command."""
        words = [os.fsencode(str(part)) for part in parts]
        assert not any(b"\0" in word for word in words)
        name = re.search(r"(\w+)(\.py)?$", str(parts[3])).group(1) if parts[0] == "-c" else ""
        if name not in run:
            return 0
        monkeypatch.setattr(sys, "argv", [name, *map(str, parts[4:])])
        return run_command(run[name])

    monkeypatch.setattr(course, "set_up", lambda: None)
    monkeypatch.setattr(course, "run", run_here)
    monkeypatch.setattr(doctor, "main", lambda: 0)
    # The work: nothing is rendered, fitted or executed.
    for module in (generate, photographs):
        monkeypatch.setattr(module, "run_tasks", lambda tasks, label, unit, progress: None)
    monkeypatch.setattr(demo, "run_demo", lambda root, fabric, **options: (dict(RESULTS, fabric=fabric), []))
    (place / "source").mkdir(exist_ok=True)
    (place / "results").mkdir(exist_ok=True)
    (place / "source" / "09_test.py").write_text("# %%\n1\n")
    monkeypatch.setattr(builder, "FOLDER", place / "notebooks")
    monkeypatch.setattr(builder, "SOURCE", place / "source")
    monkeypatch.setattr(builder, "SOLVED", place / "notebooks" / "solved")
    monkeypatch.setattr(builder, "MEASURED", place / "results" / "notebooks.json")
    monkeypatch.setattr(builder, "execute", lambda notebook: {"seconds": 1.0, "peak_memory_mib": 100})
    builder.main([])  # so that `build --check` finds notebooks that agree
    return lambda arguments: run_command(course.main, arguments)


RESULTS = {
    **dict.fromkeys(demo.MEASURES, math.nan),
    **dict.fromkeys(("strips_fitted", "tiles_fitted", "patches_kept", "strips_tested", "tiles_tested"), 1),
    **{"tiles_defective": 1, "strips_without_known_mask": 0, "peak_memory_mib": 900, "seconds": {"fit": 2.0}},
}
EACH = settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))


def check(command: Callable[[list[str]], int], given: list[str], capsys: pytest.CaptureFixture) -> None:
    """Assert that a command line works, or is refused in one sentence."""
    capsys.readouterr()
    try:
        code = command(given)
    except SystemExit as end:  # argparse
        code = end.code
    error = capsys.readouterr().err
    assert isinstance(code, int) and "Traceback" not in error and "Error(" not in error, (given, code, error)
    if code:
        sentence = re.sub(r"\A(usage: .*\n|\s+.*\n)+", "", error)  # argparse first shows what is possible
        assert re.match(r"\S(.|\n){10,}[.:)\w]", sentence), (given, code, error)
        assert "[Errno" not in sentence, (given, error)


@pytest.mark.parametrize(
    "given",
    [
        ["data", "--folder", "new"],
        ["demo", "--data", "practice"],
        ["demo", "--out", "results of a demo"],
        ["build"],
        ["build", "9"],
    ]
    + [["doctor"], ["bench", "speed"], ["test", "-k", "a b"], ["lab", "--port", "8899"]],
)
def test_friendly_arguments(given: list[str], course: Callable, capsys):
    assert course(given) == 0, capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("name", OPTIONS)
@EACH
@given(drawn=st.data())
def test_hostile_arguments(name: str, drawn: st.DataObject, course: Callable, place: Path, capsys):
    given = drawn.draw(arguments(name))
    check(course, [name, *given], capsys)
    assert (place / "full" / "thesis.txt").read_text() == "years of work"
    assert os.listdir(place.parent) == ["project"]


@pytest.mark.slow
@pytest.mark.parametrize("name", OPTIONS)
def test_each_hostile_value_of_each_option(name: str, course: Callable, place: Path, capsys):
    for option in OPTIONS[name] + ("",):
        for value in PLACES + NUMBERS:
            check(course, [name, *filter(None, [option]), value], capsys)
        check(course, [name, option], capsys)
        check(course, [name, option, option], capsys)
    assert (place / "full" / "thesis.txt").read_text() == "years of work"
    assert os.listdir(place.parent) == ["project"]


@pytest.mark.slow
@EACH
@given(given=st.lists(TEXTS | st.sampled_from(PLACES + NUMBERS), min_size=1, max_size=3))
def test_hostile_commands(given: list[str], course: Callable[[list[str]], int], capsys):
    check(course, given, capsys)
