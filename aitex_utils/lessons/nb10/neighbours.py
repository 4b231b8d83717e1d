"""Lead from a place on a map back to the training tiles: find the bank patches nearest to the patch there."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from aitex_utils.errors import InputError, check_integer
from aitex_utils.features import PatchFeatures
from aitex_utils.plots import show

from .figures import plot_neighbours
from .patches import CACHE, cache_key
from .runs import Run
from .split import BenchStrip, load_part
from .tracing import nearest_vectors

CROP = 72  # px, the side of the crops around patches


class Place(NamedTuple):
    """A patch of a strip.

    Parameters
    ----------
    strip : BenchStrip
        The strip.
    tile : int
        Number of the tile in its strip.
    row, column : int
        Position of the patch on the grid of its tile.
    grid : tuple of int
        Rows and columns of the grid.

    Examples
    --------
    >>> strip = BenchStrip("a", "none", np.zeros((256, 256), np.uint8), np.zeros((256, 256), bool))
    >>> crop, square = Place(strip, 0, 31, 0, (32, 32)).crop(64)
    >>> crop.shape, square
    ((64, 64), (56, 0))
    """

    strip: BenchStrip
    tile: int
    row: int
    column: int
    grid: tuple[int, int]

    @property
    def stride(self) -> int:
        """Distance of neighbouring patches in px, at least 1."""
        return max(1, round(self.strip.image.shape[0] / self.grid[0]))

    @property
    def corner(self) -> tuple[int, int]:
        """Row and column in the strip of the upper left pixel that the patch stands for."""
        top, left = self.strip.corners[self.tile]
        side = self.strip.image.shape[0]
        return int(top) + self.row * side // self.grid[0], int(left) + self.column * side // self.grid[1]

    def crop(self, side: int = CROP) -> tuple[np.ndarray, tuple[int, int]]:
        """Return a square crop of the strip around the patch.

        Parameters
        ----------
        side : int
            Side of the crop in px.

        Returns
        -------
        crop : ndarray, shape (side, side)
        square : tuple of int
            Row and column in the crop of the upper left pixel that the patch stands for.
        """
        image, corner = self.strip.image, self.corner
        middles = [start + self.stride // 2 for start in corner]
        starts = [min(max(m - side // 2, 0), n - side) for m, n in zip(middles, image.shape, strict=True)]
        crop = image[starts[0] : starts[0] + side, starts[1] : starts[1] + side]
        return crop, (corner[0] - starts[0], corner[1] - starts[1])


class Neighbours:
    """A patch of a shown strip, and the nearest patches of the bank. In a notebook, the last line of a cell shows it.

    Parameters
    ----------
    run : Run
        The run.
    place : Place
        The patch.
    distances : list of ndarray, each of shape (n,)
        Distances of the nearest bank patches, for each branch of the pooling.
    places : list of list of Place
        Their places in the training strips.
    score : float
        The map at the patch.

    Examples
    --------
    >>> nearest(run, "0001_002_00", 128, 900)  # doctest: +SKIP
    """

    def __init__(
        self, run: Run, place: Place, distances: list[np.ndarray], places: list[list[Place]], score: float
    ) -> None:
        self.run, self.place, self.distances, self.places, self.score = run, place, distances, places, score

    def draw(self) -> tuple[Any, str]:
        """Draw crops around the patch and around its neighbours.

        Returns
        -------
        figure : matplotlib.figure.Figure
        caption : str
        """
        query, query_square = self.place.crop()
        cropped = [[place.crop() for place in of_branch] for of_branch in self.places]
        crops = [[crop for crop, _ in of_branch] for of_branch in cropped]
        squares = [[square for _, square in of_branch] for of_branch in cropped]
        options = {"query_square": query_square, "side": self.place.stride, "branches": self.branch_names()}
        where = f"strip {self.place.strip.name}"
        return plot_neighbours(query, crops, squares, self.distances, where=where, **options)

    def branch_names(self) -> list[str]:
        """Return the names of the branches of the pooling.

        Returns
        -------
        list of str
        """
        pooling = self.run.choices.pooling
        branches = pooling if isinstance(pooling, tuple) and isinstance(pooling[0], tuple) else (pooling,)
        sides = [branch[0] if isinstance(branch, tuple) else branch for branch in branches]
        return ["not pooled" if side == 1 else f"pooled {side} x {side}" for side in sides]

    def show(self) -> None:
        """Show the crops, and the places of the neighbours."""
        show(*self.draw())
        print(self)

    def __repr__(self) -> str:
        row, column = self.place.corner
        head = f"Strip {self.place.strip.name}, row {row}, column {column}: map value {self.score:.2f}."
        lines = [head]
        kind = "the k-means centre near a patch of " if self.run.choices.sampler == "k_means" else ""
        names = self.branch_names()
        for name, distances, places in zip(names, self.distances, self.places, strict=True):
            branch = f"{name}: distance " if len(names) > 1 else "distance "
            for distance, place in zip(distances, places, strict=True):
                row, column = place.corner
                where = f"training strip {place.strip.name}, row {row}, column {column}"
                lines.append(f"{branch}{distance:.2f} from {kind}{where}")
        return "\n".join(lines)

    def _ipython_display_(self) -> None:
        self.show()


def find_neighbours(run: Run, strip: str | int | None, row: int, column: int, count: int = 5) -> Neighbours:
    """Return the patches of the bank that are nearest to the patch at a place of a shown strip.

    Parameters
    ----------
    run : Run
        The run.
    strip : str or int, optional
        Name or position of a shown strip. None takes the first defective strip.
    row, column : int
        Place in px, from the upper left corner of the strip's fabric.
    count : int
        Number of neighbours in each branch.

    Returns
    -------
    Neighbours

    Raises
    ------
    InputError
        If the place is outside the strip, or the training strips have changed since the run.

    Examples
    --------
    >>> find_neighbours(run, "0001_002_00", 128, 900)  # doctest: +SKIP
    """
    one = run.find_strip(strip)
    check_integer("row", row, 0, one.image.shape[0] - 1, "the last row of the strip")
    check_integer("column", column, 0, one.image.shape[1] - 1, "the last column of the strip")
    check_integer("count", count, 1, 12, "the number that fits into a figure")
    grid = run.array("distances").shape[1:]
    place = locate(one, row, column, grid)
    patch = _patches_of(run, place)[place.row, place.column]
    distances, indices = nearest_vectors(patch, run.vectors, count)
    training = load_part(run.choices.fabric, "training")
    owners = [(i, number) for i, trained in enumerate(training) for number in range(len(trained.corners))]
    places = []
    for origins, found in zip(run.origins, indices, strict=True):
        of_branch = []
        for tile, own_row, own_column in origins[found]:
            if tile >= len(owners):
                raise InputError(f"Run {run.number} was made on other training strips: run its choices again.")
            i, number = owners[tile]
            of_branch.append(Place(training[i], number, int(own_row), int(own_column), grid))
        places.append(of_branch)
    top, left = place.corner
    middle = min(top + place.stride // 2, one.image.shape[0] - 1), min(left + place.stride // 2, one.image.shape[1] - 1)
    return Neighbours(run, place, distances, places, float(run.map(one.name)[middle]))


def locate(strip: BenchStrip, row: int, column: int, grid: tuple[int, int]) -> Place:
    """Return the patch at a place of a strip, in the tile whose border is farthest away.

    Parameters
    ----------
    strip : BenchStrip
        The strip.
    row, column : int
        Place in px.
    grid : tuple of int
        Rows and columns of the patches of a tile.

    Returns
    -------
    Place

    Examples
    --------
    >>> strip = BenchStrip("a", "none", np.zeros((256, 600), np.uint8), np.zeros((256, 600), bool))
    >>> locate(strip, 100, 500, (32, 32))[1:]
    (2, 12, 19, (32, 32))
    """
    size, lefts = strip.image.shape[0], strip.corners[:, 1]
    inside = np.flatnonzero((lefts <= column) & (column < lefts + size))
    best = inside[np.abs(column - (lefts[inside] + size / 2)).argmin()]
    own_row, own_column = row * grid[0] // size, (column - lefts[best]) * grid[1] // size
    return Place(strip, int(best), int(own_row), int(own_column), tuple(grid))


def highest_place(run: Run, strip: str | int | None = None) -> tuple[int, int]:
    """Return row and column of the highest point of a strip's map.

    Parameters
    ----------
    run : Run
        The run.
    strip : str or int, optional
        As in `find_neighbours`.

    Returns
    -------
    tuple of int

    Examples
    --------
    >>> highest_place(run)  # doctest: +SKIP
    (120, 1033)
    """
    strip_map = run.map(strip)
    row, column = np.unravel_index(np.nanargmax(strip_map), strip_map.shape)
    return int(row), int(column)


def _patches_of(run: Run, place: Place) -> np.ndarray:
    """Return the patches (H', W', C) of the tile of a place, from memory if they are there."""
    features = _features(*run.choices.of_features)
    patches = CACHE.get(cache_key(features, run.choices.of_features, place.strip))
    if patches is not None:
        return patches[place.tile]
    return features.transform(place.strip.tiles[place.tile][None])[0]


@lru_cache(maxsize=4)
def _features(backbone: str, layers: tuple[str, ...], size: int, pooling: int | tuple) -> PatchFeatures:
    return PatchFeatures(backbone, layers, pooling=pooling, size=size, padding="reflect")
