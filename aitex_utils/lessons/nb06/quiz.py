"""Questions of notebook 06."""

from __future__ import annotations

from aitex_utils.lessons.engine.quiz import Question

QUESTIONS = (
    Question(
        "06.q1",
        "A detector is tested a second time, with the same defects and ten times as many normal tiles of the same "
        "kind. What happens?",
        {
            "a": ("AUROC and AP both fall", "AUROC compares pairs, and more pairs of the same kind change no share."),
            "b": ("AUROC and AP both stay", "Precision counts alarms, and there are ten times as many false ones."),
            "c": ("AUROC rises, and AP stays", "More normals of the same kind do not make any pair easier."),
            "d": (
                "AUROC stays, and AP falls",
                "Yes. At each threshold there are ten times as many false alarms for the same hits.",
            ),
        },
        "d",
    ),
    Question(
        "06.q2",
        "Equation 7 and the variant differ in one point. Which?",
        {
            "a": (
                "The neighbours in the denominator: near the bank's vector m*, or near the patch",
                "Yes. The exponents are distances from the patch in both.",
            ),
            "b": ("Equation 7 takes squared distances", "Both take distances that are not squared."),
            "c": (
                "Equation 7 reweights each patch, the variant only the worst patch",
                "Both reweight the worst patch only.",
            ),
            "d": ("The variant raises the score", "Both multiply the score with a factor below 1."),
        },
        "a",
    ),
    Question(
        "06.q3",
        "In a mill, 1 tile in 300 is defective. A seller says: the AUROC does not change, so our alarms will be as "
        "reliable as in the test. What does the figure show?",
        {
            "a": (
                "The seller is right, because the line of the AUROC is level",
                "The AUROC is level. It does not count alarms, so it cannot show how reliable they are.",
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
            "a": ("Both are a half", "Ties count a half in the AUROC only."),
            "b": (
                "The AUROC is a half, and the AP is 1 in 10",
                "Yes. All pairs are ties, and the only step has the prevalence as its precision.",
            ),
            "c": ("Both are 1 in 10", "Each pair is a tie, and a tie counts a half in the AUROC."),
            "d": ("Both are 0", "A tie counts a half, and flagging all tiles finds all defects."),
        },
        "b",
    ),
    Question(
        "06.q5",
        "The tile score is the maximum of the smoothed map. You smooth with 16 px instead of 4 px. Which defects lose "
        "most of their score?",
        {
            "a": ("Large ones", "A wide peak is nearly as high after smoothing as before."),
            "b": ("All lose the same share", "The Gaussian averages over its width, and a wide peak fills it."),
            "c": ("Those at the edge of a tile", "The border is mirrored, so a peak there keeps its height."),
            "d": ("Small ones", "Yes. The Gaussian averages a small peak with the normal pixels around it."),
        },
        "d",
    ),
)
