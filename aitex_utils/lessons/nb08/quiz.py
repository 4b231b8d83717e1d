"""Questions of notebook 08."""

from __future__ import annotations

from aitex_utils.lessons.engine.quiz import Question

QUESTIONS = (
    Question(
        "08.q1",
        "The scores of a strip rise towards one end, and many tiles there are false alarms. Which fix removes them?",
        {
            "a": ("A higher threshold", "It also hides the defects, on this strip and on all others."),
            "b": ("Mirrored borders", "They change the patches at the edges of tiles, not the light of a whole strip."),
            "c": (
                "Subtraction of the strip's own background",
                "Yes. It compares each place with its surroundings on the same strip.",
            ),
            "d": ("A larger coreset", "It contains more normal patches, but none in this light."),
        },
        "c",
    ),
    Question(
        "08.q2",
        "Why does position-wise normalisation take its scale from normal tiles?",
        {
            "a": (
                "Because a defect in the tested tiles would raise the scale and cancel its own score",
                "Yes. The scale must not depend on the tiles under test.",
            ),
            "b": ("Because normal tiles are faster to score", "They take the same time."),
            "c": ("Because the scale must be below 1", "It is a typical distance, of any size."),
            "d": ("Because defective tiles have no edge", "All tiles have edges."),
        },
        "a",
    ),
    Question(
        "08.q3",
        "You subtract the background of all test maps. Which threshold do you use?",
        {
            "a": ("The threshold from maps without subtraction", "It is far too high: the background is gone."),
            "b": ("The old threshold minus the mean of the map", "The spread changes too, and differs between strips."),
            "c": ("The threshold with the best F1 on the test set", "The test labels would then set the threshold."),
            "d": (
                "A new threshold, from calibration maps with subtraction",
                "Yes. The threshold must come from maps that were made in the same way.",
            ),
        },
        "d",
    ),
    Question(
        "08.q4",
        "A ring-shaped defect has a small gap in its mask. In which order does post-processing fill the ring?",
        {
            "a": ("Fill holes, then close", "The ring with a gap has no hole yet."),
            "b": ("Close, then fill holes", "Yes. Closing joins the ends of the ring, and the hole appears."),
            "c": ("Drop small components, then fill holes", "The gap stays open, and so does the ring."),
            "d": ("The order does not matter", "It does: hole filling needs a closed ring."),
        },
        "b",
    ),
    Question(
        "08.q5",
        "On one fabric, a fix changes the tile AUROC by `-0.004 (-0.011 to +0.002)`. What follows?",
        {
            "a": ("The fix does harm", "The interval contains 0, so the difference can be chance."),
            "b": ("The fix has no effect on any fabric", "There are few strips, all of one fabric."),
            "c": (
                "These strips do not show whether the fix helps or does harm",
                "Yes. The interval contains 0, and a larger effect in either direction is excluded.",
            ),
            "d": ("The measurement is wrong", "A small difference with its interval is a result."),
        },
        "c",
    ),
    Question(
        "08.q6",
        "Compare the line for zeros with the line after normalisation. What follows for a defect at a tile's edge?",
        {
            "a": (
                "With zeros, it is found more easily, because the score is higher there",
                "Clean fabric scores higher there too, and raises the threshold for all positions.",
            ),
            "b": (
                "After normalisation, a defect counts as much at the edge as in the middle",
                "Yes. The line is flatter, so one threshold fits all positions.",
            ),
            "c": ("After normalisation, edges are never flagged", "A defect there still exceeds its surroundings."),
            "d": (
                "Nothing, because the lines show clean tiles only",
                "Clean tiles set the threshold, so they decide how far a defect must rise.",
            ),
        },
        "b",
    ),
    Question(
        "08.q7",
        "You found your cheapest threshold with the labels of the test set. What do you do before you use it in a "
        "mill?",
        {
            "a": (
                "Choose it again on labelled strips outside the test set, and report its cost on the test set",
                "Yes. The test set then shows what the choice costs on new strips.",
            ),
            "b": ("Nothing, it is the cheapest", "It is the cheapest for exactly these tiles."),
            "c": ("Lower it a little to be safe", "By how much? More false alarms have a cost too."),
            "d": (
                "Replace it by the threshold with the best F1",
                "That threshold ignores the costs, and uses the test labels too.",
            ),
        },
        "a",
    ),
)
