"""Tables of `results/independent.json`: fabrics that our copy of AITEX lacks. No command writes this file."""

from __future__ import annotations

from statistics import mean

from results_files import read_results
from tables_demo import MEASURES, demo_cell
from tables_format import markdown_table

DETECTORS = {"ours": "ours", "anomalib": "anomalib 2.7"}


def measured_sentence() -> str:
    """State how the independent results were measured.

    Returns
    -------
    str
    """
    results = read_results("independent")
    measured, anomalib = results["measured"], results["anomalib"]
    return (
        f"`{measured['command']}` measured ours once, with the defaults and seed {measured['seed']}, on version "
        f"{measured['version']} of {measured['version_day']}.\nanomalib ran once on the same splits and tiles, at "
        f"{anomalib['size']} px, with a coreset sampling ratio of {100 * anomalib['coreset_ratio']:g} %.\n"
    )


def independent_table() -> str:
    """Make the table of fabrics 01 and 04, and of the means over these and the demo's four fabrics.

    Returns
    -------
    str
    """
    fabrics = read_results("independent")["fabrics"]
    rows = []
    for fabric, measured in fabrics.items():
        counts = [str(measured[name]) for name in ("strips_fitted", "strips_tested", "tiles_defective")]
        for detector, label in DETECTORS.items():
            rows.append([fabric, label, *(demo_cell(measured[detector], name) for name in MEASURES), *counts])
    demos = [*(measured["ours"] for measured in fabrics.values()), *read_results("demo_aitex").values()]
    means = [f"{mean(measures[name] for measures in demos):.3f}" for name in MEASURES]
    rows.append([f"mean over {len(demos)} fabrics", "ours", *means, "", "", ""])
    head = ["fabric", "detector", *MEASURES.values(), "training strips", "tested strips", "defective tiles"]
    return markdown_table(head, rows)


def crop_table() -> str:
    """Make the table of protocol B on tiles that another program cut, less exactly.

    Returns
    -------
    str
    """
    fabrics = read_results("independent")["other_crop"]["fabrics"]
    columns = [("ours", "tile_auroc"), ("anomalib", "tile_auroc"), ("ours", "pixel_auroc"), ("ours", "pixel_ap")]
    rows = [[fabric, *(f"{by[d][name]:.3f}" for d, name in columns)] for fabric, by in fabrics.items()]
    means = [f"**{mean(by[d][name] for by in fabrics.values()):.3f}**" for d, name in columns]
    head = ["fabric", "tile AUROC, ours", "tile AUROC, anomalib 2.7", "pixel AUROC, ours", "pixel AP, ours"]
    return markdown_table(head, [*rows, ["mean", *means]])


def region_sentence() -> str:
    """State on how many further strips the fabric region is right.

    Returns
    -------
    str
    """
    region = read_results("independent")["fabric_region"]
    return (
        f"The fabric region is right on {region['right']} of {region['strips']} further strips of that copy.\nThe "
        f"exception is {region['wrong']}.\n"
    )


def processor_table() -> str:
    """Make the table of speed on a second kind of processor, with and without the bfloat16 filter.

    Returns
    -------
    str
    """
    measured = read_results("independent")["second_processor"]
    rows = [
        [
            f"coreset, {row['chosen']:,} of {row['patches']:,} patches",
            f"{row['times_faster']:.1f} times as fast as one pass per choice",
            f"{row['times_faster_without_bf16']:.1f} times",
        ]
        for row in measured["coreset"]
    ]
    rows.append([f"fit on {measured['fit_tiles']} tiles, our defaults", f"{measured['fit_seconds']:.1f} s", "–"])
    rows.append(["a tile, our defaults", f"{measured['tile_ms']} ms", f"{measured['tile_ms_without_bf16']} ms"])
    head = [f"{measured['processor']}, {measured['cores']} cores", "with bfloat16", "without"]
    return markdown_table(head, rows)


TABLES = {
    "independent": independent_table,
    "independent_processor": processor_table,
    "independent_crop": crop_table,
    "independent_measured": measured_sentence,
    "independent_region": region_sentence,
}
