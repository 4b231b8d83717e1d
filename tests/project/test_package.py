"""The package itself: quick to import, and every name it promises is there."""

from __future__ import annotations

import subprocess
import sys

import pytest
from project_root import ROOT

import aitex_utils

HEAVY = ("torch", "torchvision", "timm", "faiss", "sklearn", "matplotlib", "scipy", "PIL", "tqdm", "rich")
LIGHT_MODULES = ("errors", "files.atomic_write", "strips", "datasets.dataset_check", "coreset", "memory_bank", "tiling")


def loaded_after(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint(*(name for name in {HEAVY!r} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    return set(done.stdout.split())


def test_the_watch_for_heavy_packages_sees_one():
    assert loaded_after("import PIL") == {"PIL"}


def test_importing_the_package_loads_nothing_heavy():
    assert loaded_after("import aitex_utils; dir(aitex_utils)") == set()


def test_importing_the_light_modules_loads_nothing_heavy():
    assert loaded_after("import " + ", ".join(f"aitex_utils.{name}" for name in LIGHT_MODULES)) == set()


@pytest.mark.parametrize("name", aitex_utils.__all__)
def test_every_promised_name_resolves(name: str):
    value = getattr(aitex_utils, name)
    assert value.__name__ == name
    assert value.__module__ == f"aitex_utils.{aitex_utils._MODULES[name]}"
    assert name in dir(aitex_utils)


def test_unknown_name():
    with pytest.raises(AttributeError, match="module 'aitex_utils' has no attribute 'patch_core'"):
        aitex_utils.patch_core  # noqa: B018
    with pytest.raises(ImportError, match="patch_core"):
        exec("from aitex_utils import patch_core")
