"""The environment of onnx2tf: ONNX to float32 TFLite."""
