# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Suites of targets are left out while they are green, and never otherwise: utils/green.py
and what utils/run-tests.py makes of it."""

import importlib.util
import json
import sys

import pytest

from harness import ROOT

sys.path.insert(0, str(ROOT / "utils"))
import green  # noqa: E402

TABLE = {
    "rooms": ["Dialect"], "common": ["CMakeLists.txt"], "shared": ["models"],
    "targets": {"one": {"folders": ["lib/Target/One"], "lit": []}, "two": {"folders": ["lib/Target/Two"], "lit": []}},
    "suites": {"first": {"target": "one", "tests": ["test/one.py"]}, "second": {"target": "two", "tests": ["test/two.py"]}},
}
FILES = ("lib/Dialect/A.cpp", "include/tenon/Dialect/A.h", "CMakeLists.txt", "lib/Target/One/One.cpp", "lib/Target/Two/Two.cpp",
         "test/one.py", "test/two.py", "shared/models/m/model.onnx")


@pytest.fixture
def tree(tmp_path, monkeypatch):
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    monkeypatch.setenv("TENON_SHARED", str(tmp_path / "shared"))
    return tmp_path


def load_runner():
    spec = importlib.util.spec_from_file_location("run_tests", ROOT / "utils/run-tests.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


RUNNER = load_runner()
PASSED, FAILED, NOTHING = RUNNER.Counts(passed=5, skipped=1), RUNNER.Counts(passed=4, failed=1), RUNNER.Counts(skipped=1)


def notes(tree, build="build"):
    return green.Green(tree / build, tree, TABLE)


def run(tree, counts, suite="first"):
    """A run that ends with these counts; what it would have been skipped as."""
    file = notes(tree)
    before = file.checks_of_unchanged(suite)
    file.passed(suite, counts)
    return before


def test_the_table_is_of_this_tree():
    """No path is misspelt; a suite is in both tables, or in none."""
    table = green.read_table()
    for suite in table["suites"]:
        assert suite in RUNNER.SUITES
        assert sum(len(green.files_of(ROOT, path)) for path in green.paths_of(table, suite)) > 300
    parts = [path for target in table["targets"].values() for path in target["folders"] + target["lit"]]
    assert all((ROOT / path).exists() for path in parts)
    with pytest.raises(FileNotFoundError, match="lib/Dialects"):
        green.files_of(ROOT, "lib/Dialects")


@pytest.mark.parametrize("name", FILES)
def test_a_changed_file_changes_the_hash(tree, name):
    """Of the suites that have it, and of no other."""
    before = {suite: green.hash_of(TABLE, suite, tree) for suite in TABLE["suites"]}
    assert before == {suite: green.hash_of(TABLE, suite, tree) for suite in TABLE["suites"]}
    (tree / name).write_text(name + " ")
    changed = {suite for suite in TABLE["suites"] if green.hash_of(TABLE, suite, tree) != before[suite]}
    assert changed == ({"first"} if "one" in name.lower() else {"second"} if "two" in name.lower() else {"first", "second"})


def test_files_that_come_and_go(tree):
    before = green.hash_of(TABLE, "first", tree)
    (tree / "lib/Dialect/__pycache__").mkdir()
    (tree / "lib/Dialect/__pycache__/a.pyc").touch()
    assert green.hash_of(TABLE, "first", tree) == before
    (tree / "lib/Dialect/B.cpp").touch()
    assert green.hash_of(TABLE, "first", tree) != before
    (tree / "lib/Dialect/B.cpp").rename(tree / "lib/Dialect/C.cpp")
    assert len({before, green.hash_of(TABLE, "first", tree)}) == 2
    (tree / "lib/Dialect/C.cpp").unlink()
    assert green.hash_of(TABLE, "first", tree) == before


def test_a_green_suite_need_not_run(tree):
    assert run(tree, PASSED) is None
    assert run(tree, PASSED) == 6
    assert notes(tree).checks_of_unchanged("second") is None
    assert notes(tree, "build-asan").checks_of_unchanged("first") is None
    run(tree, PASSED, "second")
    (tree / "test/one.py").write_text("changed")
    assert notes(tree).checks_of_unchanged("first") is None and notes(tree).checks_of_unchanged("second") == 6


@pytest.mark.parametrize("counts", [FAILED, NOTHING])
def test_what_did_not_pass_wholly_is_not_written(tree, counts):
    run(tree, counts)
    assert notes(tree).checks_of_unchanged("first") is None
    run(tree, PASSED)
    run(tree, counts)
    assert notes(tree).checks_of_unchanged("first") is None


def test_a_change_on_the_way_is_not_green(tree):
    file = notes(tree)
    file.checks_of_unchanged("first")
    (tree / "lib/Dialect/A.cpp").write_text("edited while the suite ran")
    file.passed("first", PASSED)
    assert notes(tree).checks_of_unchanged("first") is None


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"text"', '{"build first": 1}', '{"build first": {"hash": "%s"}}',
                                  '{"build first": {"hash": "%s", "checks": "many"}}'])
def test_a_damaged_file_means_run(tree, text):
    run(tree, PASSED)
    whole = json.loads((tree / ".cache/green").read_text())
    (tree / ".cache/green").write_text(text.replace("%s", whole["build first"]["hash"]))
    assert notes(tree).checks_of_unchanged("first") is None
    (tree / ".cache/green").write_bytes(b"\xff\xfe")
    assert run(tree, PASSED) is None
    assert notes(tree).checks_of_unchanged("first") == 6  # written anew


def test_the_runner_says_what_it_leaves_out(tree, monkeypatch, capsys):
    """And runs it where it is asked for, with --all, after a failure, and of a build that may be old."""

    def suite(name):
        def commands(runner, process):
            report = process.scratch / "report.json"
            fails = (tree / f"{name} fails").exists()
            text = json.dumps({"passed": ["a", "b"], "failed": ["c"] * fails, "skipped": []})
            yield name, [sys.executable, "-c", "import sys; open(sys.argv[1], 'w').write(sys.argv[2])", report, text], report

        return RUNNER.Suite(commands, RUNNER.read_own_json, 1)

    monkeypatch.setattr(RUNNER, "SUITES", {name: suite(name) for name in ("plain", "first", "second")})
    monkeypatch.setattr(RUNNER, "TABLE", TABLE)
    green_of = green.Green
    monkeypatch.setattr(RUNNER.green, "Green", lambda build: green_of(tree / "build", tree, TABLE))
    monkeypatch.setattr(RUNNER.signal, "signal", lambda *_: None)

    def summary(*flags, built=True):
        monkeypatch.setattr(sys, "argv", ["run-tests.py", "--jobs=1", *["--green"] * built, *flags])
        status = RUNNER.main()
        lines = capsys.readouterr().out.splitlines()
        assert (status == 0) == (", 0 failed," in lines[-1])
        return lines[-1], "\n".join(lines)

    assert summary(built=False)[0] == summary()[0] == "6 passed, 0 failed, 0 skipped"
    last, text = summary()
    assert last == "2 passed, 0 failed, 4 skipped" and text.count("skipped: unchanged since a green run, .cache/green") == 2
    assert summary("--all")[0] == "6 passed, 0 failed, 0 skipped"
    assert summary("--suite=first")[0] == summary("--target=one")[0] == "2 passed, 0 failed, 0 skipped"
    assert summary(built=False)[0] == "6 passed, 0 failed, 0 skipped"
    (tree / "first fails").touch()
    assert summary("--all")[0] == "6 passed, 1 failed, 0 skipped"
    (tree / "first fails").unlink()
    assert summary()[0] == "4 passed, 0 failed, 2 skipped"
    assert summary()[0] == "2 passed, 0 failed, 4 skipped"
