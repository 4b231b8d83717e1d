"""Exercises 03.6 and 03.7: a flaw in preprocessing, and choices that are made and reported on different fabrics."""

from __future__ import annotations

from functools import partial

from aitex_utils.lessons.engine.judge import Exercise, Mistake

from . import answers as a
from . import reference

_SCALE = (
    "The type is right, but the scale is not. This network was trained on (grey - 127) / 128, so black is near -1 and "
    "white is 1. Keep the two numbers of the flawed code."
)
PREPROCESS = Exercise(
    id="03.6",
    task="Grey tiles on the scale of EfficientNet-Lite0, without the flaw of the given code.",
    reference=reference.preprocess,
    cases=a.grey_tiles,
    agree=a.equal_type_and_value,
    returns="a tensor",
    mistakes=(
        Mistake(
            "overflow",
            "Dark pixels still come out bright: 63 becomes 1.5 instead of -0.5. `tiles` is `uint8`, so `tiles - 127` "
            "is `uint8` too and cannot be negative. Convert before you subtract, not after.",
            reference.flawed_preprocess,
        ),
        Mistake(
            "int8",
            "`int8` ends at 127, so bright pixels overflow now. Convert to a type with room for 0 to 255 and for "
            "negative values, for example `np.float32`.",
            a.int8_overflow,
        ),
        Mistake(
            "dark clipped",
            "All pixels darker than 127 have become 0. That hides the overflow, but loses half of the grey values. "
            "Which type can represent -64?",
            partial(a.scaled, low=127),
        ),
        Mistake("other scale", _SCALE, partial(a.scaled, subtract=0, divide=255)),
        Mistake("other scale", _SCALE, partial(a.scaled, subtract=127, divide=255)),
        Mistake("other scale", _SCALE, partial(a.scaled, subtract=127.5, divide=127.5)),
        Mistake(
            "float64",
            "The values are right, but the type is `float64`. The network's weights are `float32`, and PyTorch "
            "raises an error if the two are mixed. Convert to `float32`.",
            partial(a.scaled, kind="float64"),
        ),
        Mistake(
            "one channel",
            "The values are right, but there is one channel. The network expects red, green and blue: repeat the grey "
            "channel three times.",
            lambda tiles: a.scaled(tiles)[:, :1],
        ),
        Mistake(
            "channels last",
            "The values are right, but the channels come last. PyTorch expects (B, 3, H, W).",
            lambda tiles: a.scaled(tiles).permute(0, 2, 3, 1),
        ),
    ),
    hints=(
        "Run the code by hand for one pixel with the grey value 63. Which line first gives an impossible value?",
        "Print `tiles.dtype` and `(tiles - 127).dtype`. Which values can this type represent?",
        "Convert to `np.float32` before the subtraction: `np.asarray(tiles, np.float32)`. The rest of the code is "
        "right.",
    ),
    praise="The network now receives the fabric that you see. An overflow in uint8 raises no error.",
)

CHOOSE = Exercise(
    id="03.7",
    task="For each fabric, the AUROC of the choice that is best on the other fabrics.",
    reference=reference.held_out_auroc,
    cases=a.auroc_tables,
    mistakes=(
        Mistake(
            "chosen on the same fabric",
            "Each fabric gets its own best choice, so choosing and reporting use the same tiles. Leave the reported "
            "fabric out of the choice.",
            lambda aurocs: aurocs.max(axis=0),
        ),
        Mistake(
            "chosen on all fabrics",
            "One choice is made on all fabrics, the reported fabric included. Choose anew for each fabric, on the "
            "other fabrics only.",
            a.chosen_on_all,
        ),
        Mistake(
            "mean of the others",
            "This is the mean on which the choice was based. Report the AUROC of that choice on the held-out fabric.",
            a.means_of_the_others,
        ),
        Mistake(
            "index",
            "These are the indices of the choices. Look up their AUROC on the held-out fabric.",
            a.indices_of_choices,
        ),
        Mistake(
            "roles swapped",
            "The choice is made on one fabric and reported on the others. The task asks for the opposite.",
            a.chosen_on_one,
        ),
        Mistake(
            "lowest",
            "The choice with the lowest mean is taken. A higher AUROC is better: use `argmax`.",
            a.worst_chosen,
        ),
    ),
    hints=(
        "Write a loop over the fabrics. Which columns of `aurocs` can influence the choice for fabric f?",
        "`np.delete(aurocs, f, axis=1)` leaves out column f. Its mean over axis 1 has one value per choice.",
        "With `best = others.mean(axis=1).argmax()`, the value to report is `aurocs[best, f]`.",
    ),
    praise="Your report no longer uses the fabric on which the choice was made.",
)
