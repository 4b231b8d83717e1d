"""Choices are checked, survive JSON, and become code that makes the same detector."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from woven import woven

from aitex_utils import MemoryBank, PatchCore
from aitex_utils.errors import InputError
from aitex_utils.lessons.nb10.choices import INDEX_OPTIONS, Choices, choose


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"fabric": 0}, "fabric and backbone are 0"),
        ({"layers": ()}, "layers is .*give at least one"),
        ({"layers": (3,)}, "layers is"),
        ({"size": 16}, "size is 16"),
        ({"size": 2048}, "size is 2048"),
        ({"pooling": 2}, "pooling is 2"),
        ({"coreset_ratio": 0}, "coreset_ratio is 0"),
        ({"coreset_ratio": 0.5}, "coreset_ratio is 0.5"),
        ({"sampler": "best"}, "sampler is 'best'"),
        ({"index": "tree"}, "index is 'tree'"),
        ({"M": 8}, "M is a parameter of index='hnsw', and index is 'flat'"),
        ({"index": "hnsw", "nprobe": 8}, "nprobe is a parameter of index='ivf'"),
        ({"index": "hnsw", "M": 0}, "M is 0"),
        ({"normalize_positions": 1}, "normalize_positions is 1"),
        ({"background_quantile": 2}, "background_quantile is 2"),
        ({"smoothing": -1}, "smoothing is -1"),
        ({"image_score": "sum"}, "image_score is 'sum'"),
        ({"false_alarm_rate": 1}, "false_alarm_rate is 1"),
        ({"seed": -1}, "seed"),
        ({"colour": 1}, "The choice is 'colour': choose one of fabric, backbone"),
    ],
)
def test_a_wrong_choice_is_refused_with_its_name(given: dict[str, Any], message: str):
    with pytest.raises(InputError, match=message):
        choose("00", given)


CASES: list[dict[str, Any]] = [
    {},
    {"layers": "blocks.2", "pooling": ((3,), (1,)), "background_quantile": None, "seed": 3},
    {"index": "hnsw", "M": 8, "ef_search": 4, "image_score": "top"},
]


@pytest.mark.parametrize("given", CASES, ids=str)
def test_choices_survive_json(given: dict[str, Any]):
    choices = choose("01", given)
    assert Choices.from_json(json.loads(json.dumps(choices.to_json()))) == choices


@pytest.mark.parametrize("change", [{"size": None}, {"extra": 1}, {"layers": [1]}])
def test_damaged_json_is_refused(change: dict[str, Any]):
    values = Choices("00").to_json() | change
    with pytest.raises(InputError):
        Choices.from_json(values)
    with pytest.raises(InputError, match="expected the names"):
        Choices.from_json([])


def test_labels_distinguish_runs():
    others = [{"pooling": 1}, {"normalize_positions": False}, {"background_quantile": None}, {"smoothing": 4}]
    others += [{"image_score": "top"}, {"seed": 1}, {"index": "ivf"}, {"size": 320}, {"sampler": "random"}, {}]
    assert len({choose("00", given).label for given in others}) == len(others)


def test_each_parameter_of_an_index_is_one_of_the_bank():
    for name, kind in INDEX_OPTIONS.items():
        assert choose("00", {"index": kind, name: 8}).bank_arguments() == {"kind": kind, name: 8}
        assert getattr(MemoryBank(kind, **{name: 8}), name) == 8


@pytest.mark.parametrize("given", CASES, ids=str)
def test_the_code_makes_the_same_detector(given: dict[str, Any]):
    tiles = woven(5, seed=0, height=256, width=256)
    choices = choose("00", given | {"size": 64, "coreset_ratio": 0.1})
    names: dict[str, Any] = {"tiles": tiles}
    exec(choices.code(), names)
    detector = names["detector"]
    by_hand = PatchCore(**choices.detector_arguments()).fit(tiles)
    assert detector.parameters() == by_hand.parameters()
    for bank, other in zip(detector.banks_, by_hand.banks_, strict=True):
        np.testing.assert_array_equal(bank.vectors_, other.vectors_)
        assert {name: getattr(bank, name) for name in choices.index_options()} == choices.index_options()
    assert np.isfinite(detector.predict(tiles).scores).all() and "'" not in choices.code()


def test_changed_choices_are_named_with_both_values():
    assert choose("00", {}).changed(choose("01", {"size": 320})) == {"fabric": ("00", "01"), "size": (256, 320)}
