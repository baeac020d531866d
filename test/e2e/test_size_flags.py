# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Open dimensions that the command line fixes or gives a range: --sizes, --minShapes,
--optShapes, --maxShapes."""

import json

import numpy as np
import pytest
from onnx import helper, numpy_helper

from driver_models import OK, USER_ERROR, save, value
from driver_models import refused as refused_with

ANY = (1 << 63) - 1


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Two inputs that share `batch`; a dimension without a name; a name with a colon,
    a comma and an equals sign; sizes that shape arithmetic asks for."""
    weight = numpy_helper.from_array(np.ones((3, 4), np.float32), "w")
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["p"], "product"),
        helper.make_node("Shape", ["p"], ["s"], "sizes"),
        helper.make_node("ConstantOfShape", ["s"], ["zeros"], "zeros"),
        helper.make_node("Add", ["p", "zeros"], ["y"], "sum"),
        helper.make_node("ReduceSum", ["in:put"], ["z"], "total", keepdims=0),
        helper.make_node("Identity", ["in:put"], ["same"], "identity"),
        helper.make_node("Relu", ["v"], ["u"], "relu"),
    ]
    inputs = [value("x", ["batch", None, 3]), value("in:put", ["batch", "a,b=c"]), value("v", ["n"])]
    outputs = [value("y", None), value("z", []), value("same", ["batch", "a,b=c"]), value("u", ["n"])]
    return save(tmp_path_factory.mktemp("sizes") / "model.onnx", nodes, inputs, outputs, [weight])


@pytest.fixture
def compiled(tenon, model, tmp_path):
    """The description of the artifact that flags give."""

    def call(*flags):
        done = tenon("compile", model, "-q", "-o", tmp_path / "m.tenon", *flags)
        assert done.returncode == OK, done.stderr
        return json.loads(tenon("inspect", tmp_path / "m.tenon", "--json").stdout)

    call.path = tmp_path / "m.tenon"
    return call


def dims(description):
    return {tensor["name"]: tensor["dims"] for tensor in description["inputs"] + description["outputs"]}


def ranges(description):
    return {symbol["name"]: (symbol["min"], symbol["max"]) for symbol in description["dimensions"]}


def refused(done, *texts):
    refused_with(done, USER_ERROR, *texts)


def test_a_name_is_fixed_everywhere(compiled):
    found = dims(compiled("--sizes", "batch=2"))
    assert found["x"][0] == found["in:put"][0] == found["same"][0] == found["y"][0] == 2
    assert found["in:put"][1] == "a,b=c" and isinstance(found["x"][1], str)


def test_everything_can_be_fixed(compiled, tenon):
    description = compiled("--sizes=batch=2,x:1=5,a,b=c=7,n=4")
    assert description["dimensions"] == []
    assert dims(description) == {"x": [2, 5, 3], "in:put": [2, 7], "v": [4], "y": [2, 5, 4], "z": [], "same": [2, 7], "u": [4]}
    assert tenon("run", compiled.path, "--random-seed=1").returncode == OK
    inputs = ["--input=x=2x5x3xf32=1", "--input=in:put=2x7xf32=1", "--input=v=4xf32=1"]
    assert tenon("run", compiled.path, *inputs).returncode == OK
    refused(tenon("run", compiled.path, "--input=x=3x5x3xf32=1", *inputs[1:]), "[TN7006]", "'x'")


def test_types_are_static_in_the_graph(tenon, model):
    text = tenon("compile", model, "--sizes=batch=2,x:1=5,in:put:1=7,v:0=4", "--stop-after=graph").stdout
    assert "tensor<2x5x4xf32>" in text and "?x" not in text and "tensor<?" not in text


def test_input_and_axis(compiled):
    by_axis, repeated = compiled("--sizes=in:put:0=2,v:0=9"), compiled("--sizes=in:put:0=2", "--sizes", "v:0=9")
    assert by_axis == repeated
    assert dims(by_axis)["x"][0] == 2, "the axis is called batch, as x's is"
    assert dims(by_axis)["v"] == [9]


def test_ranges_are_checked_when_it_runs(compiled, tenon):
    description = compiled("--sizes=batch=2..4,v:0=3..3")
    assert ranges(description)["batch"] == (2, 4) and dims(description)["v"] == [3]
    for batch, status in ((1, USER_ERROR), (2, OK), (4, OK), (5, USER_ERROR)):
        done = tenon("run", compiled.path, "--random-seed=1", f"--dim=batch={batch}")
        assert done.returncode == status and ("[TN7006]" in done.stderr) == (status != OK), done.stderr


def test_trtexec_shapes(compiled, tenon):
    description = compiled(
        "--minShapes=x:2x1x3,in:put:2x1,v:6", "--optShapes=x:3x8x3,'in:put':3x1", "--maxShapes=x:4x16x3,in:put:4x100,v:6")
    found = ranges(description)
    assert found["batch"] == (2, 4) and found["a,b=c"] == (1, 100) and dims(description)["v"] == [6]
    (unnamed,) = set(found) - {"batch", "a,b=c"}
    assert found[unnamed] == (1, 16)
    run = lambda batch, other: tenon("run", compiled.path, "--random-seed=1", f"--dim=batch={batch}", f"--dim={unnamed}={other}")  # noqa: E731
    assert run(3, 16).returncode == OK
    refused(run(5, 16), "[TN7006]", "batch")
    refused(run(3, 17), "[TN7006]")
    assert ranges(compiled("--minShapes=v:3"))["n"] == (3, ANY)
    assert ranges(compiled("--maxShapes=v:3"))["n"][1] == 3


def test_nominal_sizes_decide_the_order_of_costs(compiled, tenon):
    def costs(*flags):
        compiled(*flags)
        ledger = json.loads(tenon("explain", compiled.path, "--json").stdout)
        return {kernel["kernel"]: kernel["estimate"] for kernel in ledger["kernels"]}

    def share(estimates, operator):
        return sum(cost for kernel, cost in estimates.items() if operator in kernel) / sum(estimates.values())

    small, large = costs("--optShapes=v:1,x:64x64x3"), costs("--optShapes=v:1000000,x:1x1x3")
    assert share(small, "matmul") > 0.5 > share(large, "matmul")


def test_costs_are_at_nominal_sizes(compiled, tenon, model):
    """By name, or by input and axis; what nobody gives has the stated default, or what its range allows."""
    def ledger(*flags):
        compiled(*flags)
        return json.loads(tenon("explain", compiled.path, "--json").stdout)

    def seconds(found):
        return sum(kernel["seconds"] for kernel in found["kernels"])

    plain, large = ledger("--maxShapes=v:7"), ledger("--nominal=batch=500,x:1=100", "--nominal=n=9")
    assert plain["nominal_sizes"] == {} and plain["expected_sizes"]["batch"] == 32 and plain["expected_sizes"]["n"] == 7
    assert large["expected_sizes"]["batch"] == 500 and large["expected_sizes"]["n"] == 9
    assert 100 in large["expected_sizes"].values()
    assert seconds(large) > 3 * seconds(plain) > 0
    assert all(kernel["cost"]["launch"] == 1 for kernel in large["kernels"])
    assert "batch=500, " in tenon("explain", compiled.path).stdout
    text = tenon("compile", model, "-o", compiled.path, "--nominal=batch=8").stdout
    assert "estimated at batch=8, " in text and "n=32 (by default)" in text
    run = json.loads(tenon("run", compiled.path, "--random-seed=1", "--json").stdout)
    assert run["outputs"][0]["shape"][0] == 8


def test_of_many_open_sizes_a_few_are_told(tenon, tmp_path):
    names = ["n" * 3000, *(f"d{i}" for i in range(200))]
    path = save(tmp_path / "many.onnx", [helper.make_node("Relu", [f"x{i}"], [f"y{i}"]) for i in range(len(names))],
                [value(f"x{i}", [name]) for i, name in enumerate(names)], [value(f"y{i}", [name]) for i, name in enumerate(names)], [])
    text = tenon("compile", path, "-o", tmp_path / "many.tenon").stdout
    (line,) = [line for line in text.splitlines() if line.startswith("sizes")]
    assert "and 195 more" in line and len(line) < 600


def test_random_inputs_have_nominal_sizes(compiled, tenon):
    compiled("--sizes=batch=2,in:put:1=3", "--minShapes=v:4", "--optShapes=v:5,x:2x7x3")
    outputs = json.loads(tenon("run", compiled.path, "--random-seed=1", "--json").stdout)["outputs"]
    assert {output["name"]: output["shape"] for output in outputs} == {"y": [2, 7, 4], "z": [], "same": [2, 3], "u": [5]}


@pytest.mark.parametrize(
    "flags, code, texts",
    [
        (["--sizes=butch=2"], "TN8044", ["'butch'", "'batch' (x:0, in:put:0)", "x:1", "'n' (v:0)"]),
        (["--sizes=batch"], "TN8044", ["expected NAME=SIZE"]),
        (["--nominal=butch=2"], "TN8044", ["--nominal=butch", "'butch'", "'batch' (x:0, in:put:0)", "x:1", "'n' (v:0)"]),
        (["--nominal=batch"], "TN8044", ["expected NAME=SIZE"]),
        (["--nominal=batch=0"], "TN8044", ["sizes from 1", "batch=0"]),
        (["--nominal=batch=1..3"], "TN8044", ["batch=1..3"]),
        (["--nominal=x:2=4"], "TN8044", ["dimension 2 of input 'x' is 3"]),
        (["--nominal=batch=2", "--nominal=x:0=3"], "TN8045", ["the same dimension is 2"]),
        (["--sizes=n=1..4", "--nominal=n=5"], "TN8045", ["nominal size 5"]),
        (["--sizes=batch=-2"], "TN8044", ["batch=-2"]),
        (["--sizes=batch=2,,n=3"], "TN8044", [",n=3"]),
        (["--sizes=batch=99999999999999999999"], "TN8044", ["batch="]),
        (["--sizes=batch=4..2"], "TN8045", ["above"]),
        (["--sizes=batch=2", "--sizes=x:0=3"], "TN8045", ["batch=2", "x:0=3"]),
        (["--sizes=x:2=4"], "TN8044", ["dimension 2 of input 'x' is 3"]),
        (["--sizes=x:3=4"], "TN8044", ["3 dimensions"]),
        (["--sizes=q:0=4"], "TN8044", ["no input 'q'", "'x', 'in:put', 'v'"]),
        (["--minShapes=x:1x3"], "TN8044", ["'x' has 3 dimensions"]),
        (["--minShapes=x=1x3"], "TN8044", ["INPUT:1x3x224x224"]),
        (["--minShapes=v:5", "--maxShapes=v:4"], "TN8045", ["5 is above 4"]),
        (["--minShapes=v:5", "--optShapes=v:4"], "TN8045", ["nominal size 4"]),
        (["--optShapes=x:2x1x3,in:put:3x1"], "TN8045", ["2"]),
        (["--maxShapes=x:2x1x4"], "TN8044", ["dimension 2 of input 'x' is 3"]),
    ],
)
def test_what_does_not_fit_is_refused(tenon, model, tmp_path, flags, code, texts):
    refused(tenon("compile", model, "-o", tmp_path / "x.tenon", *flags), f"[{code}]", flags[-1].split("=")[0], *texts)
    assert not (tmp_path / "x.tenon").exists()


def test_all_problems_are_listed(tenon, model, tmp_path):
    done = tenon("compile", model, "-o", tmp_path / "x.tenon", "--sizes=one=1,two=2,batch=3")
    refused(done, "'one'", "'two'")
    assert "batch=3" not in done.stderr


def test_sizes_that_exist_may_be_repeated(compiled):
    assert dims(compiled("--sizes=x:2=3"))["x"][2] == 3


def test_verify_takes_sizes(tenon, model):
    done = tenon("verify", model, "--sizes=batch=2,x:1=5", "--random-seed=1", "--json")
    assert done.returncode == OK, done.stderr


def test_no_effect_without_import(tenon, model, tmp_path):
    (tmp_path / "g.mlir").write_text(tenon("compile", model, "--stop-after=graph").stdout)
    done = tenon("compile", tmp_path / "g.mlir", "--start-from=numerics", "--sizes=batch=2", "-o", tmp_path / "x.tenon")
    refused(done, "[TN8012]")


def test_stages_keep_sizes(tenon, model, tmp_path, compiled):
    flags = ["--sizes=batch=2..4", "--optShapes=v:7"]
    compiled(*flags)
    straight = compiled.path.read_bytes()
    for stage, following in (("import", "graph"), ("graph", "numerics"), ("place", "codegen")):
        text = tmp_path / "model.onnx"
        text.write_text(tenon("compile", model, f"--stop-after={stage}", *flags).stdout)
        done = tenon("compile", text, f"--start-from={following}", "-o", tmp_path / "resumed.tenon")
        assert done.returncode == OK, done.stderr
        assert (tmp_path / "resumed.tenon").read_bytes() == straight, stage
