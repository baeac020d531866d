# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Placement of real models between two devices, without code: the plan that is chosen is never
predicted slower than greedy or than one device alone."""

import json
import re

import pytest
from driver_models import OK
from harness import SHARED, build_under_test

LIBRARY = build_under_test() / "lib" / "ToyTarget.so"
DEVICES = {"cpu:host": [], "toy": [f"--load-target-plugin={LIBRARY}"]}
MODELS = sorted(folder.parent for folder in SHARED.glob("models/*/model.onnx")) or [None]
PREDICTION = re.compile(r'plan = "([^"]+)", seconds = ([-+.\deE]+)')


def predictions_of(tenon, folder, device):
    """{plan: seconds}, and whether the chosen one is known to be the best; the plan text holds them."""
    done = tenon("compile", folder / "model.onnx", "--target=cpu:host", f"--target={device}", *DEVICES[device],
                 "--stop-after=place")
    assert done.returncode == OK, done.stderr
    found = {plan: float(seconds) for plan, seconds in PREDICTION.findall(done.stdout)}
    chosen = next(plan for plan in found if plan.startswith("chosen"))
    return found.pop(chosen), found, "exact" in chosen


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("folder", MODELS, ids=lambda folder: folder.name if folder else "none")
def test_chosen_is_never_predicted_slower(tenon, folder, device):
    if folder is None:
        pytest.skip("no ../shared")
    chosen, others, _ = predictions_of(tenon, folder, device)
    assert "greedy" in others and any(plan.startswith("all on") for plan in others), others
    slower = {plan: seconds for plan, seconds in others.items() if chosen > seconds * (1 + 1e-9)}
    assert not slower, f"chosen {chosen}, faster are {slower}"


@pytest.mark.parametrize("name", ["resnet8-cifar-fp32", "gtcrn-stream-simple", "kws-dscnn-qdq", "mnist-8"])
def test_kernels_cost_what_placement_said(tenon, tmp_path, name):
    """Placement guesses which ops will share a kernel; the kernels that are formed then cost as much in all."""
    folder = SHARED / "models" / name
    if not folder.exists():
        pytest.skip("no ../shared")
    done = tenon("compile", folder / "model.onnx", "-o", tmp_path / "m.tenon", "--json", "--target=cpu:x86-64-v3",
                 "--target=cpu:x86-64-v3")
    assert done.returncode == OK, done.stderr
    predicted = {entry["plan"]: entry["seconds"] for entry in json.loads(done.stdout)["predictions"]}
    kernels = json.loads(tenon("explain", tmp_path / "m.tenon", "--json").stdout)["kernels"]
    assert {kernel["device"] for kernel in kernels} == {"cpu"}
    assert sum(kernel["seconds"] for kernel in kernels) == pytest.approx(predicted["all on cpu:x86-64-v3"], rel=0.02)
