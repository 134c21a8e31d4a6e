"""Ids that no other grading uses."""

from __future__ import annotations

from contextlib import ExitStack, closing
from pathlib import Path

from grader.sandbox.uids import BLOCK, BLOCKS, BLOCKS_A_CONTAINER, FIRST, Lease


def test_leases_and_containers_never_share_an_id(tmp_path: Path) -> None:
    with ExitStack() as stack:
        leases = [stack.enter_context(closing(Lease(tmp_path))) for _ in range(4)]
        ranges = [range(lease.first, lease.first + BLOCK) for lease in leases]
        width = BLOCK * BLOCKS_A_CONTAINER
        bases = [lease.container_base() for lease in leases]
        ranges += [range(base, base + width) for base in bases]

    ids = [uid for one in ranges for uid in one]

    assert len(ids) == len(set(ids))
    assert min(bases) >= FIRST + BLOCKS * BLOCK


def test_a_block_is_given_back(tmp_path: Path) -> None:
    with closing(Lease(tmp_path)) as first:
        taken = first.first

    with closing(Lease(tmp_path)) as second:
        assert second.first == taken
