"""edge_ocr held against RapidOCR: the same models, the same pictures, the same run.

`worker` and the two readers run in the two sides' own processes; everything else asks, collects and reports.
"""
