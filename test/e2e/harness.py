# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the end-to-end tests share: finding the tools and the shared data,
calling the driver, expected failures, and the result file of the runner."""

import argparse
import json
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SHARED = Path(os.environ.get("TENON_SHARED", ROOT.parent / "shared"))

# A compiler that runs away must not take the machine with it.
MEMORY_LIMIT = 16_000_000 * 1024


def build_under_test():
    """The build folder of the tests that pytest runs."""
    return Path(os.environ.get("TENON_BUILD_DIR", Path(__file__).resolve().parent.parent.parent / "build"))


def is_sanitized(build):
    """Whether a build folder holds the preset `sanitize`."""
    return "asan" in Path(build).name


class Driver:
    """The `tenon` command of one build folder."""

    def __init__(self, build, timeout):
        self.program = Path(build) / "bin" / "tenon"
        self.timeout = timeout
        self.sanitized = is_sanitized(build)

    def exists(self):
        return os.access(self.program, os.X_OK)

    def __call__(self, *arguments):
        """Returns (exit status, last lines of the output)."""

        def limit():
            # AddressSanitizer reserves terabytes of address space.
            if not self.sanitized:
                resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))

        command = [str(self.program), *map(str, arguments)]
        try:
            done = subprocess.run(
                command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=self.timeout,
                preexec_fn=limit, check=False,
            )
        except subprocess.TimeoutExpired:
            return 124, f"no answer after {self.timeout} s"
        return done.returncode, done.stdout.decode(errors="replace").strip()


def parser(doc, **defaults):
    """What the scripts' command lines have in common; `jobs` and `timeout` where they are given."""
    made = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--build", default="build")
    made.add_argument("--json", help="write the names of passed, failed and skipped tests here")
    if "jobs" in defaults:
        made.add_argument("--jobs", type=int, default=defaults["jobs"])
    if "timeout" in defaults:
        made.add_argument("--timeout", type=int, default=defaults["timeout"], help="seconds for one compilation or run")
    return made


def use_package(build):
    """Makes `import tenon` find the build's package; what is wrong with it, or None."""
    sys.path.insert(0, str(Path(build).resolve() / "python"))
    try:
        import onnx  # noqa: F401  (loaded once, before processes fork)
        import tenon.compiler  # noqa: F401
    except ImportError as error:
        return f"    the Python package cannot be imported: {error}"
    return None


def peer_session(model, optimize=True):
    """ONNX Runtime on a path or bytes, with one thread and without its warnings."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    if not optimize:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(
        model if isinstance(model, bytes) else str(model), options, providers=["CPUExecutionProvider"])


def isolated(call, timeout, quiet=False):
    """(result, None) of a call in a forked child, or (None, what happened): an exception,
    a crash or a hang is the end of one test only."""
    receive, send = multiprocessing.Pipe(duplex=False)
    child = os.fork()
    if child == 0:
        if quiet:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        try:
            answer = (call(), None)
        except BaseException as error:  # whatever it was, the parent reports it
            place = error.__traceback__
            while place.tb_next:
                place = place.tb_next
            file = Path(place.tb_frame.f_code.co_filename).name
            answer = (None, f"{type(error).__name__}: {str(error)[:600]} ({file}:{place.tb_lineno})")
        send.send(answer)
        os._exit(0)
    send.close()
    try:
        answer = receive.recv() if receive.poll(timeout) else (None, f"no answer after {timeout} s")
    except EOFError:
        answer = None
    receive.close()
    if answer is None:
        status = os.waitpid(child, 0)[1]
        if os.WIFSIGNALED(status):
            return None, f"crash: {signal.Signals(os.WTERMSIG(status)).name}"
        return None, f"the process ended with exit status {os.WEXITSTATUS(status)} and no answer"
    os.kill(child, signal.SIGKILL)  # it is done, or hangs
    os.waitpid(child, 0)
    return answer


def excerpt(text, count=4):
    """The lines of a tool's output that say most: its errors, else its end."""
    lines = [line for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line or "[TN" in line]
    chosen = errors[:count] or lines[-count:]
    return "\n".join("      " + line[:240] for line in chosen)


def read_expected(path):
    """Lines `name: reason`; a name without a reason is an error of the file."""
    expected = {}
    for number, line in enumerate(Path(path).read_text().splitlines(), 1):
        line = line.split("#", 1)[0].strip()
        if not line:
            continue
        name, colon, reason = line.partition(": ")
        if not colon or not reason.strip():
            raise SystemExit(f"{path}:{number}: expected 'name: reason'")
        expected[name.strip()] = reason.strip()
    return expected


class Results:
    """Counts outcomes against the expected failures and prints them as they come."""

    def __init__(self, expected, verbose=True):
        self.expected, self.verbose = expected, verbose
        self.passed, self.failed, self.skipped = [], [], []

    def record(self, name, ok, detail=""):
        reason = self.expected.get(name)
        if ok and reason is not None:
            self.failed.append(name)
            print(f"UNEXPECTED PASS {name}: remove it from the expected failures", flush=True)
        elif ok:
            self.passed.append(name)
            if self.verbose:
                print(f"pass {name}", flush=True)
        elif reason is not None:
            self.skipped.append(name)
            print(f"skip {name}: known not to work: {reason}", flush=True)
        else:
            self.failed.append(name)
            print(f"FAIL {name}", flush=True)
            if detail:
                print(detail, flush=True)

    def skip(self, name, reason):
        self.skipped.append(name)
        print(f"skip {name}: {reason}", flush=True)

    def finish(self, json_path=None):
        if json_path:
            data = {"passed": self.passed, "failed": self.failed, "skipped": self.skipped}
            Path(json_path).write_text(json.dumps(data))
        print(f"{len(self.passed)} passed, {len(self.failed)} failed, {len(self.skipped)} skipped")
        return 1 if self.failed else 0
