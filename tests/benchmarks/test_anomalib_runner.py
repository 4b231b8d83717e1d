"""anomalib beside ours: how its scripts are run, and that its maps are evaluated like ours."""

from __future__ import annotations

import os
import runpy
import subprocess
from pathlib import Path

import anomalib_runner
import numpy as np
import pytest
from anomalib_runner import AnomalibRunner, StoredMaps
from protocol_b import split_tiles
from protocols import FabricTiles

from aitex_utils.commands.protocol_c import split_protocol_c
from aitex_utils.errors import InputError
from aitex_utils.strips import list_strips
from aitex_utils.tiling import tile_fabric


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AnomalibRunner:
    """Return a runner whose environment is there but for anomalib."""
    python = tmp_path / "anomalib" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    monkeypatch.setenv("COURSE_ANOMALIB", str(tmp_path / "anomalib"))
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(anomalib_runner.os, "name", "posix")
    return AnomalibRunner()


def test_the_folder_of_a_home_or_a_relative_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path / "ada"))
    monkeypatch.setattr(AnomalibRunner, "_install", lambda self: None)
    folders = {"~/a": tmp_path / "ada" / "a", "a": tmp_path / "a", "": anomalib_runner.PROJECT / "data" / "anomalib"}
    for named, folder in folders.items():
        monkeypatch.setenv("COURSE_ANOMALIB", named)
        assert AnomalibRunner().folder == folder


@pytest.fixture
def installing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict]:
    """Let an environment be an empty folder, and pip fail; return the list of pip's variables."""
    given = []

    def run(command: list, **options: object) -> None:
        given.append(options["env"])
        raise subprocess.CalledProcessError(1, "pip")

    def pip_environment() -> dict[str, str]:
        return {name: value for name, value in os.environ.items() if name != "PIP_TARGET"}

    launcher = {"pip_environment": pip_environment, "SetupError": ZeroDivisionError}
    monkeypatch.setattr(anomalib_runner.runpy, "run_path", lambda path: launcher)
    monkeypatch.setattr(anomalib_runner.subprocess, "run", run)
    monkeypatch.setattr(anomalib_runner.venv, "create", lambda folder, with_pip: folder.mkdir(exist_ok=True))
    monkeypatch.setenv("COURSE_ANOMALIB", str(tmp_path / "anomalib"))
    monkeypatch.setenv("PIP_TARGET", str(tmp_path / "elsewhere"))
    return given


def test_pip_puts_anomalib_nowhere_else(installing: list[dict], tmp_path: Path):
    with pytest.raises(InputError, match="anomalib was not installed .*delete"):
        AnomalibRunner()
    assert len(installing) == 1 and "PIP_TARGET" not in installing[0]


def test_a_folder_with_other_content_is_no_place_for_anomalib(installing: list[dict], tmp_path: Path):
    """Else the message after a failed installation would say: delete it."""
    (tmp_path / "anomalib").mkdir()
    (tmp_path / "anomalib" / "thesis.txt").touch()
    with pytest.raises(InputError, match="thesis.txt"):
        AnomalibRunner()
    assert installing == []


def test_the_launcher_cleans_the_environment_of_pip(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PIP_TARGET", "elsewhere")
    launcher = runpy.run_path(str(anomalib_runner.PROJECT / "course.py"))
    assert issubclass(launcher["SetupError"], Exception)
    if launcher["PYTHON"].is_file():
        assert "PIP_TARGET" not in launcher["pip_environment"]()


def test_half_an_installation_is_reported(runner: AnomalibRunner):
    with pytest.raises(InputError, match="no complete installation of anomalib"):
        runner.versions()


def grey_maps(runner: AnomalibRunner, monkeypatch: pytest.MonkeyPatch) -> list[tuple]:
    """Let a run's maps be the tiles' grey values; return the list of runs."""
    runs = []

    def run_script(script: str, arrays: dict[str, np.ndarray], *arguments: object) -> dict[str, np.ndarray]:
        runs.append((script, len(arrays["training"]), arguments))
        return {"maps": arrays["test"].astype(np.float32)}

    monkeypatch.setattr(runner, "run_script", run_script)
    return runs


def test_protocol_b_tests_the_tiles_that_ours_tests(
    runner: AnomalibRunner, small_tiles: FabricTiles, monkeypatch: pytest.MonkeyPatch
):
    runs = grey_maps(runner, monkeypatch)
    (result,) = runner.protocol_b(small_tiles, [1], {"size": 320, "coreset_ratio": 0.1})
    assert runs == [("anomalib_patchcore.py", 30, (1, 320, 0.1))]
    _, test = split_tiles(len(small_tiles.clean), 1)
    maxima = [tiles.max(axis=(1, 2)) for tiles in (small_tiles.clean.tiles[test], small_tiles.defective.tiles)]
    np.testing.assert_array_equal(result.scores, np.concatenate(maxima))
    assert result.labels.sum() == len(small_tiles.defective)


@pytest.mark.slow
def test_protocol_c_puts_the_maps_of_tiles_together_by_strip(
    runner: AnomalibRunner, small_practice: Path, small_fabric: str, monkeypatch: pytest.MonkeyPatch
):
    runs = grey_maps(runner, monkeypatch)
    (result,) = runner.protocol_c(small_practice, small_fabric, [0], {"size": 320, "coreset_ratio": 0.01})
    training, test = split_protocol_c(list_strips(small_practice, small_fabric))
    assert runs[0][1] == sum(len(tile_fabric(strip.read())[0]) for strip in training)
    for number, score in result.strip_scores.items():
        assert score == tile_fabric(result.strips[number].read())[0].max()
    assert len(result.strip_scores) == len(test)


def test_stored_maps_are_returned_strip_by_strip(small_practice: Path):
    strip = list_strips(small_practice)[0].read()
    tiles, corners = tile_fabric(strip)
    detector = StoredMaps([tiles.astype(np.float32), np.zeros_like(tiles, np.float32)])
    first, second = detector.predict_strip(strip), detector.predict_strip(strip)
    start, stop = first.region
    np.testing.assert_array_equal(first.map[:, start:stop], strip[:, start:stop])
    assert np.isnan(first.map[:, :start]).all() and start == corners[:, 1].min() > 0
    assert first.score == tiles.max() and second.score == 0


def test_a_script_is_run_once_for_equal_arrays(runner: AnomalibRunner, monkeypatch: pytest.MonkeyPatch):
    commands = []

    def run(command: list[str], **options: object) -> object:
        commands.append(command)
        with np.load(command[2]) as arrays:
            np.savez(command[3], doubled=2 * arrays["x"])
        return type("Done", (), {"returncode": 0})

    monkeypatch.setattr(anomalib_runner.subprocess, "run", run)
    for _ in range(2):
        results = runner.run_script("anomalib_coreset.py", {"x": np.arange(3)}, 50, 0.1)
        assert results["doubled"].tolist() == [0, 2, 4]
    assert len(commands) == 1 and commands[0][4:] == ["50", "0.1"]
    assert Path(commands[0][1]).is_file()
    runner.run_script("anomalib_coreset.py", {"x": np.arange(1, 4)}, 50, 0.1)
    runner.run_script("anomalib_coreset.py", {"x": np.arange(3)}, 60, 0.1)
    assert len(commands) == 3


def test_a_script_that_fails_says_why(runner: AnomalibRunner, monkeypatch: pytest.MonkeyPatch):
    failed = type("Done", (), {"returncode": 1, "stderr": "Traceback\nMemoryError: too much\n"})
    monkeypatch.setattr(anomalib_runner.subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(InputError, match="MemoryError: too much.*anomalib_coreset.py"):
        runner.run_script("anomalib_coreset.py", {"x": np.arange(3)})
