"""The bench as widgets: controls for all choices, a Run and a Stop button, and five views of the kept runs."""

from __future__ import annotations

import base64
import html
import urllib.parse
import uuid
from collections.abc import Callable
from typing import Any

import numpy as np

from aitex_utils.errors import InputError
from aitex_utils.features import MULTI_SCALE_POOLING
from aitex_utils.plots import DEFECTIVE, MAP_COLOURS, figure_html

from .choices import INDEX_OPTIONS, Choices
from .comparison import Comparison
from .jobs import WIDGET, Job, Step, StoppedError
from .neighbours import find_neighbours, highest_place
from .running import run_steps
from .runs import Run, read_runs
from .split import bench_fabrics
from .tables import COLUMNS, html_table, sort_runs, to_csv

DPI, CROP_DPI = 75, 110  # of the large figures, and of the crops, whose titles are small
CONTROL_WIDTH = "20em"
BACKBONES = ("efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2")
LAYERS = tuple(f"blocks.{i}" for i in range(1, 7))
POOLINGS = {"3 x 3": 3, "none": 1, "5 x 5": 5, "3 x 3 and none": MULTI_SCALE_POOLING}
RATIOS = {"0.2 %": 0.002, "0.5 %": 0.005, "1 %": 0.01, "2 %": 0.02, "5 %": 0.05, "10 %": 0.1}
RATES = {"5 %": 0.05, "10 %": 0.1, "15 %": 0.15, "20 %": 0.2, "30 %": 0.3}
# Sets the text field of a class to the place of a click: HTML widgets run no scripts, but they run these handlers.
CLICK = (
    "const box=this.getBoundingClientRect(),field=document.querySelector('.{name} input');"
    "const row=Math.floor((event.clientY-box.top)/box.height*{height});"
    "const column=Math.floor((event.clientX-box.left)/box.width*{width});"
    "if(field){{field.value=row+','+column;"
    "for(const kind of ['input','change'])field.dispatchEvent(new Event(kind,{{bubbles:true}}));}}"
)


class BenchPanel:
    """All controls of the bench, and views of its runs.

    Parameters
    ----------
    start : Run, optional
        Run to show first. None takes the last kept run.

    Attributes
    ----------
    controls : dict of str to widget
        One control for each choice, by its name.
    run_button, stop_button : ipywidgets.Button
        Start a run, and stop it.
    progress : ipywidgets.FloatProgress
        Progress of the run.
    status : ipywidgets.HTML
        The current step, or an error.
    shown : ipywidgets.Dropdown
        The run that the views show.
    strip : ipywidgets.Dropdown
        The strip that the views show.
    result, patches, table, comparison, export : ipywidgets.HTML
        The views.
    row, column : ipywidgets.IntSlider
        The patch whose neighbours are shown.
    click : ipywidgets.Text
        Row and column of a click on the map, "120,840".
    sort_by, descending : widgets
        Order of the table.
    first, second : ipywidgets.Dropdown
        The runs to compare.
    job : Job or None
        The run in progress.
    widget : ipywidgets.VBox
        The whole panel, to display.

    Examples
    --------
    >>> panel = BenchPanel()  # doctest: +SKIP
    >>> panel.controls["coreset_ratio"].value = 0.05  # doctest: +SKIP
    >>> panel.run_button.click()  # doctest: +SKIP
    """

    def __init__(self, start: Run | None = None) -> None:
        import ipywidgets as w

        self.job: Job | None = None
        self.runs: dict[int, Run] = {}
        self._name = f"bench-click-{uuid.uuid4().hex[:8]}"
        self._is_updating = False
        self._w = w
        self._make_controls(start.choices if start else Choices(bench_fabrics()[0]))
        self._make_views()
        self.widget = self._arrange()
        self._connect()
        self.reload(start.number if start else None)

    # Controls ---------------------------------------------------------------------------------------------------------

    def _make_controls(self, chosen: Choices) -> None:
        w, wide = self._w, {"description_width": "8.5em"}

        def dropdown(name: str, options: Any, description: str, value: Any) -> Any:
            layout = {"width": CONTROL_WIDTH}
            return w.Dropdown(options=options, value=value, description=description, style=wide, layout=layout)

        def known(options: dict[str, Any], value: Any) -> dict[str, Any]:
            return options if value in options.values() else {**options, str(value): value}

        backbones = list(dict.fromkeys([*BACKBONES, chosen.backbone]))
        sizes = {"256 px": 256, "320 px": 320, "448 px": 448}
        layers = [*LAYERS, *(layer for layer in chosen.layers if layer not in LAYERS)]
        self.controls: dict[str, Any] = {
            "fabric": dropdown("fabric", bench_fabrics(), "fabric", chosen.fabric),
            "backbone": dropdown("backbone", backbones, "backbone", chosen.backbone),
            "layers": w.SelectMultiple(
                options=layers, value=chosen.layers, rows=6, description="layers", style=wide,
                layout={"width": CONTROL_WIDTH},
            ),
            "size": dropdown("size", known(sizes, chosen.size), "input size", chosen.size),
            "pooling": dropdown("pooling", known(POOLINGS, chosen.pooling), "pooling", chosen.pooling),
            "coreset_ratio": dropdown(
                "coreset_ratio", known(RATIOS, chosen.coreset_ratio), "coreset ratio", chosen.coreset_ratio
            ),
            "sampler": dropdown("sampler", ["greedy", "random", "k_means"], "sampler", chosen.sampler),
            "index": dropdown("index", ["flat", "ivf", "hnsw", "pq", "auto"], "index", chosen.index),
            "normalize_positions": w.Checkbox(
                chosen.normalize_positions, description="position-wise normalisation", indent=False
            ),
            "background_quantile": w.Checkbox(
                chosen.background_quantile is not None, description="background subtraction", indent=False
            ),
            "smoothing": w.FloatSlider(
                chosen.smoothing, min=0, max=8, step=0.5, description="smoothing (px)", style=wide,
                layout={"width": CONTROL_WIDTH}, continuous_update=False,
            ),
            "image_score": dropdown(
                "image_score", ["max", "mean", "top", "reweighted", "reweighted_by_patch"], "image score",
                chosen.image_score,
            ),
            "false_alarm_rate": dropdown(
                "false_alarm_rate", known(RATES, chosen.false_alarm_rate), "promised rate", chosen.false_alarm_rate
            ),
        }  # fmt: skip
        for name in INDEX_OPTIONS:
            value = getattr(chosen, name) or 0
            self.controls[name] = w.BoundedIntText(
                value, min=0, max=4096, description=name, style=wide, layout={"width": CONTROL_WIDTH},
                tooltip="0 takes the default",
            )  # fmt: skip
        self.index_note = w.HTML("0 takes the default.", layout={"margin": "0 0 0 9em"})
        self.run_button = w.Button(description="Run", button_style="primary", icon="play")
        self.stop_button = w.Button(description="Stop", button_style="danger", icon="stop", disabled=True)
        self.progress = w.FloatProgress(
            0.0, min=0.0, max=1.0, description="progress", style={"description_width": "initial"},
            layout={"width": "19em"},
        )  # fmt: skip
        self.status = w.HTML()

    def choices(self) -> Choices:
        """Return the choices that the controls show.

        Returns
        -------
        Choices

        Raises
        ------
        InputError
            If two choices cannot be combined.
        """
        values = {name: control.value for name, control in self.controls.items()}
        values["layers"] = tuple(layer for layer in self.controls["layers"].options if layer in values["layers"])
        values["background_quantile"] = 0.25 if values["background_quantile"] else None
        for name, kind in INDEX_OPTIONS.items():
            values[name] = values[name] or None if values["index"] == kind else None
        return Choices(**values)

    # Views ------------------------------------------------------------------------------------------------------------

    def _make_views(self) -> None:
        w, wide = self._w, {"description_width": "5em"}
        run_layout = {"width": "46em", "max_width": "98%"}
        self.shown = w.Dropdown(description="run", style=wide, layout=run_layout)
        self.strip = w.Dropdown(description="strip", style=wide, layout={"width": "24em"})
        self.result, self.patches, self.table, self.comparison, self.export = (w.HTML() for _ in range(5))
        self.row = w.IntSlider(0, min=0, max=255, description="row", continuous_update=False, layout={"width": "24em"})
        self.column = w.IntSlider(0, description="column", continuous_update=False, layout={"width": "34em"})
        self.click = w.Text(description="row, column", layout={"display": "none"})
        self.click.add_class(self._name)
        self.picture = w.HTML()
        self.sort_by = w.Dropdown(options=COLUMNS, description="sort by", style=wide)
        self.descending = w.Checkbox(False, description="largest first", indent=False)
        self.first = w.Dropdown(description="first", style=wide, layout=run_layout)
        self.second = w.Dropdown(description="second", style=wide, layout=run_layout)

    def _arrange(self) -> Any:
        w, control = self._w, self.controls
        self._options = [control[name] for name in INDEX_OPTIONS]

        def column(title: str, parts: list[Any]) -> Any:
            return w.VBox([w.HTML(f"<b>{title}</b>"), *parts], layout={"margin": "0 1em 0 0"})

        of_scores = ("normalize_positions", "background_quantile", "smoothing", "image_score", "false_alarm_rate")
        columns = [
            column("Patches", [control[name] for name in ("fabric", "backbone", "layers", "size", "pooling")]),
            column(
                "Bank",
                [*(control[name] for name in ("coreset_ratio", "sampler", "index")), *self._options, self.index_note],
            ),
            column("Scores", [control[name] for name in of_scores]),
        ]
        buttons = [self.run_button, self.stop_button, self.progress, self.status]
        buttons = w.HBox(buttons, layout={"flex_flow": "row wrap"})
        sliders = w.HBox([self.row, self.column], layout={"flex_flow": "row wrap"})
        views = {
            "Result": [self.result],
            "Patches": [w.HTML("Click on the map, or move the sliders."), self.picture, sliders, self.click,
                        self.patches],
            "Runs": [w.HBox([self.sort_by, self.descending]), self.table],
            "Compare": [self.first, self.second, self.comparison],
            "Export": [self.export],
        }  # fmt: skip
        self._drawers = [self._draw_result, self._draw_patches, self._draw_table, self._draw_comparison]
        self._drawers.append(self._draw_export)
        self._outdated = set(range(len(views)))  # views that are drawn when their tab is opened
        self.tabs = w.Tab([w.VBox(parts) for parts in views.values()], selected_index=0)
        for i, title in enumerate(views):
            self.tabs.set_title(i, title)
        chosen = w.HBox([self.shown, self.strip], layout={"flex_flow": "row wrap"})
        controls = w.HBox(columns, layout={"flex_flow": "row wrap"})
        return w.VBox([controls, buttons, chosen, self.tabs])

    def _connect(self) -> None:
        self.controls["index"].observe(lambda change: self._show_options(), "value")
        self.controls["false_alarm_rate"].observe(lambda change: self._guard(self._draw_result), "value")
        self.run_button.on_click(lambda button: self.start())
        self.stop_button.on_click(lambda button: self.stop())
        self.shown.observe(lambda change: self._guard(self._show_run), "value")
        self.strip.observe(lambda change: self._guard(self._show_strip), "value")
        for slider in (self.row, self.column):
            slider.observe(lambda change: self._guard(self._draw_patches), "value")
        self.click.observe(lambda change: self._guard(self._take_click), "value")
        for control in (self.sort_by, self.descending):
            control.observe(lambda change: self._guard(self._draw_table), "value")
        for control in (self.first, self.second):
            control.observe(lambda change: self._guard(self._draw_comparison), "value")
        self.tabs.observe(lambda change: self._guard(self._draw_open_view), "selected_index")
        self._show_options()

    def _show_options(self) -> None:
        """Show the parameters of the chosen index, and hide the others."""
        kind = self.controls["index"].value
        for name, of_kind in INDEX_OPTIONS.items():
            self.controls[name].layout.display = None if of_kind == kind else "none"
        self.index_note.layout.display = None if kind in INDEX_OPTIONS.values() else "none"

    # A run ------------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start a run with the choices of the controls, as the Run button does."""
        if self.run_button.disabled:  # a run is in progress, or its views are being drawn
            return
        try:
            choices = self.choices()
        except InputError as error:
            self._say(str(error), is_error=True)
            return
        self.run_button.disabled, self.stop_button.disabled = True, False
        self.progress.value = 0.0
        self._say("starting")
        self.job = Job(run_steps(choices), self._report, self._done)

    def stop(self) -> None:
        """Stop the run before its next step, as the Stop button does. Nothing is kept."""
        if self.job is not None and self.job.is_running:
            self._say("stopping before the next step")
            self.job.stop()

    def _report(self, step: Step) -> None:
        self.progress.value = step.share
        self._say(step.text)

    def _done(self, result: Run | None, error: BaseException | None) -> None:
        self.stop_button.disabled = True
        self.progress.value = 1.0 if error is None else 0.0
        if isinstance(error, StoppedError):
            self._say("Stopped. Nothing was kept.")
        elif error is not None:
            self._say(_text_of(error), is_error=True)
        else:
            self._say(f"Run {result.number} is done." if result.number else "The run is done, but is not kept on disk.")
            self._guard(lambda: self.reload(result.number, extra=result))
        self.run_button.disabled = False

    # Showing ----------------------------------------------------------------------------------------------------------

    def reload(self, number: int | None = None, extra: Run | None = None) -> None:
        """Read the kept runs again, and show one of them.

        Parameters
        ----------
        number : int, optional
            Number of the run to show. None takes the last run.
        extra : Run, optional
            A run that might not be on disk.
        """
        runs, problems = read_runs()
        self.runs = {run.number: run for run in runs}
        if extra is not None:
            self.runs[extra.number] = extra
        if problems:
            self._say(" ".join(problems), is_error=True)
        numbers = list(self.runs)
        number = number if number in self.runs else numbers[-1] if numbers else None
        options = [(f"{n}: {run.choices.label}", n) for n, run in self.runs.items()]
        first = self.first.value if self.first.value in self.runs else numbers[0] if numbers else None
        self._is_updating = True
        try:
            for dropdown, value in ((self.shown, number), (self.first, first), (self.second, number)):
                dropdown.options, dropdown.value = options, value
        finally:
            self._is_updating = False
        self._show_run()

    @property
    def run(self) -> Run | None:
        """The run that the views show."""
        return self.runs.get(self.shown.value)

    def _show_run(self) -> None:
        """Show the chosen run in all views."""
        run = self.run
        if run is None:
            self.result.value = "<p>There is no run yet: set the controls, and press Run.</p>"
            return
        names = [(f"{strip.name} ({strip.defect})", strip.name) for strip in run.strips]
        kept = self.strip.value if self.strip.value in [name for _, name in names] else run.find_strip().name
        self._is_updating = True
        try:
            self.strip.options, self.strip.value = names, kept
        finally:
            self._is_updating = False
        self._show_strip()

    def _draw_open_view(self) -> None:
        """Draw the view whose tab is open, if it is outdated."""
        view = self.tabs.selected_index
        if self.run is not None and view in self._outdated:
            self._drawers[view]()
            self._outdated.discard(view)

    def _show_strip(self) -> None:
        """Show the chosen strip, and the neighbours of the highest point of its map."""
        width = self.run.find_strip(self.strip.value).image.shape[1]
        row, column = highest_place(self.run, self.strip.value)
        self._is_updating = True
        try:
            self.column.max = width - 1
            self.row.value, self.column.value = row, column
        finally:
            self._is_updating = False
        self._outdated = set(range(len(self._drawers)))
        self._draw_open_view()

    def _draw_result(self) -> None:
        if self.run is None:
            return
        rate = self.controls["false_alarm_rate"].value
        figure = figure_html(*self.run.draw(self.strip.value, rate), dpi=DPI)
        self.result.value = f"{figure}{_pre(f'{self.run}')}{_pre(self.run.alarms(rate))}"

    def _draw_patches(self) -> None:
        if self.run is None:
            return
        row, column = self.row.value, self.column.value
        found = find_neighbours(self.run, self.strip.value, row, column)
        self.picture.value = clickable_map(
            self.run.find_strip(self.strip.value).image, self.run.map(self.strip.value), (row, column), self._name
        )
        self.patches.value = f"{figure_html(*found.draw(), dpi=CROP_DPI)}{_pre(f'{found}')}"

    def _take_click(self) -> None:
        """Move the sliders to the place of a click."""
        try:
            row, column = (int(part) for part in self.click.value.split(","))
        except ValueError:
            return
        self._is_updating = True
        try:
            self.row.value = min(max(row, 0), self.row.max)
            self.column.value = min(max(column, 0), self.column.max)
        finally:
            self._is_updating = False
        self._draw_patches()

    def _draw_table(self) -> None:
        ordered = sort_runs(list(self.runs.values()), self.sort_by.value, self.descending.value)
        table = html_table(ordered, self.sort_by.value, self.descending.value)
        scrolls = 'style="overflow-x:auto" tabindex="0" role="region" aria-label="runs"'  # by keyboard too
        self.table.value = f"<div {scrolls}>{table}</div>"

    def _draw_comparison(self) -> None:
        first, second = self.runs.get(self.first.value), self.runs.get(self.second.value)
        if first is None or second is None or first is second:
            self.comparison.value = "<p>Choose two different runs.</p>"
            return
        try:
            compared = Comparison(first, second)
        except InputError as error:
            self.comparison.value = f"<p>{html.escape(str(error))}</p>"
            return
        self.comparison.value = f"{_pre(f'{compared}')}{figure_html(*compared.draw(), dpi=DPI)}"

    def _draw_export(self) -> None:
        link = "data:text/csv;charset=utf-8," + urllib.parse.quote(to_csv(list(self.runs.values())))
        self.export.value = (
            f'<p><a download="bench_runs.csv" href="{link}" style="text-decoration:underline">'
            "Download all runs as CSV</a></p>"
            f"<p>The detector of run {self.run.number} as code:</p>{_pre(self.run.choices.code())}"
        )

    def _guard(self, draw: Callable[[], Any]) -> None:
        """Draw, unless the controls are being set. Show an error in the status line."""
        if self._is_updating:
            return
        try:
            draw()
        except Exception as error:  # noqa: BLE001 - the traceback of a callback would only reach a hidden log
            self._say(_text_of(error), is_error=True)

    def _say(self, text: str, is_error: bool = False) -> None:
        colour = f"color:{DEFECTIVE};" if is_error else ""
        self.status.value = f'<span role="status" style="{colour}">{html.escape(text)}</span>'


def show_bench(start: Run | None = None) -> None:
    """Show the bench with its controls. Where widgets do not run, a picture of the run replaces it.

    Parameters
    ----------
    start : Run, optional
        Run to show first. None takes the last kept run.

    Examples
    --------
    >>> show_bench()  # doctest: +SKIP
    """
    from IPython import get_ipython
    from IPython.display import display

    if start is None:
        runs = read_runs()[0]
        start = runs[-1] if runs else None
    figure, caption = start.draw() if start else (None, "There is no run yet: call run().")
    if get_ipython() is None:
        print(caption)
        return
    note = "The controls of the bench appear where widgets run, for example in JupyterLab."
    still = f"{figure_html(figure, caption)}<p>{note}</p>" if figure else f"<p>{caption} {note}</p>"
    bundle: dict[str, Any] = {"text/html": still, "text/plain": caption}
    try:
        widget = BenchPanel(start).widget
    except ImportError:  # without ipywidgets, only the picture is shown
        widget = None
    if widget is not None:
        bundle[WIDGET] = widget._repr_mimebundle_()[WIDGET]
    display(bundle, raw=True)


def clickable_map(image: np.ndarray, anomaly_map: np.ndarray, place: tuple[int, int], name: str) -> str:
    """Return a strip above its map as HTML that passes the place of a click to a text field.

    Parameters
    ----------
    image, anomaly_map : ndarray, shape (H, W)
        A strip and its map.
    place : tuple of int
        Row and column that are marked.
    name : str
        Class of the text field.

    Returns
    -------
    str

    Examples
    --------
    >>> clickable_map(np.zeros((4, 8), np.uint8), np.eye(4, 8), (1, 2), "field").count("<img")
    2
    """
    import cv2
    from matplotlib import colormaps

    height, width = image.shape
    handler = html.escape(CLICK.format(name=name, height=height, width=width), quote=True)
    low, high = float(np.nanmin(anomaly_map)), float(np.nanmax(anomaly_map))
    scaled = (np.nan_to_num(anomaly_map, nan=low) - low) / max(high - low, 1e-12)
    coloured = (255 * colormaps[MAP_COLOURS](scaled)[..., 2::-1]).astype(np.uint8)  # (H, W, 3), blue first
    pictures = []
    for part, bgr in (("strip", np.repeat(image[..., None], 3, axis=2).copy()), ("map", coloured.copy())):
        cv2.drawMarker(bgr, (place[1], place[0]), (0, 94, 213), cv2.MARKER_CROSS, 90, 6)
        small = cv2.resize(bgr, (min(width, 1400), max(1, round(height * min(width, 1400) / width))),
                           interpolation=cv2.INTER_AREA)  # fmt: skip
        data = base64.b64encode(cv2.imencode(".png", small)[1].tobytes()).decode()
        alt = f"The {part}, with a cross at row {place[0]}, column {place[1]}. A click chooses another place."
        pictures.append(
            f'<img src="data:image/png;base64,{data}" alt="{alt}" onclick="{handler}" '
            'style="width:100%;display:block;cursor:crosshair;margin-bottom:3px">'
        )
    return "".join(pictures)


def _pre(text: str) -> str:
    style = "line-height:1.3;overflow-x:auto;white-space:pre-wrap;word-break:normal"  # wraps between words
    return f'<pre style="{style}">{html.escape(text)}</pre>'


def _text_of(error: BaseException) -> str:
    return str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
