"""Every public function and method of the package with valid arguments, and hostile values to put in their place."""

from __future__ import annotations

import contextlib
import datetime
import importlib
import inspect
import io
import itertools
import numbers
import pkgutil
import re
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, is_dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import strategies as st
from remembered import remembered
from report_figures import figures_drawn_once
from small_aitex import make_small
from woven import woven

import aitex_utils
from aitex_utils.errors import InputError

# The rooms that a user calls. Of the lessons those functions are called that a notebook imports.
ROOMS = ("", "baselines", "datasets", "fast", "files", "inspection", "practice", "safety")
SECONDS = 600  # a call of these tiny inputs that takes longer hangs, on a busy machine too

# What only the package's own code hands over: an axis, a network, a rule that another function made. A wrong one is a
# defect of the package, and Python's own error shows where.
OWN = {
    *("action", "axis", "conv", "detector_class", "error", "manifest", "network", "unless"),
    *("bed", "centres", "column", "matrix", "rng", "step", "weave", "x", "yarns"),
}
# Names of devices, of which those of GPUs are refused where there are none.
DEVICES = ("auto", "cpu", "cpu:0", "cuda", "cuda:0", "cuda:7", "mps", "CPU", "cuda:", "cuda:-1", "cuda:٣", "meta")
# Counts of strips that are allowed in hundreds, which would take minutes and say no more than a few.
COUNTS = ("normal", "defective", "good", "test_good", "later")
# Modules and functions that only the package's own code calls, with what it has checked before.
INNER = {
    *(
        "errors",
        "padding",
        "safety.scores",
        "fast.bf16_bound",
        "fast.exact_distances",
        "fast.greedy_blocks",
        "fast.pruned_search",
        "fast.torch_greedy",
        "fast.torch_search",
        "practice.generated",
        "practice.weave",
    ),
    *("practice.camera", "practice.generate.run_tasks", "practice.photographs.Dye.colour"),
    *("practice.photographs.plan_photographs", "practice.photographs.render_photograph"),
    *("files.atomic_write", "files.locking", "files.ownership", "files.paths", "files.persistence"),
    "files.system_errors",
    *(
        "files.weights",
        "coreset.coreset_size",
        "streaming_coreset",
        "safety.arrays.grey_fix",
        "safety.devices.halve_where_full",
        "safety.devices.why_unusable",
    ),
    *("calibration.position_scale", "calibration.row_scale", "calibration.leave_one_out_distances"),
    *("datasets.dataset_check.issue_table", "datasets.dataset_check.serious_issues"),
    *("features.PatchFeatures.layer_outputs", "features.fuse_layers", "features.split_branches"),
    *("features.stack_branch", "features.flatten_patches", "safety.arrays.check_strip"),
    *("files.data_folder.pictures_in", "files.data_folder.folders_called", "files.images.content_keys"),
    *("files.images.is_hidden", "plots.make_axes", "plots.figure_html", "plots.show"),
    # parts of the report, which `write_report` calls with what it has checked, and the folder of a run under way
    *("inspection.embedding", "inspection.figures", "inspection.page", "inspection.picture_section"),
    *("inspection.wording", "inspection.unfinished", "inspection.picture_list.natural_order"),
    *("inspection.picture_statistics.similarity", "inspection.picture_statistics.median_and_spread"),
}


@dataclass(frozen=True)
class Target:
    """A public function, constructor or method, and its valid arguments."""

    name: str
    call: Callable[..., Any]
    arguments: dict[str, Any]
    is_inner: bool = False

    @property
    def given(self) -> list[str]:
        """The arguments that a user gives: not the label that a check puts at the head of its message."""
        is_check = self.call.__module__.startswith("aitex_utils.safety")
        return [name for name in self.arguments if not (is_check and name == "name")]


class Thing:
    """An object of no use, with a representation of several lines."""

    def __repr__(self) -> str:
        return "<Thing\nTraceback (most recent call last)>"


def structured() -> np.ndarray:
    return np.zeros(3, [("a", "i4"), ("b", "f4")])


VALUES: list[Callable[[], Any]] = [  # made anew for each call: a generator can be read once
    *(lambda value=value: value for value in (None, True, False, "", "x", "3", "a" * 300, "a\0b", b"x", 1j, ...)),
    *(
        lambda value=value: value
        for value in (0, 1, -1, 2, 2**31, 2**63, 10**30, 1.5, -0.0, float("nan"), float("inf"))
    ),
    *(lambda value=value: value for value in (1e300, 5e-324, np.float64(2.0), np.int64(2), np.bool_(True))),
    *(lambda value=value: value for value in (Fraction(1, 2), datetime.date(2020, 1, 1), int, len, sys, range(3))),
    *(lambda value=value: value for value in ((), (1,), (1, 2), (1.5, 2), (0, 0), (-1, 4), (1, 2, 3), ("a", "b"))),
    Thing,
    dict,
    list,
    set,
    lambda: {"a": 1},
    lambda: {1, 2},
    lambda: [None],
    lambda: ["x"],
    lambda: [[1, 2], [3]],
    lambda: [np.zeros((2, 2)), np.zeros((3, 3))],
    lambda: iter([]),
    lambda: (one for one in (1, 2)),
    lambda: io.BytesIO(b"x"),
    lambda: threading.Lock(),
    lambda: Path("missing"),
    lambda: Path("a-file"),
    lambda: Path("a-folder"),
    lambda: Path("dangling"),
    lambda: "a-file",
    lambda: "a-folder",
    lambda: "a-file/below",
    lambda: "dangling",
]
ARRAYS: list[Callable[[], Any]] = [
    *(lambda shape=shape: np.zeros(shape) for shape in ((), (0,), (3,), (0, 2), (2, 0), (2, 2), (2, 2, 2), (1,) * 5)),
    *(
        lambda shape=shape: np.ones(shape, np.uint8)
        for shape in ((), (0,), (4,), (4, 4), (0, 4, 4), (2, 4, 4), (1,) * 5)
    ),
    *(lambda t=t: np.ones((2, 3), t) for t in (np.float16, np.int64, np.uint16, bool, complex, object, ">f4", "S3")),
    lambda: np.array(["a", "b"]),
    lambda: np.array(["2020-01-01"], "datetime64[D]"),
    lambda: np.array([1, 2], "timedelta64[s]"),
    structured,
    lambda: structured().view(np.recarray),
    lambda: np.array([object(), None]),
    lambda: np.ma.masked_array(np.ones((2, 2)), [[True, False], [False, False]]),
    *(lambda value=value: np.full((2, 3), value) for value in (np.nan, np.inf, 1e300, -1e300, 5e-324, -1.0)),
    lambda: np.matrix([[1, 2]]),
    lambda: torch.ones(2, 3, requires_grad=True),
    lambda: torch.ones(2, 3, dtype=torch.bfloat16),
    lambda: torch.empty(2, 3, device="meta"),
    lambda: torch.eye(3).to_sparse(),
]


def _with_nan(array: np.ndarray) -> np.ndarray:
    array = np.array(array, np.float64)
    if array.size:
        array.flat[0] = np.nan
    return array


CHANGES: list[Callable[[np.ndarray], Any]] = [  # of a valid array
    *(lambda a, t=t: a.astype(t) for t in (np.float16, np.float64, np.int64, np.uint16, bool, complex, object, "U9")),
    lambda a: a.astype(a.dtype.newbyteorder(">")),
    lambda a: np.ma.masked_array(a, np.arange(a.size).reshape(a.shape) == 0),
    lambda a: np.ma.masked_array(a),
    np.asfortranarray,
    lambda a: a[::-1],
    lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
    lambda a: a[:0],
    lambda a: a[..., :0],
    lambda a: a[None],
    lambda a: a[0],
    lambda a: a[..., None],
    lambda a: a[..., :-1],
    lambda a: a.ravel(),
    lambda a: np.concatenate([a, a]),
    lambda a: a.tolist(),
    lambda a: list(a),
    lambda a: iter(a),
    _with_nan,
    lambda a: a * np.inf,
    lambda a: a.astype(float) * 1e300,
    lambda a: a.astype(float) * 1e15,
    lambda a: a.astype(float) * 5e-324,
    lambda a: -a.astype(float),
    lambda a: a.astype(float) + 2**62,
    lambda a: np.zeros_like(a),
    lambda a: torch.from_numpy(np.array(a, order="C")),
    lambda a: _read_only(a),
    lambda a: _memory_map(a),
]


def _read_only(array: np.ndarray) -> np.ndarray:
    array = array.copy()
    array.flags.writeable = False
    return array


def _memory_map(array: np.ndarray) -> np.ndarray:
    np.save("mapped.npy", array)
    return np.load("mapped.npy", mmap_mode="r")


def hostile_values(valid: Any) -> list[Callable[[], Any]]:
    """Return makers of hostile values for an argument whose valid value this is."""
    changes: list[Callable[[], Any]] = []
    if isinstance(valid, np.ndarray) and valid.ndim:
        changes = [lambda change=change: change(valid) for change in CHANGES]
    elif isinstance(valid, (list, tuple)) and valid:
        changes = [
            lambda: valid[:0],
            lambda: [valid[0], *valid],
            lambda: [valid[0], None],
            lambda: (one for one in valid),
            lambda: tuple(valid),
            lambda: dict(enumerate(valid)),
        ]
        if isinstance(valid[0], np.ndarray):
            changes += [lambda change=change: [change(one) for one in valid] for change in CHANGES]
            changes += [lambda change=change: [valid[0], *(change(one) for one in valid)] for change in CHANGES]
    elif isinstance(valid, str) and valid in DEVICES:
        changes = [lambda name=name: name for name in DEVICES]
    elif isinstance(valid, dict) and valid:
        key = next(iter(valid))
        changes = [lambda make=make: {**valid, key: make()} for make in VALUES + ARRAYS]
        changes += [lambda: {1: valid[key]}, lambda: {None: None}]
        if isinstance(valid[key], np.ndarray):
            changes += [lambda change=change: {**valid, key: change(valid[key])} for change in CHANGES]
    return [*VALUES, *ARRAYS, *changes]


def strategy(valid: Any) -> st.SearchStrategy[Callable[[], Any]]:
    """Return a strategy of makers of hostile values, with random numbers and arrays beside the list."""
    from hypothesis.extra.numpy import array_shapes, arrays, scalar_dtypes

    random = st.one_of(
        st.integers(),
        st.floats(),
        st.text(st.characters(blacklist_characters="/\\.~:", blacklist_categories=("Cs",)), max_size=8),
        st.lists(st.one_of(st.integers(-2, 300), st.floats(), st.none()), max_size=4),
        arrays(scalar_dtypes(), array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)),
    )
    listed = st.sampled_from(hostile_values(valid))
    return st.one_of(listed, listed, listed, random.map(lambda value: lambda: value))


# The call, and what it is allowed to do


def verdict(target: Target, changes: dict[str, Callable[[], Any]]) -> str:
    """Call a target with some arguments replaced; return how it breaks the rules, or an empty text."""
    try:
        values = {name: make() for name, make in changes.items()}
    except Exception:
        return ""  # a change that does not apply to this array
    if any(callable(values.get(name)) for name in ("callback", "load", "measure")):
        return ""  # its own errors are its own
    if target.name in ("make_practice_fabric", "make_photographs") and any(
        _is_many(values.get(name)) for name in COUNTS
    ):
        return ""
    try:
        with (
            warnings.catch_warnings(record=True) as warned,
            contextlib.redirect_stdout(io.StringIO()) as out,
            contextlib.redirect_stderr(out),
        ):
            warnings.simplefilter("always")
            with time_limit(SECONDS), _blank_photographs(), _strips_rendered_once(), figures_drawn_once():
                _consume(target.call(**{**target.arguments, **values}))
    except InputError as error:
        return fault_of(str(error))
    except MemoryError:
        return ""
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        frames = inspect.getinnerframes(error.__traceback__)
        place = next(
            (f"{f.filename.split('aitex_utils')[-1]}:{f.lineno}" for f in frames[::-1] if "aitex_utils" in f.filename),
            "",
        )
        return f"{type(error).__name__}: {str(error).splitlines()[:1]} at {place}"
    own = [w for w in warned if issubclass(w.category, UserWarning | RuntimeWarning)]
    if len(own) > 5 or len(out.getvalue()) > 10_000:
        return f"{len(own)} warnings and {len(out.getvalue())} printed characters"
    noise = [w for w in own if w.category is RuntimeWarning]
    return (
        f"RuntimeWarning {noise[0].message} {noise[0].filename.split('aitex_utils')[-1]}:{noise[0].lineno}"
        if noise
        else ""
    )


@contextlib.contextmanager
def _blank_photographs() -> Iterator[None]:
    """Let `make_photographs` write blank pictures: dozens of rendered ones per call would take hours."""
    from aitex_utils.practice import photographs

    blank = np.zeros((8, 8, 3), np.uint8)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(photographs, "render_photograph", lambda plan, seed=0: (blank, blank[..., 0]))
        yield


@contextlib.contextmanager
def _strips_rendered_once() -> Iterator[None]:
    """Let `make_practice_fabric` write the strip that was rendered before from equal arguments and random numbers."""
    from aitex_utils.practice import generate

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(generate, "render_strip", remembered(generate.render_strip))
        yield


def _is_many(count: Any) -> bool:
    return isinstance(count, numbers.Real) and not isinstance(count, bool) and 9 < count < 10_000


def fault_of(message: str) -> str:
    """Say what is wrong with the sentence of an `InputError`."""
    if not message.strip():
        return "an empty message"
    if "\n" in message or len(re.sub(r"(.)\1{20,}", "", message)) >= 500:
        return f"a message of {len(message)} characters and {message.count(chr(10))} line breaks: {message[:90]!r}"
    if message.startswith("Traceback") or not message.rstrip().endswith((".", ")", "`")):
        return f"no sentence: {message!r}"
    return ""


def _consume(result: Any) -> None:
    """Use a result as its caller would: enter a context, read a generator."""
    if isinstance(result, contextlib.AbstractContextManager) and hasattr(result, "gen"):
        with result:
            pass
    elif isinstance(result, Iterator):
        list(itertools.islice(result, 100))


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise `TimeoutError` in the main thread after so many seconds, where the system can."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: Any) -> None:
        raise TimeoutError(f"still running after {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


# Valid arguments, by the name of the parameter, or by the names of function and parameter


def _argument_table() -> dict[str, Any]:
    from aitex_utils import MemoryBank, metrics, plots
    from aitex_utils.datasets.dataset_check import check_dataset
    from aitex_utils.patchcore import TileResult
    from aitex_utils.scoring import max_score
    from aitex_utils.strips import list_strips

    rng = np.random.default_rng(0)
    tiles, strips = woven(3, 0, 32, 32), list(woven(2, 1, 64, 192))
    patches = rng.random((12, 4), np.float32)
    grid = rng.random((3, 4, 4, 6), np.float32)
    labels, scores, groups = np.arange(12) % 3 == 0, rng.random(12), np.arange(12) // 2
    maps, masks = rng.random((3, 8, 8), np.float32), rng.random((3, 8, 8)) > 0.7
    root = make_small(Path("aitex").absolute())
    bank = MemoryBank().add(patches)
    header = {"kind": "hnsw", "vectors": 12, "channels": 4, "metadata": {}}
    figure, caption = plots.plot_image(tiles[0])
    return {
        **_inspection_table(root, tiles, scores, labels, maps, masks),
        # arrays
        "tiles": tiles,
        "image": tiles[0],
        "strip": strips[0],
        "strips": strips,
        "patches": patches,
        "queries": patches,
        "vectors": patches,
        "points": patches,
        "left": patches,
        "right": patches,
        "others": patches,
        "values": patches,
        "maps": maps,
        "masks": masks,
        "anomaly_map": maps[0],
        "mask": masks[0],
        "mask_tiles": masks,
        "labels": labels,
        "scores": scores,
        "scores_a": scores,
        "scores_b": scores[::-1].copy(),
        "groups": groups,
        "normal_scores": scores,
        "normal": scores,
        "defective": scores + 1,
        "distances": maps,
        "corners": np.array([[0, 0], [0, 4]]),
        "intervals": rng.random((2, 3)),
        "images": tiles,
        "reconstructions": tiles.astype(np.float32),
        # numbers
        "k": 2,
        "b": 2,
        "start": 0,
        "low": 0,
        "high": 9,
        "quantile": 0.5,
        "ratio": 0.5,
        "n": 10,
        "n_resamples": 5,
        "n_branches": 1,
        "branch": 0,
        "false_alarm_rate": 0.5,
        "tile_size": 64,
        "memory": 1.0,
        "size": 32,
        "shape": (32, 32),
        "region": (0, 192),
        "sigma": 1.0,
        "rows": 1,
        "columns": 2,
        "over": 2,
        "under": 1,
        "seed": 0,
        # choices, text and objects
        "name": "name",
        "allowed": "[0, 1]",
        "choices": ("a", "b"),
        "value": 1,
        "device": "cpu",
        "work": np.negative,
        "batches": [tiles],
        "samples": "tiles",
        "measure": metrics.auroc,
        "names": ["a", "b"],
        "titles": ["a", "b", "c"],
        "title": "Strip",
        "kind": "flat",
        "pooling": 3,
        "fix": "do it again.",
        "caption": caption,
        "figure": figure,
        "bank": bank,
        "issues": check_dataset(root),
        "tensor": torch.zeros(1),
        "width": 64,
        "check_columns.value": (0, 64),
        "check_pair.value": (0.0, 2.0),
        # files
        "folder": Path("a-folder"),
        "file": Path("a-file"),
        "path": root / "Defect_images" / "0003_002_00.png",
        "paths": sorted(root.rglob("*_mask.png")),
        "root": root,
        "target": Path("written"),
        "digest": "00",
        "data": _npy(patches),
        # where one name means different things
        "bootstrap_interval.n_resamples": 5,
        "paired_bootstrap.n_resamples": 5,
        "tile.size": 16,
        "crop_tiles.size": 8,
        "tile_fabric.size": 64,
        "crop_tiles.corners": np.array([[0, 0], [4, 8]]),
        "untile.tiles": tiles[:2, :8, :8],
        "untile.shape": (8, 12),
        "stitch_maps.maps": maps[:2],
        "stitch_maps.shape": (8, 12),
        "stitch_tiles.maps": maps[:2],
        "stitch_tiles.shape": (8, 12),
        "stitch_tiles.tile_corners": np.array([[0, 0], [0, 4]]),
        "predict_strip_by_tiles.predict": lambda tiles: TileResult(tiles.astype(np.float32), max_score(tiles)),
        "predict_strip_by_tiles.size": 64,
        "Autoencoder.maps.reconstructed": tiles.astype(np.float32),
        "PcaResidual.fit_patches.patches": rng.random((3, 8, 8, 4), np.float32),
        "PcaResidual.predict_patches.patches": rng.random((3, 8, 8, 152), np.float32),
        "PcaResidual.predict.tiles": woven(3, 0, 64, 64),
        "subtract_background.anomaly_map": rng.random((16, 64)),
        "strip_background.anomaly_map": rng.random((16, 64)),
        "smooth.image": maps[0],
        "plot_strip.anomaly_map": rng.random((32, 32)),
        "plot_strip.mask": rng.random((32, 32)) > 0.9,
        "plot_image.mask": rng.random((32, 32)) > 0.9,
        "plot_strip.scale": (0.0, 1.0),
        "plot_tiles.maps": rng.random((3, 32, 32)),
        "plot_scores.threshold": 0.5,
        "make_axes.size": (4, 2),
        "list_strips.fabric": "00",
        "distinct_strips.strips": list_strips(root),
        "read_strips.strips": list_strips(root),
        "split_strips.strips": list_strips(root),
        "reweighted_score.patches": rng.random((2, 3, 4), np.float32),
        "reweighted_by_patch_score.patches": rng.random((2, 3, 4), np.float32),
        "image_scores.patches": rng.random((2, 3, 4), np.float32),
        "image_scores.kind": "reweighted",
        "image_scores.distances": rng.random((2, 3)),
        "leave_one_out_distances.samples": list(enumerate(grid[..., :4])),
        "leave_one_out_distances.vectors": [patches],
        "leave_one_out_distances.groups": [np.arange(12) // 4],
        "position_scale.distances": maps,
        "row_scale.distances": list(maps),
        "geometric_mean_distance.distances": [maps[0], maps[1]],
        "composable_coreset.patches": list(grid),
        "reduce_block.patches": list(grid),
        "spread_samples.patches": list(grid),
        "stack_branch.patches": list(grid),
        "split_branches.n_branches": 2,
        "flatten_patches.patches": grid,
        "fuse_layers.outputs": [torch.ones(1, 2, 4, 4), torch.ones(1, 3, 2, 2)],
        "PatchFeatures.size": 32,
        "PatchFeatures.layer_outputs.images": torch.zeros(1, 3, 32, 32),
        "PatchFeatures.fit_whitening.patches": grid,
        "PatchFeatures.apply_whitening.patches": rng.random((3, 4, 4, 152), np.float32),
        "PatchFeatures.preprocess.shape": (32, 32),
        "PatchFeatures.extract_strip.tile_size": 64,
        "PatchCore.size": 32,
        "PatchCore.fit_patches.patches": rng.random((3, 4, 4, 152), np.float32),
        "PatchCore.fit_patches.tile_shape": (32, 32),
        "PatchCore.predict_patches.patches": rng.random((3, 4, 4, 152), np.float32),
        "PatchCore.patch_distances.patches": rng.random((3, 4, 4, 152), np.float32),
        "PatchCore.predict_distances.distances": rng.random((3, 4, 4), np.float32),
        "PatchCore.save.folder": Path("detector"),
        "PatchCore.load.folder": Path("saved-detector"),
        "MemoryBank.save.folder": Path("bank"),
        "MemoryBank.save.metadata": {"a": 1},
        "MemoryBank.save.arrays": {"a": np.ones(3)},
        "MemoryBank.load.folder": Path("saved-bank"),
        "Autoencoder.tiles": woven(3, 0),
        "Autoencoder.fit.tiles": woven(3, 0),
        "Autoencoder.encode.tiles": woven(3, 0),
        "Autoencoder.reconstruct.tiles": woven(3, 0),
        "Autoencoder.predict.tiles": woven(3, 0),
        "Autoencoder.predict_strip.strip": woven(1, 0, 256, 512)[0],
        "Autoencoder.load.file": Path("saved-autoencoder.pt"),
        "Autoencoder.save.file": Path("autoencoder.pt"),
        "error_maps.error": "ssim",
        "check_weights.path": Path("a-file"),
        "explain.error": OSError(2, "no"),
        "first_line.error": OSError(2, "no"),
        "is_in_use.error": OSError(2, "no"),
        "make_practice_fabric.folder": Path("practice"),
        "make_practice_fabric.fabrics": 1,
        "make_practice_fabric.normal": 1,
        "make_practice_fabric.defective": 1,
        "make_photographs.folder": Path("cloth"),
        "make_photographs.good": 2,
        "make_photographs.test_good": 1,
        "make_photographs.defective": 1,
        "make_photographs.later": 12,
        "write_folder.folder": Path("written-folder"),
        "write_folder.header": header,
        "write_folder.index": b"",
        "write_folder.arrays": {"vectors": patches},
        "header_digest.header": header,
        "read_folder.folder": Path("saved-bank"),
        "checked_array.arrays": {"name": patches},
        "checked_array.shape": (None, 4),
        "refuse_overwriting.names": ["a"],
        "find_files.folder": root,
        "find_images.folder": root,
        "pictures_in.root": root,
        "pictures_in.name": "Mask_images",
        "folders_called.name": "Mask_images",
        "find_aitex.folder": root,
        "as_array.values": patches,
        "grey_fix.values": patches,
        "iter_batches.tiles": tiles,
        "Bf16Bound.squared_norms": (patches**2).sum(axis=1),
        "Bf16Bound.candidates.new_centres": np.array([0, 1]),
        "Bf16Bound.candidates.nearest": np.full(12, 2.0, np.float32),
        "balanced_partition_order.size": 4,
        "farthest_places.nearest": np.full(12, 2.0, np.float32),
        "farthest_places.most": 4,
        "End.comes_before.squared_distance": 4.0,
        "End.comes_before.index": 8,
        "lower_rows.squared_norms": (patches**2).sum(axis=1),
        "lower_rows.nearest": np.full(12, 2.0, np.float32),
        "lower_rows.centres": np.array([0, 1]),
        "lower_rows.rows": np.arange(12),
        "rounded_squared_distances.squared_norms": (patches**2).sum(axis=1),
        "k_center_greedy_torch.first": 0,
        "TorchSearch.squared_distances.indices": np.array([[0, 1]] * 12),
        "squared_distances_at.rows": np.array([0, 1]),
        "squared_distances_at.other_rows": np.array([2, 3]),
        "rounding_of_products.lengths": np.ones(3),
        "rounding_of_products.longest": 2.0,
        "rounding_of_products.channels": 4,
    }


def _inspection_table(
    root: Path, tiles: np.ndarray, scores: np.ndarray, labels: np.ndarray, maps: np.ndarray, masks: np.ndarray
) -> dict[str, Any]:
    """Return the valid arguments of the room `inspection`."""
    from aitex_utils.inspection.embedding import Region
    from aitex_utils.inspection.judge import PictureResult, PictureRule, fit_pictures
    from aitex_utils.inspection.measures import measure
    from aitex_utils.inspection.picture_list import Picture, list_pictures
    from aitex_utils.inspection.picture_section import Entry, ReportPicture
    from aitex_utils.inspection.unfinished import Judged

    rule = PictureRule(side=None, tile_size=32, overlap=0)
    good, new, truth = root / "NODefect_images", root / "Defect_images", root / "Mask_images"
    picture = Picture(new / "0003_002_00.png", "0003_002_00.png")
    np.savez("map.npz", map=np.zeros((8, 8), np.uint16), ends=np.array([0.0, 1.0]), found=masks[0])
    shown = ReportPicture("a", tiles[0][:8, :8], maps[0], masks[0], 1.0, None, None)
    return {
        # objects
        "detector": fit_pictures(tiles, rule, n_tiles=3, size=32),
        "rule": rule,
        "measures": measure(scores, labels, n_resamples=5),
        "picture": shown,
        "pictures": [picture],
        "entry": Entry(1, "a", 1.0, True, None, 1),
        "entries": [Entry(1, "a", 1.0, True, None, 1)],
        "region": Region((2, 3), (2, 3), 4, (2, 2), 1.0),
        "regions": [Region((2, 3), (2, 3), 4, (2, 2), 1.0)],
        "sets": list_pictures(good, new, truth),
        "result": PictureResult(maps[0], float(maps[0].max()), (8, 8)),
        "judged": Judged(1.0, (8, 8), 100.0, Path("map.npz").absolute()),
        "load": lambda name: ReportPicture(name, tiles[0][:8, :8], maps[0], masks[0], 1.0, None, None),
        # numbers and text
        "n_tiles": 3,
        "n_before": 3,
        "n_good": 4,
        "false_alarms": 0.25,
        "good_scores": scores,
        "threshold": 0.5,
        "found": masks[0],
        "scale": (0.0, 2.0),
        "promise": "without a promise",
        "warnings": ["A lamp was off."],
        "settings": {"seed": "0"},
        "number": 2,
        "noun": "picture",
        "role": "test",
        "brightness": 100.0,
        "results": Path("results").absolute(),
        # where one name means different things
        "fit_within.height": 32,
        "largest_of_blocks.values": maps[0],
        "largest_of_blocks.shape": (4, 4),
        "map_uri.shape": (8, 8),
        "largest_regions.most": 2,
        "crop_window.region": Region((2, 3), (2, 3), 4, (2, 2), 1.0),
        "score_histogram.good": scores,
        "score_histogram.judged": {"unlabelled": scores},
        "find_threshold.good_scores": scores,
        "to_own_pixels.values": maps[0],
        "to_own_pixels.shape": (16, 16),
        "measure.scores": scores[:3],
        "measure.labels": labels[:3],
        "measure.maps": maps,
        "measure.truths": list(masks),
        "measure.n_resamples": 5,
        "above_pictures.scale": (0.0, 2.0),
        "list_pictures.good": good,
        "list_pictures.test": new,
        "list_pictures.masks": truth,
        "fingerprint.grey": tiles[0],
        "similarity.prints": np.eye(4, dtype=np.float16).repeat(16, axis=0).reshape(4, 4, 4, 4).reshape(1, 16, 16),
        "similarity.other_prints": np.eye(16, dtype=np.float16)[None],
        "median_and_spread.values": [1.0, 2.0],
        "usable_pictures.issues": [],
        "write_report.path": Path("report.html"),
        "write_report.scores": {"a": 1.0, "b": 1.0},
        "stamp.path": Path("a-file"),
        "fingerprint.paths": [Path("a-file")],
        "fingerprint.settings": {"side": 768},
        "Unfinished.keep.path": Path("a-file"),
    }


def _npy(array: np.ndarray) -> bytes:
    np.save(file := io.BytesIO(), array)
    return file.getvalue()


def _receivers() -> dict[str, Callable[[], Any]]:
    """Return makers of the objects whose methods are called; what learns is made anew each time."""
    import copy

    from aitex_utils import MemoryBank, PatchCore, PatchFeatures
    from aitex_utils.baselines.autoencoder import Autoencoder
    from aitex_utils.baselines.pca_residual import PcaResidual
    from aitex_utils.fast.bf16_bound import Bf16Bound
    from aitex_utils.fast.greedy_blocks import End
    from aitex_utils.fast.pruned_search import PrunedSearch
    from aitex_utils.fast.torch_search import TorchSearch
    from aitex_utils.inspection.picture_list import Picture
    from aitex_utils.inspection.unfinished import Unfinished
    from aitex_utils.strips import list_strips

    vectors = np.random.default_rng(0).random((12, 4), np.float32)
    bank = MemoryBank().add(vectors)
    detector = PatchCore(size=32, coreset_ratio=0.5, image_score="top").fit(woven(3, 0, 32, 32))
    features = PatchFeatures(size=32, whiten=True).fit(woven(3, 0, 32, 32))
    autoencoder = Autoencoder(steps=1, width=4, crop_size=64, batch_size=2).fit(woven(3, 0))
    residual = PcaResidual().fit(woven(3, 0, 64, 64))
    bank.save("saved-bank")
    detector.save("saved-detector")
    autoencoder.save("saved-autoencoder.pt")
    strip = list_strips("aitex")[-1]
    return {
        "PatchCore": lambda: copy.copy(detector),
        "PatchFeatures": lambda: copy.copy(features),
        "MemoryBank": lambda: MemoryBank().add(vectors),
        "Autoencoder": lambda: copy.copy(autoencoder),
        "PcaResidual": lambda: copy.copy(residual),
        "Bf16Bound": lambda: Bf16Bound(vectors, (vectors**2).sum(axis=1)),
        "PrunedSearch": lambda: PrunedSearch(vectors),
        "End": lambda: End(4.0, 7),
        "TorchSearch": lambda: TorchSearch(vectors, "cpu"),
        "Strip": lambda: strip,
        "Picture": lambda: Picture(strip.path, "strip.png", False, "hole", strip.masks[0]),
        "Unfinished": lambda: Unfinished(Path("results").absolute(), "digest"),
    }


def public_modules() -> Iterator[Any]:
    for found in pkgutil.walk_packages(aitex_utils.__path__, "aitex_utils."):
        parts = found.name.split(".")[1:]
        if (parts[0] if len(parts) > 1 else "") in ROOMS and not found.ispkg:
            yield importlib.import_module(found.name)


def public_names() -> Iterator[tuple[str, str, Any, bool]]:
    """Yield short name, class or "", object, and whether it is inner, of each public function and method."""
    for module in public_modules():
        place = module.__name__.removeprefix("aitex_utils.")

        def is_inner(name: str, place: str = place) -> bool:
            return bool({place, f"{place}.{name}"} & INNER)

        for name, value in vars(module).items():
            if name.startswith("_") or getattr(value, "__module__", None) != module.__name__:
                continue
            if inspect.isclass(value):
                if "__init__" in vars(value) and not is_dataclass(value):
                    yield name, "", value, is_inner(name)
                for attribute, method in vars(value).items():
                    if not attribute.startswith("_") and (
                        inspect.isfunction(method) or isinstance(method, classmethod | staticmethod)
                    ):
                        yield f"{name}.{attribute}", name, getattr(value, attribute), is_inner(f"{name}.{attribute}")
            elif inspect.isfunction(value):
                yield name, "", value, is_inner(name)


def make_targets() -> list[Target]:
    """Return all targets, with files in the working folder; a parameter without a valid value makes it fail."""
    Path("a-folder").mkdir()
    Path("a-folder", "thesis.txt").write_text("years of work")
    Path("a-file").write_bytes(b"\x89PNG no picture")
    with contextlib.suppress(OSError):
        Path("dangling").symlink_to("nowhere")
    table = _argument_table()
    receivers = _receivers()
    targets, missing = [], []
    for name, owner, function, is_inner in public_names():
        parameters = dict(inspect.signature(function).parameters)
        if owner and not inspect.ismethod(function):
            parameters.pop(next(iter(parameters)))
            method = function.__name__

            def call(_owner: str = owner, _method: str = method, **arguments: Any) -> Any:
                return getattr(receivers[_owner](), _method)(**arguments)

        else:
            call = function
        if OWN & parameters.keys() - table.keys():
            continue
        arguments, unknown = {}, []
        for parameter, described in parameters.items():
            if f"{name}.{parameter}" in table:
                arguments[parameter] = table[f"{name}.{parameter}"]
            elif described.default is not described.empty:
                arguments[parameter] = described.default
            elif parameter in table:
                arguments[parameter] = table[parameter]
            elif described.kind not in (described.VAR_KEYWORD, described.VAR_POSITIONAL):
                unknown += [f"{name}.{parameter}"]
        if is_inner and unknown:
            continue
        missing += unknown
        targets.append(Target(name, call, arguments, is_inner))
    if missing:
        raise AssertionError(f"give valid arguments to tests/helpers/hostile.py: {missing}")
    return targets
