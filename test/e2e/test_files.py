# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the tools do to files and what files can do to them: outputs that would
replace inputs, interruptions, closed streams, pipes, groups of protobuf, deep
models, and names that steer terminals."""

import os
import re
import resource
import signal
import subprocess
import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from cross import tool
from harness import ROOT, build_under_test
from test_driver import OK, RESOURCE, UNSUPPORTED, USER_ERROR, refused, save, value

HERE = ROOT / "test/e2e"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """y = x * w, the weight in the file."""
    weight = numpy_helper.from_array(np.full((4, 4), 2, np.float32), "w")
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"], "product")]
    return save(tmp_path_factory.mktemp("files") / "model.onnx", nodes, [value("x", [2, 4])], [value("y", [2, 4])], [weight])


@pytest.fixture(scope="module")
def artifact(tenon, model):
    path = model.parent / "good.tenon"
    assert tenon("compile", model, "-o", path, "-q").returncode == OK
    return path


@pytest.fixture(scope="module")
def intercept(tenon, tmp_path_factory):
    """Environment variables that preload Inputs/intercept.c."""
    if tenon.sanitized:
        pytest.skip("a sanitizer's own library must be loaded first")
    library = tmp_path_factory.mktemp("intercept") / "intercept.so"
    subprocess.run([tool("clang"), "-shared", "-fPIC", "-O1", HERE / "Inputs/intercept.c", "-o", library, "-ldl"], check=True)
    return lambda **variables: dict(os.environ, LD_PRELOAD=str(library), **{k: str(v) for k, v in variables.items()})


# Outputs that would replace what they are made from.


def other_names(path, folder):
    """Spellings of a file, and files that are the same one."""
    link, hard = folder / f"link-{path.name}", folder / f"hard-{path.name}"
    link.symlink_to(path)
    os.link(path, hard)
    detour = path.parent / "." / ".." / path.parent.name / path.name
    return [path, os.path.relpath(path), str(detour), str(path.parent) + "//" + path.name, link, hard]


def external_model(folder):
    """The model with its weight in a file of its own, two folders down."""
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"], "product")]
    weight = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[4, 4], data_location=TensorProto.EXTERNAL)
    entry = weight.external_data.add()
    entry.key, entry.value = "location", "data/w.onnx"
    (folder / "data").mkdir()
    (folder / "data/w.onnx").write_bytes(np.full((4, 4), 2, np.float32).tobytes())
    return save(folder / "model.onnx", nodes, [value("x", [2, 4])], [value("y", [2, 4])], [weight])


def kept(tenon, files, call, *texts):
    """The call is refused and the files are as before."""
    before = {file: (file.read_bytes(), file.stat().st_ino) for file in files}
    refused(tenon(*call), USER_ERROR, "[TN8030]", "name another output", *texts)
    assert {file: (file.read_bytes(), file.stat().st_ino) for file in files} == before
    assert not [name for file in files for name in os.listdir(file.parent) if name.endswith(".tmp")]


CONVERT = ["convert", "MODEL", "--weights=i8"]


@pytest.mark.parametrize("command", [
    ["compile", "MODEL", "-o", "PATH"], ["compile", "--onnx=MODEL", "--saveEngine=PATH"], ["verify", "MODEL", "-o", "PATH"],
    [*CONVERT, "-o", "PATH"], [*CONVERT, "--report=PATH"], [*CONVERT, "-o", "OUT.tenon", "--report=PATH"],
    [*CONVERT, "-o", "OUT.onnx", "--report=PATH"]], ids=lambda command: " ".join(command))
@pytest.mark.parametrize("victim", ["model", "external data"])
def test_no_model_is_replaced(tenon, tmp_path, command, victim):
    path = external_model(tmp_path)
    data = tmp_path / "data/w.onnx"
    (tmp_path / "names").mkdir()
    names = other_names(path if victim == "model" else data, tmp_path / "names")
    for name in names if command[:2] == ["compile", "MODEL"] else names[-1:]:
        call = [str(part).replace("MODEL", str(path)).replace("PATH", str(name)).replace("OUT", str(tmp_path / "out")) for part in command]
        kept(tenon, [path, data], call, victim)
        assert not list(tmp_path.glob("out.*"))


def test_an_artifact_named_like_its_model(tenon, model, tmp_path):
    path = tmp_path / "model.tenon"  # the default output of a model of this name
    path.write_bytes(model.read_bytes())
    before = path.read_bytes()
    refused(tenon("compile", path), USER_ERROR, "[TN8046]", "is no artifact of Tenon")
    assert path.read_bytes() == before


def test_no_ir_is_replaced(tenon, model, tmp_path):
    assert tenon("compile", model, "--stop-after=graph").returncode == OK
    path = tmp_path / "2-numerics.mlir"
    path.write_text(tenon("compile", model, "--stop-after=graph").stdout)
    kept(tenon, [path], ["compile", path, "--start-from=numerics", f"--dump-to={tmp_path}", "-o", tmp_path / "x.tenon"])
    kept(tenon, [path], ["compile", path, "--start-from=numerics", "-o", path])
    form = tmp_path / "own.yaml"
    form.write_text((ROOT / "formats/cFP8E4M3.yaml").read_text().replace("cFP8E4M3", "ownFP8"))
    kept(tenon, [form], ["compile", model, f"--format-file={form}", "-o", form], "declaration")


def test_no_input_of_a_run_is_replaced(tenon, artifact, tmp_path):
    x, y = tmp_path / "x.npy", tmp_path / "expected.npy"
    np.save(x, np.ones((2, 4), np.float32))
    np.save(y, np.full((2, 4), 8, np.float32))
    data = tmp_path / "data"
    data.mkdir()
    (data / "input_0.pb").write_bytes(numpy_helper.from_array(np.ones((2, 4), np.float32), "x").SerializeToString())
    (tmp_path / "names").mkdir()
    run = ["run", artifact, f"--input=x=@{x}"]
    for victim, what in ((artifact, "the artifact"), (x, "an input")):
        for name in other_names(victim, tmp_path / "names"):
            kept(tenon, [artifact, x], [*run, f"--output=y=@{name}"], what)
    kept(tenon, [y], [*run, f"--expected-output=y=@{y}", f"--output=y=@{y}"], "an expected output")
    kept(tenon, [data / "input_0.pb"], ["run", artifact, f"--test-data={data}", f"--output=y=@{data}/input_0.pb"], "--test-data")
    assert tenon(*run, f"--output=y=@{tmp_path}/y.npy").returncode == OK
    kept(tenon, [x], ["verify", artifact.parent / "model.onnx", f"--input=x=@{x}", "-o", x], "an input")


def test_no_output_replaces_another(tenon, tmp_path):
    nodes = [helper.make_node("Relu", ["x"], [name], name) for name in "yz"]
    path = save(tmp_path / "two.onnx", nodes, [value("x", [2])], [value("y", [2]), value("z", [2])])
    assert tenon("compile", path, "-q", "-o", tmp_path / "two.tenon").returncode == OK
    run = ["run", tmp_path / "two.tenon", "--input=x=2xf32=1"]
    refused(tenon(*run, f"--output=y=@{tmp_path}/a.npy", f"--output=z=@{tmp_path}/./a.npy"), USER_ERROR, "[TN8030]", "--output writes, too")
    assert not (tmp_path / "a.npy").exists()
    assert tenon(*run, "--output=y=@/dev/null", "--output=z=@/dev/null").returncode == OK


# Interruptions.


def heed_signals():
    """Before a program is started that these shall end: `nohup make test` ignores SIGHUP, and a shell's `&` SIGINT and SIGQUIT."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


def left_in(folder):
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())


@pytest.mark.parametrize("number, call", [
    (signal.SIGINT, "fsync:m.tenon"), (signal.SIGHUP, "rename:m.tenon"), (signal.SIGTERM, "unlink:.so"), (signal.SIGQUIT, "unlink:.o")])
def test_signals_leave_no_file(intercept, tenon, model, tmp_path, number, call):
    (tmp_path / "tmp").mkdir()
    environment = intercept(TENON_SIGNAL=f"{int(number)}:{call}", TMPDIR=tmp_path / "tmp")
    done = tenon("compile", model, "-q", "-o", tmp_path / "m.tenon", env=environment, preexec_fn=heed_signals)
    assert done.returncode == -number, done.stderr
    assert left_in(tmp_path) == []


@pytest.mark.parametrize("command", [
    ["verify", "MODEL"],
    ["convert", "MODEL", "--weights=i8", "--activations=i8", "--calibration=SAMPLE", "-q", "-o", "OUT.onnx"],
    ["run", "ARTIFACT", "--random-seed=1", "--output=y=@OUT.npy"]], ids=lambda command: command[0])
def test_signals_leave_no_file_of_other_commands(intercept, tenon, model, artifact, tmp_path, command):
    sample = tmp_path / "sample.npz"
    np.savez(sample, x=np.ones((2, 4), np.float32))
    (tmp_path / "tmp").mkdir()
    names = {"MODEL": str(model), "ARTIFACT": str(artifact), "SAMPLE": str(sample), "OUT": str(tmp_path / "out")}
    for name, text in names.items():
        command = [part.replace(name, text) for part in command]
    for call in ("fsync:/", "unlink:tmp/"):
        if call.startswith("unlink") and command[0] == "run":
            continue
        environment = intercept(TENON_SIGNAL=f"{int(signal.SIGTERM)}:{call}", TMPDIR=tmp_path / "tmp")
        done = tenon(*command, env=environment, preexec_fn=heed_signals)
        assert done.returncode == -signal.SIGTERM, (call, done.stderr)
        assert left_in(tmp_path) == ["sample.npz"], call


def test_ignored_signals_stay_ignored(intercept, tenon, model, tmp_path):
    def ignore():
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does

    environment = intercept(TENON_SIGNAL=f"{int(signal.SIGHUP)}:fsync:m.tenon")
    done = tenon("compile", model, "-q", "-o", tmp_path / "m.tenon", env=environment, preexec_fn=ignore)
    assert done.returncode == OK and left_in(tmp_path) == ["m.tenon"], done.stderr


def test_crashes_leave_no_file(intercept, tenon, model, tmp_path):
    environment = intercept(TENON_SIGNAL=f"{int(signal.SIGSEGV)}:fsync:m.tenon", TMPDIR=tmp_path)
    refused(tenon("compile", model, "-q", "-o", tmp_path / "m.tenon", env=environment), 70, "[TN8070]")
    assert left_in(tmp_path) == []


@pytest.mark.parametrize("suffix", ["tenon", "onnx"])
def test_bytes_are_durable_before_their_name(intercept, tenon, model, tmp_path, suffix):
    output, calls = tmp_path / f"out.{suffix}", tmp_path / "calls"
    command = ["compile", model] if suffix == "tenon" else ["convert", model, "--weights=i8"]
    assert tenon(*command, "-q", "-o", output, env=intercept(TENON_CALLS=calls)).returncode == OK
    lines = [line.split() for line in calls.read_text().splitlines()]
    at = next(i for i, line in enumerate(lines) if line[0] == "rename" and line[-1] == str(output))
    assert ["fsync", lines[at][1]] in lines[:at], "the file, under the name that it has until then"
    assert ["fsync", str(tmp_path)] in lines[at:], "its folder"


# Threads, streams, and files that are none.


def test_no_thread_can_be_started(intercept, tenon, model, artifact, tmp_path):
    environment = intercept(TENON_NO_THREADS=1, TMPDIR=tmp_path)
    done = tenon("compile", model, "-q", "-o", tmp_path / "m.tenon", env=environment)
    assert done.returncode == OK, done.stderr
    assert (tmp_path / "m.tenon").read_bytes() == artifact.read_bytes()
    assert left_in(tmp_path) == ["m.tenon"]
    assert tenon("run", artifact, "--random-seed=1", "--threads=4", env=environment).returncode == OK
    done = tenon("verify", model, "--threads=4", env=environment)
    assert done.returncode == OK, done.stderr
    script = f"import tenon; tenon.compile({str(model)!r}, output={str(tmp_path / 'p.tenon')!r})"
    package = build_under_test() / "python"
    if list(package.glob("tenon/_compiler*.so")):
        environment.update(PYTHONPATH=str(package), OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1")
        done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == OK, done.stderr


@pytest.mark.parametrize("closed", [(0,), (1,), (2,), (0, 1), (1, 2), (0, 1, 2)])
def test_closed_streams(tenon, model, artifact, tmp_path, closed):
    def close():
        for fd in closed:
            os.close(fd)

    # A model with a note to print, and one that is refused.
    for flags, status in (([], OK), (["--stop-after=import"], OK), (["--target=cpu:vax"], USER_ERROR)):
        output = ["-o", tmp_path / "m.tenon"] if not flags or flags[0].startswith("--target") else []
        done = subprocess.run(
            [tenon.program, "compile", str(model), *map(str, output), *flags], preexec_fn=close,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120, check=False)
        assert done.returncode == status
    assert (tmp_path / "m.tenon").read_bytes() == artifact.read_bytes()
    y = tmp_path / "y.npy"
    done = subprocess.run(
        [tenon.program, "run", str(artifact), "--input=x=2x4xf32=1", f"--output=y=@{y}"], preexec_fn=close,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120, check=False)
    assert done.returncode == OK and (np.load(y) == 8).all()
    assert left_in(tmp_path) == ["m.tenon", "y.npy"]


@pytest.mark.parametrize("flags", [
    ["compile", "FILE"], ["compile", "MODEL", "--format-file=FILE"], ["compile", "FILE", "--start-from=graph"],
    ["convert", "FILE", "--weights=i8"], ["convert", "MODEL", "--weights=i8", "--activations=i8", "--calibration=FILE"],
    ["convert", "MODEL", "--weights=i8", "--activations=i8", "--calibration=FOLDER"],
    ["run", "FILE"], ["run", "ARTIFACT", "--input=x=@FILE"], ["run", "ARTIFACT", "--input=x=@FILE.pb"], ["run", "ARTIFACT", "--test-data=FOLDER"],
    ["run", "ARTIFACT", "--random-seed=1", "--expected-output=y=@FILE"], ["bench", "FILE"], ["bench", "ARTIFACT", "--input=x=@FILE"],
    ["verify", "FILE"], ["verify", "MODEL", "--artifact=FILE"], ["verify", "MODEL", "--input=x=@FILE"], ["explain", "FILE"], ["inspect", "FILE"],
    ["compile", "EXTERNAL"]], ids=lambda flags: " ".join(flags))
def test_pipes_and_devices_are_refused(tenon, model, artifact, tmp_path, flags):
    (tmp_path / "folder").mkdir()
    names = {"FILE": tmp_path / "pipe.npz", "FOLDER": tmp_path / "folder", "MODEL": model, "ARTIFACT": artifact}
    for pipe in (names["FILE"], tmp_path / "pipe.npz.pb", tmp_path / "folder/input_0.pb"):
        os.mkfifo(pipe)
    if "EXTERNAL" in flags:
        (tmp_path / "external").mkdir()
        names["EXTERNAL"] = external_model(tmp_path / "external")
        (tmp_path / "external/data/w.onnx").unlink()
        os.mkfifo(tmp_path / "external/data/w.onnx")
    for file in (names["FILE"], "/dev/zero"):
        names["FILE"] = file
        call = list(flags)
        for name, path in names.items():
            call = [part.replace(name, str(path)) for part in call]
        if "/dev/zero.pb" not in " ".join(call):
            refused(tenon(*call), USER_ERROR, "not a regular file" if "--calibration=/dev/zero" not in call else "[TN8023]")


# Groups: fields that protobuf skips.


def varint(number):
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def group(field, body=b"", end=None):
    return varint(field << 3 | 3) + body + varint((end or field) << 3 | 4)


def nested(depth):
    return b"\x0b" * depth + b"\x0c" * depth


INSIDE = b"\x08\x96\x01" + b"\x11" + bytes(8) + b"\x1a\x03abc" + b"\x25" + bytes(4)  # a field of each wire type
GROUPS = {
    "empty": group(1), "with fields": group(7, INSIDE), "of a known field": group(7), "of a large number": group((1 << 29) - 1, INSIDE),
    "in a group": group(3, group(9, INSIDE) + group(3)), "30 deep": nested(30), "10,000 deep": nested(10000),
    "several": group(1) + group(2) + group(1), "of 5000 bytes": group(4, b"\x1a" + varint(5000) + bytes(5000)),
    "cut": b"\x0b", "cut within a field": b"\x0b\x1a\x64ab", "cut within a varint": b"\x0b\x08\xff", "end without begin": b"\x0c",
    "ended by another number": group(1, end=2), "crossed": b"\x0b\x13\x0c\x14", "of number 0": b"\x03\x04", "wire type 6": b"\x0b\x0e\x0c",
    "wire type 7": b"\x0f", "a tag of six bytes": b"\x8b\x80\x80\x80\x80\x00\x0c", "a field of number 0": b"\x0b\x00\x00\x0c",
    "a varint of 11 bytes": b"\x0b\x08" + b"\xff" * 10 + b"\x01\x0c",
}


def field(number, body):
    return varint(number << 3 | 2) + varint(len(body)) + body


def grouped(model, place, extra):
    """The model's bytes with more bytes in front of, behind, or inside of a message."""
    graph = model.graph.SerializeToString()
    rest = onnx.ModelProto()
    rest.CopyFrom(model)
    rest.ClearField("graph")
    head = rest.SerializeToString()
    if place == "in front":
        return extra + head + field(7, graph)
    if place == "behind":
        return head + field(7, graph) + extra
    if place == "in the graph":
        return head + field(7, extra + graph)
    inner = onnx.GraphProto()
    inner.CopyFrom(model.graph)
    if place == "in a node":
        inner.ClearField("node")
        return head + field(7, field(1, model.graph.node[0].SerializeToString() + extra) + inner.SerializeToString())
    if place == "in a tensor":
        inner.ClearField("initializer")
        return head + field(7, inner.SerializeToString() + field(5, extra + model.graph.initializer[0].SerializeToString()))
    inner.ClearField("input")  # in a message that the scan for payloads leaves alone
    return head + field(7, inner.SerializeToString() + field(11, extra + model.graph.input[0].SerializeToString()))


@pytest.mark.parametrize("place", ["in front", "behind", "in the graph", "in a node", "in a tensor", "in an input"])
def test_groups_are_taken_as_protobuf_does(tenon, tmp_path, place):
    weight = numpy_helper.from_array(np.arange(256, dtype=np.float32).reshape(16, 16), "w")  # a payload that stays in the file
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"], "product")]
    model = onnx.load(save(tmp_path / "plain.onnx", nodes, [value("x", [2, 16])], [value("y", [2, 16])], [weight]))

    def imported(done):
        """The import's IR, without what differs with the file's bytes: its hash, and a payload's alignment."""
        return re.sub(r'\.hash = "[0-9a-f]+"', "", re.sub(r'"0x[0-9A-F]{8}', '"0x', done.stdout))

    plain = imported(tenon("compile", tmp_path / "plain.onnx", "--stop-after=import"))
    taken = 0
    for name, extra in GROUPS.items():
        path = tmp_path / "m.onnx"
        path.write_bytes(grouped(model, place, extra))
        try:
            onnx.load(path)
            good = name != "a field of number 0"  # which Python's protobuf takes and C++'s does not
        except Exception:  # protobuf's DecodeError is no public name
            good = False
        done = tenon("compile", path, "--stop-after=import")
        if good:
            assert done.returncode == OK and imported(done) == plain, f"{name}: {done.stderr}"
        else:
            assert done.returncode == USER_ERROR and "[TN1001]" in done.stderr, f"{name}: {done.stderr}"
        taken += good
    assert taken == 8, "as many as are well-formed, and no deeper than protobuf goes"


# Models that nest.


def nest(depth, named=False):
    """If within If, `depth` deep, each in the first branch of the other; nodes have no names."""
    inner = helper.make_graph([helper.make_node("Neg", ["x"], ["o0"], "neg" if named else "")], "g", [], [value("o0", [4])])
    for level in range(1, depth + 1):
        other = helper.make_graph([helper.make_node("Abs", ["x"], [f"e{level}"])], "g", [], [value(f"e{level}", [4])])
        node = helper.make_node("If", ["c"], [f"o{level}"], "n" * 4000 if named else "", then_branch=inner, else_branch=other)
        inner = helper.make_graph([node], "g", [], [value(f"o{level}", [4])])
    inner.input.extend([value("c", [], TensorProto.BOOL), value("x", [4])])
    return helper.make_model(inner, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def names_of(text):
    """Of the nodes in the import's IR."""
    return re.findall(r'onnx\.node "\w+"\([^)]*\) \{name = "([^"]*)"', text)


def test_nested_branches_grow_linearly(tenon, tmp_path):
    def limit():
        if not tenon.sanitized:
            resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))

    sizes, seconds = {}, {}
    for depth in (4, 8, 16, 28):
        path = tmp_path / f"{depth}.onnx"
        onnx.save(nest(depth), path)
        done = tenon("compile", path, "--stop-after=import", preexec_fn=limit)
        assert done.returncode == OK, done.stderr
        names = names_of(done.stdout)
        assert len(names) == len(set(names)) and max(map(len, names)) < 120, names
        sizes[depth] = sum(map(len, names))
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = tenon("compile", path, "-q", "-o", tmp_path / "m.tenon", preexec_fn=limit)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert done.returncode == OK, done.stderr
        seconds[depth] = after.ru_utime - before.ru_utime
    assert sizes[28] < 10 * sizes[4], sizes
    assert seconds[28] < 12 * seconds[4], seconds
    for flag, expected in ((1, -1), (0, 1)):
        done = tenon("run", tmp_path / "m.tenon", f"--input=c=bool={flag}", "--input=x=4xf32=1", f"--output=o28=@{tmp_path}/o.npy")
        assert done.returncode == OK and (np.load(tmp_path / "o.npy") == expected).all(), done.stderr


def test_unnamed_nodes_below_long_names(tenon, tmp_path):
    onnx.save(nest(8, named=True), tmp_path / "m.onnx")
    done = tenon("compile", tmp_path / "m.onnx", "--stop-after=import")
    assert done.returncode == OK, done.stderr
    generated = [name for name in names_of(done.stdout) if "Abs" in name]
    assert len(set(generated)) == 8 and max(map(len, generated)) < 120, generated


# Messages.


def test_names_do_not_steer_the_terminal(tenon, tmp_path):
    name = "evil\x1b[2J\x1b]0;title\x07\nerror: [TN9999] forged\r\x9b31m\u202e"
    nodes = [helper.make_node("NoSuchOp", ["x"], ["y"], name)]
    path = save(tmp_path / "a\nb\x1b[1m.onnx", nodes, [value("x", [4])], [value("y", [4])])
    done = tenon("compile", path)
    refused(done, UNSUPPORTED, "a\\nb\\x1b[1m.onnx", "evil\\x1b[2J\\x1b]0;title\\x07\\nerror: [TN9999] forged\\r")
    assert len(done.stderr.splitlines()) == 1 and not set(done.stderr[:-1]) & set("\x1b\x07\r\n\x9b\u202e")
    good = save(tmp_path / "good.onnx", [helper.make_node("Relu", ["x"], [name], name)], [value("x", [4])], [value(name, [4])])
    artifact = tmp_path / "c\nd\x1b[1m.tenon"
    calls = [["compile", good, "-o", artifact], ["explain", artifact], ["inspect", artifact], ["inspect", artifact, "--kernels"],
             ["run", artifact, "--random-seed=1"], ["bench", artifact, "--duration=0.01", "--warmup=0", "--profile"], ["verify", good],
             ["run", artifact], ["run", artifact, "--input=x=5xf32=1"], ["run", artifact, "--input=x=4xf32=1", "--output=q=@q.npy"]]
    for call in calls:
        done = tenon(*call)
        for text in (done.stdout, done.stderr):
            assert not set(text) & set("\x1b\x07\r\x9b\u202e"), (call, text)
            assert "\nerror: [TN9999]" not in text, (call, text)


def test_long_names_are_cut_in_the_middle(tenon, tmp_path):
    for middle in ("x" * 100000, "a name with spaces " * 5000, "\u20ac" * 30000):
        nodes = [helper.make_node("Relu", ["first" + middle + "last"], ["y"], "begin" + middle + "end")]
        path = save(tmp_path / "m.onnx", nodes, [value("x", [4])], [value("y", [4])])
        done = tenon("compile", path)
        refused(done, USER_ERROR, "[TN1020]", "begin", "...", "last', which nothing defines")
        assert len(done.stderr) < 5000 and "\\x" not in done.stderr


@pytest.mark.parametrize("count", [1, 3, 5, 6, 100, 2000])
def test_equal_problems_are_summed_up(tenon, tmp_path, count):
    weights = []
    for i in range(count):
        weight = TensorProto(name=f"w{i}", data_type=TensorProto.FLOAT, dims=[4], data_location=TensorProto.EXTERNAL)
        entry = weight.external_data.add()
        entry.key, entry.value = "location", "absent.data"
        weights.append(weight)
    nodes = [helper.make_node("Add", ["x" if i == 0 else f"y{i - 1}", f"w{i}"], [f"y{i}"], f"sum{i}") for i in range(count)]
    nodes.append(helper.make_node("NoSuchOp", [f"y{count - 1}"], ["y"], "odd"))
    done = tenon("compile", save(tmp_path / "m.onnx", nodes, [value("x", [4])], [value("y", [4])], weights))
    lines = done.stderr.splitlines()
    assert done.returncode == UNSUPPORTED and "odd (NoSuchOp" in done.stderr, "a problem of another kind is not lost"
    if count <= 5:
        assert len(lines) == count + 1 and all(f"'w{i}'" in done.stderr for i in range(count))
    else:
        assert len(lines) == 5 and lines[-1] == f"error: [TN1041] and {count - 3} more like it", done.stderr


def test_different_problems_are_all_told(tenon, tmp_path):
    names = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta"]
    nodes = [helper.make_node(f"No{name.title()}", ["x"], [name], name) for name in names]
    done = tenon("compile", save(tmp_path / "m.onnx", nodes, [value("x", [4])], [value(name, [4]) for name in names]))
    assert done.returncode == UNSUPPORTED and all(f"{name} (No{name.title()}" in done.stderr for name in names), done.stderr
    nodes = [helper.make_node("NonZero", ["x"], [name], name) for name in names]
    done = tenon("compile", save(tmp_path / "m.onnx", nodes, [value("x", [4])], [value(name, None, TensorProto.INT64) for name in names]))
    assert done.returncode == UNSUPPORTED and all(name in done.stderr for name in names[:3]), done.stderr


def test_a_full_disk_is_a_resource(tenon, model, tmp_path):
    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))

    refused(tenon("compile", model, "-o", tmp_path / "m.tenon", preexec_fn=limit), RESOURCE)
    assert left_in(tmp_path) == []
