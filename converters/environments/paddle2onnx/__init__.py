"""The environment of paddle2onnx: programs of PaddlePaddle 1 and 2 to ONNX."""
