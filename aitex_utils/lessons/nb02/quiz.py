"""Quiz of notebook 02."""

from __future__ import annotations

from aitex_utils.lessons.engine.quiz import Question

QUESTIONS = (
    Question(
        "02.q1",
        "An autoencoder reconstructs a tile almost perfectly. What does this show about the tile?",
        {
            "a": (
                "It is normal: nothing else is reconstructed so well.",
                "That is the assumption. In section 1 it fails for two defects, which lie close to the line.",
            ),
            "b": (
                "It was in the autoencoder's training set.",
                "An autoencoder also reconstructs tiles that it has never seen, or it would be useless.",
            ),
            "c": (
                "It can be built from the learned code, and a defect can be too.",
                "Yes. A small error shows that the code can express the tile, not that the tile is normal.",
            ),
        },
        "c",
    ),
    Question(
        "02.q2",
        "`feature_map.reshape(-1, C)` of a map (C, H', W') has the right shape. Why is it wrong?",
        {
            "a": ("The patches come out in the wrong order.", "The error is worse: no row is a patch."),
            "b": (
                "Each row mixes values of several positions.",
                "Yes, and most rows are values of a single channel. No error message appears.",
            ),
            "c": (
                "It copies the array, which doubles the memory.",
                "A reshape of a contiguous array copies nothing, and a copy would not be wrong.",
            ),
        },
        "b",
    ),
    Question(
        "02.q3",
        "A program uses squared distances instead of distances. What stays the same?",
        {
            "a": (
                "The nearest vector of each patch, and the ranking of tiles by their maximum.",
                "Yes. Squaring keeps the order of distances, and nothing else.",
            ),
            "b": (
                "The mean over a tile, apart from a root at the end.",
                "The root of a mean of squares differs from the mean, and can rank tiles differently.",
            ),
            "c": (
                "The factor of equation 7, because it is a quotient.",
                "The exponents are distances, and squaring changes their differences.",
            ),
            "d": (
                "A threshold that was chosen on distances.",
                "The threshold would have to be squared as well.",
            ),
        },
        "a",
    ),
    Question(
        "02.q4",
        "Two patches are equally far from their nearest vectors m*. One m* lies in a dense cluster, and the other is "
        "isolated. What does equation 7 do?",
        {
            "a": (
                "The patch near the cluster keeps almost all of its score, and the other loses up to 1/b.",
                "It is the reverse. Where all b distances are equal, the factor has its minimum, 1 - 1/b.",
            ),
            "b": (
                "Both keep their scores, because only the distance to m* counts.",
                "The distances to the other neighbours of m* count too.",
            ),
            "c": (
                "The patch near the isolated vector keeps almost all of its score, and the other loses up to 1/b.",
                "Yes, and no patch can lose more than 1/b.",
            ),
            "d": (
                "Both lose the same share, because their distances are equal.",
                "The factor also depends on the neighbours of m*, which differ here.",
            ),
        },
        "c",
    ),
    Question(
        "02.q5",
        "Which of these does PatchCore miss, however good the network is?",
        {
            "a": (
                "Selvage in the middle of the cloth, when the bank contains selvage.",
                "Yes. The bank is a set of vectors without positions, so selvage counts as normal everywhere.",
            ),
            "b": (
                "A kind of defect that did not exist when the bank was built.",
                "PatchCore is made for this case: it uses no examples of defects.",
            ),
            "c": (
                "A defect that covers only a small part of a single tile.",
                "Most defects do. The anomaly map has a value every few pixels.",
            ),
        },
        "a",
    ),
    Question(
        "02.q6",
        "Which image score has the lowest expected cost per day in this mill?",
        {
            "a": (
                "The maximum.",
                "It finds the knots, but flags about half of the dusty tiles. Multiply this share by their number.",
            ),
            "b": (
                "The top share.",
                "Yes. It finds the knots, and dust at a single position changes it much less than the maximum.",
            ),
            "c": (
                "The mean.",
                "It misses most knots. Multiply the missed knots by the cost of one.",
            ),
        },
        "b",
    ),
)
