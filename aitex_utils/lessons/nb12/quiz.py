"""Questions of notebook 12."""

from __future__ import annotations

from aitex_utils.lessons.engine.quiz import Question

QUESTIONS = (
    Question(
        "12.q1",
        "You have 20 good pictures, and 10 of them are held out. Which false-alarm rate can you promise?",
        {
            "a": ("Any rate, if the scores look normal", "That would need an assumption which no 10 scores can test."),
            "b": ("1 in 11 at best", "Yes: the new picture is one of 11 that are equally likely to score highest."),
            "c": ("1 in 20 at best", "The pictures that the detector learned say nothing about new scores."),
            "d": ("5 %, because none of the 10 is flagged", "They set the threshold, so they cannot test it."),
        },
        "b",
    ),
    Question(
        "12.q2",
        "All good pictures were taken on one morning. What is wrong with their promise?",
        {
            "a": ("They are too few", "Their number can be large."),
            "b": (
                "It covers pictures of such mornings only: other light and other rolls can be flagged more often",
                "Yes. New pictures must be like the held-out ones.",
            ),
            "c": ("The threshold is infinite", "It is finite if there are enough pictures."),
            "d": ("Nothing", "The held-out pictures share the morning, so the test cannot show it."),
        },
        "b",
    ),
    Question(
        "12.q3",
        "Good pictures score higher week by week, and none reaches the threshold yet. What do you do?",
        {
            "a": ("Wait for the first false alarm", "The drift is visible now, and the promise is already weaker."),
            "b": ("Raise the threshold a little each week", "Then a defect that grows slowly is hidden too."),
            "c": (
                "Look at the pictures and the brightness, find the cause, and take good pictures anew",
                "Yes. A person decides whether the change is harmless.",
            ),
            "d": ("Let the detector learn all pictures that are not flagged", "A growing defect would be learned too."),
        },
        "c",
    ),
    Question(
        "12.q4",
        "A threshold that follows the scores flags 5 % of the pictures in the long run. What does that prove?",
        {
            "a": ("The detector works in any light", "The rule flags 5 % even if the scores mean nothing."),
            "b": ("5 % of the pictures have defects", "The rate is set by the rule, not by the cloth."),
            "c": (
                "Nothing about defects: the rule makes this rate whatever the pictures show",
                "Yes. Judge it by the defects that it finds.",
            ),
            "d": ("The threshold is right for each picture", "Only the average is fixed."),
        },
        "c",
    ),
    Question(
        "12.q5",
        "The report says that the test pictures are nearly equal to good ones. Why is this serious?",
        {
            "a": ("The files take twice the space", "Space does not matter."),
            "b": (
                "The detector has learned them, so their scores are too low and a defect in them is hidden",
                "Yes. Take other pictures for the test.",
            ),
            "c": ("The threshold becomes infinite", "It does not depend on the test pictures."),
            "d": ("Masks cannot be used", "The masks are not affected."),
        },
        "b",
    ),
)
