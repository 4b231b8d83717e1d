"""Exercises and quiz of notebook 01, strips and tiles, with their typical mistakes."""

from __future__ import annotations

import numpy as np

from aitex_utils.lessons.engine.judge import Exercise, Mistake

from . import answers as a
from .exercise_split import SPLIT
from .quiz import QUESTIONS

__all__ = ["EXERCISES", "QUESTIONS"]

NAME = Exercise(
    id="01.1",
    task="Number, defect code and fabric of a strip, from its file's name.",
    reference=a.parse_name,
    cases=lambda: [(name,) for name in ("0094_027_05.png", "0018_00_01.png", "0003_000_02.png", "0112_30_08.png")],
    agree=a.name_agrees,
    mistakes=(
        Mistake(
            "ending kept",
            "The last part still holds `.png`. That belongs to the file, not to the fabric.",
            lambda name: "ending kept",
        ),
        Mistake(
            "fixed places",
            "You cut at fixed places, but the parts have no fixed length: in `0018_00_01.png` the code is a digit "
            "short, and what follows moves to the left. What stands between the parts in every name?",
            lambda name: "fixed places",
        ),
        Mistake(
            "only 00 filled up",
            "`0018_00_01.png` is right now. But any code may come a digit short: `30` should become `030`.",
            lambda name: tuple("000" if i == 1 and part == "00" else part for i, part in enumerate(a.name_parts(name))),
        ),
        Mistake(
            "always a zero more",
            "You put a zero before every code, and `027` becomes `0027`. Which codes need one?",
            lambda name: tuple("0" * (i == 1) + part for i, part in enumerate(a.name_parts(name))),
        ),
        Mistake(
            "not padded",
            "Nearly. Look at `0018_00_01.png`: its code would be `00`, but the table of defects knows only codes of "
            "three digits.",
            lambda name: tuple(a.name_parts(name)),
        ),
        Mistake(
            "padded at the end",
            "You fill the code up at its end. A code is a number: `30` means thirty, not three hundred. Where do the "
            "zeros go?",
            lambda name: (a.name_parts(name)[0], a.name_parts(name)[1].ljust(3, "0"), a.name_parts(name)[2]),
        ),
        Mistake(
            "code and fabric swapped",
            "The code and the fabric have changed places. In which order do they stand in the name?",
            lambda name: (a.parse_name(name)[0], a.parse_name(name)[2], a.parse_name(name)[1]),
        ),
        Mistake(
            "numbers",
            "You make numbers of them, and their leading zeros are gone: `027` has become 27, and no table knows that. "
            "Leave them as text.",
            lambda name: tuple(map(int, a.name_parts(name))),
        ),
    ),
    hints=(
        "The underscores part the name. What do you get from `.split`?",
        "Take `.png` off first (`.removesuffix`), then split at `_`: three parts, of which only one may be too short.",
        '`code.rjust(3, "0")` puts zeros before a text until it has three characters.',
    ),
    praise="A strip's name now tells you what it is, even where a digit is missing.",
)

UNION = Exercise(
    id="01.2",
    task="Where the defect is, from all masks of a strip.",
    reference=a.union,
    cases=a.mask_lists,
    mistakes=(
        Mistake(
            "only 255",
            "You count only pixels that are fully white. AITEX's masks also hold values in between. From which value "
            "on does the text say that a pixel is defect?",
            lambda masks: np.any([m == 255 for m in masks], axis=0),
        ),
        Mistake(
            "from half on",
            "You count pixels from half brightness on, as one would for a photograph. Here the faint ones count as "
            "well: look at the text again.",
            lambda masks: np.any([m > 127 for m in masks], axis=0),
        ),
        Mistake(
            "first mask only",
            "Only the first mask has a say. A second defect on the same strip would pass for clean fabric.",
            lambda masks: masks[0] > 0,
        ),
        Mistake(
            "last mask only",
            "Only the last mask has a say. Does your loop keep what it found in the masks before?",
            lambda masks: masks[-1] > 0,
        ),
        Mistake(
            "intersection",
            "You keep the pixels that *every* mask marks. Two defects in different places have no pixel in common: "
            "is it `and` that you want?",
            lambda masks: np.all([m > 0 for m in masks], axis=0),
        ),
        Mistake(
            "overflow",
            "Nearly: where two masks overlap, some pixels get lost. The masks are `uint8`, which ends at 255: what is "
            "128 + 128 then?",
            a.union_overflow,
        ),
        Mistake(
            "grey values, largest",
            "You return grey values. Asked for is True or False for each pixel.",
            lambda masks: np.max(masks, axis=0),
        ),
        Mistake(
            "grey values, sum",
            "You return sums of grey values. One comparison is missing: True or False for each pixel is asked for.",
            lambda masks: np.sum(masks, axis=0),
        ),
        Mistake(
            "grey values, or",
            "You return grey values: of numbers, `|` joins the bits. Make True and False of each mask first.",
            lambda masks: np.bitwise_or.reduce(masks),
        ),
        Mistake(
            "grey values, overflow",
            "You return sums of grey values, and as `uint8` these begin at 0 again above 255. Make True and False of "
            "each mask first.",
            lambda masks: np.add.reduce(list(masks), axis=0, dtype=np.uint8),
        ),
        Mistake(
            "clean marked",
            "It is the other way round: you mark the clean pixels.",
            lambda masks: ~a.union(masks),
        ),
    ),
    hints=(
        "Two steps: from grey values to True and False for each mask, then all masks into one.",
        "A pixel is in the union if at least one mask marks it. For two boolean arrays that is `|`.",
        "Begin with an array that is False everywhere, `np.zeros(masks[0].shape, bool)`, and let each mask add to it.",
    ),
    praise="However many masks a strip has, and whatever grey they use, you find the whole defect.",
)

CORNERS = Exercise(
    id="01.3",
    task="The upper left pixel of every tile, with overlap, and nothing of the image left out.",
    reference=a.tile_corners,
    cases=lambda: [(4, 10, 4, 0), (10, 13, 4, 1), (8, 12, 4, 0), (7, 10, 4, 2), (256, 2911, 256, 64)],
    mistakes=(
        Mistake(
            "axes swapped",
            "Your corners stand as (column, row). Everything here says the row first, as an array's shape does.",
            lambda *case: a.tile_corners(*case)[:, ::-1],
        ),
        Mistake(
            "height and width swapped",
            "The grid lies on its side: you take starts along the height for columns. Along which axis do columns run?",
            lambda height, width, size, overlap: a.tile_corners(width, height, size, overlap),
        ),
        Mistake(
            "column by column",
            "The right corners, in another order: you finish a column of tiles first. Asked for is row by row.",
            lambda *case: a.tile_corners(*case)[np.lexsort(a.tile_corners(*case).T)],
        ),
        Mistake(
            "last tile missing",
            "At the end of the image some pixels are in no tile. What should the last tile do where a whole step no "
            "longer fits?",
            lambda *case: a.grid(a.starts_dropped, *case),
        ),
        Mistake(
            "range ends too soon",
            "The last tile is missing even where it would just fit. `range` stops *before* its end: which is the last "
            "start that is allowed?",
            lambda *case: a.grid(a.starts_too_few, *case),
        ),
        Mistake(
            "hangs over the edge",
            "Some tiles reach out of the image. Where must a tile begin at the latest, so that it ends in time?",
            lambda *case: a.grid(a.starts_hanging, *case),
        ),
        Mistake(
            "last tile twice",
            "Where the tiles fit evenly, the last one comes twice. When is an extra tile needed?",
            lambda *case: a.grid(a.starts_twice, *case),
        ),
        Mistake(
            "pushed back twice",
            "Tiles that would reach out are pushed back, which is right. But several of them end up in the same "
            "place: each should be there once.",
            lambda *case: a.grid(a.starts_pushed, *case),
        ),
        Mistake(
            "overlap ignored",
            "The tiles don't overlap: you step by a whole tile. If neighbours share `overlap` pixels, how far is it "
            "from one start to the next?",
            lambda height, width, size, overlap: a.tile_corners(height, width, size, 0),
        ),
        Mistake(
            "overlap added",
            "Your step is larger than a tile, so pixels between tiles are lost. Does overlap make the step longer or "
            "shorter?",
            lambda height, width, size, overlap: a.tile_corners(height, width, size, -overlap),
        ),
    ),
    hints=(
        "Rows and columns don't depend on each other: find the starts along one axis, do it twice, combine.",
        "Along one axis: `range(0, length - size + 1, step)` gives all starts that fit. Is the last pixel covered? "
        "If not, one more tile, as far right as it may be.",
        "All pairs, row by row: two loops, `for row in rows` outside and `for column in columns` inside.",
    ),
    praise="You can cover any image with tiles, and nothing of it is left out.",
)

LABELS = Exercise(
    id="01.4",
    task="Which tiles count as defective, by any pixel or by a share of their area.",
    reference=a.label_tiles,
    cases=a.label_cases,
    mistakes=(
        Mistake(
            "everything at zero",
            "With `min_share=0` every tile comes out as defective, even one without any defect. A share of 0 is "
            "at least 0: what must hold besides?",
            lambda masks, min_share: (masks > 0).mean(axis=(1, 2)) >= min_share,
        ),
        Mistake(
            "more than the share",
            "A tile whose share is *exactly* `min_share` should count as well. Look at your comparison.",
            lambda masks, min_share: (masks > 0).mean(axis=(1, 2)) > min_share,
        ),
        Mistake(
            "share without effect",
            "`min_share` changes nothing: any pixel is enough for you. Do you compare a number of pixels with a share? "
            "A share lies between 0 and 1.",
            lambda masks, min_share: (masks > 0).any(axis=(1, 2)),
        ),
        Mistake(
            "grey counted",
            "A faint mask counts less than a bright one with you, since you average grey values. First decide for each "
            "pixel whether it is defect, then count.",
            lambda masks, min_share: (masks.mean(axis=(1, 2)) / 255 >= min_share) & masks.any(axis=(1, 2)),
        ),
        Mistake(
            "grey as share",
            "You take the mean of grey values 0..255 for a share, which is nearly always far above 1. First decide "
            "for each pixel whether it is defect.",
            lambda masks, min_share: (masks.mean(axis=(1, 2)) >= min_share) & masks.any(axis=(1, 2)),
        ),
        Mistake(
            "only 255",
            "You count only fully white pixels. Any value above 0 is defect.",
            lambda masks, min_share: ((masks == 255).mean(axis=(1, 2)) >= min_share) & (masks == 255).any(axis=(1, 2)),
        ),
        Mistake(
            "share of all tiles",
            "You divide by the pixels of *all* tiles. The share is meant of the tile's own area.",
            lambda masks, min_share: ((masks > 0).sum(axis=(1, 2)) / masks.size >= min_share) & masks.any(axis=(1, 2)),
        ),
        Mistake(
            "fixed size",
            "You divide by 256 x 256. The tiles on which this is tested are 2 x 4 px: take the size from the array.",
            lambda masks, min_share: ((masks > 0).sum(axis=(1, 2)) / 256**2 >= min_share) & masks.any(axis=(1, 2)),
        ),
        Mistake(
            "share of what is marked",
            "You divide by the number of *marked* pixels of all tiles together. The share is meant of the tile's own "
            "area.",
            lambda masks, min_share: (
                ((masks > 0).sum(axis=(1, 2)) / (masks > 0).sum() >= min_share) & masks.any(axis=(1, 2))
            ),
        ),
        Mistake(
            "labels reversed",
            "It is the other way round: True stands for defective.",
            lambda masks, min_share: ~a.label_tiles(masks, min_share),
        ),
    ),
    hints=(
        "Three steps: which pixels are defect, what share of each tile they are, which shares are enough.",
        "The mean of True and False is the share of True. `axis=(1, 2)` takes it over each tile on its own.",
        "Two conditions joined with `&`: the share is at least `min_share`, and it isn't 0.",
    ),
    praise="You have the rule in your own hands, and will see how much hangs on it.",
)

EXERCISES = (NAME, UNION, CORNERS, LABELS, SPLIT)
