"""Quiz of notebook 00."""

from __future__ import annotations

from aitex_utils.lessons.engine.quiz import Question

QUESTIONS = (
    Question(
        "00.q1",
        "What is the difference between a tile and a patch?",
        {
            "a": (
                "None: both are words for a crop of the strip.",
                "A patch contains no pixels. It is a feature vector.",
            ),
            "b": (
                "A tile is a crop of the strip, and a patch is a feature vector.",
                "Yes. A patch describes one position of a tile, and one tile has 3,136 patches here.",
            ),
            "c": (
                "A patch is a small tile, cut out of a larger tile.",
                "A tile is cut out of the strip. A patch is computed from a tile by the network.",
            ),
        },
        "b",
    ),
    Question(
        "00.q2",
        "Which part of the detector was trained in this notebook?",
        {
            "a": (
                "None of it.",
                "Yes. The network was pretrained on photographs of everyday objects. `fit` only selects patches and "
                "stores them.",
            ),
            "b": (
                "The network.",
                "It was pretrained on photographs of everyday objects, and `fit` does not change it.",
            ),
            "c": (
                "The memory bank.",
                "It is filled, not trained: its patches are stored as the network computed them.",
            ),
        },
        "a",
    ),
    Question(
        "00.q3",
        "Why must the masks stay out of `fit`?",
        {
            "a": (
                "They are large, and fitting would take too long.",
                "They are small black-and-white images, so their size does not matter.",
            ),
            "b": (
                "They are drawn by hand, and never quite exact.",
                "Exact masks would not help either: they still show known defects only.",
            ),
            "c": (
                "They show only defects that are already known.",
                "Yes. The next defect will be a different one. A detector that is fitted and tested on the same masks "
                "is only tested on examples that it has seen.",
            ),
        },
        "c",
    ),
    Question(
        "00.q4",
        "Two maps are shown, each on its own colour scale. What can't you see from their colours?",
        {
            "a": (
                "Which of the two strips is more anomalous.",
                "Yes. Each map is stretched to its own range, so the brightest place of a normal strip looks like a "
                "defect.",
            ),
            "b": ("The shape of the brightest place in each map.", "You can see the shape in each map by itself."),
            "c": ("The position of the brightest place in each map.", "You can see it in each map by itself."),
        },
        "a",
    ),
    Question(
        "00.q5",
        "The mill allows the detector to flag at most 1 in 20 clean tiles. Within this limit it should find as many "
        "defective tiles as possible. Which threshold do you set?",
        {
            "a": (
                "A, because it finds the most defective tiles.",
                "A finds the most defective tiles, but look at the lower panel. There the curve lies above the dotted "
                "line at A, so A flags more clean tiles than the mill allows.",
            ),
            "b": (
                "B, because it is the lowest one within the limit.",
                "Yes. At B the lower curve is below the dotted line. A higher threshold only loses defective tiles.",
            ),
            "c": (
                "C, because it does not flag a single clean tile.",
                "C is within the limit, but so is B. A higher threshold never finds more defective tiles than a lower "
                "threshold, and the mill wants as many as possible.",
            ),
        },
        "b",
    ),
)
