"""`python -m edge_ocr` is `edge-ocr`."""

import sys

from edge_ocr.cli import main

sys.exit(main())
