"""Exercise 11.3: the largest block that fits into the memory of all workers."""

from __future__ import annotations

from functools import partial

from aitex_utils.lessons.engine.judge import Exercise, Mistake

from .reference import largest_block


def _block_cases() -> list[tuple]:
    gib, mib = 2**30, 2**20
    return [
        (1000, 100, 2, 30, 4),
        (16 * gib, 400 * mib, 4, 16_384, 2128),
        (8 * gib, 700 * mib, 3, 50_176, 4256),
        (2 * gib, 900 * mib, 2, 50_176, 4256),
        (1000, 600, 2, 30, 4),
    ]


def _block(
    limit: int,
    base: int,
    workers: int,
    strip_patches: int,
    patch_bytes: int,
    *,
    is_divided: bool = True,
    has_base: bool = True,
    base_once: bool = False,
    rounding: str = "down",
    least: int = 0,
) -> int:
    """Return the largest block, or with a mistake."""
    room = limit // workers if is_divided else limit
    if has_base:
        room -= base // workers if base_once else base
    per_strip = strip_patches * patch_bytes
    if rounding == "none":
        return max(0, room // patch_bytes)
    strips = -(-room // per_strip) if rounding == "up" else room // per_strip
    return strips * strip_patches if least < 0 else max(least, strips) * strip_patches


LARGEST_BLOCK = Exercise(
    id="11.3",
    task="The largest block, in patches, with which all workers fit into memory.",
    reference=largest_block,
    cases=_block_cases,
    returns="an integer",
    mistakes=(
        Mistake(
            "base left out",
            "A worker takes `base` bytes before its first block. Subtract them from its share of the memory.",
            partial(_block, has_base=False),
        ),
        Mistake(
            "memory of one worker",
            "You give all memory to one worker. `workers` of them work at the same time and share it.",
            partial(_block, is_divided=False),
        ),
        Mistake(
            "base counted once",
            "You subtract `base` once for all workers. *Each* worker takes that much: divide first, then subtract.",
            partial(_block, base_once=True),
        ),
        Mistake(
            "not whole strips",
            "A strip is never split. Round down to a multiple of `strip_patches`.",
            partial(_block, rounding="none"),
        ),
        Mistake(
            "rounded up",
            "You round up, so the last strip exceeds the memory. Round down.",
            partial(_block, rounding="up"),
        ),
        Mistake(
            "below zero",
            "Right where a strip fits. Where not even one fits, return 0 and not a negative number.",
            partial(_block, least=-1),
        ),
        Mistake(
            "at least one strip",
            "Where not even one strip fits, you still return one. The system would end the worker. Return 0.",
            partial(_block, least=1),
        ),
        Mistake(
            "strips for patches",
            "You return the number of strips. `block_size` counts patches: multiply by `strip_patches`.",
            lambda *case: largest_block(*case) // case[3],
        ),
        Mistake(
            "bytes for patches",
            "You return bytes. `block_size` counts patches.",
            lambda *case: largest_block(*case) * case[4],
        ),
    ),
    hints=(
        "How many bytes does one worker have for its block, after its share of the memory and its own needs?",
        "`room = limit // workers - base`. A strip takes `strip_patches * patch_bytes`. How many whole strips fit into "
        "the room?",
        "`strips = room // (strip_patches * patch_bytes)`, but at least 0. Return `strips * strip_patches`.",
    ),
    praise="Leave some memory free in practice, because a system without free memory ends a worker without a message.",
)
