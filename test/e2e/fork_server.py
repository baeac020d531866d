# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs of one program that is loaded once: `Program(path, build).run(arguments)` is
what subprocess.run would give, without what the dynamic loader costs each time
(test/lib/ForkServer). The program is the one that is shipped, and each run is a
process of its own, with its arguments, environment, folder and exit status."""

import atexit
import os
import resource
import select
import signal
import socket
import struct
import subprocess
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

HEADER, NUMBER, ENDING = struct.Struct("=II"), struct.Struct("=i"), struct.Struct("=iid")


@dataclass
class Run:
    """How a run ended."""

    returncode: int  # the exit status, or minus the signal
    stdout: bytes
    stderr: bytes
    seconds: float  # of a processor, from main on
    peak: int  # bytes of memory


class Program:
    """A program that waits before its main, and forks. Of several threads one runs it at a time."""

    forked_seconds = 0.0  # of a processor, of all forks whose parent has not ended

    def __init__(self, path, build, address_space=None):
        """`address_space` limits the bytes of address space of each run."""
        self.path, self.address_space = str(path), address_space
        library = Path(build).resolve() / "lib" / "ForkServer.so"
        # What else is preloaded wants to be first in a process of its own.
        self.library = str(library) if library.is_file() and "LD_PRELOAD" not in os.environ else None
        self.process, self.socket, self.lock, self.forked = None, None, threading.Lock(), 0.0
        os.register_at_fork(after_in_child=self.forget)
        atexit.register(self.stop)

    def limit(self):
        if self.address_space:
            resource.setrlimit(resource.RLIMIT_AS, (self.address_space, self.address_space))

    def start(self):
        """Starts the program that forks."""
        self.socket, theirs = socket.socketpair()
        environment = dict(os.environ, LD_PRELOAD=self.library, TENON_FORK_SERVER=str(theirs.fileno()))
        self.process = subprocess.Popen([self.path], env=environment, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, preexec_fn=self.limit)
        theirs.close()

    def forget(self):
        """What forks belongs to one process of Python: a fork of that starts its own."""
        if self.socket:
            self.socket.close()
        Program.forked_seconds -= self.forked
        self.process, self.socket, self.lock, self.forked = None, None, threading.Lock(), 0.0

    def stop(self):
        """Ends what forks, whose forks' time then counts as that of a child's."""
        if self.process:
            self.socket.close()
            self.process.wait()
        self.forget()

    def run(self, arguments, cwd=None, env=None, timeout=600, merged=False):
        """A Run with these arguments; with `merged`, stdout has what goes to stderr, too.
        Raises subprocess.TimeoutExpired."""
        cwd, env = cwd or os.getcwd(), os.environ if env is None else env
        with self.lock, tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            streams = (0, output.fileno(), (output if merged else errors).fileno())
            forked = self.library and "LD_PRELOAD" not in env
            status, kilobytes, seconds = (self.fork if forked else self.spawn)([self.path, *map(str, arguments)], cwd, env, streams, timeout)
            texts = []
            for file in (output, errors):
                file.seek(0)
                texts.append(file.read())
        return Run(os.waitstatus_to_exitcode(status), *texts, seconds, kilobytes * 1024)

    def fork(self, words, cwd, env, streams, timeout):
        """Runs it in a fork of the program that waits. Returns status, kilobytes and seconds."""
        if not self.process:
            self.start()
        variables = [f"{name}={value}" for name, value in env.items()]
        text = b"".join(os.fsencode(str(part)) + b"\0" for part in (cwd, *words, *variables))
        socket.send_fds(self.socket, [HEADER.pack(len(text), len(words))], streams)
        self.socket.sendall(text)
        (number,) = self.receive(NUMBER)
        ends = select.poll()
        ends.register(self.socket, select.POLLIN)
        expired = not ends.poll(timeout * 1000)
        if expired:
            os.kill(number, signal.SIGKILL)
        ending = self.receive(ENDING)
        self.forked += ending[2]
        Program.forked_seconds += ending[2]
        if expired:
            raise subprocess.TimeoutExpired(words, timeout)
        return ending

    def receive(self, layout):
        data = self.socket.recv(layout.size, socket.MSG_WAITALL)
        if len(data) != layout.size:
            raise RuntimeError(f"{self.path}: what forks ended with status {self.process.wait()}")
        return layout.unpack(data)

    def spawn(self, words, cwd, env, streams, timeout):
        """Runs it in a new process."""
        process = subprocess.Popen(words, cwd=cwd, env=env, stdin=streams[0], stdout=streams[1], stderr=streams[2], preexec_fn=self.limit)
        expired = threading.Event()
        late = threading.Timer(timeout, lambda: (expired.set(), process.kill()))
        late.start()
        _, status, usage = os.wait4(process.pid, 0)
        late.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)  # it has been waited for
        if expired.is_set():
            raise subprocess.TimeoutExpired(words, timeout)
        return status, usage.ru_maxrss, usage.ru_utime + usage.ru_stime
