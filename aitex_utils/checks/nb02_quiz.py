"""Questions of notebook 02."""

from __future__ import annotations

from .quiz import Question

QUESTIONS = (
    Question(
        "02.q1",
        "An autoencoder rebuilds a tile almost perfectly. What do you know about the tile?",
        {
            "a": ("It is normal.", "That is the hope, not a fact: section 1 has defects that are rebuilt perfectly."),
            "b": (
                "It can be made from what the autoencoder learnt to combine; a defect may be such a thing too.",
                "Yes: able to rebuild isn't the same as having seen.",
            ),
            "c": (
                "It was among the tiles the autoencoder learnt from.",
                "Tiles it never saw are rebuilt too, or it would be of no use.",
            ),
        },
        "b",
    ),
    Question(
        "02.q2",
        "`feature_map.reshape(-1, C)` of a map (C, H', W') has the right shape. Why is it wrong all the same?",
        {
            "a": ("The patches come out in the wrong order.", "Worse: no row is a patch at all."),
            "b": (
                "Each row mixes values of several positions, mostly of one channel.",
                "Yes. Nothing fails, and the detector is quietly useless.",
            ),
            "c": ("It copies the array.", "It doesn't, and that wouldn't be wrong."),
        },
        "b",
    ),
    Question(
        "02.q3",
        "Someone forgets the root and works with squared distances. What stays as it was?",
        {
            "a": ("The mean over a tile, up to its root.", "A mean of squares is no square of a mean."),
            "b": ("The factor of equation 7.", "Its exponents are distances; squares change it altogether."),
            "c": (
                "Which vector is nearest, and how tiles rank by their maximum.",
                "Yes: squaring keeps the order of distances, and nothing else.",
            ),
            "d": ("A threshold found before.", "It would have to be squared as well."),
        },
        "c",
    ),
    Question(
        "02.q4",
        "Two patches are equally far from their nearest vectors. One of those stands in a crowd, one alone. What "
        "does equation 7 do?",
        {
            "a": (
                "The one in the crowd keeps nearly its whole score.",
                "The other way round: where all b distances are alike, the factor is at its smallest, 1 - 1/b.",
            ),
            "b": (
                "The one near the lone vector keeps nearly its whole score; the other loses up to 1/b of it.",
                "Yes, and more than 1/b it can never lose.",
            ),
            "c": ("Nothing, as the distances are equal.", "Equal distances are where it makes a difference."),
        },
        "b",
    ),
    Question(
        "02.q5",
        "Which of these must PatchCore miss, however good the network is?",
        {
            "a": (
                "A kind of defect that nobody has seen before.",
                "That is what it is made for: it needs no example of a defect.",
            ),
            "b": (
                "A perfectly good piece of selvage in the middle of the cloth, when selvage is in the bank.",
                "Yes: the bank doesn't know where on the strip a patch belongs.",
            ),
            "c": (
                "A defect that is smaller than a tile.",
                "Most are. The map has a value every few pixels, not one a tile.",
            ),
        },
        "b",
    ),
)
