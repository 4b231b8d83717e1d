"""Quiz of notebook 03."""

from __future__ import annotations

from aitex_utils.lessons.engine.quiz import Question

QUESTIONS = (
    Question(
        "03.q1",
        "blocks.2 has stride 8 and a receptive field of 67 px. What do two neighbouring patches of it share?",
        {
            "a": (
                "No pixel: a tile of 256 px is cut into 32 x 32 separate fields of 8 px",
                "That would be so if the field were as large as the stride. It is far larger.",
            ),
            "b": (
                "Most of what they see, and so they resemble each other",
                "Yes: 59 of 67 columns. That is why maps of "
                "distances are smooth, and why a bank may leave most patches out.",
            ),
            "c": (
                "All of what they see, but each weighs it in its own way",
                "Not all: each step moves the field by the stride.",
            ),
            "d": (
                "That depends on the threads of the tile that is looked at",
                "Fields follow from kernels and strides alone, whatever the tile shows.",
            ),
        },
        "b",
    ),
    Question(
        "03.q2",
        "A tile's patches come out clearly different when other tiles are in the same batch. What is likely?",
        {
            "a": ("A hook was left in the network", "A hook that only looks on changes no number; it costs memory."),
            "b": ("Rounding differs with the batch", "Rounding changes the last digits, not more."),
            "c": (
                "The network is in training mode",
                "Yes. Batch normalisation then uses the mean of the batch at hand, "
                "so that each tile sees all others. `network.eval()` ends it.",
            ),
            "d": (
                "The tiles overlap on the strip",
                "Each tile goes through the network for itself, wherever it was cut.",
            ),
        },
        "c",
    ),
    Question(
        "03.q3",
        "Why is the late layer brought to the early layer's grid, and not the other way round?",
        {
            "a": (
                "So that small defects keep a position of their own",
                "Yes. The coarse grid would average four positions of the early layer into one.",
            ),
            "b": ("So that there are fewer patches to be remembered", "There are four times as many this way."),
            "c": (
                "So that the late layer gains the early one's detail",
                "Resizing adds none: between two values it only draws a line.",
            ),
            "d": ("Because a map can be enlarged, but not made smaller", "It can; that is not the reason."),
        },
        "a",
    ),
    Question(
        "03.q4",
        "You colour the patches of two tiles by PCA, and fit a PCA for each. What can't you say then?",
        {
            "a": (
                "Where within one of the tiles patches resemble each other",
                "That can still be seen within each picture.",
            ),
            "b": ("In which of three directions one tile's patches spread most", "Each PCA says that of its own tile."),
            "c": ("Whether one tile has places unlike the rest of it", "That can still be seen within its picture."),
            "d": (
                "That a colour means the same kind of patch in both",
                "Yes, that can't be said. Each PCA has "
                "its own axes; one fitted on both gives colours that mean the same in both.",
            ),
        },
        "d",
    ),
    Question(
        "03.q5",
        "From which patches may whitening be learnt?",
        {
            "a": ("From those of the tiles to be judged", "Then a defect helps to decide what counts as usual."),
            "b": (
                "From those the detector is fitted on",
                "Yes, as everything else that is learnt: patches of normal tiles that aren't tested later.",
            ),
            "c": (
                "From all patches of normal tiles at hand",
                "The tested ones would have a say in how they are measured: a leak.",
            ),
            "d": ("From those of tiles with a known defect", "Whitening is to describe the usual, not the strange."),
        },
        "b",
    ),
)
