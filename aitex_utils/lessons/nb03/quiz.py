"""Quiz of notebook 03."""

from __future__ import annotations

from aitex_utils.lessons.engine.quiz import Question

QUESTIONS = (
    Question(
        "03.q1",
        "blocks.2 has stride 8 and a receptive field of 67 px. What do the fields of two neighbouring patches share?",
        {
            "a": (
                "No pixel: a tile of 256 px is cut into 32 x 32 separate fields of 8 px",
                "That would be true if the field were as large as the stride. The field is much larger.",
            ),
            "b": (
                "Most of their pixels, so the patches resemble each other",
                "Yes: 59 of 67 columns. This overlap makes anomaly maps smooth, and a memory bank can omit most "
                "patches.",
            ),
            "c": (
                "All of their pixels, but each weights them differently",
                "Not all: each step moves the field by the stride.",
            ),
            "d": (
                "That depends on the threads in the tile",
                "Fields follow from kernels and strides alone, whatever the tile shows.",
            ),
        },
        "b",
    ),
    Question(
        "03.q2",
        "A tile's patches clearly change when other tiles are in the same batch. What is the likely cause?",
        {
            "a": (
                "A hook was left in the network",
                "A hook that only reads changes no number, although it costs memory.",
            ),
            "b": ("Rounding differs with the batch size", "Rounding changes the last digits only."),
            "c": (
                "The network is in training mode",
                "Yes. Batch normalisation then uses the mean and variance of the batch, so all tiles influence each "
                "other. Call `network.eval()`.",
            ),
            "d": (
                "The tiles overlap on the strip",
                "In evaluation mode each tile is processed independently, wherever it was cut.",
            ),
        },
        "c",
    ),
    Question(
        "03.q3",
        "Why is the late layer resized to the early layer's grid, and not the other way round?",
        {
            "a": (
                "So that small defects keep a position of their own",
                "Yes. On the coarse grid, four positions of the early layer would be averaged into one.",
            ),
            "b": ("So that fewer patches must be stored", "The fine grid has four times as many patches."),
            "c": (
                "So that the late layer gains the early layer's detail",
                "Resizing interpolates between values. It adds no detail.",
            ),
            "d": (
                "Because a map can be enlarged, but not reduced",
                "Both are possible, so this is not the reason.",
            ),
        },
        "a",
    ),
    Question(
        "03.q4",
        "You colour the patches of two tiles by PCA, with a separate PCA for each tile. What can you not conclude?",
        {
            "a": (
                "Where within one tile patches resemble each other",
                "You can still see that within each picture.",
            ),
            "b": (
                "Along which three directions the patches of one tile vary most",
                "Each PCA finds these directions for its own tile.",
            ),
            "c": ("Whether one tile has places unlike the rest of it", "You can still see that within its picture."),
            "d": (
                "That a colour means the same kind of patch in both",
                "Right: you cannot conclude that. Each PCA has its own axes, so fit one PCA on both tiles.",
            ),
        },
        "d",
    ),
    Question(
        "03.q5",
        "From which patches should whitening be learned?",
        {
            "a": (
                "From the patches of the tiles to be tested",
                "Then a defect would influence the scale by which it is measured.",
            ),
            "b": (
                "From the patches on which the detector is fitted",
                "Yes, like everything else that is learned: patches of normal training tiles.",
            ),
            "c": (
                "From the patches of all normal tiles, test tiles included",
                "This is a leak: test tiles would influence how they are measured.",
            ),
            "d": (
                "From the patches of tiles with a known defect",
                "Whitening describes normal variation, which these patches do not show.",
            ),
        },
        "b",
    ),
    Question(
        "03.q6",
        "A report must say where a defect lies, to within 8 px. Which layer do you read?",
        {
            "a": (
                "blocks.6, because its patches have the widest view",
                "Its view is wide, but one of its positions covers 32 px of the tile.",
            ),
            "b": (
                "blocks.4, because it marks the defect and it has more channels than blocks.2",
                "It marks the defect, but its positions are 16 px apart.",
            ),
            "c": (
                "blocks.2, because its positions are 8 px apart",
                "Yes. Only its grid is fine enough. Section 9 measures the price in tile AUROC.",
            ),
            "d": (
                "Any of them, because all maps can be enlarged to the size of the tile",
                "Enlarging interpolates between positions. It adds no detail.",
            ),
        },
        "c",
    ),
)
