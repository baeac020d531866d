# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the command line does, as functions; the command itself; paths and versions."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tenon
from conftest import BUILD, ROOT


@pytest.fixture(scope="module")
def layer():
    """y = x * w + b, with a matrix that `convert` takes."""
    from onnx import TensorProto, helper, numpy_helper

    values = np.random.default_rng(1).standard_normal((64, 32)).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["m"], name="fc"), helper.make_node("Relu", ["m"], ["y"], name="act")], "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 64])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 32])], [numpy_helper.from_array(values, "w")])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def environment():
    return dict(os.environ, PYTHONPATH=str(BUILD / "python"))


def test_version_is_the_build_s():
    project = re.search(r"project\(tenon VERSION ([0-9.]+)", (ROOT / "CMakeLists.txt").read_text())
    assert tenon.__version__ == project.group(1)


def test_module_is_the_command(tmp_path):
    def run(*arguments):
        command = [sys.executable, "-m", "tenon", *arguments]
        return subprocess.run(command, env=environment(), cwd=tmp_path, capture_output=True, text=True, check=False)

    done = run("--version")
    assert done.returncode == 0 and tenon.__version__ in done.stdout
    done = run("explain", "absent.tenon")
    assert done.returncode == 1 and "TN7002" in done.stderr and not done.stdout
    script = re.search(r'^tenon = "(.*):(.*)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert script.groups() == ("tenon.__main__", "main")


def test_a_package_without_its_command(monkeypatch, tmp_path):
    monkeypatch.setattr(tenon.command, "__file__", str(tmp_path / "command.py"))
    with pytest.raises(tenon.TenonError, match=str(tmp_path)) as caught:
        tenon.targets()
    assert caught.value.code == "TN8082"


def test_a_command_that_dies(monkeypatch, tmp_path):
    program = tmp_path / "bin" / "tenon"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nkill -9 $$\n")
    program.chmod(0o755)
    monkeypatch.setattr(tenon.command, "__file__", str(tmp_path / "command.py"))
    with pytest.raises(tenon.TenonError, match="signal 9") as caught:
        tenon.ops()
    assert caught.value.code == "TN8083"


def test_chips_from_files(layer, tmp_path):
    model = layer
    shipped = subprocess.run([tenon.command.find(), "targets", "cpu:host", "--emit"], capture_output=True, text=True, check=True).stdout
    chip = tmp_path / "mine.yaml"
    chip.write_text(shipped.replace("name: host-", "name: mine-", 1))
    assert tenon.compile(model, target_files=[chip]).target.startswith("cpu:mine-")
    report = tenon.verify(model, target_files=[chip])
    assert report.ok and report.target.startswith("cpu:mine-")
    tenon.convert(model, tmp_path / "out.tenon", weights="f8E4M3FN", target_files=[chip])
    assert tenon.load(tmp_path / "out.tenon").target.startswith("cpu:mine-")
    chip.write_text("name: mine\n")
    for call in (tenon.compile, tenon.verify):
        with pytest.raises(tenon.TenonError, match="TN8014"):
            call(model, target_files=[chip])


def test_targets_and_ops():
    targets = {target.target: target for target in tenon.targets()}
    assert targets["cpu:aarch64"].triple.startswith("aarch64") and targets["cpu:x86-64-v3"].vector_bits == 256
    assert targets["cpu:host"].means.startswith("cpu:") and targets["cpu:x86-64-v3"].features
    (conv,) = tenon.ops("conv")
    assert (conv.operator, conv.domain, conv.supported) == ("Conv", "ai.onnx", "yes") and conv.last_opset is None
    assert {"ReduceMax", "ReduceMean"} <= {op.operator for op in tenon.ops("Reduce*")}
    assert len(tenon.ops()) > 150
    with pytest.raises(tenon.TenonError, match="toaster"):
        tenon.ops(target="toaster")


def test_explain(layer, tmp_path):
    artifact = tenon.compile(layer)
    ledger = tenon.explain(artifact)
    assert [node.node for node in ledger.nodes] == ["fc", "act"]
    assert {node.operator for node in ledger.nodes} == {"MatMul", "Relu"}
    assert [kernel.kernel for kernel in ledger.kernels] == [name for name, _, _ in artifact.kernels]
    assert all(kernel.kernel in str(ledger) for kernel in ledger.kernels)
    # Of a file or of bytes, also for a machine that this one is not.
    path = tmp_path / "model.tenon"
    artifact.save(path)
    assert tenon.explain(path) == tenon.explain(path.read_bytes()) == ledger
    other = "cpu:riscv64" if os.uname().machine != "riscv64" else "cpu:x86-64-v3"
    subprocess.run([BUILD / "bin/tenon", "compile", write(layer, tmp_path), "-q", f"--target={other}", "-o", path], check=True)
    assert tenon.explain(path).nodes == ledger.nodes
    with pytest.raises(tenon.ArtifactError, match="TN7002"):
        tenon.explain("absent.tenon")
    for text in ("", "{}", "[]", '{"nodes": 1, "kernels": []}', '{"nodes": [{"node": "a"}], "kernels": []}', "[" * 100000):
        with pytest.raises(tenon.ArtifactError, match="TN8017"):
            tenon.ledger.Ledger.of_json(text)


def write(model, folder):
    import onnx

    onnx.save(model, folder / "model.onnx")
    return folder / "model.onnx"


def test_verify(layer, tmp_path):
    x = np.ones((3, 64), np.float32)
    for model in (layer, layer.SerializeToString(), write(layer, tmp_path)):
        report = tenon.verify(model, {"x": x}, threads=2)
        assert report.ok and report.first_wrong is None and report.kernels and report.outputs[0]["name"] == "y"
    assert "all" not in str(report) and "0 wrong" in str(report)
    report = tenon.verify(layer, dims={"n": 5}, seed=7, rtol=1e-3, atol=1e-4)
    assert report.ok and sum(kernel["values"] for kernel in report.kernels) >= 5 * 32
    # The artifact of another model is refused; one's own is judged.
    artifact = tenon.compile(layer)
    assert tenon.verify(layer, {"x": x}, artifact=artifact).ok


def test_verify_finds_what_is_wrong(layer):
    from onnx import ModelProto, numpy_helper

    other = ModelProto()
    other.CopyFrom(layer)
    other.graph.initializer[0].CopyFrom(numpy_helper.from_array(1.5 * numpy_helper.to_array(layer.graph.initializer[0]), "w"))
    report = tenon.verify(layer, {"x": np.ones((2, 64), np.float32)}, artifact=tenon.compile(other))
    assert not report.ok and report.outputs[0]["wrong"] > 10 and "0 of 1 outputs agree" in str(report)


@pytest.mark.parametrize(
    "arguments, code",
    [({"inputs": {"z": np.zeros((1, 64), np.float32)}}, "TN8006"), ({"dims": {"m": 1}}, "TN8009"), ({"target": "toaster"}, "TN8010"),
     ({"test_data": "absent"}, "TN8004"), ({"inputs": {"x": np.zeros((1, 63), np.float32)}}, "TN7006")],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_verify_refuses(layer, arguments, code):
    with pytest.raises(tenon.TenonError) as caught:
        tenon.verify(layer, **arguments)
    assert caught.value.code == code and caught.value.diagnostics[0].severity == "error"


@pytest.mark.parametrize("code, name, values", [(16, "bfloat16", [1, -2, 3]), (19, "float8_e5m2", [-8, 7, 1]), (22, "int4", [-8, 7, 1]),
                                                (21, "uint4", [15, 0, 9, 3]), (26, "int2", [-2, 1, 0, -1, 1]), (25, "uint2", [3, 1, 0, 2]),
                                                (23, "float4_e2m1fn", [1, -2, 6]), (27, "float6_e2m3fn", [1, -2, 6, 0, -0.5])])
def test_verify_of_types_that_numpy_lacks(code, name, values, tmp_path):
    from onnx import helper, numpy_helper

    ml_dtypes = pytest.importorskip("ml_dtypes")
    array = np.array(values, getattr(ml_dtypes, name))
    graph = helper.make_graph([helper.make_node("Cast", ["x"], ["y"], to=1)], "g", [helper.make_tensor_value_info("x", code, ["n"])],
                              [helper.make_tensor_value_info("y", 1, ["n"])])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 28)], ir_version=13)
    assert tenon.verify(model, {"x": array}).ok
    # That the file was read as these values shows in a recorded output.
    for kind, content in (("input", array), ("output", np.array(values, np.float32))):
        (tmp_path / f"{kind}_0.pb").write_bytes(numpy_helper.from_array(content, "xy"[kind == "output"]).SerializeToString())
    report = tenon.verify(model, test_data=tmp_path)
    assert report.ok and [output["against"] for output in report.outputs] == ["reference", "recorded output"]


def test_convert(layer, tmp_path):
    report = tenon.convert(layer, tmp_path / "small.tenon", weights="i4:block32")
    assert report[0]["node"] == "fc" and report[0]["bytes"] < report[0]["bytes_before"] / 4 and report[0]["sqnr_db"] > 15
    x = np.random.default_rng(2).standard_normal((3, 64)).astype(np.float32)
    right = tenon.compile(layer).session().run({"x": x})["y"]
    found = tenon.load(tmp_path / "small.tenon").session().run({"x": x})["y"]
    assert 0 < np.abs(found - right).max() < 0.2 * np.abs(right).max()
    # Without an output there is the report alone; layers by name; samples as arrays.
    kept = tenon.convert(layer, weights="i8", layers={"f.": "none"})
    assert "kept" in kept[0] and not [name for name in tmp_path.iterdir() if name.suffix != ".tenon"]
    report = tenon.convert(layer, tmp_path / "fixed.onnx", weights="i8", activations="i8", calibration=[{"x": x}, {"x": 2 * x}])
    assert {entry.get("activation", "w") for entry in report} == {"w", "x"}
    assert b"QuantizeLinear" in (tmp_path / "fixed.onnx").read_bytes()
    with pytest.raises(tenon.CompileError, match="f9E9M9") as caught:
        tenon.convert(layer, weights="f9E9M9")
    assert caught.value.code.startswith("TN4")


def test_summary_has_what_the_command_line_tells(tmp_path):
    import onnx.parser

    # Two things to tell: an axis that is squeezed unasked (a warning), and denormals (a note).
    model = onnx.parser.parse_model("""
        <ir_version: 8, opset_import: ["" : 12]>
        g (float[1, m, 1] x) => (float[m, 1] y) <float[1, 1] w = {1e-40}> { s = Squeeze(x)  u = Unsqueeze<axes = [1]>(s)  y = MatMul(u, w) }
    """)
    warnings = tenon.compile(model).summary["warnings"]
    command = [BUILD / "bin/tenon", "compile", write(model, tmp_path), "-o", tmp_path / "out.tenon"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    told = set(re.findall(r"^(?:warning: .*?|note +)\[(TN\d+)\]", done.stderr + done.stdout, re.MULTILINE))
    assert told == {warning.code for warning in warnings} and {"TN2107", "TN4013"} <= told
    assert {w.code: w.severity for w in warnings}["TN2107"] == "warning"
    assert all(w.severity in ("warning", "note") and w.code in w.message for w in warnings)
    (denormals,) = (warning for warning in warnings if warning.code == "TN4013")
    assert any("MatMul" in note for note in denormals.notes)


PATHS = {
    "compile": lambda path, model, scale: tenon.compile(path),
    "output": lambda path, model, scale: tenon.compile(model, output=path),
    "dumps": lambda path, model, scale: tenon.compile(model, dump_to=path),
    "formats of a compilation": lambda path, model, scale: tenon.compile(model, format_files=[path]),
    "load": lambda path, model, scale: tenon.load(path),
    "save": lambda path, model, scale: scale.save(path),
    "explain": lambda path, model, scale: tenon.explain(path),
    "verify": lambda path, model, scale: tenon.verify(path),
    "verify an artifact": lambda path, model, scale: tenon.verify(model, artifact=path),
    "verify with data": lambda path, model, scale: tenon.verify(model, test_data=path),
    "convert": lambda path, model, scale: tenon.convert(path, weights="i8"),
    "convert to": lambda path, model, scale: tenon.convert(model, path, weights="i8"),
    "calibrate": lambda path, model, scale: tenon.convert(model, weights="i8", activations="i8", calibration=path),
    "format": lambda path, model, scale: tenon.formats.load(path),
}


# Bytes are a model or an artifact where either is taken.
TAKES_BYTES = ("compile", "load", "explain", "verify", "convert")
KINDS = {"str": str, "Path": Path, "bytes": os.fsencode}


@pytest.mark.parametrize("use, kind", [(use, kind) for use in PATHS for kind in KINDS if not (kind == "bytes" and use in TAKES_BYTES)])
def test_a_path_with_a_nul_is_refused(use, kind, scale_model, scale, tmp_path):
    import tenon.formats  # noqa: F401

    scale.save(tmp_path / "a")  # what the path would be without its end
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    given = KINDS[kind](f"{tmp_path}/a\0b")
    with pytest.raises(tenon.InputError, match="NUL") as caught:
        PATHS[use](given, scale_model, scale)
    assert caught.value.code == "TN8081" and isinstance(caught.value, ValueError) and r"a\x00b" in str(caught.value)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_names_that_are_not_utf_8(scale_model, scale, tmp_path):
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff"))
    folder.mkdir()
    model = write(scale_model, folder)
    artifact = tenon.compile(model, output=folder / "a.tenon")
    artifact.save(folder / "b.tenon")
    assert tenon.load(folder / "b.tenon").inputs == scale.inputs and tenon.verify(model, artifact=artifact).ok
    with pytest.raises(tenon.ArtifactError, match=r"\\xff/absent"):
        tenon.load(folder / "absent")
    with pytest.raises(tenon.CompileError, match=r"\\xff/absent"):
        tenon.compile(folder / "absent")
