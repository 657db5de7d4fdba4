"""The bundle that ships with edge-ocr: the folder `default` beside this file."""

from pathlib import Path

DEFAULT_BUNDLE = Path(__file__).parent / "default"

DEFAULT_DIGEST = "c14fc96e205d2a808c4b3397bde9ef6ccde83adee2b80fa935b812d2a3e52374"
"""`Bundle.digest` of that folder, pinned here so that an altered default bundle is refused."""
