"""The page and the table are written whole, over no foreign file, and anew while a class works."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from simulated_class import empty, progress_files, write_class

from aitex_utils.errors import InputError
from aitex_utils.teaching import class_files
from aitex_utils.teaching.class_files import check_output, watch_class
from aitex_utils.teaching.class_files import write_class as write_page
from aitex_utils.teaching.learners import Class


def test_a_page_can_be_written_over_but_nothing_else(tmp_path: Path):
    page = tmp_path / "out" / "1b.html"
    check_output(page)
    for _ in range(2):
        write_page(Class((), (), ()), "1b", page)
        check_output(page)
    assert sorted(path.name for path in page.parent.iterdir()) == ["1b.csv", "1b.html"]
    assert page.with_suffix(".csv").read_bytes().startswith(b"\xef\xbb\xbflearner,")
    page.with_suffix(".csv").write_text("name,mark\n")
    with pytest.raises(InputError, match="1b.csv was not written by this command"):
        check_output(page)
    page.write_text("<h1>My thesis</h1>")
    with pytest.raises(InputError, match="1b.html was not written by this command"):
        check_output(page)
    (tmp_path / "folder.html").mkdir()
    with pytest.raises(InputError, match="cannot be read"):
        check_output(tmp_path / "folder.html")
    with pytest.raises(InputError, match=r"end in \.html"):
        check_output(tmp_path / "1b.csv")


def watch(folder: Path, page: Path, *steps: Callable[[], object]) -> list[str]:
    """Watch a folder. Before each further look one step happens, and Ctrl-C comes after the last step."""
    said, left = [], list(steps)

    def wait(seconds: float) -> None:
        if not left:
            raise KeyboardInterrupt
        left.pop(0)()

    watch_class(folder, "1b", page, say=said.append, wait=wait)
    return said


def test_a_watched_page_follows_the_files(tmp_path: Path):
    folder, page = tmp_path / "class", tmp_path / "1b.html"
    folder.mkdir()
    states = []

    def look() -> None:
        text = page.read_text(encoding="utf-8")
        states.append(("refresh" in text, "Ada" in text, "Ben" in text, "cut.json" in text))

    def add(name: str) -> None:
        look()
        write_class(folder, {f"{name}.json": empty() | {"name": name}})

    said = watch(
        folder,
        page,
        lambda: add("Ada"),
        lambda: add("Ben"),
        lambda: (look(), (folder / "cut.json").write_text("{")),
        lambda: (look(), (folder / "Ada.json").unlink()),
        look,
    )
    look()
    none, ada, both, ben = ((False, False), (True, False), (True, True), (False, True))
    assert [state[1:3] for state in states] == [none, ada, both, both, ben, ben]
    assert [state[0] for state in states] == [True] * 5 + [False]  # the last page is not loaded again
    assert not any(state[3] for state in states)  # it can be half written
    assert (
        said[:3] == [f"{n} learner{'' if n == 1 else 's'}, 0 files left out" for n in (0, 1, 2)]
        and said[-1] == "Stopped."
    )


def test_an_unchanged_class_is_written_again_after_a_minute_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    written, now = [], [0.0]
    monkeypatch.setattr(class_files.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(class_files, "write_class", lambda *_, is_live=False: written.append((now[0], is_live)))

    def pass_time() -> None:
        now[0] += 40

    watch(tmp_path, tmp_path / "1b.html", *[pass_time] * 4)
    assert written == [(0, True), (80, True), (160, True), (160, False)]


def test_a_folder_that_goes_away_for_a_while_costs_one_sentence(tmp_path: Path):
    folder, page = tmp_path / "class", tmp_path / "1b.html"
    write_class(folder, progress_files(2))
    kept = []

    def away() -> None:
        shutil.move(folder, tmp_path / "away")

    def back() -> None:
        kept.append(page.read_text(encoding="utf-8"))
        shutil.move(tmp_path / "away", folder)

    said = watch(folder, page, away, lambda: None, back)
    assert "2 learners." in kept[0]
    assert [sentence for sentence in said if "Trying again" in sentence] == [
        f"{folder} is no folder: name the folder with the learners' progress files. Trying again."
    ]
    assert said[-1] == "Stopped."


def test_a_disk_that_is_full_for_a_while_does_not_end_the_watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    real, calls = class_files.write_class, []

    def write(*arguments, **options) -> None:
        calls.append(arguments)
        if len(calls) == 1:
            raise InputError("The disk is full: free some space.")
        real(*arguments, **options)

    monkeypatch.setattr(class_files, "write_class", write)
    said = watch(tmp_path, tmp_path / "1b.html", lambda: None)
    assert said == ["The disk is full: free some space. Trying again.", "0 learners, 0 files left out", "Stopped."]
