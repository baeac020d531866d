# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The onnx.backend adapter, and a real model through the Python package."""

import numpy as np
import pytest

import tenon


def test_backend_adapter(scale_model):
    import tenon.backend as backend

    x = np.array([[1, 2, 3, 4]], np.float32)
    rep = backend.prepare(scale_model, device="CPU")
    np.testing.assert_array_equal(rep.run([x])[0], [[1, 0, 6, 2]])
    np.testing.assert_array_equal(backend.run_model(scale_model, [x]).y, [[1, 0, 6, 2]])
    assert backend.supports_device("CPU") and not backend.supports_device("CUDA")
    assert not backend.supports_device("TOASTER")
    with pytest.raises(ValueError):
        backend.prepare(scale_model, device="CUDA")


def test_mnist(shared):
    import onnx

    from onnx import numpy_helper

    def read(path):
        return numpy_helper.to_array(onnx.load_tensor(path))

    folder = shared / "models" / "mnist-8"
    artifact = tenon.compile(folder / "model.onnx")
    session = artifact.session()
    for data in sorted(folder.glob("test_data_set_*")):
        (result,) = session.run({artifact.inputs[0].name: read(data / "input_0.pb")}).values()
        np.testing.assert_allclose(result, read(data / "output_0.pb"), rtol=1e-3, atol=1e-4)
