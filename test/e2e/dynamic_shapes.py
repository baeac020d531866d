#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Dimensions that a model leaves open really vary at run time.

Each model of ../shared/models with open dimensions is compiled once and run at
three sizes or more with one session; ONNX Runtime says what is right. The
tolerance is the one of ../shared/README.md.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from harness import SHARED, Results, read_expected

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


def check(folder, sizes):
    """Returns (worked, what went wrong)."""
    import onnx
    import onnxruntime
    import tenon
    from onnx import numpy_helper

    data = sorted(folder.glob("test_data_set_*"))[0]
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    peer = onnxruntime.InferenceSession(
        str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
    )
    names = [i.name for i in peer.get_inputs()]
    recorded = [numpy_helper.to_array(onnx.load_tensor(data / f"input_{i}.pb")) for i in range(len(names))]
    atol, rtol = (1e-2, 1e-2) if "fp16" in folder.name else (1e-4, 1e-3)
    try:
        session = tenon.compile(folder / "model.onnx").session()
    except tenon.TenonError as error:
        return False, f"    compile: {str(error)[:400]}"
    rng = np.random.default_rng(0)
    for number, size in enumerate(sizes):
        feeds = make_inputs(names, recorded, size, rng)
        where = f"size {number} ({', '.join(str(v.shape) for v in list(feeds.values())[:2])})"
        expected = peer.run(None, feeds)
        try:
            results = list(session.run(feeds).values())
        except tenon.TenonError as error:
            return False, f"    {where}: {error}"
        for output, mine, theirs in zip(peer.get_outputs(), results, expected):
            if mine.shape != theirs.shape:
                return False, f"    {where}: {output.name} has shape {mine.shape}, expected {theirs.shape}"
            if not np.allclose(mine.astype(np.float64), theirs.astype(np.float64), rtol=rtol, atol=atol):
                off = np.abs(mine.astype(np.float64) - theirs.astype(np.float64)).max()
                return False, f"    {where}: {output.name} is off by up to {off:.3g}"
    return True, ""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("--json", help="write the names of passed, failed and skipped models here")
    parser.add_argument("models", nargs="*", help="only these")
    arguments = parser.parse_args()
    results = Results(read_expected(HERE / "dynamic-expected-failures.txt"))
    if not (SHARED / "models").is_dir():
        results.skip("dynamic", "no ../shared")
        return results.finish(arguments.json)
    sys.path.insert(0, str(Path(arguments.build).resolve() / "python"))
    try:
        import tenon.compiler  # noqa: F401
    except ImportError as error:
        results.record("dynamic", False, f"    the Python package cannot be imported: {error}")
        return results.finish(arguments.json)
    for name, sizes in SIZES.items():
        if arguments.models and name not in arguments.models:
            continue
        results.record(f"dynamic.{name}", *isolated(SHARED / "models" / name, sizes))
    return results.finish(arguments.json)


def isolated(folder, sizes):
    """check in a forked child, so that a crash is one failed test."""
    import multiprocessing

    context = multiprocessing.get_context("fork")
    receive, send = context.Pipe(duplex=False)
    process = context.Process(target=lambda: send.send(check(folder, sizes)))
    process.start()
    send.close()
    try:
        answer = receive.recv() if receive.poll(300) else (False, "    no answer after 300 s")
    except EOFError:
        answer = (False, "    the process ended without an answer")
    process.kill()
    process.join()
    if answer[1].endswith("without an answer"):
        answer = (False, f"    the process ended with exit status {process.exitcode}")
    return answer


if __name__ == "__main__":
    sys.exit(main())
