# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The commands of `tenon` that describe rather than run: the summary, explain, inspect,
ops, targets, help."""

import json
import re

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from driver_models import OK, UNSUPPORTED, USER_ERROR, refused, save, value


def test_summary(tenon, model, tmp_path):
    done = tenon("compile", model, "-o", tmp_path / "x.tenon")
    lines = done.stdout.splitlines()
    assert len(lines) < 24, "the summary is one screen"
    starts = [line.split()[0] for line in lines if line[0] != " "]
    assert starts == ["target", "sizes", "operators", "memory", "time"] + ["note"] * starts.count("note") + ["wrote"]
    assert "8 ONNX nodes" in lines[2] and "1 as views, 1 evaluated" in lines[2] and "removed" in lines[2]
    assert done.stderr == "", "progress is for terminals"


def test_explain_knows_every_node(tenon, artifact):
    ledger = json.loads(tenon("explain", artifact, "--json").stdout)
    became = {node["node"]: node["became"] for node in ledger["nodes"]}
    assert became["evaluated"] == "constant" and became["relabelled"] == "view" and became["nothing"] == "removed"
    kernels = {node["node"]: node["kernels"] for node in ledger["nodes"]}
    assert kernels["product"] == kernels["activation"] and len(kernels["product"]) == 1
    product = next(kernel for kernel in ledger["kernels"] if kernel["kernel"] in kernels["product"])
    assert product["device"] == "cpu" and product["tile"] and product["vector_bits"] >= 128
    assert product["precision"] == "f32"
    text = tenon("explain", artifact, "--nodes").stdout
    for node in ledger["nodes"]:
        assert node["node"] in text


def test_explain_lists_lossy_steps(tenon, tmp_path):
    x = [value("x", [1, 64], TensorProto.FLOAT16)]
    nodes = [helper.make_node("Exp", ["x"], ["e"], "inner"), helper.make_node("Sqrt", ["e"], ["y"], "outer")]
    path = save(tmp_path / "half.onnx", nodes, x, [value("y", [1, 64], TensorProto.FLOAT16)])
    assert tenon("compile", path, "-q", cwd=tmp_path).returncode == OK
    ledger = json.loads(tenon("explain", path.with_suffix(".tenon"), "--json").stdout)
    notes = [note for note in ledger["notes"] if note["code"] == "TN5102"]
    assert len(notes) == 1 and set(notes[0]["nodes"]) == {"inner", "outer"}
    assert ledger["kernels"][0]["precision"] == "f16 in f32"


def test_columns_survive_long_names(tenon, tmp_path):
    long = "a/very/long/name/" * 8
    nodes = [helper.make_node("Relu", ["x"], ["a"], long), helper.make_node("Softmax", ["a"], ["y"], "short")]
    path = save(tmp_path / "long.onnx", nodes, [value("x", [2, 8])], [value("y", [2, 8])])
    assert tenon("compile", path, "-q", cwd=tmp_path).returncode == OK
    # A row for each kernel in the terminal's width: names are cut in the middle.
    lines = tenon("explain", path.with_suffix(".tenon")).stdout.splitlines()
    assert max(map(len, lines)) <= 100 and len(lines[:3]) == 3
    column = lines[0].index("ONNX nodes")
    assert {line[column:] for line in lines[1:3]} == {"short", next(line[column:] for line in lines[1:3] if ".." in line[column:])}
    assert all(line[column - 2 : column] == "  " for line in lines[1:3])
    # A row for each node: names are whole.
    lines = tenon("explain", path.with_suffix(".tenon"), "--nodes").stdout.splitlines()
    column = lines[0].index("operator")
    name = next(i for i, line in enumerate(lines) if line == long)
    assert lines[name + 1][column:].startswith("Relu") and lines[name + 1][:column].strip() == ""
    short = next(line for line in lines if line.startswith("short"))
    assert short[column:].startswith("Softmax")


def test_inspect_works_for_other_cpus(tenon, model, tmp_path):
    path = tmp_path / "arm.tenon"
    assert tenon("compile", model, "--target=cpu:aarch64", "-o", path, "-q").returncode == OK
    assert tenon("run", path, "--random-seed", 1).returncode == UNSUPPORTED
    done = tenon("inspect", path, "--json", "--check")
    assert done.returncode == OK, done.stderr
    described = json.loads(done.stdout)
    assert described["target"] == "cpu:aarch64"
    assert described["dimensions"] == [{"name": "batch", "min": described["dimensions"][0]["min"], "max": (1 << 63) - 1, "divisor": 1}]
    assert tenon("explain", path).returncode == OK


def test_inspect_shows_buffers_and_plan(tenon, artifact):
    described = json.loads(tenon("inspect", artifact, "--json").stdout)
    kernel = next(kernel for kernel in described["kernels"] if "product" in kernel["nodes"])
    reads = [buffer for buffer in kernel["buffers"] if not buffer["output"]]
    assert [buffer["name"] for buffer in reads if buffer["weight_offset"] < 0] == ["x"]
    assert sum(buffer["weight_offset"] >= 0 for buffer in reads) == 1
    assert [buffer["name"] for buffer in kernel["buffers"] if buffer["output"]] == ["activation"]
    plan = tenon("inspect", artifact, "--plan")
    assert plan.returncode == OK and "plan.kernel" in plan.stdout and kernel["kernel"] in plan.stdout


def test_ops_tell_the_truth(tenon, tmp_path):
    table = json.loads(tenon("ops", "--json").stdout)
    newest = {row["operator"]: row for row in table["operators"] if row["domain"] == "ai.onnx" and row["last_opset"] is None}
    assert len(newest) > 180, "every operator of ONNX is listed"
    for operator in ("Det", "NonZero", "Loop"):
        assert newest[operator]["supported"] == "no"
    # Bodies that depend on the node are made for one: these call what is not supported.
    assert {newest[operator]["supported"] for operator in ("Bernoulli", "LinearAttention", "SequenceMap")} == {"no"}
    assert {newest[operator]["supported"] for operator in ("CausalConvWithState", "CenterCropPad")} == {"by its function body"}
    # One-input operators that take any float tensor: the table's word against the compiler's.
    tried = 0
    for operator, row in newest.items():
        if operator not in ELEMENTWISE and row["supported"] != "no":
            continue
        if operator not in ELEMENTWISE + ["Det", "NonZero"]:
            continue
        shape, dtype = {"Det": [], "NonZero": [2, None]}.get(operator, [3, 3]), TensorProto.FLOAT
        dtype = TensorProto.INT64 if operator == "NonZero" else TensorProto.BOOL if operator == "IsNaN" else dtype
        path = save(tmp_path / "one.onnx", [helper.make_node(operator, ["x"], ["y"])], [value("x", [3, 3])], [value("y", shape, dtype)], opset=20)
        expected = UNSUPPORTED if row["supported"] == "no" else OK
        assert tenon("compile", path, "-q", "-o", tmp_path / "one.tenon").returncode == expected, operator
        tried += 1
    assert tried == len(ELEMENTWISE) + 2
    kernels = {row["operation"]: row["kernels"] for row in table["operations"]}
    assert kernels["unary"] and kernels["conv"] and kernels["reshape"] == ["view"]


def test_ops_lists_what_is_missing(tenon):
    table = json.loads(tenon("ops", "--json").stdout)
    domains = table["domains"]
    assert {"ai.onnx", "ai.onnx.ml", "com.microsoft"} <= set(domains)
    missing = {(row["domain"], row["operator"]) for row in table["operators"] if row["last_opset"] is None and row["supported"] == "no"}
    assert missing == {(domain, name) for domain, entry in domains.items() for name in entry["missing"]}
    assert ("ai.onnx.ml", "SVMRegressor") in missing and ("ai.onnx", "Det") in missing
    text = " ".join(tenon("ops").stdout.split())
    for domain, entry in domains.items():
        listed = f"{domain}: {entry['supported']} of {entry['supported'] + len(entry['missing'])} operators"
        assert (f"{listed}; missing: " + ", ".join(entry["missing"]) if entry["missing"] else listed) in text
    # ONNX Runtime's own domain has no schemas at hand: the list of names must keep up.
    state = pytest.importorskip("onnxruntime.capi.onnxruntime_pybind11_state")
    known = {row["operator"] for row in table["operators"] if row["domain"] == "com.microsoft"}
    assert {schema.name for schema in state.get_all_operator_schema() if schema.domain == "com.microsoft"} <= known


def test_ops_filters(tenon):
    rows = json.loads(tenon("ops", "Conv", "--json").stdout)
    assert {row["operator"] for row in rows["operators"]} == {"Conv"} and [row["operation"] for row in rows["operations"]] == ["conv"]
    text = tenon("ops", "relu", "Conv").stdout
    assert re.search(r"^ai\.onnx +Relu ", text, re.M) and re.search(r"^conv .*direct-conv", text, re.M) and "MatMul" not in text
    parts = {row["operator"] for row in json.loads(tenon("ops", "pool", "--json").stdout)["operators"]}
    assert {"MaxPool", "GlobalAveragePool"} <= parts and all("pool" in name.lower() for name in parts)
    refused(tenon("ops", "Convolve"), USER_ERROR, "[TN8047]", "'Conv'")


def test_ops_answers_for_the_target(tenon):
    for name, bits in (("aarch64", 128), ("cpu:x86-64-v3", 256), ("x86-64-v4", 512)):
        table = json.loads(tenon("ops", f"--target={name}", "--json").stdout)
        assert table["target"].endswith(name) and table["vector_bits"] == bits
        assert f"{table['target']} ({bits}-bit vectors)" in tenon("ops", f"--target={name}", "Relu", "conv").stdout
    refused(tenon("ops", "--target=cpu:vax"), USER_ERROR, "[TN8010]")


def test_explain_fits_a_terminal(tenon, tmp_path):
    """Four hundred nodes whose names have seventy letters."""
    nodes, last = [], "x"
    for i in range(200):
        nodes.append(helper.make_node("Softmax", [last], [f"s{i}"], f"/model/decoder/layers.{i}/self_attention/Softmax_of_the_scores_{i}"))
        nodes.append(helper.make_node("Relu", [f"s{i}"], [f"r{i}"], f"/model/decoder/layers.{i}/mlp/activation/Relu_behind_the_softmax_{i}"))
        last = f"r{i}"
    nodes.append(helper.make_node("MatMul", [last, "w"], ["y"], "/head/MatMul"))
    weight = numpy_helper.from_array(np.ones((512, 512), np.float32), "w")
    path = save(tmp_path / "long.onnx", nodes, [value("x", [8, 512])], [value("y", [8, 512])], [weight])
    assert tenon("compile", path, "-q", cwd=tmp_path).returncode == OK
    artifact = path.with_suffix(".tenon")
    lines = tenon("explain", artifact).stdout.splitlines()
    assert len(lines) < 32 and max(map(len, lines)) <= 100
    header, rows = lines[0], lines[1:21]
    starts = [header.index(name) for name in ("operations", "kernel", "precision", "strategy", "ONNX nodes")]
    for row in rows:
        assert all(row[start - 1] == " " and row[start] != " " for start in starts), row
    assert "/head/MatMul" in rows[0], "the most costly is first"
    cost = [float(row.split()[0]) for row in rows]
    assert cost == sorted(cost, reverse=True)
    assert "more kernels" in lines[21]
    assert len(tenon("explain", artifact, "--top=3").stdout.splitlines()) == len(lines) - 17
    everything = tenon("explain", artifact, "--top", 0).stdout
    kernels = json.loads(tenon("explain", artifact, "--json").stdout)["kernels"]
    assert len(kernels) > 100 and "more kernels" not in everything and len(everything.splitlines()) > len(kernels)
    refused(tenon("explain", artifact, "--top=3", "--nodes"), USER_ERROR, "[TN8012]")


def test_costs_are_of_the_operations_not_of_a_layout(tenon, tmp_path):
    """Filters and right operands that are packed for the kernels count as what they were."""
    weights = [numpy_helper.from_array(np.ones(shape, np.float32), name) for name, shape in (("f", (64, 32, 3, 3)), ("w", (32, 96)))]
    nodes = [helper.make_node("Conv", ["x", "f"], ["y"], "window", pads=[1, 1, 1, 1]), helper.make_node("MatMul", ["a", "w"], ["b"], "product")]
    inputs = [value("x", ["n", 32, 8, 8]), value("a", [7, 32])]
    path = save(tmp_path / "costs.onnx", nodes, inputs, [value("y", ["n", 64, 8, 8]), value("b", [7, 96])], weights)
    for flags, batch in (((), 32), (("--sizes=n=3",), 3), (("--optShapes=x:5x32x8x8",), 5)):
        artifact = tmp_path / f"{batch}.tenon"
        assert tenon("compile", path, "-q", "-o", artifact, *flags).returncode == OK
        kernels = json.loads(tenon("explain", artifact, "--json").stdout)["kernels"]
        cost = {kernel["nodes"][0]: (kernel["work"], kernel["estimate"]) for kernel in kernels if kernel["strategy"] not in ("transpose", "movement")}
        assert cost["product"] == (2 * 7 * 32 * 96,) * 2
        convolution = 2 * batch * 64 * 8 * 8 * 32 * 9
        assert cost["window"] == (convolution if "--sizes=n=3" in flags else 0, convolution)


ELEMENTWISE = ["Abs", "Erf", "Gelu", "HardSwish", "IsNaN", "Mish", "Softplus"]


def test_ops_markdown_is_a_page(tenon):
    page = tenon("ops", "--markdown").stdout
    assert page.startswith("# Operators\n") and "| ai.onnx | Conv | 7+ | yes |" in page and "| conv | " in page
    assert "| com.microsoft | " in page


def test_help_is_one_screen_of_our_own_options(tenon):
    text = tenon("--help").stdout
    assert len(text.splitlines()) < 40 and "verify" in text and "aarch64" not in text
    assert "EXIT STATUS: 0 done" in text and "70 an internal error" in text
    assert tenon("--version").stdout.startswith("tenon ")


def test_targets(tenon):
    targets = json.loads(tenon("targets", "--json").stdout)
    assert {"cpu:host", "cpu:x86-64-v3", "cpu:aarch64"} <= {target["target"] for target in targets}
