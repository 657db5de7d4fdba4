"""Facts that take long to find out, kept in the cache as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edge_ocr.cache import digest_of, run_stage

_FILE = "facts.json"


def kept(stage: str, inputs: object, find: Callable[[], Any]) -> Any:
    """What `find` gives, any JSON value; looked up where a run with the same inputs has found it before.

    Args:
        stage: what such facts are called in the cache.
        inputs: all that they depend on, as `digest_of` takes it.
        find: called at most once, and not again after it has returned, even if the run is killed later.
    """

    def make(folder: Path) -> None:
        (folder / _FILE).write_text(json.dumps(find()), encoding="utf-8")

    return json.loads((run_stage(stage, digest_of(inputs), make) / _FILE).read_text(encoding="utf-8"))
