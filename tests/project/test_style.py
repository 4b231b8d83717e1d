"""The rules of the house that a machine can watch, each with a breach that it must notice."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from project_root import ROOT

MACHINE_PATHS = re.compile(r"(?<![\w.~])/(home|root|Users|work|opt)/\w|[A-Z]:\\Users\b")
PACKAGE_SOURCES = re.compile(r"--(extra-)?index-url|--find-links")  # where packages come from is pip's own setting
FORCED_OPENMP = re.compile(r"""KMP_DUPLICATE_LIB_OK["']?\]?\s*(=(?!=)|:|,)""")


def project_files() -> list[Path]:
    """Return the text files of the project: what git tracks or would track."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("no git clone here, so it isn't known which files belong to the project")
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    kinds = {".py", ".md", ".txt", ".toml", ".ipynb", ".json", ".csv", ".yml", ".cfg", ""}
    return [ROOT / name for name in names if name and Path(name).suffix in kinds and (ROOT / name).is_file()]


def unsafe_calls(source: str) -> list[str]:
    """Return the calls that could run code hidden in a file: pickle's, and torch.load unless weights_only=True."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            options = {option.arg: ast.unparse(option.value) for option in node.keywords}
            bad = called in ("pickle.load", "pickle.loads", "pickle.Unpickler", "joblib.load")
            bad |= called == "torch.load" and options.get("weights_only") != "True"
            if bad or options.get("allow_pickle") == "True":
                found.append(ast.unparse(node))
    return found


def breaches(pattern: re.Pattern) -> list[str]:
    """Return where a pattern occurs in the project, but for this file, as "file:line: text"."""
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120]}"
        for path in project_files()
        if path != Path(__file__).resolve()
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        if pattern.search(line)
    ]


def test_ruff():
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--quiet", "."], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_file_is_loaded_that_could_run_code():
    """But in tests, which set such traps."""
    sources = [p for p in project_files() if p.suffix == ".py" and ROOT / "tests" not in p.parents]
    assert {str(p): calls for p in sources if (calls := unsafe_calls(p.read_text(encoding="utf-8")))} == {}


@pytest.mark.parametrize(
    "call",
    [
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "pickle.load(file)",
        "pickle.loads(text)",
        "joblib.load(path)",
        "np.load(path, allow_pickle=True)",
    ],
)
def test_a_load_that_could_run_code_is_noticed(call: str):
    assert unsafe_calls(f"x = 1 + f({call})") == [call]


def test_safe_loads_are_allowed():
    assert unsafe_calls("torch.load(p, weights_only=True); np.load(p, allow_pickle=False); json.load(f)") == []


def test_no_path_of_one_machine():
    assert breaches(MACHINE_PATHS) == []


def test_no_package_index_is_named():
    assert breaches(PACKAGE_SOURCES) == []


def test_openmp_is_never_forced():
    assert breaches(FORCED_OPENMP) == []


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        (MACHINE_PATHS, "data = '/home/ada/data'"),
        (MACHINE_PATHS, "see /opt/data"),
        (MACHINE_PATHS, "C:\\Users\\ada"),
        (PACKAGE_SOURCES, "--extra-index-url https://example.org/simple"),
        (FORCED_OPENMP, 'os.environ["KMP_DUPLICATE_LIB_OK"] = "TRUE"'),
        (FORCED_OPENMP, 'os.environ.setdefault("KMP_DUPLICATE_LIB_OK", "1")'),
        (FORCED_OPENMP, "export KMP_DUPLICATE_LIB_OK=TRUE"),
        (FORCED_OPENMP, "%env KMP_DUPLICATE_LIB_OK = 1"),
        (FORCED_OPENMP, 'env = {"KMP_DUPLICATE_LIB_OK": "1"}'),
    ],
)
def test_a_breach_is_noticed(pattern: re.Pattern, line: str):
    assert pattern.search(line)


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        (MACHINE_PATHS, "https://example.org/home/page and ~/.cache and path/to/work/x and tests/home/x"),
        (FORCED_OPENMP, 'FORCED = "KMP_DUPLICATE_LIB_OK"  # never set it'),
        (FORCED_OPENMP, "never set KMP_DUPLICATE_LIB_OK."),
        (FORCED_OPENMP, 'if os.environ["KMP_DUPLICATE_LIB_OK"] == "1"'),
    ],
)
def test_what_is_no_breach_passes(pattern: re.Pattern, line: str):
    assert not pattern.search(line)
