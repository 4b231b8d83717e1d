"""Questions of notebook 09."""

from __future__ import annotations

from aitex_utils.lessons.engine.quiz import Question

QUESTIONS = (
    Question(
        "09.q1",
        "An autoencoder's loss on normal tiles is lower than another's. Which is the better detector?",
        {
            "a": ("The autoencoder with the lower loss", "It might reconstruct defects as well as normal fabric."),
            "b": ("The autoencoder with the higher loss", "It might reconstruct normal threads badly too."),
            "c": (
                "The loss does not decide",
                "Yes. The gap between errors on defects and on normal fabric decides, and training never sees it.",
            ),
            "d": ("They are equally good", "They can be far apart: only a test with defects shows it."),
        },
        "c",
    ),
    Question(
        "09.q2",
        "Two detectors have the intervals 0.70 to 0.90 and 0.75 to 0.95 on the same strips. Is the second better?",
        {
            "a": ("No, the intervals overlap", "They can overlap although the difference is certain."),
            "b": ("Yes, both ends are higher", "That alone doesn't say how sure the difference is."),
            "c": (
                "Only the interval of the paired difference can say",
                "Yes. Strips that are hard are hard for both, and in the difference that cancels.",
            ),
            "d": ("More tiles of the same strips would settle it", "Tiles of a strip are alike: take more strips."),
        },
        "c",
    ),
    Question(
        "09.q3",
        "A tile is rebuilt a little too dark all over. How does 1 - SSIM judge it, compared with the pixel error?",
        {
            "a": (
                "Milder: it asks for the pattern first",
                "Yes. The pattern agrees and only the factor of the means falls, and that but a little.",
            ),
            "b": ("More severely", "A shift of all values leaves variances and covariance as they are."),
            "c": ("Just the same", "The pixel error is the shift itself. SSIM compares patterns, too."),
        },
        "a",
    ),
    Question(
        "09.q4",
        "The nearest distances between an autoencoder's codes don't find defects well. What follows?",
        {
            "a": ("The training failed", "It was trained to rebuild, and can do that well all the same."),
            "b": (
                "Codes that are good for reconstruction need not separate classes",
                "Yes. Nothing in training asked that codes of defects lie far from codes of normal fabric.",
            ),
            "c": ("Distances are no good anomaly signal", "With other features they are: PatchCore lives by them."),
        },
        "b",
    ),
    Question(
        "09.q5",
        "On your own fabric, with 30 normal strips and no defects yet: how do you choose between the two?",
        {
            "a": ("By the better result in this notebook", "That holds for this fabric, this camera, these defects."),
            "b": ("By the lower loss or coreset radius (notebook 04)", "Neither of them knows a defect."),
            "c": (
                "Run both, gather defects by strip, then compare in pairs",
                "Yes. Until then it is open, and the two might find different defects.",
            ),
            "d": ("By the smaller file", "If both are good enough, why not. But first you need to know that."),
        },
        "c",
    ),
)
