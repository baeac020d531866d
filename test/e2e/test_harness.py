# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the test run stands on: no case is lost or done twice where processes share
them, a crash ends one test, and a wrong value is never a pass."""

import collections
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import harness
from fork_server import Program

HERE = Path(__file__).resolve().parent


def python(text, **environment):
    done = subprocess.run([sys.executable, "-c", text], cwd=HERE, env=dict(os.environ, **environment), capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_processes_share_cases_without_loss(tmp_path):
    """Also two of one name, and whoever comes late."""
    cases = [f"case {i % 97}" for i in range(200)]
    text = f"import harness\nfor case in {cases}:\n  if harness.claimed(case): print(case)"
    with ThreadPoolExecutor(3) as pool:
        shares = list(pool.map(lambda _: python(text, TENON_TEST_CASES=str(tmp_path)), range(3)))
    assert collections.Counter(sum(shares, [])) == collections.Counter(cases)
    assert python(text, TENON_TEST_CASES=str(tmp_path)) == []


def test_what_processes_share_is_made_once(tmp_path):
    text = """if True:
        import harness, os, time
        def make(folder):
            time.sleep(0.2)
            (folder / "made").write_text(str(os.getpid()))
        print((harness.made_once("it", make) / "made").read_text())"""
    with ThreadPoolExecutor(3) as pool:
        makers = sum(pool.map(lambda _: python(text, TENON_TEST_RUN=str(tmp_path)), range(3)), [])
    assert len(makers) == 3 and len(set(makers)) == 1
    failing = "import harness\ntry: harness.made_once('other', lambda folder: 1 / 0)\nexcept ZeroDivisionError: print('failed')"
    assert python(failing, TENON_TEST_RUN=str(tmp_path)) == python(failing, TENON_TEST_RUN=str(tmp_path)) == ["failed"]


def test_a_child_makes_as_many_calls_as_it_survives():
    def crash():
        os.kill(os.getpid(), signal.SIGKILL)

    calls = [os.getpid, os.getpid, crash, os.getpid, lambda: 1 / 0, lambda: time.sleep(60), os.getpid, lambda: os._exit(3), crash]
    answers = list(harness.isolated_each(calls, 5))
    pids = [answer for answer, problem in answers if not problem]
    assert len(answers) == len(calls) and len(pids) == 4 and pids[0] == pids[1] and len(set(pids)) == 3
    problems = [problem for _, problem in answers]
    assert problems[2] == problems[8] == "crash: SIGKILL" and "ZeroDivisionError" in problems[4]
    assert "no answer after 5 s" in problems[5] and "exit status 3" in problems[7]


@pytest.fixture(params=[True, False], ids=["forked", "spawned"])
def shell(request):
    """A shell whose runs are forks of one that waits before its main, and one without such."""
    if request.param and harness.is_sanitized(harness.build_under_test()):
        pytest.skip("sanitizers want to be loaded first")
    program = Program("/bin/sh", harness.build_under_test(), address_space=1 << 30)
    assert program.library
    program.library = program.library if request.param else None
    yield program
    program.stop()


def test_each_run_of_a_program_has_its_own_process(shell, tmp_path):
    says = shell.run(["-c", 'echo "$0 $1 $VALUE$HOME"; pwd; ulimit -v; echo bad >&2; exit 3', "zero", "one"], cwd=tmp_path, env={"VALUE": "a = b"})
    assert (says.returncode, says.stdout.decode(), says.stderr) == (3, f"zero one a = b\n{tmp_path}\n{1 << 20}\n", b"bad\n")
    assert shell.run(["-c", "echo a; echo b >&2; echo c"], merged=True).stdout == b"a\nb\nc\n"
    assert shell.run(["-c", "value=1; echo $$; exit"]).stdout != shell.run(["-c", "echo $value$$"]).stdout
    assert shell.run(["-c", "kill -SEGV $$"]).returncode == -signal.SIGSEGV
    assert shell.run(["-c", "echo $1 | wc -c", "sh", "x" * 100_000]).stdout.strip() == b"100001"
    with pytest.raises(subprocess.TimeoutExpired):
        shell.run(["-c", "exec sleep 60"], timeout=0.2)
    busy = shell.run(["-c", "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"])
    assert busy.returncode == 0 and 0.02 < busy.seconds < 20 and 1 << 19 < busy.peak < 1 << 27


def test_runs_are_forks_of_one_program(shell):
    parents = {shell.run(["-c", "echo $PPID"]).stdout.decode().strip() for _ in range(3)}
    assert parents == {str(shell.process.pid if shell.library else os.getpid())}
    ((theirs, problem),) = harness.isolated_each([lambda: shell.run(["-c", "echo $PPID"]).stdout.decode().strip()], 20)
    assert not problem and theirs not in parents  # what Python forks has a program of its own that forks


@pytest.mark.parametrize("says, status", [("passed", 0), ("different y at [0]: 1, expected 2\nfailed", 1), ("", 1), ("error: [TN2101]\nfailed", 0)])
def test_one_wrong_value_fails_the_reference(tmp_path, says, status):
    """However many others pass; a refusal does not."""
    for name in ("one", "two", "three"):
        (tmp_path / "data" / name).mkdir(parents=True)
        (tmp_path / "data" / name / "model.onnx").touch()
    tool = tmp_path / "tool"
    tool.write_text(f"#!{sys.executable}\nimport sys\nfor test in sys.argv[1:]:\n  if test[0] == '/':\n"
                    f"    print('test', test)\n    print({says!r} if test.endswith('two') else 'passed')\n")
    tool.chmod(0o755)
    done = subprocess.run([sys.executable, HERE / "reference_node_tests.py", "--tool", tool, "--data", tmp_path / "data", "--minimum", "2"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stdout + done.stderr
