"""The pieces, patches and detector of notebook 11, and the sentences made of its measurements."""

from __future__ import annotations

import numpy as np
import pytest

from aitex_utils.lessons.nb11 import setup
from aitex_utils.lessons.nb11.verdicts import (
    compare_banks,
    describe_client,
    describe_shortest,
    describe_worker_time,
)
from aitex_utils.scale.pool import ProcessPool
from aitex_utils.strips import list_strips


def test_pieces_are_fabric_of_normal_strips():
    pieces = setup.load_pieces()
    assert len(pieces) == 16 and {piece.shape for piece in pieces} == {(256, 1024)}
    assert not any(piece.flags.writeable for piece in pieces)
    normal = [strip for strip in list_strips(setup.lesson_root()) if strip.is_normal]
    of_fabric = [strip.read() for strip in normal if strip.fabric == normal[0].fabric]
    assert any(np.array_equal(pieces[0], strip[:, at : at + 1024]) for strip in of_fabric[:1] for at in range(3072))
    assert len({piece.tobytes() for piece in pieces}) == 16


@pytest.mark.slow
def test_patches_are_those_of_the_detector_and_come_from_the_cache(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path))
    first = setup.load_patches()
    assert "Computing 11_fast_patches" in capsys.readouterr().out
    second = setup.load_patches()
    assert "Computing" not in capsys.readouterr().out
    assert len(first) == 16 and {one.shape for one in first} == {(32, 128, 152)}
    np.testing.assert_array_equal(first[3], second[3])
    own = setup.new_detector().features.extract_strip(setup.load_pieces()[3], setup.TILE)
    np.testing.assert_allclose(first[3], own, atol=1e-4)


def test_the_block_size_is_two_pieces():
    assert setup.BLOCK_SIZE == 2 * 32 * 128 and setup.lesson_features().n_branches == 1


def test_banks_are_compared_bit_for_bit():
    bank = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    other = bank.copy()
    assert "same 5 vectors" in compare_banks(bank, other)
    other[2, 1] = np.nextafter(other[2, 1], np.float32(9))
    assert compare_banks(bank, other) == "The banks differ in 1 of 5 vectors."
    assert compare_banks(bank, bank[:4]) == "The banks have 5 vectors and 4 vectors."


def test_the_largest_part_of_the_time_is_named():
    assert "waited for most" in describe_worker_time(1.0, 1.0, 3.0)
    assert "computed for the largest part" in describe_worker_time(2.0, 1.5, 1.5)
    assert "moved data for most" in describe_worker_time(0.5, 3.0, 0.5)


def test_a_client_is_described():
    with ProcessPool(1) as pool:
        assert describe_client(pool).startswith("Dask is not used")
    dask_like = type("Client", (), {"dashboard_link": "http://127.0.0.1:8787/status"})()
    assert "dashboard is there" in describe_client(dask_like)
    assert describe_shortest(3.0, 1.5).endswith("It took 2.0 times that.")
