"""Questions of notebook 09."""

from __future__ import annotations

from aitex_utils.lessons.engine.quiz import Question

QUESTIONS = (
    Question(
        "09.q1",
        "One autoencoder has a lower loss on normal tiles than another. Which is the better detector?",
        {
            "a": ("The autoencoder with the lower loss", "It might reconstruct defects as well as normal fabric."),
            "b": ("The autoencoder with the higher loss", "It might reconstruct normal threads badly too."),
            "c": (
                "The loss does not decide",
                "Yes. The gap between errors on defects and on normal fabric decides, and training never sees it.",
            ),
            "d": ("They are equally good", "They can differ widely: only a test with defects shows it."),
        },
        "c",
    ),
    Question(
        "09.q2",
        "Two detectors have the intervals 0.70 to 0.90 and 0.75 to 0.95 on the same strips. Is the second better?",
        {
            "a": ("No, the intervals overlap", "They can overlap although the difference is certain."),
            "b": ("Yes, both ends are higher", "This alone does not show how certain the difference is."),
            "c": (
                "Only the interval of the paired difference can show it",
                "Yes. Difficult strips lower the AUROC of both detectors. This effect largely cancels in the "
                "difference.",
            ),
            "d": ("More tiles of the same strips would settle it", "Tiles of a strip are alike: take more strips."),
        },
        "c",
    ),
    Question(
        "09.q3",
        "A tile is reconstructed a little too dark everywhere. How strongly does 1 - SSIM react, compared with the "
        "pixel error?",
        {
            "a": (
                "Less: it mainly compares patterns",
                "Yes. The patterns agree, and only the factor of the means falls, slightly.",
            ),
            "b": ("More", "A shift of all values leaves variances and covariance unchanged."),
            "c": ("Just the same", "The pixel error is the shift itself. SSIM also compares patterns."),
        },
        "a",
    ),
    Question(
        "09.q4",
        "The distances between an autoencoder's codes do not find defects well. What follows?",
        {
            "a": ("The training failed", "It was trained to reconstruct, and might do this well."),
            "b": (
                "Codes that are good for reconstruction need not separate classes",
                "Yes. The training does not require codes of defects to be far from codes of normal fabric.",
            ),
            "c": ("Distances are not a good anomaly score", "With other features, they are: PatchCore relies on them."),
        },
        "b",
    ),
    Question(
        "09.q5",
        "On your own fabric, with 30 normal strips and no defects yet: how do you choose between the detectors?",
        {
            "a": ("By the better result in this notebook", "It applies to this fabric, this camera and these defects."),
            "b": ("By the lower loss or covering radius (notebook 04)", "Neither of them depends on a defect."),
            "c": (
                "By running both, collecting defective strips, and then comparing the detectors in a paired test",
                "Yes. Without defects the question is open, and the detectors might find different defects.",
            ),
            "d": ("By the smaller file", "This is a reason only if both are good enough, which is not known yet."),
        },
        "c",
    ),
    Question(
        "09.q6",
        "Which explanation fits this figure?",
        {
            "a": (
                "Defects are more frequent near the edges of tiles",
                "The tiles are clean, so no defect can explain the curve.",
            ),
            "b": (
                "Near an edge, the convolutions see zeros instead of fabric, so the network reconstructs these "
                "pixels worse",
                "Yes. Only the zero padding depends on the distance to the edge of the tile.",
            ),
            "c": (
                "The light is weaker at the edges of a strip",
                "Tiles are cut at arbitrary columns, so the light cannot follow all four edges of each tile.",
            ),
            "d": ("The training was too short", "Longer training would lower the whole curve, not only its left end."),
        },
        "b",
    ),
    Question(
        "09.q7",
        "What do you recommend?",
        {
            "a": (
                "PatchCore, because it has the higher mean in the papers",
                "The means come from other fabrics and cameras.",
            ),
            "b": (
                "The autoencoder, because it needs the least memory",
                "A smaller coreset or a PCA can fit as well, so memory alone does not decide.",
            ),
            "c": (
                "Compare both in a paired test on the 40 defective strips, within the limits, and then decide",
                "Yes. With so many defective strips, a paired comparison is possible.",
            ),
            "d": (
                "Both together, because two detectors always find more",
                "Only if they miss different defects. Their false alarms also add up.",
            ),
        },
        "c",
    ),
)
