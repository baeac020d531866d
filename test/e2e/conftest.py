# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The driver as a fixture: `tenon(arguments...)` returns the finished process, of a
program that is loaded once for all tests (fork_server.py) unless an option wants
one of its own. And which tests run where the runner asks for a part of them."""

import collections
import subprocess

import pytest

from driver_models import OK, each_fate
from fork_server import Program
from harness import build_under_test, claimed, is_sanitized, processor_seconds, sharing


def pytest_addoption(parser):
    parser.addoption("--sample", action="store_true", help="of each sweep only every so manyth case")


def pytest_configure(config):
    config.addinivalue_line("markers", "sweep(step): with --sample every step-th of its cases runs")


def pytest_collection_modifyitems(config, items):
    if not config.getoption("--sample"):
        return
    met = collections.Counter()

    def kept(item):
        sweep = item.get_closest_marker("sweep")
        if sweep is None:
            return True
        met[item.function] += 1
        return met[item.function] % sweep.args[0] == 0

    chosen = [item for item in items if kept(item)]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(chosen)])
    items[:] = chosen


def pytest_runtestloop(session):
    """Where several processes share the tests, each does those that it claims."""
    if not sharing() or session.testsfailed or session.config.option.collectonly:
        return None  # as pytest does it
    queue = (item for item in session.items if claimed(item.nodeid))
    item = next(queue, None)
    while item:
        following = next(queue, None)  # so that the fixtures that it wants are kept
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        item = following
    return True


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_setup(item):
    item.began = processor_seconds()
    yield


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_teardown(item):
    yield
    item.user_properties.append(("processor", f"{processor_seconds() - item.began:.3f}"))


@pytest.fixture(scope="session")
def tenon():
    build = build_under_test()
    program = Program(build / "bin" / "tenon", build)

    def call(*arguments, cwd=None, env=None, **options):
        command = [program.path, *map(str, arguments)]
        if options:  # of how a new process starts
            return subprocess.run(command, capture_output=True, text=True, timeout=600, check=False, cwd=cwd, env=env, **options)
        run = program.run(arguments, cwd, env)
        return subprocess.CompletedProcess(command, run.returncode, as_text(run.stdout), as_text(run.stderr))

    call.program = program.path
    call.sanitized = is_sanitized(build)
    yield call
    program.stop()


def as_text(data):
    """What subprocess makes of output with text=True."""
    return data.decode().replace("\r\n", "\n").replace("\r", "\n")


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    """Commands without -o write to the working directory, which is no other test's."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """One with a node of each fate, where a file has none of its own."""
    return each_fate(tmp_path_factory.mktemp("driver") / "model.onnx")


@pytest.fixture(scope="module")
def artifact(tenon, model):
    path = model.with_suffix(".tenon")
    assert tenon("compile", model, "-o", path, "--keep-plan", "-q").returncode == OK
    return path
