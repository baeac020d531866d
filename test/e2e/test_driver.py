# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The `tenon` command: exit statuses, flags that must not be ignored, spellings, files,
and what it says when a model is refused."""

import os
import resource
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from driver_models import INTERNAL, MISMATCH, OK, RESOURCE, UNSUPPORTED, USER_ERROR, refused, save, value


# Exit statuses.


def test_success_is_0(tenon, artifact):
    assert tenon("run", artifact, "--random-seed", 1).returncode == OK


@pytest.mark.parametrize(
    "arguments, text",
    [
        (["compile", "missing.onnx"], "[TN8002]"),
        (["compile", "MODEL", "--target=cpu:vax"], "[TN8010]"),
        (["compile", "MODEL", "--stop-after=lunch"], "[TN8001]"),
        (["compile", "MODEL", "--no-such-flag"], "no-such-flag"),
        (["compile"], "[TN8013]"),
        (["run", "missing.tenon"], "[TN7002]"),
        (["run", "ARTIFACT"], "[TN8007]"),
        (["run", "ARTIFACT", "--input", "q=3xf32=0"], "[TN8006]"),
        (["run", "ARTIFACT", "--input", "x=2x4xf32=0"], "[TN7006]"),
        (["run", "ARTIFACT", "--input", "x=2x3xf32=0", "--input", "x=2x3xf32=1"], "given twice"),
        (["run", "ARTIFACT", "--random-seed=1", "--output", "y=@a.npy", "--output", "y=@b.npy"], "given twice"),
        (["run", "ARTIFACT", "--input", "x=2x3xf32=1e39"], "'1e39' is not a number of type f32"),
        (["run", "ARTIFACT", "--input", "x=2x3xi8=128"], "'128' is not a number of type i8"),
        (["run", "ARTIFACT", "--input", "x=2x3xu8=-1"], "'-1' is not a number of type u8"),
        (["compile", "."], "[TN8002] .: not a regular file"),
        (["run", "ARTIFACT", "--input", "x=2x3xi64=0"], "[TN7007]"),
        (["bench", "ARTIFACT", "--dim", "depth=3"], "[TN8009]"),
        (["verify", "MODEL", "--artifact", "MODEL"], "[TN7003]"),
    ],
)
def test_user_errors_are_1_and_say_what(tenon, model, artifact, arguments, text):
    names = {"MODEL": model, "ARTIFACT": artifact}
    refused(tenon(*(names.get(argument, argument) for argument in arguments)), USER_ERROR, text)


def test_unsupported_is_2_and_lists_all(tenon, tmp_path):
    nodes = [helper.make_node("Det", ["x"], ["d"], "first"), helper.make_node("NonZero", ["x"], ["n"], "second")]
    path = save(
        tmp_path / "m.onnx", nodes, [value("x", [3, 3])], [value("d", []), value("n", [2, None], TensorProto.INT64)]
    )
    refused(tenon("compile", path, cwd=tmp_path), UNSUPPORTED, "first (Det", "second (NonZero", "[TN2101]")
    assert not (tmp_path / "m.tenon").exists()


def test_out_of_memory_is_3(tenon, artifact):
    if tenon.sanitized:
        pytest.skip("AddressSanitizer reserves terabytes of address space")

    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))

    done = tenon("bench", artifact, "--dim", f"batch={1 << 40}", preexec_fn=limit)
    refused(done, RESOURCE, "memory")


def test_other_values_are_4(tenon, artifact, tmp_path):
    np.save(tmp_path / "y.npy", np.full((2, 1, 4), 7, np.float32))
    done = tenon("run", artifact, "--input", "x=2x3xf32=0", "--expected-output", f"y=@{tmp_path / 'y.npy'}")
    assert done.returncode == MISMATCH and "WRONG y" in done.stdout
    np.save(tmp_path / "y.npy", np.ones((2, 1, 4), np.float32))
    done = tenon("run", artifact, "--input", "x=2x3xf32=0", "--expected-output", f"y=@{tmp_path / 'y.npy'}")
    assert done.returncode == OK and "ok    y" in done.stdout


def processor_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_a_crash_is_70(tenon, artifact):
    process = subprocess.Popen(
        [tenon.program, "bench", str(artifact), "--duration", "30"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    while processor_seconds(process.pid) < 0.5:  # past the start, where handlers are installed
        time.sleep(0.01)
    process.send_signal(signal.SIGSEGV)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == INTERNAL and b"[TN8070]" in errors


# Flags that would be ignored are refused.


@pytest.mark.parametrize(
    "arguments",
    [
        ["compile", "MODEL", "--stop-after=graph", "-o", "x.tenon"],
        ["compile", "MODEL", "--stop-after=graph", "-q"],
        ["compile", "MODEL", "--stop-after=graph", "--flush-denormals"],
        ["run", "ARTIFACT", "--random-seed", "1", "--atol", "1"],
        ["run", "ARTIFACT", "--input", "x=2x3xf32=0", "--random-seed", "1"],
        ["run", "ARTIFACT", "--input", "x=2x3xf32=0", "--dim", "batch=3"],
        ["run", "ARTIFACT", "--test-data", ".", "--random-seed", "1"],
        ["verify", "MODEL", "--artifact", "ARTIFACT", "--target", "cpu:host"],
        ["verify", "MODEL", "--artifact", "ARTIFACT", "-o", "x.tenon"],
        ["inspect", "ARTIFACT", "--plan", "--json"],
        ["ops", "--json", "--markdown"],
        ["compile", "MODEL", "--stop-after=graph", "--stop-after=place"],
        ["compile", "MODEL", "-o", "x.tenon", "--saveEngine=y.tenon"],
    ],
)
def test_ignored_flags_are_refused(tenon, model, artifact, arguments):
    names = {"MODEL": model, "ARTIFACT": artifact}
    done = tenon(*(names.get(argument, argument) for argument in arguments))
    refused(done, USER_ERROR, "[TN8012]", "has no effect")


# Denormals.


def test_denormal_weights_are_kept_unless_asked(tenon, tmp_path):
    weight = numpy_helper.from_array(np.array([[1e-40], [1.0]], np.float32), "w")
    path = save(tmp_path / "m.onnx", [helper.make_node("MatMul", ["x", "w"], ["y"], "dying")],
                [value("x", [1, 2])], [value("y", [1, 1])], [weight])

    def compiled(*flags):
        """The summary, and the sum of 1e38 times the denormal weight and 2."""
        done = tenon("compile", path, "-o", tmp_path / "m.tenon", *flags)
        assert done.returncode == OK, done.stderr
        done_run = tenon("run", tmp_path / "m.tenon", "--input", "x=1x2xf32=1e38,2", "--output", f"y=@{tmp_path / 'y.npy'}")
        assert done_run.returncode == OK, done_run.stderr
        return done.stdout, np.load(tmp_path / "y.npy").item()

    summary, result = compiled()
    assert "[TN4013]" in summary and "1 denormal weights (below 1.2e-38) of dying" in summary and "--flush-denormals" in summary
    assert abs(result - 2.01) < 1e-5
    summary, result = compiled("--flush-denormals")
    assert "[TN4010]" in summary and "of dying are taken as zero" in summary
    assert result == 2


# Spellings that people bring along.


def test_other_tools_spellings(tenon, model, artifact, tmp_path):
    same = tmp_path / "same.tenon"
    done = tenon("compile", f"--onnx={model}", f"--saveEngine={same}", "--keep-plan")
    assert done.returncode == OK, done.stderr
    assert same.read_bytes() == artifact.read_bytes()
    assert tenon("run", f"--loadEngine={same}", "--random-seed=1").returncode == OK
    graph = tenon("compile", model, "--compile-to=graph")
    assert graph.returncode == OK and graph.stdout == tenon("compile", model, "--stop-after", "graph").stdout
    (tmp_path / "graph.mlir").write_text(graph.stdout)
    resumed = tenon("compile", tmp_path / "graph.mlir", "--compile-from=numerics", "-o", tmp_path / "resumed.tenon")
    assert resumed.returncode == OK, resumed.stderr


def test_package_is_the_last_stage(tenon, model, artifact, tmp_path):
    done = tenon("compile", model, "--stop-after=package", "--keep-plan", "-o", tmp_path / "x.tenon")
    assert done.returncode == OK and (tmp_path / "x.tenon").read_bytes() == artifact.read_bytes(), done.stderr


def test_sixteen_bit_floats(tenon, tmp_path):
    x, y = (value(name, ["n"], TensorProto.BFLOAT16) for name in "xy")
    path = save(tmp_path / "b.onnx", [helper.make_node("Relu", ["x"], ["y"])], [x], [y])
    artifact = path.with_suffix(".tenon")
    assert tenon("compile", path, "-q", "-o", artifact).returncode == OK
    assert tenon("run", artifact, "--input", "x=3xbf16=1 -2 3.5").returncode == OK
    refused(tenon("run", artifact, "--input", "x=2xbf16=1", "--output", f"y=@{tmp_path / 'y.npy'}"), USER_ERROR, "[TN8008]", "bf16")
    assert not (tmp_path / "y.npy").exists()


def test_outputs_are_written_whole(tenon, artifact, tmp_path):
    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    path = tmp_path / "y.npy"
    path.write_text("of an earlier run")
    done = tenon("run", artifact, "--input", "x=999x3xf32=1", "--output", f"y=@{path}", preexec_fn=limit)
    refused(done, USER_ERROR, "[TN8008]", str(path))
    assert path.read_text() == "of an earlier run" and os.listdir(tmp_path) == ["y.npy"]


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="no terminals")
def test_progress_on_a_terminal(tenon, model, tmp_path):
    master, slave = os.openpty()
    subprocess.run([tenon.program, "compile", str(model), "-o", str(tmp_path / "x.tenon")], stdout=subprocess.DEVNULL, stderr=slave, check=True)
    os.close(slave)
    shown = os.read(master, 65536).decode()
    os.close(master)
    for phase in ("[1/6] import", "[2/6] graph, 8 ONNX nodes", "[5/6] codegen, ", "[6/6] package"):
        assert phase in shown, shown


def test_refusals_name_every_node(tenon, tmp_path):
    double = lambda name: value(name, [4], TensorProto.DOUBLE)  # noqa: E731
    nodes = [helper.make_node("Atan", [a], [b], name) for a, b, name in (("x", "y", "one"), ("u", "v", "two"))]
    path = save(tmp_path / "model.onnx", nodes, [double("x"), double("u")], [double("y"), double("v")])
    refused(tenon("compile", path, "-o", tmp_path / "x.tenon"), UNSUPPORTED, "node 'one'", "the same holds for two")


def test_sizes_that_constants_ask_for(tenon, tmp_path):
    ints = lambda name, values: numpy_helper.from_array(np.array(values), name)  # noqa: E731
    nodes = [helper.make_node("Slice", ["x", "from", "to"], ["y"], "part"), helper.make_node("Split", ["z", "sizes"], ["p", "q"], "halves")]
    path = save(tmp_path / "model.onnx", nodes, [value("x", ["n"]), value("z", ["m"])],
                [value("y", [3]), value("p", [2]), value("q", [3])], [ints("from", [2]), ints("to", [5]), ints("sizes", [2, 3])])
    assert tenon("compile", path, "-o", tmp_path / "x.tenon", "-q").returncode == OK
    run = lambda n, m: tenon("run", tmp_path / "x.tenon", "--input", f"x={n}xf32=0", "--input", f"z={m}xf32=0")  # noqa: E731
    assert run(5, 5).returncode == OK
    assert "y: 2xf32" in run(4, 5).stdout  # a slice ends where the data does
    refused(run(5, 6), USER_ERROR, "TN7006", "input 'z': dimension 0 is 6", "expects 5")
