"""Hostile input: each public function returns, or refuses in one sentence; nothing else may happen.

A new public function is found by itself. If it has a parameter of which `helpers/hostile.py` knows no valid value, the
fixture says so and all tests here fail.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from hostile import Target, fault_of, hostile_values, make_targets, verdict

import aitex_utils
from aitex_utils import metrics
from aitex_utils.errors import InputError

# What a notebook or a user's script calls; the rest is called by the package alone, with arguments that it made.
CALLED = {*aitex_utils.__all__, "Autoencoder", "subsample", "random_subset", "k_means", "k_center_greedy_reference"}
CALLED |= {name for name, value in vars(metrics).items() if getattr(value, "__module__", "") == metrics.__name__}
QUICK, MANY = 3, 40  # hostile values for each parameter of each function


@pytest.fixture(scope="module")
def targets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Target]]:
    """Return all public functions with valid arguments, in a working folder of their own."""
    before = Path.cwd()
    os.chdir(tmp_path_factory.mktemp("hostile"))
    inner = "PatchFeatures.layer_outputs"  # takes what preprocess returns
    yield [one for one in make_targets() if one.name.split(".")[0] in CALLED and one.name != inner]
    os.chdir(before)


def faults(targets: list[Target], per_parameter: int, seed: int) -> list[str]:
    """Call each function with one hostile argument at a time; return what broke the rules."""
    rng, found = random.Random(seed), []
    for target in targets:
        for name in target.arguments:
            makers = hostile_values(target.arguments[name])
            for number in rng.sample(range(len(makers)), min(per_parameter, len(makers))):
                if fault := verdict(target, {name: makers[number]}):
                    found.append(f"{target.name}({name}=value {number}): {fault}")
    return found


def test_valid_arguments_are_taken(targets: list[Target]):
    assert len(targets) > 40
    wrong = [f"{target.name}: {fault}" for target in targets if (fault := verdict(target, {}))]
    assert wrong == []


def test_hostile_arguments_are_taken_or_refused_in_one_sentence(targets: list[Target]):
    assert faults(targets, QUICK, seed=0) == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_many_hostile_arguments_are_taken_or_refused_in_one_sentence(targets: list[Target], seed: int):
    assert faults(targets, MANY, seed) == []


def test_breaches_are_noticed():
    def fail(value: object) -> None:
        raise value  # type: ignore[misc]

    def outcome(error: BaseException) -> str:
        return verdict(Target("fail", fail, {"value": error}, is_inner=False), {})

    assert outcome(InputError("k is 0, expected a whole number of at least 1.")) == ""
    assert outcome(MemoryError()) == ""
    assert "TypeError" in outcome(TypeError("unhashable"))
    assert "SystemExit" in outcome(SystemExit(1))
    for message in ("", "two\nlines.", "no sentence", "x" * 5000 + "."):
        assert fault_of(message)
