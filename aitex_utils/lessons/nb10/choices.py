"""The choices of a run, checked, and in the forms that a detector, a file and a reader need."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aitex_utils.coreset import SAMPLERS
from aitex_utils.errors import InputError, check_choice, check_flag, check_integer, check_number, check_seed, shown
from aitex_utils.features import check_pooling
from aitex_utils.lessons.wording import number_text
from aitex_utils.memory_bank import KINDS
from aitex_utils.scoring import IMAGE_SCORES

LARGEST_SIZE, LARGEST_RATIO = 640, 0.25  # beyond them, a run takes minutes and its bank fills the disk
INDEX_OPTIONS = {"nlist": "ivf", "nprobe": "ivf", "M": "hnsw", "ef_search": "hnsw", "code_size": "pq"}
OF_FEATURES = ("backbone", "layers", "size", "pooling")
OF_DETECTOR = (*OF_FEATURES, "coreset_ratio", "sampler", "index", "normalize_positions", "background_quantile")
OF_DETECTOR += ("smoothing", "image_score", "seed")  # the names of arguments of PatchCore


@dataclass(frozen=True)
class Choices:
    """All choices of a run.

    Parameters
    ----------
    fabric : str
        Two digits.
    backbone, layers, size, pooling, coreset_ratio, sampler, index
        As in `patchcore.PatchCore`. The size is at most 640 px, and the ratio at most 0.25.
    nlist, nprobe, M, ef_search, code_size : int, optional
        Parameters of the index, as in `memory_bank.MemoryBank`. Each belongs to one kind of index.
    normalize_positions, background_quantile, smoothing, image_score, seed
        As in `patchcore.PatchCore`.
    false_alarm_rate : float
        Rate that the threshold promises, above 0 and below 1.

    Raises
    ------
    InputError
        If a value is out of range, or a parameter belongs to another index.

    Examples
    --------
    >>> Choices("00", coreset_ratio=0.05).label
    'fabric 00, lite0 blocks.2 + blocks.4, 256 px, 5 % greedy'
    """

    fabric: str
    backbone: str = "efficientnet_lite0"
    layers: tuple[str, ...] = ("blocks.2", "blocks.4")
    size: int = 256
    pooling: int | tuple = 3
    coreset_ratio: float = 0.01
    sampler: str = "greedy"
    index: str = "flat"
    nlist: int | None = None
    nprobe: int | None = None
    M: int | None = None
    ef_search: int | None = None
    code_size: int | None = None
    normalize_positions: bool = True
    background_quantile: float | None = 0.25
    smoothing: float = 2.0
    image_score: str = "max"
    false_alarm_rate: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.fabric, str) or not isinstance(self.backbone, str):
            raise InputError(
                f"fabric and backbone are {shown(self.fabric)} and {shown(self.backbone)}: give names in quotes."
            )
        layers = (self.layers,) if isinstance(self.layers, str) else self.layers
        if not isinstance(layers, (list, tuple)) or not layers or not all(isinstance(name, str) for name in layers):
            raise InputError(f"layers is {shown(self.layers)}: give at least one name of a layer in a tuple.")
        checked = {
            "layers": tuple(layers),
            "size": check_integer("size", self.size, 32, LARGEST_SIZE, "the largest size of the bench"),
            "pooling": check_pooling(self.pooling),
            "coreset_ratio": check_number("coreset_ratio", self.coreset_ratio, f"(0, {LARGEST_RATIO}]", example=0.01),
            "sampler": check_choice("sampler", self.sampler, SAMPLERS),
            "index": check_choice("index", self.index, KINDS),
            "normalize_positions": check_flag("normalize_positions", self.normalize_positions),
            "smoothing": check_number("smoothing", self.smoothing, "[0, 1000]", example=2),
            "image_score": check_choice("image_score", self.image_score, IMAGE_SCORES),
            "false_alarm_rate": check_number("false_alarm_rate", self.false_alarm_rate, "(0, 1)", example=0.1),
            "seed": check_seed(self.seed),
        }
        if self.background_quantile is not None:
            quantile = check_number("background_quantile", self.background_quantile, "[0, 1]", example=0.25)
            checked["background_quantile"] = quantile
        for name, kind in INDEX_OPTIONS.items():
            value = getattr(self, name)
            if value is not None and self.index != kind:
                raise InputError(f"{name} is a parameter of index={kind!r}, and index is {self.index!r}: leave it out.")
            if value is not None:
                checked[name] = check_integer(name, value, 1)
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    @property
    def label(self) -> str:
        """The main choices in a few words."""
        network, share = self.backbone.removeprefix("efficientnet_"), number_text(100 * self.coreset_ratio)
        parts = [f"fabric {self.fabric}", f"{network} {' + '.join(self.layers)}", f"{self.size} px"]
        parts.append(f"{share} % {self.sampler}")
        default = {field.name: field.default for field in dataclasses.fields(self)}
        others = {
            "pooling": f"pooling {_plain(self.pooling)}",
            "index": self.index,
            "normalize_positions": "not normalised",
            "background_quantile": f"background {_plain(self.background_quantile)}",
            "smoothing": f"smoothing {number_text(self.smoothing)} px",
            "image_score": f"score {self.image_score}",
            "seed": f"seed {self.seed}",
        }
        return ", ".join([*parts, *(text for name, text in others.items() if getattr(self, name) != default[name])])

    @property
    def of_features(self) -> tuple:
        """The choices on which the patches of a tile depend."""
        return tuple(getattr(self, name) for name in OF_FEATURES)

    def detector_arguments(self) -> dict[str, Any]:
        """Return the arguments of `PatchCore`.

        Returns
        -------
        dict
        """
        return {name: getattr(self, name) for name in OF_DETECTOR}

    def bank_arguments(self) -> dict[str, Any]:
        """Return the arguments of `MemoryBank`: the kind of index, and its parameters that were chosen.

        Returns
        -------
        dict
        """
        return {"kind": self.index} | self.index_options()

    def index_options(self) -> dict[str, int]:
        """Return the parameters of the index that were chosen.

        Returns
        -------
        dict of str to int
        """
        return {name: getattr(self, name) for name in INDEX_OPTIONS if getattr(self, name) is not None}

    def code(self) -> str:
        """Return the detector as code, to copy into a program.

        Returns
        -------
        str
        """
        arguments = "".join(f"    {name}={_literal(value)},\n" for name, value in self.detector_arguments().items())
        options = self.index_options()
        names = "MemoryBank, PatchCore" if options else "PatchCore"
        text = f"from aitex_utils import {names}\n\ndetector = PatchCore(\n{arguments})\n"
        text += "detector.fit(tiles)  # (N, 256, 256) uint8, normal\n"
        if options:  # PatchCore has no arguments for them
            given = ", ".join([_literal(self.index), *(f"{name}={value}" for name, value in options.items())])
            text += f"detector.banks_ = [MemoryBank({given}).add(bank.vectors_) for bank in detector.banks_]\n"
        return text

    def to_json(self) -> dict[str, Any]:
        """Return the choices in types that JSON has.

        Returns
        -------
        dict
        """
        return {field.name: _as_list(getattr(self, field.name)) for field in dataclasses.fields(self)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Choices:
        """Return the choices that `to_json` wrote.

        Parameters
        ----------
        values : mapping
            Output of `to_json`.

        Returns
        -------
        Choices

        Raises
        ------
        InputError
            If a choice is missing, unknown or out of range.
        """
        names = [field.name for field in dataclasses.fields(cls)]
        if not isinstance(values, Mapping) or sorted(values) != sorted(names):
            raise InputError(f"The choices are {shown(values)}, expected the names {', '.join(names)}.")
        return cls(**{name: _as_tuple(value) for name, value in values.items()})

    def changed(self, other: Choices) -> dict[str, tuple[Any, Any]]:
        """Return the choices in which two runs differ.

        Parameters
        ----------
        other : Choices
            Choices of the other run.

        Returns
        -------
        dict of str to tuple
            Own value and other value, by name.
        """
        pairs = {field.name: (getattr(self, field.name), getattr(other, field.name)) for field in
                 dataclasses.fields(self)}  # fmt: skip
        return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def choose(fabric: str, given: Mapping[str, Any]) -> Choices:
    """Return the choices of a call, with the default for each choice that is missing.

    Parameters
    ----------
    fabric : str
        Fabric, if `given` has none.
    given : mapping
        Choices by name.

    Returns
    -------
    Choices

    Raises
    ------
    InputError
        If a name is unknown, or a value is out of range.

    Examples
    --------
    >>> choose("00", {"size": 320}).size
    320
    """
    names = [field.name for field in dataclasses.fields(Choices)]
    for name in given:
        check_choice("The choice", name, tuple(names))
    return Choices(**({"fabric": fabric} | dict(given)))


def _literal(value: Any) -> str:
    """Return a value as Python code, with strings in double quotes."""
    if isinstance(value, str):
        return json.dumps(value)
    if isinstance(value, tuple):
        return f"({', '.join(map(_literal, value))}{',' if len(value) == 1 else ''})"
    return repr(value)


def _plain(value: Any) -> str:
    """Return a value without brackets, and "none" for None."""
    if isinstance(value, tuple):
        return " + ".join(map(_plain, value))
    return "none" if value is None else number_text(value)


def _as_list(value: Any) -> Any:
    return [_as_list(part) for part in value] if isinstance(value, tuple) else value


def _as_tuple(value: Any) -> Any:
    return tuple(_as_tuple(part) for part in value) if isinstance(value, list) else value
