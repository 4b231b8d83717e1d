"""Figures of notebook 11: what a fit needs, circles and trees of coresets, and the time of workers, with captions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from aitex_utils.errors import InputError
from aitex_utils.lessons.wording import check_values, count, number_text
from aitex_utils.plots import (
    COLOURS,
    DEFECTIVE,
    FOURTH,
    LINE,
    LINE_STYLES,
    MARKERS,
    NORMAL,
    OUTSIDE,
    make_axes,
    use_log_x,
)

from .records import Task, group_by_worker
from .toy import JoinedBlocks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GREY, PALE = "#9a9a9a", "#cfe3f1"
HATCHES = ("", "//", "..", "xx")
NARROW = 0.03  # share of the axis, below which a bar has no room for its name


def plot_growth(
    strips: Sequence[int],
    panels: Mapping[str, Mapping[str, Sequence[float]]],
    limits: Mapping[str, tuple[str, float]],
    marks: Mapping[str, int],
) -> tuple[Figure, str]:
    """Draw what a fit needs against the number of strips, one panel per unit, all axes logarithmic.

    Parameters
    ----------
    strips : sequence of int
        Numbers of strips, rising.
    panels : mapping of str to mapping of str to sequence of float
        For each unit the lines by name.
    limits : mapping of str to (str, float)
        For each unit the name and the height of a limit.
    marks : mapping of str to int
        Numbers of strips to mark, by name.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Raises
    ------
    InputError
        If a line does not have one value above 0 for each number of strips.

    Examples
    --------
    >>> plot_growth([1, 10], {"GiB": {"whole": [1, 20]}}, {"GiB": ("16 GiB", 16)}, {})[1]
    'Needs from 1 to 10 strips. GiB: whole from 1 to 20, above 16 GiB from about 8 strips.'
    """
    check_values({"strips": strips}, positive=True)
    check_values(
        {f"{unit} {name}": line for unit, lines in panels.items() for name, line in lines.items()}, positive=True
    )
    if any(len(line) != len(strips) for lines in panels.values() for line in lines.values()):
        raise InputError(f"A line does not have {len(strips)} values: give one for each number of strips.")
    figure, axes = make_axes(1, len(panels), (4.7 * len(panels), 4.2), squeeze=False)
    parts = []
    for axis, (unit, lines) in zip(axes[0], panels.items(), strict=True):
        name_of_limit, limit = limits[unit]
        axis.axhline(limit, color=GREY, linewidth=4, alpha=0.5, label=name_of_limit)
        for i, (name, line) in enumerate(lines.items()):
            axis.loglog(strips, line, LINE_STYLES[i % 4] + MARKERS[i], color=COLOURS[i % 4], markersize=4, label=name)
            crossing = _crossing(strips, line, limit)
            above = f", above {name_of_limit} from about {crossing:,.0f} strips" if crossing else ""
            parts.append(f"{unit}: {name} from {number_text(line[0], 2)} to {_large(line[-1])}{above}")
        for name, number in marks.items():
            axis.axvline(number, color=LINE, linewidth=0.8, linestyle=":")
            place = {"xycoords": ("data", "axes fraction"), "xytext": (-3, 3), "textcoords": "offset points"}
            axis.annotate(name, (number, 1), **place, fontsize=8, rotation=60, ha="left", va="bottom")
        axis.set(xlabel="strips", ylabel=unit)
        axis.legend(fontsize=8, loc="upper left")
    return figure, f"Needs from {strips[0]:,} to {strips[-1]:,} strips. {'; '.join(parts)}."


def plot_union(union: JoinedBlocks) -> tuple[Figure, str]:
    """Draw two blocks with circles of radius r, and the union of their coresets with circles of radius R.

    Parameters
    ----------
    union : JoinedBlocks
        Output of `toy.join_two`.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Raises
    ------
    InputError
        If there are no patches, or they are not finite.

    Examples
    --------
    >>> from .toy import join_two, two_blocks
    >>> plot_union(join_two(two_blocks()))[1].split(". ")[0]
    'Two blocks of 150 patches each keep 9 patches'
    """
    check_values({f"block {i}": block for i, block in enumerate(union.blocks)} | {"chosen": union.chosen})
    figure, (left, right) = make_axes(1, 2, (11, 4.3), sharex=True, sharey=True)
    for i, (block, kept) in enumerate(zip(union.blocks, union.kept, strict=True)):
        colour = COLOURS[i]
        left.plot(*block.T, MARKERS[i], color=colour, markersize=3, alpha=0.45, label=f"block {i + 1}")
        look = {"color": colour, "markersize": 8, "markeredgecolor": LINE, "label": f"kept of block {i + 1}"}
        left.plot(*kept.T, MARKERS[i], **look)
        _draw_circles(left, kept, union.radii[i], colour)
        right.plot(*kept.T, MARKERS[i], color=colour, markersize=5, alpha=0.6, label=f"kept of block {i + 1}")
    right.plot(*union.chosen.T, "X", color=LINE, markersize=9, label="kept of the union")
    _draw_circles(right, union.chosen, union.radius, FOURTH)
    patch, middle, end = _worst_path(union)
    right.plot(*np.stack([patch, middle]).T, "-", color=DEFECTIVE, linewidth=2, label="at most r")
    right.plot(*np.stack([middle, end]).T, "--", color=LINE, linewidth=2, label="at most R")
    right.plot(*patch, "*", color=DEFECTIVE, markersize=10, zorder=1, label="worst patch")
    left.set(
        title=f"each block by itself: r = {max(union.radii):.2f}",
        xlabel="channel 1",
        ylabel="channel 2",
        aspect="equal",
    )
    right.set(title=f"the union of both coresets: R = {union.radius:.2f}", xlabel="channel 1", aspect="equal")
    left.legend(fontsize=8, loc="upper left")
    right.legend(**OUTSIDE)
    radii = " and ".join(f"{radius:.2f}" for radius in union.radii)
    n_blocks, kept = ("Two" if len(union.blocks) == 2 else len(union.blocks)), len(union.kept[0])
    return figure, (
        f"{n_blocks} blocks of {len(union.blocks[0])} patches each keep "
        f"{count(kept, 'patch', 'patches')}. Circles of radius {radii} cover them, and the larger is r. "
        f"From the union, {count(len(union.chosen), 'patch', 'patches')} are kept. Circles of radius "
        f"R = {union.radius:.2f} cover all patches that the blocks kept. The worst patch is {union.measured:.2f} away, "
        f"and the bound is {union.bound:.2f}."
    )


def plot_levels(
    bounds: Sequence[float], measured: Sequence[float], *, single: float | None = None
) -> tuple[Figure, str]:
    """Draw the bound and the measured covering radius at each level of a tree.

    Parameters
    ----------
    bounds, measured : sequence of float
        The largest of each level, from the blocks to the root.
    single : float, optional
        Covering radius of a coreset of all patches at once.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Raises
    ------
    InputError
        If there is not one bound and one radius for each level.

    Examples
    --------
    >>> plot_levels([1.0, 2.0], [1.0, 1.5], single=1.2)[1]
    'Bound and measured radius by level: 1.00 and 1.00 (blocks), 2.00 and 1.50 (root). One choice among all: 1.20.'
    """
    if len(bounds) != len(measured):
        raise InputError(f"There are {len(bounds)} bounds for {len(measured)} levels: give each level one.")
    check_values({"bounds": bounds, "measured": measured})
    figure, axis = make_axes(1, 1, (6.6, 3.4))
    levels = np.arange(len(bounds))
    axis.plot(levels, bounds, "s--", color=DEFECTIVE, label="bound")
    axis.plot(levels, measured, "o-", color=NORMAL, label="measured")
    names = ["blocks", *(f"level {i}" for i in levels[1:-1]), "root"][: len(bounds)]
    if single is not None:
        axis.axhline(single, color=LINE, linestyle=":", label="one choice among all")
    axis.set(xticks=levels, xticklabels=names, xlabel="level of the tree", ylabel="covering radius", ylim=(0, None))
    axis.legend(**OUTSIDE)
    rows = zip(bounds, measured, names, strict=True)
    listed = ", ".join(f"{bound:.2f} and {radius:.2f} ({name})" for bound, radius, name in rows)
    end = "" if single is None else f" One choice among all: {single:.2f}."
    return figure, f"Bound and measured radius by level: {listed}.{end}"


def plot_sizes(sizes: Sequence[int], radii: Sequence[float], single: float) -> tuple[Figure, str]:
    """Draw the covering radius of coresets in blocks of several sizes, beside one choice among all patches.

    Parameters
    ----------
    sizes : sequence of int
        Patches per block.
    radii : sequence of float
        Covering radius for each size.
    single : float
        Covering radius of one choice among all.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Raises
    ------
    InputError
        If there is not one radius per size.

    Examples
    --------
    >>> plot_sizes([4096], [1.5], 1.2)[1]
    'Covering radius by block size: 4,096 patches 1.50. One choice among all patches: 1.20.'
    """
    if len(sizes) != len(radii):
        raise InputError(f"There are {len(radii)} radii for {len(sizes)} sizes: give each size one.")
    check_values({"sizes": sizes, "radii": radii, "single": single}, positive=True)
    figure, axis = make_axes(1, 1, (6.6, 3.2))
    axis.semilogx(sizes, radii, "o-", color=NORMAL, base=2, label="in blocks")
    axis.axhline(single, color=LINE, linestyle=":", label="one choice among all")
    axis.set(xticks=sizes, xticklabels=[f"{size:,}" for size in sizes], xlabel="patches per block")
    axis.set(ylabel="covering radius", ylim=(0, 1.25 * max(*radii, single)))
    axis.minorticks_off()
    axis.legend(**OUTSIDE)
    listed = ", ".join(f"{size:,} patches {radius:.2f}" for size, radius in zip(sizes, radii, strict=True))
    return figure, f"Covering radius by block size: {listed}. One choice among all patches: {single:.2f}."


def plot_parts(rows: Mapping[str, Mapping[str, float]]) -> tuple[Figure, str]:
    """Draw bars of seconds that are made of parts.

    Parameters
    ----------
    rows : mapping of str to mapping of str to float
        For each bar the seconds of its parts.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Raises
    ------
    InputError
        If there is nothing to draw, or a value is below 0.

    Examples
    --------
    >>> plot_parts({"one process": {"blocks": 3.0}, "two workers": {"start": 4.0, "blocks": 1.5}})[1]
    'Seconds: one process 3.0 s (blocks 3.0 s); two workers 5.5 s (start 4.0 s, blocks 1.5 s).'
    """
    check_values({name: list(parts.values()) for name, parts in rows.items()})
    if min(value for parts in rows.values() for value in parts.values()) < 0:
        raise InputError("A part takes less than 0 seconds: give parts of at least 0.")
    figure, axis = make_axes(1, 1, (7.6, 0.55 * len(rows) + 1.2))
    by_length = sorted(rows.values(), key=len, reverse=True)  # the longest list sets the order of the parts
    names = list(dict.fromkeys(name for parts in by_length for name in parts))
    left = np.zeros(len(rows))
    for i, name in enumerate(names):
        values = np.array([parts.get(name, 0.0) for parts in rows.values()])
        look = {"color": (DEFECTIVE, GREY, NORMAL, FOURTH)[i % 4], "hatch": HATCHES[i % 4], "edgecolor": "white"}
        axis.barh(range(len(rows)), values, left=left, height=0.6, label=name, **look)
        left += values
    for row, total in enumerate(left):
        axis.annotate(f"{total:.1f} s", (total, row), xytext=(4, 0), textcoords="offset points", va="center")
    axis.set(yticks=range(len(rows)), yticklabels=list(rows), xlabel="seconds", xlim=(0, 1.15 * max(left.max(), 0.1)))
    axis.invert_yaxis()
    axis.legend(**OUTSIDE)
    listed = []
    for (name, parts), total in zip(rows.items(), left, strict=True):
        inner = ", ".join(f"{part} {seconds:.1f} s" for part, seconds in parts.items())
        listed.append(f"{name} {total:.1f} s ({inner})")
    return figure, f"Seconds: {'; '.join(listed)}."


def plot_timeline(tasks: Sequence[Task], *, title: str = "", killed: Sequence[int] = ()) -> tuple[Figure, str]:
    """Draw what each worker did: a bar per task, as the dashboard's task stream does.

    Parameters
    ----------
    tasks : sequence of Task
        Tasks that have ended.
    title : str
        Title of the figure.
    killed : sequence of int
        Processes that were killed.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Raises
    ------
    InputError
        If there are no tasks.

    Examples
    --------
    >>> tasks = [Task("block 0", 5, 1.0, 2.0, 9), Task("block 1", 7, 1.0, 3.0, 9)]
    >>> plot_timeline(tasks, killed=[5])[1]
    '2 tasks of 2 workers in 2.0 s: worker 1 (killed) 1 task, busy 1.0 s; worker 2 1 task, busy 2.0 s.'
    """
    if not tasks:
        raise InputError("There are no tasks to draw: give the tasks of a fit that has begun.")
    check_values({"begin": [task.begin for task in tasks], "end": [task.end for task in tasks]})
    groups = group_by_worker(tasks)
    first = min(task.begin for task in tasks)
    figure, axis = make_axes(1, 1, (9, 0.6 * len(groups) + 1.2))
    wall = max(task.end for task in tasks) - first
    listed, names, looks = [], [], {}
    for row, (worker, own) in enumerate(groups.items()):
        for i, task in enumerate(own):
            merges = task.name.startswith("merge")
            look = {"color": FOURTH if merges else (NORMAL, PALE)[i % 2], "edgecolor": LINE, "linewidth": 0.6}
            kind = "merge" if merges else "block, by number"
            looks.setdefault(kind, axis.barh(row, task.seconds, left=task.begin - first, height=0.6, **look))
            if task.seconds > NARROW * wall:
                place = {"ha": "center", "va": "center", "fontsize": 8}
                place["color"] = "white" if merges or i % 2 == 0 else LINE
                axis.annotate(task.name.split()[-1], (task.begin - first + task.seconds / 2, row), **place)
        was = " (killed)" if worker in killed else ""
        names.append(f"worker {row + 1}{was}")
        busy = sum(task.seconds for task in own)
        listed.append(f"{names[-1]} {count(len(own), 'task')}, busy {busy:.1f} s")
        if was:
            end = own[-1].end - first
            crosses = axis.plot(end, row, "X", color=DEFECTIVE, markersize=12, markeredgecolor="white", linestyle="")
            looks["killed"] = crosses[0]
    axis.set(yticks=range(len(groups)), yticklabels=names, xlabel="seconds since the first task began", title=title)
    axis.set_xlim(0, 1.02 * wall if wall > 0 else 1)
    axis.legend(looks.values(), looks, **OUTSIDE)
    axis.invert_yaxis()
    return figure, (
        f"{count(len(tasks), 'task')} of {count(len(groups), 'worker')} in {wall:.1f} s: {'; '.join(listed)}."
    )


def plot_graph(
    names: Sequence[str], seconds: Sequence[float], needs: Sequence[Sequence[int]], *, title: str = ""
) -> tuple[Figure, str]:
    """Draw a task graph, its tasks from left to right in the order in which they can begin, and its longest chain.

    Parameters
    ----------
    names : sequence of str
        Names of the tasks.
    seconds : sequence of float
        Seconds of each task.
    needs : sequence of sequence of int
        For each task the numbers of the tasks that must end before it, all smaller than its own.
    title : str
        Title of the figure.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Raises
    ------
    InputError
        If the counts differ, there is no task, or a task needs a later one.

    Examples
    --------
    >>> plot_graph(["a", "b", "c"], [1.0, 2.0, 3.0], [[], [], [0, 1]])[1]
    '3 tasks of 6.0 s together. Tasks per column: 2, 1. The longest chain is b, c: 5.0 s.'
    """
    if not len(names) == len(seconds) == len(needs):
        raise InputError(
            f"There are {len(names)} names, {len(seconds)} times and {len(needs)} lists: give each task all."
        )
    check_values({"seconds": seconds})
    if any(before >= task for task, befores in enumerate(needs) for before in befores):
        raise InputError("A task needs a later one: order the tasks so that each comes after the tasks that it needs.")
    depths: list[int] = []
    for befores in needs:
        depths.append(1 + max((depths[before] for before in befores), default=-1))
    chain = _longest_chain(seconds, needs)
    columns = [[task for task, depth in enumerate(depths) if depth == level] for level in range(max(depths) + 1)]
    tallest = max(map(len, columns))
    places = {
        task: (level, (tallest - 1) * (i + 0.5) / len(column) if len(column) < tallest else i)
        for level, column in enumerate(columns)
        for i, task in enumerate(column)
    }
    figure, axis = make_axes(1, 1, (2.3 * len(columns) + 2.4, 0.42 * tallest + 1.2))
    links = set(zip(chain, chain[1:], strict=False))
    for task, befores in enumerate(needs):
        for before in befores:
            on_chain = (before, task) in links
            look = {"arrowstyle": "->", "color": DEFECTIVE if on_chain else GREY, "linewidth": 2 if on_chain else 0.9}
            axis.annotate("", places[task], places[before], arrowprops={**look, "shrinkA": 34, "shrinkB": 34})
    for task, place in places.items():
        box = {"boxstyle": "round", "facecolor": PALE if task in chain else "white"}
        box |= {"edgecolor": DEFECTIVE if task in chain else GREY}
        axis.annotate(f"{names[task]}\n{seconds[task]:.2f} s", place, ha="center", va="center", fontsize=7, bbox=box)
    axis.set(xlim=(-0.5, len(columns) - 0.5), ylim=(tallest - 0.4, -0.6), title=title)
    axis.set_axis_off()
    listed = ", ".join(names[task] for task in chain)
    levels = f" Tasks per column: {', '.join(str(len(column)) for column in columns)}." if len(columns) > 1 else ""
    return figure, (
        f"{count(len(names), 'task')} of {sum(seconds):.1f} s together.{levels} The longest chain is {listed}: "
        f"{sum(seconds[task] for task in chain):.1f} s."
    )


def plot_cases(cases: Mapping[str, Sequence[Task]], walls: Sequence[float]) -> tuple[Figure, str]:
    """Draw the timelines of several programs below each other, each from its start to its end.

    Parameters
    ----------
    cases : mapping of str to sequence of Task
        Tasks by the name of the program, in seconds since its start.
    walls : sequence of float
        Seconds of each program.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Raises
    ------
    InputError
        If there is not one time per case, or a case has no tasks.

    Examples
    --------
    >>> plot_cases({"A": [Task("block 0", 5, 4.0, 6.0, 9)]}, [6.0])[1]
    'Timelines of 1 program: A 6 s (first task after 4 s, worker 1 busy for 2 s).'
    """
    if len(cases) != len(walls) or not cases:
        raise InputError(f"There are {len(walls)} times for {len(cases)} cases: give each case one.")
    figure, axes = make_axes(len(cases), 1, (8.6, 1.25 * len(cases) + 0.5), sharex=True, squeeze=False)
    listed, kinds = [], {}
    for axis, (name, tasks), wall in zip(axes[:, 0], cases.items(), walls, strict=True):
        groups = group_by_worker(tasks)
        if not groups:
            raise InputError(f"{name} has no tasks: give each case at least one.")
        for row, own in enumerate(groups.values()):
            for task in own:
                moves = task.name.startswith("move")
                look = {"color": DEFECTIVE if moves else NORMAL, "hatch": "//" if moves else "", "edgecolor": "white"}
                bar = axis.barh(row, task.seconds, left=task.begin, height=0.7, **look)
                kinds.setdefault("moves data" if moves else "computes", bar)
        kinds["end of the program"] = axis.axvline(wall, color=LINE, linestyle=":")
        axis.set(yticks=range(len(groups)), yticklabels=[f"worker {i + 1}" for i in range(len(groups))], title=name)
        axis.invert_yaxis()
        moved = sum(task.seconds for task in tasks if task.name.startswith("move"))
        parts = f"first task after {min(task.begin for task in tasks):.0f} s"
        for number, own in enumerate(groups.values(), 1):
            parts += f", worker {number} busy for {sum(task.seconds for task in own):.0f} s"
        parts += f", {moved:.0f} s of moving data in all" if moved else ""
        listed.append(f"{name} {wall:.0f} s ({parts})")
    axes[0, 0].legend(kinds.values(), kinds, **OUTSIDE)
    axes[-1, 0].set(xlabel="seconds since the start of the program", xlim=(0, 1.03 * max(walls)))
    return figure, f"Timelines of {count(len(cases), 'program')}: {'; '.join(listed)}."


def plot_search(
    names: Sequence[str], recalls: Sequence[float], milliseconds: Sequence[float], *, exact: int
) -> tuple[Figure, str]:
    """Draw recall@1 of several searches against their time.

    Parameters
    ----------
    names : sequence of str
        One per search.
    recalls : sequence of float
        Share of queries whose nearest vector is found.
    milliseconds : sequence of float
        Time of each search.
    exact : int
        Number of exact searches, which come first. The others are joined by a line.

    Returns
    -------
    figure : matplotlib.figure.Figure
    caption : str

    Raises
    ------
    InputError
        If the counts differ, or a time is not above 0.

    Examples
    --------
    >>> plot_search(["one index", "1 cell"], [1.0, 0.5], [40.0, 4.0], exact=1)[1]
    'Recall@1 and time: one index 1.000 in 40 ms; 1 cell 0.500 in 4 ms.'
    """
    if not len(names) == len(recalls) == len(milliseconds):
        raise InputError(
            f"There are {len(names)} names, {len(recalls)} recalls and {len(milliseconds)} times: give all."
        )
    check_values({"recalls": recalls})
    check_values({"milliseconds": milliseconds}, positive=True)
    figure, axis = make_axes(1, 1, (7.2, 3.8))
    axis.plot(milliseconds[exact:], recalls[exact:], "s-", color=DEFECTIVE, label="inverted lists on disk")
    for i in range(exact):
        axis.plot(
            milliseconds[i],
            recalls[i],
            MARKERS[i + 2],
            color=(NORMAL, FOURTH, LINE)[i % 3],
            markersize=10,
            label=names[i],
        )
    for i, (name, time, recall) in enumerate(list(zip(names, milliseconds, recalls, strict=True))[exact:]):
        offset = -12 - 11 * (i % 2)  # neighbours get their names at different heights
        axis.annotate(name, (time, recall), xytext=(4, offset), textcoords="offset points", fontsize=8)
    use_log_x(axis)
    axis.set(ylim=(0, 1.1), xlabel="milliseconds for all queries", ylabel="recall@1")
    axis.set_xlim(min(milliseconds) / 1.5, max(milliseconds) * 2.5)  # the names end to the right of their points
    axis.legend(**OUTSIDE)
    rows = zip(names, recalls, milliseconds, strict=True)
    listed = "; ".join(f"{name} {recall:.3f} in {time:.3g} ms" for name, recall, time in rows)
    return figure, f"Recall@1 and time: {listed}."


def _draw_circles(axis: Axes, centres: np.ndarray, radius: float, colour: str) -> None:
    from matplotlib.patches import Circle

    for centre in centres:
        axis.add_patch(Circle(tuple(centre), radius, fill=False, edgecolor=colour, linewidth=0.9, alpha=0.8))


def _worst_path(union: JoinedBlocks) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the patch that is farthest from the last coreset, the nearest patch of its block's, and of the last."""
    patches = np.concatenate(union.blocks)
    owners = np.repeat(np.arange(len(union.blocks)), [len(block) for block in union.blocks])
    distances = np.linalg.norm(patches[:, None] - union.chosen, axis=2).min(axis=1)
    worst = int(distances.argmax())
    kept = union.kept[owners[worst]]
    middle = kept[np.linalg.norm(kept - patches[worst], axis=1).argmin()]
    end = union.chosen[np.linalg.norm(union.chosen - middle, axis=1).argmin()]
    return patches[worst], middle, end


def _longest_chain(seconds: Sequence[float], needs: Sequence[Sequence[int]]) -> list[int]:
    ends: list[float] = []
    for own, befores in zip(seconds, needs, strict=True):
        ends.append(own + max((ends[before] for before in befores), default=0.0))
    chain = [int(np.argmax(ends))]
    while needs[chain[0]]:
        chain.insert(0, max(needs[chain[0]], key=lambda task: ends[task]))
    return chain


def _crossing(strips: Sequence[int], line: Sequence[float], limit: float) -> float | None:
    """Return where a line crosses a limit, interpolated between logarithms, or None."""
    above = np.flatnonzero(np.asarray(line, float) > limit)
    if not len(above) or above[0] == 0:
        return float(strips[0]) if len(above) else None
    i = int(above[0])
    low, high = np.log(line[i - 1]), np.log(line[i])
    share = (np.log(limit) - low) / (high - low)
    return float(np.exp(np.log(strips[i - 1]) + share * (np.log(strips[i]) - np.log(strips[i - 1]))))


def _large(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else number_text(value, 2)
