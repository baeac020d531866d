# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the end-to-end tests share: finding the tools and the shared data,
calling the driver, what several processes of one run share (cases of a suite,
compiled models), expected failures, and the result file of the runner."""

import argparse
import atexit
import collections
import fcntl
import functools
import hashlib
import json
import multiprocessing
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import threading
from dataclasses import asdict, dataclass
from pathlib import Path

from fork_server import Program

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


seen = collections.Counter()  # cases that `claimed` was asked for, by name


def sharing():
    """Whether several processes of the runner divide the cases of a suite."""
    return "TENON_TEST_CASES" in os.environ


def claimed(name):
    """Whether this process is to do a case: of several that share a suite, the first that
    asks. All of them ask for all cases."""
    if not sharing():
        return True
    seen[name] += 1  # so that no case is lost that has the name of another
    key = hashlib.sha256(f"{name}\0{seen[name]}".encode()).hexdigest()
    try:
        os.close(os.open(Path(os.environ["TENON_TEST_CASES"]) / key, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    return True


@functools.cache
def run_folder():
    """What lasts for one run of the runner, or of a script that is called alone."""
    folder = os.environ.get("TENON_TEST_RUN")
    if not folder:
        folder = tempfile.mkdtemp(prefix="tenon-test-")
        owner = os.getpid()
        atexit.register(lambda: os.getpid() == owner and shutil.rmtree(folder, ignore_errors=True))
    return Path(folder)


def made_once(key, make):
    """A folder that `make(folder)` fills, once for all processes of a run that ask by this key."""
    folder = run_folder() / "made" / hashlib.sha256(key.encode()).hexdigest()[:32]
    folder.parent.mkdir(exist_ok=True)
    with open(folder.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            half = folder.with_suffix(".part")  # of a process that was stopped
            shutil.rmtree(half, ignore_errors=True)
            half.mkdir()
            make(half)
            half.rename(folder)
    return folder


def cached_compilers(base):
    """An environment for compiling C and C++ through ccache where it is installed, as the build does; where the
    folder `base` lies does not matter."""
    links = Path("/usr/lib/ccache")
    if not links.is_dir():
        return dict(os.environ)
    return dict(os.environ, PATH=f"{links}:{os.environ['PATH']}", CCACHE_BASEDIR=str(base), CCACHE_NOHASHDIR="1")


def node_tests():
    """The folder of ONNX's node tests, one folder each; None where ../shared is missing."""
    archive = SHARED / "suites" / "onnx-node-tests.tar.xz"
    if not archive.is_file():
        return None

    def unpack(folder):
        with tarfile.open(archive) as tar:
            # Plain files and folders inside: what filter="data" of newer Pythons asks for.
            members = [m for m in tar.getmembers() if "/node/" in m.name and (m.isreg() or m.isdir())]
            tar.extractall(folder, [m for m in members if ".." not in m.name and not m.name.startswith("/")])

    return made_once(f"unpacked {archive}", unpack) / "onnx-backend-data" / "node"


@dataclass
class Compilation:
    """How one compilation ended."""

    status: int
    text: str
    seconds: float  # of a processor
    peak: int  # bytes of memory
    artifact: Path = None


class Driver:
    """The `tenon` command of one build folder."""

    def __init__(self, build, timeout):
        self.program = Path(build) / "bin" / "tenon"
        self.timeout = timeout
        self.sanitized = is_sanitized(build)
        # AddressSanitizer reserves terabytes of address space.
        self.runs = Program(self.program, build, None if self.sanitized else MEMORY_LIMIT)

    def exists(self):
        return os.access(self.program, os.X_OK)

    def __call__(self, *arguments):
        """Returns (exit status, last lines of the output)."""
        try:
            done = self.runs.run(arguments, timeout=self.timeout, merged=True)
        except subprocess.TimeoutExpired:
            return 124, f"no answer after {self.timeout} s"
        return done.returncode, done.stdout.decode(errors="replace").strip()

    def measured(self, *arguments):
        """The Compilation that these arguments ask for."""
        try:
            done = self.runs.run(arguments, timeout=self.timeout, merged=True)
        except subprocess.TimeoutExpired:
            return Compilation(124, f"no answer after {self.timeout} s", self.timeout, 0)
        return Compilation(done.returncode, done.stdout.decode(errors="replace").strip(), done.seconds, done.peak)

    def compiled(self, model, target, *flags):
        """The Compilation of a model for a target, once for all processes and suites of a run.
        Nobody changes or removes its artifact."""
        compiler = self.program.stat()
        key = f"{Path(model).resolve()} {target} {flags} {self.program.resolve()} {compiler.st_size} {compiler.st_mtime_ns}"

        def make(folder):
            done = self.measured("compile", "-q", model, "-o", folder / "model.tenon", f"--target={target}", *flags)
            (folder / "compilation.json").write_text(json.dumps(asdict(done)))

        folder = made_once(key, make)
        done = Compilation(**json.loads((folder / "compilation.json").read_text()))
        done.artifact = folder / "model.tenon"
        return done


def parser(doc, **defaults):
    """What the scripts' command lines have in common; `jobs`, `timeout` and `sweep` (what it adds) where they are given."""
    made = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--build", default="build")
    made.add_argument("--json", help="write the names of passed, failed and skipped tests here")
    if "jobs" in defaults:
        made.add_argument("--jobs", type=int, default=defaults["jobs"])
    if "sweep" in defaults:
        made.add_argument("--sweep", action="store_true", help=defaults["sweep"])
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


class GuardedSession:
    """Two sessions of an artifact in memory whose ends, and whose beginnings, touch
    pages without access, with other bytes in what is to be written. A result that
    differs between the two was not written, or follows from memory that was not."""

    def __init__(self, artifact, threads=1):
        self.sessions = [artifact.session(threads, guard=guard) for guard in ("end", "begin")]

    def run(self, feeds):
        first, second = (session.run(feeds) for session in self.sessions)
        for name, array in first.items():
            if array.tobytes() != second[name].tobytes():
                raise AssertionError(f"output '{name}' is not written, or follows from memory that is not")
        return first


def memory_error(text):
    """The runtime's line about a fault in a guarded run, or ""."""
    lines = re.findall(r"^tenon: memory error .*$", text, re.MULTILINE)
    return lines[-1] if lines else ""


def written(log, quiet):
    """What a child wrote to stderr, which is shown unless `quiet`."""
    with log:
        log.seek(0)
        text = log.read().decode(errors="replace")
    if text and not quiet:
        print(text, end="", file=sys.stderr, flush=True)
    return text


def answers_of(calls, timeout, quiet):
    """Forks a child that makes the calls in order, and yields what each gave: (result, None),
    or (None, what happened). A crash or a hang is the last of them; where a guarded run
    ends so, the kernel has a name."""
    receive, send = multiprocessing.Pipe(duplex=False)
    log = tempfile.TemporaryFile()
    child = os.fork()
    if child == 0:
        os.dup2(log.fileno(), 2)
        for call in calls:
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
    status = None
    try:
        for _ in calls:
            if not receive.poll(timeout):
                yield None, f"no answer after {timeout} s"
                break
            yield receive.recv()
    except EOFError:
        status = os.waitpid(child, 0)[1]
        log.seek(0)
        if os.WIFSIGNALED(status):
            found = memory_error(log.read().decode(errors="replace"))
            yield None, f"crash: {signal.Signals(os.WTERMSIG(status)).name} {found}".rstrip()
        else:
            yield None, f"the process ended with exit status {os.WEXITSTATUS(status)} and no answer"
    finally:
        receive.close()
        if status is None:
            os.kill(child, signal.SIGKILL)  # it is done, or hangs
            os.waitpid(child, 0)
        written(log, quiet)


def isolated_each(calls, timeout, quiet=False):
    """Yields (result, None) of each call made in a forked child, or (None, what happened): an
    exception, a crash or a hang is the end of one test only. A child makes as many calls as
    it survives, for a first one pays for much that later ones find ready."""
    done = 0
    while done < len(calls):
        for answer in answers_of(calls[done:], timeout, quiet):
            done += 1
            yield answer


def isolated(call, timeout, quiet=False):
    """The same of one call."""
    return next(isolated_each([call], timeout, quiet))


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


def processor_seconds():
    """What this process and its children that have ended took of the processors."""
    return sum(os.times()[:4]) + Program.forked_seconds


class Results:
    """Counts outcomes against the expected failures and prints them as they come. What was
    done since the case before is a case's: of cases that run together the first bears all."""

    def __init__(self, expected, verbose=True):
        self.expected, self.verbose = expected, verbose
        self.passed, self.failed, self.skipped, self.floors = [], [], [], {}
        self.seconds, self.before = {}, processor_seconds()

    def record(self, name, ok, detail=""):
        now = processor_seconds()
        self.seconds[name], self.before = now - self.before, now
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

    def at_least(self, name, floor):
        """The check that so many of the suite pass; of several processes only the runner knows."""
        if sharing():
            self.floors[name] = floor
        else:
            print(f"{len(self.passed)} pass, at least {floor} must")
            self.record(name, len(self.passed) >= floor, f"    fewer than {floor} pass")

    def finish(self, json_path=None):
        if json_path:
            data = {"passed": self.passed, "failed": self.failed, "skipped": self.skipped, "floors": self.floors,
                    "seconds": {name: round(seconds, 3) for name, seconds in self.seconds.items()}}
            Path(json_path).write_text(json.dumps(data))
        print(f"{len(self.passed)} passed, {len(self.failed)} failed, {len(self.skipped)} skipped")
        return 1 if self.failed else 0
