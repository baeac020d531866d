# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`--emit=static-lib`: programs of C and C++ that are linked with models give the bits that
artifacts give; what is declared, what is refused, and what is left after a failure."""

import importlib.util
import os
import re
import subprocess

import numpy as np
import pytest
from onnx import helper, numpy_helper

import cross
from driver_models import OK, UNSUPPORTED, USER_ERROR, refused, save, value
from harness import ROOT, build_under_test, use_package

HERE = ROOT / "test/e2e"
BUILD = build_under_test()
assert use_package(BUILD) is None
RUNTIME = ["-pthread", f"-I{ROOT}/runtime/include"]
LINK = ["cc", "-O1", "-Wall", "-Werror", "-Wl,--gc-sections"]


def network(path, seed=0, batch=2):
    """A convolution, a product and what is between them, with weights of their own."""
    rng = np.random.default_rng(seed)
    weights = [numpy_helper.from_array(rng.standard_normal(shape).astype(np.float32), name)
               for name, shape in (("k", (8, 3, 3, 3)), ("w", (8 * 36, 10)), ("b", (10,)))]
    nodes = [
        helper.make_node("Conv", ["x", "k"], ["c"], "conv"),
        helper.make_node("Relu", ["c"], ["r"], "relu"),
        helper.make_node("Flatten", ["r"], ["f"], "flatten"),
        helper.make_node("MatMul", ["f", "w"], ["m"], "product"),
        helper.make_node("Add", ["m", "b"], ["s"], "bias"),
        helper.make_node("Softmax", ["s"], ["y"], "softmax"),
    ]
    return save(path, nodes, [value("x", [batch, 3, 8, 8])], [value("y", [batch, 10])], weights)


def library(tenon, model, folder, name, *flags):
    archive = folder / f"lib{name}.a"
    done = tenon("compile", model, "--emit=static-lib", "-o", archive, "-q", *flags)
    assert done.returncode == OK and not done.stdout, done.stderr
    return archive


def call(command, **where):
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False, timeout=900, **where)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def linked(archive, name, folder):
    """A program that runs the model of an archive: Inputs/runner.c."""
    program = folder / f"run-{name}"
    source = ["-include", archive.parent / f"{name}.h", f"-DLINKED_MODEL={name}_model", HERE / "Inputs/runner.c"]
    call([*LINK, *source, archive, BUILD / "lib/libtenon-rt.a", *RUNTIME, "-o", program])
    return program


def run(program, arrays, folder, threads=1, guard=0, emulator=()):
    arguments = []
    for i, array in enumerate(arrays):
        np.ascontiguousarray(array).tofile(folder / f"in{i}")
        arguments.append(f"{folder}/in{i}={'x'.join(map(str, array.shape))}")
    text = call([*emulator, program, "none", threads, folder / "out", *arguments], env=dict(os.environ, RUNNER_GUARD=str(guard)))
    outputs = []
    for i, line in enumerate(text.splitlines()):
        dtype, *shape = map(int, line.split())
        outputs.append(np.fromfile(folder / f"out.{i}", helper.tensor_dtype_to_np_dtype(dtype)).reshape(shape))
    return outputs


def of_artifact(tenon, model, arrays, folder, *flags):
    import tenon as package

    path = folder / "same.tenon"
    assert tenon("compile", model, "-o", path, "-q", *flags).returncode == OK
    with package.load(path) as artifact:
        return list(artifact.session(threads=1).run({info.name: array for info, array in zip(artifact.inputs, arrays)}).values())


def same_bits(actual, wanted):
    assert len(actual) == len(wanted)
    for a, b in zip(actual, wanted):
        assert a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()


@pytest.fixture
def skip_sanitized(tenon):
    if tenon.sanitized:
        pytest.skip("the runtime's archive needs the sanitizer's library")


# Programs.


def test_gives_the_bits_of_the_artifact(tenon, tmp_path, skip_sanitized):
    model, x = network(tmp_path / "net.onnx"), np.random.default_rng(1).standard_normal((2, 3, 8, 8)).astype(np.float32)
    program = linked(library(tenon, model, tmp_path, "net"), "net", tmp_path)
    wanted = of_artifact(tenon, model, [x], tmp_path)
    for threads, guard in ((1, 0), (2, 0), (1, 1), (1, 2)):
        same_bits(run(program, [x], tmp_path, threads, guard), wanted)
    # Nothing that maps code is in the program.
    symbols = call(["nm", "-C", program])
    assert "tenon::rt::linkProgram" in symbols and "net_model" in symbols
    assert not re.search(r"mapImage|tenon_model_load|openArtifact", symbols)


@pytest.mark.parametrize("name", ["mobilenetv2-imagenet-qdq", "silero-vad", "tiny-random-gpt2-ort"])
@pytest.mark.sweep(3)
def test_real_models(tenon, name, tmp_path, skip_sanitized):
    folder = ROOT.parent / "shared/models" / name
    if not folder.is_dir():
        pytest.skip("no ../shared")
    model, data = folder / "model.onnx", sorted(folder.glob("test_data_set_*"))[0]
    arrays = [cross.read_tensor(path) for path in cross.numbered(data, "input")]
    program = linked(library(tenon, model, tmp_path, "real"), "real", tmp_path)
    wanted = of_artifact(tenon, model, arrays, tmp_path)
    for threads, guard in ((2, 0), (1, 1)):
        same_bits(run(program, arrays, tmp_path, threads, guard), wanted)


TWO = r"""
#include "first.h"
#include "second.h"
#include <string.h>

static int run(const tenon_static_model *linked, const float *x, float *y, size_t bytes) {
  tenon_model *model;
  tenon_session *session;
  int64_t shape[] = first_INPUT_x_SHAPE;
  tenon_tensor input = {(void *)x, first_INPUT_x_DTYPE, first_INPUT_x_RANK, shape, first_INPUT_x_BYTES};
  tenon_load_options options = {sizeof options, 1, "cpu"};
  if (tenon_model_from_static(linked, &options, &model) || tenon_session_create(model, NULL, &session) ||
      tenon_session_bind_input(session, second_INPUT_x, &input) || tenon_session_bind_output(session, 0, y, bytes) ||
      tenon_session_run(session))
    return 1;
  tenon_session_free(session);
  tenon_model_free(model);
  return 0;
}

int main() {
  static float x[first_INPUT_x_BYTES / 4], y[3][first_OUTPUT_y_BYTES / 4];
  for (unsigned i = 0; i < sizeof x / 4; ++i)
    x[i] = (float)(i % 7) - 3;
  if (run(&first_model, x, y[0], sizeof y[0]) || run(&second_model, x, y[1], sizeof y[1]) ||
      run(&first_model, x, y[2], sizeof y[2]))
    return 1;
  return memcmp(y[0], y[2], sizeof y[0]) != 0 || memcmp(y[0], y[1], sizeof y[0]) == 0 ? 2 : 0;
}
"""


@pytest.mark.parametrize("compiler, kind", [("cc", "c"), ("c++", "cpp")])
def test_two_models_in_one_program(tenon, compiler, kind, tmp_path, skip_sanitized):
    archives = [library(tenon, network(tmp_path / f"{name}.onnx", seed), tmp_path, name) for seed, name in enumerate(("first", "second"))]
    source = tmp_path / f"two.{kind}"
    source.write_text(TWO)
    # Against the static runtime, and against the shared one.
    for runtime in ([BUILD / "lib/libtenon-rt.a"], [f"-L{BUILD}/lib", "-ltenon-rt", f"-Wl,-rpath,{BUILD}/lib"]):
        call([compiler, "-Wall", "-Werror", source, *archives, *runtime, *RUNTIME, f"-I{tmp_path}", "-o", tmp_path / "two"])
        call([tmp_path / "two"])


WRONG = r"""
#include "net.h"
#include <tenon/abi.h>
#include <stdio.h>
#include <string.h>

static int fails(const tenon_static_model *linked, const tenon_load_options *options, tenon_code code, const char *text) {
  tenon_model *model = NULL;
  tenon_status *status = tenon_model_from_static(linked, options, &model);
  int ok = status && !model && tenon_status_code(status) == code && strstr(tenon_status_text(status), text);
  if (!ok)
    fprintf(stderr, "expected %d and '%s', found %s\n", code, text, status ? tenon_status_text(status) : "no error");
  tenon_status_free(status);
  return !ok;
}

int main(void) {
  static _Alignas(64) uint8_t manifest[1 << 20], weights[1 << 20];
  tenon_load_options null = {sizeof null, 0, "null"}, check = {sizeof check, 1};
  tenon_static_model wrong = net_model;
  int bad = fails(NULL, NULL, TENON_INVALID_ARGUMENT, "NULL") + fails(&net_model, &null, TENON_NO_DRIVER, "'null'");
  wrong.size = 16;
  bad += fails(&wrong, NULL, TENON_VERSION, "16 bytes");
  wrong = net_model;
  wrong.main = NULL;
  bad += fails(&wrong, NULL, TENON_CORRUPT, "lacks");
  wrong = net_model;
  wrong.manifest_bytes = 100;
  bad += fails(&wrong, NULL, TENON_CORRUPT, "manifest");
  memcpy(manifest, net_model.manifest, net_model.manifest_bytes);
  memset(manifest + 8, 0x7f, 64);
  wrong = net_model;
  wrong.manifest = manifest;
  bad += fails(&wrong, NULL, TENON_CORRUPT, "manifest");
  memcpy(weights, net_model.weights, net_model.weight_bytes);
  weights[5] ^= 1;
  wrong = net_model;
  wrong.weights = weights;
  bad += fails(&wrong, &check, TENON_CORRUPT, "weights");
  wrong.weight_bytes /= 2;
  return bad + fails(&wrong, NULL, TENON_CORRUPT, "weights");
}
"""


def test_wrong_tables_are_refused(tenon, tmp_path, skip_sanitized):
    archive = library(tenon, network(tmp_path / "net.onnx"), tmp_path, "net")
    (tmp_path / "wrong.c").write_text(WRONG)
    call([*LINK, tmp_path / "wrong.c", archive, BUILD / "lib/libtenon-rt.a", *RUNTIME, "-o", tmp_path / "wrong"])
    call([tmp_path / "wrong"])


@pytest.mark.parametrize("architecture", ["riscv64"])
def test_other_processors(tenon, architecture, tmp_path, skip_sanitized):
    """The how-to page does AArch64."""
    if lacking := cross.missing(architecture):
        pytest.skip(lacking)
    emulated = cross.Emulated(BUILD, architecture, tmp_path, 300)
    model, x = network(tmp_path / "net.onnx"), np.random.default_rng(1).standard_normal((2, 3, 8, 8)).astype(np.float32)
    archive = library(tenon, model, tmp_path, "net", f"--target=cpu:{architecture}")
    assert tenon("compile", model, "-o", tmp_path / "net.tenon", "-q", f"--target=cpu:{architecture}").returncode == OK
    wanted, error = emulated.run(tmp_path / "net.tenon", [x], 1)
    assert error is None
    objects = sorted((cross.Path(emulated.command[-1]).parent).glob(f"{architecture}-*.o"))
    assert objects
    program = tmp_path / "run"
    call([cross.tool("clang"), f"--target={architecture}-linux-gnu", "-fuse-ld=lld", "-include", tmp_path / "net.h", "-DLINKED_MODEL=net_model",
          HERE / "Inputs/runner.c", archive, *objects, *RUNTIME, "-lpthread", "-o", program])
    same_bits(run(program, [x], tmp_path, emulator=emulated.command[:-1]), wanted)


# Headers.


def test_names_of_models_become_c(tenon, tmp_path):
    """Names that end comments, are no identifiers, or meet each other."""
    names = ["*/ int x; /*", "a.b", "a_b", "a:b", "x", "x_SHAPE", "größe", "1", "", "line\nbreak\\", "??/"]
    nodes = [helper.make_node("Relu", [name], [f"{name}'"], f"n{i}") for i, name in enumerate(names) if name]
    used = [name for name in names if name]
    model = save(tmp_path / "1 bad*name.onnx", nodes, [value(name, [2, "n*/"] if i % 2 else []) for i, name in enumerate(used)],
                 [value(f"{name}'", [2, "n*/"] if i % 2 else []) for i, name in enumerate(used)])
    archive = tmp_path / "lib2-bad name.a"
    done = tenon("compile", model, "--emit=static-lib", "-o", archive, "-q")
    assert done.returncode == OK, done.stderr
    header = tmp_path / "2-bad name.h"
    macros = re.findall(r"#define (\w+)", header.read_text())
    assert len(macros) == len(set(macros)) and all(re.fullmatch(r"(TENON_STATIC_)?model_2_bad_name_\w+", name) for name in macros)
    (tmp_path / "use.c").write_text('#include "2-bad name.h"\n#include "2-bad name.h"\nconst void *use(void) { return &model_2_bad_name_model; }\n')
    for command in (["cc", "-std=c99"], ["c++", "-x", "c++", "-std=c++11"]):
        call([*command, "-pedantic", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", *RUNTIME[1:], f"-I{tmp_path}", tmp_path / "use.c"])


def test_header_describes_the_model(tenon, tmp_path):
    model = save(tmp_path / "m.onnx", [helper.make_node("MatMul", ["x", "w"], ["y"], "product")], [value("x", ["batch", 4])],
                 [value("y", ["batch", 2])], [numpy_helper.from_array(np.ones((4, 2), np.float32), "w")])
    done = tenon("compile", model, "--emit=static-lib", "--sizes=batch=1..8", cwd=tmp_path)
    assert done.returncode == OK and "libm.a and m.h" in done.stdout, done.stderr
    text = (tmp_path / "m.h").read_text()
    assert '/* "x": float32 [batch, 4] */' in text and "#define m_INPUT_x_SHAPE {-1, 4}" in text and "m_INPUT_x_BYTES" not in text
    assert "batch: from 1 to 8" in text and "#define m_NUM_OUTPUTS 1" in text
    assert '"header": "m.h"' in tenon("compile", model, "--emit=static-lib", "--sizes=batch=1..8", "--json", cwd=tmp_path).stdout


def test_equal_inputs_give_equal_bytes(tenon, tmp_path):
    model, made = network(tmp_path / "net.onnx"), []
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        made.append(library(tenon, model, tmp_path / folder, "net", "--target=cpu:x86-64-v3"))
    assert made[0].read_bytes() == made[1].read_bytes()
    assert (tmp_path / "one/net.h").read_bytes() == (tmp_path / "two/net.h").read_bytes()


# Refusals, after which there is nothing that was not there.


def test_refusals(tenon, tmp_path):
    model = network(tmp_path / "net.onnx")
    before = sorted(os.listdir(tmp_path))
    emit = ("compile", model, "--emit=static-lib")
    refused(tenon(*emit, "-o", tmp_path / "net.tenon"), USER_ERROR, "[TN6004]", "does not end in .a", "libNAME.a")
    refused(tenon(*emit, "-o", tmp_path / "n.a", "--target=cpu:host", "--target=cpu:host"), UNSUPPORTED, "[TN6003]", "one device", "leave out")
    refused(tenon("compile", model, "--emit=shared-lib", "-o", tmp_path / "n.a"), USER_ERROR, "[TN8042]", "static-lib")
    refused(tenon(*emit, "--stop-after=graph"), USER_ERROR, "[TN8012]", "--emit")
    refused(tenon(*emit, "-o", tmp_path / "absent/n.a"), USER_ERROR, "[TN6001]")
    assert sorted(os.listdir(tmp_path)) == before


def test_no_input_is_replaced(tenon, tmp_path):
    for name, output in (("n.a", "n.a"), ("n.h", "libn.a"), ("n.h", "n.a")):
        model = network(tmp_path / name)
        bytes_before = model.read_bytes()
        refused(tenon("compile", model, "--emit=static-lib", "-o", tmp_path / output), USER_ERROR, "[TN8030]", "the model")
        assert model.read_bytes() == bytes_before and os.listdir(tmp_path) == [name]
        model.unlink()


def test_only_own_headers_are_replaced(tenon, tmp_path):
    model, header = network(tmp_path / "net.onnx"), tmp_path / "net.h"
    header.write_text("int mine;\n")
    refused(tenon("compile", model, "--emit=static-lib", "-o", tmp_path / "libnet.a"), USER_ERROR, "[TN6004]", "net.h")
    assert header.read_text() == "int mine;\n" and not (tmp_path / "libnet.a").exists()
    header.unlink()
    header.mkdir()
    refused(tenon("compile", model, "--emit=static-lib", "-o", tmp_path / "libnet.a"), USER_ERROR, "[TN6001]", "net.h")
    assert sorted(os.listdir(tmp_path)) == ["net.h", "net.onnx"]


def test_without_a_name_only_the_same_model_is_replaced(tenon, tmp_path):
    model = network(tmp_path / "net.onnx")
    for _ in range(2):
        assert tenon("compile", model, "--emit=static-lib", cwd=tmp_path).returncode == OK
    before = (tmp_path / "libnet.a").read_bytes()
    network(model, seed=1)
    refused(tenon("compile", model, "--emit=static-lib", cwd=tmp_path), USER_ERROR, "[TN8046]", "another model")
    assert (tmp_path / "libnet.a").read_bytes() == before
    done = tenon("compile", model, "--emit=static-lib", "-o", "libnet.a", cwd=tmp_path)
    assert done.returncode == OK and "has been replaced" in done.stderr
    assert (tmp_path / "libnet.a").read_bytes() != before


def test_from_python(tmp_path):
    import tenon as package

    model = network(tmp_path / "net.onnx")
    made = package.compile(model, emit="static-lib", output=tmp_path / "libnet.a", target="cpu:x86-64-v3")
    assert made.archive.read_bytes().startswith(b"!<arch>\n") and "net_model" in made.header.read_text()
    assert made.summary["kernels"] and package.Ledger.of_json(made.ledger).kernels
    for wrong in ({"emit": "shared-lib"}, {"emit": "static-lib"}):
        with pytest.raises(ValueError, match="static-lib"):
            package.compile(model, **wrong)
    with pytest.raises(package.CompileError, match="TN6003"):
        package.compile(model, ["cpu:host", "cpu:host"], tmp_path / "n.a", emit="static-lib")


# The page.


@pytest.mark.parametrize("emulated", [True, False], ids=["for-another-machine", "here"])
@pytest.mark.sweep(2)  # the runtime is built for the other machine: a minute
def test_the_how_to_pages(emulated, tmp_path, skip_sanitized):
    spec = importlib.util.spec_from_file_location("try_howto", ROOT / "utils/try-howto.py")
    pages = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(pages)
    tree = tmp_path / "tree"
    (tree / "build").mkdir(parents=True)
    for name in BUILD.iterdir():  # what the page makes stays in this folder
        if name.name not in ("linked", "explained"):
            (tree / "build" / name.name).symlink_to(name)
    for name in (".venv", "runtime"):
        (tree / name).symlink_to(ROOT / name)
    done = 0
    for page in ("link-a-model", "read-the-explain-page"):
        for options, text in pages.blocks(ROOT / f"docs/HowTo/{page}.md"):
            if not pages.lacking(options) and (emulated or "needs" not in options):
                call(["sh", "-e", "-c", text], cwd=tree)
                done += 1
    assert done >= 5
