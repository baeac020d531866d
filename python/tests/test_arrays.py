# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Arrays in every form that NumPy has for one type: they run, or are refused by name."""

import pickle

import numpy as np
import pytest

import tenon

KINDS = {1: np.float32, 2: np.uint8, 3: np.int8, 4: np.uint16, 5: np.int16, 6: np.int32, 7: np.int64, 9: np.bool_,
         10: np.float16, 11: np.float64, 12: np.uint32, 13: np.uint64}


@pytest.fixture(scope="module")
def identities():
    """Identity of a matrix, by ONNX element type."""
    import onnx
    from onnx import helper

    made = {}

    def identity(code):
        if code not in made:
            x, y = (helper.make_tensor_value_info(name, code, ["n", 3]) for name in "xy")
            graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", [x], [y])
            opset = [helper.make_opsetid("", 23)]
            made[code] = tenon.compile(helper.make_model(graph, opset_imports=opset, ir_version=11)).session()
        return made[code]

    assert onnx.TensorProto.FLOAT == 1
    return identity


def forms(array):
    """The same values in other forms: dtype objects, byte orders, layouts, alignments."""
    dtype = array.dtype
    yield "unpickled", pickle.loads(pickle.dumps(array))
    yield "dtype with metadata", array.view(np.dtype(dtype, metadata={"unit": "m"}))
    yield "native by name", array.view(dtype.newbyteorder("="))
    yield "other byte order", array.astype(dtype.newbyteorder("S"))
    yield "other byte order, strided", np.asfortranarray(array.astype(dtype.newbyteorder("S")))
    yield "Fortran's order", np.asfortranarray(array)
    yield "reversed", np.ascontiguousarray(array[::-1])[::-1]
    yield "every second", np.repeat(array, 2, axis=0)[::2]
    frozen = array.copy()
    frozen.flags.writeable = False
    yield "read-only", frozen
    memory = np.zeros(array.nbytes + 1, np.uint8)
    unaligned = memory[1:].view(dtype).reshape(array.shape)
    unaligned[...] = array
    yield "unaligned", unaligned
    yield "a list of rows", list(array)
    yield "empty", array[:0]


@pytest.mark.parametrize("code", KINDS)
def test_every_form_of_an_input(identities, code):
    array = np.arange(12).reshape(4, 3).astype(KINDS[code])
    for name, given in forms(array):
        y = identities(code).run({"x": given})["y"]
        assert y.dtype == array.dtype, name
        np.testing.assert_array_equal(y, array[: len(given)], name)


def test_types_that_numpy_lacks(identities):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    for code, kind in ((16, ml_dtypes.bfloat16), (17, ml_dtypes.float8_e4m3fn), (22, ml_dtypes.int4)):
        array = np.array([[1, -2, 3], [4, 0, -6]]).astype(kind)
        for given in (array, pickle.loads(pickle.dumps(array)), np.asfortranarray(array), array[::-1][::-1]):
            y = identities(code).run({"x": given}, {"y": np.empty_like(array)})["y"]
            assert y.dtype == array.dtype and (y.astype(np.float32) == array.astype(np.float32)).all()
    with pytest.raises(tenon.DTypeError, match="float16.*expected bfloat16"):
        identities(16).run({"x": np.zeros((1, 3), np.float16)})


@pytest.mark.parametrize("given", [np.zeros((2, 3)), np.zeros((2, 3), ">f8"), np.zeros((2, 3), object), np.full((2, 3), "x"),
                                   np.zeros((2, 3), [("f", "f4")]), np.zeros((2, 3), "M8[s]"), [[1, 2, 3]], None],
                         ids=lambda given: str(getattr(given, "dtype", given)))
def test_other_types_are_refused(identities, given):
    with pytest.raises(tenon.DTypeError, match=r"\[TN7007\] input 'x': found .*, expected float32"):
        identities(1).run({"x": given})


def test_outputs_of_equal_types(identities):
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    for y in (pickle.loads(pickle.dumps(np.empty_like(x))), np.empty((2, 3), np.dtype("f4", metadata={"unit": "m"}))):
        assert identities(1).run({"x": x}, {"y": y})["y"] is y
        np.testing.assert_array_equal(y, x)
    unaligned = np.zeros(25, np.uint8)[1:].view(np.float32).reshape(2, 3)
    for y, error, what in ((np.empty((2, 3), ">f4"), tenon.DTypeError, ">f4, expected float32"),
                           (unaligned, tenon.InputError, "aligned"), (np.empty((3, 2), np.float32).T, tenon.InputError, "contiguous")):
        with pytest.raises(error, match=what):
            identities(1).run({"x": x}, {"y": y})


def test_errors_show_shapes(scale):
    import onnx.parser

    def refused(artifact, **inputs):
        with pytest.raises(tenon.ShapeError) as caught:
            artifact.session().run({name: np.zeros(shape, np.float32) for name, shape in inputs.items()})
        assert caught.value.code == "TN7006" and str(caught.value).startswith("[TN7006] input '")
        return str(caught.value)

    assert refused(scale, x=(4,)).endswith("expected [batch, 4], got (4,)")
    assert refused(scale, x=(2, 5)).endswith("expected [batch, 4], got (2, 5)")
    image = tenon.compile(onnx.parser.parse_model("""
        <ir_version: 8, opset_import: ["" : 17]>
        g (float[batch, 3, 224, 224] image) => (float[batch, 3, 224, 224] y) { y = Relu(image) }
    """))
    assert refused(image, image=(3, 224, 224)).endswith("expected [batch, 3, 224, 224], got (3, 224, 224)")
    pair = tenon.compile(onnx.parser.parse_model("""
        <ir_version: 8, opset_import: ["" : 17]>
        g (float[n, 2] a, float[n, 2] b, float s) => (float[n, 2] y) { c = Add(a, b)  y = Mul(c, s) }
    """))
    text = refused(pair, a=(3, 2), b=(4, 2), s=())
    assert text.endswith("expected [n, 2], got (4, 2)") and "'b'" in text
    assert refused(pair, a=(3, 2), b=(3, 2), s=(2,)).endswith("expected [], got (2,)")
