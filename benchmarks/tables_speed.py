"""Tables of the benchmark `speed`, and the caption of its figure."""

from __future__ import annotations

import textwrap
from typing import Any

from results_files import read_results
from tables_format import markdown_table

SAMPLERS = {"anomalib": "anomalib", "reference": "one pass per choice", "ours": "ours"}


def coreset_curves(rows: list[dict[str, Any]]) -> dict[str, list[tuple[int, float]]]:
    """Return how the time of coreset sampling grows, for each implementation that was timed.

    Parameters
    ----------
    rows : list of dict
        Part "coreset" of the results file.

    Returns
    -------
    dict of str to list of (int, float)
        By label: number of patches and seconds.
    """
    curves = {label: [(row["patches"], row[name]) for row in rows if name in row] for name, label in SAMPLERS.items()}
    return {label: curve for label, curve in curves.items() if curve}


def coreset_caption(rows: list[dict[str, Any]]) -> str:
    """Describe the figure of the time of coreset sampling.

    Parameters
    ----------
    rows : list of dict
        Part "coreset" of the results file.

    Returns
    -------
    str
    """

    def shown(seconds: float) -> str:
        return f"{seconds:.2g}" if seconds < 10 else f"{seconds:,.0f}"

    ends = [f"{label} {shown(c[0][1])} to {shown(c[-1][1])} s" for label, c in coreset_curves(rows).items()]
    span = f"{rows[0]['patches'] // 1000} to {rows[-1]['patches'] // 1000} thousand patches"
    return f"Seconds of coreset sampling from {span}, both axes logarithmic: {'; '.join(ends)}."


def coreset_table() -> str:
    """Make the table of coreset sampling by number of patches, below its figure.

    Returns
    -------
    str
    """
    measured = read_results("speed")["coreset"]
    rows = []
    for row in measured:
        cells = [f"{row['patches']:,}", f"{row['chosen']:,}", f"{row['ours']:.2f} s"]
        for name in ("reference", "anomalib"):
            cells.append(f"{row[name]:.1f} s, {row[name] / row['ours']:.1f} times" if name in row else "–")
        rows.append(cells)
    table = markdown_table(["patches", "coreset", "ours", "one pass per choice", "anomalib"], rows)
    return f"![{coreset_caption(measured)}](images/speed.png)\n\n{table}"


def model_table() -> str:
    """Make the table of fit and prediction with the recipe of the paper, and of a fit on as many strips as AITEX has.

    Returns
    -------
    str
    """
    results = read_results("speed")
    model, strip, whole = results["model"], results["strip"], results["whole"]

    def with_ratio(ours: float, other: float | None, unit: str) -> str:
        return "–" if other is None else f"{other:.3g} {unit}, {other / ours:.1f} times"

    tile, batch = model["tile_ms"], model["backbone_by_eight_ms"]
    fit_ratio = with_ratio(model["fit_seconds"], model.get("anomalib_fit_seconds"), "s")
    rows = [
        ["fit", f"{model['fit_seconds']:.2f} s", fit_ratio],
        ["prediction per tile", f"{tile:.0f} ms", with_ratio(tile, model.get("anomalib_tile_ms"), "ms")],
        ["backbone alone, tile by tile", f"{model['backbone_ms']:.0f} ms", ""],
        [
            "exact search alone",
            f"{model['search_ms']:.1f} ms (FAISS's flat index: {model['search_faiss_ms']:.1f} ms)",
            "",
        ],
        [
            "backbone alone, eight tiles at once",
            f"{batch:.0f} ms per tile. The whole prediction, tile by tile, takes {tile / batch:.2f} times as long",
            "",
        ],
        [
            f"prediction per strip with our defaults, coreset of {strip['kept']:,} patches",
            f"{strip['strip']:.2f} s (backbone alone {strip['backbone']:.2f} s)",
            "",
        ],
        [f"fit on {whole['strips']} strips, {whole['limit_gib']:g} GiB for patches", f"{whole['seconds']} s", ""],
        ["peak memory of this fit", f"{whole['peak_gib']:.2f} GiB", ""],
        ["fit on 10 times as many strips, extrapolated", f"{whole['seconds_ten_times'] / 60:.0f} minutes", ""],
    ]
    return markdown_table(["", "ours", "anomalib"], rows)


def bracketed(value: float | None, unit: str, before: str = "") -> str:
    """Return a time of anomalib in brackets after a space, or nothing if anomalib was not timed.

    Parameters
    ----------
    value : float or None
        Time.
    unit : str
        Unit of the time.
    before : str
        Words before the time.


    Returns
    -------
    str

    Examples
    --------
    >>> bracketed(1490.2, "s"), bracketed(None, "s"), bracketed(64.3, "ms", "anomalib: ")
    (' (1,490 s)', '', ' (anomalib: 64 ms)')
    """
    return "" if value is None else f" ({before}{value:,.0f} {unit})"


def speed_in_words() -> str:
    """State how fast ours is, beside anomalib if it was timed.

    Returns
    -------
    str
    """
    results = read_results("speed")
    cost = read_results("accuracy_b")["detectors"]["ours"]["milliseconds_a_tile"]
    demos = read_results("demo_aitex").values()
    model, row = results["model"], next(row for row in results["coreset"] if row["patches"] == 200_000)
    per_strip = [demo["seconds"]["score"] / demo["strips_tested"] for demo in demos]
    fit_anomalib = bracketed(model.get("anomalib_fit_seconds"), "s", "anomalib 2.7: ")
    sentences = (
        f"The machine has two cores and no GPU. With the paper's recipe at 320 px, our detector fits {model['tiles']} "
        f"tiles in {model['fit_seconds']:.2f} s{fit_anomalib}. It predicts a tile in {model['tile_ms']:.0f} ms"
        f"{bracketed(model.get('anomalib_tile_ms'), 'ms')}, and chooses {row['chosen']:,} of {row['patches']:,} "
        f"patches in {row['ours']:.1f} s{bracketed(row.get('anomalib'), 's')}. With one pass over all patches per "
        f"choice, the same choice takes {row['reference']:.0f} s. With our defaults, a tile of AITEX takes "
        f"{cost['ours']:.0f} ms, and a whole strip {min(per_strip):.0f} to {max(per_strip):.0f} s."
    )
    return textwrap.fill(sentences, 150) + "\n"


TABLES = {"speed": coreset_table, "speed_model": model_table, "speed_in_words": speed_in_words}
