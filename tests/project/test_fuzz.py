"""Hostile input: each public function returns, or refuses in one sentence; nothing else may happen.

A new public function is found by itself. If it has a parameter of which `helpers/hostile.py` knows no valid value, the
fixture says so and all tests here fail.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from hostile import Target, fault_of, hostile_values, make_targets, strategy, verdict
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from project_root import ROOT

from aitex_utils.errors import InputError

MANY = 40  # hostile values for each parameter of each function, in each of two parts
# Libraries in C++ and in C, where a wrong argument could end the process.
NATIVE = ("MemoryBank", "k_center_greedy", "k_center_greedy_reference", "random_subset", "k_means", "subsample")
NATIVE += ("anomaly_maps", "smooth", "tile", "untile", "crop_tiles", "aupro", "fabric_region")
FUZZ = settings(
    deadline=None,
    derandomize=True,  # a new fault is a task for a developer, not a surprise for the next reader who runs the tests
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def targets(tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> Iterator[list[Target]]:
    """Return what a user calls, with valid arguments, in a working folder of their own."""
    before = Path.cwd()
    os.chdir(tmp_path_factory.mktemp("hostile"))
    yield make_targets()
    os.chdir(before)


def faults(targets: list[Target], per_parameter: int, part: int) -> list[str]:
    """Call each function with one hostile argument at a time; return what broke the rules. Parts share no values."""
    rng, found = random.Random(1), []
    for target in targets:
        for name in [] if target.is_inner else target.arguments:
            makers = hostile_values(target.arguments[name])
            numbers = rng.sample(range(len(makers)), len(makers))
            for number in numbers[part * per_parameter : (part + 1) * per_parameter]:
                if fault := verdict(target, {name: makers[number]}):
                    found.append(f"{target.name}({name}=value {number}): {fault}")
    return found


def test_valid_arguments_are_taken(targets: list[Target]):
    assert len(targets) > 100
    wrong = [f"{target.name}: {fault}" for target in targets if (fault := verdict(target, {}))]
    assert wrong == []


@pytest.mark.slow
@pytest.mark.parametrize("part", [0, 1])
def test_hostile_arguments_are_taken_or_refused_in_one_sentence(targets: list[Target], part: int):
    assert faults(targets, MANY, part) == []


@pytest.mark.slow
def test_any_two_hostile_arguments_are_taken_or_refused_in_one_sentence(targets: list[Target]):
    called = [target for target in targets if not target.is_inner and target.arguments]

    @given(st.data())
    @settings(FUZZ, max_examples=5000)
    def fuzz(data: st.DataObject) -> None:
        target = data.draw(st.sampled_from(called))
        names = data.draw(st.lists(st.sampled_from(target.given), min_size=1, max_size=2, unique=True))
        changes = {name: data.draw(strategy(target.arguments[name])) for name in names}
        assert verdict(target, changes) == "", target.name

    fuzz()


@pytest.mark.slow
def test_no_hostile_argument_ends_the_process(tmp_path: Path):
    program = f"""
        import faulthandler
        from hostile import hostile_values, make_targets, verdict
        import torch
        faulthandler.enable()
        torch.set_num_threads(1)
        for target in make_targets():
            if target.name.split(".")[0] in {NATIVE}:
                for name, valid in target.arguments.items():
                    for make in hostile_values(valid):
                        verdict(target, {{name: make}})
        print("alive")
    """
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "helpers")])
    command = [sys.executable, "-c", textwrap.dedent(program)]
    run = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True, timeout=600
    )
    assert (run.returncode, run.stdout.splitlines()[-1:]) == (0, ["alive"]), run.stderr[-2000:]


def test_breaches_are_noticed():
    def fail(value: object) -> None:
        raise value  # type: ignore[misc]

    def outcome(error: BaseException) -> str:
        return verdict(Target("fail", fail, {"value": error}), {})

    assert outcome(InputError("k is 0, expected a whole number of at least 1.")) == ""
    assert outcome(MemoryError()) == ""
    assert "TypeError" in outcome(TypeError("unhashable"))
    assert "SystemExit" in outcome(SystemExit(1))
    for message in ("", "two\nlines.", "no sentence", "xy" * 300 + "."):
        assert fault_of(message)
