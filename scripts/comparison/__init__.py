"""edge_ocr held against its peers: the same pictures, the same run, and against RapidOCR the same models.

`worker` and the two readers run in the sides' own processes; everything else asks, collects and reports.
"""
