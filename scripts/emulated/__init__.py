"""What ARM CPUs execute, by emulation: edge_ocr's own models, and its peers on the same pages.

`reader`, the two readers beside it and `ncnn_engine` run on the emulated CPU; everything else prepares, asks, collects
and reports.
"""
