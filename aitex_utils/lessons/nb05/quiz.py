"""Questions of notebook 05."""

from __future__ import annotations

from aitex_utils.lessons.engine.quiz import Question

QUESTIONS = (
    Question(
        "05.q1",
        "You forget the square root throughout your program. Which result stays the same?",
        {
            "a": (
                "The tile AUROC of the mean of the ten largest distances",
                "A mean of squares gives large distances more weight, so two tiles can change places.",
            ),
            "b": (
                "The tile AUROC of the largest distance",
                "Yes. Squaring keeps the order of single distances, and an AUROC depends only on the order.",
            ),
            "c": (
                "The set of tiles above last week's threshold",
                "The threshold was chosen for distances, and squares have another scale.",
            ),
            "d": (
                "The maximum of a smoothed anomaly map",
                "Smoothing computes means, and means of squares weight large distances more.",
            ),
        },
        "b",
    ),
    Question(
        "05.q2",
        "You query the bank with one patch, then with the same patch in a batch of 1,000. The last digits of the "
        "patch's distance differ. Why?",
        {
            "a": ("The first search changed the index", "A search only reads the index."),
            "b": ("FAISS draws random numbers", "A flat index is deterministic."),
            "c": (
                "FAISS computes the sums differently, so rounding differs",
                "Yes. FAISS uses a matrix product for many patches and direct sums for few.",
            ),
            "d": ("Other patches of the batch count as neighbours", "All neighbours come from the bank."),
        },
        "c",
    ),
    Question(
        "05.q3",
        "An index misses the nearest vector. How does the exact distance to the vector found compare with the distance "
        "to the nearest vector?",
        {
            "a": ("It is larger, or equal", "Yes. A miss can raise a score, and never lowers one."),
            "b": ("It is smaller", "No vector is nearer than the nearest vector."),
            "c": ("It is larger or smaller by chance", "No vector is nearer than the nearest vector."),
            "d": ("It is infinite", "Only if the search finds no vector, as in empty cells."),
        },
        "a",
    ),
    Question(
        "05.q4",
        "On what do you train the centroids of IVF and the codebooks of PQ?",
        {
            "a": ("The patches of the test set", "The test set would then influence the detector that it judges."),
            "b": ("Random numbers of the same shape", "Random numbers do not lie where the patches lie."),
            "c": (
                "Nothing, because FAISS includes them",
                "They depend on the data. FAISS refuses `add` before training.",
            ),
            "d": (
                "A representative sample of the normal patches",
                "Yes: on patches of all fabrics in the bank, and never on test patches.",
            ),
        },
        "d",
    ),
    Question(
        "05.q5",
        "Extraction takes 70 microseconds per patch and a flat search 10. HNSW takes 5, and finds the nearest vector "
        "for 99 patches in 100. What do you gain, and at what cost?",
        {
            "a": ("Half of the total time", "You save half of the search: what share of the total is that?"),
            "b": (
                "1/16 of the total time, for about ten misses per tile",
                "Yes: 5 of 80 microseconds, and about 10 of 1,024 patches. One bad miss can set the score of a tile.",
            ),
            "c": (
                "1/16 of the total time, and all scores stay the same",
                "A tile has 1,024 patches. How many of them miss their nearest vector?",
            ),
            "d": ("Half of the memory", "HNSW stores all vectors, and the links as well."),
        },
        "b",
    ),
    Question(
        "05.q6",
        "Which index do you choose for each bank?",
        {
            "a": (
                "Flat for both",
                "For bank B, multiply the flat search by 1,024 patches and add the extraction. Does it meet the limit?",
            ),
            "b": (
                "Flat for A, IVF for B",
                "Yes. For A, flat is exact and the fastest. For B, flat exceeds the time limit. IVF stays within the "
                "limit, and you can raise its recall@1.",
            ),
            "c": (
                "HNSW for both",
                "For A it is slower than flat. For B it meets the limit, but in section 8 it lost more AUROC than IVF.",
            ),
            "d": (
                "Flat for A, PQ for B",
                "PQ saves memory, which is not the limit here. Its search was slower than flat in section 8.",
            ),
        },
        "b",
    ),
)
