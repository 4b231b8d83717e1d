"""PatchCore on woven fabric: a detector that can be read in an evening.

The modules of this folder are the detector, with its reader of strips, its metrics and the figures that all share.
Around it are:

- `fast`: exact accelerations,
- `files`: safe reading and writing,
- `safety`: checks of arrays,
- `practice`: the practice fabric,
- `datasets`: checks of a data set,
- `inspection`: any folder of pictures, from listing them to a report,
- `baselines`: detectors to compare PatchCore with,
- `lessons`: exercises and figures of the notebooks,
- `commands`: programs that `course.py` runs.

Nothing heavy is imported here: a name such as `aitex_utils.PatchCore` loads its module when it is first used.
"""

from __future__ import annotations

from importlib import import_module

__version__ = "1.0.0"  # of the course: CITATION.cff and CHANGELOG.md repeat it, and a test compares them
_MODULES = {
    "InputError": "errors",
    "Strip": "strips",
    "find_aitex": "files.data_folder",
    "list_strips": "strips",
    "read_strips": "strips",
    "split_strips": "strips",
    "check_dataset": "datasets.dataset_check",
    "make_practice_fabric": "practice.generate",
    "fabric_region": "region",
    "crop_to_fabric": "region",
    "tile": "tiling",
    "tile_fabric": "tiling",
    "untile": "tiling",
    "tile_labels": "tiling",
    "PatchFeatures": "features",
    "k_center_greedy": "coreset",
    "MemoryBank": "memory_bank",
    "PatchCore": "patchcore",
}
__all__ = sorted(_MODULES)


def __getattr__(name: str):
    if name not in _MODULES:
        raise AttributeError(f"module 'aitex_utils' has no attribute {name!r}")
    return getattr(import_module(f".{_MODULES[name]}", __name__), name)


def __dir__() -> list[str]:
    return __all__
