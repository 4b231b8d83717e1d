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
# It imports all that they use, or most kills would only meet an import.
PROGRAM = """
    import os
    import sys
    from pathlib import Path
    import cv2
    import faiss
    import numpy as np
    import timm
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

    def saving():
        return os.listdir(folder.parent)

    def compare():
        saved = PatchCore.load(folder)
        expected = fitted(saved.seed)
        np.testing.assert_array_equal(saved.bank_.vectors_, expected.bank_.vectors_)
        np.testing.assert_array_equal(saved.predict(tiles).maps, expected.predict(tiles).maps)

    assert exit_code(start(lambda: fitted(1).save(folder))) == 0
    left_over = 0
    for kill in killed_at_random(fit_and_save, kills, within, seed=kills, state=saving):
        left_over += len(saving()) > 1
        assert exit_code(start(compare)) == 0, f"after kill {kill}"
    assert exit_code(start(lambda: fitted(2).save(folder))) == 0
    assert exit_code(start(compare)) == 0
    print(left_over)
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
    assert int(run.stdout) > kills // 10  # kills in the middle of saving


# A run takes less than a second: pictures of one tile, which are scaled down to 32 px for the network.
INSPECT = """
    import contextlib
    import functools
    import io
    import json
    import os
    import shutil
    import sys
    import time
    from pathlib import Path
    import cv2
    import faiss
    import timm
    import numpy as np
    import torch
    from killing import exit_code, killed_at_random, start
    from woven import woven
    from aitex_utils.commands import inspect
    from aitex_utils.inspection import page
    from aitex_utils.inspection.judge import fit_pictures
    from aitex_utils.patchcore import PatchCore

    root, kills, mode = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    torch.set_num_threads(1)
    inspect._forecast = lambda *_: "soon"
    page.score_histogram = lambda *_: "a figure"
    inspect.fit_pictures = functools.partial(fit_pictures, size=32)
    judged = root / "here" / ".out.unfinished" / "judged.jsonl"

    def judging():
        return judged.stat().st_mtime_ns if judged.is_file() else None

    def save(folder, pictures):
        (root / folder).mkdir(parents=True)
        for number, picture in enumerate(pictures):
            cv2.imwrite(f"{root}/{folder}/{number}.png", picture)

    def hole(pictures):
        pictures[::2, 100:150, 60:120] = 10
        return pictures

    def command(*arguments):
        with contextlib.redirect_stdout(io.StringIO()):
            assert inspect.main([*arguments, "--test", f"{root}/new"]) == 0

    def fit(out):
        command("--good", f"{root}/good", "--out", str(out))

    def add(out):
        command("--detector", str(out), "--add", f"{root}/more", "--out", str(out))

    def vectors(out):
        return np.concatenate([bank.vectors_ for bank in PatchCore.load(out / "detector").banks_])

    def is_equal(out, other):
        return (out / "scores.csv").read_bytes() == (other / "scores.csv").read_bytes() and np.array_equal(
            vectors(out), vectors(other)
        )

    def check(out, states):
        files = json.loads((out / "inspect.json").read_text())["files"]
        paths = {path.relative_to(out).as_posix(): path.stat().st_size for path in out.rglob("*") if path.is_file()}
        del paths["inspect.json"]
        assert paths == files
        assert any(is_equal(out, state) for state in states)

    save("good", woven(8, 0, 256, 256))
    save("more", 255 - woven(6, 1, 256, 256) // 2)
    save("new", hole(woven(6, 2, 256, 256)))
    whole, added, out = root / "whole", root / "added", root / "here" / "out"
    out.parent.mkdir()

    def prepare():
        fit(whole)
        shutil.copytree(whole, added)
        add(added)
        assert not is_equal(whole, added)

    def compare(*states):
        with contextlib.suppress(FileNotFoundError):
            inspect.settle(out)
            check(out, states)

    assert exit_code(start(prepare)) == 0
    begin = time.monotonic()
    assert exit_code(start(lambda: fit(root / "timed"))) == 0
    within = 1.2 * (time.monotonic() - begin)
    resumed = 0
    if mode == "fit":
        for kill in killed_at_random(lambda: fit(out), kills, within, seed=1, state=judging):
            resumed += judged.is_file()
            assert exit_code(start(lambda: compare(whole))) == 0, f"after kill {kill}"
        expected = whole
        assert exit_code(start(lambda: fit(out))) == 0
    else:
        expected = added
        shutil.copytree(whole, out)
        for kill in killed_at_random(lambda: add(out), kills, within, seed=2, state=judging):
            resumed += judged.is_file()
            assert exit_code(start(lambda: compare(whole, added))) == 0, f"after kill {kill}"
            assert exit_code(start(lambda: add(out))) == 0
            assert exit_code(start(lambda: check(out, [added]))) == 0, f"gone on after kill {kill}"
            assert os.listdir(out.parent) == ["out"], os.listdir(out.parent)
            shutil.rmtree(out)
            shutil.copytree(whole, out)
        assert exit_code(start(lambda: add(out))) == 0
    assert exit_code(start(lambda: check(out, [expected]))) == 0
    assert os.listdir(out.parent) == ["out"], os.listdir(out.parent)
    print(resumed)
"""


@needs_fork
@pytest.mark.slow
@pytest.mark.parametrize(("mode", "kills"), [("fit", 30), ("add", 20)])
def test_a_killed_inspection_goes_on_and_ends_with_the_same_results(mode: str, kills: int, tmp_path: Path):
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "helpers")])
    command = [sys.executable, "-c", textwrap.dedent(INSPECT), str(tmp_path), str(kills), mode]
    run = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True, timeout=300 + 60 * kills
    )
    assert run.returncode == 0, run.stderr[-3000:]
    assert int(run.stdout) > kills // 5  # kills in the middle of a run, which the next one went on with
