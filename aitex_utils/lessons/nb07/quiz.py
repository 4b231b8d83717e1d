"""Questions of notebook 07."""

from __future__ import annotations

from aitex_utils.lessons.engine.quiz import Question

QUESTIONS = (
    Question(
        "07.q1",
        "A threshold was chosen to maximise F1 on the test tiles. What is that F1 worth?",
        {
            "a": ("It is the F1 to expect tomorrow", "The threshold was fitted to today's labels."),
            "b": ("It is too low, because other thresholds do better", "On these tiles no threshold does better."),
            "c": (
                "It is too high for tomorrow, but it can compare detectors on one test set",
                "Yes. The threshold was chosen with the test labels in sight.",
            ),
            "d": (
                "Nothing, not even for comparisons",
                "All detectors get the same advantage, so they can be compared.",
            ),
        },
        "c",
    ),
    Question(
        "07.q2",
        "A test used 20 strips of 12 tiles. Resampling single tiles gives a narrow interval of the false-alarm rate. "
        "Why should you not report this interval?",
        {
            "a": (
                "Resampling repeats some tiles and leaves out others",
                "Every bootstrap does so, the bootstrap over strips too.",
            ),
            "b": (
                "Tiles of one strip are correlated, so these 240 tiles contain less information than 240 independent "
                "tiles",
                "Yes. A new delivery has new strips, and the interval must include the differences between strips.",
            ),
            "c": (
                "Tiles of one strip differ, and the interval ignores this difference",
                "The interval includes this difference. It leaves out the differences between strips.",
            ),
            "d": ("It has too few resamples", "More resamples make it smoother, but not wider."),
        },
        "b",
    ),
    Question(
        "07.q3",
        "Why does AUPRO take the mean over regions, and not the share of all defect pixels?",
        {
            "a": (
                "A small defect then counts as much as a large one",
                "Yes. With pooled pixels, one large region outweighs many small ones.",
            ),
            "b": ("It is faster to compute", "It is slower, because the regions must be found first."),
            "c": (
                "It then does not depend on the false-positive rate",
                "It is the area under a curve over this rate, up to a limit.",
            ),
            "d": ("It then needs no masks", "The regions are the connected parts of the masks."),
        },
        "a",
    ),
    Question(
        "07.q4",
        "A threshold from held-out normal tiles promises 1 false alarm in 10 tiles. On one new strip it raises "
        "3 in 10. Is the promise broken?",
        {
            "a": ("Yes, it must hold on each strip", "It is a promise about the mean over strips. Strips differ."),
            "b": ("No, because a threshold cannot promise anything", "It can, for strips like the calibration strips."),
            "c": ("No, because 3 in 10 is within rounding", "3 in 10 is three times the promised rate on this strip."),
            "d": (
                "This strip alone does not show it: the promise holds on average over strips like the calibration "
                "strips",
                "Yes. First ask whether the new strip is like the calibration strips.",
            ),
        },
        "d",
    ),
    Question(
        "07.q5",
        "A report states a 95 % interval of the false-alarm rate, from a bootstrap over tiles. Half of the variance is "
        "common to the tiles of a strip. How often does such an interval cover the true rate?",
        {
            "a": (
                "In 19 of 20 reports, as stated",
                "Even without correlation, the coverage is slightly lower.",
            ),
            "b": ("In about 9 of 10 reports", "This is the coverage of the interval over strips."),
            "c": (
                "In about 7 of 10 reports",
                "Yes. The line of the resampled tiles shows it, at a correlation of 0.5.",
            ),
            "d": ("Never, because tiles are correlated", "The interval is too narrow, but it is in the right place."),
        },
        "c",
    ),
    Question(
        "07.q6",
        "Checking a false alarm costs 2 euros, and a miss costs 300 euros. Which threshold is cheapest for this mill?",
        {
            "a": (
                "Low, because it misses the fewest defects",
                "Per 1,000 m it costs 8,000 euros for alarms and 300 euros for misses.",
            ),
            "b": (
                "High, because alarms and misses together cost the least",
                "Yes. Per 1,000 m it costs 200 euros for alarms and 1,500 euros for misses.",
            ),
            "c": (
                "Medium, because it is in the middle",
                "Per 1,000 m it costs 1,200 euros for alarms and 900 euros for misses.",
            ),
            "d": (
                "Very high, because it raises the fewest alarms",
                "Per 1,000 m it costs 20 euros for alarms, but 2,700 euros for misses.",
            ),
        },
        "b",
    ),
    Question(
        "07.q7",
        "Two detectors were tested on the same strips. The difference in AUROC is small. What do you report?",
        {
            "a": ("The larger AUROC", "The difference can be chance. State how certain it is."),
            "b": ("Both AUROCs with more digits", "Digits do not make a difference more certain."),
            "c": (
                "The interval of each AUROC",
                "Both detectors saw the same strips. Their difference is more certain than the two intervals suggest.",
            ),
            "d": (
                "The interval of the difference, from the same resampled strips",
                "Yes. `metrics.paired_bootstrap` computes it, with whole strips as units.",
            ),
        },
        "d",
    ),
)
