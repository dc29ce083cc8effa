"""Runs exported nets without PyTorch: reads and checks an ONNX file, and hands it to OpenVINO."""
