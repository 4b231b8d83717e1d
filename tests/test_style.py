"""The rules of the house that a machine can watch, each with a breach that it must notice."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ROOT

# A module imports only from those before it.
ORDER = (
    *(
        "errors",
        "files",
        "measure",
        "strips",
        "cache",
        "dataset_check",
        "weave",
        "defects",
        "fabric",
        "tiling",
        "backbones",
        "borders",
        "pooling",
        "features",
        "receptive",
    ),
    *("rounded", "coreset", "blocks", "search", "memory_bank", "scoring", "options", "metrics", "saved", "patchcore"),
    *("leakage", "similarity", "autoencoder", "duel"),
    *("plots", "lab_plots", "layer_plots", "judge_plots", "toy_plots", "coreset_plots", "search_plots", "duel_plots"),
    *("movable", "lesson", "checks", "doctor", "demo"),
)
MODULES = sorted((ROOT / "aitex_utils").rglob("*.py"))
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


def imported(source: str, inside: str = "") -> Iterator[str]:
    """Yield the modules of `aitex_utils` that a module of it imports, inside functions too.

    `inside` names the folder in which the module lies, if one: what it takes from beside itself counts as that folder.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[1] for alias in node.names if alias.name.startswith("aitex_utils."))
        elif isinstance(node, ast.ImportFrom):
            path = (node.module or "").split(".")
            if node.level == 1 and inside:
                path = [inside]
            if path[0] == "aitex_utils" and not node.level:
                path = path[1:] or [""]
            elif not node.level:
                continue
            yield from [path[0]] if path[0] else (alias.name for alias in node.names)


def from_below(name: str, source: str) -> list[str]:
    """Return what the module `name` imports although it doesn't stand before it in `ORDER`."""
    inside = "checks" if name == "checks" else ""  # its files share among them
    return sorted(set(imported(source, inside)) - {*ORDER[: ORDER.index(name)], inside})


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


@pytest.mark.parametrize("path", [ROOT / "course.py", *MODULES], ids=lambda path: path.name)
def test_a_file_has_at_most_300_lines(path: Path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300


@pytest.mark.parametrize("path", [p for p in MODULES if p.stem != "__init__"], ids=lambda path: path.name)
def test_imports_come_from_above(path: Path):
    name = path.relative_to(ROOT / "aitex_utils").parts[0].removesuffix(".py")
    assert name in ORDER, f"{name} has no place yet in ORDER of {Path(__file__).name}: put it where it belongs"
    assert from_below(name, path.read_text(encoding="utf-8")) == []


def test_imports_from_below_are_noticed():
    source = (
        "import aitex_utils.plots\nfrom . import metrics, errors\ndef f():\n    from .demo import main\n    import os"
    )
    assert sorted(imported(source)) == ["demo", "errors", "metrics", "plots"]
    assert from_below("scoring", source) == ["demo", "metrics", "plots"]
    assert from_below("scoring", "from aitex_utils.demo import main\nfrom aitex_utils import plots") == [
        "demo",
        "plots",
    ]
    assert from_below("scoring", "from .scoring import itself") == ["scoring"]
    assert from_below("checks", "from .judge import judge\nfrom ..doctor import main\nfrom . import quiz") == ["doctor"]
    assert from_below("scoring", "from .memory_bank import MemoryBank\nfrom torch import nn") == []


def test_no_file_is_loaded_that_could_run_code():
    """But in tests, which set such traps."""
    sources = [p for p in project_files() if p.suffix == ".py" and p.parent.name != "tests"]
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
