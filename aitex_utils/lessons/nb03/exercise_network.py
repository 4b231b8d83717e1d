"""Exercise 03.2: its networks, what is compared after a call, and right and wrong answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import nn

HOOKS_LEFT, MODE_CHANGED = "hooks left in the network", "another mode than before"
OUTPUT_CHANGED = "another output of the network"


def _network() -> nn.Module:
    """Return a network of two blocks and a head, whose ReLUs work in place as those of many real networks do."""
    import torch
    from torch import nn

    class Network(nn.Sequential):
        """A chain that keeps its last output, and the mode in which the learner gets it."""

        last_output: torch.Tensor | None = None
        was_training = False

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            output = super().forward(images)
            self.last_output = output.detach().clone()
            return output

    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(3)  # torch.manual_seed would also seed the learner's GPU
        parts: dict[str, nn.Module] = {}
        for name, channels in (("stem", (1, 4)), ("block", (4, 6))):
            parts[name] = nn.Sequential()
            parts[name].add_module("conv", nn.Conv2d(*channels, 3, stride=2, padding=1))
            parts[name].add_module("relu", nn.ReLU(inplace=True))
        parts["head"] = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 3))
        network = Network()
        for name, part in parts.items():
            network.add_module(name, part)
    return network.eval()


def networks() -> list[tuple]:
    """Return networks, one of them in training mode, with the name of a layer and images."""
    import torch

    images = torch.rand(2, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    training = _network().train()
    training.was_training = True
    return [(_network(), "stem.conv", images), (training, "block.conv", images), (_network(), "stem", images)]


def compared_value(answer: Any, network: nn.Module, layer: str, images: torch.Tensor) -> Any:
    """Return the answer, or what it did to the network: a hook that stays, another mode, another output."""
    import torch

    if any(module._forward_hooks for module in network.modules()):
        return HOOKS_LEFT
    if any(module.training != network.was_training for module in network.modules()):
        return MODE_CHANGED
    last_output = network.last_output
    with torch.no_grad():
        unchanged = last_output is None or torch.equal(last_output, network(images).detach())
    return answer if unchanged else OUTPUT_CHANGED


def layer_output(
    network: nn.Module, layer: str, images: torch.Tensor, copied: bool = True, before: bool = False
) -> torch.Tensor:
    """Return the output of a layer; its input if `before`, and the tensor itself instead of a copy if not `copied`."""
    kept: list[torch.Tensor] = []

    def keep(module: nn.Module, inputs: tuple, output: torch.Tensor) -> None:
        tensor = inputs[0] if before else output
        kept.append(tensor.clone() if copied else tensor)

    handle = network.get_submodule(layer).register_forward_hook(keep)
    network(images)
    handle.remove()
    return kept[0].detach()


def set_to_eval(network: nn.Module, layer: str, images: torch.Tensor, copied: bool = True) -> torch.Tensor:
    """Leave the network in evaluation mode."""
    return layer_output(network.eval(), layer, images, copied)


def output_replaced(network: nn.Module, layer: str, images: torch.Tensor) -> torch.Tensor:
    """Return a value from the hook, which replaces the layer's output."""
    handle = network.get_submodule(layer).register_forward_hook(lambda module, inputs, output: output * 0)
    output = network(images)
    handle.remove()
    return output


def hook_left(network: nn.Module, layer: str, images: torch.Tensor) -> torch.Tensor:
    """Leave the hook in the network."""
    network.get_submodule(layer).register_forward_hook(lambda module, inputs, output: None)
    return images
