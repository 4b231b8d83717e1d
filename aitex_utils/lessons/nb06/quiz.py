"""Questions of notebook 06."""

from __future__ import annotations

from aitex_utils.lessons.engine.quiz import Question

QUESTIONS = (
    Question(
        "06.q1",
        "A detector is tried on a second test set with the same defects and ten times as many normal tiles of the same "
        "kind. What happens?",
        {
            "a": ("AUROC and AP both fall.", "AUROC compares pairs, and more pairs of the same kind change no share."),
            "b": (
                "AUROC stays, AP falls.",
                "Yes: at each threshold there are ten times as many false alarms for the same hits.",
            ),
            "c": (
                "AUROC rises, AP stays.",
                "More normals of the same kind make no pair easier, and they do make precision worse.",
            ),
        },
        "b",
    ),
    Question(
        "06.q2",
        "Equation 7 and the variant differ in one thing. Which?",
        {
            "a": (
                "Whose neighbours are in the denominator: the neighbours of the bank's vector m*, or of the patch.",
                "Yes, and the exponents are distances from the patch in both.",
            ),
            "b": (
                "Equation 7 takes squared distances.",
                "There are true distances everywhere in both.",
            ),
            "c": (
                "Equation 7 reweights each patch, the variant only the worst one.",
                "Both reweight the worst patch only.",
            ),
        },
        "a",
    ),
    Question(
        "06.q3",
        "A threshold was chosen so that F1 is best on the test tiles. What is that F1 worth?",
        {
            "a": ("It is what to expect tomorrow.", "Tomorrow's labels weren't in sight when it was chosen."),
            "b": (
                "It is too high for tomorrow: the threshold was chosen with the answers in sight.",
                "Yes. It is good for comparing detectors on one test set, and for nothing else.",
            ),
            "c": (
                "It is too low, since other thresholds would do better.",
                "On these tiles none does better, that is how it was chosen.",
            ),
        },
        "b",
    ),
    Question(
        "06.q4",
        "Twenty strips of a dozen tiles each were tested. Redrawing single tiles gives a narrow interval of the "
        "false-alarm rate. Why can't you report that one?",
        {
            "a": (
                "Because redrawing repeats some tiles and leaves out others.",
                "So does every bootstrap, the one by strip too: it repeats some strips and leaves out others.",
            ),
            "b": (
                "Because tiles of a strip are alike, so that there is less to learn from them than from as many tiles "
                "of different strips.",
                "Yes. The strips would be different next time.",
            ),
            "c": (
                "Because tiles of a strip differ, and the interval by tile leaves out how much.",
                "Just that is in it. It leaves out the within-strip correlation of the tiles.",
            ),
        },
        "b",
    ),
    Question(
        "06.q5",
        "Why does AUPRO take the mean over regions, and not the share of all defect pixels found?",
        {
            "a": (
                "So that a small defect counts as much as a large one.",
                "Yes: with pooled pixels one large region outweighs many small ones.",
            ),
            "b": ("So that it is quicker to compute.", "It is slower: the regions must be found first."),
            "c": (
                "So that it doesn't depend on the false-positive rate.",
                "It is a curve over just that rate, cut off at a limit.",
            ),
        },
        "a",
    ),
    Question(
        "06.q6",
        "A threshold from held-out normal tiles promises one false alarm in ten tiles. On a new strip it raises three. "
        "Is the promise broken?",
        {
            "a": (
                "Yes, it should be 1 in 10 on each strip.",
                "A strip on a bad day can have many. The promise is about the mean over strips like those that it "
                "came from.",
            ),
            "b": (
                "Not by that alone: it holds in the mean over strips like those that it came from.",
                "Yes. Ask whether the new strips are like the calibration strips. On another day the machine might "
                "produce different strips.",
            ),
            "c": (
                "No, since no threshold can promise anything.",
                "It can, if what comes is drawn like what it was chosen on.",
            ),
        },
        "b",
    ),
)
