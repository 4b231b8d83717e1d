"""The networks of exercise 03.2, what is looked at after a call, and right and wrong answers; see `nb03.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import nn

LEFT, MODE = "hooks left in the network", "another mode than before"
CHANGED = "another output of the network"


def _network() -> nn.Module:
    """Return a network of two blocks and a head, with ReLUs that work in place as those of many real networks do."""
    import torch
    from torch import nn

    class Network(nn.Sequential):
        """Keeps in `said` what it last gave at its end, and in `trained` the mode in which it was handed over."""

        said: torch.Tensor | None = None
        trained = False

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            said = super().forward(images)
            self.said = said.detach().clone()
            return said

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        parts: dict[str, nn.Module] = {}
        for name, channels in (("stem", (1, 4)), ("block", (4, 6))):
            parts[name] = nn.Sequential()
            parts[name].add_module("conv", nn.Conv2d(*channels, 3, stride=2, padding=1))
            parts[name].add_module("bend", nn.ReLU(inplace=True))
        parts["head"] = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 3))
        network = Network()
        for name, part in parts.items():
            network.add_module(name, part)
    return network.eval()


def networks() -> list[tuple]:
    import torch

    images = torch.rand(2, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    training = _network().train()
    training.trained = True
    return [(_network(), "stem.conv", images), (training, "block.conv", images), (_network(), "stem", images)]


def _hooks(network: nn.Module) -> int:
    return sum(len(module._forward_hooks) for module in network.modules())


def left_clean(given: Any, network: nn.Module, layer: str, images: torch.Tensor) -> Any:
    """What is done to the network is compared before what was returned: a hook that stays, another mode or output."""
    import torch

    if _hooks(network):
        return LEFT
    if any(module.training != network.trained for module in network.modules()):
        return MODE
    said = network.said
    with torch.no_grad():
        return given if said is None or torch.equal(said, network(images).detach()) else CHANGED


def layer_output(
    network: nn.Module, layer: str, images: torch.Tensor, copied: bool = True, before: bool = False
) -> torch.Tensor:
    kept: list[torch.Tensor] = []

    def keep(module: nn.Module, inputs: tuple, output: torch.Tensor) -> None:
        seen = inputs[0] if before else output
        kept.append(seen.clone() if copied else seen)

    handle = network.get_submodule(layer).register_forward_hook(keep)
    network(images)
    handle.remove()
    return kept[0].detach()


def set_to_eval(network: nn.Module, layer: str, images: torch.Tensor, copied: bool = True) -> torch.Tensor:
    return layer_output(network.eval(), layer, images, copied)


def output_replaced(network: nn.Module, layer: str, images: torch.Tensor) -> torch.Tensor:
    handle = network.get_submodule(layer).register_forward_hook(lambda module, inputs, output: output * 0)
    given = network(images)
    handle.remove()
    return given


def hook_left(network: nn.Module, layer: str, images: torch.Tensor) -> torch.Tensor:
    network.get_submodule(layer).register_forward_hook(lambda module, inputs, output: None)
    return images
