# ONNX schema library, built from the pinned onnx wheel.
add_library(tenon-onnx INTERFACE)
