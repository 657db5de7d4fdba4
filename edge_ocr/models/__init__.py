"""The bundle that ships with edge-ocr: the folder `default` beside this file."""

from pathlib import Path

DEFAULT_BUNDLE = Path(__file__).parent / "default"

DEFAULT_DIGEST = "7de8ecb452eb18030f87884acdfe75311d9a1576dcd2b0121958f6c400d0e54c"
"""`Bundle.digest` of that folder, pinned here so that an altered default bundle is refused."""
