"""`python course.py inspect`: learn from a folder of good pictures, and judge another folder.

Half of the good pictures are held out. Their scores give a threshold with a promised false-alarm rate. The results are
a folder with a report to open in a browser, scores, masks of the regions found, and the fitted detector.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import hashlib
import json
import math
import os
import shutil
import sys
import time
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from aitex_utils.datasets.dataset_check import Issue
from aitex_utils.errors import InputError, MissingError, check_flag, check_integer, check_number, check_seed, shown
from aitex_utils.files.atomic_write import atomic_write, check_writable, settle
from aitex_utils.files.data_folder import folders_called
from aitex_utils.files.locking import only_one
from aitex_utils.files.ownership import Manifest
from aitex_utils.files.paths import full_path, given_path
from aitex_utils.inspection.embedding import fit_within, largest_regions
from aitex_utils.inspection.judge import (
    SIDE,
    PictureRule,
    add_pictures,
    count_tiles,
    find_threshold,
    fit_pictures,
    mark_regions,
    predict_picture,
    split_good,
    to_own_pixels,
)
from aitex_utils.inspection.measures import Measures, measure
from aitex_utils.inspection.picture_section import ReportPicture
from aitex_utils.inspection.picture_statistics import median_and_spread
from aitex_utils.inspection.pictures import (
    Picture,
    PictureSets,
    check_pictures,
    list_pictures,
    serious_picture_issues,
    usable_pictures,
)
from aitex_utils.inspection.report import write_report
from aitex_utils.inspection.unfinished import DETECTOR, Judged, Unfinished, fingerprint, stamp
from aitex_utils.patchcore import PatchCore
from aitex_utils.safety.peak_memory import peak_memory_mib
from aitex_utils.strips import PROJECT

from .launching import run_command
from .profiling import Stopwatch, versions

FOUND = 3  # exit code with --fail-on-find
WHAT, FILE, ISSUES = "an inspection", "inspect.json", "issues.csv"
TEXT = {"encoding": "utf-8", "errors": "backslashreplace"}  # a name that is not valid Unicode can be written
COLUMNS = ("picture", "score", "flagged", "regions", "found_px", "row", "column", "height", "width", "good", "kind")
POLL = 2.0  # seconds between two looks at a watched folder
OVERVIEW = 256  # px, longer side at which maps are compared with ground truth
LONGEST_NAME = 255  # bytes of a file's name
FEW = 5  # pictures that suffice for a look at their colours, and for a warning about the light
GREY_NOISE = 4.0  # mean difference of the channels of a grey picture after lossy compression, at most
LEAST_SPREAD = 2.0  # grey values by which the brightness of pictures under one lamp differs anyway
FIT_SHARE, JUDGE_SHARE = 1.6, 1.5  # time per tile, as a multiple of the time of its patches alone


def _own_files(content: dict[str, Any]) -> dict[str, int | None]:
    if content["what"] != WHAT:
        raise ValueError("another program's file")
    return dict(content["files"])


OUTPUT = Manifest(FILE, WHAT, _own_files)


@dataclass
class Inspection:
    """The good pictures, the rule and the threshold of an inspection, as `inspect.json` keeps them.

    Parameters
    ----------
    rule : PictureRule
        How pictures become tiles.
    false_alarms : float
        Promised false-alarm rate.
    seed : int
        Seed of the split and of the coreset.
    training, calibration : list of str
        Files of the good pictures that were learned from, and held out for the threshold.
    n_tiles : int
        Tiles of the training pictures.
    good_scores : list of float
        Scores of the held-out pictures.
    threshold : float
        A picture is flagged if its score is at least as high.
    promise : str
        The promise of the threshold, in a sentence.
    is_promise_kept : bool
        False if the held-out pictures are too few for the rate.
    brightness : list of float
        Mean grey value of each held-out picture, 0 to 255.

    Examples
    --------
    >>> Inspection(PictureRule(), 0.05, 0, [], []).threshold
    inf
    """

    rule: PictureRule
    false_alarms: float
    seed: int
    training: list[str]
    calibration: list[str]
    n_tiles: int = 0
    good_scores: list[float] = field(default_factory=list)
    threshold: float = math.inf
    promise: str = ""
    is_promise_kept: bool = True
    brightness: list[float] = field(default_factory=list)

    @classmethod
    def read(cls, folder: Path) -> Inspection:
        """Read the inspection of a folder of results.

        Parameters
        ----------
        folder : Path
            Folder that an earlier run wrote.

        Returns
        -------
        Inspection

        Raises
        ------
        InputError
            If the folder is missing, foreign or damaged.
        """
        path = folder / FILE
        settle(folder)
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if content["what"] != WHAT:
                raise ValueError("another program's file")
            values = {name: content["inspection"][name] for name in cls.__dataclass_fields__}
            inspection = cls(**{**values, "rule": PictureRule(**values["rule"])})
            inspection.check()
        except OSError as error:
            raise InputError(
                f"{path} cannot be read ({error.strerror}): give --detector the folder of an earlier inspection."
            ) from error
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            if isinstance(error, InputError):
                raise InputError(f"{path} is damaged: {error}") from error
            raise InputError(f"{path} is damaged or foreign ({error!r}): inspect anew with --good.") from error
        return inspection

    def check(self) -> None:
        """Check the values of a file, which can be damaged.

        Raises
        ------
        InputError
            If a value is none that an inspection has.
        """
        check_number("threshold", self.threshold, "(-inf, inf)")
        check_number("false_alarms", self.false_alarms, "(0, 1)", example=0.05)
        check_integer("n_tiles", self.n_tiles, 1)
        check_seed(self.seed)
        check_flag("is_promise_kept", self.is_promise_kept)
        kinds = {"training": str, "calibration": str, "good_scores": float, "brightness": float}
        for name, kind in kinds.items():
            values = getattr(self, name)
            if not isinstance(values, list) or not all(isinstance(value, kind) for value in values):
                raise InputError(f"{name} is {shown(values)}, expected a list: inspect anew with --good.")
            if kind is float and not all(map(math.isfinite, values)):
                raise InputError(f"{name} contains NaN or infinity: inspect anew with --good.")
        if not self.good_scores or not isinstance(self.promise, str):
            raise InputError("the threshold has no scores or no promise: inspect anew with --good.")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str, optional
        Arguments of the command line. None takes the arguments of the process.

    Returns
    -------
    int
        0; with ``--fail-on-find`` 3 if a picture was flagged; 1 after an error; 130 after Ctrl-C.

    Examples
    --------
    >>> main(["--good", "no/such/folder", "--test", "no/such/folder"])
    1
    """
    options = _parse(arguments)
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_: print(f"inspect: {message}", file=sys.stderr, flush=True)
        try:
            return _run(options)
        except InputError as error:
            print(f"inspect: {error}", file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            print("Stopped. The same command goes on where it was.", file=sys.stderr)
            return 130


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="course.py inspect", description="Learn from good pictures, and judge others.", allow_abbrev=False
    )
    parser.add_argument("--good", metavar="DIR", help="good pictures, or a folder in the layout of MVTec AD")
    parser.add_argument("--test", metavar="DIR", help="pictures to judge (subfolders are labels if one is called good)")
    parser.add_argument("--masks", metavar="DIR", help="ground-truth masks of the pictures to judge")
    parser.add_argument("--out", metavar="DIR", help="folder of the results (default: data/inspect/NAME)")
    parser.add_argument("--false-alarms", type=float, metavar="RATE", help="promised false-alarm rate (0.05)")
    parser.add_argument("--side", type=int, metavar="PX", help=f"largest shorter side, 0 for no limit ({SIDE})")
    parser.add_argument("--colour", choices=("auto", "yes", "no"), default="auto", help="judge colours (auto)")
    parser.add_argument("--backbone", help="as in PatchCore (efficientnet_lite0)")
    parser.add_argument("--seed", type=int, help="of the split and the coreset (0)")
    parser.add_argument("--detector", metavar="DIR", help="results of an earlier inspection, whose detector is used")
    parser.add_argument("--add", metavar="DIR", help="further good pictures, with --detector")
    parser.add_argument("--watch", action="store_true", help="go on, and judge new pictures as they come")
    parser.add_argument("--fail-on-find", action="store_true", help=f"exit with {FOUND} if a picture is flagged")
    return parser.parse_args(arguments)


def _run(options: argparse.Namespace) -> int:
    """Run the command with parsed arguments."""
    settings, earlier = _check_options(options)
    name = _judged_folder(options).name or "pictures"
    out = full_path(PROJECT / "data" / "inspect" / name if options.out is None else given_path(options.out, "--out"))
    _check_apart(out, options)
    check_writable(out, folder=True, manifest=OUTPUT)
    run = _Run(options, settings, out)
    refusal = f"Another inspection writes to {out}: wait until it has ended, or name another folder with --out."
    with only_one(out.with_name(f".{out.name}.lock"), refusal):
        run.list()
        run.plan(earlier)
        run.fit()
        run.calibrate()
        run.judge(run.test)
        run.write()
        while options.watch:
            run.look_again()
        run.unfinished.remove()
    return FOUND if run.flagged() and options.fail_on_find else 0


def _check_options(options: argparse.Namespace) -> tuple[dict[str, Any], Inspection | None]:
    """Return the settings that were given, and the earlier inspection of --detector. Wrong arguments are refused."""
    settings = {"false_alarms": options.false_alarms, "seed": options.seed, "side": options.side}
    settings |= {"backbone": options.backbone, "colour": None if options.colour == "auto" else options.colour == "yes"}
    settings = {name: value for name, value in settings.items() if value is not None}
    if (options.good is None) == (options.detector is None):
        raise InputError("Give either --good, a folder of good pictures, or --detector, an earlier inspection.")
    if options.detector is None and options.add is not None:
        raise InputError("--add needs --detector, the earlier inspection whose detector learns from more pictures.")
    if options.detector is not None:
        if options.test is None:
            raise InputError("--detector needs --test, a folder of pictures to judge.")
        if settings:
            named = ", ".join("--" + name.replace("_", "-") for name in settings)
            raise InputError(f"{named} cannot be changed with --detector: inspect anew with --good.")
        return {}, Inspection.read(given_path(options.detector, "--detector"))
    settings = {"false_alarms": 0.05, "seed": 0, "side": SIDE, "backbone": "efficientnet_lite0", **settings}
    check_number("false_alarms", settings["false_alarms"], "(0, 1)", example="0.05, 1 in 20")
    check_integer("side", settings["side"], 0)
    PictureRule(side=settings["side"] or None)
    PatchCore(backbone=settings["backbone"], seed=settings["seed"])  # now, not after the pictures were checked
    return settings, None


def _judged_folder(options: argparse.Namespace) -> Path:
    """Return the folder of pictures to judge, or the data set that it is a part of."""
    return full_path(options.good, "--good") if options.test is None else full_path(options.test, "--test")


def _check_apart(out: Path, options: argparse.Namespace) -> None:
    """Refuse a folder of results in a folder of pictures, because masks of found regions would be judged too."""
    given = {"--good": options.good, "--add": options.add, "--test": options.test, "--masks": options.masks}
    given = {name: given_path(path, name) for name, path in given.items() if path is not None}
    searched = [(name, Path(os.path.realpath(path))) for name, path in given.items()]
    if options.good is not None and options.test is None:  # the layout of MVTec AD
        name, root = searched.pop(0)
        searched += [
            (name, place) for part in ("train", "test", "ground_truth") for place in folders_called(root, part)
        ]
    real = Path(os.path.realpath(out))
    for name, place in searched:
        if place in (real, *real.parents):
            raise InputError(
                f"--out {out} lies in the pictures of {name}, {place}, so its masks would be taken for pictures: name "
                "a folder outside."
            )


class _Run:
    """One run of the command: its pictures, its detector and its outcome so far."""

    def __init__(self, options: argparse.Namespace, settings: dict[str, Any], out: Path) -> None:
        self.options, self.settings, self.out = options, settings, out
        self.progress, self.watch = sys.stderr.isatty(), Stopwatch()
        self.judged: dict[str, Judged] = {}  # by the name of the picture
        self.pictures: dict[str, Picture] = {}
        self.stamps: dict[str, list[int]] = {}  # of the pictures that were judged or could not be read, by path
        self.issues: list[Issue] = []
        self.lines: list[str] = []
        self.gone: set[str] = set()  # judged pictures whose files were not there at the last writing
        self.is_away = False  # the watched folder

    def list(self) -> None:
        """Find the pictures, and say what is odd about them."""
        sets = self._list_sets()
        with self.watch.step("check"):
            issues = check_pictures(sets, progress=self.progress)
        if self.options.detector is not None:  # it has learned already
            issues = [issue for issue in issues if issue.kind != "too few good pictures"]
        self.issues, self.lines = issues, serious_picture_issues(issues)
        for line in self.lines:
            print(f"In your pictures: {line}.", flush=True)
        self.good, self.test = usable_pictures(sets.good, issues), usable_pictures(sets.test, issues)
        if not self.test and not self.options.watch:
            place = self.options.test or self.options.good
            raise InputError(f"{place} contains no picture that can be judged: add some, or name another folder.")

    def plan(self, earlier: Inspection | None) -> None:
        """Decide which good pictures are learned from and which are held out, and open the folder of this run."""
        if earlier is None:
            colour = self.settings.get("colour")
            colour = is_colourful(self.good) if colour is None else colour
            rule = PictureRule(side=self.settings["side"] or None, colour=colour)
            self.inspection = Inspection(rule, self.settings["false_alarms"], self.settings["seed"], [], [])
        else:
            self.inspection = replace(earlier)
        self.is_new = earlier is None or self.options.add is not None
        fitted, held_out = [], []
        if self.options.add is not None:
            self._leave_out_known()
        if self.is_new:
            inspection = self.inspection
            fitted, held_out = split_good(len(self.good), inspection.false_alarms, inspection.seed)
        self.training = [self.good[i] for i in fitted]
        self.held_out = [self.good[i] for i in held_out]
        paths = [picture.path for picture in (*self.training, *self.held_out)]
        if self.options.detector is not None:
            paths.append(given_path(self.options.detector) / FILE)
        settings = {**self.settings, "rule": asdict(self.inspection.rule), "add": self.options.add is not None}
        self.unfinished = Unfinished(self.out, fingerprint(paths, settings))
        if self.unfinished.judged:
            print(f"Going on after {len(self.unfinished.judged)} pictures of an interrupted run.", flush=True)

    def fit(self) -> None:
        """Load, fit or extend the detector."""
        inspection, options = self.inspection, self.options
        rule, n_before = inspection.rule, inspection.n_tiles
        images = self._bar("learn", self.training, (one.read(colour=rule.colour) for one in self.training))
        n_new = _count_tiles(self.training, rule)
        inspection.n_tiles += n_new
        inspection.training = [*inspection.training, *(str(full_path(one.path)) for one in self.training)]
        kept = self.unfinished.detector()
        if kept is not None:  # by an interrupted run
            self.detector = kept
            return
        with self.watch.step("fit"):
            if options.detector is None:
                n_judged = _count_tiles([*self.held_out, *self.test], rule)
                print(_forecast(n_new, n_judged, self.settings["backbone"], rule), flush=True)
                parameters = {"backbone": self.settings["backbone"], "seed": inspection.seed}
                self.detector = fit_pictures(images, rule, n_tiles=n_new, **parameters)
            else:
                self.detector = PatchCore.load(given_path(options.detector) / DETECTOR)
                if self.training:
                    add_pictures(self.detector, images, rule, n_before=n_before, n_tiles=n_new)
            self.unfinished.keep_detector(self.detector)

    def calibrate(self) -> None:
        """Find the threshold from the scores of held-out good pictures."""
        inspection = self.inspection
        if not self.is_new:
            print(inspection.promise, flush=True)
            return
        held_out, missing = [one.path for one in self.held_out], []
        for file in inspection.calibration:  # of the earlier inspection: their scores have changed
            (held_out if os.path.isfile(file) else missing).append(Path(file))
        if missing:
            warnings.warn(
                f"{len(missing)} held-out pictures of the earlier inspection are missing ({missing[0]}, ...): the "
                "threshold is found without them.",
                stacklevel=2,
            )
        with self.watch.step("calibrate"):
            pictures = [Picture(full_path(path), path.name, True, "good", None) for path in held_out]
            outcomes = [(one, self._predict("good", one)) for one in self._bar("calibrate", pictures, pictures)]
        outcomes = [(picture, judged) for picture, judged in outcomes if judged is not None]
        if not outcomes:
            raise InputError("None of the held-out good pictures is there any more: copy them there again.")
        judged = [one for _, one in outcomes]
        inspection.calibration = [str(picture.path) for picture, _ in outcomes]
        inspection.good_scores = [one.score for one in judged]
        inspection.brightness = [one.brightness for one in judged]
        found = find_threshold(inspection.good_scores, inspection.false_alarms)
        inspection.threshold, inspection.promise, inspection.is_promise_kept = found
        print(inspection.promise, flush=True)

    def judge(self, pictures: Sequence[Picture]) -> None:
        """Judge pictures, or take what an interrupted run has kept."""
        with self.watch.step("judge"):
            for picture in self._bar("judge", pictures, pictures):
                judged = self._predict("test", picture)
                if judged is not None:
                    self.pictures[picture.name], self.judged[picture.name] = picture, judged

    def flagged(self) -> list[str]:
        """Return the names of the flagged pictures, highest score first."""
        return [name for name in self.ranked() if self.judged[name].score >= self.inspection.threshold]

    def ranked(self) -> list[str]:
        """Return the names of all judged pictures, highest score first."""
        return sorted(self.judged, key=lambda name: (-self.judged[name].score, name))

    def write(self) -> None:
        """Write the folder of the results, whole or not at all. An empty watched folder has none yet."""
        self.gone = {name for name in self.judged if not os.path.isfile(self.pictures[name].path)}
        if not self.judged:
            if not self.options.watch:
                raise InputError("None of the pictures to judge is there any more: copy them there again.")
            print(f"Waiting for pictures in {self.options.test}: Ctrl-C ends the watch.", flush=True)
            return
        if len(self.gone) == len(self.judged):
            if not self.options.watch:
                raise InputError("None of the judged pictures is there any more: copy them there again.")
            return  # the results before remain
        with atomic_write(self.out, folder=True, manifest=OUTPUT) as folder:
            _copy_files(self.unfinished.folder / DETECTOR, folder / DETECTOR)
            self._write_scores(folder)
            self._write_issues(folder / ISSUES)
            self._write_report(folder / "report.html")
            files = {path.relative_to(folder).as_posix(): path.stat().st_size for path in _files(folder)}
            content = {
                "what": WHAT,
                "inspection": asdict(self.inspection),
                "judged": len(self.judged),
                "flagged": len(self.flagged()),
                "seconds": {step: round(seconds, 2) for step, seconds in self.watch.seconds.items()},
                "peak_memory_mib": round(peak_memory_mib()),
                "detector": self.detector.parameters(),
                "versions": versions(),
                "files": files,
            }
            (folder / FILE).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        print(f"{len(self.flagged())} of {len(self.judged)} pictures are flagged: open {self.out / 'report.html'}.")

    def look_again(self) -> None:
        """Wait a little, judge pictures that have come or changed, and write the results anew if there are any."""
        before = {picture.path: now for picture, now in self._see()}
        time.sleep(POLL)
        seen = [(picture, now) for picture, now in self._see() if before.get(picture.path) == now]  # not being copied
        fresh = [picture for picture, now in seen if self.stamps.get(str(picture.path)) != now]
        issues = [issue for issue in check_pictures(PictureSets([], fresh)) if issue.kind == "cannot be read"]
        usable = usable_pictures(fresh, issues)
        for picture, now in seen:
            if picture in fresh and picture not in usable:  # until it changes
                self.stamps[str(picture.path)] = now
        for issue in issues:
            print(f"{issue.file} {issue.kind}: {issue.message}.", file=sys.stderr, flush=True)
        self.judge(usable)
        fresh = [picture for picture in usable if picture.name in self.judged]
        if not fresh:
            return
        for picture in fresh:
            score = self.judged[picture.name].score
            state = "flagged" if score >= self.inspection.threshold else "not flagged"
            print(f"{picture.name}: {score:.3f}, {state}", flush=True)
        self.write()

    def _see(self) -> list[tuple[Picture, list[int]]]:
        """Return the pictures of the watched folder with their stamps. It can be away for a while."""
        seen = []
        try:
            pictures = self._list_sets().test
            self.is_away = False
        except InputError as error:
            if not self.is_away:
                print(f"inspect: {error} Waiting for it: Ctrl-C ends the watch.", file=sys.stderr, flush=True)
            self.is_away = True
            return []
        for picture in pictures:
            with contextlib.suppress(MissingError):  # it vanished after the folder was listed
                seen.append((picture, stamp(picture.path)))
        return seen

    def _leave_out_known(self) -> None:
        """Take the pictures of --add that the detector has learned before from those to learn from."""
        known = {*self.inspection.training, *self.inspection.calibration}
        fresh = [picture for picture in self.good if str(full_path(picture.path)) not in known]
        if len(fresh) < len(self.good):
            count = len(self.good) - len(fresh)
            print(
                f"{count} of {len(self.good)} pictures of --add were learned before and do not count again.", flush=True
            )
        self.good = fresh
        self.is_new = bool(fresh)

    def _predict(self, role: str, picture: Picture) -> Judged | None:
        """Return the outcome for a picture, or None with a warning if it cannot be read any more."""
        try:
            return self._predict_readable(role, picture)
        except InputError as error:
            try:
                picture.read()
            except InputError:  # it vanished, or is being replaced, since it was checked
                self.stamps.pop(str(picture.path), None)
                warnings.warn(f"{error} The picture is left out.", stacklevel=2)
                return None
            raise

    def _predict_readable(self, role: str, picture: Picture) -> Judged:
        """Return the outcome for a picture, from an interrupted run if it is there."""
        path, rule, now = picture.path, self.inspection.rule, stamp(picture.path)
        kept = self.unfinished.judged.get((role, str(path)))
        if kept is not None and self.stamps.setdefault(str(path), now) == now:
            return kept
        self.stamps[str(path)] = now
        image = picture.read(colour=rule.colour)
        result, found = predict_picture(self.detector, image, rule), None
        if role == "test":
            step = rule.tile_size / self.detector.position_scale_.shape[1]
            found = mark_regions(result.map, self.inspection.threshold, step)
        return self.unfinished.keep(role, path, result, float(image.mean()), found)

    def _list_sets(self) -> PictureSets:
        options = self.options
        good = options.add if options.good is None else options.good
        return list_pictures(good, options.test, options.masks, allow_empty=options.watch)

    def _bar(self, label: str, pictures: Sequence[Picture], values: Iterable[Any]) -> Iterable[Any]:
        """Return the values with a progress bar that shows the time left."""
        from tqdm.auto import tqdm

        return tqdm(values, desc=label, total=len(pictures), unit="picture", disable=not self.progress)

    def _write_scores(self, folder: Path) -> None:
        """Write scores.csv, and a mask of the regions found in each flagged picture."""
        with open(folder / "scores.csv", "w", newline="", **TEXT) as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            for name in self.ranked():
                judged, picture = self.judged[name], self.pictures[name]
                is_flagged, count, area, place = judged.score >= self.inspection.threshold, 0, 0, ["", "", "", ""]
                if is_flagged:
                    anomaly_map, found = self._own_pixels(name)
                    largest, count = largest_regions(found, anomaly_map, most=1)
                    area = int(found.sum())
                    for (top, bottom), (left, right), *_ in largest:  # none if it was lost in scaling down
                        place = [top, left, bottom - top + 1, right - left + 1]
                    target = folder / "found" / _mask_file(name)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(cv2.imencode(".png", found.astype(np.uint8) * 255)[1].tobytes())
                label = "" if picture.is_good is None else int(picture.is_good)
                writer.writerow([name, repr(judged.score), int(is_flagged), count, area, *place, label, picture.kind])

    def _write_issues(self, path: Path) -> None:
        """Write all that is odd about the pictures, file by file."""
        with open(path, "w", newline="", **TEXT) as file:
            writer = csv.writer(file)
            writer.writerow(("file", "kind", "message"))
            writer.writerows((issue.file, issue.kind, issue.message) for issue in self.issues)

    def _own_pixels(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Return the map of a picture and the mask of the regions found, both (H, W) as the picture."""
        judged = self.judged[name]
        anomaly_map, found = (to_own_pixels(part, judged.shape) for part in self.unfinished.read_map(judged))
        return anomaly_map, found

    def _write_report(self, path: Path) -> None:
        """Write report.html."""
        inspection, rule = self.inspection, self.inspection.rule

        def load(name: str) -> ReportPicture:
            judged, picture = self.judged[name], self.pictures[name]
            anomaly_map, found = self._own_pixels(name)
            image, truth = picture.read(colour=True), picture.read_mask()
            return ReportPicture(name, image, anomaly_map, found, judged.score, picture.is_good, truth)

        settings = {
            "good pictures learned from": str(len(inspection.training)),
            "good pictures held out": str(len(inspection.good_scores)),
            "promise": inspection.promise,
            "largest shorter side": "no limit" if rule.side is None else f"{rule.side} px",
            "tiles": f"{rule.tile_size} px, overlap {rule.overlap} px",
            "colours": "red, green and blue" if rule.colour else "grey values",
            "backbone": self.detector.features.backbone,
            "patches in the memory bank": " + ".join(f"{len(bank):,}" for bank in self.detector.banks_),
            "seed": str(inspection.seed),
            **{f"version of {name}": version for name, version in versions().items()},
        }
        scores = {name: self.judged[name].score for name in self.ranked() if name not in self.gone}
        highest = max([*scores.values(), *inspection.good_scores, inspection.threshold], default=1.0)
        write_report(
            path,
            list(scores),
            load,
            scores=scores,
            threshold=inspection.threshold,
            good_scores=inspection.good_scores,
            promise=self._short_promise(),
            warnings=[*self._warnings(), *(f"{line}." for line in self.lines)],
            settings=settings,
            measures=self._measures(),
            scale=(0.5 * inspection.threshold, max(float(highest), inspection.threshold + 1e-6)),
            title=f"Inspection of {_judged_folder(self.options).name or 'pictures'}",
        )

    def _short_promise(self) -> str:
        """Return the words that follow "7 of 40 pictures were flagged"."""
        inspection = self.inspection
        if inspection.is_promise_kept:
            return f"at a promised false-alarm rate of {100 * inspection.false_alarms:g} %"
        return f"at a promised false-alarm rate of 1 in {len(inspection.good_scores) + 1}"

    def _warnings(self) -> list[str]:
        """Return what a reader of the report must know, in sentences."""
        inspection, warned = self.inspection, []
        if self.gone:
            first = next(name for name in self.ranked() if name in self.gone)
            warned.append(
                f"The files of {len(self.gone)} of {len(self.judged)} judged pictures are gone ({first}, ...). This "
                "page shows the others, and scores.csv has all."
            )
        if self.lines:
            warned.append(f"{ISSUES} lists all files that are odd or left out, and why.")
        if not inspection.is_promise_kept:
            warned.append(inspection.promise)
        judged = [one.brightness for one in self.judged.values()]
        if len(judged) >= FEW and len(inspection.brightness) >= FEW:
            (middle, spread), now = median_and_spread(inspection.brightness), float(np.median(judged))
            if abs(now - middle) > 3 * max(spread, LEAST_SPREAD):
                darker = "darker" if now < middle else "brighter"
                warned.append(
                    f"The judged pictures are {darker} than the good ones (median grey value {now:.0f} against "
                    f"{middle:.0f}): the light has drifted, so the promise does not hold. Take good pictures anew."
                )
        return warned

    def _measures(self) -> Measures | None:
        """Return measures if there are labels of both kinds."""
        is_labelled = {name: one.is_good is not None for name, one in self.pictures.items()}
        labelled = [name for name in self.ranked() if is_labelled[name] and name not in self.gone]
        labels = [not self.pictures[name].is_good for name in labelled]
        if len(set(labels)) < 2:
            return None
        maps, truths = [], []
        for name in labelled:
            truth, shape = self.pictures[name].read_mask(), fit_within(self.judged[name].shape, OVERVIEW, OVERVIEW)
            maps.append(to_own_pixels(self.unfinished.read_map(self.judged[name])[0], shape))
            if truth is not None:  # a pixel counts as defective if any part of it is
                truth = cv2.resize(truth.astype(np.float32), shape[::-1], interpolation=cv2.INTER_AREA) > 0
            truths.append(truth)
        return measure([self.judged[name].score for name in labelled], labels, maps, truths)


def picture_shape(picture: Picture) -> tuple[int, int]:
    """Return the height and width of a picture from its header, without decoding it where that is possible.

    Parameters
    ----------
    picture : Picture
        A picture that can be read.

    Returns
    -------
    tuple of int
        The two can be swapped for a picture that is turned as it is read: it has as many tiles.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "a.png")
    ...     _ = cv2.imwrite(str(path), np.zeros((2, 3), np.uint8))
    ...     picture_shape(Picture(path, "a.png"))
    (2, 3)
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(picture.path) as image:
            return image.height, image.width
    except (UnidentifiedImageError, OSError):
        return picture.read().shape


def is_colourful(pictures: Sequence[Picture]) -> bool:
    """Say whether pictures have colours, so their patches are to be computed from colours.

    Parameters
    ----------
    pictures : sequence of Picture
        Good pictures. The first few are read.

    Returns
    -------
    bool
        False also for pictures that are grey up to the noise of lossy compression.

    Examples
    --------
    >>> is_colourful([])
    False
    """
    differences = []
    for picture in pictures[:FEW]:
        image = picture.read(colour=True).astype(np.int16)
        differences.append(float(np.mean(image.max(axis=-1) - image.min(axis=-1))))
    return bool(differences) and float(np.median(differences)) > GREY_NOISE


def _count_tiles(pictures: Sequence[Picture], rule: PictureRule) -> int:
    return sum(count_tiles(picture_shape(picture), rule) for picture in pictures)


def _forecast(n_learned: int, n_judged: int, backbone: str, rule: PictureRule) -> str:
    """Time a few tiles, and say how long the work will take."""
    features = PatchCore(backbone=backbone).features
    tiles = np.zeros((4, rule.tile_size, rule.tile_size), np.uint8)
    features.transform(tiles[:1])
    begin = time.perf_counter()
    features.transform(tiles)
    seconds = (time.perf_counter() - begin) / len(tiles)
    minutes = (FIT_SHARE * n_learned + JUDGE_SHARE * n_judged) * seconds / 60
    shown = f"about {max(1, round(minutes))} min" if minutes > 0.75 else "less than a minute"
    return f"{n_learned} tiles to learn from and {n_judged} to judge: this takes {shown}."


def _mask_file(name: str) -> str:
    """Return the name of the mask of a picture. A name that would be too long for the disk ends in a digest."""
    folder, slash, last = name.rpartition("/")
    if len(os.fsencode(last)) > LONGEST_NAME - len(".png"):
        last = f"{last[:40]}-{hashlib.sha256(os.fsencode(name)).hexdigest()[:16]}"
    return f"{folder}{slash}{last}.png"


def _copy_files(folder: Path, target: Path) -> None:
    """Copy the files of a folder. `shutil.copytree` would hide the reason of an error, such as a full disk."""
    for path in _files(folder):
        place = target / path.relative_to(folder)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


if __name__ == "__main__":
    sys.exit(run_command(main))
