"""Docstrings of everything public in one form: NumPy sections that agree with the code, and an example that runs.

The first lines and the general form are checked by ruff (pydocstyle, NumPy convention); the examples run as doctests.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from project_root import ROOT

PACKAGE = ROOT / "aitex_utils"
# The catalogues of a notebook's exercises and questions: right and wrong answers, not an interface.
CATALOGUES = re.compile(r"lessons/nb\d\d/(exercise\w*|answers|quiz)\.py$")
SECTION = re.compile(r"^(Parameters|Attributes|Returns|Yields|Raises|Notes|Examples)\n-{3,}$", re.MULTILINE)
Function = ast.FunctionDef | ast.AsyncFunctionDef


def sections(docstring: str) -> dict[str, str]:
    """Return the text of each section of a docstring, the summary under ""."""
    parts = SECTION.split(docstring)
    return {"": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}


def documented(section: str) -> list[str]:
    """Return the names that a section lists, `x, y : int` as two names."""
    heads = [line for line in section.splitlines() if line and not line[0].isspace()]
    return [name.strip().lstrip("*") for head in heads for name in head.split(" : ")[0].split(",")]


def arguments(function: Function) -> list[str]:
    """Return the names of a function's arguments, without self and cls."""
    spec = function.args
    given = [*spec.posonlyargs, *spec.args, *spec.kwonlyargs, spec.vararg, spec.kwarg]
    return [argument.arg for argument in given if argument is not None and argument.arg not in ("self", "cls")]


def decorators(node: Function | ast.ClassDef) -> set[str]:
    return {ast.unparse(decorator).split("(")[0].split(".")[-1] for decorator in node.decorator_list}


def problems_of_function(function: Function, is_method: bool) -> Iterator[str]:
    """Yield what is missing from the docstring of a function or method."""
    text = ast.get_docstring(function)
    if text is None:
        yield "has no docstring"
        return
    if decorators(function) & {"property", "setter", "cached_property"}:
        return
    found = sections(text)
    if sorted(documented(found.get("Parameters", ""))) != sorted(arguments(function)):
        yield f"documents {documented(found.get('Parameters', ''))}, its arguments are {arguments(function)}"
    returned = ast.unparse(function.returns) if function.returns else "None"
    wanted = "Yields" if returned.startswith(("Iterator", "Generator")) else "Returns"
    if (returned != "None") != (wanted in found):
        yield f"is annotated {returned}, so the section {wanted} is {'missing' if wanted not in found else 'too many'}"
    if not is_method and ">>>" not in found.get("Examples", ""):
        yield "has no example"


def problems_of_class(node: ast.ClassDef) -> Iterator[str]:
    """Yield what is missing from the docstrings of a class and its public methods."""
    text = ast.get_docstring(node)
    if text is None:
        yield "has no docstring"
        return
    if ">>>" not in sections(text).get("Examples", ""):
        yield "has no example"
    methods = [part for part in node.body if isinstance(part, Function)]
    init = next((method for method in methods if method.name == "__init__"), None)
    is_dataclass = "dataclass" in decorators(node)
    fields = [part.target.id for part in node.body if is_dataclass and isinstance(part, ast.AnnAssign)]
    wanted = fields if init is None else arguments(init)
    if wanted and sorted(documented(sections(text).get("Parameters", ""))) != sorted(wanted):
        yield f"documents {documented(sections(text).get('Parameters', ''))}, expected {wanted}"
    for method in methods:
        if not method.name.startswith("_"):
            yield from (f".{method.name} {problem}" for problem in problems_of_function(method, is_method=True))


def problems(source: str) -> list[str]:
    """Return what is missing from the docstrings of a module's public functions and classes."""
    found = []
    for node in ast.parse(source).body:
        if isinstance(node, (*Function.__args__, ast.ClassDef)) and not node.name.startswith("_"):
            of = problems_of_class(node) if isinstance(node, ast.ClassDef) else problems_of_function(node, False)
            found += [f"{node.name} {problem}" for problem in of]
    return found


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_docstrings_are_complete(path: Path):
    if CATALOGUES.search(path.as_posix()):
        return
    assert problems(path.read_text(encoding="utf-8")) == []


GOOD = '''
def scale(values: list, factor: float) -> list:
    """Multiply values.

    Parameters
    ----------
    values, factor : list and float
        What to multiply.

    Returns
    -------
    list

    Examples
    --------
    >>> 1
    1
    """
'''


def test_a_complete_docstring_passes():
    assert problems(GOOD) == []


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("values, factor : list and float", "values : list", "its arguments are"),
        ("    Returns\n    -------\n    list\n", "", "Returns is missing"),
        ("-> list:", "-> None:", "Returns is too many"),
        (">>> 1", "1", "no example"),
        ("def scale", "def _scale", ""),
    ],
)
def test_what_is_missing_is_noticed(old: str, new: str, word: str):
    found = problems(GOOD.replace(old, new))
    assert word in " ".join(found) and bool(found) == bool(word)


def test_classes_are_read_with_their_methods():
    source = 'class Box:\n    """A box.\n\n    Examples\n    --------\n    >>> 1\n    1\n    """\n'
    assert problems(source) == []
    assert problems(source + "    def open(self) -> None:\n        pass") == ["Box .open has no docstring"]
    assert problems(source + "    def __init__(self, side: int) -> None:\n        pass") != []
