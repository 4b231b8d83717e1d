"""Quiz of notebook 02."""

from __future__ import annotations

from aitex_utils.lessons.engine.quiz import Question

QUESTIONS = (
    Question(
        "02.q1",
        "An autoencoder rebuilds a tile almost perfectly. What do you know about the tile?",
        {
            "a": (
                "It is normal: nothing else can be rebuilt so well.",
                "That is the hope, not a fact: section 1 has defects that are rebuilt perfectly.",
            ),
            "b": (
                "It was among the tiles that the autoencoder learnt from.",
                "Tiles it never saw are rebuilt too, or it would be of no use.",
            ),
            "c": (
                "It is made of what was learnt, as a defect may be too.",
                "Yes: able to rebuild isn't the same as having seen.",
            ),
        },
        "c",
    ),
    Question(
        "02.q2",
        "`feature_map.reshape(-1, C)` of a map (C, H', W') has the right shape. Why is it wrong all the same?",
        {
            "a": ("The patches come out in the wrong order.", "Worse: no row is a patch at all."),
            "b": (
                "Each row mixes values of several positions.",
                "Yes, and mostly of one channel. Nothing fails, and the detector is quietly useless.",
            ),
            "c": ("It copies the array, which doubles the memory.", "It doesn't, and that wouldn't be wrong."),
        },
        "b",
    ),
    Question(
        "02.q3",
        "Someone forgets the root and works with squared distances. What stays as it was?",
        {
            "a": (
                "Which vector is nearest, and how maxima rank.",
                "Yes: squaring keeps the order of distances, and nothing else.",
            ),
            "b": ("The mean over a tile, but for a root at the end.", "A mean of squares is no square of a mean."),
            "c": (
                "The factor of equation 7, a quotient of them.",
                "Its exponents are distances; squares change it altogether.",
            ),
            "d": ("A threshold found earlier, on true distances.", "It would have to be squared as well."),
        },
        "a",
    ),
    Question(
        "02.q4",
        "Two patches are equally far from their nearest vectors. One of those stands in a crowd, one alone. What "
        "does equation 7 do?",
        {
            "a": (
                "The patch near the crowd keeps nearly all; the other loses up to 1/b.",
                "The other way round: where all b distances are alike, the factor is at its smallest, 1 - 1/b.",
            ),
            "b": (
                "Both keep their scores, as only the distances to the nearest count.",
                "They count, but so do the distances to the other neighbours of m*.",
            ),
            "c": (
                "The patch near the lone vector keeps nearly all; the other loses up to 1/b.",
                "Yes, and more than 1/b it can never lose.",
            ),
            "d": (
                "Both lose the same, since the factor depends on the distance alone.",
                "Equal distances are where it makes a difference.",
            ),
        },
        "c",
    ),
    Question(
        "02.q5",
        "Which of these must PatchCore miss, however good the network is?",
        {
            "a": (
                "Selvage in the middle of the cloth, when the bank holds selvage.",
                "Yes: it doesn't belong there, but the bank doesn't know where on the strip a patch comes from.",
            ),
            "b": (
                "A kind of defect that nobody had seen when the bank was made.",
                "That is what it is made for: it needs no example of a defect.",
            ),
            "c": (
                "A defect that covers only a small part of a single tile.",
                "Most do. The map has a value every few pixels, not one a tile.",
            ),
        },
        "a",
    ),
)
