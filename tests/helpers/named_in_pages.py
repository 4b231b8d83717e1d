"""What pages and settings name: commands of course.py, paths, and the versions of Python that are supported."""

from __future__ import annotations

import re

from project_root import ROOT

import course


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
