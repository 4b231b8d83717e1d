"""Exercise 03.2: its networks, the value that is compared after a call, and right and wrong answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import nn

HOOKS_LEFT, MODE_CHANGED = "hooks left in the network", "another mode than before"
PARTS_CHANGED, OTHER_MODE = "parts in another mode than before", "run in another mode than the caller's"
OUTPUT_CHANGED = "another output of the network"


def _network() -> nn.Module:
    """Return a network of two blocks and a head, whose ReLUs work in place, as in many real networks."""
    import torch
    from torch import nn

    class Network(nn.Sequential):
        """A chain that keeps its last output, and the modes before and during the learner's call."""

        last_output: torch.Tensor | None = None
        modes: tuple[bool, ...] = ()
        modes_of_last_run: tuple[bool, ...] = ()

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            self.modes_of_last_run = _modes(self)
            output = super().forward(images)
            self.last_output = output.detach().clone()
            return output

    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(3)  # torch.manual_seed would also seed the learner's GPU
        parts: dict[str, nn.Module] = {}
        for name, channels in (("stem", (1, 4)), ("block", (4, 6))):
            parts[name] = nn.Sequential()
            parts[name].add_module("conv", nn.Conv2d(*channels, 3, stride=2, padding=1))
            if name == "block":
                parts[name].add_module("norm", nn.BatchNorm2d(channels[1]))
            parts[name].add_module("relu", nn.ReLU(inplace=True))
        parts["head"] = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 3))
        network = Network()
        for name, part in parts.items():
            network.add_module(name, part)
    network.eval()
    network.modes = _modes(network)
    return network


def _modes(network: nn.Module) -> tuple[bool, ...]:
    """Return the mode of each module, True for training."""
    return tuple(module.training for module in network.modules())


def networks() -> list[tuple]:
    """Return networks with the name of a layer and images: one is in training mode, and its stem is frozen."""
    import torch

    images = torch.rand(2, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    training = _network().train()
    training.get_submodule("stem").eval()
    training.modes = _modes(training)
    return [(_network(), "stem.conv", images), (training, "block.norm", images), (_network(), "stem", images)]


def compared_value(answer: Any, network: nn.Module, layer: str, images: torch.Tensor) -> Any:
    """Return the answer, or its effect on the network: a hook that stays, another mode, another output."""
    import torch

    if any(module._forward_hooks for module in network.modules()):
        return HOOKS_LEFT
    if network.training != network.modes[0]:
        return MODE_CHANGED
    if _modes(network) != network.modes:
        return PARTS_CHANGED
    if network.modes_of_last_run not in ((), network.modes):
        return OTHER_MODE
    last_output = network.last_output
    with torch.no_grad():
        unchanged = last_output is None or torch.equal(last_output, network(images).detach())
    return answer if unchanged else OUTPUT_CHANGED


def layer_output(
    network: nn.Module, layer: str, images: torch.Tensor, copied: bool = True, before: bool = False
) -> torch.Tensor:
    """Return a copy of the output of a layer, or its input if `before`, or the tensor itself if not `copied`."""
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


def mode_put_back(network: nn.Module, layer: str, images: torch.Tensor, copied: bool = True) -> torch.Tensor:
    """Switch to evaluation mode, then put all modules into the mode that the network had as a whole."""
    was_training = network.training
    output = layer_output(network.eval(), layer, images, copied)
    network.train(was_training)
    return output


def modes_put_back(network: nn.Module, layer: str, images: torch.Tensor, copied: bool = True) -> torch.Tensor:
    """Switch to evaluation mode, then put each module back into its own mode."""
    before = _modes(network)
    output = layer_output(network.eval(), layer, images, copied)
    for module, was_training in zip(network.modules(), before, strict=True):
        module.training = was_training
    return output


def list_returned(network: nn.Module, layer: str, images: torch.Tensor, copied: bool = True) -> list[torch.Tensor]:
    """Return the list in which the hook keeps the output."""
    return [layer_output(network, layer, images, copied)]


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
