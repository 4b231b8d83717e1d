"""Quiz of notebook 01."""

from __future__ import annotations

from aitex_utils.lessons.engine.quiz import Question

QUESTIONS = (
    Question(
        "01.q1",
        "A strip is defective, but its mask is black everywhere. What do you do with its tiles?",
        {
            "a": (
                "Count them as clean: the mask says so.",
                "The name says there is a defect, only not where. One of these tiles would be called clean and isn't.",
            ),
            "b": (
                "Count them all as defective: some are.",
                "Most of them are faultless: a defect is small. The detector would be "
                "blamed for not seeing what isn't there.",
            ),
            "c": (
                "Leave them out of measures by tile.",
                "Yes. Where the defect is isn't known; the strip as a whole may still be judged.",
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
                "Yes. A detector could tell them apart without ever "
                "looking at the fabric, and fail on the next machine.",
            ),
            "b": (
                "It makes the pictures larger and the work longer.",
                "It costs time, but that isn't the harm it does.",
            ),
            "c": (
                "It is a good deal brighter than any fabric is.",
                "Often, but brightness alone would do no harm if it were everywhere the same.",
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
                "It finds exactly what it found before; only the question has changed.",
            ),
            "b": (
                "No. The smallest defects are no longer asked for.",
                "Yes. The hardest questions have been taken out of the exam. Two figures compare only under one rule.",
            ),
            "c": (
                "No, a higher share makes the test harder.",
                "The other way round: what stays is large and easy to see.",
            ),
        },
        "b",
    ),
    Question(
        "01.q4",
        "A paper shuffles all normal tiles, fits on a quarter and tests on the rest. Compared with the cloth that is "
        "woven tomorrow, the rate of false alarms that it reports is ...",
        {
            "a": (
                "too low.",
                "Yes. Tomorrow's cloth is a new strip, and a new strip is farther from the "
                "memory bank than the sister tiles in that test.",
            ),
            "b": (
                "about right: tiles are tiles.",
                "Only if strips were all alike. How much they differ is "
                "a matter of the fabric, and has to be measured.",
            ),
            "c": ("too high.", "Sister tiles are the easiest normals there are: what comes tomorrow is harder."),
        },
        "a",
    ),
    Question(
        "01.q5",
        "Of 1,000 tiles, 30 are defective. A programme that calls every tile clean is right in what share of cases?",
        {
            "a": ("50 %", 'That would be guessing with a coin. It never says "defective", and most tiles aren\'t.'),
            "b": ("97 %", "Yes, and it is worth nothing. With so few defects, accuracy says next to nothing."),
            "c": ("3 %", "That is the share in which it is wrong."),
        },
        "b",
    ),
)
