"""Questions of notebook 05."""

from __future__ import annotations

from aitex_utils.lessons.engine.quiz import Question

QUESTIONS = (
    Question(
        "05.q1",
        "You forget the root from today on, in everything. Which of these results is the same as yesterday?",
        {
            "a": (
                "The tile AUROC, if a tile's score is the mean of its ten largest distances",
                "A mean of squares gives the large ones more weight: two tiles may change places.",
            ),
            "b": (
                "The tiles that score higher by their largest distance than the worst clean tile",
                "Yes. Both sides are single numbers that are squared alike, and squaring keeps their order.",
            ),
            "c": (
                "The tiles that score above the threshold noted yesterday",
                "It was made for distances, and squares are on another scale.",
            ),
            "d": ("The highest place of a smoothed map", "Smoothing takes means, and those of squares are others."),
        },
        "b",
    ),
    Question(
        "05.q2",
        "The same patch gets distances that differ in the last digits when it is searched alone or among many. Why?",
        {
            "a": ("The index was changed by the search", "A search reads the index, and writes nothing."),
            "b": ("FAISS draws at random", "A flat index draws nothing."),
            "c": (
                "Sums are taken in another way or order, and rounding differs",
                "Yes: a matrix product for many, direct sums for few, and both split among threads.",
            ),
            "d": ("Other patches of the batch count as neighbours", "Neighbours come from the bank alone."),
        },
        "c",
    ),
    Question(
        "05.q3",
        "An index misses the nearest vector, and you take the true distance to what it found. How is that distance?",
        {
            "a": (
                "Too large, or as it was",
                "Yes. Another vector is at least as far. Misses make things look stranger, never more normal.",
            ),
            "b": ("Too small", "It would be if something nearer than the nearest had been found."),
            "c": ("Too large or too small, by chance", "Another vector can't be nearer than the nearest."),
            "d": ("Infinite", "Only if nothing at all was found, as in empty cells."),
        },
        "a",
    ),
    Question(
        "05.q4",
        "On which patches are the centroids of IVF and the codebooks of PQ trained?",
        {
            "a": ("On the patches to be judged", "Then these shape the index by which they are judged."),
            "b": ("On random numbers of the same shape", "They wouldn't lie where the patches do."),
            "c": ("On none, they come with FAISS", "They depend on the data: FAISS refuses to add before training."),
            "d": (
                "On a representative lot of the normal patches",
                "Yes: on all kinds of cloth that the bank is to hold, and on nothing that is tested.",
            ),
        },
        "d",
    ),
    Question(
        "05.q5",
        "A patch takes 70 microseconds to extract and 10 to search for in the flat index. HNSW would take 5, and find "
        "the nearest of 99 patches in 100. What would you get by it?",
        {
            "a": ("Half of the whole time saved", "Half of the search: what share of the whole is that?"),
            "b": (
                "A sixteenth of the time saved, for about ten misses a tile",
                "Yes: five of 80 microseconds, and about ten of 1,024 patches. One bad miss can make a tile's score.",
            ),
            "c": (
                "A sixteenth of the time saved, and the same scores",
                "A tile has 1,024 patches. How many miss their nearest, and which of them makes the score?",
            ),
            "d": ("Half of the memory saved", "HNSW keeps all vectors, and links besides."),
        },
        "b",
    ),
)
