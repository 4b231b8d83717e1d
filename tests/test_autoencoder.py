"""The autoencoder on small woven tiles: that it learns, finds a stain, is the same each time, saves, and refuses."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from woven import woven as weave

from aitex_utils.autoencoder import HEADER, Autoencoder
from aitex_utils.errors import InputError, MissingError
from aitex_utils.ssim import error_maps

SIDE = 32
SMALL = {"code": 4, "width": 4, "halvings": 2, "steps": 150, "batch": 8, "crop": 16, "rate": 0.01, "smoothing": 1.0}


def woven(n: int, seed: int, height: int = SIDE, width: int = SIDE) -> np.ndarray:
    return weave(n, seed, height, width, noise=4)


NORMAL, OTHERS = woven(8, seed=0), woven(6, seed=1)
STAINED = OTHERS.copy()
STAINED[:, 10:16, 18:24] = 30


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def fitted() -> Autoencoder:
    return Autoencoder(**SMALL).fit(NORMAL)


def test_training_lowers_the_loss_and_new_tiles_are_rebuilt(fitted: Autoencoder):
    assert len(fitted.losses_) == 150
    assert 0.7 < fitted.losses_[0] < 1.5 and np.mean(fitted.losses_[-10:]) < 0.3
    rebuilt = fitted.rebuild(OTHERS)
    assert rebuilt.shape == OTHERS.shape and rebuilt.dtype == np.float32
    assert np.mean((rebuilt - OTHERS) ** 2) < 0.4 * OTHERS.var()


@pytest.mark.parametrize("error", ["ssim", "pixel"])
def test_a_stain_stands_out(fitted: Autoencoder, error: str):
    fitted = Autoencoder(**{**SMALL, "error": error}).fit(NORMAL)
    found = fitted.score(STAINED)
    assert found.maps.shape == STAINED.shape and found.scores.shape == (6,)
    assert found.scores.min() > fitted.score(OTHERS).scores.max()
    for one in found.maps:
        row, column = np.unravel_index(one.argmax(), one.shape)
        assert 7 <= row <= 18 and 15 <= column <= 26


def test_the_score_is_the_highest_of_the_smoothed_errors(fitted: Autoencoder):
    found = fitted.score(OTHERS)
    np.testing.assert_array_equal(found.maps, error_maps(OTHERS, fitted.rebuild(OTHERS), "ssim", 1.0))
    np.testing.assert_array_equal(found.scores, found.maps.max(axis=(1, 2)))


def test_the_code_has_the_shape_that_arithmetic_says(fitted: Autoencoder):
    assert fitted.encode(OTHERS).shape == (6, SIDE // 4, SIDE // 4, 4)


def test_weights_are_counted_by_hand():
    net = Autoencoder(**{**SMALL, "steps": 1}).fit(NORMAL)
    down = (16 * 1 * 4 + 4) + (16 * 4 * 8 + 8) + (8 * 4 + 4)  # two halvings and the code
    up = (4 * 8 + 8) + (16 * 8 * 4 + 4) + (16 * 4 * 1 + 1)
    assert net.nbytes == 4 * (down + up)


def test_the_same_seed_gives_the_same_and_another_another(fitted: Autoencoder):
    few = {**SMALL, "steps": 5}
    one, two, other = (Autoencoder(**few, seed=seed).fit(NORMAL) for seed in (0, 0, 1))
    assert one.losses_ == two.losses_ != other.losses_
    np.testing.assert_array_equal(one.rebuild(OTHERS), two.rebuild(OTHERS))


def test_training_leaves_the_caller_s_draws_alone():
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    Autoencoder(**{**SMALL, "steps": 2}).fit(NORMAL)
    assert torch.equal(torch.rand(3), expected)


def test_watch_sees_every_step():
    seen: list[int] = []
    Autoencoder(**{**SMALL, "steps": 4}).fit(NORMAL, watch=lambda losses: seen.append(len(losses)))
    assert seen == [1, 2, 3, 4]


def test_a_flat_tile_can_be_learnt_from():
    flat = np.full((1, SIDE, SIDE), 90, np.uint8)
    net = Autoencoder(**{**SMALL, "steps": 3}).fit(flat)
    assert np.isfinite(net.score(flat).scores).all()


def test_tiles_are_judged_one_by_one(fitted: Autoencoder):
    many = np.concatenate([OTHERS, STAINED])  # more than one batch
    alone = np.concatenate([fitted.score(one[None]).maps for one in many])
    np.testing.assert_allclose(fitted.score(many).maps, alone, atol=1e-5)


def test_a_strip_is_scored_as_its_tiles_are(fitted: Autoencoder):
    strip = woven(1, seed=3, width=4 * SIDE)[0]
    found = fitted.score_strip(strip)
    begin, end = found.region
    assert np.isnan(found.map[:, :begin]).all() and not np.isnan(found.map[:, begin:end]).any()
    row, column = found.corners[0]
    first = fitted.score(strip[None, row : row + SIDE, column : column + SIDE])
    assert found.tile_scores[0] == pytest.approx(first.scores[0], rel=1e-5)
    assert found.score == found.tile_scores.max() and column == begin


# Saving


def test_saved_and_loaded_it_is_the_same(fitted: Autoencoder, tmp_path: Path):
    file = fitted.save(tmp_path / "a file.npz")
    loaded = Autoencoder.load(file)
    assert loaded.parameters() == fitted.parameters() and loaded.losses_ == fitted.losses_
    np.testing.assert_array_equal(loaded.score(STAINED).maps, fitted.score(STAINED).maps)
    assert loaded.nbytes == fitted.nbytes


def test_any_damaged_byte_is_refused_or_harmless(fitted: Autoencoder, tmp_path: Path):
    file = fitted.save(tmp_path / "net.npz")
    whole, expected = file.read_bytes(), fitted.rebuild(OTHERS)
    refused = 0
    for at in np.random.default_rng(0).choice(len(whole), 150, replace=False):
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 0x5A]) + whole[at + 1 :])
        try:
            loaded = Autoencoder.load(file)
        except InputError as error:
            refused += "save it again" in str(error)
        else:
            np.testing.assert_array_equal(loaded.rebuild(OTHERS), expected)
    assert refused > 100


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_file_cut_short_is_refused(fitted: Autoencoder, tmp_path: Path, share: float):
    file = fitted.save(tmp_path / "net.npz")
    file.write_bytes(file.read_bytes()[: int(share * file.stat().st_size)])
    with pytest.raises(InputError, match="holds no readable autoencoder"):
        Autoencoder.load(file)


class Trap:
    def __reduce__(self):
        return print, ("code of the file has run",)


@pytest.mark.parametrize("kind", ["pickled array", "torch"])
def test_foreign_files_are_refused_and_never_unpickled(tmp_path: Path, kind: str, capsys: pytest.CaptureFixture):
    file = tmp_path / "foreign.npz"
    with open(file, "wb") as opened:
        if kind == "torch":
            torch.save({"it": Trap()}, opened)
        else:
            np.savez(opened, **{HEADER: np.array([Trap()], dtype=object)})
    with pytest.raises(InputError, match="holds no readable autoencoder"):
        Autoencoder.load(file)
    assert "has run" not in capsys.readouterr().out


def changed(file: Path, **changes: object) -> None:
    """Write the file anew with other entries in its header, or other arrays."""
    with np.load(file) as arrays:
        kept = {name: arrays[name] for name in arrays.files}
    about = json.loads(kept.pop(HEADER).tobytes())
    for name, value in changes.items():
        if isinstance(value, np.ndarray):
            kept[name.replace("__", ".")] = value
        elif value is None:
            about.pop(name)
        else:
            about[name] = value
    with open(file, "wb") as opened:
        np.savez(opened, **{HEADER: np.frombuffer(json.dumps(about).encode(), np.uint8)}, **kept)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"format": "another"}, r"holds no readable autoencoder \('format'\)"),
        ({"format": None}, "holds no readable autoencoder"),
        ({"version": 2}, "has format version 2, this code reads 1: fit anew"),
        ({"parameters": {"code": 0}}, "code is 0, expected a whole number from 1"),
        ({"parameters": {"depth": 3}}, "unexpected keyword argument"),
        ({"parameters": {**SMALL, "code": 5}}, "holds no readable autoencoder"),
        ({"tile_shape": [30, 30]}, "tiles are of 30 x 30 px"),
        ({"tile_shape": "wide"}, "holds no readable autoencoder"),
        ({"losses": None}, "holds no readable autoencoder"),
        ({"spread": float("nan")}, "weights that are NaN or infinite"),
        ({"encoder__0__bias": np.full(4, np.nan, np.float32)}, "weights that are NaN or infinite"),
        ({"encoder__0__bias": np.zeros(5, np.float32)}, "holds no readable autoencoder"),
        ({"more": np.zeros(5, np.float32)}, "holds no readable autoencoder"),
    ],
)
def test_files_that_contradict_themselves_are_refused(
    fitted: Autoencoder, tmp_path: Path, changes: dict, told: str
):
    file = fitted.save(tmp_path / "net.npz")
    changed(file, **changes)
    with pytest.raises(InputError, match=told):
        Autoencoder.load(file)


def test_other_files_are_refused(tmp_path: Path):
    with pytest.raises(MissingError, match="isn't there: give the file that save"):
        Autoencoder.load(tmp_path / "none.npz")
    np.save(tmp_path / "one.npy", np.zeros(3))
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("header.npy", b"nonsense")
    (tmp_path / "zip.npz").write_bytes(content.getvalue())
    for name in ("one.npy", "zip.npz"):
        with pytest.raises(InputError, match="holds no readable autoencoder"):
            Autoencoder.load(tmp_path / name)


# Refusals


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"code": 0}, "code is 0, expected a whole number from 1"),
        ({"steps": 2.5}, "steps is 2.5, expected a whole number"),
        ({"width": True}, "width is True"),
        ({"seed": -1}, "seed is -1, expected a whole number from 0"),
        ({"rate": 0}, "rate is 0, expected a learning rate above 0"),
        ({"rate": np.inf}, "rate is inf"),
        ({"rate": "fast"}, "rate is 'fast'"),
        ({"crop": 12}, "crop is 12 with 3 halvings, expected 1 to 8 halvings"),
        ({"halvings": 10**9}, "expected 1 to 8 halvings"),
        ({"error": "l2"}, "error is 'l2': choose one of ssim, pixel"),
        ({"smoothing": -2}, "smoothing is -2"),
    ],
)
def test_parameters_that_can_t_be_are_refused_at_once(parameters: dict, told: str):
    with pytest.raises(InputError, match=told):
        Autoencoder(**parameters)


@pytest.mark.parametrize(
    ("tiles", "told"),
    [
        (NORMAL[0], r"tiles has shape \(32, 32\), expected \(N, H, W\)"),
        (NORMAL.astype(float), "tiles is float64, expected uint8"),
        (np.where(NORMAL > 0, np.nan, 0.0), "expected uint8 grey values"),
        (NORMAL[:0], "it is empty"),
        (NORMAL[:, :30], "tiles are of 30 x 32 px, expected sides of at least the crop's 16 px that 4 divides"),
        (NORMAL[:, :12, :12], "tiles are of 12 x 12 px"),
    ],
)
def test_tiles_that_can_t_be_learnt_are_refused(tiles: np.ndarray, told: str):
    with pytest.raises(InputError, match=told):
        Autoencoder(**SMALL).fit(tiles)


def test_other_tiles_than_fitted_are_refused(fitted: Autoencoder):
    with pytest.raises(InputError, match="tiles are 16 x 16 px but the autoencoder was fitted on 32 x 32"):
        fitted.score(OTHERS[:, :16, :16])
    with pytest.raises(InputError, match="The strip has shape"):
        fitted.score_strip(np.zeros((2, 32, 32), np.uint8))


def test_what_was_never_fitted_says_so(tmp_path: Path):
    net = Autoencoder(**SMALL)
    for use in (net.score, net.encode, net.rebuild):
        with pytest.raises(InputError, match="has learned nothing yet: call fit"):
            use(OTHERS)
    with pytest.raises(InputError, match="has learned nothing yet"):
        net.save(tmp_path / "net.npz")
    with pytest.raises(InputError, match="has learned nothing yet"):
        net.score_strip(OTHERS[0])


def test_training_that_goes_astray_is_told_and_leaves_nothing_of_an_older_one():
    net = Autoencoder(**{**SMALL, "steps": 3}).fit(NORMAL)
    net.rate = 1e30
    with pytest.raises(InputError, match="went astray at step .*: take a lower rate"):
        net.fit(NORMAL)
    with pytest.raises(InputError, match="has learned nothing yet"):
        net.score(OTHERS)
