"""A figure with sliders: they redraw it, still images stand in, and errors are shown in the figure's place."""

from __future__ import annotations

import sys

import IPython
import IPython.display
import pytest
from accessible import unlabelled
from matplotlib.figure import Figure

from aitex_utils.errors import InputError
from aitex_utils.lessons.sliders import WIDGET, make_slider_widget, show_with_sliders

SLIDERS = {"x": (-1.0, 1.0, 0.1, 0.5), "b": (1, 5, 1, 3)}


def draw(x: float, b: int) -> tuple[Figure, str]:
    figure = Figure(figsize=(2, 2))
    figure.subplots().plot([x], [b], "o")
    return figure, f"x is {x:.1f}, b is <{b}>."


@pytest.fixture
def bundles(monkeypatch: pytest.MonkeyPatch) -> list[dict]:
    """Collect the bundles that a notebook would display."""
    bundles = []
    monkeypatch.setattr(IPython, "get_ipython", lambda: object())
    monkeypatch.setattr(IPython.display, "display", lambda bundle, raw: bundles.append(bundle))
    return bundles


def test_a_slider_redraws_the_figure_and_its_alt_text():
    widget = make_slider_widget(draw, SLIDERS)
    (x, b), image = widget.children[0].children, widget.children[1]
    before = image.value
    assert 'alt="x is 0.5, b is &lt;3&gt;."' in before and isinstance(b.value, int) and isinstance(x.value, float)
    x.value = -0.7
    after = image.value
    assert 'alt="x is -0.7, b is &lt;3&gt;."' in after
    assert before.split('alt="')[0] != after.split('alt="')[0], "the image itself did not change"
    b.value = 5
    assert "b is &lt;5&gt;" in image.value
    assert len(after) < 60_000  # small enough to follow a slider


def test_each_slider_is_labelled_by_its_name():
    widget = make_slider_widget(lambda low_end, b: draw(low_end, b), {"low_end": SLIDERS["x"], "b": SLIDERS["b"]})
    assert unlabelled(widget) == [] and [one.description for one in widget.children[0].children] == ["low end", "b"]


def test_still_images_stand_in_beside_the_widget(bundles: list[dict]):
    show_with_sliders(draw, [{"x": 0.1, "b": 1}, {"x": 0.2, "b": 2}], **SLIDERS)
    (bundle,) = bundles
    assert bundle["text/html"].count("<img") == 2 == bundle["text/html"].count('alt="x is')
    assert bundle["text/plain"] == "x is 0.1, b is <1>. x is 0.2, b is <2>."
    assert "model_id" in bundle[WIDGET]


def test_without_ipywidgets_the_start_stands_in_alone(bundles: list[dict], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    show_with_sliders(draw, **SLIDERS)
    assert sorted(bundles[0]) == ["text/html", "text/plain"]
    assert "x is 0.5" in bundles[0]["text/html"]


def test_outside_a_notebook_the_caption_is_printed(capsys: pytest.CaptureFixture):
    show_with_sliders(draw, **SLIDERS)
    assert capsys.readouterr().out == "x is 0.5, b is <3>.\n"


def test_an_error_of_the_drawing_is_shown_in_its_place():
    def faulty(x: float) -> tuple[Figure, str]:
        raise ValueError(f"<{x}> is too large")

    widget = make_slider_widget(faulty, {"x": (0.0, 1.0, 0.1, 0.5)})
    assert "ValueError: &lt;0.5&gt; is too large" in widget.children[1].value


@pytest.mark.parametrize("numbers", [(0, 1, 0.1), (0, 1, 0.1, 2), (0, 1, 0.1, -1), (0, 1, 0, 0.5)])
def test_an_impossible_slider_is_refused(numbers: tuple):
    with pytest.raises(InputError, match="^x is .*lowest, highest, step, start"):
        show_with_sliders(draw, x=numbers, b=(1, 2, 1, 1))
