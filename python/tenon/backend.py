# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Tenon behind ONNX's backend interface (onnx.backend.base).

    import tenon.backend
    rep = tenon.backend.prepare(onnx.load("model.onnx"))
    outputs = rep.run([array, ...])
"""

from collections import namedtuple

import numpy as np
from onnx.backend.base import Backend, BackendRep, Device, DeviceType

from . import compile as _compile


class TenonBackendRep(BackendRep):
    """A compiled model with one session."""

    def __init__(self, artifact, threads):
        self.artifact = artifact
        self._session = artifact.session(threads)
        self._outputs = namedtuple("Outputs", [o.name for o in artifact.outputs], rename=True)

    def run(self, inputs, **kwargs):
        names = [info.name for info in self.artifact.inputs]
        if isinstance(inputs, dict):
            feeds = inputs
        else:
            if isinstance(inputs, np.ndarray):
                inputs = [inputs]
            # Inputs with a default may be left out at the end.
            omitted = self.artifact.inputs[len(inputs):]
            feeds = dict(zip(names, inputs, strict=not all(info.optional for info in omitted) or len(inputs) > len(names)))
        results = self._session.run({name: np.asarray(value) for name, value in feeds.items()})
        return self._outputs(*results.values())


class TenonBackend(Backend):
    """Compiles for the host's CPU."""

    @classmethod
    def prepare(cls, model, device="CPU", target="cpu:host", threads=1, **kwargs):
        if not cls.supports_device(device):
            raise ValueError(f"device '{device}': Tenon's backend runs on CPU only")
        return TenonBackendRep(_compile(model, target=target), threads)

    @classmethod
    def run_model(cls, model, inputs, device="CPU", **kwargs):
        return cls.prepare(model, device, **kwargs).run(inputs)

    @classmethod
    def supports_device(cls, device):
        try:
            return Device(device).type == DeviceType.CPU
        except AttributeError:  # a device that ONNX has no name for
            return False


prepare = TenonBackend.prepare
run_model = TenonBackend.run_model
supports_device = TenonBackend.supports_device
