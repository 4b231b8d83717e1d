"""The laws of the layout, kept by reading the imports; each law is also shown a breach that it must notice."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import Path

import pytest
from project_root import ROOT

PACKAGE = ROOT / "aitex_utils"
SURROUNDINGS = ("practice", "datasets", "inspection", "lessons", "teaching", "commands")  # unknown to the detector
BENCHMARKS = ROOT / "benchmarks"


def module_name(path: Path) -> str:
    """Return the dotted name of a file: `aitex_utils.fast.bf16_bound`, or the bare name of a benchmark."""
    if BENCHMARKS in path.parents:
        return path.stem
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def modules() -> dict[str, str]:
    """Return the source of each module of the package and the benchmarks, by dotted name."""
    files = [*PACKAGE.rglob("*.py"), *BENCHMARKS.glob("*.py")]
    return {module_name(path): path.read_text(encoding="utf-8") for path in sorted(files)}


PACKAGES = {module_name(path) for path in PACKAGE.rglob("__init__.py")}
MODULES = modules()


def imports(
    name: str, source: str, known: Iterable[str] = MODULES, packages: set[str] = PACKAGES
) -> dict[str, list[str]]:
    """Return the modules in `known` that a module imports, inside functions too, with the names taken from each."""
    found: dict[str, list[str]] = {}
    base = name if name in packages else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                found.setdefault(alias.name, [])
        elif isinstance(node, ast.ImportFrom):
            start = base.split(".")[: len(base.split(".")) - (node.level - 1)] if node.level else []
            module = ".".join([*start, *([node.module] if node.module else [])])
            for alias in node.names:
                whole = f"{module}.{alias.name}"
                target, taken = (whole, []) if whole in known else (module, [alias.name])
                found.setdefault(target, []).extend(taken)
    return {target: names for target, names in found.items() if target in known}


GRAPH = {name: imports(name, source) for name, source in MODULES.items()}


def room(name: str) -> str:
    """Return the subpackage of a module: "" for the root, "fast", "lessons", ..."""
    parts = name.split(".")
    is_inside = len(parts) > 2 or name in PACKAGES
    return parts[1] if parts[0] == "aitex_utils" and len(parts) > 1 and is_inside else ""


def knows_surroundings(graph: dict[str, dict]) -> list[str]:
    """Return the imports by which the detector (root, `fast` and `scale`) reaches its surroundings."""
    return [
        f"{name} imports {target}"
        for name, targets in graph.items()
        if name.startswith("aitex_utils") and room(name) in ("", "fast", "scale")
        for target in targets
        if room(target) in SURROUNDINGS
    ]


def loads_scale(sources: dict[str, str], known: Iterable[str] = MODULES) -> list[str]:
    """Return the imports outside functions by which modules of other rooms load `scale`."""
    found = []
    for name, source in sources.items():
        if name.startswith("aitex_utils") and room(name) != "scale":
            tree = ast.parse(source)
            tree.body = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
            outside = imports(name, ast.unparse(tree), known)
            found += [f"{name} imports {target}" for target in outside if room(target) == "scale"]
    return found


def crosses_notebooks(graph: dict[str, dict]) -> list[str]:
    """Return the imports by which one notebook's folder reaches another's."""

    def notebook(name: str) -> str | None:
        parts = name.split(".")
        return parts[2] if parts[:2] == ["aitex_utils", "lessons"] and len(parts) > 2 and parts[2][:2] == "nb" else None

    return [
        f"{name} imports {target}"
        for name, targets in graph.items()
        for target in targets
        if notebook(name) and notebook(target) and notebook(name) != notebook(target)
    ]


def cycle(graph: dict[str, dict]) -> list[str]:
    """Return one cycle of imports as a path, or nothing."""
    done: set[str] = set()

    def visit(name: str, path: list[str]) -> list[str]:
        if name in path:
            return [*path[path.index(name) :], name]
        if name in done:
            return []
        for target in graph.get(name, ()):
            if found := visit(target, [*path, name]):
                return found
        done.add(name)
        return []

    return next((found for name in graph if (found := visit(name, []))), [])


def private_imports(graph: dict[str, dict]) -> list[str]:
    """Return the private names that a module takes from another."""
    return [
        f"{name} takes {taken} from {target}"
        for name, targets in graph.items()
        for target, names in targets.items()
        for taken in names
        if taken.startswith("_") and not taken.startswith("__")
    ]


def private_uses(source: str) -> list[str]:
    """Return the private attributes of other objects that a source reads or sets, such as `detector._distances`."""
    return sorted(
        ast.unparse(node)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute)
        and node.attr.startswith("_")
        and not node.attr.startswith("__")
        and not (isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"))
    )


def test_the_detector_knows_nothing_of_its_surroundings():
    assert knows_surroundings(GRAPH) == []


def test_scale_is_loaded_only_where_it_is_called():
    assert loads_scale(MODULES) == []


def test_a_notebook_s_folder_imports_no_other():
    assert crosses_notebooks(GRAPH) == []


def test_no_import_cycles():
    assert cycle(GRAPH) == []


def test_private_names_stay_at_home():
    assert private_imports(GRAPH) == []


@pytest.mark.parametrize("path", sorted(BENCHMARKS.glob("*.py")), ids=lambda path: path.stem)
def test_benchmarks_use_no_private_names(path: Path):
    assert private_uses(path.read_text(encoding="utf-8")) == []


def test_breaches_are_noticed():
    known = {"aitex_utils.scoring", "aitex_utils.lessons.nb01.figures", "aitex_utils.lessons.nb02.figures"}
    known |= {"aitex_utils.practice.weave", "aitex_utils.fast.bf16_bound", "aitex_utils.lessons", "aitex_utils"}

    def graph(name: str, source: str) -> dict[str, dict]:
        return {name: imports(name, source, known, {"aitex_utils", "aitex_utils.lessons"})}

    inside = "def f():\n    from .practice import weave"
    assert knows_surroundings(graph("aitex_utils.scoring", inside)) != []
    assert knows_surroundings(graph("aitex_utils.fast.bf16_bound", "from ..lessons import check")) != []
    assert knows_surroundings(graph("aitex_utils.scoring", "import aitex_utils.practice.weave")) != []
    assert knows_surroundings(graph("aitex_utils.scoring", "from .fast.bf16_bound import GROUP")) == []
    assert knows_surroundings(graph("aitex_utils.scale.fitting", "from ..practice import weave")) != []
    loading = {"aitex_utils.patchcore": "from .scale.fitting import fit_blocks"}
    assert loads_scale(loading, {"aitex_utils.scale.fitting"}) != []
    later = {"aitex_utils.patchcore": "def fit():\n    from .scale.fitting import fit_blocks"}
    assert loads_scale(later, {"aitex_utils.scale.fitting"}) == []
    crossing = "from ..nb02.figures import plot"
    assert crosses_notebooks(graph("aitex_utils.lessons.nb01.figures", crossing)) != []
    assert private_imports(graph("aitex_utils.lessons.nb01.figures", "from aitex_utils.scoring import _flat")) != []
    assert cycle({"a": {"b": []}, "b": {"c": []}, "c": {"a": []}}) == ["a", "b", "c", "a"]
    assert cycle({"a": {"b": [], "c": []}, "b": {"c": []}, "c": {}}) == []
    source = "bank._index.search(x)\nself._x = detector._distances"
    assert private_uses(source) == ["bank._index", "detector._distances"]
