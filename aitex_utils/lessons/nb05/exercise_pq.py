"""Exercise 05.4: the codes of a product quantiser, and their bytes."""

from __future__ import annotations

from typing import Any

import numpy as np

from aitex_utils.lessons.engine.compare import close, plain
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


def _results_agree(expected: Any, answer: Any, *_: Any) -> bool:
    """Compare codes and bytes. Codes of another type than uint8 take more than a byte each, so they differ."""
    if not close(plain(expected, False), answer, 1e-5):
        return False
    is_byte = [_codes_are_bytes(result) for result in (expected, answer)]
    return is_byte[0] == is_byte[1]


def _codes_are_bytes(result: Any) -> bool:
    arrays = [part for part in result if np.ndim(part) == 2]
    return any(np.asarray(part).dtype == np.uint8 for part in arrays)


def _numbers_not_bytes(vectors: Array, codebooks: Array) -> CodesAndBytes:
    codes, _ = _encode(vectors, codebooks)
    return codes, codes.size + codebooks.size


def _in_bits(vectors: Array, codebooks: Array) -> CodesAndBytes:
    codes, size = _encode(vectors, codebooks)
    return codes, 8 * size


def _swapped(vectors: Array, codebooks: Array) -> tuple[int, Array]:
    codes, size = _encode(vectors, codebooks)
    return size, codes


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
    task="Return the code of each part of each vector (N, S), and the bytes of codes and codebooks.",
    reference=_encode,
    cases=_encode_cases,
    agree=_results_agree,
    mistakes=(
        Mistake(
            "results swapped",
            "Both results are right, but in the wrong order: return the codes first, then the number of bytes.",
            _swapped,
        ),
        Mistake(
            "codebooks not counted",
            "The codes are right, and so are their bytes. But no program can read codes without the codebooks: add the "
            "bytes of the codebooks.",
            _codebooks_not_counted,
        ),
        Mistake(
            "size for bytes",
            "The codes are right, but the second result counts numbers, not bytes. A float32 entry of a codebook takes "
            "four bytes: use `.nbytes` instead of `.size`.",
            _numbers_not_bytes,
        ),
        Mistake(
            "bits for bytes",
            "The codes are right, but the second result is in bits. A byte has eight bits.",
            _in_bits,
        ),
        Mistake(
            "codes too wide",
            "The codes are right, but each takes eight bytes, because `argmin` returns 64-bit numbers. A number below "
            "256 fits into one byte: convert the type before you count.",
            _codes_too_wide,
        ),
        Mistake(
            "type left as it was",
            "The codes and the number of bytes are right, but the returned codes do not have the type `np.uint8`. They "
            "take more bytes than you report: convert the codes themselves.",
            _type_left,
        ),
        Mistake(
            "one codebook for all",
            "All parts were compared with the first codebook. Each part has its own: `codebooks[s]` for part s.",
            _one_codebook,
        ),
        Mistake(
            "interleaved",
            "Your parts consist of every S-th channel. A part is a run of consecutive channels: the first C / S, the "
            "next C / S, and so on.",
            _interleaved,
        ),
        Mistake(
            "turned",
            "The codes are transposed: there is one row per part. Return one row per vector.",
            _turned,
        ),
        Mistake(
            "largest product",
            "Your function returns the entry with the largest product, not the nearest entry. Long entries win that "
            "way.",
            _largest_product,
        ),
    ),
    hints=(
        "Cut each vector into S runs of C / S channels. For each run: which entry of its codebook is nearest?",
        "`vectors.reshape(N, S, -1)` makes the runs. For part s, compare `parts[:, s]` (N, C / S) with `codebooks[s]` "
        "(K, C / S), and take the `argmin` over K.",
        "`np.stack([...], axis=1).astype(np.uint8)` joins the S columns. Its `.nbytes` plus `codebooks.nbytes` is the "
        "second result.",
    ),
    praise="This is product quantisation: a few bytes per vector, and codebooks that all vectors share.",
)
