"""The functions that notebook 06 asks for, by exercise."""

NAMES = {
    "06.1": "tile_scores",
    "06.2": "auroc",
    "06.3": "average_precision",
    "06.4": "f1_max",
    "06.5": "aupro",
    "06.6": "redraw",
    "06.7": "alarm_threshold",
}
