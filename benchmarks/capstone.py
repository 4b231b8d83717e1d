"""`python course.py bench capstone [--keep FOLDER] [--only PART ...]`: what the learners of the capstone's samples did.

Both learners are fictitious. "a": practice photographs split by day, the threshold of `course.py inspect`, counts with
intervals on days that the detector has not seen, and a second run that tests a hypothesis. "b": a detector that learned
the good test pictures too, and the threshold with the best F1 on the test set. Then that threshold on new pictures, as
a grader can measure it. The pages `sample_a.md` and `sample_b.md` are written from `results/capstone.json`.
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from bootstrap import binomial_interval
from pages import write_pages
from PIL import Image
from results_files import read_results_if_any, write_results

from aitex_utils.commands.inspect import FILE
from aitex_utils.commands.inspect import main as inspect_main
from aitex_utils.commands.launching import run_command
from aitex_utils.commands.profiling import versions
from aitex_utils.errors import InputError
from aitex_utils.files.images import read_colour
from aitex_utils.inspection.judge import PictureRule, count_tiles, fit_pictures, predict_picture
from aitex_utils.inspection.picture_statistics import measure_picture, similarity
from aitex_utils.inspection.pictures import check_pictures, list_pictures, serious_picture_issues
from aitex_utils.metrics import auroc, average_precision, f1_max
from aitex_utils.practice.photographs import make_photographs

PARTS = ("a", "b")
SEED_A, SIZE_A = 7, {"good": 56, "test_good": 24, "defective": 16, "later": 12}
SEED_B, SIZE_B = 11, {"good": 16, "test_good": 16, "defective": 4, "later": 12}
SEED_NEW, SIZE_NEW = 12, {"good": 2, "test_good": 30, "defective": 1, "later": 12}
SIDE = 256  # px, for both learners, to save time
TEST_DAYS = 3  # the last days of learner A, all for the test
DATE = 306  # EXIF tag
SIMILAR = 5  # pairs that learner A looks at


def date_of(path: Path) -> tuple[str, str]:
    """Return the day and the time at which a picture was taken, from its EXIF data.

    Parameters
    ----------
    path : Path
        JPEG file.

    Returns
    -------
    day, time : str
        "03-02" and "0907" for the second of March, 9:07.

    Raises
    ------
    InputError
        If the picture does not say when it was taken.
    """
    with Image.open(path) as image:
        taken = str(image.getexif().get(DATE, ""))
    if len(taken) < 16:
        raise InputError(f"{path} does not say when it was taken: make the practice photographs anew.")
    return taken[5:10].replace(":", "-"), taken[11:16].replace(":", "")


def split_by_day(pictures: Path, folder: Path) -> dict[str, Any]:
    """Copy pictures into `good`, `test` and `masks`, so no day is both in `good` and in `test`.

    Defects of the days in `good` are left out. A copy is named by its day, its time and its old folder.

    Parameters
    ----------
    pictures : Path
        Practice photographs.
    folder : Path
        Folder to make.

    Returns
    -------
    dict
        Days and numbers of pictures of each part, and the number of defects left out.
    """
    paths = sorted(pictures.glob("t*/*/*.jpg"))
    days = sorted({date_of(path)[0] for path in paths})
    test_days, left_out = set(days[-TEST_DAYS:]), 0
    for path in paths:
        part, kind = path.parts[-3:-1]
        (day, time), is_test = date_of(path), date_of(path)[0] in test_days
        if kind != "good" and not is_test:
            left_out += 1
            continue
        name = f"{day}_{time}_{part}"
        copy(path, folder / ("test/" + kind if is_test else "good") / f"{name}.jpg")
        if kind != "good":
            mask = pictures / "ground_truth" / kind / f"{path.stem}_mask.png"
            copy(mask, folder / "masks" / kind / f"{name}.png")
    return {
        "good_days": [day for day in days if day not in test_days],
        "test_days": sorted(test_days),
        "good": len(list((folder / "good").iterdir())),
        "test_good": len(list((folder / "test" / "good").iterdir())),
        "test_defective": len(list((folder / "masks").rglob("*.png"))),
        "left_out": left_out,
    }


def copy(source: Path, target: Path) -> None:
    """Copy a file, and make the folder of the copy.

    Parameters
    ----------
    source, target : Path
        Files.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def nearest_pairs(good: Path, test: Path) -> list[float]:
    """Return the similarities of the test pictures that resemble a good picture most.

    Parameters
    ----------
    good, test : Path
        Folders.

    Returns
    -------
    list of float
        The largest first.
    """
    prints = [
        np.array([measure_picture(path).fingerprint for path in sorted(folder.rglob("*.jpg"))])
        for folder in (test, good)
    ]
    nearest = similarity(*prints).max(axis=1)
    return [round(float(value), 3) for value in np.sort(nearest)[::-1][:SIMILAR]]


def read_scores(folder: Path) -> list[dict[str, Any]]:
    """Return the rows of an inspection's `scores.csv`.

    Parameters
    ----------
    folder : Path
        Results of the inspection.

    Returns
    -------
    list of dict
        `picture`, `kind`, `score`, `flagged` and `defective`, the highest score first.
    """
    with (folder / "scores.csv").open(encoding="utf-8", newline="") as file:
        return [
            {
                "picture": row["picture"],
                "kind": row["kind"],
                "score": float(row["score"]),
                "flagged": row["flagged"] == "1",
                "defective": row["good"] == "0",
            }
            for row in csv.DictReader(file)
        ]


def count(flagged: Iterable[bool]) -> dict[str, Any]:
    """Return how many pictures are flagged, with the 95 % binomial interval of the rate.

    Parameters
    ----------
    flagged : iterable of bool
        One value per picture, at least one.

    Returns
    -------
    dict
        `k`, `n`, `rate` and `interval`.
    """
    flagged = list(flagged)
    return {
        "k": sum(flagged),
        "n": len(flagged),
        "rate": round(sum(flagged) / len(flagged), 4),
        "interval": binomial_interval(sum(flagged), len(flagged)),
    }


def outcome(rows: Sequence[dict[str, Any]], threshold: float) -> dict[str, Any]:
    """Return counts, failures and measures of labelled pictures at a threshold.

    Parameters
    ----------
    rows : sequence of dict
        Output of `read_scores`.
    threshold : float
        A picture is flagged if its score is at least as high.

    Returns
    -------
    dict
    """
    labels, scores = (np.array([row[name] for row in rows]) for name in ("defective", "score"))
    found = scores >= threshold
    kinds = sorted({row["kind"] for row in rows if row["defective"]})
    of_kind = {kind: np.array([row["kind"] == kind for row in rows]) for kind in kinds}
    return {
        "threshold": round(float(threshold), 3),
        "false_alarms": count(found[~labels].tolist()),
        "recall": count(found[labels].tolist()),
        "by_kind": {kind: {"k": int(found[own].sum()), "n": int(own.sum())} for kind, own in of_kind.items()},
        "flagged_good": failures(rows, ~labels & found),
        "missed": failures(rows, labels & ~found),
        "auroc": round(auroc(labels, scores), 4),
        "ap": round(average_precision(labels, scores), 4),
        "accuracy": round(float((found == labels).mean()), 4),
    }


def failures(rows: Sequence[dict[str, Any]], chosen: np.ndarray) -> list[dict[str, Any]]:
    """Return the names and the scores of some pictures, the highest score first.

    Parameters
    ----------
    rows : sequence of dict
        Output of `read_scores`.
    chosen : ndarray, shape (N,)
        Bool, one value per row.

    Returns
    -------
    list of dict
    """
    kept = [row for row, is_chosen in zip(rows, chosen, strict=True) if is_chosen]
    kept.sort(key=lambda row: (-row["score"], row["picture"]))
    return [{"picture": row["picture"], "score": round(row["score"], 3)} for row in kept]


def held_out(out: Path) -> dict[str, Any]:
    """Return what an inspection promises.

    Parameters
    ----------
    out : Path
        Results of the inspection.

    Returns
    -------
    dict
        Promised rate, promise in words, and the numbers of good pictures that were learned from and held out.
    """
    kept = json.loads((out / FILE).read_text(encoding="utf-8"))["inspection"]
    return {
        "promised": kept["false_alarms"],
        "promise": kept["promise"],
        "fitted": len(kept["training"]),
        "held_out": len(kept["calibration"]),
        "threshold": kept["threshold"],
        "colour": kept["rule"]["colour"],
    }


def inspect(out: Path, **options: object) -> None:
    """Run `course.py inspect`.

    Parameters
    ----------
    out : Path
        Folder of the results.
    **options
        Options of the command with their values.

    Raises
    ------
    InputError
        If the command fails, which has then printed why.
    """
    arguments = [text for name, value in options.items() for text in (f"--{name}", str(value))]
    if inspect_main([*arguments, "--out", str(out)]):
        raise InputError(f"The inspection for {out.name} failed: the lines above say why.")


def learner_a(folder: Path) -> dict[str, Any]:
    """Do the work of learner A.

    Parameters
    ----------
    folder : Path
        Empty folder, which gets the pictures and the results `first` and `second`.

    Returns
    -------
    dict
        Pictures, audit, and the outcomes of both runs.
    """
    pictures = make_photographs(folder / "pictures", seed=SEED_A, **SIZE_A)
    sets = split_by_day(pictures, folder)
    good, test, masks = (folder / name for name in ("good", "test", "masks"))
    runs = {}
    for name, colour in (("first", "auto"), ("second", "no")):
        out = folder / name
        inspect(out, good=good, test=test, masks=masks, side=SIDE, colour=colour)
        promise, rows = held_out(out), read_scores(out)
        runs[name] = {**promise, **outcome(rows, promise["threshold"])}
    return {
        "seed": SEED_A,
        "pictures": sets,
        "messages": messages(good, test, masks),
        "similarities": nearest_pairs(good, test),
        **runs,
        **compared(runs["first"], runs["second"]),
    }


def compared(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """Return how many defects that the first run missed were found by the second, and the other way round.

    Parameters
    ----------
    first, second : dict
        Outputs of `outcome` for the same pictures.

    Returns
    -------
    dict
        `gained` and `lost`, numbers of defects.
    """
    before, after = ({row["picture"] for row in run["missed"]} for run in (first, second))
    return {"gained": len(before - after), "lost": len(after - before)}


def learner_b(folder: Path) -> dict[str, Any]:
    """Do the work of learner B, and measure the threshold on new pictures.

    The learner does without `course.py inspect`, which would hold out half of the good pictures.

    Parameters
    ----------
    folder : Path
        Empty folder, which gets the pictures and `scores.csv`.

    Returns
    -------
    dict
        Pictures, the outcome that the learner reports, and the counts on new good pictures.
    """
    pictures = make_photographs(folder / "pictures", seed=SEED_B, **SIZE_B)
    good = sorted(pictures.glob("t*/good/*.jpg"))  # train and test
    test = sorted(pictures.glob("test/*/*.jpg"))
    rule = PictureRule(side=SIDE, colour=True)
    images = [read_colour(path) for path in good]
    detector = fit_pictures(images, rule, n_tiles=sum(count_tiles(image.shape, rule) for image in images), seed=0)
    with (folder / "scores.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["picture", "score", "flagged", "good", "kind"])
        for path in test:
            score, kind = predict_picture(detector, read_colour(path), rule).score, path.parent.name
            writer.writerow([f"{kind}/{path.name}", repr(score), "", int(kind == "good"), kind])
    rows = read_scores(folder)
    labels, scores = (np.array([row[name] for row in rows]) for name in ("defective", "score"))
    f1, threshold = f1_max(labels, scores)
    new = make_photographs(folder / "new_pictures", seed=SEED_NEW, **SIZE_NEW)
    fresh = [predict_picture(detector, read_colour(path), rule).score for path in sorted(new.glob("test/good/*.jpg"))]
    return {
        "seed": SEED_B,
        "seed_new": SEED_NEW,
        "pictures": {
            "good": len(good) - int((~labels).sum()),
            "learned": len(good),
            "test_good": int((~labels).sum()),
            "test_defective": int(labels.sum()),
        },
        "messages": messages(*copy_sides(good, test, folder)),
        "f1": round(f1, 4),
        **outcome(rows, threshold),
        "new": count(score >= threshold for score in fresh),
    }


def copy_sides(good: Sequence[Path], test: Sequence[Path], folder: Path) -> tuple[Path, Path]:
    """Copy the pictures that a detector learned and the pictures that it judged into two folders, for the audit.

    Parameters
    ----------
    good, test : sequence of Path
        Practice photographs.
    folder : Path
        Folder that gets the two folders.

    Returns
    -------
    good, test : Path
        The folders.
    """
    for path in good:
        copy(path, folder / "good" / f"{path.parts[-3]}_{path.name}")
    for path in test:
        copy(path, folder / "test" / path.parent.name / path.name)
    return folder / "good", folder / "test"


def messages(good: Path, test: Path, masks: Path | None = None) -> list[str]:
    """Return what `inspect` says about the pictures, with file names instead of paths.

    Parameters
    ----------
    good, test : Path
        Folders.
    masks : Path, optional
        Folder of ground-truth masks.

    Returns
    -------
    list of str
    """
    lines = serious_picture_issues(check_pictures(list_pictures(good, test, masks)))
    return [line.replace(f"{good.parent.as_posix()}/", "") for line in lines]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark from the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        Arguments of the command line. None takes the arguments of the process.

    Returns
    -------
    int
        Exit status.
    """
    parser = argparse.ArgumentParser(prog="course.py bench capstone", description="The work of two learners.")
    parser.add_argument("--keep", metavar="DIR", type=Path, help="new folder for pictures and results of both")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="keep the other learner's")
    options = parser.parse_args(arguments)
    measured = {}
    try:
        for part in options.only:
            with tempfile.TemporaryDirectory() as parent:
                folder = (Path(parent) if options.keep is None else options.keep.resolve()) / part
                if folder.exists():
                    raise InputError(f"{folder} is there already: choose another folder for --keep.")
                measured[part] = (learner_a if part == "a" else learner_b)(folder)
            print(part, json.dumps(measured[part]), flush=True)
    except InputError as error:
        print(f"bench capstone: {error}", file=sys.stderr)
        return 1
    results = read_results_if_any("capstone") | measured
    write_results("capstone", {**{part: results[part] for part in PARTS if part in results}, "versions": versions()})
    if set(PARTS) <= set(results):
        write_pages()
    return 0


if __name__ == "__main__":
    sys.exit(run_command(main))
