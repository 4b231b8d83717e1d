"""The command that makes the practice fabric, with small sizes, and clears the cache of the notebooks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from aitex_utils.commands import data
from aitex_utils.commands.data import main
from aitex_utils.lessons.cache import cached
from aitex_utils.practice import generate
from aitex_utils.strips import list_strips


@pytest.fixture(autouse=True)
def tiny_strips(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace strips by tiny grey ones, so a fabric takes no time."""

    def grey(weave, bed, rng, code=None, count=1):
        image = np.full((4, 8), rng.integers(256), np.uint8)
        return image, [image | 1] * count if code else []

    monkeypatch.setattr(generate, "render_strip", grey)


def test_it_makes_the_practice_fabric(tmp_path: Path, capsys: pytest.CaptureFixture):
    folder = tmp_path / "practice"
    assert main(["--folder", str(folder), "--fabrics", "2", "--normal", "2", "--defective", "3"]) == 0
    strips = list_strips(folder)
    assert len(strips) == 10 and sum(strip.is_normal for strip in strips) == 4
    output = capsys.readouterr().out
    assert all(word in output for word in ("2 practice fabrics", "2 normal", "3 defective", str(folder)))


def test_it_makes_a_fabric_only_once(tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch):
    arguments = ["--folder", str(tmp_path / "practice"), "--fabrics", "1", "--normal", "2", "--defective", "3"]
    assert main(arguments) == 0
    made = []
    monkeypatch.setattr(data, "make_practice_fabric", lambda *folder, **size: made.append(size))
    capsys.readouterr()
    assert main(arguments) == 0 and not made
    assert "already" in capsys.readouterr().out
    assert main([*arguments, "--seed", "1"]) == 0 and made[0]["seed"] == 1
    assert main([*arguments, "--force"]) == 0 and made[1]["seed"] == 0


def test_a_wrong_size_gives_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture):
    assert main(["--folder", str(tmp_path / "practice"), "--fabrics", "9"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("data: fabrics is 9") and error.count("\n") == 1


def test_it_clears_the_cache_and_makes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch):
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    cached("distances", lambda: {"a": np.zeros(2**17)})
    assert main(["--clear-cache", "--folder", str(tmp_path / "practice")]) == 0
    assert not (tmp_path / "cache" / "distances").exists() and not (tmp_path / "practice").exists()
    assert "1.0 MiB" in capsys.readouterr().out


def test_a_folder_with_a_foreign_file_is_refused_before_anything_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    arguments = ["--folder", str(tmp_path / "practice"), "--fabrics", "1", "--normal", "2", "--defective", "3"]
    assert main(arguments) == 0
    thesis = tmp_path / "practice" / "Mask_images" / "thesis.txt"
    thesis.write_text("years of work")
    monkeypatch.setattr(generate, "render_strip", None)  # nothing is drawn
    capsys.readouterr()
    assert main([*arguments, "--force"]) == 1
    error = capsys.readouterr().err
    assert "practice contains Mask_images/thesis.txt, " in error and error.count("\n") == 1
    assert thesis.read_text() == "years of work"
