"""The quiz of notebook 05."""

from __future__ import annotations

from .quiz import Question

QUESTIONS = (
    Question(
        "05.q1",
        "You forget the root, and take FAISS's squared distances for distances. Which result stays as it was?",
        {
            "a": ("The mean distance of a tile", "A mean of squares isn't the square of the mean: large ones win."),
            "b": (
                "The tile AUROC, if a tile's score is its largest distance",
                "Yes. Squaring keeps the order of numbers that aren't negative, and AUROC sees nothing but the order.",
            ),
            "c": ("The threshold", "It was made for distances, and squares are on another scale."),
            "d": ("The smoothed map", "Smoothing takes means, and those of squares are others."),
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
        "Your bank holds 2,000 vectors of one fabric. Which index?",
        {
            "a": ("HNSW, as it is the fastest", "At this size a walk costs about as much as looking at all."),
            "b": (
                "Flat: exact, nothing to train or tune, and a small part of the time",
                "Yes. Extraction takes most of the time, and what can't miss needn't be checked.",
            ),
            "c": ("PQ, as it is the smallest", "Such a bank has about a MiB: there is nothing to save."),
            "d": ("IVF with one cell", "That is a flat index with a detour."),
        },
        "b",
    ),
)
