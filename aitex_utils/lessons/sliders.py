"""A picture that can be moved: sliders redraw it where widgets run, some still pictures stand in where they don't."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from aitex_utils.errors import InputError
from aitex_utils.plots import picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDGET = "application/vnd.jupyter.widget-view+json"
DPI = 75  # a picture that follows a slider has to be light: it goes through the kernel's connection at each step


def movable(
    draw: Callable[..., tuple[Figure, str]],
    stills: Sequence[Mapping[str, float]] = (),
    **sliders: tuple[float, float, float, float],
) -> None:
    """Show `draw(**values)`, a figure and a sentence on it, with a slider for each value.

    Parameters
    ----------
    draw : called with the sliders' values, by name; its sentence becomes alt text and caption.
    stills : values for which pictures stand in where widgets don't run; none: those at the start.
    sliders : name=(lowest, highest, step, start); whole numbers in all four make a slider of whole numbers.

    Outside a notebook, the sentences of the stills are printed.
    """
    from IPython import get_ipython
    from IPython.display import display

    for name, numbers in sliders.items():
        if len(numbers) != 4 or not numbers[0] <= numbers[3] <= numbers[1] or numbers[2] <= 0:
            raise InputError(f"{name} is {numbers}, expected (lowest, highest, step, start) with start in between.")
    drawn = [draw(**values) for values in stills or [{name: numbers[3] for name, numbers in sliders.items()}]]
    sentences = " ".join(sentence for _, sentence in drawn)
    if get_ipython() is None:
        print(sentences)
        return
    still = "".join(f'<div style="flex:1 1 18em">{picture(*one, dpi=DPI)}</div>' for one in drawn)
    bundle: dict[str, Any] = {
        "text/html": f'<div style="display:flex;flex-wrap:wrap;gap:1em">{still}</div>',
        "text/plain": sentences,
    }
    try:
        box = _with_sliders(draw, sliders)
    except ImportError:  # no ipywidgets: the still pictures do
        box = None
    if box is not None:
        bundle[WIDGET] = box._repr_mimebundle_()[WIDGET]  # a front end takes it before text/html where it can
    display(bundle, raw=True)


def _with_sliders(draw: Callable[..., tuple[Figure, str]], sliders: Mapping[str, tuple]) -> Any:
    """Return the picture and its sliders as one widget."""
    import ipywidgets

    controls = {}
    for name, (lowest, highest, step, start) in sliders.items():
        whole = all(isinstance(number, int) for number in (lowest, highest, step, start))
        kind = ipywidgets.IntSlider if whole else ipywidgets.FloatSlider
        controls[name] = kind(start, min=lowest, max=highest, step=step, description=name.replace("_", " "))
    shown = ipywidgets.HTML()

    def redraw(_change: Any = None) -> None:
        try:
            shown.value = picture(*draw(**{name: control.value for name, control in controls.items()}), dpi=DPI)
        except Exception as error:  # noqa: BLE001 - a callback's traceback would go to a log that nobody reads
            shown.value = f"<p>Drawing stopped with {type(error).__name__}: {html.escape(str(error))}</p>"

    for control in controls.values():
        control.observe(redraw, "value")
    redraw()
    return ipywidgets.VBox([ipywidgets.HBox(list(controls.values()), layout={"flex_flow": "row wrap"}), shown])
