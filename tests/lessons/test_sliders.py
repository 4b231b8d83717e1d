"""A movable picture: its sliders redraw it, still pictures stand in, and what goes wrong is told."""

from __future__ import annotations

import sys

import IPython
import IPython.display
import pytest
from matplotlib.figure import Figure

from aitex_utils.errors import InputError
from aitex_utils.lessons.sliders import WIDGET, _with_sliders, movable

SLIDERS = {"x": (-1.0, 1.0, 0.1, 0.5), "b": (1, 5, 1, 3)}


def draw(x: float, b: int) -> tuple[Figure, str]:
    figure = Figure(figsize=(2, 2))
    figure.subplots().plot([x], [b], "o")
    return figure, f"x is {x:.1f}, b is <{b}>."


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[dict]:
    """What a notebook would display."""
    bundles = []
    monkeypatch.setattr(IPython, "get_ipython", lambda: object())
    monkeypatch.setattr(IPython.display, "display", lambda bundle, raw: bundles.append(bundle))
    return bundles


def test_a_slider_redraws_the_picture_and_its_alt_text():
    box = _with_sliders(draw, SLIDERS)
    (x, b), picture = box.children[0].children, box.children[1]
    before = picture.value
    assert 'alt="x is 0.5, b is &lt;3&gt;."' in before and isinstance(b.value, int)
    x.value = -0.7
    after = picture.value
    assert 'alt="x is -0.7, b is &lt;3&gt;."' in after
    assert before.split('alt="')[0] != after.split('alt="')[0], "the picture itself didn't change"
    b.value = 5
    assert "b is &lt;5&gt;" in picture.value
    assert len(after) < 60_000  # light enough to follow a slider


def test_still_pictures_stand_in_beside_the_widget(shown: list[dict]):
    movable(draw, [{"x": 0.1, "b": 1}, {"x": 0.2, "b": 2}], **SLIDERS)
    (bundle,) = shown
    assert bundle["text/html"].count("<img") == 2 == bundle["text/html"].count('alt="x is')
    assert bundle["text/plain"] == "x is 0.1, b is <1>. x is 0.2, b is <2>."
    assert "model_id" in bundle[WIDGET]


def test_without_stills_the_start_stands_in_and_without_ipywidgets_nothing_else(
    shown: list[dict], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    movable(draw, **SLIDERS)
    assert sorted(shown[0]) == ["text/html", "text/plain"]
    assert "x is 0.5" in shown[0]["text/html"]


def test_outside_a_notebook_the_sentence_is_printed(capsys: pytest.CaptureFixture):
    movable(draw, **SLIDERS)
    assert capsys.readouterr().out == "x is 0.5, b is <3>.\n"


def test_what_stops_a_drawing_is_told_in_its_place():
    def faulty(x: float) -> tuple[Figure, str]:
        raise ValueError(f"<{x}> is too much")

    box = _with_sliders(faulty, {"x": (0.0, 1.0, 0.1, 0.5)})
    assert "Drawing stopped with ValueError: &lt;0.5&gt; is too much" in box.children[1].value


@pytest.mark.parametrize("numbers", [(0, 1, 0.1), (0, 1, 0.1, 2), (0, 1, 0, 0.5)])
def test_a_slider_that_cannot_be_made_is_refused(numbers: tuple):
    with pytest.raises(InputError, match="expected .lowest, highest, step, start."):
        movable(draw, x=numbers, b=(1, 2, 1, 1))
