"""Hostile arguments of `PatchCore`, the metrics and the figures: taken, or refused in one sentence."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from detectors import NORMAL, SIZE, TEST, paper
from hypothesis import given, settings
from hypothesis import strategies as st
from naming import without_address
from woven import woven

from aitex_utils import PatchCore, metrics, patchcore, plots, scoring, tiling
from aitex_utils.errors import InputError

pytestmark = pytest.mark.usefixtures("one_thread")
NOTHING_LIKE_IT = [
    None,
    True,
    "yes",
    "0.1",
    b"x",
    -1,
    10**40,
    np.nan,
    np.inf,
    2.5,
    1j,
    [],
    {},
    [1, 2],
    np.zeros((3, 3)),
]
PARAMETERS = {
    "backbone": "efficientnet_lite0",
    "layers": None,
    "size": 32,
    "pooling": 3,
    "padding": "zeros",
    "whiten": False,
    "batch_size": 8,
    "coreset_ratio": 0.1,
    "sampler": "greedy",
    "index": "auto",
    "normalize_positions": False,
    "background_quantile": None,
    "smoothing": 2.0,
    "image_score": "max",
    "seed": 0,
    "progress": False,
}
TAKEN = {  # hostile values that are valid for a parameter
    "layers": [None],
    "size": [None],
    "whiten": [True],
    "batch_size": [10**40],
    "normalize_positions": [True],
    "background_quantile": [None],
    "smoothing": [2.5],
    "progress": [True],
}


def is_one_of(value: object, values: list) -> bool:
    return any(type(value) is type(one) and value == one for one in values)


@pytest.mark.slow
@pytest.mark.parametrize("value", NOTHING_LIKE_IT, ids=without_address)
@pytest.mark.parametrize("name", PARAMETERS)
def test_a_hostile_parameter_is_refused_in_one_line(name: str, value: object):
    if is_one_of(value, TAKEN.get(name, [])):
        PatchCore(**{**PARAMETERS, name: value})
        return
    with pytest.raises(InputError) as caught:
        PatchCore(**{**PARAMETERS, name: value})
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400


# What is fitted and predicted


CONTAINERS: dict[str, Callable[[np.ndarray], object]] = {
    "list": list,
    "tuple": tuple,
    "generator": lambda t: (one for one in t),
    "generator of batches": lambda t: iter(np.array_split(t, 3)),
    "list of batches": lambda t: np.array_split(t, 3),
    "tensor": torch.from_numpy,
    "Fortran": np.asfortranarray,
    "reversed twice": lambda t: t[:, ::-1, ::-1].copy()[:, ::-1, ::-1],
}


@pytest.mark.slow
@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("parameters", [{}, {"whiten": True}, {"sampler": "random"}])
def test_tiles_in_any_container_are_learned_alike(container: str, parameters: dict):
    expected = paper(size=32, **parameters).fit(NORMAL)
    detector = paper(size=32, **parameters).fit(CONTAINERS[container](NORMAL))
    np.testing.assert_array_equal(detector.bank_.vectors_, expected.bank_.vectors_)
    if "generator" not in container and container != "list of batches":
        maps = detector.predict(CONTAINERS[container](TEST)).maps
        np.testing.assert_array_equal(maps, expected.predict(TEST).maps)


def test_tiles_of_two_sizes_are_refused_by_name():
    a, b = (np.random.default_rng(0).integers(0, 256, (2, n, n), np.uint8) for n in (256, 320))
    for memory in (None, 1.0):
        for tiles in (iter([a, b]), [a, b], [a[0], b[0]]):
            with pytest.raises(InputError, match="256 x 256 px and 320 x 320 px"):
                PatchCore(size=32, coreset_ratio=0.1).fit(tiles, memory=memory)


HOSTILE_TILES = ["folder", b"x", None, 3, {}, [], iter([]), [None], ["a.png"], [[1, 2], [3]], np.zeros((2, 64, 64))]


@pytest.mark.slow
@pytest.mark.parametrize("tiles", HOSTILE_TILES, ids=without_address)
def test_hostile_tiles_and_strips_are_refused(tiles: object):
    fitted = paper(size=32).fit(NORMAL)
    for call in (fitted.fit, fitted.predict, fitted.predict_strip, fitted.predict_patches):
        with pytest.raises(InputError):
            call(tiles)
    with pytest.raises(InputError):
        fitted.fit_strips(tiles, tile_size=SIZE)
    for call in (fitted.fit_patches, fitted.patch_distances, fitted.predict_distances):
        with pytest.raises(InputError):
            call("x" if isinstance(tiles, np.ndarray) else tiles)


@pytest.mark.slow
def test_a_single_strip_and_strips_of_another_height_are_refused_with_the_fix():
    strips = list(woven(2, 3, SIZE, 128))
    with pytest.raises(InputError, match=r"as \[image\]"):
        PatchCore(size=32).fit_strips(strips[0], tile_size=SIZE)
    with pytest.raises(InputError, match="60 x 128 px, expected 64 px"):
        PatchCore(size=32).fit_strips([strips[0], strips[1][:60]], tile_size=SIZE)
    for tile_size in (0, -1, 2.5, "64", None, True):
        with pytest.raises(InputError, match="^tile_size"):
            PatchCore(size=32).fit_strips(strips, tile_size=tile_size)


@pytest.mark.slow
@pytest.mark.parametrize("region", ["ab", (0,), (0, 1, 2), (0.0, 64.0), (None, 64), 5, (64, 0), (-1, 64), (0, 10**9)])
def test_a_hostile_region_is_refused(region: object):
    detector = paper(size=32, background_quantile=None).fit(NORMAL)
    with pytest.raises(InputError, match="^region"):
        detector.predict_strip(NORMAL[0], region=region)


def test_patches_of_another_grid_or_number_of_channels_are_refused():
    detector = PatchCore(size=32, coreset_ratio=0.2).fit(NORMAL)
    patches = detector.features.transform(TEST)
    wrong = (
        patches[:, :2],
        patches[..., :-1],
        patches[0],
        patches[0, 0],
        patches[:0],
        patches * np.nan,
        "x",
        patches > 0,
    )
    for bad in wrong:
        with pytest.raises(InputError):
            detector.predict_patches(bad)
    for bad in (patches[..., 0][:, :2], patches[0, 0, 0], "x", None):
        with pytest.raises(InputError):
            detector.predict_distances(bad)
    with pytest.raises(InputError):
        detector.predict_distances(patches[..., 0], patches[:2])
    for parts in ([patches[0], patches[0, :2]], (one for one in patches), [patches, patches[..., :-1]]):
        with pytest.raises(InputError):
            detector.fit_patches(parts)
    for shape in ((64,), "64", (64.0, 64), None):
        with pytest.raises(InputError, match="^tile_shape"):
            detector.fit_patches(patches, shape)


@pytest.mark.slow
@pytest.mark.parametrize("call", ["fit", "fit_strips", "predict", "predict_strip", "fit_patches"])
@pytest.mark.parametrize("error", [MemoryError("std::bad_alloc"), RuntimeError("not enough memory: you ...")])
def test_exhausted_memory_is_said_and_not_taken_for_a_wrong_size(call: str, error: Exception, monkeypatch):
    detector = paper(size=32).fit(NORMAL)

    def fail(*_, **__):
        raise error

    monkeypatch.setattr(detector.features._network, "forward", fail)
    monkeypatch.setattr(patchcore, "subsample", fail)
    given = {"fit_strips": list(woven(2, 3, SIZE, 128)), "predict_strip": NORMAL[0], "fit_patches": np.ones((8, 152))}
    options = {"fit_strips": {"tile_size": SIZE}, "predict_strip": {"region": (0, SIZE)}}
    with pytest.raises(InputError, match="^Memory ran out") as caught:
        getattr(detector, call)(given.get(call, NORMAL), **options.get(call, {}))
    assert isinstance(caught.value, MemoryError)


# Functions of arrays


def outcomes(function: Callable, *arguments: object) -> str | None:
    """Return the message of an `InputError`, or None if the function took the arguments; others are raised."""
    try:
        function(*arguments)
    except InputError as error:
        return str(error)
    return None


VALUES = st.one_of(
    st.none(),
    st.text(max_size=3),
    st.integers(-3, 300),
    st.floats(),
    st.lists(st.floats(-1, 2) | st.integers(0, 1) | st.none(), max_size=4),
    st.lists(st.lists(st.floats(-1, 2), max_size=3), max_size=3),
    st.sampled_from(
        [
            np.zeros(()),
            np.zeros((0, 2, 2)),
            np.zeros((2, 0, 2)),
            np.eye(4)[None],
            np.eye(4, dtype=bool),
            np.eye(4).astype("U3"),
            np.full((2, 2), np.nan),
            np.full((1, 2, 2), 1j),
            np.array([{}, None], object),
            torch.ones(2, 2, requires_grad=True),
            (1, 2),
            {},
        ]
    ),
)
FUNCTIONS = {
    "auroc": (metrics.auroc, 2),
    "average_precision": (metrics.average_precision, 2),
    "f1_max": (metrics.f1_max, 2),
    "aupro": (metrics.aupro, 3),
    "conformal_threshold": (metrics.conformal_threshold, 2),
    "bootstrap_interval": (lambda *a: metrics.bootstrap_interval(metrics.auroc, *a, n_resamples=2), 3),
    "paired_bootstrap": (lambda *a: metrics.paired_bootstrap(metrics.auroc, *a, n_resamples=2), 4),
    "max_score": (scoring.max_score, 1),
    "top_fraction_score": (scoring.top_fraction_score, 2),
    "anomaly_maps": (scoring.anomaly_maps, 3),
    "image_scores": (scoring.image_scores, 2),
    "geometric_mean_distance": (lambda a: scoring.geometric_mean_distance([a]), 1),
    "tile": (tiling.tile, 3),
    "crop_tiles": (tiling.crop_tiles, 3),
    "untile": (tiling.untile, 3),
    "tile_labels": (tiling.tile_labels, 2),
    "plot_image": (plots.plot_image, 2),
    "plot_tiles": (plots.plot_tiles, 3),
    "plot_scores": (plots.plot_scores, 3),
    "plot_strip": (plots.plot_strip, 3),
    "plot_curves": (plots.plot_curves, 2),
    "describe_map": (plots.describe_map, 1),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", FUNCTIONS)
@settings(max_examples=25)
@given(st.data())
def test_any_arguments_are_taken_or_refused_in_one_line(name: str, data: st.DataObject):
    function, count = FUNCTIONS[name]
    message = outcomes(function, *(data.draw(VALUES) for _ in range(count)))
    assert message is None or ("\n" not in message and message.endswith("."))
