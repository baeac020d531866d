# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""compile, save, load, run: the calls a user makes, and what wrong ones say."""

import gc
import json
import threading
import tracemalloc

import numpy as np
import pytest

import tenon

WEIGHTS = np.array([1.0, -1.0, 2.0, 0.5], np.float32)


def expected(x):
    return np.maximum(x * WEIGHTS, 0)


def values(batch, seed=0):
    return np.random.default_rng(seed).standard_normal((batch, 4)).astype(np.float32)


def test_describes_inputs_and_outputs(scale):
    (x,), (y,) = scale.inputs, scale.outputs
    assert (x.name, x.dtype, x.shape) == ("x", np.float32, ("batch", 4))
    assert y.name == "y" and y.dtype == np.float32
    assert scale.target.startswith("cpu")
    assert scale.kernels and scale.ledger


@pytest.mark.parametrize("batch", [1, 3, 17])
def test_named_dimension_varies(scale, batch):
    session = scale.session()
    for seed in range(3):
        x = values(batch, seed)
        np.testing.assert_array_equal(session.run({"x": x})["y"], expected(x))


def test_outputs_do_not_share_memory(scale):
    session = scale.session()
    x = values(5)
    results = [session.run({"x": x})["y"] for _ in range(3)]
    assert not any(np.shares_memory(a, b) for a, b in zip(results, results[1:]))
    x2 = values(5, 1)
    session.run({"x": x2})
    np.testing.assert_array_equal(results[0], expected(x))


def peak_bytes(call):
    """What NumPy and Python allocate at most during a call."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_nothing_is_copied_where_the_layout_allows(scale):
    session = scale.session()
    x = values(100_000)
    y = np.empty_like(x)
    assert session.run({"x": x}, {"y": y})["y"] is y
    np.testing.assert_array_equal(y, expected(x))
    assert peak_bytes(lambda: session.run({"x": x}, {"y": y})) < x.nbytes / 10
    # The model's results are new arrays otherwise, one each.
    assert x.nbytes <= peak_bytes(lambda: session.run({"x": x})) < 1.1 * x.nbytes
    # What has another layout is made contiguous: the measure sees copies.
    strided = np.asfortranarray(x)
    assert peak_bytes(lambda: session.run({"x": strided}, {"y": y})) >= x.nbytes


@pytest.mark.parametrize(
    "outputs, error, code",
    [
        ({"y": np.empty((2, 4), np.float64)}, tenon.DTypeError, "TN7007"),
        ({"y": np.empty((3, 4), np.float32)}, tenon.ShapeError, "TN7006"),
        ({"y": np.empty((4, 2), np.float32).T}, tenon.InputError, "TN7001"),
        ({"z": np.empty((2, 4), np.float32)}, tenon.InputError, "TN7001"),
        ({"y": [[0.0] * 4] * 2}, tenon.InputError, "TN7001"),
    ],
)
def test_wrong_outputs(scale, outputs, error, code):
    session = scale.session()
    with pytest.raises(error) as caught:
        session.run({"x": values(2)}, outputs)
    assert caught.value.code == code and str(caught.value).startswith(f"[{code}]")
    x = values(2)
    np.testing.assert_array_equal(session.run({"x": x})["y"], expected(x))


def test_outputs_that_overlap():
    import onnx.parser

    model = onnx.parser.parse_model("""
        <ir_version: 8, opset_import: ["" : 17]>
        g (float[n] x) => (float[n] a, float[n] b)
        {
          a = Relu(x)
          b = Neg(x)
        }
    """)
    session = tenon.compile(model).session()
    memory = np.arange(12, dtype=np.float32)
    for outputs in ({"a": memory[2:6]}, {"a": memory[4:8], "b": memory[7:11]}):
        with pytest.raises(tenon.InputError, match="TN7001.*overlaps"):
            session.run({"x": memory[:4]}, outputs)
    session.run({"x": memory[:4]}, {"a": memory[4:8], "b": memory[8:]})
    np.testing.assert_array_equal(memory, [0, 1, 2, 3, 0, 1, 2, 3, 0, -1, -2, -3])


def test_results_outlive_their_session(scale_model):
    artifact = tenon.compile(scale_model)
    x = values(3)
    y = artifact.session().run({"x": x})["y"]
    del artifact
    gc.collect()
    np.testing.assert_array_equal(y, expected(x))


def test_what_is_no_model_and_no_mapping(scale):
    with pytest.raises(TypeError, match="int"):
        tenon.compile(5)
    with pytest.raises(TypeError, match="inputs .* ndarray"):
        scale.session().run(values(1))
    with pytest.raises(tenon.CompileError, match="absent.onnx.*TN1001") as caught:
        tenon.compile("absent.onnx")
    assert caught.value.diagnostics[0].location == "absent.onnx"


def test_element_types_that_numpy_lacks(scale, monkeypatch):
    monkeypatch.delitem(tenon.runtime._NUMPY, 1)
    with pytest.raises(tenon.DTypeError, match="ml_dtypes"):
        tenon.runtime.Artifact(scale._source)


def test_progress_and_dumps(scale_model, tmp_path):
    phases = []
    artifact = tenon.compile(scale_model, dump_to=tmp_path, progress=phases.append)
    assert phases and len(set(phases)) == len(phases)
    assert artifact.summary["kernels"] == len(artifact.kernels) == 1
    stages = [f"{i}-{stage}.mlir" for i, stage in enumerate(["import", "graph", "numerics", "place", "codegen"])]
    assert sorted(path.name for path in tmp_path.iterdir() if path.stat().st_size) == stages
    assert phases[0] == "import"

    class Interruption(Exception):
        pass

    def stop(phase):
        raise Interruption(phase)

    with pytest.raises(Interruption):
        tenon.compile(scale_model, progress=stop)
    with pytest.raises(TypeError):
        tenon.compile(scale_model, dump_too=tmp_path)


def test_flush_denormals():
    import onnx.parser

    model = onnx.parser.parse_model("""
        <ir_version: 8, opset_import: ["" : 17]>
        dying (float[1, 1] x) => (float[1, 1] y) <float[1, 1] w = {1e-40}> { y = MatMul(x, w) }
    """)
    x = np.full((1, 1), 1e38, np.float32)
    for flush, code, y in ((False, "TN4013", 0.01), (True, "TN4010", 0)):
        artifact = tenon.compile(model, flush_denormals=flush)
        assert [warning.code for warning in artifact.summary["warnings"]] == [code]
        np.testing.assert_allclose(artifact.session().run({"x": x})["y"], [[y]], rtol=1e-4)


def test_strided_and_read_only_inputs(scale):
    session = scale.session()
    x = np.asfortranarray(values(6))
    np.testing.assert_array_equal(session.run({"x": x})["y"], expected(x))
    frozen = values(6)
    frozen.flags.writeable = False
    np.testing.assert_array_equal(session.run({"x": frozen})["y"], expected(frozen))


def test_scalars_and_small_integers():
    import onnx.parser

    model = onnx.parser.parse_model("""
        <ir_version: 10, opset_import: ["" : 21]>
        g (int64 by, int4[n] x) => (int4[n] y, int64[n] z)
        {
          y = Identity(x)
          wide = Cast<to = 7>(x)
          z = Mul(wide, by)
        }
    """)
    session = tenon.compile(model).session()
    ml_dtypes = pytest.importorskip("ml_dtypes")
    x = np.array([-8, -1, 0, 7, 3], ml_dtypes.int4)
    for by in (np.array(-2), np.int64(-2), np.array([-2])):
        results = session.run({"by": by, "x": x})
        assert results["y"].dtype == x.dtype and (results["y"] == x).all()
        np.testing.assert_array_equal(results["z"], [16, 2, 0, -14, -6])
    with pytest.raises(tenon.ShapeError, match="TN7006"):
        session.run({"by": np.array([1, 2]), "x": x})


def test_save_and_load(scale, tmp_path):
    path = tmp_path / "scale.tenon"
    scale.save(path)
    loaded = tenon.load(path, check_weights=True)
    x = values(2)
    np.testing.assert_array_equal(loaded.session(threads=2).run({"x": x})["y"], expected(x))


def test_load_bytes(scale, tmp_path):
    path = tmp_path / "scale.tenon"
    scale.save(path)
    loaded = tenon.load(path.read_bytes())
    x = values(2)
    np.testing.assert_array_equal(loaded.session().run({"x": x})["y"], expected(x))
    loaded.save(tmp_path / "again.tenon")
    assert (tmp_path / "again.tenon").read_bytes() == path.read_bytes()
    with pytest.raises(OSError):
        loaded.save(tmp_path)  # a folder
    assert sorted(p.name for p in tmp_path.parent.glob(f"{tmp_path.name}*")) == [tmp_path.name], "nothing is left"


def test_compile_from_path_and_bytes(scale_model, tmp_path):
    import onnx

    path = tmp_path / "scale.onnx"
    onnx.save(scale_model, path)
    x = values(3)
    for model in (path, str(path), path.read_bytes()):
        artifact = tenon.compile(model, output=tmp_path / "out.tenon")
        np.testing.assert_array_equal(artifact.session().run({"x": x})["y"], expected(x))


def test_nominal_sizes(scale_model):
    assert json.loads(tenon.compile(scale_model, nominal={"batch": 5}).ledger)["expected_sizes"] == {"batch": 5}
    with pytest.raises(tenon.CompileError, match=r"TN8044.*nominal\['batsh'\]"):
        tenon.compile(scale_model, nominal={"batsh": 2})
    for size, error in ((0, ValueError), ("2", TypeError), (1.5, TypeError)):
        with pytest.raises(error, match="nominal"):
            tenon.compile(scale_model, nominal={"batch": size})


def test_sizes(scale_model):
    assert tenon.compile(scale_model, sizes={"batch": 2}).inputs[0].shape[0] == 2
    ranged = tenon.compile(scale_model, sizes={"x:0": (2, 5)})
    assert ranged.session().run({"x": values(3)})["y"].shape[0] == 3
    with pytest.raises(tenon.ShapeError, match="TN7006"):
        ranged.session().run({"x": values(6)})
    with pytest.raises(tenon.CompileError, match=r"TN8044.*sizes\['batsh'\]"):
        tenon.compile(scale_model, sizes={"batsh": 2})
    for size, error in (("2", TypeError), ((1, 2, 3), TypeError), ((3, 2), ValueError), (-1, ValueError), (1.5, TypeError)):
        with pytest.raises(error, match="sizes"):
            tenon.compile(scale_model, sizes={"batch": size})


def test_same_model_same_bytes(scale_model, tmp_path):
    for name in ("a", "b"):
        tenon.compile(scale_model, output=tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("guard", ["end", "begin"])
def test_guarded_sessions(scale_model, guard):
    artifact = tenon.compile(scale_model, red_zones=True)
    session = artifact.session(guard=guard)
    for batch in (3, 0, 1025, 1):
        x = values(batch)
        np.testing.assert_array_equal(session.run({"x": x})["y"], expected(x))
    with pytest.raises(ValueError, match="guard is 'both'"):
        artifact.session(guard="both")


@pytest.mark.parametrize("shared", [False, True])
def test_sessions_in_threads(scale, shared):
    wrong, one = [], scale.session(threads=2)

    def work(seed):
        session = one if shared else scale.session()
        for _ in range(50):
            x = values(8, seed)
            if not np.array_equal(session.run({"x": x})["y"], expected(x)):
                wrong.append(seed)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_runs_go_on_beside_the_caller(scale):
    sessions = [scale.session() for _ in range(3)]
    inputs = [values(4, seed) for seed in range(3)]
    given = np.empty_like(expected(inputs[2]))
    runs = [session.start({"x": x}) for session, x in zip(sessions[:2], inputs)]
    runs.append(sessions[2].start({"x": inputs[2]}, {"y": given}))
    for run, x in reversed(list(zip(runs, inputs))):
        np.testing.assert_array_equal(run.wait()["y"], expected(x))
        assert run.wait() is run.wait()  # as often as one likes
    assert runs[2].wait()["y"] is given
    np.testing.assert_array_equal(sessions[0].run({"x": inputs[1]})["y"], expected(inputs[1]))


def test_a_session_is_in_use_until_its_run_has_been_waited_for(scale):
    session, x = scale.session(), values(4)
    run = session.start({"x": x})
    for call in (session.run, session.start):
        with pytest.raises(tenon.TenonError) as caught:
            call({"x": x})
        assert caught.value.code == "TN7011"
    np.testing.assert_array_equal(run.wait()["y"], expected(x))
    # One that is dropped is waited for; one whose session is closed goes on.
    del run
    session.start({"x": x})
    np.testing.assert_array_equal(session.run({"x": x})["y"], expected(x))
    run = session.start({"x": x})
    session.close()
    np.testing.assert_array_equal(run.wait()["y"], expected(x))
    with pytest.raises(tenon.InputError, match="closed"):
        session.start({"x": x})


def test_what_is_wrong_with_a_started_run():
    import onnx.parser

    session = tenon.compile(onnx.parser.parse_model("""
        <ir_version: 8, opset_import: ["" : 17]>
        pick (float[n] x, int64[1] i) => (float[1] y) { y = Gather(x, i) }
    """)).session()
    with pytest.raises(tenon.DTypeError):  # at once, and nothing runs
        session.start({"x": np.zeros(3), "i": np.array([0])})
    run = session.start({"x": np.zeros(3, np.float32), "i": np.array([3])})
    for _ in range(2):
        with pytest.raises(tenon.RunError, match="TN7013"):
            run.wait()
    assert session.run({"x": np.ones(3, np.float32), "i": np.array([2])})["y"] == [1]


@pytest.mark.parametrize(
    "inputs, error, code",
    [
        ({}, tenon.InputError, "TN7009"),
        ({"x": values(1), "z": values(1)}, tenon.InputError, "TN7001"),
        ({"x": values(1).astype(np.float64)}, tenon.DTypeError, "TN7007"),
        ({"x": np.zeros((2, 5), np.float32)}, tenon.ShapeError, "TN7006"),
        ({"x": np.zeros((2, 4, 1), np.float32)}, tenon.ShapeError, "TN7006"),
    ],
)
def test_wrong_inputs(scale, inputs, error, code):
    session = scale.session()
    with pytest.raises(error) as caught:
        session.run(inputs)
    assert caught.value.code == code
    assert isinstance(caught.value, ValueError)
    x = values(1)  # and the session still works
    np.testing.assert_array_equal(session.run({"x": x})["y"], expected(x))


def test_all_problems_of_a_model_at_once(tmp_path):
    import onnx.parser

    model = onnx.parser.parse_model("""
        <ir_version: 8, opset_import: ["" : 17]>
        g (float[2] x) => (float[2] y)
        {
          a = Frobnicate(x)
          y = Twiddle(a)
        }
    """)
    output = tmp_path / "never.tenon"
    with pytest.raises(tenon.CompileError) as caught:
        tenon.compile(model, output=output)
    text = str(caught.value)
    assert "Frobnicate" in text and "Twiddle" in text
    assert caught.value.code.startswith("TN1")
    errors = [d for d in caught.value.diagnostics if d.severity == "error"]
    assert len(errors) == 2 and all(d.code == caught.value.code for d in errors)
    assert "Frobnicate" in errors[0].message and "Twiddle" in errors[1].message
    assert not output.exists()


def test_bad_target(scale_model):
    with pytest.raises(tenon.CompileError) as caught:
        tenon.compile(scale_model, target="toaster")
    assert "toaster" in str(caught.value)


def test_errors_hold_no_ir(scale_model):
    with pytest.raises(tenon.CompileError) as caught:
        tenon.compile(scale_model, output="/nowhere/x.tenon")
    assert caught.value.code == "TN6001" and "func.func" not in str(caught.value)


def test_bad_artifacts(scale, tmp_path):
    with pytest.raises(tenon.ArtifactError) as caught:
        tenon.load(tmp_path / "absent.tenon")
    assert caught.value.code == "TN7002"
    path = tmp_path / "damaged.tenon"
    scale.save(path)
    data = bytearray(path.read_bytes())
    for cut in (0, 10, len(data) // 2):
        path.write_bytes(data[:cut])
        with pytest.raises(tenon.ArtifactError):
            tenon.load(path)
    data[len(data) - 20] ^= 1  # the manifest is last
    path.write_bytes(data)
    with pytest.raises(tenon.ArtifactError) as caught:
        tenon.load(path)
    assert caught.value.code == "TN7003"
