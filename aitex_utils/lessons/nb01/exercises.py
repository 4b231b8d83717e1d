"""Exercises and quiz of notebook 01, strips and tiles, with their typical mistakes."""

from __future__ import annotations

import numpy as np

from aitex_utils.lessons.engine.judge import Exercise, Mistake

from . import answers as a
from . import reference
from .exercise_split import SETS, SPLIT
from .quiz import QUESTIONS

__all__ = ["EXERCISES", "QUESTIONS"]

NAME = Exercise(
    id="01.1",
    task="Number, defect code and fabric of a strip, from the name of its file.",
    reference=reference.parse_name,
    cases=lambda: [(name,) for name in ("0094_027_05.png", "0018_00_01.png", "0003_000_02.png", "0112_30_08.png")],
    agree=a.name_agrees,
    mistakes=(
        Mistake(
            "ending kept",
            "The last part still includes `.png`. It belongs to the file name, not to the fabric.",
            lambda name: "ending kept",
        ),
        Mistake(
            "fixed places",
            "You cut at fixed places, but the parts have no fixed length. In `0018_00_01.png`, the code has only two "
            "digits, so the fabric starts one character earlier. Which character separates the parts in every name?",
            lambda name: "fixed places",
        ),
        Mistake(
            "only 00 filled up",
            "`0018_00_01.png` is right now. But any code can have two digits: `30` should become `030`.",
            lambda name: tuple("000" if i == 1 and part == "00" else part for i, part in enumerate(a.name_parts(name))),
        ),
        Mistake(
            "always a zero more",
            "You put a zero before every code, so `027` becomes `0027`. Which codes need a zero?",
            lambda name: tuple("0" * (i == 1) + part for i, part in enumerate(a.name_parts(name))),
        ),
        Mistake(
            "not padded",
            "Nearly. Look at `0018_00_01.png`: its code would be `00`, but the table of defects contains only codes of "
            "three digits.",
            lambda name: tuple(a.name_parts(name)),
        ),
        Mistake(
            "padded at the end",
            "You add zeros at the end of the code. A code is a number: `30` means thirty, not three hundred. Where do "
            "the zeros go?",
            lambda name: (a.name_parts(name)[0], a.name_parts(name)[1].ljust(3, "0"), a.name_parts(name)[2]),
        ),
        Mistake(
            "code and fabric swapped",
            "The code and the fabric have changed places. The order is number, code, fabric, as in the name.",
            lambda name: (
                reference.parse_name(name)[0],
                reference.parse_name(name)[2],
                reference.parse_name(name)[1],
            ),
        ),
        Mistake(
            "another order",
            "The three parts are right, but their order is not. Return number, code and fabric, as in the name.",
            lambda name: "another order",
        ),
        Mistake(
            "numbers",
            "You convert the parts to numbers, so they lose their leading zeros: `027` becomes 27, which no table "
            "contains. Return strings.",
            lambda name: tuple(map(int, a.name_parts(name))),
        ),
    ),
    hints=(
        "Underscores separate the parts. What does `.split` return?",
        "Remove `.png` first with `.removesuffix`, then split at `_`. Only one of the three parts can be too short.",
        '`code.rjust(3, "0")` adds zeros before a string until it has three characters.',
    ),
    praise="Your function reads every name, even a name in which a digit is missing.",
)

UNION = Exercise(
    id="01.2",
    task="The pixels of the defect, from all masks of a strip.",
    reference=reference.union,
    cases=a.mask_lists,
    agree=a.union_agrees,
    mistakes=(
        Mistake(
            "integers",
            "The pixels are right, but they are numbers. The exercise asks for an array of `dtype` bool. A comparison "
            "such as `mask > 0` returns one, and `.astype(bool)` converts to one.",
            lambda masks: "integers",
        ),
        Mistake(
            "only 255",
            "You count only white pixels. AITEX's masks also contain grey values. Which values count as "
            "defective, according to the text?",
            lambda masks: np.any([m == 255 for m in masks], axis=0),
        ),
        Mistake(
            "from half on",
            "You count only pixels of at least half brightness. Faint pixels count as well: read the rule in the text "
            "again.",
            lambda masks: np.any([m > 127 for m in masks], axis=0),
        ),
        Mistake(
            "first mask only",
            "Only the first mask has an effect. A second defect on the same strip would be taken for clean fabric.",
            lambda masks: masks[0] > 0,
        ),
        Mistake(
            "last mask only",
            "Only the last mask has an effect. Does your loop keep the result of the earlier masks?",
            lambda masks: masks[-1] > 0,
        ),
        Mistake(
            "intersection",
            "You keep the pixels that *every* mask marks. Two defects in different places have no pixel in common. Do "
            "you need `and`, or another operator?",
            lambda masks: np.all([m > 0 for m in masks], axis=0),
        ),
        Mistake(
            "overflow",
            "Nearly: where two masks overlap, some pixels are lost. The masks are `uint8`, whose largest value is 255. "
            "What is 128 + 128 in this type?",
            a.union_overflow,
        ),
        Mistake(
            "a mask missing",
            "At least one mask has no effect. Do your loop and your indices reach every mask of the list, including "
            "the second and the last?",
            lambda masks: "a mask missing",
        ),
        Mistake(
            "grey values, largest",
            "You return grey values. The exercise asks for True or False for each pixel.",
            lambda masks: np.max(masks, axis=0),
        ),
        Mistake(
            "grey values, sum",
            "You return sums of grey values. One comparison is missing: the result is True or False for each pixel.",
            lambda masks: np.sum(masks, axis=0),
        ),
        Mistake(
            "grey values, or",
            "You return grey values. For integers, `|` combines the bits. Convert each mask to True and False first.",
            lambda masks: np.bitwise_or.reduce(masks),
        ),
        Mistake(
            "grey values, overflow",
            "You return sums of grey values, and as `uint8` they start again at 0 above 255. Convert each mask to True "
            "and False first.",
            lambda masks: np.add.reduce(list(masks), axis=0, dtype=np.uint8),
        ),
        Mistake(
            "clean marked",
            "True and False are reversed: you mark the clean pixels.",
            lambda masks: ~reference.union(masks),
        ),
    ),
    hints=(
        "There are two steps: convert the grey values of each mask to True and False, then combine all masks.",
        "A pixel is in the union if at least one mask marks it. For two Boolean arrays, this is `|`.",
        "Start with an array that is False everywhere, `np.zeros(masks[0].shape, bool)`, and add each mask to it.",
    ),
    praise="Your function finds the whole defect, for any number of masks and any grey value.",
)

CORNERS = Exercise(
    id="01.3",
    task="The upper left pixel of every tile, with overlap, so that the tiles cover the whole image.",
    reference=reference.tile_corners,
    cases=lambda: [(4, 10, 4, 0), (10, 13, 4, 1), (8, 12, 4, 0), (7, 10, 4, 2), (256, 2911, 256, 64)],
    mistakes=(
        Mistake(
            "axes swapped",
            "Your corners are (column, row). The row comes first, as in an array's shape.",
            lambda *case: reference.tile_corners(*case)[:, ::-1],
        ),
        Mistake(
            "height and width swapped",
            "Height and width are swapped: you use starts along the height as columns. Along which side do the columns "
            "increase?",
            lambda height, width, size, overlap: reference.tile_corners(width, height, size, overlap),
        ),
        Mistake(
            "column by column",
            "The corners are right, but their order is not: you return them column by column. The exercise asks for "
            "row by row.",
            lambda *case: reference.tile_corners(*case)[np.lexsort(reference.tile_corners(*case).T)],
        ),
        Mistake(
            "last tile missing",
            "At the end of the image, some pixels are in no tile. Where should the last tile start if a whole step no "
            "longer fits?",
            lambda *case: a.grid(a.starts_dropped, *case),
        ),
        Mistake(
            "range ends too soon",
            "The last tile is missing even where it would just fit. `range` stops *before* its end. Which start is the "
            "last allowed start?",
            lambda *case: a.grid(a.starts_too_few, *case),
        ),
        Mistake(
            "last tile off by one",
            "The extra tile ends one pixel before the edge. A tile that starts at `s` ends before the pixel "
            "`s + size`. Which start makes it end at the edge?",
            lambda *case: a.grid(a.starts_off, *case),
        ),
        Mistake(
            "hangs over the edge",
            "Some tiles extend beyond the image. Which is the last start for which a tile still fits?",
            lambda *case: a.grid(a.starts_hanging, *case),
        ),
        Mistake(
            "last tile twice",
            "Where the tiles fit evenly, the last tile occurs twice. When is an extra tile needed?",
            lambda *case: a.grid(a.starts_twice, *case),
        ),
        Mistake(
            "pushed back twice",
            "You move tiles that would extend beyond the image, which is right. But several tiles are moved to the "
            "same place: each place should occur once.",
            lambda *case: a.grid(a.starts_pushed, *case),
        ),
        Mistake(
            "overlap ignored",
            "Your tiles do not overlap, because the step is a whole tile. If neighbours share `overlap` pixels, how "
            "far apart are their starts?",
            lambda height, width, size, overlap: reference.tile_corners(height, width, size, 0),
        ),
        Mistake(
            "overlap added",
            "Your step is longer than a tile, so pixels between tiles are lost. Does an overlap make the step longer "
            "or shorter?",
            lambda height, width, size, overlap: reference.tile_corners(height, width, size, -overlap),
        ),
    ),
    hints=(
        "Rows and columns are independent: find the starts along one axis, do the same for the other, then combine.",
        "Along one axis, `range(0, length - size + 1, step)` gives all starts that fit. If the last pixel is not "
        "covered, add one more tile that ends at the edge.",
        "For all pairs, row by row, use two loops: `for row in rows` outside, `for column in columns` inside.",
    ),
    praise="Your tiles cover any image completely.",
)

LABELS = Exercise(
    id="01.4",
    task="The labels of tiles: defective by any pixel, or by a share of the area.",
    reference=reference.label_tiles,
    cases=a.label_cases,
    agree=a.label_agrees,
    mistakes=(
        Mistake(
            "integers",
            "The labels are right, but they are numbers. The exercise asks for an array of `dtype` bool, which is what "
            "comparisons return. Only a Boolean array selects tiles, as in `tiles[labels]`.",
            lambda masks, min_share: "integers",
        ),
        Mistake(
            "everything at zero",
            "With `min_share=0`, you label every tile as defective, even a tile without a marked pixel. A share of 0 "
            "is at least 0. Which second condition is needed?",
            lambda masks, min_share: (masks > 0).mean(axis=(1, 2)) >= min_share,
        ),
        Mistake(
            "more than the share",
            "A tile whose share is *exactly* `min_share` should be defective as well. Check your comparison.",
            lambda masks, min_share: (masks > 0).mean(axis=(1, 2)) > min_share,
        ),
        Mistake(
            "share without effect",
            "`min_share` has no effect: one marked pixel is always enough. There are two typical causes. `.any()` "
            "ignores the share, and a *count* of pixels is nearly always larger than a share between 0 and 1.",
            lambda masks, min_share: (masks > 0).any(axis=(1, 2)),
        ),
        Mistake(
            "grey counted",
            "A faint mask counts less than a bright mask, because you average grey values. Decide for each pixel "
            "whether it is defective, then take the mean.",
            lambda masks, min_share: "grey counted",
        ),
        Mistake(
            "grey as share",
            "You compare a mean of grey values from 0 to 255 with a share from 0 to 1. Decide for each pixel whether "
            "it is defective, for example by `mask_tiles > 0`, then take the mean.",
            lambda masks, min_share: "grey as share",
        ),
        Mistake(
            "only 255",
            "You count only white pixels. Any value above 0 counts as defective.",
            lambda masks, min_share: ((masks == 255).mean(axis=(1, 2)) >= min_share) & (masks == 255).any(axis=(1, 2)),
        ),
        Mistake(
            "share of all tiles",
            "You divide by the pixels of *all* tiles. The share refers to the tile's own area.",
            lambda masks, min_share: ((masks > 0).sum(axis=(1, 2)) / masks.size >= min_share) & masks.any(axis=(1, 2)),
        ),
        Mistake(
            "fixed size",
            "You divide by 256 x 256, but the tiles of this check have 2 x 4 px. Take the size from the array.",
            lambda masks, min_share: ((masks > 0).sum(axis=(1, 2)) / 256**2 >= min_share) & masks.any(axis=(1, 2)),
        ),
        Mistake(
            "share of marked pixels",
            "You divide by the number of *marked* pixels of all tiles. The share refers to the tile's own area.",
            lambda masks, min_share: (
                ((masks > 0).sum(axis=(1, 2)) / (masks > 0).sum() >= min_share) & masks.any(axis=(1, 2))
            ),
        ),
        Mistake(
            "labels reversed",
            "True and False are reversed: True means defective.",
            lambda masks, min_share: ~reference.label_tiles(masks, min_share),
        ),
    ),
    hints=(
        "There are three steps: find the defective pixels, compute their share per tile, compare it with `min_share`.",
        "The mean of True and False is the share of True. `axis=(1, 2)` computes it for each tile.",
        "Join two conditions with `&`: the share is at least `min_share`, and it is not 0.",
    ),
    praise="Your function implements the rule. The next cells show how much the labels depend on it.",
)

EXERCISES = (NAME, UNION, CORNERS, LABELS, SPLIT, SETS)
