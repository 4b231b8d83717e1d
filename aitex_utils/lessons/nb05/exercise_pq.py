"""Exercise 05.4: the codes of a product quantiser, and their bytes."""

from __future__ import annotations

from typing import Any

import numpy as np

from aitex_utils.lessons.engine.judge import Exercise, Mistake

from .exercise_search import squared_distances

Array = np.ndarray
CodesAndBytes = tuple[Array, int]  # codes (N, S) uint8, and the bytes of codes and codebooks


def _encode_cases() -> list[tuple]:
    """Return vectors (N, C) and codebooks (S, K, C / S)."""
    rng = np.random.default_rng(8)
    small = np.array([[0, 1, 9, 9], [5, 5, 1, 0], [8, 1, 4, 6]], np.float32)
    codebooks = np.array([[[0, 0], [5, 5], [9, 0]], [[9, 9], [0, 0], [5, 5]]], np.float32)
    vectors = rng.normal(size=(50, 12)).astype(np.float32)
    return [(small, codebooks), (vectors, rng.normal(size=(4, 16, 3)).astype(np.float32))]


def _codes(vectors: Array, codebooks: Array) -> Array:
    parts = vectors.reshape(len(vectors), len(codebooks), -1)  # (N, C) -> (N, S, C / S)
    codes = [squared_distances(parts[:, s], codebook).argmin(axis=1) for s, codebook in enumerate(codebooks)]
    return np.stack(codes, axis=1)


def _encode(vectors: Array, codebooks: Array) -> CodesAndBytes:
    codes = _codes(vectors, codebooks).astype(np.uint8)
    return codes, codes.nbytes + codebooks.nbytes


def _codebooks_not_counted(vectors: Array, codebooks: Array) -> CodesAndBytes:
    codes, _ = _encode(vectors, codebooks)
    return codes, codes.nbytes


def _codes_too_wide(vectors: Array, codebooks: Array) -> CodesAndBytes:
    codes = _codes(vectors, codebooks).astype(np.int64)
    return codes, codes.nbytes + codebooks.nbytes


def _type_left(vectors: Array, codebooks: Array) -> CodesAndBytes:
    return _codes(vectors, codebooks).astype(np.int64), _encode(vectors, codebooks)[1]


def _with_type(answer: Any, *_: Any) -> Any:
    """Add whether the codes are uint8: right values of another type take more than a byte each."""
    if not isinstance(answer, tuple) or len(answer) != 2:
        return answer
    return (*answer, np.asarray(answer[0]).dtype == np.uint8)


def _one_codebook(vectors: Array, codebooks: Array) -> CodesAndBytes:
    return _encode(vectors, np.repeat(codebooks[:1], len(codebooks), axis=0))


def _interleaved(vectors: Array, codebooks: Array) -> CodesAndBytes:
    step = len(codebooks)
    return _encode(np.concatenate([vectors[:, s::step] for s in range(step)], axis=1), codebooks)


def _turned(vectors: Array, codebooks: Array) -> CodesAndBytes:
    codes, size = _encode(vectors, codebooks)
    return codes.T, size


def _largest_product(vectors: Array, codebooks: Array) -> CodesAndBytes:
    parts = vectors.reshape(len(vectors), len(codebooks), -1)
    codes = np.einsum("nsd,skd->nsk", parts, codebooks).argmax(axis=2).astype(np.uint8)
    return codes, _encode(vectors, codebooks)[1]


ENCODE = Exercise(
    id="05.4",
    task="The code of each part of each vector (N, S), and the bytes of codes and codebooks.",
    reference=_encode,
    cases=_encode_cases,
    observe=_with_type,
    mistakes=(
        Mistake(
            "codebooks not counted",
            "The codes are right, and so are their bytes. But whoever is to read them needs the codebooks too: count "
            "those with them.",
            _codebooks_not_counted,
        ),
        Mistake(
            "codes too wide",
            "The codes are right, but each takes eight bytes: `argmin` gives 64-bit numbers. How many bytes does a "
            "number below 256 need? Change the type before you count.",
            _codes_too_wide,
        ),
        Mistake(
            "type left as it was",
            "The codes are right, and so is the number of bytes. But what you return isn't of the type `np.uint8`, so "
            "that it takes more bytes than you say: change the type of the codes themselves.",
            _type_left,
        ),
        Mistake(
            "one codebook for all",
            "All parts were looked up in the first codebook. Each part has one of its own: `codebooks[s]` for part s.",
            _one_codebook,
        ),
        Mistake(
            "interleaved",
            "The parts were made of every S-th channel. A part is a run of neighbouring channels: the first C / S, "
            "the next C / S, and so on.",
            _interleaved,
        ),
        Mistake(
            "turned",
            "The codes are turned: a row for each part. There should be a row for each vector.",
            _turned,
        ),
        Mistake(
            "largest product",
            "The entry with the largest product was taken, not the nearest one. Long entries win that way.",
            _largest_product,
        ),
    ),
    hints=(
        "Cut each vector into S runs of C / S channels. For each run: which entry of its codebook is nearest?",
        "`vectors.reshape(N, S, -1)` makes the runs. For part s compare `parts[:, s]` (N, C / S) with `codebooks[s]` "
        "(K, C / S), all with all, and take the `argmin`.",
        "`np.stack([...], axis=1).astype(np.uint8)` puts the S columns together; its `.nbytes`, plus "
        "`codebooks.nbytes`, is the second result.",
    ),
    praise="That is product quantisation: a few bytes a vector, and codebooks that all of them share.",
)
