"""The capstone: its rubric adds up, both samples are graded by all of it, and their numbers are those of the bench."""

from __future__ import annotations

import csv
import json
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from project_root import ROOT
from prose import page

from aitex_utils.commands.inspect import COLUMNS

FOLDER = ROOT / "notebooks" / "capstone"
RESULTS = json.loads((ROOT / "benchmarks" / "results" / "capstone.json").read_text(encoding="utf-8"))
STATEMENT = re.compile(r"\*\*([RSTIFW]\d)\*\*")
GRADED = re.compile(r"^\| ([RSTIFW]\d) \| ([01]) \| (.+) \|$", re.MULTILINE)
CRITERION = re.compile(r"^\| \[([RSTIFW]): [^|]+\| ([\d, ]+) \| (\d) \|$", re.MULTILINE)
LEVELS = re.compile(r"R (\d), S (\d), T (\d), I (\d), F (\d), W (\d): \*\*(\d+) of 16\*\*")
TOTAL, POINTS = 16, {"a": 15, "b": 6}


def text_of(name: str) -> str:
    return (FOLDER / f"{name}.md").read_text(encoding="utf-8")


def statements() -> list[str]:
    return STATEMENT.findall(text_of("rubric").split("## Why AUROC")[0])


def parts_of(sample: str) -> tuple[str, str]:
    """Return the report and the grading of a sample."""
    report, grading = text_of(f"sample_{sample}").split("\n## Grading\n")
    return report, grading


def test_the_rubric_has_sixteen_statements_and_its_levels_add_up():
    found, criteria = statements(), CRITERION.findall(text_of("rubric"))
    assert len(found) == len(set(found)) == TOTAL
    assert [letter for letter, _, _ in criteria] == list("RSTIFW")
    for letter, levels, points in criteria:
        assert [int(level) for level in levels.split(", ")] == list(range(int(points) + 1))
        assert [name for name in found if name[0] == letter] == [f"{letter}{i}" for i in range(1, int(points) + 1)]


def test_the_sheet_has_a_line_for_each_statement():
    assert re.findall(r"^\| ([RSTIFW]\d) ", text_of("peer_review"), re.MULTILINE) == statements()


@pytest.mark.parametrize("sample", POINTS)
def test_each_statement_is_graded_once_with_a_reason(sample: str):
    graded = GRADED.findall(parts_of(sample)[1])
    assert [name for name, _, _ in graded] == statements()
    assert all(len(reason.split()) >= 4 for _, _, reason in graded)


@pytest.mark.parametrize("sample", POINTS)
def test_the_points_of_a_grading_add_up(sample: str):
    grading = parts_of(sample)[1]
    given = {name: int(point) for name, point, _ in GRADED.findall(grading)}
    levels = LEVELS.search(grading)
    assert [int(level) for level in levels.groups()[:-1]] == [
        sum(point for name, point in given.items() if name[0] == letter) for letter in "RSTIFW"
    ]
    assert sum(given.values()) == int(levels[7]) == POINTS[sample]


def test_new_pictures_are_needed_for_the_points_that_the_rubric_names():
    for sample in POINTS:
        given = dict(GRADED.findall(parts_of(sample)[1])[i][:2] for i in range(TOTAL))
        assert given["S3"] == "1" or (given["T3"], given["I1"]) == ("0", "0")


@pytest.mark.parametrize("sample", POINTS)
def test_a_report_has_at_most_two_pages(sample: str):
    assert 300 < len(page(parts_of(sample)[0]).prose.split()) < 1000


def percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def interval(counted: dict[str, Any]) -> str:
    low, high = (100 * end for end in counted["interval"])
    return f"{low:.0f} to {high:.0f} %"


def of(counted: dict[str, Any]) -> str:
    return f"{counted['k']} of {counted['n']}"


def facts_a() -> list[str]:
    """Return what sample A must say, from the results of the bench."""
    a = RESULTS["a"]
    first, second, sets = a["first"], a["second"], a["pictures"]
    alarms, recall = first["false_alarms"], first["recall"]
    return [
        f"from {first['fitted']} photographs",
        f"flagged {of(alarms)} good photographs and {of(recall)} photographs with a defect",
        f"with seed {a['seed']}",
        f"from seed {a['seed']}",
        f"has a similarity of {a['similarities'][0]:.2f}",
        f"{first['held_out']} held-out good pictures set the threshold {first['threshold']:.3f}",
        f"at most {percent(first['promised'])} of good pictures",
        f"Promised: {percent(first['promised'])}. Realised: {of(alarms)} good test pictures, that is "
        f"{percent(alarms['rate'])}",
        f"missed {(oil := first['by_kind']['oil_spot'])['n'] - oil['k']} of {oil['n']} faint oil spots",
        f"With {sets['test_good']} good pictures, the interval of the false-alarm rate reaches from {interval(alarms)}",
        f"at least half of the {len(first['missed'])} missed pictures",
        f"found {a['gained']} of the {len(first['missed'])} missed pictures",
        f"missed {a['lost']} that the first run had found",
        f"takes {sets['test_good']} pictures as independent",
        f"{of(second['false_alarms'])} good pictures in grey",
    ]


def facts_b() -> list[str]:
    """Return what sample B must say, from the results of the bench."""
    b = RESULTS["b"]
    sets, alarms, recall, new = b["pictures"], b["false_alarms"], b["recall"], b["new"]
    return [
        f"Of {alarms['n'] + recall['n']} test pictures, it judged {percent(b['accuracy'])} correctly",
        f"It found {of(recall)} pictures with a defect, and it flagged {of(alarms)} good pictures",
        f"with seed {b['seed']}",
        f"There are {sets['good']} good pictures to learn from",
        f"{sets['test_good']} good pictures and {sets['test_defective']} with a defect",
        f"learn from all {sets['learned']} good pictures",
        f"took the best, {b['threshold']:.3f}",
        f"judged {new['n']} new good pictures",
        f"flagged {new['k']} of them, with a 95 % interval from {interval(new)}",
        f"The report says {of(alarms)}",
    ]


FACTS = {"a": facts_a, "b": facts_b}
ALLOWED = [  # numbers that nothing measures
    "256 px",  # a setting
    "eight days from 2 to 9 March",  # a setting of the generator
    "With 25 pictures",  # the number held out, which a fact states
    "needs 19 pictures",  # 1 / rate - 1
    "more than 19",
    "A promise of 5 %",
    "95 %",  # the level
    "Copies start at 0.38",  # the limit of the audit, see below
    "An AUROC of 0.5 is chance, and 1 is perfect",  # by definition
    "Seed 0",  # of the command
    "detector is 0",
]


def prose_of(sample: str) -> str:
    """Return the prose of a sample on one line, without the points that another test adds up."""
    text = GRADED.sub(r"| \3 |", text_of(f"sample_{sample}"))
    return " ".join(page(LEVELS.sub("", text)).prose.split())


def numbers_left(text: str, facts: list[str]) -> list[str]:
    """Return the numbers of a text that are neither facts, nor allowed, nor the name of a statement or of F1."""
    for phrase in [*facts, *ALLOWED]:
        text = text.replace(phrase, " ")
    text = re.sub(r"\b[RSTIFW]\d\b", " ", text)
    return [text[max(0, match.start() - 30) : match.end() + 10] for match in re.finditer(r"\d[\d.]*", text)]


@pytest.mark.parametrize("sample", FACTS)
def test_the_numbers_of_a_sample_are_those_of_the_bench(sample: str):
    facts = FACTS[sample]()
    text = prose_of(sample)
    assert [fact for fact in facts if fact not in text] == [], "write these words into the sample"
    assert numbers_left(text, facts) == [], "take these numbers from the bench, and add them to the facts"


def test_each_allowed_phrase_is_in_a_sample():
    text = prose_of("a") + prose_of("b")
    assert [phrase for phrase in ALLOWED if phrase not in text] == []


@pytest.mark.parametrize("sample", FACTS)
def test_another_result_or_a_number_of_no_source_is_noticed(sample: str, monkeypatch: pytest.MonkeyPatch):
    text, facts = prose_of(sample), FACTS[sample]()
    assert len(numbers_left(f"{text} It takes 0.7 s.", facts)) == 1
    changed = json.loads(json.dumps(RESULTS), parse_int=lambda digits: int(digits) + 1, parse_float=lambda _: 0.123)
    changed["a"]["first"]["missed"].append({"picture": "knot/new.jpg"})
    monkeypatch.setattr(sys.modules[__name__], "RESULTS", changed)
    assert [fact for fact in FACTS[sample]() if fact in text] == []


def test_the_limit_of_copies_is_the_one_of_the_audit():
    from aitex_utils.inspection.pictures import COPY

    assert f"Copies start at {COPY}" in text_of("sample_a") and RESULTS["a"]["similarities"][0] < COPY


CLAIMS = {  # words of a sample, and whether the results bear them out
    "a": {
        "photographs of three later days": lambda a: len(a["pictures"]["test_days"]) == 3,
        "There are ten good pictures per day": lambda a: a["pictures"]["good"] + a["pictures"]["test_good"] == 80,
        "good pictures of the first five days": lambda a: len(a["pictures"]["good_days"]) == 5,
        "`inspect` printed no message": lambda a: a["messages"] == [],
        "and `inspect` judged them in colour": lambda a: a["first"]["colour"] and not a["second"]["colour"],
        "they also agree with a rate twice as high": lambda a: a["first"]["false_alarms"]["interval"][1] > 0.1,
        "It found all broken ends, that is broken threads, and all dye stains": lambda a: all(
            a["first"]["by_kind"][kind]["k"] == a["first"]["by_kind"][kind]["n"] for kind in ("broken_end", "dye_stain")
        ),
        "The five oil spots are": lambda a: kinds_missed(a["first"]).count("oil_spot") == 5,
        "The weft crack is": lambda a: kinds_missed(a["first"]).count("weft_crack") == 1,
        "The knot is": lambda a: kinds_missed(a["first"]).count("knot") == 1,
        "There was no false alarm": lambda a: a["first"]["flagged_good"] == [],
        "Refuted.": lambda a: a["gained"] < len(a["first"]["missed"]) / 2,
        "All six dye stains are among them": lambda a: kinds_missed(a["second"]).count("dye_stain") == 6,
        "rests on six pictures": lambda a: {kind["n"] for kind in a["first"]["by_kind"].values()} == {6},
    },
    "b": {
        "without a single error": lambda b: b["accuracy"] == 1,
        "separates good and defective pictures perfectly": lambda b: b["auroc"] == 1,
        "four of each of five kinds": lambda b: [kind["n"] for kind in b["by_kind"].values()] == [4] * 5,
        "test picture among the good ones": lambda b: "test picture among the good ones" in b["messages"][0],
        "There are no failures": lambda b: b["missed"] == b["flagged_good"] == [],
        "New good pictures are not in the bank, and score higher": lambda b: b["new"]["rate"] > 0.5,
    },
}


def kinds_missed(run: dict[str, Any]) -> list[str]:
    return [row["picture"].split("/")[0] for row in run["missed"]]


@pytest.mark.parametrize(("sample", "words"), [(sample, words) for sample in CLAIMS for words in CLAIMS[sample]])
def test_a_claim_of_a_sample_is_borne_out(sample: str, words: str):
    assert words in " ".join(text_of(f"sample_{sample}").split())
    assert CLAIMS[sample][words](RESULTS[sample])


def test_the_weak_report_looks_better():
    a, b = RESULTS["a"]["first"], RESULTS["b"]
    assert b["auroc"] > a["auroc"] and b["recall"]["rate"] > a["recall"]["rate"]


def test_the_rubric_says_of_sample_b_what_was_measured():
    text = " ".join(text_of("rubric").split())
    assert "has the highest possible AUROC. At its threshold, it flags nearly every new good picture" in text
    assert RESULTS["b"]["auroc"] == 1 and RESULTS["b"]["new"]["rate"] > 0.9


def test_the_steps_take_six_hours_at_most():
    minutes = [int(cell) for cell in re.findall(r"^\| \d\. [^|]+\| (\d+) \|", text_of("README"), re.MULTILINE)]
    assert len(minutes) == 6 and sum(minutes) <= 6 * 60


def code_of(name: str, marker: str) -> str:
    """Return the cell of a page that contains a marker."""
    (cell,) = [cell for cell in re.findall(r"```python\n(.*?)```", text_of(name), re.DOTALL) if marker in cell]
    return cell


def test_the_cell_that_counts_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture):
    from aitex_utils import strips

    monkeypatch.setattr(strips, "PROJECT", tmp_path)
    target = tmp_path / "data" / "inspect" / "first" / "scores.csv"
    target.parent.mkdir(parents=True)
    with target.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for i in range(40):
            writer.writerow([i, 1.0, int(i in (1, 25, 26)), 0, 0, "", "", "", "", int(i < 20), "x"])
    exec(compile(code_of("README", "binomtest"), "README.md", "exec"), {})
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "false alarms: 1 of 20, 95 % interval 0.1 to 24.9 %"
    assert lines[1].startswith("defects found: 2 of 20")


@pytest.fixture
def photographs_of(small_photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Return a function that puts a few photographs where the commands of a sample make them, and lets them do so."""
    from aitex_utils import strips
    from aitex_utils.practice import photographs

    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import capstone

    def make(sample: str) -> Path:
        made = shutil.copytree(small_photographs, tmp_path / "data" / f"capstone_{sample}" / "pictures")
        settings = [getattr(capstone, f"{name}_{sample.upper()}") for name in ("SEED", "SIZE")]
        monkeypatch.setattr(strips, "PROJECT", tmp_path)
        monkeypatch.setattr(
            photographs, "make_photographs", lambda _, seed, **size: made if [seed, size] == settings else None
        )
        return made

    return make


def test_the_commands_of_sample_a_split_as_the_bench_did(photographs_of: Callable[[str], Path], tmp_path: Path):
    made = photographs_of("a")
    import capstone

    exec(compile(code_of("sample_a", "is_test"), "sample_a.md", "exec"), {})
    capstone.split_by_day(made, tmp_path / "bench")
    for name in ("good", "test", "masks"):
        mine, theirs = (
            {path.relative_to(root): path.read_bytes() for path in (root / name).rglob("*.*")}
            for root in (made.parent, tmp_path / "bench")
        )
        assert mine == theirs and mine


def test_the_commands_of_sample_b_learn_the_good_test_pictures(
    photographs_of: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
):
    from aitex_utils.inspection import judge

    made, learned = photographs_of("b"), []
    import capstone

    monkeypatch.setattr(judge, "fit_pictures", lambda images, *_, **__: learned.extend(images))
    monkeypatch.setattr(judge, "predict_picture", lambda *_: judge.PictureResult(None, 1.5, (2, 2)))
    exec(compile(code_of("sample_b", "scores.csv"), "sample_b.md", "exec"), {})
    rows = capstone.read_scores(made.parent)
    assert len(learned) == 16 and len(rows) == 48
    assert sum(row["defective"] for row in rows) == 40 and {row["score"] for row in rows} == {1.5}
    assert "torch" in json.loads((made.parent / "inspect.json").read_text(encoding="utf-8"))["versions"]
