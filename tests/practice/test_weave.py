"""Woven texture: drafts by hand, period and contrast of the picture, and each quantity that a defect can change."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aitex_utils.practice.weave import (
    SAMPLES_PER_YARN,
    Weave,
    Yarns,
    render_fabric,
    render_repeat,
    sample_acquisition,
    smooth_noise,
    twill,
)

SHAPE = (256, 1024)
# Nothing but the weave: no noise, no displacement, the same light everywhere.
PURE = Weave(
    twill(1, 1), 5.0, 4.0, 100, 0.2, tone=0.6, warp_variation=0, weft_variation=0, thickness_variation=0, specks=0,
    light_variation=0, light_rise=0, defocus=0, displacement=0, noise=0,
)  # fmt: skip


def rendered(weave: Weave = PURE, yarns: Yarns | None = None, seed: int = 0) -> np.ndarray:
    return render_fabric(weave, Yarns(SHAPE) if yarns is None else yarns, np.random.default_rng(seed))


def test_twill_by_hand():
    np.testing.assert_array_equal(twill(1, 1), [[1, 0], [0, 1]])
    np.testing.assert_array_equal(twill(2, 1), [[1, 1, 0], [0, 1, 1], [1, 0, 1]])
    np.testing.assert_array_equal(twill(1, 2), [[1, 0, 0], [0, 1, 0], [0, 0, 1]])


def test_a_satin_binds_each_yarn_once_and_nowhere_side_by_side():
    satin = twill(1, 4, 2)
    assert (satin.sum(axis=0) == 1).all() and (satin.sum(axis=1) == 1).all()
    at = satin.argmax(axis=1)
    assert all((b - a) % 5 not in (0, 1, 4) for a, b in zip(at, np.roll(at, -1), strict=True))


@given(st.integers(1, 4), st.integers(1, 4), st.floats(1.5, 8), st.floats(1.5, 8))
@settings(max_examples=25, deadline=None)
def test_a_repeat_has_mean_0_and_standard_deviation_1(over, under, warp, weft):
    table = render_repeat(replace(PURE, draft=twill(over, under), warp=warp, weft=weft))
    assert table.shape == ((over + under) * SAMPLES_PER_YARN,) * 2 and table.dtype == np.float32
    assert abs(table.mean()) < 1e-4 and abs(table.std() - 1) < 1e-3


def test_a_repeat_is_lighter_where_the_lighter_warp_lies_on_top():
    table = render_repeat(PURE).reshape(2, SAMPLES_PER_YARN, 2, SAMPLES_PER_YARN).mean(axis=(1, 3))
    assert (table[[0, 1], [0, 1]] > 0.3).all() and (table[[0, 1], [1, 0]] < -0.3).all()


def test_the_picture_has_the_light_and_contrast_of_the_weave():
    grey = rendered()
    assert grey.shape == SHAPE and grey.dtype == np.float64
    assert abs(grey.mean() - 100) < 1
    # 0.2 of 100, and the unevenness of the texture (0.10 and 0.15) adds a little in quadrature.
    assert abs(grey.std() - 20) < 2.5


def test_plain_weave_repeats_every_two_yarns():
    grey = rendered() - 100
    power = np.abs(np.fft.fft2(grey * np.hanning(SHAPE[0])[:, None] * np.hanning(SHAPE[1]))) ** 2
    row, column = np.unravel_index(power[: SHAPE[0] // 2, : SHAPE[1] // 2].argmax(), (SHAPE[0] // 2, SHAPE[1] // 2))
    assert abs(row / SHAPE[0] - 1 / 8) < 0.006 and abs(column / SHAPE[1] - 1 / 10) < 0.003  # two wefts, two warps


@pytest.mark.parametrize(("name", "px"), [("right", 10), ("down", 8)])
def test_a_displacement_by_whole_repeats_changes_nothing(name, px):
    displaced = Yarns(SHAPE)
    getattr(displaced, name)[:] = px  # two yarns
    np.testing.assert_allclose(rendered(yarns=displaced), rendered(), atol=0.1)
    getattr(displaced, name)[:] = px / 2  # one yarn: light and dark change places
    assert np.corrcoef(rendered(yarns=displaced).ravel(), rendered().ravel())[0, 1] < 0


def test_texture_gain_and_added():
    yarns = Yarns(SHAPE)
    yarns.texture[:] = 0
    assert np.ptp(rendered(yarns=yarns)) < 0.1
    yarns = Yarns(SHAPE)
    yarns.gain[:], yarns.added[:] = 0.5, 7
    np.testing.assert_allclose(rendered(yarns=yarns), rendered() * 0.5 + 7, atol=0.01)


@pytest.mark.parametrize(("name", "value"), [("warp_variation", 0.1), ("weft_variation", 0.1)])
def test_uneven_yarns_are_stripes_along_the_yarns(name, value):
    flat = Yarns(SHAPE)
    flat.texture[:] = 0
    grey = rendered(replace(PURE, **{name: value}), flat)
    # The lightness changes from yarn to yarn within a few px, along a yarn only over many.
    down, right = np.abs(np.diff(grey, axis=0)).mean(), np.abs(np.diff(grey, axis=1)).mean()
    assert right > 4 * down if name == "warp_variation" else down > 4 * right


@pytest.mark.parametrize(
    ("name", "value"),
    [("thickness_variation", 0.05), ("specks", 40.0), ("noise", 4.0), ("displacement", 1.0), ("light_variation", 0.1)],
)
def test_each_variation_changes_the_picture(name, value):
    assert np.abs(rendered(replace(PURE, **{name: value})) - rendered(replace(PURE, **{name: 0}))).max() > 3


def test_light_rises_and_contrast_falls_towards_the_end():
    grey = rendered(replace(PURE, light_rise=0.3, defocus=0.5))
    middle, end = grey[:, 420:520], grey[:, -60:]
    assert end.mean() > middle.mean() + 15
    assert end.std() / end.mean() < 0.75 * middle.std() / middle.mean()


def test_the_same_seed_renders_the_same_picture():
    weave = Weave(twill(2, 1), 1.7, 2.4, 119, 0.2)
    np.testing.assert_array_equal(rendered(weave), rendered(weave))
    assert np.abs(rendered(weave) - rendered(weave, seed=1)).max() > 10


@given(st.tuples(st.integers(1, 90), st.integers(1, 90)), st.tuples(st.floats(2, 200), st.floats(2, 200)))
@settings(max_examples=40, deadline=None)
def test_smooth_noise_has_any_shape(shape, scale):
    noise = smooth_noise(shape, scale, np.random.default_rng(0))
    assert noise.shape == shape and np.isfinite(noise).all()


def test_smooth_noise_has_standard_deviation_1_and_changes_slowly():
    noise = smooth_noise((512, 512), (20, 40), np.random.default_rng(0))
    assert 0.8 < noise.std() < 1.2
    down, right = (np.abs(np.diff(noise, axis=axis)).mean() for axis in (0, 1))
    assert 1.6 < down / right < 2.5 and down < 0.1


def test_acquisitions_vary_in_speed_and_light():
    weave = replace(PURE, speeds=(1.0, 1.35))
    rng = np.random.default_rng(0)
    speeds = np.array([sample_acquisition(weave, rng).weft / weave.weft for _ in range(200)])
    assert (np.minimum(abs(speeds - 1), abs(speeds - 1.35)) < 0.03).all()
    assert 60 < (speeds > 1.2).sum() < 140
    others = np.array([sample_acquisition(PURE, rng, other=True).weft / PURE.weft for _ in range(400)])
    assert 40 < (abs(others - 1) > 0.15).sum() < 120  # 1 in 5 at a very different speed
    light = np.array([sample_acquisition(PURE, rng).light for _ in range(200)])
    assert 1 < light.std() < 4 and abs(light.mean() - 100) < 1


def test_the_repeat_is_continued_periodically_and_smoothed_across_its_edges():
    shifted = replace(PURE, draft=np.roll(PURE.draft, 1, axis=1))
    np.testing.assert_allclose(
        render_repeat(shifted), np.roll(render_repeat(PURE), SAMPLES_PER_YARN, axis=1), atol=1e-5
    )


def test_smoothing_and_look_up_are_those_of_scipy():
    """The generator used SciPy before; OpenCV must give the same pixels but for rounding."""
    from scipy.ndimage import gaussian_filter, map_coordinates

    from aitex_utils.practice import weave

    rng = np.random.default_rng(0)
    image, sigma = rng.normal(size=(24, 36)), (6.7, 2.3)
    np.testing.assert_allclose(
        weave._smooth_periodic(image, sigma), gaussian_filter(image, sigma, mode="wrap"), atol=1e-12
    )
    repeat, along, across = (
        image.astype(np.float32),
        rng.uniform(-50, 3000, (64, 128)),
        rng.uniform(-50, 3000, (64, 128)),
    )
    places = np.array([along, across]) * SAMPLES_PER_YARN - 0.5
    expected = map_coordinates(repeat, places, order=1, mode="grid-wrap")
    np.testing.assert_allclose(weave._look_up_periodic(repeat, along, across), expected, atol=1e-4)
