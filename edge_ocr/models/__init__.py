"""The bundle that ships with edge-ocr: the folder `default` beside this file."""

from pathlib import Path

DEFAULT_BUNDLE = Path(__file__).parent / "default"

DEFAULT_DIGEST = "0475ebce771c33705227663f6beab6deea6509ccb401908d2aed58aa363572dc"
"""`Bundle.digest` of that folder, pinned here so that an altered default bundle is refused."""
