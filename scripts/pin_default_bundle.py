"""Write the digest of edge_ocr/models/default into edge_ocr/models/__init__.py, which refuses any other one."""

from __future__ import annotations

import re
from pathlib import Path

from edge_ocr.bundle import Bundle
from edge_ocr.models import DEFAULT_BUNDLE

PINNED = re.compile(r'^DEFAULT_DIGEST = "[0-9a-f]*"$', re.MULTILINE)


def pin(source: str, digest: str) -> str:
    """`source`, the text of edge_ocr/models/__init__.py, with `digest` in it.

    Raises:
        SystemExit: `source` pins no digest, or several.
    """
    pinned, places = PINNED.subn(f'DEFAULT_DIGEST = "{digest}"', source)
    if places != 1:
        raise SystemExit(f'edge_ocr/models/__init__.py has {places} lines DEFAULT_DIGEST = "..." instead of one')
    return pinned


def main() -> None:
    """Pin the bundle that is there."""
    module = DEFAULT_BUNDLE.parent / "__init__.py"
    digest = Bundle.open(DEFAULT_BUNDLE).digest
    module.write_text(pin(module.read_text(encoding="utf-8"), digest), encoding="utf-8")
    print(f"pinned {digest} in {Path(*module.parts[-3:])}")


if __name__ == "__main__":
    main()
