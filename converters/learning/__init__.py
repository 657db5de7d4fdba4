"""Learning to read through int8: a float TFLite file teaches its own quantised form, on pictures without labels.

Needs PyTorch, the extra `learn`; nothing else of the converter does.
"""
