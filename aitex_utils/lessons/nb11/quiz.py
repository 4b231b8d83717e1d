"""Questions of notebook 11."""

from __future__ import annotations

from aitex_utils.lessons.engine.quiz import Question

QUESTIONS = (
    Question(
        "11.q1",
        "The coresets of two blocks have covering radii of 2 and 3. The last coreset has a radius of 1 over their "
        "union. How far can a patch of the first block be from the last coreset?",
        {
            "a": ("1", "This radius covers the patches that the blocks kept, not those that they left out."),
            "b": ("3", "Yes, at most: 2 within its block, and 1 more to the last coreset."),
            "c": ("4", "That is the bound over both blocks. A patch of the first block needs at most 2 + 1."),
            "d": ("6", "A patch lies in one block, so the radii of the blocks are not added."),
        },
        "b",
    ),
    Question(
        "11.q2",
        "Why is the result the same whichever worker finishes first?",
        {
            "a": ("Because all workers have the same seed", "A seed alone would not help if the order mattered."),
            "b": (
                "Because each block depends on its own patches and the seed, and the join takes the blocks by number",
                "Yes. The order in which they end has no effect on either.",
            ),
            "c": ("Because the scheduler waits for the slower worker", "It does not wait. Blocks end in any order."),
            "d": ("It is not the same, only similar", "It is the same, bit for bit, on one kind of processor."),
        },
        "b",
    ),
    Question(
        "11.q3",
        "Two workers take longer than one process for a fit of a few seconds. What do you look at first?",
        {
            "a": ("The block size", "It matters later. Here the work itself takes only seconds."),
            "b": ("The time to send the pixels", "Workers get the names of files. Sending a name takes milliseconds."),
            "c": (
                "The time before the first task",
                "Yes. Each worker imports PyTorch and loads the weights, which takes seconds.",
            ),
            "d": ("The covering radius", "It says how good the result is, not how long it takes."),
        },
        "c",
    ),
    Question(
        "11.q4",
        "A worker is killed while it reduces block 5. What happens to the fit?",
        {
            "a": ("It begins again with block 0", "Blocks that are on the disk are not made twice."),
            "b": ("Block 5 is left out", "Then the result would depend on the fault."),
            "c": (
                "Another worker begins block 5 anew, and the result is the same",
                "Yes. A block is written whole or not at all, so a half-made block never counts.",
            ),
            "d": ("The other worker completes the half-made block", "The memory of the killed worker is lost."),
        },
        "c",
    ),
    Question(
        "11.q5",
        "A bank has 4 shards, and you need the 3 nearest vectors of the whole bank. What must each shard return?",
        {
            "a": ("Its nearest vector", "The 3 nearest vectors can all be in one shard."),
            "b": ("Its 3 nearest vectors", "Yes. The 3 nearest of the whole bank are among these 12 vectors."),
            "c": ("All its vectors with their distances", "That is right too, but moves far more than is needed."),
            "d": ("Every fourth vector", "The nearest vector can be any of them."),
        },
        "b",
    ),
    Question(
        "11.q6",
        "Which of these programs becomes faster with smaller blocks?",
        {
            "a": ("A: it waits before the first task", "Smaller blocks do not start a worker earlier."),
            "b": ("B: it moves data", "More blocks move the same data in more pieces. Send names of files instead."),
            "c": (
                "C: one worker has the last large block",
                "Yes. With smaller blocks, the other worker takes a part of this work.",
            ),
            "d": ("All of them", "Smaller blocks solve one of these problems only. Look at each timeline again."),
        },
        "c",
    ),
)
