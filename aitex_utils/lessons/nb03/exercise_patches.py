"""Exercises 03.4 and 03.5: two layers joined to patches, and whitening."""

from __future__ import annotations

from functools import partial
from typing import Any

from aitex_utils.lessons.engine.judge import Exercise, Mistake

from . import answers as a

JOIN = Exercise(
    id="03.4",
    task="Two layers' outputs on the grid of the first, joined to patches (B, H, W, C1 + C2).",
    reference=a.joined,
    cases=a.outputs,
    mistakes=(
        Mistake(
            "nearest",
            "The shape is right, but the late layer was blown up in steps: neighbouring patches got the very same "
            "values. `interpolate` does that by itself unless you name another `mode`.",
            a.nearest,
        ),
        Mistake(
            "corners aligned",
            "Nearly: with `align_corners=True` the grid is stretched until the centres of its outermost positions "
            "sit in the corners, and then the two layers no longer lie over each other. Leave it at False.",
            a.corners_aligned,
        ),
        Mistake(
            "reshaped",
            "The shape is right, the order isn't: `reshape` pours the numbers into new compartments without moving "
            "them, so that a patch gets values of many positions. Axes are moved by `permute`.",
            a.reshaped,
        ),
        Mistake(
            "channels second",
            "All is there, but the channels stand on axis 1, as the network has them. A patch is a vector: put the "
            "channels last.",
            a.channels_second,
        ),
        Mistake(
            "coarse grid",
            "These are the patches of the late layer's coarse grid: the early layer was shrunk. Which of the two "
            "must be resized so that no position is lost?",
            a.coarse_grid,
        ),
        Mistake(
            "late first",
            "The late layer's channels come first. The order is a matter of agreement, and agreed is: early, then "
            "late.",
            a.late_first,
        ),
        Mistake(
            "rows and columns swapped",
            "Rows and columns are swapped. From (B, C, H, W) to (B, H, W, C): which old axis goes to each place?",
            a.swapped_sides,
        ),
    ),
    hints=(
        "Three steps: resize the late output to the early one's height and width, concatenate along the channels, move "
        "the channels to the end.",
        '`F.interpolate(late, size=(height, width), mode="bilinear", align_corners=False)` takes (B, C, H, W). The '
        "height and width are `early.shape[-2:]`.",
        "If torch says that sizes must match: the grids needn't differ by a factor of 2, so give `size`, not "
        "`scale_factor`. `torch.cat([first, second], dim=...)` joins along an axis; `.permute(0, 2, 3, 1)` names, for "
        "each new axis, the old one.",
    ),
    praise="One vector for each position, from fine texture to wide surroundings: these are PatchCore's patches.",
)


def _whitened(name: str, hint: str, **options: Any) -> Mistake:
    return Mistake(name, hint, partial(a.whitened, **options))


_RELATIVE = (
    "The floor is used as it is. It is meant as a share of the mean variance, so that it fits features of any unit: "
    "which product belongs in its place?"
)
WHITEN = Exercise(
    id="03.5",
    task="Patches whitened by what normal patches show.",
    reference=a.whitened,
    cases=a.clouds,
    agree=a.equal_up_to_rotation,
    mistakes=(
        _whitened(
            "covariance not centred",
            "The covariance was taken without subtracting the mean first, so that the largest direction points at the "
            "mean itself. Subtract it before you multiply.",
            centred=False,
        ),
        _whitened(
            "mean left in",
            "Rotated and scaled as it should be, but the mean of the normal patches is still in the result. "
            "Subtract it from `patches` too.",
            shifted=False,
        ),
        _whitened(
            "multiplied",
            "The wide directions came out wider still: multiplied by the root instead of divided by it.",
            power=0.5,
        ),
        _whitened(
            "root forgotten",
            "Divided by the variance itself, so that wide directions become narrow. Which measure of spread has the "
            "unit of the patches: the variance or its root?",
            power=-1.0,
        ),
        _whitened(
            "not scaled",
            "Rotated, but no direction was scaled: divide each by its spread.",
            power=0.0,
        ),
        _whitened(
            "wrong side",
            "`eigh` gives the directions as columns; here the rows were taken. With patches as rows, what stands on "
            "which side of the `@`?",
            turn="rows",
        ),
        _whitened(
            "each channel alone",
            "Each channel was scaled for itself, without turning first. Channels that say nearly the same then count "
            "twice; whitening has to see how they vary together.",
            turn="none",
        ),
        _whitened(
            "floor forgotten",
            "A direction in which normal patches hardly vary was blown up to pure noise. Add `floor` times the mean "
            "variance to every variance before you take the root.",
            floored=False,
        ),
        _whitened(
            "floor not relative",
            _RELATIVE,
            floor_as="absolute",
        ),
        _whitened("floor not relative", _RELATIVE, floor_as="maximum of floor"),
        _whitened(
            "floor after the root",
            "The floor is added after the root was taken. It has the unit of a variance: add it to the variances, then "
            "take the root of the sum.",
            floor_as="after the root",
        ),
        _whitened(
            "maximum",
            "You take the larger of variance and floor. That would be safe as well, but agreed is to add the floor, to "
            "every variance.",
            floor_as="maximum",
        ),
        _whitened(
            "own mean",
            "Turned and scaled right, but with the mean of `patches` subtracted. Where a whole tile is strange, that "
            "takes off just what is strange about it. Whose mean is the usual one?",
            own_mean=True,
        ),
        _whitened(
            "learnt from the wrong patches",
            "Mean and covariance were taken from `patches`. They may hold a defect; what is usual must be learnt from "
            "`normal` alone.",
            learn_from=1,
        ),
    ),
    hints=(
        "Mean and covariance come from `normal`, and are then used on `patches`.",
        "With `centred = normal - mean`, the covariance is `centred.T @ centred / len(centred)`; `np.linalg.eigh` "
        "gives its variances and, as columns, its directions. The covariance is (C, C); if yours is (N, N), it is of "
        "the rows, and a transpose is missing or in the wrong place (`np.cov` wants a row for each channel).",
        "`(patches - mean) @ directions` turns; dividing that by `np.sqrt(variances + floor * variances.mean())` "
        "scales column by column.",
    ),
    praise="All directions weigh alike now; a distance after whitening is Mahalanobis' distance.",
)
