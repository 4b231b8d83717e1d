"""A figure with sliders: they redraw it where widgets run, and still images stand in elsewhere."""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from aitex_utils.errors import InputError
from aitex_utils.plots import figure_html

if TYPE_CHECKING:
    from ipywidgets import VBox
    from matplotlib.figure import Figure

WIDGET = "application/vnd.jupyter.widget-view+json"
DPI = 75  # a small image, because each step of a slider sends a new image from the kernel


def show_with_sliders(
    draw: Callable[..., tuple[Figure, str]],
    stills: Sequence[Mapping[str, float]] = (),
    **sliders: tuple[float, float, float, float],
) -> None:
    """Show a figure with one slider per value, or print captions outside a notebook.

    Parameters
    ----------
    draw : callable
        Called with the values of the sliders, by name. Returns (figure, caption). The caption is also the alt text.
    stills : sequence of mapping
        Values for the still images, which are shown where widgets do not run. The default is one image at the start.
    **sliders
        name=(lowest, highest, step, start). Integers in all four make a slider of integers.

    Raises
    ------
    InputError
        If a slider's start is not in its range, or its step is not positive.

    Examples
    --------
    >>> from aitex_utils.plots import make_axes
    >>> def draw(sigma):
    ...     return make_axes(1, 1, (2, 2))[0], f"Smoothing with sigma = {sigma} px."
    >>> show_with_sliders(draw, sigma=(0, 8, 1, 4))
    Smoothing with sigma = 4 px.
    """
    from IPython import get_ipython
    from IPython.display import display

    for name, numbers in sliders.items():
        if not _are_slider_numbers(numbers):
            raise InputError(
                f"{name} is {numbers}, expected (lowest, highest, step, start), four finite numbers with "
                "start from lowest to highest and a step above 0."
            )
    drawn = [draw(**values) for values in stills or [{name: numbers[3] for name, numbers in sliders.items()}]]
    captions = " ".join(caption for _, caption in drawn)
    if get_ipython() is None:
        print(captions)
        return
    images = "".join(f'<div style="flex:1 1 18em">{figure_html(*still, dpi=DPI)}</div>' for still in drawn)
    bundle: dict[str, Any] = {
        "text/html": f'<div style="display:flex;flex-wrap:wrap;gap:1em">{images}</div>',
        "text/plain": captions,
    }
    try:
        widget = make_slider_widget(draw, sliders)
    except ImportError:  # without ipywidgets, only the still images are shown
        widget = None
    if widget is not None:
        bundle[WIDGET] = widget._repr_mimebundle_()[WIDGET]  # a front end prefers it to text/html where it can
    display(bundle, raw=True)


def _are_slider_numbers(numbers: Any) -> bool:
    """Say whether these are (lowest, highest, step, start) of a slider."""
    if not isinstance(numbers, (tuple, list)) or len(numbers) != 4:
        return False
    if not all(isinstance(n, (int, float)) and math.isfinite(n) for n in numbers):
        return False
    return numbers[0] <= numbers[3] <= numbers[1] and numbers[2] > 0


def make_slider_widget(draw: Callable[..., tuple[Figure, str]], sliders: Mapping[str, tuple]) -> VBox:
    """Return a figure and its sliders as one widget.

    Parameters
    ----------
    draw : callable
        As in `show_with_sliders`.
    sliders : mapping
        (lowest, highest, step, start) by name.

    Returns
    -------
    ipywidgets.VBox
        The row of sliders above the figure. If `draw` raises, the error is shown in the figure's place.

    Raises
    ------
    ImportError
        If ipywidgets is not installed.

    Examples
    --------
    >>> from aitex_utils.plots import make_axes
    >>> widget = make_slider_widget(lambda sigma: (make_axes(1, 1, (2, 2))[0], "Caption."), {"sigma": (0, 8, 1, 4)})
    >>> widget.children[0].children[0].value
    4
    """
    import ipywidgets

    controls = {}
    for name, (lowest, highest, step, start) in sliders.items():
        is_integer = all(isinstance(number, int) for number in (lowest, highest, step, start))
        slider_class = ipywidgets.IntSlider if is_integer else ipywidgets.FloatSlider
        controls[name] = slider_class(start, min=lowest, max=highest, step=step, description=name.replace("_", " "))
    image = ipywidgets.HTML()

    def redraw(_change: Any = None) -> None:
        try:
            image.value = figure_html(*draw(**{name: control.value for name, control in controls.items()}), dpi=DPI)
        except Exception as error:  # noqa: BLE001 - the traceback of a callback would only reach a hidden log
            image.value = f"<p>Drawing stopped with {type(error).__name__}: {html.escape(str(error))}</p>"

    for control in controls.values():
        control.observe(redraw, "value")
    redraw()
    return ipywidgets.VBox([ipywidgets.HBox(list(controls.values()), layout={"flex_flow": "row wrap"}), image])
