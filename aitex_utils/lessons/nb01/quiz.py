"""Quiz of notebook 01."""

from __future__ import annotations

from aitex_utils.lessons.engine.quiz import Question

QUESTIONS = (
    Question(
        "01.q1",
        "A strip is defective, but its mask is black everywhere. What do you do with its tiles?",
        {
            "a": (
                "Label them as clean, as the mask says.",
                "The code in the name says that there is a defect. At least one tile would get a wrong label.",
            ),
            "b": (
                "Label them all as defective.",
                "Defects are small, so most of these tiles are clean. You would count them as misses of the detector.",
            ),
            "c": (
                "Leave them out of tile-level measures.",
                "Yes. The place of the defect is unknown. The strip still counts in strip-level measures.",
            ),
        },
        "c",
    ),
    Question(
        "01.q2",
        "Why must the machine bed be cut away before anything is measured?",
        {
            "a": (
                "It differs between normal and defective strips.",
                "Yes. A detector could separate the strips without looking at the fabric, and would fail on the next "
                "machine.",
            ),
            "b": (
                "It makes the images larger and the work slower.",
                "It does, but a wrong result does more harm.",
            ),
            "c": (
                "It is much brighter than the fabric.",
                "Often it is. But brightness alone would do no harm if it were the same in all strips.",
            ),
        },
        "a",
    ),
    Question(
        "01.q3",
        "You raise `min_share` from 0 to 0.05 and the AUROC goes up. Has the detector become better?",
        {
            "a": (
                "Yes, it finds defects that it missed before.",
                "It finds exactly the same pixels as before. Only the labels have changed.",
            ),
            "b": (
                "No, the smallest defects no longer count as defective.",
                "Yes. The hardest tiles now count as clean. Two values are comparable only under the same rule.",
            ),
            "c": (
                "No, a higher share makes the test harder.",
                "It makes the test easier: the remaining defects are large.",
            ),
        },
        "b",
    ),
    Question(
        "01.q4",
        "A paper shuffles all normal tiles, fits on a quarter and tests on the rest. Compared with the rate on "
        "fabric that is woven tomorrow, the false-alarm rate in the paper is ...",
        {
            "a": (
                "too low.",
                "Yes. Tomorrow's strip is new. Its tiles are farther from the memory bank than test tiles of the "
                "training strips.",
            ),
            "b": (
                "about right, because tiles are tiles.",
                "This would be right only if all strips were alike. How much they differ depends on the fabric.",
            ),
            "c": (
                "too high.",
                "Tiles of training strips are the easiest normal tiles. Tiles of new strips score higher.",
            ),
        },
        "a",
    ),
    Question(
        "01.q5",
        "Of 1,000 tiles, 30 are defective. A program labels every tile as clean. For what share of tiles is it right?",
        {
            "a": ("50 %", 'This is the result of tossing a coin. The program never answers "defective".'),
            "b": ("97 %", "Yes, although it finds no defect. With so few defects, accuracy says little."),
            "c": ("3 %", "This is the share of tiles for which it is wrong."),
        },
        "b",
    ),
    Question(
        "01.q6",
        "Defects are up to 60 px wide, and each must lie whole in at least one tile of 256 px. A strip has 3,072 px of "
        "fabric, and there is time for 18 tiles per strip. Which overlap do you choose?",
        {
            "a": (
                "0 px",
                "It needs only 12 tiles. But a defect on a seam is cut, so the first requirement is not met.",
            ),
            "b": (
                "32 px",
                "There is time for its 14 tiles. But a defect of 60 px is wider than the overlap, so it can be cut.",
            ),
            "c": (
                "64 px",
                "Yes. A defect of 60 px fits into the overlap of 64 px, so it is whole in one tile. The strip needs 16 "
                "tiles, and there is time for 18.",
            ),
            "d": (
                "128 px",
                "Every defect is whole in one tile, but the strip needs 23 tiles, and there is time for 18.",
            ),
        },
        "c",
    ),
)
