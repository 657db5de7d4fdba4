"""The bundle that ships with edge-ocr: the folder `default` beside this file."""

from pathlib import Path

DEFAULT_BUNDLE = Path(__file__).parent / "default"

DEFAULT_DIGEST = "0ae94723d4f337788b17507fea9641930fd6eb7e76f706c0d257db1a911228e5"
"""`Bundle.digest` of that folder, pinned here so that an altered default bundle is refused."""
