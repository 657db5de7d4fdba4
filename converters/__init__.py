"""Workstation side of edge-ocr: turns published PP-OCR models into bundles that `edge_ocr` runs on small devices."""
