"""Names in pages and settings: commands of course.py and their options, paths, versions of Python, tasks, sections."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from functools import cache

from project_root import ROOT

import course

PROGRAMS = {name: f"aitex_utils/commands/{name}.py" for name in course.COMMANDS} | {
    "build": "notebooks/build.py",
    "path": "notebooks/path.py",
    "class": "aitex_utils/commands/class_page.py",
}
WITHOUT_PARSER = {"lab", "test", "scale", "bench"}  # lab passes options of JupyterLab on, test options of pytest
OF_COURSE = frozenset({"--torch"})  # which course.py reads itself, before each command
TASK = re.compile(r"(?<![\w.])(0\d|1[0-2])\.(?:q?\d|[a-z])(?![\w.]\w|\w|\s?%|\s(?:px|s|ms|[KMG]i?B)\b)")
SECTIONS = re.compile(
    r"\b[Ss]ections?\s+(\d+)(?:(\s+to|,|\s+and)\s+(\d+))?(?:\s+and\s+(\d+))?"
    r"(?:\s+(?:of|in)\s+(?:the\s+whole\s+)?notebook\s+(\d\d))?"
)


@cache
def options_of(program: str) -> frozenset[str]:
    """Return the options that a program adds to its parser, by its path from the project's folder."""
    nodes = ast.walk(ast.parse((ROOT / program).read_text(encoding="utf-8")))
    calls = [node for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    names = [argument for call in calls if call.func.attr == "add_argument" for argument in call.args]
    found = [name.value for name in names if isinstance(name, ast.Constant)]
    return frozenset(["--help", *(name for name in found if isinstance(name, str) and name.startswith("-"))])


def unknown_options(call: str, words: Iterable[str], program: str) -> list[str]:
    """Return the options in the words of a call that its program does not have."""
    options = [word.split("=")[0].rstrip(".,:") for word in words if word.startswith("--")]
    return [f"{call} {option}" for option in options if option not in options_of(program) | OF_COURSE]


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
        elif command == "bench" and len(words) > 1:
            bad += unknown_options(f"course.py bench {words[1]}", words, f"benchmarks/{words[1]}.py")
        elif command not in WITHOUT_PARSER:
            bad += unknown_options(f"course.py {command}", words, PROGRAMS[command])
        if command == "build":
            numbers = [word for word in words[1:] if word.isdigit()]
            bad += [f"course.py build {n}" for n in numbers if not [*ROOT.glob(f"notebooks/source/{n}_*.py")]]
    return bad


def unknown_lone_options(text: str) -> list[str]:
    """Return the options that begin a code span, without their command, and that no command has."""
    programs = [path for name, path in PROGRAMS.items() if name not in WITHOUT_PARSER]
    programs += [path.relative_to(ROOT).as_posix() for path in (ROOT / "benchmarks").glob("*.py")]
    known = OF_COURSE.union(["--quick", "--to"], *map(options_of, programs))  # of test, and of start.sh on a stick
    return [option for option in re.findall(r"`(--[\w-]+)", text) if option not in known]


@cache
def tasks() -> Mapping[str, frozenset[str]]:
    """Return the exercises, guesses and questions of each notebook by its number, as their numbers in the sources."""
    pattern = r'exercise="([^"]+)"|^(?:predict|quiz)\("([^"]+)"'
    return {
        path.stem[:2]: frozenset(a or b for a, b in re.findall(pattern, path.read_text(encoding="utf-8"), re.MULTILINE))
        for path in (ROOT / "notebooks" / "source").glob("[0-9][0-9]_*.py")
    }


@cache
def section_numbers() -> Mapping[str, frozenset[int]]:
    """Return the numbers of the sections of each notebook by its number."""
    return {
        path.stem[:2]: frozenset(
            map(int, re.findall(r"^# ## (\d+)\. ", path.read_text(encoding="utf-8"), re.MULTILINE))
        )
        for path in (ROOT / "notebooks" / "source").glob("[0-9][0-9]_*.py")
    }


def unknown_tasks(text: str) -> list[str]:
    """Return the numbers of exercises, guesses and questions in a text that no notebook has, such as 01.9 or 02.z."""
    named = [(match[0], match[1]) for match in TASK.finditer(re.sub(r"\{\{.*?\}\}", " ", text))]
    return [task for task, notebook in named if task not in tasks().get(notebook, ())]


def unknown_sections(text: str, notebooks: Iterable[str]) -> list[str]:
    """Return the sections in a text that are in none of its notebooks, or not in the notebook that the text names."""
    bad = []
    for match in SECTIONS.finditer(text):
        numbers = {int(number) for number in match.group(1, 3, 4) if number}
        if (match[2] or "").strip() == "to":
            numbers |= set(range(int(match[1]), int(match[3])))
        own = [match[5]] if match[5] else notebooks
        if not any(numbers <= section_numbers().get(notebook, set()) for notebook in own):
            bad.append(" ".join(match[0].split()))
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


def supported_python() -> list[str]:
    """Return the versions of Python that the project supports, from pyproject.toml and the launcher's advice."""
    lowest = int(
        re.search(
            r'^target-version = "py3(\d+)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE
        )[1]
    )
    advice = next(text for text in course.PIP_ERRORS.values() if "use a 64-bit Python" in text)
    first, last = map(int, re.search(r"Python 3\.(\d+) to 3\.(\d+)", advice).groups())
    assert first == lowest, "pyproject.toml and course.py name different versions as the oldest"
    return [f"3.{minor}" for minor in range(first, last + 1)]
