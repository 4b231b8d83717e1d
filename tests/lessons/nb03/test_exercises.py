"""Notebook 03: each typical mistake draws its own hint, and right answers pass in whatever way they are written."""

from __future__ import annotations

import json
from collections.abc import Callable

import lesson_cells as lessons
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from aitex_utils.backbones import load_backbone
from aitex_utils.features import PatchFeatures, fuse_layers
from aitex_utils.lessons import judge
from aitex_utils.lessons.nb03 import reference
from aitex_utils.lessons.nb03.exercises import EXERCISES
from aitex_utils.lessons.nb03.receptive_field import layer_chain
from aitex_utils.lessons.nb03.receptive_field import receptive_field as course_receptive_field

BY_ID = {exercise.id: exercise for exercise in EXERCISES}
NAMES = {
    "03.1": "receptive_field",
    "03.2": "layer_output",
    "03.3": "neighbourhood_mean",
    "03.4": "join",
    "03.5": "whiten",
    "03.6": "preprocess",
    "03.7": "held_out_auroc",
}


@pytest.fixture(scope="module")
def solutions() -> dict[str, Callable]:
    return lessons.functions(lessons.builder.solved, NAMES)


# Right answers, written in two other ways each.


def field_backwards(chain):
    side = 1
    for kernel, step in reversed(chain):
        side = (side - 1) * step + kernel
    stride = 1
    for _, step in chain:
        stride *= step
    return [side, stride]


def field_by_counting(chain):
    """Follow the two outermost pixels of one position, and of its neighbour, down to the input."""
    left, right, neighbour = 0, 0, 1
    for kernel, step in chain[::-1]:
        left, right, neighbour = left * step, right * step + kernel - 1, neighbour * step
    return np.array([right - left + 1, neighbour])


def output_by_detached_copy(network, layer, images):
    kept = {}
    handle = dict(network.named_modules())[layer].register_forward_hook(
        lambda module, inputs, output: kept.update(output=output.detach().clone())
    )
    network(images)
    handle.remove()
    return kept["output"]


def output_in_a_with(network, layer, images):
    kept = []
    with (
        torch.no_grad(),
        network.get_submodule(layer).register_forward_hook(lambda module, inputs, output: kept.append(output.clone())),
    ):
        network(images)
    return kept[0]


def pooled_by_torch(feature_map, side=3):
    return F.avg_pool2d(torch.from_numpy(feature_map), side, 1, side // 2, count_include_pad=False)


def pooled_by_sums(feature_map, side=3):
    reach, (_, height, width) = side // 2, feature_map.shape
    padding = ((0, 0), (reach, reach), (reach, reach))
    values, ones = np.pad(feature_map, padding), np.pad(np.ones_like(feature_map), padding)
    shifts = [(slice(None), slice(r, r + height), slice(c, c + width)) for r in range(side) for c in range(side)]
    return sum(values[shift] for shift in shifts) / sum(ones[shift] for shift in shifts)


def joined_last(early, late):
    late = F.interpolate(late, early.shape[2:], mode="bilinear").permute(0, 2, 3, 1)
    return torch.cat((early.permute(0, 2, 3, 1), late), -1)


def joined_in_numpy(early, late):
    late = torch.nn.Upsample(size=tuple(early.shape[-2:]), mode="bilinear")(late)
    return np.concatenate([np.moveaxis(part.numpy(), 1, 3) for part in (early, late)], axis=3)


def whitened_by_svd(normal, patches, floor=1e-3):
    mean = normal.mean(0)
    _, values, rows = np.linalg.svd(normal - mean, full_matrices=False)
    variance = values**2 / len(normal)
    return ((patches - mean) @ rows.T) / np.sqrt(variance + floor * variance.mean())


def whitened_by_cholesky(normal, patches, floor=1e-3):
    covariance = np.cov(normal, rowvar=False)
    covariance = covariance + floor * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    return np.linalg.solve(np.linalg.cholesky(covariance), (patches - normal.mean(axis=0)).T).T


def prepared_in_torch(tiles):
    return ((torch.from_numpy(tiles).float() - 127) / 128).unsqueeze(1).expand(-1, 3, -1, -1)


def prepared_from_int16(tiles):
    scaled = (tiles.astype(np.int16) - 127) / 128
    return torch.stack([torch.from_numpy(scaled).float()] * 3, dim=1)


def reported_by_masking(aurocs):
    choices, fabrics = aurocs.shape
    sums = aurocs.sum(axis=1, keepdims=True) - aurocs
    return aurocs[sums.argmax(axis=0), np.arange(fabrics)]


def reported_as_a_list(aurocs):
    reported = []
    for f in range(aurocs.shape[1]):
        means = [np.mean([row[g] for g in range(len(row)) if g != f]) for row in aurocs]
        reported.append(aurocs[int(np.argmax(means))][f])
    return reported


RIGHT = {
    "03.1": (field_backwards, field_by_counting),
    "03.2": (output_by_detached_copy, output_in_a_with),
    "03.3": (pooled_by_torch, pooled_by_sums),
    "03.4": (joined_last, joined_in_numpy),
    "03.5": (whitened_by_svd, whitened_by_cholesky),
    "03.6": (prepared_in_torch, prepared_from_int16),
    "03.7": (reported_by_masking, reported_as_a_list),
}


@pytest.mark.parametrize(("number", "answer"), [(n, f) for n, both in RIGHT.items() for f in both])
def test_right_answers_pass_in_whatever_way_they_are_written(number: str, answer: Callable):
    verdict = judge(BY_ID[number], answer)
    assert verdict.passed, verdict.message


# Wrong answers, as a learner would type them.


def field_loop(update):
    def answer(chain):
        side, stride = 1, 1
        for k, s in chain:
            side, stride = update(side, stride, k, s)
        return side, stride

    return answer


def output_with(hook, remove=True, choose=lambda kept, last_output: kept[0]):
    def answer(network, layer, images):
        kept = []
        handle = network.get_submodule(layer).register_forward_hook(hook(kept))
        last_output = network(images)
        if remove:
            handle.remove()
        return choose(kept, last_output)

    return answer


def keep_output(kept):
    def hook(m, i, o):
        kept.append(o)

    return hook


def keep_copy(kept):
    return lambda m, i, o: kept.append(o.clone())


def keep_input(kept):
    return lambda m, i, o: kept.append(i[0].clone())


def pool_with(**options):
    return lambda feature_map, side=3: F.avg_pool2d(torch.tensor(feature_map), side, stride=1, **options).numpy()


def pool_zeros(feature_map, side=3):
    return F.avg_pool2d(torch.tensor(feature_map), side, stride=1, padding=side // 2).numpy()


def pool_max(feature_map, side=3):
    return F.max_pool2d(torch.tensor(feature_map), side, stride=1, padding=side // 2)


def pool_scipy(mode):
    def answer(feature_map, side=3):
        from scipy.ndimage import uniform_filter

        return uniform_filter(feature_map, size=(1, side, side), mode=mode)

    return answer


def pool_window(first, last):
    def answer(feature_map, side=3):
        k, result = side // 2, np.zeros_like(feature_map)
        for r in range(feature_map.shape[1]):
            for c in range(feature_map.shape[2]):
                rows, columns = (slice(max(0, x - k + first), x + k + last) for x in (r, c))
                result[:, r, c] = feature_map[:, rows, columns].mean((1, 2))
        return result

    return answer


def pool_blurring_channels(feature_map, side=3):
    from scipy.ndimage import uniform_filter

    return uniform_filter(feature_map, side)


def pool_sum(feature_map, side=3):
    reach, result = side // 2, np.zeros_like(feature_map)
    for r in range(feature_map.shape[1]):
        for c in range(feature_map.shape[2]):
            part = feature_map[:, max(r - reach, 0) : r + reach + 1, max(c - reach, 0) : c + reach + 1]
            result[:, r, c] = part.sum((1, 2))
    return result


def pool_three(feature_map, side=3):
    return F.avg_pool2d(torch.tensor(feature_map), 3, stride=1, padding=1, count_include_pad=False)


def pool_all_channels(feature_map, side=3):
    result = np.zeros_like(feature_map)
    for r in range(feature_map.shape[1]):
        for c in range(feature_map.shape[2]):
            top, left = max(r - side // 2, 0), max(c - side // 2, 0)
            result[:, r, c] = feature_map[:, top : r + side // 2 + 1, left : c + side // 2 + 1].mean()
    return result


def join_with(resize=None, finish=lambda x: x.permute(0, 2, 3, 1), order=lambda e, la: (e, la)):
    resize = resize or (lambda late, size: F.interpolate(late, size, mode="bilinear"))
    return lambda early, late: finish(torch.cat(order(early, resize(late, early.shape[-2:])), dim=1))


def join_on_late(early, late):
    early = F.interpolate(early, late.shape[-2:], mode="bilinear", align_corners=False)
    return torch.cat([early, late], dim=1).permute(0, 2, 3, 1)


def as_rows(x):
    b, c, h, w = x.shape
    return x.reshape(b, h, w, c)


def whiten_with(covariance=None, scale=lambda v, f: np.sqrt(v + f * v.mean()), columns=True, centred=True, swap=False):
    covariance = covariance or (lambda x: np.cov(x.T, bias=True))

    def answer(normal, patches, floor=1e-3):
        source = patches if swap else normal
        mean = source.mean(axis=0)
        v, d = np.linalg.eigh(covariance(source))
        v = np.maximum(v, 0)
        return (patches - mean if centred else patches) @ (d if columns else d.T) / scale(v, floor)

    return answer


def standardise(normal, patches, floor=1e-3):
    return (patches - normal.mean(axis=0)) / normal.std(axis=0)


def field_forwards_by_the_backwards_rule(chain):
    side, stride = 1, 1
    for k, s in chain:
        side, stride = (side - 1) * s + k, stride * s
    return side, stride


def field_backwards_by_the_forwards_rule(chain):
    side, stride = 1, 1
    for k, s in reversed(chain):
        side += (k - 1) * stride
        stride *= s
    return side, stride


def field_in_floats(chain):
    side, stride = 1, 1.0
    for k, s in chain:
        side, stride = side + (k - 1) * stride, stride * s
    return side, stride


def field_in_two_lines(chain):
    strides = np.cumprod([1, *(s for _, s in chain)])
    return 1 + sum((k - 1) * int(s) for (k, _), s in zip(chain, strides, strict=False)), int(strides[-1])


def side_and_last_stride(chain):
    return field_in_two_lines(chain)[0], list(chain)[-1][1]


def stride_before_side(chain):
    return field_in_two_lines(chain)[1], field_in_two_lines(chain)[0]


def output_in_eval(hook):
    def answer(network, layer, images):
        network.eval()
        with torch.no_grad():
            return output_with(hook)(network, layer, images)

    return answer


def output_in_eval_then_train(hook):
    def answer(network, layer, images):
        was = network.training
        network.eval()
        output = output_with(hook)(network, layer, images)
        network.train(was)
        return output

    return answer


def output_in_eval_with_each_mode_restored(hook):
    def answer(network, layer, images):
        was = {module: module.training for module in network.modules()}
        network.eval()
        output = output_with(hook)(network, layer, images)
        for module, mode in was.items():
            module.training = mode
        return output

    return answer


def output_in_a_list(hook):
    return output_with(hook, choose=lambda kept, last_output: kept)


def output_blanked(network, layer, images):
    kept = []

    def hook(module, inputs, output):
        kept.append(output.clone())
        return torch.zeros_like(output)

    handle = network.get_submodule(layer).register_forward_hook(hook)
    network(images)
    handle.remove()
    return kept[0]


def output_doubled_in_place(network, layer, images):
    kept = []

    def hook(module, inputs, output):
        kept.append(output.mul_(2).clone())

    with network.get_submodule(layer).register_forward_hook(hook), torch.no_grad():
        network(images)
    return kept[0]


def pool_from_below_zero(feature_map, side=3):
    k, result = side // 2, []
    for r in range(feature_map.shape[1]):
        row = [feature_map[:, r - k : r + k + 1, c - k : c + k + 1].mean((1, 2)) for c in range(feature_map.shape[2])]
        result.append(np.stack(row, axis=-1))
    return np.stack(result, axis=1)


def whiten_with_own_mean(normal, patches, floor=1e-3):
    v, d = np.linalg.eigh(np.cov(normal.T, bias=True))
    return (patches - np.mean(patches, axis=0)) @ d / np.sqrt(v + floor * v.mean())


def prepare_with(scale, shape=lambda x: x[:, None].repeat(1, 3, 1, 1)):
    return lambda tiles: shape(torch.from_numpy(scale(tiles)).float())


def report_by(choose, report=lambda aurocs, best, f: aurocs[best, f]):
    def answer(aurocs):
        n = aurocs.shape[1]
        return np.array([report(aurocs, choose(aurocs, f), f) for f in range(n)])

    return answer


def best_on_the_others(aurocs, f):
    return np.delete(aurocs, f, 1).mean(1).argmax()


WRONG = [
    ("03.1", "order of results", stride_before_side),
    ("03.1", "last stride only", side_and_last_stride),
    ("03.1", "last stride only", field_loop(lambda side, stride, k, s: (side + (k - 1) * stride, s))),
    ("03.1", "rule and direction", field_forwards_by_the_backwards_rule),
    ("03.1", "rule and direction", field_backwards_by_the_forwards_rule),
    ("03.1", "not whole", field_in_floats),
    ("03.2", "modes of parts lost", output_in_eval_then_train(keep_copy)),
    ("03.2", "modes of parts lost", output_in_eval_then_train(keep_output)),
    ("03.2", "run in another mode", output_in_eval_with_each_mode_restored(keep_copy)),
    ("03.2", "run in another mode", output_in_eval_with_each_mode_restored(keep_output)),
    ("03.2", "list returned", output_in_a_list(keep_copy)),
    ("03.2", "list returned", output_in_a_list(keep_output)),
    ("03.3", "window ends too early", pool_window(0, 0)),
    ("03.3", "window begins too late", pool_window(1, 1)),
    ("03.3", "channels blurred", pool_blurring_channels),
    ("03.6", "overflow", prepare_with(lambda tiles: (tiles - 127) / 128)),
    ("03.6", "overflow", prepare_with(lambda tiles: (tiles - 127).astype(np.float32) / 128)),
    ("03.6", "int8", prepare_with(lambda tiles: (tiles.astype(np.int8) - 127) / 128)),
    ("03.6", "dark clipped", prepare_with(lambda tiles: (np.clip(tiles, 127, None) - 127) / 128)),
    ("03.6", "other scale", prepare_with(lambda tiles: tiles / 255)),
    ("03.6", "other scale", prepare_with(lambda tiles: (tiles.astype(float) - 127) / 255)),
    ("03.6", "other scale", prepare_with(lambda tiles: tiles / 127.5 - 1)),
    ("03.6", "float64", lambda tiles: torch.from_numpy((tiles - 127.0) / 128)[:, None].repeat(1, 3, 1, 1)),
    ("03.6", "one channel", prepare_with(lambda tiles: (tiles - 127.0) / 128, lambda x: x[:, None])),
    ("03.6", "channels last", prepare_with(lambda tiles: (tiles - 127.0) / 128, lambda x: torch.stack([x] * 3, -1))),
    ("03.7", "chosen on the same fabric", report_by(lambda aurocs, f: aurocs[:, f].argmax())),
    ("03.7", "chosen on all fabrics", report_by(lambda aurocs, f: aurocs.mean(axis=1).argmax())),
    ("03.7", "mean of the others", report_by(best_on_the_others, lambda aurocs, i, f: np.delete(aurocs[i], f).mean())),
    ("03.7", "index", report_by(best_on_the_others, lambda aurocs, i, f: i)),
    (
        "03.7",
        "roles swapped",
        report_by(lambda aurocs, f: aurocs[:, f].argmax(), lambda aurocs, i, f: np.delete(aurocs[i], f).mean()),
    ),
    ("03.7", "lowest", report_by(lambda aurocs, f: np.delete(aurocs, f, 1).mean(1).argmin())),
    ("03.2", "mode changed", output_in_eval(keep_copy)),
    ("03.2", "mode changed", output_in_eval(keep_output)),
    ("03.2", "network disturbed", output_blanked),
    ("03.2", "network disturbed", output_doubled_in_place),
    ("03.3", "border repeated", pool_scipy("reflect")),
    ("03.3", "start below zero", pool_from_below_zero),
    ("03.5", "floor not relative", whiten_with(scale=lambda v, f: np.sqrt(v + f))),
    ("03.5", "floor not relative", whiten_with(scale=lambda v, f: np.sqrt(v.clip(f)))),
    ("03.5", "floor after the root", whiten_with(scale=lambda v, f: np.sqrt(v) + f * v.mean())),
    ("03.5", "maximum", whiten_with(scale=lambda v, f: np.sqrt(np.maximum(v, f * np.mean(v))))),
    ("03.5", "own mean", whiten_with_own_mean),
    ("03.1", "stride forgotten", field_loop(lambda side, stride, k, s: (side + k - 1, stride * s))),
    ("03.1", "stride too soon", field_loop(lambda side, stride, k, s: (side + (k - 1) * stride * s, stride * s))),
    ("03.1", "kernels multiplied", field_loop(lambda side, stride, k, s: (side * k, stride * s))),
    ("03.1", "whole kernel added", field_loop(lambda side, stride, k, s: (side + k * stride, stride * s))),
    ("03.1", "strides added", field_loop(lambda side, stride, k, s: (side + (k - 1) * stride, stride + s))),
    ("03.1", "own stride only", field_loop(lambda side, stride, k, s: (side + (k - 1) * s, stride * s))),
    ("03.2", "hook not removed", output_with(keep_copy, remove=False)),
    ("03.2", "hook not removed", output_with(keep_output, remove=False)),
    ("03.2", "input for output", output_with(keep_input)),
    ("03.2", "changed in place", output_with(keep_output)),
    ("03.2", "whole network", output_with(keep_copy, choose=lambda kept, last_output: last_output)),
    ("03.3", "zeros counted in", pool_zeros),
    ("03.3", "zeros counted in", pool_scipy("constant")),
    ("03.3", "border repeated", pool_scipy("nearest")),
    ("03.3", "border mirrored", pool_scipy("mirror")),
    ("03.3", "valid only", pool_with()),
    ("03.3", "maximum", pool_max),
    ("03.3", "sum", pool_sum),
    ("03.3", "side ignored", pool_three),
    ("03.3", "channels mixed", pool_all_channels),
    ("03.4", "nearest", join_with(lambda late, size: F.interpolate(late, size))),
    ("03.4", "corners aligned", join_with(lambda late, size: F.interpolate(late, size, None, "bilinear", True))),
    ("03.4", "reshaped", join_with(finish=as_rows)),
    ("03.4", "channels second", join_with(finish=lambda x: x)),
    ("03.4", "coarse grid", join_on_late),
    ("03.4", "late first", join_with(order=lambda e, la: (la, e))),
    ("03.4", "rows and columns swapped", join_with(finish=lambda x: x.permute(0, 3, 2, 1))),
    ("03.4", "rows and columns swapped", join_with(finish=lambda x: x.swapaxes(1, 3))),
    ("03.5", "covariance not centred", whiten_with(lambda x: x.T @ x / len(x))),
    ("03.5", "mean left in", whiten_with(centred=False)),
    ("03.5", "multiplied", whiten_with(scale=lambda v, f: 1 / np.sqrt(v + f * v.mean()))),
    ("03.5", "root forgotten", whiten_with(scale=lambda v, f: v + f * v.mean())),
    ("03.5", "not scaled", whiten_with(scale=lambda v, f: 1.0)),
    ("03.5", "wrong side", whiten_with(columns=False)),
    ("03.5", "each channel alone", standardise),
    ("03.5", "floor forgotten", whiten_with(scale=lambda v, f: np.sqrt(v))),
    ("03.5", "learned from the wrong patches", whiten_with(swap=True)),
]


@pytest.mark.parametrize(("number", "name", "answer"), WRONG, ids=lambda v: v if isinstance(v, str) else "")
def test_a_typical_mistake_draws_its_own_hint(number: str, name: str, answer: Callable):
    lessons.draws_its_own_hint(BY_ID[number], name, answer)


def test_every_mistake_is_made_by_hand_above():
    assert {(n, m) for n, m, _ in WRONG} == {(e.id, m.name) for e in EXERCISES for m in e.mistakes}


@pytest.mark.parametrize("number", ["03.2", "03.6"])
def test_an_array_in_place_of_a_tensor_is_refused(number: str):
    verdict = judge(BY_ID[number], lambda *given: BY_ID[number].reference(*given).detach().numpy())
    assert verdict.kind == "wrong kind" and "a tensor" in verdict.message


def test_the_text_on_the_overflow_is_true():
    images = reference.flawed_preprocess(np.array([[[63]]], np.uint8))
    assert images[0, 0, 0, 0] == 1.5 and reference.preprocess(np.array([[[63]]], np.uint8))[0, 0, 0, 0] == -0.5


def test_a_covariance_of_the_wrong_side_fails_quickly():
    """The (N, N) covariance is small enough to be decomposed at once; its shape then does not fit."""
    verdict = judge(BY_ID["03.5"], whiten_with(np.cov))
    assert verdict.kind == "crashed"
    assert all(len(normal) <= 500 for normal, _, _ in BY_ID["03.5"].cases())


def test_a_hook_that_stays_is_reported_before_a_wrong_value():
    answer = output_with(keep_input, remove=False)
    assert judge(BY_ID["03.2"], answer).mistake == "hook not removed"


# What the notebook writes out is what the module does.


@pytest.mark.parametrize("number", sorted(NAMES))
def test_the_fallback_is_right(number: str):
    fallback = course_receptive_field if number == "03.1" else getattr(reference, NAMES[number])
    assert judge(BY_ID[number], fallback).passed


def test_the_notebook_s_receptive_field_is_the_module_s(solutions: dict):
    network = load_backbone("resnet18", pretrained=False).network
    for layer in ("layer1", "layer2", "layer3"):
        chain = layer_chain(network, layer)
        assert solutions["03.1"](chain) == course_receptive_field(chain)


def test_hooks_pooling_and_joining_by_hand_give_the_module_s_patches(solutions: dict):
    features = PatchFeatures(pretrained=False)
    tiles = np.random.default_rng(0).integers(0, 256, (2, 64, 64), dtype=np.uint8)
    images, network = features.preprocess(tiles), load_backbone(pretrained=False).network.eval()
    with torch.inference_mode():
        outputs = [solutions["03.2"](network, layer, images) for layer in features.layers]
        pooled = [torch.from_numpy(np.stack([solutions["03.3"](m, 3) for m in o.numpy()])) for o in outputs]
        by_hand = solutions["03.4"](*pooled).numpy()
    assert by_hand.shape == (2, 8, 8, 152)
    np.testing.assert_allclose(by_hand, features.transform(tiles), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(by_hand, fuse_layers(outputs, 3).numpy(), rtol=1e-4, atol=1e-4)


def test_the_notebook_s_whitening_is_the_module_s_but_for_signs(solutions: dict):
    rng = np.random.default_rng(0)
    normal = (rng.normal(size=(500, 6)) @ rng.normal(size=(6, 6)) + 3).astype(np.float32)
    features = PatchFeatures(pretrained=False, whiten=True).fit_whitening(normal)
    by_hand, expected = solutions["03.5"](normal, normal[:20]), features.apply_whitening(normal[:20])
    np.testing.assert_allclose(np.abs(by_hand), np.abs(expected), rtol=1e-3, atol=1e-3)  # signs are free


def test_the_text_on_the_measured_table_is_true():
    """The prose around the table of section 11 makes these claims about stored results."""
    by_strip, practice_fabric = (
        json.loads((lessons.builder.BENCHMARKS / "results" / f"{name}.json").read_text(encoding="utf-8"))
        for name in ("notebook_03", "practice_fabric")
    )
    strips, protocol_b = by_strip["tile_auroc"], practice_fabric["tile_auroc_b"]
    del protocol_b["our defaults"]  # not in the table: all its rows are the paper's recipe with one change
    protocol_b["default"] = protocol_b.pop("the paper's recipe")
    aitex, practice = ({row: means[kind] for row, means in protocol_b.items()} for kind in ("aitex", "practice"))
    rows = {
        "default": "default",
        "blocks.1 only": "blocks_1",
        "128 px": "size_128",
        "384 px": "size_384",
        "pooling 7": "pooling_7",
        "blocks.4 only": "blocks_4",
    }
    for means in ({row: strips[key] for row, key in rows.items()}, aitex, practice):
        assert min(means[row] for row in rows) == means["blocks.1 only"]
        assert means["128 px"] < means["default"] < means["384 px"]
        assert means["pooling 7"] <= means["default"] <= means["blocks.4 only"]
    assert max(strips, key=strips.get) == "pooling_1"
    assert strips["whitened"] < strips["default"] and practice["whitened"] < practice["default"]
    assert aitex["whitened"] == max(aitex.values())
