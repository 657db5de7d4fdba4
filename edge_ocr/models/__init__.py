"""The bundle that ships with edge-ocr: the folder `default` beside this file."""

from pathlib import Path

DEFAULT_BUNDLE = Path(__file__).parent / "default"

DEFAULT_DIGEST = "ea59e2570ebf1939a06c54039576762437de9b527962c423bd9c48ca3575843e"
"""`Bundle.digest` of that folder, pinned here so that an altered default bundle is refused."""
