"""PyTorch is an extra. Where it is not installed only test_installed.py runs here, which says so."""

from __future__ import annotations

from importlib.util import find_spec

if find_spec("torch") is None:
    collect_ignore = ["test_fake_quantisation.py", "test_network.py", "test_training.py"]
