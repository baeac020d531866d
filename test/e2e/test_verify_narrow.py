# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Products with weights in narrow types, kernel by kernel and on every instruction
set that this machine runs: `tenon verify` agrees with them, and finds a wrong code.
Whole results are compared with ONNX Runtime."""

import json
import re

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from harness import peer_session
from targets import levels_here

INTEGERS = {"INT8": (-128, 128), "UINT8": (0, 256), "INT4": (-8, 8), "UINT4": (0, 16), "INT2": (-2, 2), "UINT2": (0, 4)}
FLOATS = ("FLOAT8E4M3FN", "FLOAT8E5M2", "FLOAT8E4M3FNUZ", "FLOAT4E2M1")
# How weights [K, N] reach the product.
FORMS = ("MatMul", "Transpose", "Gemm", "Gemm transB")


class Products:
    """A model of products of one input "x" [rows, K]."""

    def __init__(self, k, rows="rows", real="FLOAT"):
        self.k, self.rows, self.real = k, rows, getattr(TensorProto, real)
        self.nodes, self.weights, self.outputs = [], [], []
        self.rng = np.random.default_rng(0)

    def tensor(self, name, kind, shape):
        numpy = helper.tensor_dtype_to_np_dtype(getattr(TensorProto, kind))
        low, high = INTEGERS.get(kind, (-3, 3))
        values = self.rng.integers(low, high, shape) if kind in INTEGERS else self.rng.uniform(low, high, shape)
        self.weights.append(numpy_helper.from_array(np.asarray(values).astype(numpy), name))
        return name

    def add(self, kind, n, form, block=0, per="column", zero=""):
        """zero: "" (none), "one" (the same everywhere) or "each"."""
        number = len(self.outputs)
        k_axis = 1 if form in ("Transpose", "Gemm transB") else 0
        shape = [n, self.k] if k_axis else [self.k, n]
        if block:
            per_scale = [size if axis != k_axis else -(-self.k // block) for axis, size in enumerate(shape)]
            attributes = {"axis": k_axis, "block_size": block}
        else:
            per_scale = [n] if per == "column" else []
            attributes = {"axis": 1 - k_axis} if per == "column" else {}
        # Weights of at most an eighth, as models have them.
        values = np.asarray(self.rng.uniform(0.5, 1, per_scale) / 8 / INTEGERS.get(kind, (0, 3))[1]).astype(helper.tensor_dtype_to_np_dtype(self.real))
        self.weights.append(numpy_helper.from_array(values, f"scale{number}"))
        inputs = [self.tensor(f"w{number}", kind, shape), f"scale{number}"]
        if zero:
            inputs.append(self.tensor(f"zero{number}", kind, per_scale))
        if zero == "one":
            last = numpy_helper.to_array(self.weights[-1])
            self.weights[-1].CopyFrom(numpy_helper.from_array(np.full_like(last, last.flat[0]), inputs[-1]))
        self.nodes.append(helper.make_node("DequantizeLinear", inputs, [f"d{number}"], **attributes))
        right = f"d{number}"
        if form == "Transpose":
            self.nodes.append(helper.make_node("Transpose", [right], [f"t{number}"], perm=[1, 0]))
            right = f"t{number}"
        operator, flags = ("Gemm", {"transB": int(form.endswith("transB"))}) if form.startswith("Gemm") else ("MatMul", {})
        self.nodes.append(helper.make_node(operator, ["x", right], [f"y{number}"], f"product{number}", **flags))
        self.outputs.append(helper.make_tensor_value_info(f"y{number}", self.real, [self.rows, n]))

    def save(self, path, opset):
        x = helper.make_tensor_value_info("x", self.real, [self.rows, self.k])
        graph = helper.make_graph(self.nodes, "products", [x], self.outputs, self.weights)
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10), path)
        return path


@pytest.fixture(scope="module")
def forms(tmp_path_factory):
    """Every type, in one of the forms each; sizes whose last block and panel are not full."""
    products = Products(530)
    for number, kind in enumerate((*INTEGERS, *FLOATS)):
        zero = ("", "one", "each")[number % 3] if kind in INTEGERS else ""
        block, per = ((32, ""), (0, "column"), (16, ""), (0, "tensor"))[number // 3]
        products.add(kind, 515, FORMS[number % 4], block=block, per=per, zero=zero)
    return products.save(tmp_path_factory.mktemp("narrow") / "forms.onnx", 25), len(products.outputs)


@pytest.mark.parametrize("level", ["host", *levels_here()])
def test_every_form_verifies(tenon, forms, level, tmp_path):
    path, count = forms
    artifact = tmp_path / "forms.tenon"
    done = tenon("compile", path, "-q", f"--target=cpu:{level}", "-o", artifact)
    assert done.returncode == 0, done.stderr
    for rows in (1, 13):
        done = tenon("verify", path, "--json", "--artifact", artifact, "--dim", f"rows={rows}")
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr
        kernels = json.loads(done.stdout)["kernels"]
        assert len(kernels) == count and all(kernel["compared"] and not kernel.get("skipped") for kernel in kernels)
    explained = tenon("explain", artifact, "--nodes").stdout
    narrow = set(re.findall(r"(matmul_\d+) .*gemm-quantized \(.*weights \S+", explained))
    assert len(narrow) == count, explained


def test_half_floats(tenon, tmp_path):
    """Scales and results of 16 bits: sums are f32."""
    products = Products(530, real="FLOAT16")
    for kind in ("INT4", "UINT4", "FLOAT8E4M3FN"):
        products.add(kind, 515, "Transpose", block=128, zero="one" if kind in INTEGERS else "")
    path, artifact = products.save(tmp_path / "halves.onnx", 25), tmp_path / "halves.tenon"
    for rows, output in ((1, "-o"), (13, "--artifact")):  # compiles, and reads what was compiled
        done = tenon("verify", path, "--json", "--dim", f"rows={rows}", output, artifact)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr


def test_finds_a_flipped_code(tenon, tmp_path):
    products = Products(512)
    products.add("INT4", 512, "MatMul", block=32)
    path = products.save(tmp_path / "one.onnx", 25)
    artifact = tmp_path / "one.tenon"
    assert tenon("compile", path, "-q", "-o", artifact, "--target=cpu:x86-64-v2").returncode == 0
    contents = bytearray(artifact.read_bytes())
    codes = numpy_helper.to_array(products.weights[1])
    column = sum((int(code) & 15) << 4 * step for step, code in enumerate(codes[:8, 0])).to_bytes(4, "little")
    at = contents.index(column)  # the first eight codes of column 0, one 32-bit word where codes are not paired
    contents[at] ^= 8
    artifact.chmod(0o644)
    artifact.write_bytes(contents)
    done = tenon("verify", path, "--artifact", artifact, "--json")
    assert done.returncode == 4 and not json.loads(done.stdout)["kernels"][0]["ok"]


@pytest.mark.parametrize("rows", [1, 12, 128])
def test_equals_onnxruntime(tenon, tmp_path, rows):
    products = Products(530, rows)
    for kind in ("INT8", "UINT8", "INT4", "UINT4"):
        for form in FORMS:
            products.add(kind, 515, form, block=32, zero="each")
        products.add(kind, 515, "MatMul")
    products.add("FLOAT8E4M3FN", 515, "MatMul", per="tensor")
    path = products.save(tmp_path / "peer.onnx", 21)
    x = np.random.default_rng(1).standard_normal((rows, 530)).astype(np.float32)
    theirs = peer_session(path, optimize=False).run(None, {"x": x})
    np.save(tmp_path / "x.npy", x)
    done = tenon("compile", path, "-q", "-o", tmp_path / "peer.tenon")
    assert done.returncode == 0, done.stderr
    outputs = [f"--output=y{number}=@{tmp_path}/y{number}.npy" for number in range(len(theirs))]
    done = tenon("run", tmp_path / "peer.tenon", "--input", f"x=@{tmp_path}/x.npy", *outputs)
    assert done.returncode == 0, done.stderr
    for number, expected in enumerate(theirs):
        mine = np.load(tmp_path / f"y{number}.npy")
        assert np.abs(mine - expected).max() < 1e-5 * np.abs(expected).max(), products.nodes[number]
