"""A process that is killed while it fits and saves a detector leaves the saved one before, or the new one, whole."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from killing import needs_fork
from project_root import ROOT

# A process of its own forks: it has not computed anything yet, so no thread of a library is missing in its children.
PROGRAM = """
    import sys
    from pathlib import Path
    import numpy as np
    import torch
    from killing import exit_code, killed_at_random, start
    from woven import woven
    from aitex_utils import PatchCore

    folder, kills, within = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    tiles = woven(3, 0, 32, 32)
    torch.set_num_threads(1)

    def fitted(seed):
        return PatchCore(size=32, coreset_ratio=0.5, sampler="random", seed=seed).fit(tiles)

    def fit_and_save():
        for seed in (1, 2, 3):
            fitted(seed).save(folder)

    def compare():
        saved = PatchCore.load(folder)
        expected = fitted(saved.seed)
        np.testing.assert_array_equal(saved.bank_.vectors_, expected.bank_.vectors_)
        np.testing.assert_array_equal(saved.predict(tiles).maps, expected.predict(tiles).maps)

    assert exit_code(start(lambda: fitted(1).save(folder))) == 0
    for kill in killed_at_random(fit_and_save, kills, within, seed=kills):
        assert exit_code(start(compare)) == 0, f"after kill {kill}"
    assert exit_code(start(lambda: fitted(2).save(folder))) == 0
    assert exit_code(start(compare)) == 0
"""


@needs_fork
@pytest.mark.slow
def test_a_killed_fit_and_save_leaves_a_whole_detector_and_the_next_save_cleans_up(tmp_path: Path):
    kills = 50
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "helpers")])
    command = [sys.executable, "-c", textwrap.dedent(PROGRAM), str(tmp_path / "detector"), str(kills), "1.5"]
    run = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True, timeout=300 + 60 * kills
    )
    assert run.returncode == 0, run.stderr[-3000:]
    assert os.listdir(tmp_path) == ["detector"]
