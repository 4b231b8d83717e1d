"""Compare what a learner's function gives with what was expected, and put the difference into words.

Nothing here trusts the learner's values: they may be of any type, and their own methods may raise.
"""

from __future__ import annotations

import inspect
import numbers
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

PASSED, NOT_ATTEMPTED, CRASHED, WRONG_KIND, WRONG_SHAPE, MISTAKE, WRONG_VALUE = (
    "passed",
    "not attempted",
    "crashed",
    "wrong kind",
    "wrong shape",
    "mistake",
    "wrong value",
)
LONGEST = 60  # characters of a value that is shown
MOST = 10**7  # values that are read or copied; a `range` can promise more than a machine holds


@dataclass(frozen=True)
class Verdict:
    """How an answer was judged: its `kind`, one of the names above, and what the learner is told."""

    kind: str
    told: str
    mistake: str = ""

    @property
    def passed(self) -> bool:
        return self.kind == PASSED


class Refused(Exception):
    """The answer can't be compared; carries the verdict."""

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict


def plain(value: Any, whole: bool = True) -> Any:
    """Return numbers, arrays and tensors as arrays, unlike things as tuples; refuse what can't be compared.

    `whole` says that `value` is all that a function returned, not a part of it. The value's own methods may raise.
    """
    if value is None and whole:
        raise Refused(Verdict(WRONG_KIND, "Your function returns None. Is the `return` missing?"))
    if inspect.iscoroutine(value):
        value.close()
        raise Refused(Verdict(WRONG_KIND, "Your function is an `async def`, which gives no value: leave out `async`."))
    if isinstance(value, Iterator):
        raise Refused(
            Verdict(WRONG_KIND, "Your function gives a generator or an iterator. Make a list or an array of it.")
        )
    if isinstance(value, range) and len(value) > MOST:
        raise Refused(Verdict(WRONG_KIND, f"Your function gives a range of {len(value):,} values, too many to read."))
    if isinstance(value, dict):
        return {key: plain(part, False) for key, part in value.items()}
    if isinstance(value, (tuple, list)):
        return _sequence(value)
    if value is None or isinstance(value, (str, bytes, set, frozenset)) or callable(value):
        return value
    if hasattr(value, "detach"):  # a torch tensor
        value = value.detach().cpu()
        value = (value.float() if str(value.dtype) == "torch.bfloat16" else value).numpy()  # NumPy has no bfloat16
    if isinstance(value, numbers.Number) and not isinstance(value, (int, complex, np.generic)):
        value = float(value)  # fractions and decimals too
    array = np.asarray(value)
    if array.dtype == object and array.ndim == 0:
        return float(value) if isinstance(value, int) else value
    return array.copy() if array.size <= MOST else array  # a function may use the same memory for its next answer


def _sequence(value: tuple | list) -> Any:
    """Return a list or tuple as one array where its parts are alike, else as a tuple of its parts."""
    if all(isinstance(part, str) for part in value):
        return np.asarray(value)
    if isinstance(value, list) or not any(isinstance(p, (list, tuple)) or np.ndim(p) for p in value):
        try:
            array = np.asarray(value)
        except Exception:  # noqa: BLE001 - rows of different length, tensors that know their gradient, ...
            array = np.asarray(None)
        if array.dtype.kind in "biufc":  # NumPy would also make texts of numbers that stand beside a text
            return array
    parts = tuple(plain(part, False) for part in value)
    alike = all(isinstance(p, np.ndarray) for p in parts) and len({p.shape for p in parts}) == 1
    return np.asarray(parts) if alike and (isinstance(value, list) or parts[0].ndim == 0) else parts


def close(expected: Any, got: Any, tolerance: float) -> bool:
    """Say whether two things that came from `plain` agree; whole numbers and truth values exactly so."""
    expected, got = _alike(expected, got)
    if isinstance(expected, tuple) and isinstance(got, tuple):
        pairs = zip(expected, got, strict=False)
        return len(expected) == len(got) and all(close(e, g, tolerance) for e, g in pairs)
    if isinstance(expected, dict) and isinstance(got, dict):
        return expected.keys() == got.keys() and all(close(expected[key], got[key], tolerance) for key in expected)
    if isinstance(expected, np.ndarray) and isinstance(got, np.ndarray):
        if expected.shape != got.shape:
            return False
        if _numeric(expected) and _numeric(got):
            return not _apart(expected, got, tolerance).any()
        return expected.dtype.kind == got.dtype.kind and bool(np.array_equal(expected, got))
    for alike in (str, bytes, (set, frozenset)):
        if isinstance(expected, alike) and isinstance(got, alike):
            return bool(expected == got)
    return type(expected) is type(got) and bool(expected == got)


def _alike(expected: Any, got: Any) -> tuple[Any, Any]:
    """Return both in the same form where one is several arrays of one shape and the other an array of them."""
    if isinstance(expected, tuple) and isinstance(got, np.ndarray) and got.ndim and len(got) == len(expected):
        return expected, tuple(np.asarray(part) for part in got)
    if isinstance(expected, np.ndarray) and isinstance(got, tuple) and got:
        shapes = {part.shape if isinstance(part, np.ndarray) else None for part in got}
        if len(shapes) == 1 and None not in shapes:
            return expected, np.asarray(got)
    return expected, got


def _apart(expected: np.ndarray, got: np.ndarray, tolerance: float) -> np.ndarray:
    """Return where two arrays of numbers differ; a relative tolerance would let a large count be off by one."""
    relative = tolerance if expected.dtype.kind == "f" else 0.0
    with np.errstate(all="ignore"):
        return ~np.isclose(got, expected, rtol=relative, atol=tolerance, equal_nan=True)


def difference(
    expected: Any, got: Any, case: tuple, how_often: str, tolerance: float = 1e-5, names: Sequence[str] = ()
) -> Verdict:
    """Say how an answer differs from the expected one: in kind, in shape or in value, and where first.

    `case` holds the arguments of the first call that went wrong, `names` what the function calls them.
    """
    return _difference(expected, got, _arguments(case, names), how_often, tolerance)


def _difference(expected: Any, got: Any, given: str, how_often: str, tolerance: float) -> Verdict:
    single = isinstance(expected, tuple)  # several single numbers, no array
    expected, got = _alike(plain(expected, False), got)
    if isinstance(expected, np.ndarray) and isinstance(got, np.ndarray) and _numeric(got) == _numeric(expected):
        if expected.shape != got.shape:
            several = expected.ndim and got.ndim
            told = f"The shape is {got.shape}, expected {expected.shape}" if several else _kinds(expected, got)
            return Verdict(WRONG_SHAPE, f"{told} for {given}.")
        if _numeric(got):
            return Verdict(WRONG_VALUE, _values(expected, got, given, how_often, tolerance, single))
    if isinstance(expected, tuple) and isinstance(got, tuple) and len(expected) == len(got):
        for i, (e, g) in enumerate(zip(expected, got, strict=True)):
            if not close(e, g, tolerance):
                inner = _difference(e, g, given, how_often, tolerance)
                return Verdict(
                    inner.kind, f"Of the {len(expected)} things that it returns, number {i + 1} is off. {inner.told}"
                )
    if isinstance(expected, dict) and isinstance(got, dict):
        return _entries(expected, got, given, how_often, tolerance)
    if kind(expected) == kind(got):
        pair = _shown(got), _shown(expected)
        wanted = f", expected {pair[1]}" if pair[0] != pair[1] else ""
        return Verdict(WRONG_VALUE, f"Not yet right in {how_often}: for {given} it gives {pair[0]}{wanted}.")
    return Verdict(WRONG_KIND, f"{_kinds(expected, got)}.")


def _kinds(expected: Any, got: Any) -> str:
    return f"It returns {kind(got)}, expected {kind(expected)}"


def _values(
    expected: np.ndarray, got: np.ndarray, given: str, how_often: str, tolerance: float, single: bool = False
) -> str:
    """Put into words how many numbers differ, and the first of them."""
    apart = _apart(expected, got, tolerance)
    if not apart.any():
        return f"Not yet right in {how_often}: the values are near, but not the ones meant."
    where = tuple(int(i) for i in np.argwhere(apart)[0]) if expected.ndim else ()
    pair = _figures(got[where], expected[where])
    if expected.ndim == 0:
        return f"Not yet right in {how_often}: for {given} it gives {pair[0]}, expected {pair[1]}."
    off = int(apart.sum())
    counted = f" the shape is right, but {off} of {apart.size} values"
    if single:
        counted = f", {off} of the {apart.size} numbers"
    return (
        f"Not yet right in {how_often}. For {given}{counted} {'is off' if single and off == 1 else 'differ'}. "
        f"At [{', '.join(map(str, where))}] it gives {pair[0]}, expected {pair[1]}."
    )


def _entries(expected: dict, got: dict, given: str, how_often: str, tolerance: float) -> Verdict:
    """Say which keys of a dictionary are missing or too many, else which value is the first that differs."""
    missing, more = [k for k in expected if k not in got], [k for k in got if k not in expected]
    if missing or more:
        words = [f"{_shown(k)} is missing" for k in missing[:3]] + [f"{_shown(k)} is too many" for k in more[:3]]
        return Verdict(WRONG_KIND, f"The dictionary's keys aren't those expected: {', '.join(words)}.")
    off = next((k for k in expected if not close(expected[k], got[k], tolerance)), None)
    first = "" if off is None else f" The first that is off is {_shown(off)}, for {given}."
    told = f"Not yet right in {how_often}: the dictionary's keys are right, its values aren't.{first}"
    return Verdict(WRONG_VALUE, told)


def _figures(*values: Any) -> tuple[str, ...]:
    """Write numbers as short as they can still be told apart; whole ones and truth values in full."""
    whole = [str(np.asarray(v).item()) if np.asarray(v).dtype.kind in "biu" else None for v in values]
    for digits in (6, 9, 17):
        told = tuple(w or f"{float(v):.{digits}g}" for w, v in zip(whole, values, strict=True))
        if len(set(told)) == len(told):
            break
    return told


def _numeric(array: np.ndarray) -> bool:
    return array.dtype.kind in "biuf"


def kind(value: Any) -> str:
    """Name a thing in words a learner knows, without ever calling its own code."""
    if isinstance(value, np.ndarray):
        holds = {"O": "Python objects", "c": "complex numbers", "U": "texts", "S": "bytes", "M": "dates"}
        if value.ndim == 0:
            return "a single number" if _numeric(value) else f"a single value of type {value.dtype}"
        of = "" if _numeric(value) else f" of {holds.get(value.dtype.kind, str(value.dtype))}"
        return f"an array{of} of shape {value.shape}"
    named = {str: "a text", bytes: "bytes", dict: "a dictionary", list: "a list", set: "a set", bool: "True or False"}
    name = next((told for kind_, told in named.items() if issubclass(type(value), kind_)), None)
    if value is None:
        return "None"
    if issubclass(type(value), tuple):
        return f"{len(value)} things ({', '.join(kind(v) for v in value[:4])}{', ...' if len(value) > 4 else ''})"
    if issubclass(type(value), numbers.Number) and not name:
        return "a number"
    if issubclass(type(value), type):
        return f"the class {value.__name__}"
    return name or ("a function" if inspect.isroutine(value) else f"an object of type {type(value).__name__}")


def _arguments(case: tuple, names: Sequence[str] = ()) -> str:
    """Name the arguments of a case, the small ones by value."""
    if len(names) < len(case):
        return ", ".join(_shown(value) for value in case) or "no arguments"
    shown = [(name, _shown(value), _by_value(value)) for name, value in zip(names, case, strict=False)]
    return ", ".join(f"{n}={s}" if whole else f"{n} ({s})" for n, s, whole in shown) or "no arguments"


def _by_value(value: Any) -> bool:
    """Say whether `_shown` gives a thing itself, not only what it is."""
    return not inspect.isroutine(value) and _shown(value) not in (kind(value), _many(value))


def _many(value: Any) -> str:
    return f"{kind(value)} of {len(value)} things" if type(value) is list else kind(value)


def _shown(value: Any) -> str:
    """Return a value as short text: itself where it is small, else what it is."""
    if isinstance(value, np.ndarray):
        text = str(value.tolist()) if value.size <= 8 else ""
        return text if 0 < len(text) < LONGEST else kind(value)
    if type(value) is tuple and any(isinstance(part, np.ndarray) for part in value):
        text = f"({', '.join(map(_shown, value[:9]))})"
        return text if len(text) < LONGEST else kind(value)
    if inspect.isroutine(value):
        return f"the function {value.__name__}"
    text = " ".join(safely(repr, value).split())
    return text if len(text) < LONGEST and " at 0x" not in text else _many(value)  # an address says nothing


def same(a: Any, b: Any) -> bool:
    """Say whether two arguments are equal, NaN equal to NaN; what can't be compared counts as equal."""
    if type(a) is not type(b):
        return False
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, np.ndarray):
        return a.shape == b.shape and bool(np.array_equal(a, b, equal_nan=a.dtype.kind in "fc"))
    if hasattr(a, "detach"):
        return same(a.detach().cpu().numpy(), b.detach().cpu().numpy())
    return a == b or a != a if type(a) in (int, float, str, bool) else True


def safely(function: Callable[[Any], Any], value: Any, otherwise: Any = None) -> Any:
    """Return `function(value)`, or `otherwise` (the name of the value's type) where a learner's own code raises."""
    try:
        return function(value)
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001 - a learner's __str__ may raise anything, SystemExit too
        return type(value).__name__ if otherwise is None else otherwise
