"""Notebook 04's exercises on why greedy is slow, how it is made fast, and what one run is good for; see `nb04.py`."""

from __future__ import annotations

from functools import partial

from aitex_utils.lessons.engine.judge import Exercise, Mistake

from . import answers as a

TRAFFIC = Exercise(
    id="04.3",
    task="The bytes that pass between memory and processor while k patches are chosen, `block` of them in each pass.",
    reference=a.traffic,
    cases=a.banks,
    mistakes=(
        Mistake(
            "eight bytes a number",
            "Twice too many: float32 means 32 bits. How many bytes is that?",
            partial(a.traffic, size=8),
        ),
        Mistake(
            "numbers, not bytes",
            "You counted numbers. How many bytes does each take?",
            partial(a.traffic, size=1),
        ),
        Mistake(
            "nearest left out",
            "The patches are counted. But each pass also reads the N nearest distances and writes them back.",
            partial(a.traffic, nearest=0),
        ),
        Mistake(
            "nearest counted once",
            "Nearly: the nearest distances are read *and* written in each pass, so they count twice.",
            partial(a.traffic, nearest=1),
        ),
        Mistake(
            "not rounded up",
            "A part of a pass doesn't exist: if the last block isn't full, it still takes a whole pass.",
            partial(a.traffic, passes=lambda k, block: k / block),
        ),
        Mistake(
            "rounded down",
            "The last block, if it isn't full, is forgotten: it takes a pass too.",
            partial(a.traffic, passes=lambda k, block: k // block),
        ),
        Mistake(
            "block ignored",
            "Right where one patch is chosen in each pass. If a pass serves `block` of them at once, how many passes "
            "are there?",
            partial(a.traffic, passes=lambda k, block: k),
        ),
        Mistake(
            "start not counted",
            "One of the k is left out, the start. The distances to it have to be computed too.",
            partial(a.traffic, passes=lambda k, block: -(-(k - 1) // block)),
        ),
    ),
    hints=(
        "First count the passes: how many does it take for k patches if each pass serves `block` of them?",
        "One pass reads N times C numbers (the patches) and N numbers (the nearest distances), and writes N numbers.",
        "`-(-k // block)` rounds up (so does `math.ceil`). The bytes of a pass are 4 times (N C + 2 N).",
    ),
    praise="You can say now how long memory alone would take, before any code runs.",
)

CHOOSE_INSIDE = Exercise(
    id="04.4",
    task="The positions in the pool that greedy would choose, for as long as the pool is sure to hold the farthest.",
    reference=a.choose_inside,
    cases=a.pools,
    mistakes=(
        Mistake(
            "floor ignored",
            "You choose on although all that is left in the pool has fallen below the floor. Then a patch outside may "
            "be farther, and greedy would take that one.",
            partial(a.choose_inside, floored="never"),
        ),
        Mistake(
            "one too late",
            "You stop, but one choice too late: ask *before* choosing whether the best one is still at least the "
            "floor.",
            partial(a.choose_inside, floored="after"),
        ),
        Mistake(
            "equal refused",
            "A patch exactly at the floor is refused. Nothing outside is farther than the floor, so one that is *at "
            "least* as far may be taken. (If all were equal, you would choose none, and never get on.)",
            partial(a.choose_inside, floored="strictly"),
        ),
        Mistake(
            "not lowered",
            "You take the farthest by the distances they had at the beginning. But each choice brings its neighbours "
            "nearer: their distances have to be lowered before the next choice.",
            partial(a.choose_inside, lowered=False),
        ),
        Mistake(
            "distances among squares",
            "`near` and `floor` are squared distances, but you lower them by distances that aren't squared. Which of "
            "the two do you compare?",
            a.by_distance,
        ),
        Mistake(
            "only the last counts",
            "You keep only the distances to the last one chosen, so that patches near an earlier one seem far again. "
            "What did `near` say before? Of the old and the new, which one counts?",
            a.only_the_last,
        ),
        Mistake(
            "floor squared again",
            "`floor` is squared already, as `near` is: compare the two as they are.",
            a.floor_squared,
        ),
        Mistake(
            "most ignored",
            "Right, but for the last word: never more than `most`, since the coreset may be full before the pool "
            "is dry.",
            partial(a.choose_inside, bounded=False),
        ),
    ),
    hints=(
        "It is the greedy of exercise 04.2, on the pool alone, with two differences: `near` is there from the "
        "beginning, and you stop when its largest value is below the floor.",
        "The loop: while fewer than `most` are chosen, take `best = near.argmax()`. Is `near[best]` below the floor? "
        "Then stop. Otherwise note it, and lower `near`.",
        "`((pool - pool[best]) ** 2).sum(axis=1)` are the squared distances to the one just chosen; "
        "`np.minimum(near, ...)` is a new array, so that the one you were given stays as it was.",
    ),
    praise="Most of greedy's work now happens inside a small array that stays close to the processor.",
)

RISING = (
    "`np.searchsorted` halves the array again and again, which wants numbers that *rise*. Radii fall, so it ends "
    "anywhere. Turn them round, or take another way."
)

SIZE_FOR = Exercise(
    id="04.5",
    task="The smallest coreset size whose covering radius is at most the wanted one; 0 if none is.",
    reference=a.size_for,
    cases=a.curves,
    mistakes=(
        Mistake(
            "index for size",
            "One too small: `radii[0]` is the radius of a coreset of *one* patch. What size belongs to index i? (And "
            "an answer of 0 is kept for *never*.)",
            a.index_for_size,
        ),
        Mistake(
            "strictly below",
            "A radius that is exactly the wanted one is good enough: *at most* means that equal counts.",
            a.strictly_below,
        ),
        Mistake(
            "argmax of nothing",
            "Right, except where no radius is small enough: `argmax` of an array that is False throughout is 0, as if "
            "the first had been it. Ask `.any()` first.",
            a.first_of_none,
        ),
        Mistake(
            "one more than there are",
            "Right, except where no radius is small enough: then you promise a size that the run didn't reach. The "
            "task asks for 0 in that case.",
            a.one_more_than_all,
        ),
        Mistake(
            "all if never",
            "Right, except where no radius is small enough: the largest size doesn't reach it either. The task asks "
            "for 0 in that case.",
            a.all_if_never,
        ),
        Mistake(
            "how many",
            "That is how *many* sizes are good enough. Asked is the smallest of them. The radii fall: at which end of "
            "the array are the good ones?",
            a.how_many,
        ),
        Mistake("rising taken for granted", RISING, a.halved_wrongly),
        Mistake("rising taken for granted", RISING, partial(a.halved_wrongly, more=1)),
        Mistake(
            "last one",
            "That is the *largest* size that is good enough, which is always all of them. Asked is the smallest.",
            a.last_one,
        ),
    ),
    hints=(
        "The radii fall. Where in the array is the first one that is small enough, and what size does that place mean?",
        "`np.flatnonzero(radii <= wanted)` are the indices of all sizes that are good enough. It may be empty.",
        "Index i means size i + 1. If nothing was found, return 0.",
    ),
    praise="You can ask for a radius instead of a share, and one run answers for all of them.",
)
