# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The words after `tenon`: what is accepted, what is refused by name, what help says,
where files go, and output for programs."""

import json
import os
import re
import subprocess

import numpy as np
import pytest
from onnx import TensorProto, helper

from driver_models import OK, USER_ERROR, refused
from driver_models import save as save_model
from driver_models import value

COMMANDS = ["compile", "convert", "run", "verify", "bench", "explain", "inspect", "ops", "formats", "targets"]


def save(path, add=1.0):
    """y = x + add, for any batch."""
    constant = helper.make_tensor("c", TensorProto.FLOAT, [1], [add])
    rows = ["batch", 3]
    return save_model(path, [helper.make_node("Add", ["x", "c"], ["y"], "sum")], [value("x", rows)], [value("y", rows)], [constant])


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return save(tmp_path_factory.mktemp("line") / "model.onnx")


@pytest.fixture(scope="module")
def artifact(tenon, model):
    path = model.with_suffix(".tenon")
    assert tenon("compile", model, "-o", path, "-q").returncode == OK
    return path


def helped(tenon, command):
    """Flags and their help, by every spelling."""
    flags = {}
    text = tenon(command, "--help").stdout
    for line in re.sub(r"\n {20,}", " ", text).splitlines():
        if match := re.match(r"  (-[\w-]+(?:, -[\w-]+)*)(.*)", line):
            for name in match[1].split(", "):
                flags[name] = match[2].strip()
    return flags


# Nothing unknown passes.


@pytest.mark.parametrize("command", [None, *COMMANDS])
@pytest.mark.parametrize(
    "flag", ["-hello", "-hint", "--hepl", "--helpful", "-version2", "--x", "-zzz", "--debug-only=isel", "-print-after-all", "--time-passes",
             "-mlir-timing", "--stats", "-O9", "--helping=1", "-", "---"],
)
def test_unknown_flags_are_errors(tenon, command, flag):
    done = tenon(*([command] if command else []), flag)
    assert done.returncode == USER_ERROR and "[TN" in done.stderr and not done.stdout, (done.stdout, done.stderr)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_misspelling_is_an_error(tenon, command, tmp_path):
    """A letter left out, doubled or replaced in each flag of each command."""
    flags = helped(tenon, command)
    known = {name.lstrip("-") for name in flags}
    misspelt = set()
    for name in known:
        if len(name) > 3:
            misspelt |= {name[:2] + name[3:], name + name[-1], name[:1] + "_" + name[2:], name + "s"}
    misspelt -= known
    # All are reported by one call.
    done = tenon(command, *(f"--{name}" for name in sorted(misspelt)), cwd=tmp_path)
    assert done.returncode == USER_ERROR and not os.listdir(tmp_path)
    for name in misspelt:
        assert f"--{name}" in done.stderr, f"--{name} passed"


def test_suggestions_are_our_own(tenon):
    refused(tenon("compile", "m.onnx", "--outptu", "x"), USER_ERROR, "[TN8040]", "'--output'")
    refused(tenon("compile", "m.onnx", "--tagret=native"), USER_ERROR, "'--target'")
    refused(tenon("compile", "m.onnx", "--iterations=3"), USER_ERROR, "it belongs to bench")
    refused(tenon("-o", "x"), USER_ERROR, "it belongs after the name of a command")
    refused(tenon("complie", "m.onnx"), USER_ERROR, "[TN8041]", "'compile'")
    # LLVM's options are neither suggested nor listed.
    ours = set(helped(tenon, "compile"))
    for word in ("--print-befor", "--enable-mlr", "--aarch64-enable", "--fp-contract", "--x86-asm", "--verify-dom"):
        done = tenon("compile", "m.onnx", word)
        refused(done, USER_ERROR, "[TN8040]")
        for suggested in re.findall(r"did you mean '(\S+)'", done.stderr):
            assert suggested in ours


def test_values_are_checked(tenon, model, artifact):
    refused(tenon("bench", artifact, "--threads=two"), USER_ERROR, "[TN8042]", "--threads", "whole number")
    refused(tenon("bench", artifact, "--duration=long"), USER_ERROR, "[TN8042]", "a number")
    refused(tenon("bench", artifact, "--iterations=-1"), USER_ERROR, "[TN8042]")
    refused(tenon("bench", artifact, "--iterations=0"), USER_ERROR, "[TN8042]")
    refused(tenon("compile", model, "-o"), USER_ERROR, "[TN8042]", "missing")
    refused(tenon("compile", model, "-o", "--json"), USER_ERROR, "[TN8042]", "missing")
    refused(tenon("compile", model, "-o", ""), USER_ERROR, "[TN8042]", "empty")
    refused(tenon("compile", model, "--json=perhaps"), USER_ERROR, "[TN8042]", "true or false")
    refused(tenon("compile", model, model), USER_ERROR, "[TN8013]")
    refused(tenon("targets", "cpu:host", "cpu:host"), USER_ERROR, "[TN8013]", "[TARGET]")
    refused(tenon("compile", model, "--sizes=batch=2", "--output=a", "-o", "b"), USER_ERROR, "[TN8012]")


# What other tools taught.


@pytest.mark.parametrize(
    "words",
    [
        ["--onnx=MODEL", "--saveEngine=OUT"],
        ["--onnx", "MODEL", "--saveEngine", "OUT"],
        ["compile", "MODEL", "--output", "OUT"],
        ["compile", "MODEL", "--output=OUT", "--target=native"],
        ["compile", "MODEL", "-o", "OUT", "-march=native", "--quiet"],
        ["compile", "MODEL", "-o=OUT", "--target=host", "-v"],
        ["compile", "--quiet=true", "-o", "OUT", "--", "MODEL"],
    ],
)
def test_accepted_spellings_mean_the_same(tenon, model, artifact, tmp_path, words):
    words = [word.replace("MODEL", str(model)).replace("OUT", str(tmp_path / "x.tenon")) for word in words]
    done = tenon(*words, cwd=tmp_path)
    assert done.returncode == OK, done.stderr
    assert (tmp_path / "x.tenon").read_bytes() == artifact.read_bytes()


@pytest.mark.parametrize("short", ["x86-64-v3", "aarch64", "riscv64"])
def test_short_targets(tenon, model, tmp_path, short):
    for name, target in (("a", f"--target={short}"), ("b", f"--target=cpu:{short}"), ("c", f"-march={short}")):
        assert tenon("compile", model, target, "-o", tmp_path / name, "-q").returncode == OK
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes() == (tmp_path / "c").read_bytes()
    refused(tenon("compile", model, "--target=vax"), USER_ERROR, "[TN8010]")


@pytest.mark.parametrize(
    "words, advice",
    [
        (["compile", "MODEL", "-O3"], "no levels"),
        (["compile", "MODEL", "--fp16"], "tenon convert"),
        (["compile", "MODEL", "-t", "3"], "tenon bench -t"),
        (["compile", "MODEL", "--shapes=x:1x3"], "--sizes"),
        (["compile", "MODEL", "-hint", "latency"], "leave it out"),
        (["compile", "MODEL", "--EmitLib"], "--stop-after"),
        (["compile", "MODEL", "-mtriple=aarch64-linux-gnu"], "--target=cpu:ARCH"),
        (["run", "ARTIFACT", "--loadInputs=x:x.bin"], "--input=NAME=@FILE.npy"),
        (["bench", "ARTIFACT", "--warmUp=200"], "--warmup=SECONDS"),
        (["bench", "ARTIFACT", "-nireq", "4"], "--threads"),
        (["bench", "ARTIFACT", "--dumpProfile"], "--profile"),
    ],
)
def test_other_meanings_are_refused_by_name(tenon, model, artifact, words, advice):
    names = {"MODEL": model, "ARTIFACT": artifact}
    done = tenon(*(names.get(word, word) for word in words))
    refused(done, USER_ERROR, "[TN8043]", words[2], advice)


def test_bench_counts_runs(tenon, artifact):
    for words in (["--iterations=7"], ["-niter", "7"], ["--iterations", 7, "-t", "0"]):
        result = json.loads(tenon("bench", artifact, "--json", "--warmup=0", *words).stdout)
        assert result["runs"] == 7
    assert json.loads(tenon("bench", artifact, "--json", "-t", "0.05", "--nthreads", 1).stdout)["threads"] == 1
    both = json.loads(tenon("bench", artifact, "--json", "--iterations=2", "--duration=0.2").stdout)
    assert both["runs"] > 2, "both are lower bounds"
    assert tenon("bench", "-m", artifact, "-niter", 1).returncode == OK
    assert "1 runs" in tenon(f"--loadEngine={artifact}", "--iterations=1").stdout


# Help.


def test_help_and_version(tenon):
    page = tenon("--help")
    assert page.returncode == OK and page.stdout == tenon("help").stdout == tenon("-h").stdout
    for command in COMMANDS:
        assert re.search(rf"^  {command} ", page.stdout, re.M)
        assert tenon("help", command).stdout == tenon(command, "--help").stdout == tenon(command, "m.onnx", "-h").stdout
    version = tenon("version")
    assert version.returncode == OK and re.match(r"tenon \d+\.\d+\.\d+", version.stdout)
    assert version.stdout == tenon("--version").stdout == tenon("-v").stdout
    assert tenon().returncode == USER_ERROR
    refused(tenon("help", "nothing"), USER_ERROR, "[TN8041]")
    refused(tenon("version", "2"), USER_ERROR, "[TN8013]")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_states_defaults_and_fits(tenon, command):
    page = tenon(command, "--help").stdout
    assert max(map(len, page.splitlines())) <= 100
    flags = helped(tenon, command)
    expected = {"--target": "cpu:host", "--threads": "(default: 1)", "--duration": "(default: 2)", "--warmup": "(default: 0.2)", "--top": "(default: 20)",
                "--atol": "1e-4", "--seed": "(default: 0)"}
    for name, text in expected.items():
        if name in flags:
            assert text in flags[name], (name, flags[name])
    if command in ("compile", "run", "bench", "verify"):
        assert "--target" in flags and "--sizes" in flags


# Where artifacts go.


def test_artifacts_go_to_the_working_directory(tenon, model, tmp_path):
    here = tmp_path / "here"
    here.mkdir()
    before = sorted(os.listdir(model.parent))
    assert tenon("compile", model, cwd=here).returncode == OK
    assert os.listdir(here) == ["model.tenon"] and sorted(os.listdir(model.parent)) == before


def test_what_is_something_else_is_not_overwritten(tenon, model, tmp_path):
    target = tmp_path / "model.tenon"

    def compile_here(path, *flags):
        return tenon("compile", path, *flags, cwd=tmp_path)

    target.write_text("a letter")
    refused(compile_here(model), USER_ERROR, "[TN8046]", "model.tenon", "no artifact", "-o")
    assert target.read_text() == "a letter"
    done = compile_here(model, "-o", "model.tenon")
    assert done.returncode == OK and "replaced" in done.stderr, "named, it is replaced, but not without a word"
    # The same model again, for any target.
    assert compile_here(model, "--target=x86-64-v2").returncode == OK
    assert compile_here(model).returncode == OK
    mine = target.read_bytes()
    # Another model of the same name.
    other = tmp_path / "other"
    other.mkdir()
    save(other / "model.onnx", add=2.0)
    refused(compile_here(other / "model.onnx"), USER_ERROR, "[TN8046]", "another model")
    assert target.read_bytes() == mine
    target.write_bytes(mine[:5000])
    refused(compile_here(model), USER_ERROR, "[TN8046]", "cannot read")
    target.write_bytes(b"")
    assert compile_here(model).returncode == OK, "nothing is lost"


# A model instead of an artifact.


@pytest.mark.parametrize("command", [["run", "--input=x=2x3xf32=1"], ["bench", "--iterations=1"]])
def test_models_are_compiled_first(tenon, model, tmp_path, command):
    done = tenon(*command, model, cwd=tmp_path, env=dict(os.environ, TMPDIR=str(tmp_path)))
    assert done.returncode == OK, done.stderr
    assert "is a model and is compiled first, for cpu:host" in done.stderr
    assert os.listdir(tmp_path) == []
    assert tenon(*command, f"--onnx={model}", "-q").stderr == ""


def test_flags_of_compilation_need_a_model(tenon, model, artifact):
    refused(tenon("run", artifact, "--random-seed=1", "--sizes=batch=2"), USER_ERROR, "[TN8012]", "--sizes")
    assert "f32 = 2 2 2 2 2 2" in tenon("run", model, "--sizes=batch=2", "--input=x=2x3xf32=1", "-q").stdout
    refused(tenon("run", model, "--sizes=batch=2", "--input=x=3x3xf32=1"), USER_ERROR, "[TN7006]")
    refused(tenon("run", "absent.onnx", "--random-seed=1"), USER_ERROR, "[TN8002]")


# For programs.


def test_compile_json(tenon, model, tmp_path):
    summary = json.loads(tenon("compile", model, "--json", "-o", tmp_path / "x.tenon").stdout)
    assert summary["artifact"] == str(tmp_path / "x.tenon") and summary["target"].startswith("cpu:")
    assert summary["nodes"]["kernel"] == 1 and summary["kernels"] == 1 and "llvm" in summary["seconds"]
    refused(tenon("compile", model, "--json", "--stop-after=graph"), USER_ERROR, "[TN8012]")


def test_run_json(tenon, artifact, tmp_path):
    np.save(tmp_path / "y.npy", np.full((1, 3), 3, np.float32))
    done = tenon("run", artifact, "--input=x=1x3xf32=1 nan inf", f"--expected-output=y=@{tmp_path / 'y.npy'}", "--json")
    result = json.loads(done.stdout)
    assert done.returncode == 4 and result["ok"] is False
    assert result["outputs"] == [{"name": "y", "type": "f32", "shape": [1, 3], "values": [2, "nan", "inf"], "all_values": True}]
    assert result["comparisons"][0]["wrong"] == 3 and result["comparisons"][0]["ok"] is False
    many = json.loads(tenon("run", artifact, "--input=x=999x3xf32=1", "--json").stdout)["outputs"][0]
    assert many["shape"] == [999, 3] and len(many["values"]) == 1000 and many["all_values"] is False


def test_bench_json(tenon, artifact):
    result = json.loads(tenon("bench", artifact, "--iterations=20", "--profile", "--json").stdout)
    assert result["min_ms"] <= result["median_ms"] <= result["p90_ms"] <= result["p99_ms"] <= result["max_ms"]
    assert [kernel["kernel"] for kernel in result["kernels"]] and result["runs_per_second"] > 0


def test_verbose_shows_stages_without_a_terminal(tenon, model, tmp_path):
    lines = tenon("compile", model, "-v", "-o", tmp_path / "x.tenon").stderr.splitlines()
    assert [line.split("]")[0] for line in lines] == [f"[{i}/6" for i in range(1, 7)] and "codegen, 1 kernels" in lines[4]
    refused(tenon("compile", model, "-v", "-q"), USER_ERROR, "[TN8012]")


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="no terminals")
def test_progress_counts_kernels(tenon, model, tmp_path):
    main, other = os.openpty()
    subprocess.run([tenon.program, "compile", str(model), "-o", str(tmp_path / "x.tenon")], stdout=subprocess.DEVNULL, stderr=other, check=True)
    os.close(other)
    shown = os.read(main, 65536).decode()
    os.close(main)
    assert "[5/6] codegen, emitting kernel 1 of 1" in shown and re.search(r"\[5/6\] codegen, compiling kernel \d+ of \d+", shown), shown
