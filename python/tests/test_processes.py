# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What crosses the border of a process: exceptions, artifacts, arrays; and what a
process gives back: sessions and artifacts that are closed."""

import copy
import multiprocessing
import os
import pickle
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import tenon
from tenon import errors, formats

WEIGHTS = np.array([1.0, -1.0, 2.0, 0.5], np.float32)

# fork would hand the parent's objects over; what is sent must be enough.
SPAWN = multiprocessing.get_context("spawn")

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, tenon.TenonError)]


def add_package_path(path):
    sys.path.insert(0, path)


@pytest.fixture(scope="module")
def pool():
    package = str(Path(tenon.__file__).resolve().parent.parent)
    with ProcessPoolExecutor(1, mp_context=SPAWN, initializer=add_package_path, initargs=(package,)) as made:
        yield made


def refused_model():
    import onnx.parser

    return onnx.parser.parse_model("""
        <ir_version: 8, opset_import: ["" : 17]>
        g (float[2] x) => (float[2] y) { a = Frobnicate(x)  y = Twiddle(a) }
    """).SerializeToString()


def test_a_refused_model_is_one_error_of_a_pool(pool, scale_model):
    with pytest.raises(tenon.CompileError) as caught:
        pool.submit(tenon.compile, refused_model()).result(60)
    here = pytest.raises(tenon.CompileError, tenon.compile, refused_model()).value
    assert caught.value.code == here.code and str(caught.value) == str(here)
    assert caught.value.diagnostics == here.diagnostics and len(here.diagnostics) == 2
    # ... and the pool goes on: with the models that are right, whose artifacts come back,
    artifact = pool.submit(tenon.compile, scale_model.SerializeToString()).result(60)
    x = np.ones((2, 4), np.float32)
    np.testing.assert_array_equal(artifact.session().run({"x": x})["y"], np.maximum(x * WEIGHTS, 0))
    # and with errors of the runtime.
    with pytest.raises(tenon.ArtifactError, match="TN7002"):
        pool.submit(tenon.load, "absent.tenon").result(60)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_exceptions_pickle_and_copy(kind):
    notes = [tenon.errors.Diagnostic("error", "TN1", "[TN1] a", "node 'n'", ["more"]), tenon.errors.Diagnostic("warning", "", "b")]
    error = kind("TN1", "[TN1] a", notes)
    error.model = "m.onnx"  # what a caller adds goes along
    for other in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(other) is kind and str(other) == str(error)
        assert (other.code, other.diagnostics, other.model) == (error.code, notes, "m.onnx")


def test_artifacts_pickle(scale, tmp_path):
    scale.save(tmp_path / "scale.tenon")
    x = np.ones((2, 4), np.float32)
    for artifact in (scale, tenon.load(tmp_path / "scale.tenon"), tenon.load((tmp_path / "scale.tenon").read_bytes())):
        other = pickle.loads(pickle.dumps(artifact))
        assert other.summary == artifact.summary and other.inputs == artifact.inputs
        np.testing.assert_array_equal(other.session().run({"x": x})["y"], np.maximum(x * WEIGHTS, 0))
    with pytest.raises(TypeError, match="session"):
        pickle.dumps(scale.session())


def test_formats_say_that_they_do_not_pickle():
    for send in (pickle.dumps, copy.copy):
        with pytest.raises(TypeError, match="declaration"):
            send(formats.get("f8E5M2"))


def test_arrays_from_another_process(pool, scale):
    x = pool.submit(np.ones, (3, 4), np.float32).result(60)
    assert x.dtype.isbuiltin != 1, "an unpickled array has a dtype object of its own"
    np.testing.assert_array_equal(scale.session().run({"x": x})["y"], np.maximum(x * WEIGHTS, 0))


def test_with_closes(scale_model):
    x = np.ones((1, 4), np.float32)
    with tenon.compile(scale_model) as artifact:
        path = Path(artifact._source)
        assert path.exists()
        with artifact.session() as session:
            session.run({"x": x})
        left_open = artifact.session()
    assert not path.exists(), "a temporary artifact is gone with it"
    # A session keeps what it needs; what is closed says so, with a code.
    np.testing.assert_array_equal(left_open.run({"x": x})["y"], np.maximum(x * WEIGHTS, 0))
    for use in (lambda: session.run({"x": x}), lambda: session.arena_bytes, artifact.session, lambda: artifact.kernels,
                lambda: artifact.save("never.tenon"), lambda: pickle.dumps(artifact)):
        with pytest.raises(tenon.InputError, match="closed") as caught:
            use()
        assert caught.value.code == "TN8080"
    assert "closed" in repr(session) and "closed" in repr(artifact)
    artifact.close()
    session.close()


def test_a_temporary_artifact_outlives_forked_processes(scale_model, tmp_path):
    (tmp_path / "model.onnx").write_bytes(scale_model.SerializeToString())
    program = """
import atexit, os, tenon
artifact = tenon.compile("model.onnx")
child = os.fork()
if child == 0:
    atexit._run_exitfuncs()
    os._exit(0)
os.waitpid(child, 0)
artifact.save("saved.tenon")
"""
    environment = dict(os.environ, PYTHONPATH=str(Path(tenon.__file__).resolve().parent.parent))
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=environment, check=True, timeout=300)
    assert tenon.load(tmp_path / "saved.tenon").kernels


def test_reprs_tell(scale, tmp_path):
    scale.save(tmp_path / "scale.tenon")
    loaded = tenon.load(tmp_path / "scale.tenon")
    assert str(tmp_path / "scale.tenon") in repr(loaded)
    assert "x: float32[batch, 4] -> y: float32[batch, 4]" in repr(loaded) and "for cpu:" in repr(loaded)
    assert "bytes" in repr(tenon.load((tmp_path / "scale.tenon").read_bytes()))
    assert "threads=3" in repr(loaded.session(threads=3)) and "scale.tenon" in repr(loaded.session())
    assert str(loaded.inputs[0]) == "x: float32[batch, 4]"


def test_formats_without_an_import_of_their_own():
    code = "import sys, tenon; loaded = 'tenon._compiler' in sys.modules; print(loaded, 'NF4' in tenon.formats.names())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path)))
    assert done.stdout.split() == ["False", "True"], done.stderr
