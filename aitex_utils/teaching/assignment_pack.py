"""The graded assignment: strips of an unseen fabric from a secret, a folder for learners and a folder with the key.

The weave itself is drawn from the secret, so it equals no fabric of the course. Training strips and test strips come
from the same machine, light and bed. Only the cloth itself distinguishes a defective strip from a normal strip. Names
are numbers in a random order, all files have the same date, and a PNG contains pixels only. The test strips are written
one directly after the other, so the times of their creation say nothing.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from aitex_utils.errors import InputError, check_flag, check_integer, shown
from aitex_utils.files.atomic_write import atomic_write
from aitex_utils.files.data_folder import DEFECT_FOLDER, NORMAL_FOLDER, PROJECT
from aitex_utils.files.paths import given_path
from aitex_utils.practice.defects import DEFECT_CODES, defect_count
from aitex_utils.practice.generate import Bed, render_strip
from aitex_utils.practice.weave import Weave, sample_acquisition, twill
from aitex_utils.tiling import tile_fabric

VERSION = 1  # raise it when the same secret makes other files
ASSIGNMENT = PROJECT / "data" / "assignment"
LEARNER, TEACHER = "learner", "teacher"
KEY_FILE, PACK_FILE, TILE_FILE, TEMPLATE = "key.json", "pack.json", "tiles.csv", "answer.json"
UNKNOWN, FABRIC = "999", "50"  # code and fabric in the names of the strips
LEAST_SECRET = 12  # characters: everyone can run the generator, and would find a short secret by trying
DATE = 1767225600  # of every file, seconds: 1 January 2026, UTC
LIMITS = {"training": (4, 200), "normal": (2, 200), "defective": (2, 200)}
DRAFTS = (twill(3, 1), twill(1, 3), twill(2, 3), twill(3, 2), twill(1, 5, 1), twill(3, 3))
PACK_TEXT = """# An unseen fabric

Fabric {pack}: {training} normal strips, and {test} test strips without labels. `teaching/assignment/task.md` of the
course says what to do with them.

- `{normal_folder}`: normal strips, for the detector and its threshold.
- `{test_folder}`: test strips. The code {unknown} in their names means "not known". Some have defects. AITEX's readers
  look for strips in folders of these two names, so `aitex_utils.strips.list_strips` finds both kinds.
- `{tiles}`: the tiles of the test strips that your answer must score.
- `{template}`: the form of your threshold. `aitex_utils.teaching.assignment_answers.write_answers` fills it in.
"""


class TestStrip(NamedTuple):
    """A test strip as the teacher knows it.

    Parameters
    ----------
    id : str
        Name of the strip without its suffix.
    code : str
        Defect code of three digits, "000" for a normal strip.
    image : ndarray, shape (256, 4096)
        Grey values, uint8.
    mask : ndarray, shape (256, 4096)
        True where the defect is.
    corners : ndarray, shape (N, 2)
        Row and column of each tile's upper left pixel.

    Examples
    --------
    >>> image = np.zeros((256, 4096), np.uint8)
    >>> TestStrip("0101_999_50", "000", image, image > 0, np.array([[0, 0]])).code
    '000'
    """

    __test__ = False  # no class of tests, whatever its name begins with

    id: str
    code: str
    image: np.ndarray
    mask: np.ndarray
    corners: np.ndarray


def random_numbers(secret: str, *path: int) -> np.random.Generator:
    """Return the source of random numbers of one part of a pack.

    Parameters
    ----------
    secret : str
        Secret of the pack, at least 12 characters.
    *path : int
        Numbers of the part.

    Returns
    -------
    numpy.random.Generator

    Raises
    ------
    InputError
        If the secret is too short.

    Examples
    --------
    >>> first, again = (random_numbers("three blue spools", 1).random() for _ in range(2))
    >>> first == again
    True
    """
    if not isinstance(secret, str) or len(secret.strip()) < LEAST_SECRET:
        raise InputError(
            f"The secret is {shown(secret)}, expected at least {LEAST_SECRET} characters: take several words, because "
            "the generator is public, and a learner could try all short secrets."
        )
    digest = hashlib.sha256(secret.strip().encode("utf-8", "surrogatepass")).digest()
    return np.random.default_rng([int.from_bytes(digest, "big"), VERSION, *path])


def draw_weave(secret: str) -> tuple[Weave, Bed]:
    """Draw the weave of a pack, and the machine bed beside it.

    Parameters
    ----------
    secret : str
        Secret of the pack.

    Returns
    -------
    weave : Weave
        Its draft is not in the practice fabric.
    bed : Bed
        Average bed; each strip has another width.

    Raises
    ------
    InputError
        If the secret is too short.

    Examples
    --------
    >>> weave, bed = draw_weave("three blue spools")
    >>> bool(70 < weave.light < 135 and 300 <= bed.width < 900)
    True
    """
    rng = random_numbers(secret, 0)
    weave = Weave(
        draft=DRAFTS[rng.integers(len(DRAFTS))],
        warp=rng.uniform(1.9, 4.0),
        weft=rng.uniform(2.0, 3.6),
        light=rng.uniform(78, 130),
        contrast=rng.uniform(0.15, 0.26),
        tone=rng.uniform(0.4, 1.3) * rng.choice([-1, 1]),
        warp_variation=rng.uniform(0.015, 0.04),
        weft_variation=rng.uniform(0.02, 0.035),
        thickness_variation=rng.uniform(0.025, 0.04),
        defocus=0.4,
    )
    return weave, Bed("white" if rng.random() < 0.5 else "bare", int(rng.integers(300, 900)))


def draw_strip(secret: str, kind: int, number: int, code: str | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Render one strip of a pack. All kinds of strips are acquired alike.

    Parameters
    ----------
    secret : str
        Secret of the pack.
    kind : int
        1 for training, 2 for the test.
    number : int
        Number of the strip.
    code : str, optional
        Defect code of three digits; None for a normal strip.

    Returns
    -------
    image : ndarray, shape (256, 4096)
        Grey values, uint8.
    mask : ndarray, shape (256, 4096)
        True where the defect is.

    Examples
    --------
    >>> image, mask = draw_strip("three blue spools", 1, 0)
    >>> image.shape, bool(mask.any())
    ((256, 4096), False)
    """
    weave, bed = draw_weave(secret)
    rng = random_numbers(secret, kind, number)
    weave = sample_acquisition(weave, rng)
    bed = bed._replace(width=bed.width + int(rng.integers(-60, 61)))
    count = defect_count(code, rng) if code else 1
    image, masks = render_strip(weave, bed, rng, code, count)
    mask = np.max(masks, axis=0) > 0 if masks else np.zeros(image.shape, bool)
    return image, mask


def plan_codes(secret: str, normal: int, defective: int) -> list[str]:
    """Return the codes of the test strips, in the random order of their numbers.

    Parameters
    ----------
    secret : str
        Secret of the pack.
    normal, defective : int
        Number of test strips of each kind.

    Returns
    -------
    list of str
        "000" for a normal strip.

    Examples
    --------
    >>> codes = plan_codes("three blue spools", 3, 12)
    >>> codes.count("000"), len(set(codes))
    (3, 13)
    """
    rng = random_numbers(secret, 3)
    kinds = [DEFECT_CODES[i] for i in rng.permutation(len(DEFECT_CODES))]
    codes = ["000"] * normal + [kinds[i % len(kinds)] for i in range(defective)]
    return [codes[i] for i in rng.permutation(len(codes))]


def make_assignment(
    secret: str,
    folder: str | os.PathLike = ASSIGNMENT,
    *,
    training: int = 12,
    normal: int = 12,
    defective: int = 12,
    progress: bool = False,
) -> Path:
    """Write an assignment: a folder for learners, and a folder for the teacher with masks, codes and secret.

    Parameters
    ----------
    secret : str
        At least 12 characters. The same secret and numbers give the same bytes with the same versions of NumPy and
        OpenCV on the same kind of processor.
    folder : path
        Folder to make, new or empty. It gets the folders `learner` and `teacher`.
    training : int
        Number of normal strips to learn from.
    normal, defective : int
        Number of test strips of each kind.
    progress : bool
        Show a bar.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    InputError
        If an argument is out of range, or the folder contains anything.

    Examples
    --------
    >>> make_assignment("short")
    Traceback (most recent call last):
    ...
    aitex_utils.errors.InputError: The secret is 'short', expected at least 12 characters: take several words, because \
the generator is public, and a learner could try all short secrets.
    """
    from tqdm.auto import tqdm

    check_flag("progress", progress)
    numbers = {"training": training, "normal": normal, "defective": defective}
    numbers = {name: check_integer(name, value, *LIMITS[name]) for name, value in numbers.items()}
    codes = plan_codes(secret, numbers["normal"], numbers["defective"])
    with atomic_write(folder, folder=True) as root:
        learner, teacher = root / LEARNER, root / TEACHER
        places = [learner / NORMAL_FOLDER, learner / DEFECT_FOLDER, teacher / "masks"]
        for place in places:
            place.mkdir(parents=True)
        digest, strips, total = hashlib.sha256(), [], training + len(codes)
        with tqdm(desc="assignment", unit="strip", total=total, disable=not progress) as bar:
            for number in range(training):
                image, _ = draw_strip(secret, 1, number)
                digest.update(_write_png(places[0] / f"{number + 1:04d}_000_{FABRIC}.png", image))
                bar.update()
            pictures = {}
            for strip in _test_strips(secret, codes):
                pictures[places[1] / f"{strip.id}.png"] = _png(strip.image)
                _write_png(places[2] / f"{strip.id}.png", 255 * strip.mask.astype(np.uint8))
                strips.append(strip._replace(image=None, mask=None))
                bar.update()
        # A defect takes time to draw. Files written one by one would show it, because disks keep times of creation.
        for path, picture in pictures.items():
            path.write_bytes(picture)
            digest.update(picture)
        pack = digest.hexdigest()[:12]
        _write_learner(learner, pack, strips, training)
        weave, bed = draw_weave(secret)
        _write_json(
            teacher / KEY_FILE,
            {
                "assignment": VERSION,
                "pack": pack,
                "secret": secret.strip(),
                **numbers,
                "weave": {name: _plain(value) for name, value in vars(weave).items()},
                "bed": bed._asdict(),
                "strips": {strip.id: {"code": strip.code, "corners": strip.corners.tolist()} for strip in strips},
            },
        )
        _set_dates(root)
    return given_path(folder)


def _test_strips(secret: str, codes: list[str]) -> Iterator[TestStrip]:
    """Yield the test strips in the order of their names. Their tiles follow from the picture alone."""
    for number, code in enumerate(codes):
        image, mask = draw_strip(secret, 2, number, None if code == "000" else code)
        yield TestStrip(f"{101 + number:04d}_{UNKNOWN}_{FABRIC}", code, image, mask, tile_fabric(image)[1])


def _write_learner(learner: Path, pack: str, strips: list[TestStrip], training: int) -> None:
    """Write the files beside the strips: what the pack is, the tiles to score, and the form of the answer."""
    names = {"normal_folder": NORMAL_FOLDER, "test_folder": DEFECT_FOLDER, "tiles": TILE_FILE, "template": TEMPLATE}
    text = PACK_TEXT.format(pack=pack, training=training, test=len(strips), unknown=UNKNOWN, **names)
    (learner / "README.md").write_text(text, encoding="utf-8", newline="\n")
    _write_json(learner / PACK_FILE, {"assignment": VERSION, "pack": pack})
    _write_json(learner / TEMPLATE, {"pack": pack, "threshold": None, "false_alarm_rate": None})
    with (learner / TILE_FILE).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["strip", "tile", "row", "column"])
        for strip in strips:
            writer.writerows([strip.id, i, row, column] for i, (row, column) in enumerate(strip.corners.tolist()))


def _png(image: np.ndarray) -> bytes:
    """Return pixels and nothing else as the bytes of a PNG."""
    import cv2

    return cv2.imencode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, 6])[1].tobytes()


def _write_png(path: Path, image: np.ndarray) -> bytes:
    """Write a PNG, and return the bytes of the file."""
    encoded = _png(image)
    path.write_bytes(encoded)  # cv2.imwrite cannot open every path on Windows
    return encoded


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8", newline="\n")


def _plain(value: Any) -> Any:
    """Return a value of a weave as JSON can store it."""
    return value.tolist() if hasattr(value, "tolist") else value


def _set_dates(root: Path) -> None:
    """Give all files and folders one date, so the date of a file says nothing about the strip in it."""
    for path in sorted(root.rglob("*"), reverse=True):  # a folder after its content
        os.utime(path, (DATE, DATE))
