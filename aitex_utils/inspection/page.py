"""The page of the report around the pictures' sections: outcome, warnings, threshold, contents, measures, settings.

The page contains no scripts, and a policy in its head forbids the browser to load anything from outside. The filter of
flagged pictures and the switch of the outlines work through the style sheet.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from ..plots import MAP_COLOURS
from .embedding import map_uri
from .figures import curves, score_histogram
from .measures import MAX_FPR, Estimate, Measures
from .picture_section import MOST_CROPS, PICTURE_WIDTH, WIDE_WIDTH, Entry
from .wording import as_count, as_number, as_text

STYLE = Path(__file__).with_name("report.css")
TICKS = 5  # of the colour bar
FEW = 10  # pictures of a class, below which intervals are unreliable
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def above_pictures(
    entries: Sequence[Entry],
    *,
    title: str,
    promise: str,
    warnings: Sequence[str],
    threshold: float,
    good_scores: np.ndarray,
    scale: tuple[float, float],
) -> Iterator[str]:
    """Yield the page down to the first picture as pieces of HTML.

    Parameters
    ----------
    entries : sequence of Entry
        Rows of the contents.
    title, promise, warnings, threshold, good_scores, scale
        As in `report.write_report`.

    Yields
    ------
    str

    Examples
    --------
    >>> options = {"title": "Cloth", "promise": "", "warnings": [], "good_scores": np.empty(0), "scale": (0, 1)}
    >>> pieces = above_pictures([Entry(1, "a.png", 2.5, True, None, 0)], threshold=2.0, **options)
    >>> next(pieces)[:15]
    '<!DOCTYPE html>'
    """
    yield _head(title)
    yield _opening(title, entries, promise, warnings)
    yield _reading_guide(entries)
    yield _threshold_section(entries, good_scores, threshold, promise)
    yield _scale_section(*scale)
    yield _contents(entries)


def below_pictures(entries: Sequence[Entry], measures: Measures | None, settings: Mapping[str, str]) -> Iterator[str]:
    """Yield the page from the end of the last picture as pieces of HTML.

    Parameters
    ----------
    entries : sequence of Entry
        Rows of the contents.
    measures, settings
        As in `report.write_report`.

    Yields
    ------
    str

    Examples
    --------
    >>> print(*below_pictures([], None, {"seed": 0}))
    <section>
    <h2>Settings and versions</h2>
    <div class="table"><table>
    <thead><tr><th>Name</th><th>Value</th></tr></thead>
    <tbody>
    <tr><th scope="row">seed</th><td class="value">0</td></tr>
    </tbody>
    </table></div>
    </section>
     </main>
    </body>
    </html>
    <BLANKLINE>
    """
    labelled = [entry for entry in entries if entry.is_good is not None]
    if measures is not None or labelled:
        yield "<section>\n<h2>Measures against the labels</h2>\n"
        if labelled:
            yield _decisions(labelled)
        if measures is not None:
            yield from _curves_and_values(measures)
        yield "</section>\n"
    if settings:
        yield _settings_section(settings)
    yield "</main>\n</body>\n</html>\n"


def _head(title: str) -> str:
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{as_text(title)}</title>\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<link rel="icon" href="data:,">\n'
        f"<style>{STYLE.read_text(encoding='utf-8')}</style>\n</head>\n"
    )


def _opening(title: str, entries: Sequence[Entry], promise: str, warnings: Sequence[str]) -> str:
    """Return the title, the outcome in a sentence, the date, and the warnings."""
    flagged = sum(entry.is_flagged for entry in entries)
    outcome = f"{flagged:,} of {len(entries):,} pictures {'was' if flagged == 1 else 'were'} flagged"
    day = datetime.date.today().isoformat()
    page = (
        '<body>\n<a class="skip" href="#contents">Skip to the pictures</a>\n'
        f'<header>\n<h1>{as_text(title)}</h1>\n<p class="outcome">{outcome} {as_text(promise)}.</p>\n'
        f'<p class="muted">Written on <time datetime="{day}">{day}</time>.</p>\n</header>\n<main>\n'
    )
    if warnings:
        items = "\n".join(f"<li>{as_text(line)}</li>" for line in warnings)
        page += '<section class="warnings" aria-labelledby="warnings-title">\n<h2 id="warnings-title">Warnings</h2>\n'
        page += f"<ul>\n{items}\n</ul>\n</section>\n"
    return page


def _reading_guide(entries: Sequence[Entry]) -> str:
    """Return the short guide to the page."""
    lines = [
        "The detector learned from good pictures only. The score of a picture says how far it differs from them: the "
        "larger, the more anomalous. A picture is flagged if its score reaches the threshold.",
        "A flag is a reason to look at the picture, and no proof of a defect. A picture without a flag can have one.",
        f"{_legend('found')}A solid line surrounds each region that was found. It runs just outside the region.",
    ]
    if any(entry.is_good is not None for entry in entries):
        lines.append(f"{_legend('truth')}A dashed line surrounds a defect of the ground truth, where it is known.")
    lines += [
        "Each picture is shown with its anomaly map. All maps share one colour scale, so colours can be compared "
        "between pictures. A scaled-down map shows the largest value of each block of pixels.",
        f"Pictures and maps are scaled down to at most {PICTURE_WIDTH} px of width, or {WIDE_WIDTH} px for wide "
        f"pictures. Flagged pictures also have crops at full size, of the {MOST_CROPS} largest found regions at most.",
        "Rows and columns are counted in pixels, from 0 at the upper left corner.",
    ]
    items = "\n".join(f"<li>{line}</li>" for line in lines)
    return f"<section>\n<h2>How to read this page</h2>\n<ul>\n{items}\n</ul>\n</section>\n"


def _legend(kind: str) -> str:
    """Return a piece of an outline, as the text beside it describes."""
    lines = "".join(f'<path class="{name}" d="M3 7H37"/>' for name in ("halo", kind))
    return f'<svg class="legend" viewBox="0 0 40 14" aria-hidden="true">{lines}</svg>'


def _threshold_section(entries: Sequence[Entry], good: np.ndarray, threshold: float, promise: str) -> str:
    """Return the threshold, its promise, and the histogram of scores."""
    judged: dict[str, list[float]] = {"good": [], "defective": [], "unlabelled": []}
    for entry in entries:
        judged["unlabelled" if entry.is_good is None else entry.label].append(entry.score)
    caption = "Number of pictures by score."
    if math.isfinite(threshold):
        value = as_number(threshold)
        text = f"<p>The threshold is <strong>{value}</strong>: pictures with a score of at least {value} are flagged "
        text += f"{as_text(promise)}.</p>\n"
        caption += " The dashed line is the threshold."
    else:
        text = "<p>There is no finite threshold, so no picture is flagged: hold out more good pictures.</p>\n"
    if len(good):
        text += f"<p>The {as_count(len(good), 'held-out good picture')} took no part in learning. "
        text += "A promised false-alarm rate is about further good pictures that are like them: "
        text += "of the same fabric, taken with the same camera and light.</p>\n"
    figure = f"<figure>\n{score_histogram(good, judged, threshold)}\n<figcaption>{caption}</figcaption>\n</figure>\n"
    return f"<section>\n<h2>Threshold</h2>\n{text}{figure}</section>\n"


def _scale_section(low: float, high: float) -> str:
    """Return the colour bar of all maps, whose ticks are text."""
    ramp = np.linspace(low, high, 256)[None]
    ticks = "".join(f"<span>{as_number(value)}</span>" for value in np.linspace(low, high, TICKS))
    ends = f"from {as_number(low)}, dark blue, to {as_number(high)}, yellow"
    image = f'<img src="{map_uri(ramp, ramp.shape, (low, high))}" width="256" height="1" '
    return (
        '<section>\n<h2>Colour scale of the maps</h2>\n<figure class="bar">\n'
        f'{image}alt="Colour bar of the maps, colour map {MAP_COLOURS}: {ends}">\n<div class="ticks">{ticks}</div>\n'
        "<figcaption>Pixel-level anomaly score. Values outside the scale have the colour of its nearer end."
        "</figcaption>\n</figure>\n</section>\n"
    )


def _contents(entries: Sequence[Entry]) -> str:
    """Return the table of contents, below the controls."""
    labelled = any(entry.is_good is not None for entry in entries)
    rows = "\n".join(_row(entry, labelled) for entry in entries)
    return (
        f'<h2 id="contents">Pictures by score</h2>\n{_controls(entries)}<div class="table contents"><table>\n'
        '<thead><tr><th class="number">Rank</th><th class="name">Picture</th><th class="number">Score</th>'
        f'<th>Result</th>{"<th>Label</th>" if labelled else ""}<th class="number">Regions</th></tr></thead>\n'
        f"<tbody>\n{rows}\n</tbody>\n</table></div>\n<h2>Each picture</h2>\n"
    )


def _row(entry: Entry, labelled: bool) -> str:
    label = f"<td>{entry.label}</td>" if labelled else ""
    return (
        f'<tr class="row{" flagged" if entry.is_flagged else ""}"><td class="number">{entry.rank}</td>'
        f'<th scope="row" class="name"><a href="#picture-{entry.rank}">{as_text(entry.name)}</a></th>'
        f'<td class="number">{as_number(entry.score)}</td><td class="result">{entry.result}</td>{label}'
        f'<td class="number">{entry.region_count}</td></tr>'
    )


def _controls(entries: Sequence[Entry]) -> str:
    """Return the filter of flagged pictures, if there are others, and the switch of the outlines."""
    choice = (
        '<fieldset><legend>Show</legend><label><input type="radio" name="shown" checked> all pictures</label>'
        '<label><input type="radio" name="shown" id="flagged-only"> flagged only</label></fieldset>'
    )
    return (
        '<div class="controls" role="group" aria-label="Display">'
        f"{choice if len({entry.is_flagged for entry in entries}) == 2 else ''}"
        '<label><input type="checkbox" id="outlines" checked> outlines</label>'
        '<a href="#contents">contents</a></div>\n'
    )


def _decisions(labelled: Sequence[Entry]) -> str:
    """Return the table of labels against decisions at the threshold."""
    rows = ""
    for is_good, name in ((True, "good"), (False, "defective")):
        flags = [entry.is_flagged for entry in labelled if entry.is_good is is_good]
        rows += f'<tr><th scope="row">{name}</th>'
        rows += f'<td class="number">{sum(flags)}</td><td class="number">{len(flags) - sum(flags)}</td></tr>\n'
    return (
        '<div class="table"><table>\n<caption>Decisions at the threshold, in pictures</caption>\n'
        '<thead><tr><th>Label</th><th class="number">flagged</th><th class="number">not flagged</th></tr></thead>\n'
        f"<tbody>\n{rows}</tbody>\n</table></div>\n"
    )


def _curves_and_values(measures: Measures) -> Iterator[str]:
    """Yield the curves, and the table of values with intervals."""
    total = measures.good_count + measures.defective_count
    if len(measures.roc):
        caption = "ROC and precision-recall curves, image level. Dotted lines show scores by chance."
        yield f"<figure>\n{curves(measures)}\n<figcaption>{caption}</figcaption>\n</figure>\n"
    else:
        kind = "defective" if measures.defective_count else "good"
        yield f"<p>All {total} labelled pictures are {kind}, so AUROC and AP are not defined.</p>\n"
    rows = [
        ("AUROC, image level", measures.auroc, 0.5),
        ("AP, image level", measures.average_precision, measures.defective_count / max(total, 1)),
    ]
    if measures.aupro is not None:
        rows.append((f"AUPRO at {MAX_FPR}, pixel level", measures.aupro, MAX_FPR / 2))
    cells = "".join(f'<tr><th scope="row">{name}</th>{_estimate(value, chance)}</tr>\n' for name, value, chance in rows)
    head = '<th>Measure</th><th class="number">value</th><th class="number">95 % interval</th>'
    yield (
        f'<div class="table"><table>\n<thead><tr>{head}<th class="number">by chance</th></tr></thead>\n'
        f"<tbody>\n{cells}</tbody>\n</table></div>\n<p>{_basis(measures)}</p>\n"
    )


def _basis(measures: Measures) -> str:
    """Return the numbers of pictures on which the measures rest, and how far to trust the intervals."""
    good = as_count(measures.good_count, "good picture")
    text = f"From {good} and {as_count(measures.defective_count, 'defective picture')}. "
    text += "The intervals are a bootstrap over pictures."
    if measures.aupro is not None:
        text += f" AUPRO uses the masks of {as_count(measures.mask_count, 'defective picture')}."
    fewest = min(measures.good_count, measures.defective_count)
    if fewest < FEW:
        text += f" A class of only {as_count(fewest, 'picture')} makes intervals unreliable: label more of that kind."
    return text


def _estimate(estimate: Estimate, chance: float) -> str:
    value = "not defined" if math.isnan(estimate.value) else f"{estimate.value:.3f}"
    interval = "" if math.isnan(estimate.low + estimate.high) else f"{estimate.low:.3f} to {estimate.high:.3f}"
    return f'<td class="number">{value}</td><td class="number">{interval}</td><td class="number">{chance:.3f}</td>'


def _settings_section(settings: Mapping[str, str]) -> str:
    rows = "\n".join(
        f'<tr><th scope="row">{as_text(name)}</th><td class="value">{as_text(value)}</td></tr>'
        for name, value in settings.items()
    )
    return (
        '<section>\n<h2>Settings and versions</h2>\n<div class="table"><table>\n'
        f"<thead><tr><th>Name</th><th>Value</th></tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table></div>\n</section>\n"
    )
