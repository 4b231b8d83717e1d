"""Exercises 03.4 and 03.5: two layers concatenated to patches, and whitening."""

from __future__ import annotations

from functools import partial
from typing import Any

from aitex_utils.lessons.engine.judge import Exercise, Mistake

from . import answers as a

JOIN = Exercise(
    id="03.4",
    task="The outputs of two layers on the grid of the first, concatenated to patches (B, H, W, C1 + C2).",
    reference=a.joined,
    cases=a.outputs,
    mistakes=(
        Mistake(
            "nearest",
            "The shape is right, but the late layer was enlarged in steps: neighbouring patches have equal values. "
            "This is the default of `interpolate`. Name another `mode`.",
            a.nearest,
        ),
        Mistake(
            "corners aligned",
            "With `align_corners=True` the outermost positions are moved into the corners of the tile. The two layers "
            "are then shifted relative to each other. Use False.",
            a.corners_aligned,
        ),
        Mistake(
            "reshaped",
            "The shape is right, but the order is wrong. `reshape` does not move numbers, so a patch gets values of "
            "many positions. `permute` moves axes.",
            a.reshaped,
        ),
        Mistake(
            "channels second",
            "All values are there, but the channels are on axis 1, as in the network. A patch is a vector: move the "
            "channels to the end.",
            a.channels_second,
        ),
        Mistake(
            "coarse grid",
            "These are patches on the late layer's coarse grid, because the early layer was reduced. Which layer must "
            "be resized if no position is to be lost?",
            a.coarse_grid,
        ),
        Mistake(
            "late first",
            "The late layer's channels come first. The agreed order is early, then late.",
            a.late_first,
        ),
        Mistake(
            "rows and columns swapped",
            "Rows and columns are swapped. The axes (B, C, H, W) become (B, H, W, C): which old axis goes to each new "
            "position?",
            a.swapped_sides,
        ),
    ),
    hints=(
        "There are three steps: resize the late output to the height and width of the early output, concatenate along "
        "the channels, move the channels to the end.",
        '`F.interpolate(late, size=(height, width), mode="bilinear", align_corners=False)` takes (B, C, H, W). The '
        "height and width are `early.shape[-2:]`.",
        "The grids need not differ by a factor of 2, so give `size`, not `scale_factor`. `torch.cat([first, second], "
        "dim=...)` concatenates along an axis. `.permute(0, 2, 3, 1)` lists the old axes in their new order.",
    ),
    praise="Each position has one vector that describes fine texture and wide surroundings: a patch of PatchCore.",
)


def _whitened(name: str, hint: str, **options: Any) -> Mistake:
    return Mistake(name, hint, partial(a.whitened, **options))


_RELATIVE = (
    "The floor is used as an absolute value. It is a share of the mean variance, so it suits features of any scale. "
    "Which product belongs in its place?"
)
WHITEN = Exercise(
    id="03.5",
    task="Patches, whitened by the mean and the covariance of normal patches.",
    reference=a.whitened,
    cases=a.clouds,
    agree=a.equal_up_to_rotation,
    mistakes=(
        _whitened(
            "covariance not centred",
            "The covariance was computed without subtracting the mean first, so its largest direction points to the "
            "mean. Subtract the mean before you multiply.",
            centred=False,
        ),
        _whitened(
            "mean left in",
            "Rotation and scale are right, but the result still contains the mean of the normal patches. Subtract it "
            "from `patches` too.",
            shifted=False,
        ),
        _whitened(
            "multiplied",
            "Wide directions have become wider: you multiply by the standard deviation. Divide by it.",
            power=0.5,
        ),
        _whitened(
            "root forgotten",
            "You divide by the variance, so wide directions become narrow. Which measure of spread has the unit of the "
            "patches, the variance or its root?",
            power=-1.0,
        ),
        _whitened(
            "not scaled",
            "The patches are rotated, but no direction is scaled. Divide each direction by its standard deviation.",
            power=0.0,
        ),
        _whitened(
            "wrong side",
            "`eigh` returns the directions as columns, and you use its rows. With patches as rows, which matrix "
            "belongs on the right of the `@`?",
            turn="rows",
        ),
        _whitened(
            "each channel alone",
            "Each channel is scaled separately, without a rotation. Correlated channels then count twice. Whitening "
            "must use the covariance of the channels.",
            turn="none",
        ),
        _whitened(
            "floor forgotten",
            "Noise in a direction in which normal patches hardly vary is amplified. Add `floor` times the mean "
            "variance to every variance before you take the root.",
            floored=False,
        ),
        _whitened("floor not relative", _RELATIVE, floor_as="absolute"),
        _whitened("floor not relative", _RELATIVE, floor_as="maximum of floor"),
        _whitened(
            "floor after the root",
            "The floor is added after the root. It has the unit of a variance: add it to the variances, then take the "
            "root of the sum.",
            floor_as="after the root",
        ),
        _whitened(
            "maximum",
            "You take the maximum of variance and floor. This is safe too, but the task asks for the sum.",
            floor_as="maximum",
        ),
        _whitened(
            "own mean",
            "Rotation and scale are right, but the mean of `patches` is subtracted. If a whole tile is anomalous, this "
            "removes the anomaly. Subtract the mean of the normal patches.",
            own_mean=True,
        ),
        _whitened(
            "learned from the wrong patches",
            "Mean and covariance come from `patches`, which can contain a defect. Learn both from `normal` alone.",
            learn_from=1,
        ),
    ),
    hints=(
        "Learn the mean and the covariance from `normal`, then apply them to `patches`. The eigenvectors of the "
        "covariance are the directions, and its eigenvalues are their variances.",
        "The covariance of `centred = normal - mean` is (C, C). If yours is (N, N), a transpose is missing: `np.cov` "
        "expects one row per channel. `np.linalg.eigh` returns variances, and directions as columns.",
        "`(patches - mean) @ directions` rotates. Divide its columns by "
        "`np.sqrt(variances + floor * variances.mean())`.",
    ),
    praise="All directions now have equal weight. A distance after whitening is a Mahalanobis distance.",
)
