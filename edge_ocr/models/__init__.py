"""The bundle that ships with edge-ocr: the folder `default` beside this file."""

from pathlib import Path

DEFAULT_BUNDLE = Path(__file__).parent / "default"

DEFAULT_DIGEST = "172ad89de2bc7f793c8d3a2cacf3586268882821b5250f03d4a68cbf50e9534d"
"""`Bundle.digest` of that folder, pinned here so that an altered default bundle is refused."""
