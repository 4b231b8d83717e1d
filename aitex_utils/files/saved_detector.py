"""A saved detector read back: every learned array and every parameter is checked before it is used."""

from __future__ import annotations

import os
from typing import TypeVar

from ..errors import InputError, check_flag, check_number, check_shape
from ..features import MULTI_SCALE_POOLING
from ..memory_bank import MemoryBank
from ..safety.devices import check_device
from .persistence import checked_array

Detector = TypeVar("Detector")


def read_detector(detector_class: type[Detector], folder: str | os.PathLike, device: str = "auto") -> Detector:
    """Read the detector that `PatchCore.save` wrote.

    Parameters
    ----------
    detector_class : type
        `PatchCore`, or a class derived from it.
    folder : path
        Folder that `save` wrote.
    device : {"auto", "cpu", "cuda", "cuda:N", "mps"}
        As in the class; a detector does not save it.

    Returns
    -------
    PatchCore
        Of the class given.

    Raises
    ------
    InputError
        If the folder is missing, foreign or damaged, if its files do not fit together, or if the backbone's weights
        differ from the weights at the fit. Also if the device is not there.

    Examples
    --------
    >>> from aitex_utils import PatchCore
    >>> read_detector(PatchCore, "no/such/folder")
    Traceback (most recent call last):
    ...
    aitex_utils.errors.MissingError: no/such/folder is missing: give the folder that save() wrote.
    """
    device = check_device(device)
    bank = MemoryBank.load(folder, device=device)
    metadata, arrays = bank.metadata, bank.arrays
    try:
        on_strips = check_flag("fitted_on_strips", metadata["fitted_on_strips"])
        parameters = {**metadata["parameters"], "layers": tuple(metadata["layers"]), "device": device}
        if parameters.get("pooling", 3) is None:  # saved by a version in which tiles and strips differed
            parameters["pooling"] = MULTI_SCALE_POOLING if on_strips else 3
        detector = detector_class(**parameters)
        detector.tile_shape_, radius = check_shape("tile_shape", metadata["tile_shape"]), metadata["radius"]
        detector.radius_ = None if radius is None else check_number("radius", radius, "[0, inf)")
        detector.fitted_on_strips_, features = on_strips, detector.features
        channels, n_branches = bank.vectors_.shape[1], features.n_branches
        if features.whiten:
            both = n_branches * channels
            features.mean_ = checked_array(arrays, "mean", (both,), folder)
            features.whitening_ = checked_array(arrays, "whitening", (both, both), folder)
        detector.position_scale_ = None
        if detector.normalize_positions:
            shape = (None, 1 if on_strips else None)
            detector.position_scale_ = checked_array(arrays, "position_scale", shape, folder)
            check_number("position_scale", float(detector.position_scale_.min()), "(0, inf)")
        numbers = range(2, n_branches + 1)
        further = [checked_array(arrays, f"bank_{i}", (None, channels), folder) for i in numbers]
        detector.banks_ = [bank, *(MemoryBank(detector.index, device=device).add(vectors) for vectors in further)]
        weights = metadata["weights_sha256"]
    except (KeyError, TypeError) as error:
        raise InputError(
            f"{folder} contains a memory bank but no detector ({error}): load it with MemoryBank.load."
        ) from error
    except InputError as error:
        if type(error) is not InputError or str(folder) in str(error):
            raise
        raise InputError(f"{folder} contains no usable detector, fit it anew: {error}") from error
    if weights != features.weights_sha256:
        raise InputError(
            f"{folder} was fitted with other weights of {features.backbone} (SHA-256 {str(weights)[:8]}, "
            f"here {features.weights_sha256[:8]}): fit it anew, because its patches cannot be compared."
        )
    return detector
