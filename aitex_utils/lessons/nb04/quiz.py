"""Questions of notebook 04."""

from __future__ import annotations

from aitex_utils.lessons.engine.quiz import Question

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
        "You have the indices and the radii of a greedy run for 1,000 patches. How do you get the covering radius of "
        "the best coreset of 100 that this run holds?",
        {
            "a": ("Run greedy again for 100 patches", "From the same start that gives the same patches once more."),
            "b": ("Take the last radius times the root of ten", "No such law holds: the radii say it themselves."),
            "c": (
                "Take the largest of the last 100 radii",
                "Those belong to coresets of more than 900. The last hundred fill gaps; alone they cover little.",
            ),
            "d": (
                "Take radii[99]",
                "Yes. The first hundred are what a run for a hundred gives, and their radius was noted on the way.",
            ),
        },
        "d",
    ),
    Question(
        "04.q5",
        "You fit with a random projection to half the dimensions instead of none. What changes when a new tile "
        "is scored?",
        {
            "a": (
                "Nothing in time or memory; the bank holds partly other patches",
                "Yes. Only the choosing was done with shortened patches. The bank keeps whole ones.",
            ),
            "b": ("The search takes half as long", "It compares with whole patches, as many as before."),
            "c": ("Distances come out too small by half", "A search uses no projection: its distances are true."),
            "d": (
                "The bank takes half the memory",
                "The bank keeps the chosen patches as they were. Only the choosing is done with shorter ones.",
            ),
        },
        "a",
    ),
)
