# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The three engines behind one shape: (model, inputs, threads, scratch) gives a
call without arguments that runs once and returns the outputs as arrays."""


def tenon_engine(model, inputs, threads, scratch):
    import tenon

    artifact = tenon.compile(model, output=scratch / "model.tenon")
    session = artifact.session(threads=threads)
    names = {info.name for info in artifact.inputs}
    feeds = {name: value for name, value in inputs.items() if name in names}
    return lambda: list(session.run(feeds).values())


def onnxruntime_engine(model, inputs, threads, scratch):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    names = {i.name for i in session.get_inputs()}
    feeds = {name: value for name, value in inputs.items() if name in names}
    return lambda: session.run(None, feeds)


def openvino_engine(model, inputs, threads, scratch):
    import openvino

    core = openvino.Core()
    config = {
        "INFERENCE_PRECISION_HINT": "f32",
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
    }
    network = core.read_model(str(model))
    compiled = core.compile_model(network, "CPU", config)
    request = compiled.create_infer_request()
    names = {name for port in compiled.inputs for name in port.names}
    # Shared with the request in advance, so that its calls copy nothing.
    for name, value in inputs.items():
        if name in names:
            request.set_tensor(name, openvino.Tensor(value, shared_memory=value.flags.c_contiguous))

    def call():
        request.infer()
        return [tensor.data for tensor in request.output_tensors]

    return call


ENGINES = {"tenon": tenon_engine, "onnxruntime": onnxruntime_engine, "openvino": openvino_engine}
