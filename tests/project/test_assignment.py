"""The assignment: its rubric adds up, both samples are graded by it, and their numbers are those of the bench."""

from __future__ import annotations

import ast
import json
import re
import sys
from typing import Any

import pytest
from project_root import ROOT
from prose import page

FOLDER = ROOT / "teaching" / "assignment"
RESULTS = json.loads((ROOT / "benchmarks" / "results" / "assignment.json").read_text(encoding="utf-8"))
STATEMENT = re.compile(r"\*\*([DCTAFRW]\d)\*\*")
GRADED = re.compile(r"^\| ([DCTAFRW]\d) \| ([05]) \| (.+) \|$", re.MULTILINE)
CRITERION = re.compile(r"^\| ([DCTAFRW]): [^|]+\| (\d+) \| (\d+) \| (\d+) \|$", re.MULTILINE)
LEVELS = re.compile(r"D (\d), C (\d), T (\d), A (\d), F (\d), R (\d), W (\d): \*\*(\d+) of 100\*\*")
SAMPLES = ("strong", "weak")


def text_of(name: str) -> str:
    return (FOLDER / f"{name}.md").read_text(encoding="utf-8")


def statements() -> list[str]:
    return STATEMENT.findall(text_of("rubric"))


def graded(sample: str) -> dict[str, int]:
    return {name: int(points) for name, points, _ in GRADED.findall(text_of(f"sample_{sample}"))}


def test_the_rubric_adds_up_to_100_points():
    found, criteria = statements(), CRITERION.findall(text_of("rubric"))
    assert len(found) == len(set(found)) == 20
    for letter, number, points, _ in criteria:
        assert [name for name in found if name[0] == letter] == [f"{letter}{i + 1}" for i in range(int(number))]
        assert int(points) == 5 * int(number)
    sums = [sum(int(row[i]) for row in criteria) for i in (1, 2, 3)]
    assert re.search(r"\| \*\*sum\*\* \| (\d+) \| (\d+) \| (\d+) \|", text_of("rubric")).groups() == tuple(
        map(str, sums)
    )
    assert sums[1] == 100 and "AUROC" not in text_of("rubric").split("## Why AUROC")[0].split("**A statement")[1]


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_sample_is_graded_by_each_statement_and_its_points_add_up(sample: str):
    rows = GRADED.findall(text_of(f"sample_{sample}"))
    assert [name for name, _, _ in rows] == statements()
    assert all(len(reason.split()) >= 3 for _, _, reason in rows)
    levels = LEVELS.search(text_of(f"sample_{sample}")).groups()
    counts = [sum(points == 5 for name, points in graded(sample).items() if name[0] == letter) for letter in "DCTAFRW"]
    assert list(map(int, levels[:-1])) == counts and int(levels[-1]) == sum(graded(sample).values())


def test_the_strong_sample_is_far_above_the_weak_sample():
    strong, weak = (sum(graded(sample).values()) for sample in SAMPLES)
    assert strong >= 80 and weak <= 30


@pytest.mark.parametrize("sample", SAMPLES)
def test_the_grading_agrees_with_the_marks(sample: str):
    kept = RESULTS[sample]["mark"]["promise"] == "kept"
    assert (graded(sample)["T4"] == 5) == kept
    if graded(sample)["T1"] == 0:
        assert graded(sample)["T2"] == 0


def handed_in(sample: str) -> str:
    """Return the report and the commands of a sample."""
    return text_of(f"sample_{sample}").split("\n## Report\n")[1].split("\n## Marks\n")[0]


def missing_for_r2(text: str) -> list[str]:
    """Return the seeds and versions that a handed-in folder does not state."""
    facts = ["seed of the split is", "seed of the detector is"]
    facts += [f"| {name} | {version} |" for name, version in RESULTS["versions"].items()]
    return [fact for fact in facts if fact not in text]


@pytest.mark.parametrize("sample", SAMPLES)
def test_the_points_for_seeds_and_versions_have_their_evidence(sample: str):
    is_stated = not missing_for_r2(handed_in(sample))
    assert is_stated == (graded(sample)["R2"] == 5)
    version = RESULTS["versions"]["torch"]
    assert missing_for_r2(handed_in("strong").replace(version, "")) == [f"| torch | {version} |"]


def foreign_files(text: str) -> list[str]:
    """Return the files that a text names and the task does not ask for."""
    wanted = re.findall(r"`([\w/]+\.\w+)`", text_of("task").split("## You hand in")[1].split("\n## ")[0])
    assert {"answer.json", "scores.csv", "report.md", "commands.md"} <= set(wanted)
    named = re.findall(r"`([\w/]+\.(?:csv|json|md|npy|pdf|txt|zip))`", text)
    return [name for name in named if name not in wanted]


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_sample_hands_in_only_the_files_of_the_task(sample: str):
    assert foreign_files(handed_in(sample)) == []
    assert foreign_files("`versions.txt` and `scores.csv`") == ["versions.txt"]


def facts_strong() -> list[str]:
    run = RESULTS["strong"]
    largest = max(row["k"] for row in run["left_out"])
    return [
        f"looked at {run['strips']} strips of cloth, cut into {run['tiles']} squares",
        f"flags {run['tiles_flagged']} squares on {run['strips_flagged']} strips",
        f"at most {100 * run['promised']:g} % of squares",
        f"false-alarm rate of {100 * run['promised']:g} %",
        f"has {RESULTS['training']} normal strips",
        f"fitted on {len(run['training'])} strips and held out the other {len(run['held_out'])}",
        f"The {run['held_out_tiles']} tiles of the held-out strips set the threshold {run['threshold']:.3f}",
        f"So {run['held_out_tiles']} tiles from {len(run['held_out'])} strips are worth fewer than "
        f"{run['held_out_tiles']}",
        f"The largest number of flagged tiles is {largest}",
    ]


def facts_weak() -> list[str]:
    run = RESULTS["weak"]
    rate = f"{100 * run['promised']:g} %"
    return [
        f"with {rate} false alarms",
        f"Of {run['training_tiles']} normal tiles it flags only {run['training_flagged']}, so I promise a false-alarm "
        f"rate of {rate}",
        f"On the test strips it finds {run['tiles_flagged']} defective tiles",
        f"all {len(run['training'])} normal strips",
        f"scores of all {run['training_tiles']} tiles",
        f"quantile is {run['threshold']:.3f}. By definition only {rate}",
        f"flags {run['tiles_flagged']} of {run['tiles']} test tiles",
    ]


FACTS = {"strong": facts_strong, "weak": facts_weak}


def prose_of(sample: str) -> str:
    return " ".join(page(text_of(f"sample_{sample}")).prose.split())


@pytest.mark.parametrize("sample", SAMPLES)
def test_the_numbers_of_a_sample_are_those_of_the_bench(sample: str):
    assert [fact for fact in FACTS[sample]() if fact not in prose_of(sample)] == []


@pytest.mark.parametrize("sample", SAMPLES)
def test_another_result_is_noticed(sample: str, monkeypatch: pytest.MonkeyPatch):
    changed = json.loads(json.dumps(RESULTS), parse_int=lambda digits: int(digits) + 1, parse_float=lambda _: 0.123)
    for run in (changed["strong"], changed["weak"]):
        run["training"].append("0099_000_50")
    monkeypatch.setattr(sys.modules[__name__], "RESULTS", changed)
    assert [fact for fact in FACTS[sample]() if fact in prose_of(sample)] == []


def test_the_verdict_of_the_strong_sample_follows_from_its_table():
    largest = max(row["k"] for row in RESULTS["strong"]["left_out"])
    assert f"**Verdict.** {'Confirmed' if largest > 2 else 'Refuted'}." in text_of("sample_strong")
    names = [*RESULTS["strong"]["training"], *RESULTS["strong"]["held_out"]]
    assert all(f"`{name}`" in text_of("sample_strong") for name in names)


def test_the_weak_sample_has_the_higher_auroc_and_finds_half_as_many_tiles():
    strong, weak = (RESULTS[sample]["mark"] for sample in SAMPLES)
    assert weak["auroc"] > strong["auroc"] and weak["found"] == strong["found"] / 2
    assert weak["binomial_high"] > 5 * weak["promised_rate"]  # "wide"
    assert len(RESULTS["weak"]["training"]) == 2 * len(RESULTS["strong"]["training"])


def test_the_steps_take_six_to_eight_hours():
    minutes = [int(cell) for cell in re.findall(r"^\| \d\. [^|]+\| (\d+) \|", text_of("task"), re.MULTILINE)]
    assert len(minutes) == 6 and 6 * 60 <= sum(minutes) <= 8 * 60


def cells(name: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", text_of(name), re.DOTALL)


def names_imported(code: str) -> list[tuple[str, str]]:
    return [
        (node.module, alias.name)
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    ]


@pytest.mark.parametrize("name", ["task", "sample_strong", "sample_weak"])
def test_the_code_of_a_page_imports_what_is_there(name: str):
    from importlib import import_module

    imported = names_imported("\n".join(cells(name)))
    assert imported and all(hasattr(import_module(module), attribute) for module, attribute in imported)


@pytest.mark.parametrize("sample", SAMPLES)
def test_the_code_of_a_sample_has_the_settings_of_the_bench(sample: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import assignment

    options: dict[str, Any] = {"strong": assignment.STRONG, "weak": assignment.WEAK}[sample]
    (code,) = cells(f"sample_{sample}")
    (call,) = [
        node
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "PatchCore"
    ]
    assert {word.arg: ast.literal_eval(word.value) for word in call.keywords} == {
        name: value
        for name, value in options.items()
        if (name, value) != ("coreset_ratio", 0.05)  # the default
    }


def test_the_task_in_code_makes_an_answer(tmp_path, monkeypatch: pytest.MonkeyPatch):
    """Run the cells of the task in order, with a detector that measures grey values instead of patches."""
    import cv2
    import numpy as np

    from aitex_utils import patchcore, strips
    from aitex_utils.patchcore import StripResult
    from aitex_utils.teaching.assignment_answers import read_answer
    from aitex_utils.tiling import tile, tile_fabric

    class Grey:
        def __init__(self, **_: object) -> None: ...

        def fit_strips(self, fabrics: list) -> Grey:
            assert all(fabric.shape[0] == 256 for fabric in fabrics)
            return self

        def predict_strip(self, image: np.ndarray) -> StripResult:
            corners = tile_fabric(image)[1]
            scores = np.array([image[:, c : c + 256].std() for _, c in corners], np.float32)
            return StripResult(image.astype(np.float32), 0.0, scores, corners, (0, 4096))

    learner, rng = tmp_path / "data" / "learner", np.random.default_rng(0)
    names = [f"NODefect_images/{i:04d}_000_50" for i in range(1, 5)] + ["Defect_images/0101_999_50"]
    for name in names:
        (learner / name).parent.mkdir(parents=True, exist_ok=True)
        image = rng.integers(80, 160, (256, 4096), np.uint8)
        (learner / f"{name}.png").write_bytes(cv2.imencode(".png", image)[1].tobytes())
    corners = tile(image)[1]
    (learner / "pack.json").write_text('{"pack": "0a1b"}')
    rows = [f"0101_999_50,{i},{row},{column}" for i, (row, column) in enumerate(corners)]
    (learner / "tiles.csv").write_text("\n".join(["strip,tile,row,column", *rows]))
    monkeypatch.setattr(strips, "PROJECT", tmp_path)
    monkeypatch.setattr(patchcore, "PatchCore", Grey)
    exec(compile("\n".join(cells("task")), "task.md", "exec"), {})
    answer = read_answer(tmp_path / "data" / "my_name", "0a1b", {"0101_999_50": (len(corners), slice(0, 1024))})
    assert answer.false_alarm_rate == 0.05 and len(answer.scores["0101_999_50"]) == 16
