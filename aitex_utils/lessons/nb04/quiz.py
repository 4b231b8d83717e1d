"""Questions of notebook 04."""

from __future__ import annotations

from aitex_utils.lessons.engine.quiz import Question

QUESTIONS = (
    Question(
        "04.q1",
        "The covering radius of a coreset is 3. A new patch equals a normal patch that was left out. What follows?",
        {
            "a": (
                "Its distance to the bank is at most 3",
                "Yes. No patch that was left out is farther than 3 from the coreset, so this holds for its copy too.",
            ),
            "b": (
                "Its distance to the bank is 0",
                "Only if the patch itself is in the coreset. It was left out.",
            ),
            "c": ("Its distance to the bank is at least 3", "The radius is an upper bound, not a lower bound."),
            "d": ("Nothing", "The radius is a bound for exactly such patches: all patches before the sampling."),
        },
        "a",
    ),
    Question(
        "04.q2",
        "One of the normal tiles has a defect that was overlooked. Which coreset of 1 % is most likely to contain "
        "patches of this defect?",
        {
            "a": ("The random coreset", "Each patch has the same chance, so a rare patch is mostly left out."),
            "b": ("The coreset of k-means", "Its centres are means, and means lie where there are many patches."),
            "c": (
                "The greedy coreset",
                "Yes. Greedy takes patches far from its previous choices, and a defect is such a patch. Inspect "
                "your normal tiles.",
            ),
            "d": ("All are equally likely", "The samplers differ. Where does a defect lie among normal patches?"),
        },
        "c",
    ),
    Question(
        "04.q3",
        "One pass multiplies all patches by 64 chosen patches instead of one. What happens to the number of patch "
        "bytes that it reads from memory?",
        {
            "a": ("It grows 64-fold", "The arithmetic grows 64-fold. The patches are read once."),
            "b": (
                "It stays the same, so each patch read serves 64 choices",
                "Yes. This is the point of blocks: more arithmetic per byte.",
            ),
            "c": ("It falls by a factor of 64", "Per choice it does. Per pass, all patches are read."),
            "d": ("That depends on the processor", "The time depends on it. The number of bytes does not."),
        },
        "b",
    ),
    Question(
        "04.q4",
        "You have the indices and the radii of a greedy run for 1,000 patches. How do you get the covering radius of "
        "its coreset of 100 patches?",
        {
            "a": ("Run greedy again for 100 patches", "From the same start, this gives the same patches again."),
            "b": (
                "Multiply the last radius by the square root of ten",
                "There is no such law. The radii are in the array.",
            ),
            "c": (
                "Take the largest of the last 100 radii",
                "Those belong to coresets of more than 900 patches.",
            ),
            "d": (
                "Take radii[99]",
                "Yes. The first 100 indices are the coreset, and the run recorded its radius on the way.",
            ),
        },
        "d",
    ),
    Question(
        "04.q5",
        "You choose a coreset with a random projection to half the dimensions. What changes when a new tile is scored?",
        {
            "a": (
                "Nothing in time or memory, but the bank contains some different patches",
                "Yes. Only the sampling used projected patches. The bank keeps the full patches.",
            ),
            "b": ("The search takes half as long", "The search compares full patches, as many as before."),
            "c": ("Distances are only half as large", "The search uses no projection, so its distances are exact."),
            "d": (
                "The bank takes half the memory",
                "The bank keeps the chosen patches in full. Only the sampling used projected patches.",
            ),
        },
        "a",
    ),
    Question(
        "04.q6",
        "A detector scores a tile by its largest patch distance. One false alarm stops the loom. Which sampler do you "
        "choose, and which panel decides?",
        {
            "a": (
                "k-means: lowest mean distance (right panel)",
                "The mean hides the rare patches. The score is a maximum, so the worst patch decides.",
            ),
            "b": (
                "Greedy: lowest worst distance (left panel)",
                "Yes. The worst patch determines a maximum, and greedy has the lowest worst distance at every size.",
            ),
            "c": ("Random: in between (both panels)", "In the left panel, random has the largest distance."),
            "d": (
                "Greedy: lowest mean distance (right panel)",
                "In the right panel, k-means is lowest. Greedy leads in the left panel.",
            ),
        },
        "b",
    ),
    Question(
        "04.q7",
        "Which sentence justifies a ratio of 1 in 10 for this mill?",
        {
            "a": (
                "The authors of PatchCore use it",
                "Their costs and limits differ from the costs and limits of this mill.",
            ),
            "b": (
                "It misses fewer defects than all other ratios",
                "It does not: 1 in 4 misses 30 of 1,000. A difference of 1 in 1,000 can also be chance.",
            ),
            "c": (
                "It needs the least memory",
                "1 in 100 needs less. Memory is a limit here, and below the limit it costs nothing.",
            ),
            "d": (
                "It is the cheapest ratio within both limits",
                "Yes. Larger banks are too slow, and the misses of 1 in 100 cost more than its computing saves.",
            ),
        },
        "d",
    ),
)
