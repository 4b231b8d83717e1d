"""The training loop of notebook 09: the course's own, typical wrong loops, and a tiny network to try them on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import torch
    from torch import nn

TENSORS = "losses that are tensors"  # what `AfterStep` says of a list of them


class AfterStep:
    """Stands for a live curve in the check: it notes what it is called with, and can be compared.

    Examples
    --------
    >>> after_step = AfterStep()
    >>> after_step([0.5])
    >>> after_step.lengths
    [1]
    """

    def __init__(self) -> None:
        self.lengths: list[int] = []
        self.tensors = False

    def __call__(self, losses: Sequence[float]) -> None:
        """Note the number of losses, and whether they are tensors."""
        self.lengths.append(len(losses))
        self.tensors |= any(hasattr(loss, "detach") for loss in losses)


def random_crops(tiles: np.ndarray, steps: int, batch_size: int = 16, size: int = 128, seed: int = 0) -> Iterator[Any]:
    """Yield batches of random crops, standardised by mean and standard deviation of all tiles.

    Parameters
    ----------
    tiles : ndarray, shape (N, H, W)
        Normal tiles, uint8.
    steps : int
        Number of batches.
    batch_size, size : int
        Crops per batch, and the side of a crop in px.
    seed : int
        Seed of the crops.

    Yields
    ------
    torch.Tensor, shape (batch_size, 1, size, size)

    Examples
    --------
    >>> tiles = np.zeros((2, 8, 8), np.uint8)
    >>> [batch.shape for batch in random_crops(tiles, 2, batch_size=3, size=4)]
    [torch.Size([3, 1, 4, 4]), torch.Size([3, 1, 4, 4])]
    """
    import torch

    rng = np.random.default_rng(seed)
    grey = (tiles - np.float32(tiles.mean())) / np.float32(max(tiles.std(), 1))
    for _ in range(steps):
        which = rng.integers(len(tiles), size=batch_size)
        top, left = (rng.integers(side - size + 1, size=batch_size) for side in tiles.shape[1:])
        crops = [grey[i, y : y + size, x : x + size] for i, y, x in zip(which, top, left, strict=True)]
        yield torch.from_numpy(np.stack(crops))[:, None]


def reconstruct(encoder: nn.Module, decoder: nn.Module, tiles: np.ndarray, training_tiles: np.ndarray) -> np.ndarray:
    """Return the reconstructions of tiles in grey levels.

    Parameters
    ----------
    encoder, decoder : torch.nn.Module
        Trained networks in evaluation mode.
    tiles : ndarray, shape (N, H, W)
        Tiles, uint8.
    training_tiles : ndarray, shape (M, H, W)
        Tiles whose mean and standard deviation `random_crops` used.

    Returns
    -------
    ndarray, shape (N, H, W)
        float32.

    Examples
    --------
    >>> from torch import nn
    >>> tiles = np.arange(64, dtype=np.uint8).reshape(1, 8, 8)
    >>> float(reconstruct(nn.Identity(), nn.Identity(), tiles, tiles)[0, 7, 7].round(3))
    63.0
    """
    import torch

    mean, std = np.float32(training_tiles.mean()), np.float32(max(training_tiles.std(), 1))
    with torch.inference_mode():
        parts = [
            decoder(encoder(torch.from_numpy((tile - mean) / std)[None, None]))[0, 0].numpy()
            for tile in tiles.astype(np.float32)
        ]
    return np.stack(parts) * std + mean


def train(
    encoder: nn.Module,
    decoder: nn.Module,
    optimizer: torch.optim.Optimizer,
    batches: Any,
    after_step: Callable[[list[float]], None],
) -> list[float]:
    """Train an autoencoder with one step per batch, and return the losses (exercise 09.7).

    Parameters
    ----------
    encoder, decoder : torch.nn.Module
        Networks, left in evaluation mode.
    optimizer : torch.optim.Optimizer
        Optimiser of the weights of both.
    batches : iterable of torch.Tensor, each of shape (B, 1, S, S)
        Crops.
    after_step : callable
        Called after each step with the losses so far.

    Returns
    -------
    list of float

    Examples
    --------
    >>> encoder, decoder, optimizer, batches, after_step = tiny_training()
    >>> losses = train(encoder, decoder, optimizer, batches, after_step)
    >>> len(losses), losses[-1] < losses[0], encoder.training
    (8, True, False)
    """
    return loop()(encoder, decoder, optimizer, batches, after_step)


def loop(
    *,
    clear: str = "before backward",
    step: str = "after backward",
    loss: str = "mean squared error",
    training: bool = True,
    evaluated: tuple[bool, bool] = (True, True),
    report: str = "after each step",
    keep: Callable[[torch.Tensor], Any] = lambda value: value.item(),
) -> Callable[..., list[Any]]:
    """Return a training loop. The keyword arguments make the typical mistakes.

    Parameters
    ----------
    clear : str
        When gradients are cleared: "before backward", "before step" or "never".
    step : str
        When the optimiser steps: "after backward", "before backward" or "never".
    loss : str
        "mean squared error", "sum", "absolute" or "to a grey image".
    training : bool
        Both networks are put into training mode first.
    evaluated : tuple of bool
        Encoder and decoder are put into evaluation mode at the end.
    report : str
        When `after_step` is called: "after each step", "before the loss is kept", "at the end" or "never".
    keep : callable
        Value kept of each loss.

    Returns
    -------
    callable
        With the arguments of `train`.

    Examples
    --------
    >>> len(loop(step="never")(*tiny_training()))
    8
    """

    def run(encoder: Any, decoder: Any, optimizer: Any, batches: Any, after_step: Any) -> list[Any]:
        if training:
            encoder.train(), decoder.train()
        losses: list[Any] = []
        for crops in batches:
            value = _loss(loss, decoder(encoder(crops)), crops)
            if clear == "before backward":
                optimizer.zero_grad()
            if step == "before backward":
                optimizer.step()
            value.backward()
            if clear == "before step":
                optimizer.zero_grad()
            if step == "after backward":
                optimizer.step()
            if report == "before the loss is kept":
                after_step(losses)
            losses.append(keep(value))
            if report == "after each step":
                after_step(losses)
        if report == "at the end":
            after_step(losses)
        for network, wanted in zip((encoder, decoder), evaluated, strict=True):
            if wanted:
                network.eval()
        return losses

    return run


def _loss(kind: str, reconstructed: torch.Tensor, crops: torch.Tensor) -> torch.Tensor:
    import torch.nn.functional as F

    if kind == "absolute":
        return F.l1_loss(reconstructed, crops)
    if kind == "to a grey image":
        return (reconstructed**2).mean()
    return F.mse_loss(reconstructed, crops, reduction="sum" if kind == "sum" else "mean")


def tiny_training(steps: int = 8, seed: int = 0) -> tuple:
    """Return the arguments of a training that takes milliseconds.

    Parameters
    ----------
    steps : int
        Number of batches.
    seed : int
        Seed of weights and batches.

    Returns
    -------
    tuple
        Encoder, decoder, optimiser, batches, and an `AfterStep`.

    Notes
    -----
    The encoder has a batch normalisation, which works otherwise in training than in evaluation mode.

    Examples
    --------
    >>> encoder, decoder, optimizer, batches, after_step = tiny_training(3)
    >>> encoder.training, len(batches), batches[0].shape
    (False, 3, torch.Size([4, 1, 8, 8]))
    """
    import torch
    from torch import nn

    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would also seed the learner's GPU
        encoder = nn.Sequential(nn.Conv2d(1, 3, 2, 2), nn.BatchNorm2d(3))
        decoder = nn.Sequential(nn.ConvTranspose2d(3, 1, 2, 2))
        waves = torch.linspace(0, 9, 64).sin().reshape(1, 1, 8, 8)
        batches = [waves + 0.1 * torch.randn(4, 1, 8, 8) for _ in range(steps)]
    optimizer = torch.optim.SGD([*encoder.parameters(), *decoder.parameters()], lr=0.1)
    return encoder.eval(), decoder.eval(), optimizer, batches, AfterStep()


def compared_value(losses: Any, encoder: Any, decoder: Any, optimizer: Any, batches: Any, after_step: Any) -> Any:
    """Return what the check compares after a call: losses, weights, modes, and the calls of `after_step`.

    Parameters
    ----------
    losses : object
        Result of the loop.
    encoder, decoder, optimizer, batches, after_step
        Arguments of the loop as it left them.

    Returns
    -------
    tuple
        Losses; all weights and running means; modes, 1 for training; lengths of the lists in `after_step`.

    Examples
    --------
    >>> arguments = tiny_training()
    >>> losses, weights, modes, lengths = compared_value(train(*arguments), *arguments)
    >>> modes.tolist(), lengths.tolist()
    ([0, 0], [1, 2, 3, 4, 5, 6, 7, 8])
    """
    if getattr(after_step, "tensors", False):
        return TENSORS
    states = [*encoder.state_dict().values(), *decoder.state_dict().values()]
    weights = np.concatenate([value.detach().numpy().ravel().astype(float) for value in states])
    modes = np.array([int(encoder.training), int(decoder.training)])
    return np.asarray(losses), weights, modes, np.array(after_step.lengths, dtype=int)
