"""Functions that the exercises of notebook 07 ask for."""

NAMES = {
    "07.1": "aupro",
    "07.2": "resample_strips",
    "07.3": "alarm_threshold",
    "07.4": "tune_and_test",
    "07.5": "operating_point",
}
