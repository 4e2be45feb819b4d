"""A net taken out of Caffe: as a torch module, as an ONNX file."""
