"""Tables of the benchmark `practice_fabric`, and those on the detectors of notebook 09 on the practice fabric."""

from __future__ import annotations

from typing import Any

from results_files import read_results
from tables_format import markdown_table

DETECTORS = {"patchcore": "PatchCore", "ssim": "autoencoder, SSIM", "pixel": "autoencoder, pixel error"}
DETECTORS |= {"pca": "PCA residual"}
FABRICS = {"practice": "practice fabric", "aitex": "AITEX"}
FIXED = "_fixed"  # with the measures against the edges of tiles, see `contest.py`


def demands_table() -> str:
    """Make the table of the requirements for the practice fabric and of the measured values.

    Returns
    -------
    str
    """
    rows = []
    for demand in read_results("practice_fabric")["demands"]:
        measured = demand["measured"]
        if isinstance(measured, dict):
            values = {name: " and ".join(f"{v:.0f}" for v in quantiles) for name, quantiles in measured.items()}
            measured = "; ".join(f"{FABRICS[name]} {of_name}" for name, of_name in values.items())
        rows.append([demand["demand"], str(measured), "met" if demand["met"] else "**missed**"])
    return markdown_table(["requirement", "measured", ""], rows)


def ranking_table() -> str:
    """Make the table of nine configurations, ordered by their tile AUROC on AITEX.

    Returns
    -------
    str
    """
    means = read_results("practice_fabric")["tile_auroc_b"]
    order = sorted(means, key=lambda name: -means[name]["aitex"])
    rows = [[name, f"{means[name]['aitex']:.3f}", f"{means[name]['practice']:.3f}"] for name in order]
    return markdown_table(["configuration", "AITEX", "practice fabric"], rows)


def contest_caption(contest: dict[str, Any]) -> str:
    """Describe the figure of the detectors on the practice fabric.

    Parameters
    ----------
    contest : dict
        Part "practice" of the results of notebook 09.

    Returns
    -------
    str
    """
    parts = []
    for name, label in DETECTORS.items():
        values = ", ".join(
            f"{detectors[name + FIXED]['tile_auroc_c1']:.2f}" for detectors in contest["fabrics"].values()
        )
        parts.append(f"{label} {values}")
    fabrics = ", ".join(contest["fabrics"])
    return f"Tile AUROC on the practice fabrics {fabrics}: {'; '.join(parts)}. The intervals are wide."


def contest_table() -> str:
    """Make the table of the detectors on the practice fabric, below its figure.

    Returns
    -------
    str
    """
    contest = read_results("notebook_09")["practice"]
    names = ("tile_auroc_c1", "tile_auroc_c2", "pixel_auroc", "pixel_ap", "aupro_0.3")
    rows = []
    for detector, label in DETECTORS.items():
        plain, fixed = (contest["mean"][name] for name in (detector, detector + FIXED))
        values = [plain["tile_auroc_c1"], *(fixed[name] for name in names)]
        rows.append([label, *(f"{value:.3f}" for value in values)])
    head = ["mean over fabrics", "tile AUROC as it comes", "tile AUROC", "C2", "pixel AUROC", "pixel AP", "AUPRO 0.3"]
    return f"![{contest_caption(contest)}](../notebooks/images/practice_results.png)\n\n{markdown_table(head, rows)}"


TABLES = {
    "practice_contest": contest_table,
    "practice_demands": demands_table,
    "practice_ranking": ranking_table,
}
