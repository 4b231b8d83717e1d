"""Notebook 04's quiz; see `nb04.py`."""

from __future__ import annotations

from .quiz import Question

QUESTIONS = (
    Question(
        "04.q1",
        "A coreset's covering radius is 3. What do you know of a new patch that equals a normal patch which was "
        "left out?",
        {
            "a": (
                "Its distance to the bank is at most 3",
                "Yes. No patch that was left out is farther than that from the coreset, so no patch equal to one is.",
            ),
            "b": (
                "Its distance to the bank is 0",
                "Only if the patch itself is in the coreset. It was left out.",
            ),
            "c": ("Its distance to the bank is at least 3", "The radius is an upper bound, not a lower one."),
            "d": ("Nothing", "The radius is about just such patches: all those that were there."),
        },
        "a",
    ),
    Question(
        "04.q2",
        "Among the normal tiles, a single one has a defect that nobody noticed. Which coreset of 1 % is most likely to "
        "keep patches of it?",
        {
            "a": ("The random one", "It takes each patch with the same chance, so it mostly misses what is rare."),
            "b": ("That of k-means", "Its centres are means, drawn to where there are many patches."),
            "c": (
                "The greedy one",
                "Yes. It takes what is farthest from all others, and that is where a defect lies. Look at your "
                "normal tiles.",
            ),
            "d": ("All alike", "They choose by different rules: think of where a defect lies among normal patches."),
        },
        "c",
    ),
    Question(
        "04.q3",
        "A matrix product with 64 chosen patches at once takes far less than 64 times as long as with one. Why?",
        {
            "a": ("It rounds more coarsely", "Both compute in float32."),
            "b": (
                "Each patch is fetched from memory once instead of 64 times",
                "Yes. With one column, fetching takes longer than computing.",
            ),
            "c": ("It computes fewer products", "It computes exactly as many."),
            "d": ("It skips patches that are near already", "A plain matrix product skips nothing."),
        },
        "b",
    ),
    Question(
        "04.q4",
        "You have run greedy for 10 % of the patches and now want the coreset of 1 %. What do you do?",
        {
            "a": ("Run greedy again with the smaller k", "That gives the same patches once more."),
            "b": ("Take a tenth of the chosen ones at random", "A random tenth leaves gaps: its radius is larger."),
            "c": (
                "Take the last tenth of the indices",
                "Those fill gaps that the earlier ones left; alone they cover little.",
            ),
            "d": (
                "Take the first tenth of the indices",
                "Yes. Greedy never takes a choice back, so the first m of them are the answer for m.",
            ),
        },
        "d",
    ),
    Question(
        "04.q5",
        "What does a random projection to half the dimensions do to greedy?",
        {
            "a": (
                "It halves the bytes of a pass, and distances come out a little wrong",
                "Yes. Choices are made by distances that are off by some per cent. The bank still keeps whole patches.",
            ),
            "b": ("It halves the number of patches", "It shortens each patch; there are as many as before."),
            "c": ("It leaves the chosen patches the same", "Not quite: slightly different distances, other choices."),
            "d": (
                "It halves the memory of the bank",
                "The bank keeps the chosen patches as they were. Only the choosing is done with shorter ones.",
            ),
        },
        "a",
    ),
)
