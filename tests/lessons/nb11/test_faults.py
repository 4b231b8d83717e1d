"""Workers are killed and blocks damaged as notebook 11 shows it, with real processes."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from aitex_utils import PatchCore
from aitex_utils.errors import InputError
from aitex_utils.lessons.nb11 import faults, workers
from aitex_utils.scale.cluster import start_pool


@pytest.mark.slow
def test_a_killed_worker_does_not_change_the_result(tmp_path: Path):
    strips = list(np.random.default_rng(0).integers(80, 120, (10, 64, 256), np.uint8))
    options = {"tile_size": 64, "block_size": 256}
    expected = PatchCore(size=64, pooling=3, coreset_ratio=0.05, device="cpu").fit_strips(strips, **options)
    with start_pool(2) as pool:
        workers.start_up(pool)
        before = faults.worker_processes(pool)
        with faults.kill_one_worker(pool, tmp_path / "fit", after=1) as killed:
            detector = PatchCore(size=64, pooling=3, coreset_ratio=0.05, device="cpu")
            detector.fit_strips(strips, **options, client=pool, folder=tmp_path / "fit")
    assert len(before) == 2 and killed == before[-1:]
    np.testing.assert_array_equal(detector.bank_.vectors_, expected.bank_.vectors_)


def test_no_worker_is_killed_before_the_blocks_are_done(tmp_path: Path):
    with start_pool(1) as pool:
        process = pool.submit(os.getpid).result()
        with faults.kill_one_worker(pool, tmp_path, after=1) as killed:
            assert pool.submit(pow, 2, 5).result() == 32
        assert not killed and pool.submit(os.getpid).result() == process


def test_damage_changes_one_byte(tmp_path: Path):
    place = tmp_path / "blocks" / "block-000003-0123456789abcdef"
    place.mkdir(parents=True)
    content = bytes(range(50))
    (place / "vectors_0.npy").write_bytes(content)
    changed = faults.damage_block(tmp_path, 3)
    data = changed.read_bytes()
    assert len(data) == 50 and sum(a != b for a, b in zip(data, content, strict=True)) == 1
    with pytest.raises(InputError, match="has no block 4"):
        faults.damage_block(tmp_path, 4)


def test_the_start_of_workers_is_measured():
    with start_pool(2, memory_limit=None) as pool:
        started = workers.start_up(pool)
        assert 0 < started.process < started.total and len(pool.process_ids()) == 2
        assert workers.seconds_to_send(pool, np.zeros(10)) > 0
    assert started.detector > 0.05  # PyTorch and the weights


def test_threads_are_restored_after_an_extraction():
    import torch

    before = torch.get_num_threads()
    assert workers.extract_with_threads([np.zeros((256, 256), np.uint8)], before + 1) > 0
    assert torch.get_num_threads() == before
