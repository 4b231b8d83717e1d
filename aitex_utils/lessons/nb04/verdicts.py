"""Say which of two ways is faster in notebook 04, and why, from timings with their range."""

from __future__ import annotations

from aitex_utils.lessons.timing import Timing


def compare_times(name: str, timing: Timing, other_name: str, other: Timing) -> str:
    """Say which of two ways is faster here, if the ranges of their runs do not overlap.

    Parameters
    ----------
    name, other_name : str
        Names of the two ways.
    timing, other : Timing
        Their timings.

    Returns
    -------
    str

    Examples
    --------
    >>> print(compare_times("A", Timing(1.0, 0.9, 1.1), "B", Timing(4.0, 3.0, 5.0)))
    On this machine, A is 4.0 times as fast as B.
    >>> print(compare_times("A", Timing(1.0, 0.9, 3.2), "B", Timing(4.0, 3.0, 5.0)))
    On this machine, the ranges of A and B overlap, so these times cannot rank them.
    """
    if timing.high >= other.low and other.high >= timing.low:
        return f"On this machine, the ranges of {name} and {other_name} overlap, so these times cannot rank them."
    if timing.median > other.median:
        name, timing, other_name, other = other_name, other, name, timing
    return f"On this machine, {name} is {other.median / timing.median:.1f} times as fast as {other_name}."


def describe_blocks(one: Timing, block: Timing, m: int) -> str:
    """Say what a product with m centres gains per centre over a product with one.

    Parameters
    ----------
    one, block : Timing
        Timings of a product with one centre, and of a product with m.
    m : int
        Number of centres.

    Returns
    -------
    str

    Examples
    --------
    >>> print(describe_blocks(Timing(0.01, 0.01, 0.01), Timing(0.04, 0.04, 0.04), 64))
    Here, 64 centres take 4.0 times as long as one: each centre takes 1/16 of the time.
    >>> print(describe_blocks(Timing(0.01, 0.01, 0.01), Timing(0.6, 0.5, 0.8), 64))
    Here, 64 centres take 60.0 times as long as one: on this machine, memory is not the limit for this bank.
    """
    ratio = block.median / one.median
    if ratio < 1:
        return f"Here, {m} centres took less time than one: the machine is busy. Run the cell again."
    result = f"Here, {m} centres take {ratio:.1f} times as long as one"
    if ratio < 0.7 * m:
        return f"{result}: each centre takes 1/{m / ratio:.0f} of the time."
    return f"{result}: on this machine, memory is not the limit for this bank."


def describe_module(pool: Timing, module: Timing) -> str:
    """Explain how the module's sampler compares with the pool of the notebook on the bank just measured.

    Parameters
    ----------
    pool, module : Timing
        Timings of `fast_greedy` and of `k_center_greedy`.

    Returns
    -------
    str

    Examples
    --------
    >>> print(describe_module(Timing(2.0, 1.9, 2.1), Timing(1.0, 0.9, 1.1)))
    On this machine, the module is 2.0 times as fast as pool and blocks. Its exact pruning pays off at this size.
    """
    verdict = compare_times("the module", module, "pool and blocks", pool)
    if "overlap" in verdict:
        return verdict
    if module.median < pool.median:
        return f"{verdict} Its exact pruning pays off at this size."
    return f"{verdict} Its extra steps cost more than they save here. They pay off on larger banks and a quiet machine."
