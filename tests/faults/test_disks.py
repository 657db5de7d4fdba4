"""Full and read-only disks: one sentence, and what was there stays."""

from __future__ import annotations

import pytest
from faults import disks
from faults.outcomes import Outcome, Table

from tests.conftest import skip


@pytest.fixture
def _mounting() -> None:
    if (reason := disks.can_mount()) is not None:
        skip("mount", f"no file system can be mounted in a namespace of one's own ({reason})")


@pytest.mark.usefixtures("_mounting")
def test_no_room() -> None:
    table = Table.of(disks.run_cases(range(2)))
    assert table.bad == []
    assert table.counts["read-only disk"] == {Outcome.REFUSED: len(disks.WRITERS)}
    assert table.counts["full disk"][Outcome.REFUSED] >= len(disks.WRITERS)
