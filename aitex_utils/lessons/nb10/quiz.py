"""Questions of notebook 10."""

from __future__ import annotations

from aitex_utils.lessons.engine.quiz import Question

QUESTIONS = (
    Question(
        "10.q1",
        "You compare two runs and the interval of the difference is -0.02 to +0.09. Which sentence is right?",
        {
            "a": (
                "The second run is better, because most of the interval is above 0",
                "The interval contains 0: the difference can be chance.",
            ),
            "b": (
                "These strips cannot rank the two runs",
                "Yes. Other strips could show a difference in either direction.",
            ),
            "c": ("The two runs are equally good", "The interval contains a difference of +0.09 too."),
            "d": ("The runs need more tiles of the same strips", "Tiles of a strip are correlated: take more strips."),
        },
        "b",
    ),
    Question(
        "10.q2",
        "An approximate search has a recall@1 of 0.95 over all patches. What does this recall say about the scores of "
        "the tiles?",
        {
            "a": ("95 % of the scores are right", "A score depends on one patch out of many, not on an average patch."),
            "b": (
                "Nothing certain: the misses can concentrate on the patches with the largest distances",
                "Yes. Count the tiles with an unchanged score.",
            ),
            "c": ("All scores are 5 % too high", "A miss raises a distance, but not always by the same amount."),
            "d": ("The AUROC falls by 0.05", "It can fall by less, or not at all."),
        },
        "b",
    ),
    Question(
        "10.q3",
        "Why does the contest time your detector and the default in turn, and compare only their ratio?",
        {
            "a": (
                "Because the clock of a computer is inaccurate",
                "A clock that is accurate to microseconds is accurate enough.",
            ),
            "b": ("Because ratios are larger than milliseconds", "The size of the number does not matter."),
            "c": (
                "Because other machines, and other programs on this machine, affect both times alike",
                "Yes. So the limit is equally strict everywhere.",
            ),
            "d": ("Because the first prediction is slow", "A warm-up solves this, and the contest has one."),
        },
        "c",
    ),
    Question(
        "10.q4",
        "You try 30 recipes on the shown strips and report the highest AUROC there. What is wrong with this report?",
        {
            "a": ("Nothing, if the seed is fixed", "A seed makes the error repeatable, not smaller."),
            "b": (
                "It is too optimistic, because the choice also favours recipes that were lucky on these strips",
                "Yes. Report the AUROC of the chosen recipe on strips that took no part in the choice.",
            ),
            "c": ("It is too pessimistic", "The maximum of 30 noisy values is more often too high."),
            "d": ("It needs a larger coreset", "The size of the bank does not change the effect of the choice."),
        },
        "b",
    ),
    Question(
        "10.q5",
        "You change the coreset ratio and start a run. Which step does the bench skip?",
        {
            "a": ("The search for neighbours", "The bank changes, so all distances change."),
            "b": ("The threshold", "It comes from the scores of the calibration tiles, which change."),
            "c": (
                "The network, because the patches do not depend on the coreset",
                "Yes. The patches are kept in memory.",
            ),
            "d": ("None", "The patches are still in memory, so the network is not needed."),
        },
        "c",
    ),
    Question(
        "10.q6",
        "Suppose that Lite2 is slower than Lite0, and has a clear gain in tile AUROC on the shown strips, but none on "
        "the hidden strips. What do you do?",
        {
            "a": (
                "Use Lite2, the shown strips have decided",
                "Four defective strips of one fabric cannot decide this.",
            ),
            "b": (
                "Use Lite0, the hidden strips have decided",
                "The hidden strips are few too. After a choice based on them, they are no longer hidden.",
            ),
            "c": (
                "Compare both on more strips, and until then use the cheaper network",
                "Yes. The evidence does not justify the extra time yet.",
            ),
            "d": (
                "Use the mean of both scores",
                "It takes the time of both networks, and its gain is just as uncertain.",
            ),
        },
        "c",
    ),
)
