#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Dimensions that a model leaves open really vary at run time.

Each model of ../shared/models with open dimensions is compiled once and run at
three sizes or more with one session; ONNX Runtime says what is right. The
tolerance is the one of ../shared/README.md. Code runs between guard pages over
poisoned memory, with red zones behind the arena's buffers.
"""

import sys
from pathlib import Path

import numpy as np

import harness
from harness import SHARED, Driver, GuardedSession, Results, claimed, excerpt, parser, peer_session, read_expected, use_package
from run_models import STEPS, tolerances

HERE = Path(__file__).resolve().parent


def decoder(layers, past_shape):
    """Inputs of a decoder with a cache, for (batch, sequence, past)."""

    def shapes(batch, sequence, past):
        ids = (batch, sequence)
        mask = (batch, past + sequence)
        return {"ids": ids, "mask": mask, "past": [past_shape(batch, past)] * layers, "offset": past}

    return shapes


GPT2 = decoder(5, lambda b, p: (2, b, 4, p, 8))
LLAMA = decoder(4, lambda b, p: (b, 1, p, 16))

# The shapes of the open inputs, in the order of the model's inputs.
SIZES = {
    "basic-pitch": [[(b, 43844, 1)] for b in (1, 2, 3)],
    "byte-bilstm": [[s] for s in ((1, 1), (2, 37), (5, 64))],
    "magika-v3_3": [[(b, 2048)] for b in (1, 2, 5)],
    # nnsplit halves its sequence and doubles it again: even lengths only.
    "mobilenetv2-imagenet-qdq": [[(b, 3, 244, 244)] for b in (1, 2, 3)],
    "nnsplit-en": [[s] for s in ((1, 12), (3, 62), (2, 200))],
    # At a height below 64 its last pooling window does not fit, which is refused;
    # ONNX Runtime rounds the negative size up to one.
    "ppocr-cls": [[s] for s in ((1, 3, 64, 192), (2, 3, 64, 100), (3, 3, 96, 128))],
    "ppocr-rec-en": [[s] for s in ((1, 3, 32, 100), (2, 3, 32, 164), (3, 3, 32, 320))],
    "ppocrv3-det-en": [[s] for s in ((1, 3, 64, 96), (2, 3, 96, 32), (1, 3, 160, 320))],
    "silero-vad": [[(b, 576), (2, b, 128), ()] for b in (1, 2, 5)],
    "superres-10": [[(b, 1, 224, 224)] for b in (1, 2, 3)],
    "tiny-random-gpt2-ort": [GPT2(*s) for s in ((1, 1, 0), (2, 5, 3), (3, 1, 17))],
    "tiny-random-llama-fp16": [LLAMA(*s) for s in ((1, 1, 4), (2, 6, 0), (3, 1, 19))],
}


def like(recorded, shape, rng):
    """Values of the recorded kind in another shape."""
    if recorded.size == 0:
        return (0.1 * rng.standard_normal(shape)).astype(recorded.dtype)
    return rng.choice(recorded.ravel(), size=shape).astype(recorded.dtype) if shape else recorded.reshape(-1)[0]


def make_inputs(names, recorded, size, rng):
    if isinstance(size, list):
        return {n: np.array(like(r, s, rng), order="C") for n, r, s in zip(names, recorded, size)}
    feeds, past = {}, iter(size["past"])
    for name, value in zip(names, recorded):
        if "mask" in name:
            feeds[name] = np.ones(size["mask"], value.dtype)
        elif "position" in name:
            row = np.arange(size["offset"], size["offset"] + size["ids"][1], dtype=value.dtype)
            feeds[name] = np.broadcast_to(row, size["ids"]).copy()
        elif "past" in name:
            feeds[name] = like(value, next(past), rng)
        else:
            feeds[name] = like(value, size["ids"], rng)
    return feeds


def check(folder, sizes, artifact, guarded=True):
    """Returns (worked, what went wrong). Guarded sessions copy the weights."""
    import onnx
    import tenon
    from onnx import numpy_helper

    data = sorted(folder.glob("test_data_set_*"))[0]
    # ONNX Runtime's optimisations change what quantized models compute.
    peer = peer_session(folder / "model.onnx", optimize=folder.name not in STEPS)
    names = [i.name for i in peer.get_inputs()]
    recorded = [numpy_helper.to_array(onnx.load_tensor(data / f"input_{i}.pb")) for i in range(len(names))]
    atol, rtol = map(float, tolerances(folder.name))
    loaded = tenon.load(artifact)
    session = GuardedSession(loaded) if guarded else loaded.session()
    rng = np.random.default_rng(0)
    for number, size in enumerate(sizes):
        feeds = make_inputs(names, recorded, size, rng)
        where = f"size {number} ({', '.join(str(v.shape) for v in list(feeds.values())[:2])})"
        expected = peer.run(None, feeds)
        try:
            results = session.run(feeds)
        except tenon.TenonError as error:
            return False, f"    {where}: {error}"
        for output, theirs in zip(peer.get_outputs(), expected):
            mine = results[output.name]
            if mine.shape != theirs.shape:
                return False, f"    {where}: {output.name} has shape {mine.shape}, expected {theirs.shape}"
            if not np.allclose(mine.astype(np.float64), theirs.astype(np.float64), rtol=rtol, atol=atol):
                off = np.abs(mine.astype(np.float64) - theirs.astype(np.float64)).max()
                return False, f"    {where}: {output.name} is off by up to {off:.3g}"
    return True, ""


def isolated(folder, sizes, artifact, timeout=300, guarded=True):
    """check in a process of its own, so that a crash is one failed test."""
    answer, problem = harness.isolated(lambda: check(folder, sizes, artifact, guarded), timeout)
    return answer or (False, f"    {problem}")


def compile_and_check(driver, name):
    folder = SHARED / "models" / name
    done = driver.compiled(folder / "model.onnx", "cpu:host", "--red-zones")
    if done.status != 0:
        return False, f"    compile: exit status {done.status}\n{excerpt(done.text)}"
    return isolated(folder, SIZES[name], done.artifact, driver.timeout)


def open_models():
    """The models whose inputs leave a dimension open."""
    import onnx

    for path in sorted((SHARED / "models").glob("*/model.onnx")):
        graph = onnx.load(path, load_external_data=False).graph
        weights = {tensor.name for tensor in graph.initializer}
        dims = [dim for i in graph.input if i.name not in weights for dim in i.type.tensor_type.shape.dim]
        if any(not dim.HasField("dim_value") for dim in dims):
            yield path.parent.name


def main():
    flags = parser(__doc__, timeout=300)
    flags.add_argument("models", nargs="*", help="only these")
    arguments = flags.parse_args()
    results = Results(read_expected(HERE / "dynamic-expected-failures.txt"))
    if not (SHARED / "models").is_dir():
        results.skip("dynamic", "no ../shared")
        return results.finish(arguments.json)
    if problem := use_package(arguments.build):
        results.record("dynamic", False, problem)
        return results.finish(arguments.json)
    driver = Driver(arguments.build, arguments.timeout)
    for name in arguments.models or open_models():
        if not claimed(name):
            continue
        if name not in SIZES:
            results.record(f"dynamic.{name}", False, "    has open dimensions and no line in SIZES")
            continue
        results.record(f"dynamic.{name}", *compile_and_check(driver, name))
    return results.finish(arguments.json)


if __name__ == "__main__":
    sys.exit(main())
