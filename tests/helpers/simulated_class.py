"""Make the progress files of a plausible class, as the course writes them.

`python tests/helpers/simulated_class.py FOLDER [SEED]` writes 30 files, for a look at the page of a class. Learners
differ in ability, and exercises in difficulty. A lab of 90 minutes begins at one time for all.
"""

from __future__ import annotations

import json
import random
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from aitex_utils.lessons.engine.progress import VERSION
from aitex_utils.teaching.class_summary import course_exercises, course_guesses

NAMES = "Ada Ben Chloé Dmitri Ebru Farid Greta Hồng Ivan Jürgen Kim Lucía Mehmet Noor".split()
NAMES += "Ola Priya Quentin Rosa Søren Tomasz Uma Viktor Wanjiru Xiao Yusuf Zofia".split()
NAMES += ["Anna-Maria de la Cruz y Fernández"]
BEGIN = datetime(2026, 3, 2, 9, 0, tzinfo=timezone.utc)
MINUTES = 90
KINDS = ("crashed", "wrong value", "wrong shape", "wrong kind")
RESULTS = {"00.a": 84.0, "01.a": 0.93, "01.b": 5.1, "01.c": 0.01, "01.d": 0.06}


def progress_files(count: int = 30, seed: int = 0, begin: datetime = BEGIN) -> dict[str, dict[str, Any]]:
    """Return the contents of files by path. A tenth is unsigned, a tenth of version 1, and one learner did nothing."""
    luck = random.Random(seed)
    hardness = {name: luck.uniform(0.2, 0.9) for name in course_exercises()}
    files = {}
    for number in range(count):
        name = NAMES[number % len(NAMES)] + (f" {number // len(NAMES) + 1}" if number >= len(NAMES) else "")
        content = one_learner(luck, hardness, begin) if number != 5 else empty()
        if number % 10 == 3:
            content = as_version_1(content)
        elif number % 10 != 7:
            content["name"] = name
        files[f"learner {number:02d}/progress.json" if number % 2 else f"{number:02d}.json"] = content
    return files


def empty() -> dict[str, Any]:
    return {"version": VERSION, "course": "1.0.0", "exercises": {}, "quiz": {}, "predictions": {}}


def one_learner(luck: random.Random, hardness: dict[str, float], begin: datetime) -> dict[str, Any]:
    """Return the file of a learner who works through the notebooks for 90 minutes, and skips an exercise at times."""
    content, ability = empty(), luck.betavariate(3, 2)
    minute = luck.uniform(3, 10)
    for name in course_exercises():
        if name.startswith("00") or name.startswith("01") or ability > 0.6:
            for guess in [one for one in course_guesses() if one[:2] == name[:2] and one not in content["predictions"]]:
                content["predictions"][guess] = a_guess(luck, guess)
            if luck.random() > 0.1:
                content["exercises"][name], minute = an_exercise(luck, name, hardness[name], ability, begin, minute)
            content["quiz"][f"{name[:2]}.q1"] = {"tries": luck.choice([1, 1, 2]), "passed": True}
        if minute > MINUTES:
            break
    return content


def an_exercise(
    luck: random.Random, name: str, hardness: float, ability: float, begin: datetime, minute: float
) -> tuple[dict[str, Any], float]:
    """Return the entry of an exercise and the minute after it."""
    minute += luck.expovariate(1 / 4)
    entry: dict[str, Any] = {"tries": 0, "passed": False, "first": time_of(begin, minute)}
    mistakes = [mistake.name for mistake in course_exercises()[name].mistakes][:4]
    while True:
        entry["tries"] += 1
        entry["last"] = time_of(begin, minute)
        if luck.random() < (1 - hardness) * 0.4 + ability * 0.5:
            entry["passed"] = True
            break
        entry["mistake"] = luck.choices([*mistakes, *KINDS], [8, 4, 2, 1][: len(mistakes)] + [2, 2, 1, 1])[0]
        if luck.random() < 0.4:
            entry["hints"] = entry.get("hints", 0) + 1
        if entry["tries"] > 2 and luck.random() < 0.3 or minute > MINUTES:
            break  # goes on to the next one
        minute += luck.expovariate(1 / 3)
    return entry, minute


def a_guess(luck: random.Random, name: str) -> dict[str, float | None]:
    """Return a guess, mostly too narrow, as guesses are."""
    result = RESULTS.get(name, 10.0)
    middle = result * luck.lognormvariate(0, 0.5)
    half = abs(middle) * luck.uniform(0.05, 0.6)
    truth = round(result * luck.uniform(0.99, 1.01), 4) if luck.random() < 0.9 else None
    return {"low": round(middle - half, 3), "high": round(middle + half, 3), "truth": truth}


def as_version_1(content: dict[str, Any]) -> dict[str, Any]:
    """Return a content as version 1 had it, without times, mistakes and names."""
    exercises = {
        name: {key: entry[key] for key in ("tries", "passed", "hints") if key in entry}
        for name, entry in content["exercises"].items()
        if name[:2] < "06"
    }
    predictions = {name: entry for name, entry in content["predictions"].items() if name[:2] < "06"}
    return {"version": 1, "exercises": exercises, "quiz": content["quiz"], "predictions": predictions}


def time_of(begin: datetime, minute: float) -> str:
    return (begin + timedelta(minutes=minute)).isoformat(timespec="milliseconds")


def write_class(folder: Path, files: dict[str, dict[str, Any]]) -> None:
    """Write the files into a folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_class(Path(sys.argv[1]), progress_files(seed=int((sys.argv[2:] or ["0"])[0])))
