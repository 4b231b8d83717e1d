"""PatchCore on woven fabric, in small pieces that can be read in an evening.

Nothing heavy is imported here: a name such as `aitex_utils.PatchCore` loads its module when it is first used.
"""

from __future__ import annotations

from importlib import import_module

_WHERE = {
    "InputError": "errors",
    "Strip": "strips",
    "find_aitex": "strips",
    "list_strips": "strips",
    "read_strips": "strips",
    "split_strips": "strips",
    "check_dataset": "datasets.dataset_check",
    "make_practice_fabric": "practice.generate",
    "fabric_region": "tiling",
    "tile": "tiling",
    "untile": "tiling",
    "tile_labels": "tiling",
    "PatchFeatures": "features",
    "k_center_greedy": "coreset",
    "MemoryBank": "memory_bank",
    "PatchCore": "patchcore",
}
__all__ = sorted(_WHERE)


def __getattr__(name: str):
    if name not in _WHERE:
        raise AttributeError(f"module 'aitex_utils' has no attribute {name!r}")
    return getattr(import_module(f".{_WHERE[name]}", __name__), name)


def __dir__() -> list[str]:
    return __all__
