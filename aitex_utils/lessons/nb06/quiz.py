"""Questions of notebook 06."""

from __future__ import annotations

from aitex_utils.lessons.engine.quiz import Question

QUESTIONS = (
    Question(
        "06.q1",
        "A detector is tested a second time, with the same defects and ten times as many normal tiles of the same "
        "kind. What happens?",
        {
            "a": (
                "AUROC and AP both fall",
                "AUROC is a share of pairs, and more pairs of the same kind do not change it.",
            ),
            "b": (
                "AUROC and AP both stay the same",
                "Precision counts alarms, and there are ten times as many false ones.",
            ),
            "c": (
                "AUROC rises, and AP stays the same",
                "More normal tiles of the same kind do not make any pair easier.",
            ),
            "d": (
                "AUROC stays the same, and AP falls",
                "Yes. At each threshold there are ten times as many false alarms for the same hits.",
            ),
        },
        "d",
    ),
    Question(
        "06.q2",
        "In what one respect do equation 7 and the variant differ?",
        {
            "a": (
                "The neighbours in the denominator: nearest to the vector m*, or nearest to the patch",
                "Yes. In both, the exponents are distances from the patch.",
            ),
            "b": ("Equation 7 takes squared distances", "Both take distances that are not squared."),
            "c": (
                "Equation 7 reweights each patch, and the variant only the worst patch",
                "Both reweight the worst patch only.",
            ),
            "d": ("The variant raises the score", "Both multiply s* by a factor below 1."),
        },
        "a",
    ),
    Question(
        "06.q3",
        "In a mill, 1 tile in 300 is defective. A vendor says: the AUROC does not change, so our alarms will be as "
        "reliable as in the test. What does the figure of this section show?",
        {
            "a": (
                "The vendor is right, because the AUROC line is flat",
                "The AUROC line is flat, but the AUROC does not count alarms. It cannot show how reliable they are.",
            ),
            "b": (
                "Nothing, because it shows no threshold",
                "AP is a mean of the precision over thresholds, and its line falls.",
            ),
            "c": (
                "The AP falls with the prevalence, so a smaller share of the alarms will be right",
                "Yes. AP is a mean of precision, the share of alarms that are right.",
            ),
            "d": (
                "The AP falls, so the detector will find fewer defects",
                "The scores do not change, so at each threshold it finds the same defects.",
            ),
        },
        "c",
    ),
    Question(
        "06.q4",
        "A broken detector gives all tiles the same score. 1 tile in 10 is defective. What are AUROC and AP?",
        {
            "a": ("Both are 0.5", "A tie counts as 0.5 in the AUROC only."),
            "b": (
                "The AUROC is 0.5, and the AP is 0.1",
                "Yes. All pairs are ties, and the only step has the prevalence as its precision.",
            ),
            "c": ("Both are 0.1", "Each pair is a tie, and a tie counts as 0.5 in the AUROC."),
            "d": ("Both are 0", "A tie counts as 0.5 in the AUROC, and flagging all tiles finds all defects."),
        },
        "b",
    ),
    Question(
        "06.q5",
        "Suppose the tile score is the maximum of the smoothed map. You smooth with 16 px instead of 4 px. Which "
        "defects lose the largest share of their score?",
        {
            "a": ("Large ones", "A wide peak is nearly as high after smoothing as before."),
            "b": (
                "All lose the same share",
                "A wide peak fills the Gaussian and keeps its height, but a narrow peak does not.",
            ),
            "c": (
                "Those at the edge of a tile",
                "The border is mirrored, so a peak there loses no more than elsewhere.",
            ),
            "d": ("Small ones", "Yes. The Gaussian averages a small peak with the normal pixels around it."),
        },
        "d",
    ),
)
