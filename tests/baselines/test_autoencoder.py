"""The autoencoder on small woven tiles: training, detection, equal results for equal seeds, files, and refusals."""

from __future__ import annotations

import copy
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from woven import woven

from aitex_utils.baselines.autoencoder import HEADER, Autoencoder
from aitex_utils.baselines.ssim import error_maps
from aitex_utils.calibration import position_scale
from aitex_utils.errors import InputError, MissingError

SIZE = 32
SMALL = {
    "latent_channels": 4,
    "width": 4,
    "depth": 2,
    "steps": 150,
    "batch_size": 8,
    "crop_size": 16,
    "lr": 0.01,
    "smoothing": 1.0,
}
EXPECTED = {**SMALL, "error": "ssim", "border": 0, "normalize_positions": False, "seed": 0}
NORMAL, TEST = woven(8, 0, SIZE, SIZE, noise=4), woven(6, 1, SIZE, SIZE, noise=4)
DEFECTIVE = TEST.copy()
DEFECTIVE[:, 10:16, 18:24] = 30

pytestmark = pytest.mark.usefixtures("one_thread")


def small(**parameters: object) -> Autoencoder:
    return Autoencoder(**{**SMALL, **parameters})


@pytest.fixture(scope="module")
def fitted() -> Autoencoder:
    return small().fit(NORMAL)


# Training and prediction


def test_training_lowers_the_loss_and_new_tiles_are_reconstructed(fitted: Autoencoder):
    assert len(fitted.losses_) == 150 and fitted.tile_shape_ == (SIZE, SIZE)
    assert 0.7 < fitted.losses_[0] < 1.5 and np.mean(fitted.losses_[-10:]) < 0.3
    reconstructions = fitted.reconstruct(TEST)
    assert reconstructions.shape == TEST.shape and reconstructions.dtype == np.float32
    assert np.mean((reconstructions - TEST) ** 2) < 0.4 * TEST.var()


@pytest.mark.parametrize("error", ["ssim", "pixel"])
def test_defects_score_higher_than_all_normal_tiles_and_are_localised(error: str):
    autoencoder = small(error=error).fit(NORMAL)
    result = autoencoder.predict(DEFECTIVE)
    assert result.maps.shape == DEFECTIVE.shape and result.scores.shape == (6,)
    assert result.scores.min() > autoencoder.predict(TEST).scores.max()
    for anomaly_map in result.maps:
        row, column = np.unravel_index(anomaly_map.argmax(), anomaly_map.shape)
        assert 7 <= row <= 18 and 15 <= column <= 26


def test_the_score_is_the_maximum_of_the_smoothed_errors(fitted: Autoencoder):
    result = fitted.predict(TEST)
    np.testing.assert_array_equal(result.maps, error_maps(TEST, fitted.reconstruct(TEST), "ssim", 1.0))
    np.testing.assert_array_equal(result.scores, result.maps.max(axis=(1, 2)))


@pytest.mark.parametrize(("latent_channels", "depth"), [(4, 2), (3, 1), (1, 3)])
def test_each_step_of_depth_halves_the_side_of_the_latent_code(latent_channels: int, depth: int):
    codes = small(latent_channels=latent_channels, depth=depth, steps=1).fit(NORMAL).encode(TEST)
    assert codes.shape == (6, SIZE // 2**depth, SIZE // 2**depth, latent_channels)
    assert codes.dtype == np.float32 and codes.flags.c_contiguous


def test_weights_are_counted_by_hand(fitted: Autoencoder):
    encoder = (16 * 1 * 4 + 4) + (16 * 4 * 8 + 8) + (8 * 4 + 4)  # two layers that halve the side, then the code
    decoder = (4 * 8 + 8) + (16 * 8 * 4 + 4) + (16 * 4 * 1 + 1)
    assert fitted.nbytes == 4 * (encoder + decoder)


def test_fresh_networks_are_inverse_in_shape():
    encoder, decoder = small().make_network()
    images = torch.zeros(2, 1, 24, 40)
    assert encoder(images).shape == (2, 4, 6, 10) and decoder(encoder(images)).shape == images.shape


def test_equal_seeds_give_equal_results_and_other_seeds_do_not():
    first, second, other = (small(steps=5, seed=seed).fit(NORMAL) for seed in (0, 0, 1))
    assert first.losses_ == second.losses_ != other.losses_
    np.testing.assert_array_equal(first.reconstruct(TEST), second.reconstruct(TEST))


def test_training_leaves_the_global_random_state_of_torch_unchanged():
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    small(steps=2).fit(NORMAL)
    assert torch.equal(torch.rand(3), expected)


def test_the_callback_receives_all_losses_after_each_step():
    calls: list[list[float]] = []
    autoencoder = small(steps=4).fit(NORMAL, callback=lambda losses: calls.append(list(losses)))
    assert calls == [autoencoder.losses_[:step] for step in (1, 2, 3, 4)]


def test_uniform_tiles_can_be_learned():
    uniform = np.full((1, SIZE, SIZE), 90, np.uint8)
    autoencoder = small(steps=3).fit(uniform)
    assert autoencoder.mean_ == 90 and autoencoder.std_ == 1
    assert np.isfinite(autoencoder.predict(uniform).scores).all()


def test_mean_and_standard_deviation_are_those_of_the_training_tiles(fitted: Autoencoder):
    assert fitted.mean_ == pytest.approx(NORMAL.mean()) and fitted.std_ == pytest.approx(NORMAL.std())


def test_tiles_are_predicted_independently_of_each_other(fitted: Autoencoder):
    tiles = np.concatenate([TEST, DEFECTIVE])  # more than one batch
    alone = np.concatenate([fitted.predict(tile[None]).maps for tile in tiles])
    np.testing.assert_allclose(fitted.predict(tiles).maps, alone, atol=1e-5)


def test_a_strip_is_predicted_as_its_tiles_are(fitted: Autoencoder):
    strip = woven(1, 3, SIZE, 4 * SIZE, noise=4)[0]
    result = fitted.predict_strip(strip)
    start, stop = result.region
    assert np.isnan(result.map[:, :start]).all() and np.isnan(result.map[:, stop:]).all()
    assert not np.isnan(result.map[:, start:stop]).any()
    tiles = np.stack([strip[row : row + SIZE, column : column + SIZE] for row, column in result.corners])
    np.testing.assert_allclose(result.tile_scores, fitted.predict(tiles).scores, rtol=1e-5)
    assert result.score == result.tile_scores.max() and result.corners[0].tolist() == [0, start]


def test_overlapping_tiles_are_blended_and_the_tiles_stay(fitted: Autoencoder):
    strip = woven(1, 3, SIZE, 4 * SIZE, noise=4)[0]
    plain, blended = fitted.predict_strip(strip), fitted.predict_strip(strip, overlap=SIZE // 2)
    np.testing.assert_array_equal(blended.corners, plain.corners)
    expected = [np.nanmax(blended.map[:, column : column + SIZE]) for _, column in plain.corners]
    np.testing.assert_allclose(blended.tile_scores, expected)
    assert blended.score == max(expected) and blended.region == plain.region and (blended.map != plain.map).any()


# Against the edges of tiles


def edge_excess(autoencoder: Autoencoder) -> float:
    """Return the mean error in a frame of 3 px, as a multiple of the mean error inside."""
    errors = error_maps(TEST, autoencoder.reconstruct(TEST), "pixel")
    frame = np.ones((SIZE, SIZE), bool)
    frame[3:-3, 3:-3] = False
    return float(errors[:, frame].mean() / errors[:, ~frame].mean())


def test_a_mirrored_border_lowers_the_errors_at_the_edge(fitted: Autoencoder):
    bordered = small(border=12).fit(NORMAL)
    assert edge_excess(fitted) > 1.2 > 1.1 > edge_excess(bordered)
    assert bordered.encode(TEST).shape == fitted.encode(TEST).shape
    assert bordered.predict(DEFECTIVE).scores.min() > bordered.predict(TEST).scores.max()


def test_a_border_that_training_never_saw_does_harm(fitted: Autoencoder):
    surprised = copy.copy(fitted)
    surprised.border = 12
    assert edge_excess(surprised) > 1.2 * edge_excess(fitted)


def test_beyond_the_reach_of_the_layers_a_wider_border_changes_nothing():
    autoencoder, by_border = small(steps=20).fit(NORMAL), {}
    for autoencoder.border in (0, 12, 16):
        by_border[autoencoder.border] = autoencoder.reconstruct(TEST)
    np.testing.assert_allclose(by_border[12], by_border[16], atol=1e-3)
    assert abs(by_border[0] - by_border[16]).max() > 1
    middle = np.s_[:, 14:18, 14:18]
    np.testing.assert_allclose(by_border[0][middle], by_border[16][middle], atol=1e-3)


@pytest.mark.parametrize("error", ["ssim", "pixel"])
def test_normalised_maps_are_divided_by_the_typical_error_of_normal_tiles(error: str):
    plain, normalised = small(error=error).fit(NORMAL), small(error=error, normalize_positions=True).fit(NORMAL)
    scale = position_scale(plain.predict(NORMAL).maps)
    np.testing.assert_allclose(normalised.predict(TEST).maps, plain.predict(TEST).maps / scale, rtol=1e-5)
    assert plain.position_scales_ == {} and set(normalised.position_scales_) == {"ssim", "pixel"}
    np.testing.assert_allclose(plain.learn_positions(NORMAL).predict(TEST).maps, normalised.predict(TEST).maps)


def test_a_normalised_autoencoder_is_saved_with_its_scales(tmp_path: Path):
    autoencoder = small(steps=3, border=4, normalize_positions=True).fit(NORMAL)
    loaded = Autoencoder.load(autoencoder.save(tmp_path / "a.npz"))
    assert loaded.parameters() == autoencoder.parameters() and loaded.border == 4
    np.testing.assert_array_equal(loaded.predict(TEST).maps, autoencoder.predict(TEST).maps)
    assert loaded.nbytes == autoencoder.nbytes


def test_a_border_that_no_tile_has_is_refused():
    with pytest.raises(InputError, match="^border is 6, expected a multiple of 4"):
        small(border=6)
    with pytest.raises(InputError, match="^border is 16, expected less than crop_size, 16 px"):
        small(border=16)
    with pytest.raises(InputError, match="^normalize_positions is 'no'"):
        small(normalize_positions="no")


# Saving


def test_a_loaded_autoencoder_predicts_the_same(fitted: Autoencoder, tmp_path: Path):
    file = fitted.save(tmp_path / "a file.npz")
    assert file == tmp_path / "a file.npz"
    loaded = Autoencoder.load(file)
    assert loaded.parameters() == fitted.parameters() == EXPECTED
    for name in ("losses_", "tile_shape_", "mean_", "std_", "nbytes"):
        assert getattr(loaded, name) == getattr(fitted, name)
    np.testing.assert_array_equal(loaded.predict(DEFECTIVE).maps, fitted.predict(DEFECTIVE).maps)


@pytest.mark.parametrize("content", [b"years of work", b"", "another.npz", "array.npy"])
def test_a_file_of_another_kind_is_not_replaced(fitted: Autoencoder, tmp_path: Path, content: bytes | str):
    file = tmp_path / "thesis.npz"
    if isinstance(content, str):
        np.savez(tmp_path / "another.npz", header=np.frombuffer(b'{"format": "another"}', np.uint8))
        np.save(tmp_path / "array.npy", np.zeros(3))
        content = (tmp_path / content).read_bytes()
    file.write_bytes(content)
    with pytest.raises(InputError, match="thesis.npz exists and is no saved autoencoder: choose another name"):
        fitted.save(file)
    assert file.read_bytes() == content


def test_a_saved_autoencoder_is_replaced_and_a_link_to_it_stays(fitted: Autoencoder, tmp_path: Path):
    fitted.save(tmp_path / "net.npz")
    (tmp_path / "link.npz").symlink_to(tmp_path / "net.npz")
    fitted.save(tmp_path / "link.npz")
    assert (tmp_path / "link.npz").is_symlink()
    assert Autoencoder.load(tmp_path / "net.npz").nbytes == fitted.nbytes


def test_parts_that_claim_to_be_huge_or_are_compressed_are_refused(fitted: Autoencoder, tmp_path: Path):
    file = fitted.save(tmp_path / "net.npz")
    with np.load(file) as arrays:
        content = dict(arrays)
    np.savez_compressed(file, **content)
    with pytest.raises(InputError, match="no readable autoencoder .*compressed"):
        Autoencoder.load(file)
    huge = io.BytesIO()
    np.lib.format.write_array_header_1_0(huge, {"descr": "<f4", "fortran_order": False, "shape": (10**7, 10**7)})
    with zipfile.ZipFile(file, "w") as parts:
        parts.writestr("header.npy", huge.getvalue())
    with pytest.raises(InputError, match="no readable autoencoder .*does not fit its file"):
        Autoencoder.load(file)


def test_a_damaged_byte_is_refused_or_harmless(fitted: Autoencoder, tmp_path: Path):
    file = fitted.save(tmp_path / "net.npz")
    content, expected = file.read_bytes(), fitted.reconstruct(TEST)
    refused = 0
    for place in np.random.default_rng(0).choice(len(content), 150, replace=False):
        file.write_bytes(content[:place] + bytes([content[place] ^ 0x5A]) + content[place + 1 :])
        try:
            loaded = Autoencoder.load(file)
        except InputError as error:
            refused += "save it again" in str(error)
        else:
            np.testing.assert_array_equal(loaded.reconstruct(TEST), expected)
    assert refused > 100


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_truncated_file_is_refused(fitted: Autoencoder, tmp_path: Path, share: float):
    file = fitted.save(tmp_path / "net.npz")
    file.write_bytes(file.read_bytes()[: int(share * file.stat().st_size)])
    with pytest.raises(InputError, match="net.npz contains no readable autoencoder .*save it again"):
        Autoencoder.load(file)


class Trap:
    """An object whose unpickling prints."""

    def __reduce__(self):
        return print, ("code of the file has run",)


@pytest.mark.parametrize("kind", ["pickled array", "torch"])
def test_foreign_files_are_refused_and_never_unpickled(tmp_path: Path, kind: str, capsys: pytest.CaptureFixture):
    file = tmp_path / "foreign.npz"
    with open(file, "wb") as opened:
        if kind == "torch":
            torch.save({"trap": Trap()}, opened)
        else:
            np.savez(opened, **{HEADER: np.array([Trap()], dtype=object)})
    with pytest.raises(InputError, match="no readable autoencoder"):
        Autoencoder.load(file)
    assert "has run" not in capsys.readouterr().out


def rewrite(file: Path, **changes: object) -> None:
    """Write the file anew with other entries in its header (None removes one), or with other arrays."""
    with np.load(file) as opened:
        arrays = {name: opened[name] for name in opened.files}
    header = json.loads(arrays.pop(HEADER).tobytes())
    for name, value in changes.items():
        if isinstance(value, np.ndarray):
            arrays[name.replace("__", ".")] = value
        elif value is None:
            header.pop(name)
        else:
            header[name] = value
    with open(file, "wb") as opened:
        np.savez(opened, **{HEADER: np.frombuffer(json.dumps(header).encode(), np.uint8)}, **arrays)


def test_an_unchanged_file_written_anew_is_accepted(fitted: Autoencoder, tmp_path: Path):
    file = fitted.save(tmp_path / "net.npz")
    rewrite(file)
    np.testing.assert_array_equal(Autoencoder.load(file).reconstruct(TEST), fitted.reconstruct(TEST))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "another"}, r"no readable autoencoder \('format'\)"),
        ({"format": None}, r"no readable autoencoder \('format'\)"),
        ({"version": 2}, "format version 2, this code reads 3: fit anew"),
        ({"version": 4}, "format version 4, this code reads 3: fit anew"),
        ({"parameters": {"latent_channels": 0}}, r"\(latent_channels is 0, .*at least 1"),
        ({"parameters": {"halvings": 3}}, "unexpected keyword argument"),
        ({"parameters": {**SMALL, "latent_channels": 5}}, "no readable autoencoder .*state_dict"),
        ({"tile_shape": [30, 30]}, "tiles are 30 x 30 px"),
        ({"tile_shape": "wide"}, "no readable autoencoder"),
        ({"losses": None}, r"no readable autoencoder \('losses'\)"),
        ({"std": None}, r"no readable autoencoder \('std'\)"),
        ({"std": float("nan")}, "weights that are NaN or infinite"),
        ({"encoder__0__bias": np.full(4, np.nan, np.float32)}, "weights that are NaN or infinite"),
        ({"encoder__0__bias": np.zeros(5, np.float32)}, "no readable autoencoder"),
        ({"more": np.zeros(5, np.float32)}, "no readable autoencoder"),
    ],
)
def test_files_that_contradict_themselves_are_refused(fitted: Autoencoder, tmp_path: Path, changes: dict, message: str):
    file = fitted.save(tmp_path / "net.npz")
    rewrite(file, **changes)
    with pytest.raises(InputError, match=message):
        Autoencoder.load(file)


def test_missing_and_foreign_files_are_refused(tmp_path: Path):
    with pytest.raises(MissingError, match="none.npz is missing: give the file that save"):
        Autoencoder.load(tmp_path / "none.npz")
    np.save(tmp_path / "array.npy", np.zeros(3))
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("header.npy", b"nonsense")
    (tmp_path / "zip.npz").write_bytes(content.getvalue())
    for name in ("array.npy", "zip.npz"):
        with pytest.raises(InputError, match=f"{name} contains no readable autoencoder"):
            Autoencoder.load(tmp_path / name)


# Refusals


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"latent_channels": 0}, "^latent_channels is 0, .*at least 1"),
        ({"steps": 2.5}, "^steps is 2.5, .*whole number"),
        ({"width": True}, "^width is True"),
        ({"batch_size": 0}, "^batch_size is 0"),
        ({"seed": -1}, "^seed is -1, .*from 0"),
        ({"seed": 2**32}, "^seed is 4294967296"),
        ({"lr": 0}, "^lr is 0, .*above 0, .*0.002"),
        ({"lr": np.inf}, "^lr is inf"),
        ({"lr": "fast"}, "^lr is 'fast'"),
        ({"crop_size": 12}, "^crop_size is 12, .*multiple of 8, .*depth of 3"),
        ({"depth": 10**9}, "^depth is 1000000000, .*1 to 8"),
        ({"error": "l2"}, "^error is 'l2': choose .*ssim, pixel"),
        ({"smoothing": -2}, "^smoothing is -2, .*at least 0"),
    ],
)
def test_wrong_parameters_are_refused_before_training(parameters: dict, message: str):
    with pytest.raises(InputError, match=message):
        Autoencoder(**parameters)


@pytest.mark.parametrize(
    ("tiles", "message"),
    [
        (NORMAL[0], r"^tiles has shape \(32, 32\), .*\(N, H, W\)"),
        (NORMAL.astype(float), "^tiles has dtype float64, .*uint8"),
        (np.where(NORMAL > 0, np.nan, 0.0), "^tiles has dtype float64, .*uint8"),
        (NORMAL[:0], "^tiles .*empty"),
        (NORMAL[:, :30], "^tiles are 30 x 32 px, .*at least 16 px .*multiples of 4: .*crop_size"),
        (NORMAL[:, :12, :12], "^tiles are 12 x 12 px, .*at least 16 px"),
    ],
)
def test_tiles_that_cannot_be_learned_are_refused(tiles: np.ndarray, message: str):
    with pytest.raises(InputError, match=message):
        small().fit(tiles)


def test_tiles_of_another_size_and_wrong_strips_are_refused(fitted: Autoencoder):
    with pytest.raises(InputError, match="^tiles are 16 x 16 px .*fitted on 32 x 32: tile"):
        fitted.predict(TEST[:, :16, :16])
    with pytest.raises(InputError, match=r"strip .*shape \(2, 32, 32\), .*\(H, W\)"):
        fitted.predict_strip(np.zeros((2, 32, 32), np.uint8))


def test_an_autoencoder_that_is_not_fitted_is_refused(tmp_path: Path):
    autoencoder = small()
    uses = [lambda use=use: use(TEST) for use in (autoencoder.predict, autoencoder.encode, autoencoder.reconstruct)]
    uses += [lambda: autoencoder.save(tmp_path / "net.npz"), lambda: autoencoder.predict_strip(TEST[0])]
    for use in [*uses, lambda: autoencoder.nbytes]:
        with pytest.raises(InputError, match=r"not fitted yet: call fit\(tiles\)"):
            use()
    assert not list(tmp_path.iterdir())


# A refused or interrupted fit, and the settings of the program around it


def test_diverged_training_is_refused_with_the_loss():
    with pytest.raises(InputError, match=r"^Training diverged at step [23]: the loss is (inf|nan)\. Take a lower lr"):
        small(steps=3, lr=1e30).fit(NORMAL)
    with pytest.raises(InputError, match="diverged in the last step: .*not finite. Take a lower lr"):
        small(steps=1, lr=1e30).fit(NORMAL)


def raising(error: type[BaseException], step: int) -> Callable[[list[float]], None]:
    """Return a callback that spoils the list of losses, and raises at a step."""

    def callback(losses: list[float]) -> None:
        n_losses = len(losses)
        losses.clear()
        if n_losses == step:
            raise error

    return callback


@pytest.mark.parametrize(
    ("error", "parameters", "arguments"),
    [
        (KeyboardInterrupt, {}, {"callback": raising(KeyboardInterrupt, 1)}),
        (ZeroDivisionError, {}, {"callback": raising(ZeroDivisionError, 2)}),
        (InputError, {}, {"callback": "loud"}),
        (InputError, {"lr": 1e30}, {}),
        (InputError, {}, {"tiles": NORMAL.astype(float)}),
        (InputError, {}, {"tiles": NORMAL[:, :30]}),
    ],
)
def test_a_refused_or_interrupted_fit_changes_nothing(error: type, parameters: dict, arguments: dict, tmp_path: Path):
    for was_fitted in (False, True):
        autoencoder = small(steps=3)
        if was_fitted:
            autoencoder.fit(NORMAL)
            expected = autoencoder.predict(TEST).maps
        for name, value in parameters.items():
            setattr(autoencoder, name, value)
        before = dict(autoencoder.__dict__)
        with pytest.raises(error):
            autoencoder.fit(**{"tiles": TEST, **arguments})
        assert autoencoder.__dict__ == before
        if was_fitted:
            np.testing.assert_array_equal(
                Autoencoder.load(autoencoder.save(tmp_path / "a.npz")).predict(TEST).maps, expected
            )


def test_a_callback_cannot_spoil_the_losses():
    autoencoder = small(steps=3).fit(NORMAL, callback=raising(ZeroDivisionError, 9))
    assert len(autoencoder.losses_) == 3


@contextmanager
def double_precision() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize(
    "settings",
    [
        double_precision,
        torch.inference_mode,
        torch.no_grad,
        lambda: torch.device("meta"),
        lambda: torch.autocast("cpu", torch.bfloat16),
    ],
)
def test_the_program_s_settings_of_torch_change_nothing(settings: Callable, tmp_path: Path):
    expected = small(steps=3).fit(NORMAL)
    with settings():
        autoencoder = small(steps=3).fit(NORMAL)
        maps, codes = autoencoder.predict(TEST).maps, autoencoder.encode(TEST)
        loaded = Autoencoder.load(autoencoder.save(tmp_path / "a.npz"))
        np.testing.assert_array_equal(loaded.predict(TEST).maps, maps)
    assert autoencoder.losses_ == expected.losses_
    np.testing.assert_array_equal(maps, expected.predict(TEST).maps)
    np.testing.assert_array_equal(codes, expected.encode(TEST))


def test_global_random_numbers_are_neither_used_nor_changed(tmp_path: Path):
    states = []
    results = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        np.random.seed(seed)
        states.append((torch.get_rng_state(), np.random.get_state()[1].copy()))
        autoencoder = small(steps=2).fit(NORMAL)
        Autoencoder.load(autoencoder.save(tmp_path / "a.npz")).predict(TEST)
        results.append([*autoencoder.losses_, *small().make_network()[0][0].weight.detach().flatten().tolist()])
        assert torch.equal(torch.get_rng_state(), states[-1][0])
        np.testing.assert_array_equal(np.random.get_state()[1], states[-1][1])
    assert results[0] == results[1]


def test_seeding_reaches_the_cpu_only(monkeypatch: pytest.MonkeyPatch):
    def refuse(seed: int) -> None:
        raise AssertionError("this seeds the GPUs as well")

    monkeypatch.setattr(torch, "manual_seed", refuse)
    small(steps=1).fit(NORMAL)


@pytest.mark.parametrize(
    "tiles", [[NORMAL[0], NORMAL[0][:16, :16]], [NORMAL, NORMAL[:, :16]], iter(NORMAL), None, "tiles", [], 5]
)
def test_other_inputs_are_refused_in_a_sentence(tiles: object):
    with pytest.raises(InputError, match="^tiles "):
        small(steps=1).fit(tiles)


def test_a_list_of_tiles_and_a_tensor_are_taken():
    expected = small(steps=2).fit(NORMAL).losses_
    assert small(steps=2).fit(list(NORMAL)).losses_ == small(steps=2).fit(torch.from_numpy(NORMAL)).losses_ == expected
