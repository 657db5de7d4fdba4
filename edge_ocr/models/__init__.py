"""The bundle that ships with edge-ocr: the folder `default` beside this file."""

from pathlib import Path

DEFAULT_BUNDLE = Path(__file__).parent / "default"

DEFAULT_DIGEST = "59bcdd687a457a3063b5e2a6ce473b0bdc28c97a43778db135bfef92d318ea07"
"""`Bundle.digest` of that folder, pinned here so that an altered default bundle is refused."""
