# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Chips as files: what is known of a target, its declaration, and declarations of others."""

import json

import pytest
from driver_models import OK, USER_ERROR, refused

LEVELS = ["cpu:x86-64-v2", "cpu:x86-64-v3", "cpu:x86-64-v4", "cpu:aarch64", "cpu:riscv64"]


def declared(tenon, target, path, **changes):
    """The target's declaration under the name "mine", with lines for keys replaced."""
    emitted = tenon("targets", target, "--emit")
    assert emitted.returncode == OK, emitted.stderr
    lines = []
    for line in emitted.stdout.splitlines():
        key = line.strip().split(":")[0]
        changes.setdefault("name", "mine")
        lines.append(line[: len(line) - len(line.lstrip())] + f"{key}: {changes[key]}" if key in changes else line)
    path.write_text("\n".join(lines) + "\n")
    return path


def code_of(tenon, model, folder, *flags):
    """Assembly of a model."""
    done = tenon("compile", model, *flags, "--stop-after=codegen", cwd=folder)
    assert done.returncode == OK, done.stderr
    return done.stdout


@pytest.mark.parametrize("target", ["cpu:host", *LEVELS])
def test_a_declaration_is_the_chip(tenon, model, tmp_path, target):
    own = declared(tenon, target, tmp_path / "mine.yaml")
    assert code_of(tenon, model, tmp_path, "--target-file", own) == code_of(tenon, model, tmp_path, "--target", target)
    assert code_of(tenon, model, tmp_path, "--target-file", own, "--target=mine,l2=512")
    again = tenon("targets", "cpu:mine", "--target-file", own, "--emit")
    assert again.stdout == own.read_text()


def test_numbers_reach_the_code(tenon, model, tmp_path):
    wide = code_of(tenon, model, tmp_path, "--target=cpu:x86-64-v4")
    own = declared(tenon, "cpu:x86-64-v4", tmp_path / "mine.yaml", vector_bits=256)
    narrow = code_of(tenon, model, tmp_path, f"--target-file={own}")
    assert "%zmm" in wide and "%zmm" not in narrow and "%ymm" in narrow


def test_a_loaded_chip_is_listed_and_shown(tenon, tmp_path):
    own = declared(tenon, "cpu:x86-64-v3", tmp_path / "mine.yaml", summary='"Ours: \\u00e9"')
    listed = {entry["target"]: entry for entry in json.loads(tenon("targets", "--json", "--target-file", own).stdout)}
    assert listed["cpu:mine"]["summary"] == "Ours: \u00e9" and set(LEVELS) < set(listed)
    shown = tenon("targets", "mine", "--target-file", own).stdout
    assert shown.startswith("cpu:mine\n") and "memory     l2: 256 KiB" in shown and "limit      vector_bits 256" in shown
    operators = json.loads(tenon("ops", "--json", "--target-file", own, "Conv").stdout)
    assert operators["target"] == "cpu:mine" and operators["vector_bits"] == 256


def test_bad_declarations(tenon, model, tmp_path):
    out = tmp_path / "out.tenon"

    def refuses(path, *texts):
        for command in (("compile", model, "-o", out), ("targets",), ("ops",), ("verify", model), ("bench", model), ("run", model)):
            refused(tenon(*command, "--target-file", path), USER_ERROR, "[TN8014]", *texts)
        assert not out.exists()

    bad = tmp_path / "bad.yaml"
    bad.write_text("name: mine\ndevice: cpu\ntripple: x\nmemories: [{name: l2}]\n")
    refuses(bad, "bad.yaml:3:1: chip: found the key 'tripple', allowed are name, ", "bad.yaml:4:13: memory: 'bytes' is missing")
    bad.write_text("name: mine\ndevice: toaster\n")
    refuses(bad, "bad.yaml:2: device: found 'toaster', allowed is cpu")
    refuses(declared(tenon, "cpu:x86-64-v3", bad, vector_bits=512), "limits.vector_bits: found 512", "at most 256")
    refuses(declared(tenon, "cpu:aarch64", bad, triple="aarch64-apple-darwin"), "bad.yaml:4: triple: found 'aarch64-apple-darwin'")
    refuses(declared(tenon, "cpu:aarch64", bad, features="[neon, avx2]"), "features: found 'avx2'")
    refuses(declared(tenon, "cpu:aarch64", bad, name="x86-64-v3"), "bad.yaml:1: name: found 'x86-64-v3'", "shipped")
    declared(tenon, "cpu:aarch64", bad)
    bad.write_text(bad.read_text().replace("alignment: 64", "alignment: 128"))
    refuses(bad, "memories: found dram with an alignment of 128, allowed is one of 1 to 64")
    refuses(tmp_path / "none.yaml", "no such file")
    refuses(tmp_path, "not a regular file")


def test_a_declaration_is_not_written_over(tenon, model, tmp_path):
    own = declared(tenon, "cpu:x86-64-v3", tmp_path / "mine.yaml")
    before = own.read_text()
    refused(tenon("compile", model, "--target-file", own, "-o", own), USER_ERROR, "[TN8030]")
    assert own.read_text() == before


def test_a_plan_holds_its_chip(tenon, model, tmp_path):
    own = declared(tenon, "cpu:x86-64-v4", tmp_path / "mine.yaml", vector_bits=256)
    straight, resumed = tmp_path / "straight.tenon", tmp_path / "resumed.tenon"
    assert tenon("compile", model, "--target-file", own, "-o", straight).returncode == OK
    text = tenon("compile", model, "--target-file", own, "--stop-after=place").stdout
    assert "plan.host = #plan.device<" in text and "vector_bits = 256" in text
    # The artifact records the file's name, so the text goes by the model's.
    plan = tmp_path / "plan" / model.name
    plan.parent.mkdir()
    plan.write_text(text)
    resume = ("compile", plan, "--start-from=codegen", "-o", resumed)
    assert tenon(*resume, "--target-file", own).returncode == OK
    assert resumed.read_bytes() == straight.read_bytes()
    # It needs no file, as it has the chip; another one it refuses.
    own.unlink()
    resumed.unlink()
    assert tenon(*resume).returncode == OK
    assert resumed.read_bytes() == straight.read_bytes()
    refused(tenon(*resume, "--target=cpu:x86-64-v4"), USER_ERROR, "[TN8049]", "the plan is for cpu:mine, --target names cpu:x86-64-v4;")
    declared(tenon, "cpu:x86-64-v4", own, vector_bits=128)
    refused(tenon(*resume, "--target-file", own), USER_ERROR, "[TN8049]", "--target names cpu:mine with other features or numbers;")
    two = ("--target=cpu:x86-64-v4", "--target=cpu:x86-64-v3")
    refused(tenon("compile", plan, "--start-from=place", *two, "-o", resumed), USER_ERROR, "[TN8049]", "for 0 devices beside")
    # What is edited in the plan is what code is made for.
    plan.write_text(text.replace("vector_bits = 256", "vector_bits = 512"))
    assert "%zmm" in tenon("compile", plan, "--start-from=codegen", "--stop-after=codegen").stdout
    plan.write_text(text.replace("vector_bits = 256", "vector_bits = 1024"))
    refused(tenon(*resume), USER_ERROR, "[TN8014]", '#hw.device<"mine">: limits.vector_bits: found 1024')
