#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Random graphs against ONNX Runtime and ONNX's reference evaluator.

Each graph has 2 to 14 nodes over the operators that Tenon knows, open dimensions,
and inputs at three bindings of them: sizes of 0, 1, primes and tiles ± 1, values
with NaN, infinities and denormals. It runs between guard pages over poisoned
memory, every second one with red zones behind the buffers of its arena. What
neither oracle says is a finding: it is made as small as it gets and written to
`--out`, with inputs and what is right. Graph I of seed S is the same on every
machine: `--graph S:I` runs it alone.

Findings of before are cases of fuzz_cases/ and run first. fuzz-explained.txt
says where oracles are wrong, or the operators' text leaves open what is right;
fuzz-allowed-refusals.txt which codes may refuse what oracles compute. Cases that do
not work yet are in fuzz-expected-failures.txt.
"""

import collections
import os
import re
import resource
import signal
import sys
import tempfile
import time
import traceback
from multiprocessing.connection import Pipe, wait
from pathlib import Path

from harness import MEMORY_LIMIT, Results, isolated, memory_error, parser, read_expected, use_package

HERE = Path(__file__).resolve().parent
BATCH = 25
CPU_SECONDS = 60  # of one graph
SHRINK_SECONDS = 90
ALIKE = 3  # findings of one kind, code and operator that are made smaller


def options_of(index):
    """Every second graph has red zones, every fourth two threads."""
    return {"red_zones": index % 2 == 1, "threads": 2 if index % 4 == 2 else 1}


def make(seed, index):
    from fuzzing.generator import generate
    from fuzzing.makers import all_makers

    return generate([seed, index], all_makers())


def limit_processor_time(seconds):
    used = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
    resource.setrlimit(resource.RLIMIT_CPU, (int(used + seconds) + 1, resource.RLIM_INFINITY))


def producer(program, finding):
    """The operator whose result is wrong."""
    node = program.producer(finding.output) if finding is not None and finding.output else None
    return node.op if node else ""


def graphs_task(send, seed, indices):
    """Runs graphs; tells before each one what it is about to do, so that a crash has a name."""
    from fuzzing.execute import check

    for index in indices:
        limit_processor_time(CPU_SECONDS)
        send(("stage", index, "generate"))
        try:
            program = make(seed, index)
            if not program.nodes:
                send(("result", index, "empty", None, [], ""))
                continue
            outcome, finding = check(program, stage=lambda text: send(("stage", index, text)), **options_of(index))
            send(("result", index, outcome, finding, program.ops(), producer(program, finding)))
        except Exception:  # of the fuzzer itself
            send(("broken", index, traceback.format_exc()[-1500:]))


def shrink_task(send, seed, index, kind, code, out):
    from fuzzing.execute import check
    from fuzzing.record import text_of
    from fuzzing.shrink import shrink

    program, options = make(seed, index), options_of(index)
    last = {}

    def fails(candidate):
        answer, crash = isolated(lambda: check(candidate, **options), CPU_SECONDS * 4, quiet=True)
        if answer is None:
            last["text"] = crash
            return kind == "crash" and crash.startswith("crash")
        finding = answer[1]
        if finding is None or (finding.kind, finding.code) != (kind, code):
            return False
        last["text"] = finding.detail
        return True

    small = shrink(program, fails, SHRINK_SECONDS)
    fails(small)
    name = f"{kind}{'-' + code if code else ''}-{'-'.join(n.op for n in small.nodes)[:60]}-{seed}-{index}"
    if out:
        folder = Path(out)
        folder.mkdir(parents=True, exist_ok=True)
        text = f"{kind} {code}\n{last.get('text', '')}\ngraph {seed}:{index}, {options}, bindings {small.bindings}"
        (folder / f"{name}.txt").write_text(text_of(small, text))
    send(("shrunk", index, name, [n.op for n in small.nodes], last.get("text", "")))


class Task:
    """A forked process that works on graphs, or makes one smaller."""

    def __init__(self, work, *arguments):
        self.receive, send = Pipe(duplex=False)
        self.log = tempfile.TemporaryFile()
        self.current, self.stage = None, ""
        self.done = set()
        self.arguments = arguments
        self.started = time.monotonic()
        self.child = os.fork()
        if self.child == 0:
            try:
                os.dup2(self.log.fileno(), 2)
                resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))
                resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
                work(send.send, *arguments)
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(0)
        send.close()

    def messages(self):
        """What has arrived; ends with None where the process has ended."""
        while self.receive.poll():
            try:
                yield self.receive.recv()
            except EOFError:
                yield None
                return

    def reap(self):
        """(exit text, processor seconds, what it wrote to stderr)."""
        _, status, usage = os.wait4(self.child, 0)
        self.receive.close()
        self.log.seek(0)
        text = self.log.read().decode(errors="replace")
        self.log.close()
        crash = signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else ""
        return crash, usage.ru_utime + usage.ru_stime, text


class Fuzzer:
    def __init__(self, arguments, results):
        self.arguments, self.results = arguments, results
        self.next, self.cpu, self.graphs = 0, 0.0, 0
        self.outcomes, self.ops, self.alike = collections.Counter(), collections.Counter(), collections.Counter()
        self.queue, self.tasks, self.listed = [], {}, []
        self.started = time.monotonic()

    def more(self):
        """Whether another batch may begin."""
        a = self.arguments
        if a.count and self.next >= a.count:
            return False
        if a.findings and len(self.results.failed) >= a.findings:
            return False
        return not a.seconds or self.cpu < a.seconds * max(1, a.jobs if a.wall else 1)

    def start(self):
        while len(self.tasks) < self.arguments.jobs:
            if self.queue:
                task = Task(shrink_task, *self.queue.pop(0))
            elif self.more():
                end = self.next + BATCH if not self.arguments.count else min(self.next + BATCH, self.arguments.count)
                task = Task(graphs_task, self.arguments.seed, list(range(self.next, end)))
                self.next = end
            else:
                break
            self.tasks[task.receive] = task

    def run(self):
        self.start()
        while self.tasks:
            for receive in wait(list(self.tasks), timeout=10):
                task = self.tasks[receive]
                for message in task.messages():
                    if message is None:
                        del self.tasks[receive]
                        self.finish(task)
                    else:
                        self.take(task, message)
            self.start()

    def take(self, task, message):
        kind, index, *rest = message
        if kind == "stage":
            task.current, task.stage = index, rest[0]
        elif kind == "result":
            outcome, finding, ops, op = rest
            task.done.add(index)
            task.current = None
            self.graphs += 1
            self.outcomes[outcome] += 1
            self.ops.update(ops)
            if finding is not None:
                self.found(index, finding.kind, finding.code, finding.detail, op)
        elif kind == "broken":
            task.done.add(index)
            task.current = None
            self.results.record(f"fuzz.{self.arguments.seed}:{index}", False, f"    the fuzzer fails: {rest[0]}")
        elif kind == "shrunk":
            task.done.add(index)
            name, ops, text = rest
            self.results.record(f"fuzz.{self.arguments.seed}:{index}", False, f"    {name}\n    {text[:600]}")

    def found(self, index, kind, code, detail, op=""):
        if any(re.search(text, f"{kind} {code} {detail}") for text in self.arguments.ignore):
            self.outcomes["ignored"] += 1
            return
        self.listed.append(f"{self.arguments.seed}:{index} {kind} {code} {op} {detail[:120]}")
        print(f"finding {self.arguments.seed}:{index}: {kind} {code} {op} {detail[:300]}", flush=True)
        self.alike[kind, code, op] += 1
        if self.arguments.no_shrink or self.alike[kind, code, op] > ALIKE:
            self.results.record(f"fuzz.{self.arguments.seed}:{index}", False, f"    {kind} {code}: {detail[:600]}")
            return
        self.queue.append((self.arguments.seed, index, kind, code, self.arguments.out))

    def finish(self, task):
        crash, cpu, log = task.reap()
        self.cpu += cpu
        if task.current is not None:
            text = f"{crash or 'ended'} in {task.stage} {memory_error(log)}"
            self.graphs += 1
            self.outcomes["crash"] += 1
            self.found(task.current, "crash", "", text)
            rest = [i for i in task.arguments[1] if i > task.current]
            if rest:
                again = Task(graphs_task, self.arguments.seed, rest)
                self.tasks[again.receive] = again
            return
        asked = task.arguments[1] if isinstance(task.arguments[1], list) else [task.arguments[1]]
        if left := [index for index in asked if index not in task.done]:
            self.results.record(f"fuzz.{self.arguments.seed}:{left[0]}", False,
                                f"    {task.arguments[2:4]} no answer for {left}: {crash} {log[-800:]}")

    def report(self):
        wall = time.monotonic() - self.started
        print(f"{self.graphs} graphs of seed {self.arguments.seed}: " +
              ", ".join(f"{n} {text}" for text, n in self.outcomes.most_common()) +
              f"; {self.cpu:.0f} s of processor time, {self.graphs / max(self.cpu, 1e-9):.1f} graphs a second; {wall:.0f} s")
        for line in self.listed:
            print(f"found {line}")
        if self.arguments.verbose:
            print("operators: " + ", ".join(f"{op} {n}" for op, n in self.ops.most_common()))


def replay(results, only=None):
    """The findings of before."""
    from fuzzing.record import Case

    for path in sorted((HERE / "fuzz_cases").glob("*.txt")):
        answer, crash = isolated(lambda p=path: Case(p).check(), 120)
        problem = crash if answer is None else answer
        results.record(f"case.{path.stem}", not problem, f"    {problem}")


def check_lists(results):
    """Each rule that lets an oracle be overruled has its reason in the list, and the other way round."""
    from fuzzing.trust import rule_names

    reasons = read_expected(HERE / "fuzz-explained.txt")
    results.record("fuzz.explained", set(reasons) == rule_names(),
                   f"    without a reason or a rule: {sorted(set(reasons) ^ rule_names())}")


# Operators that no graph has: constants are initializers, and the preview's domain is one
# that ONNX Runtime does not have.
NOT_MADE = {("ai.onnx", "Constant"), ("ai.onnx.preview", "FlexAttention")}


def check_coverage(results):
    """Every operator that is supported occurs in some maker."""
    import tenon
    from fuzzing.makers.functions import OPERATORS
    from fuzzing.makers.templates import by_operator

    made = {(domain or "ai.onnx", op) for domain, op in by_operator()} | {("ai.onnx", op) for op in OPERATORS}
    missing = {(o.domain, o.operator) for o in tenon.ops() if o.supported != "no"} - made - NOT_MADE
    results.record("fuzz.covered", not missing, f"    no maker makes {sorted(missing)}")


def main():
    flags = parser(__doc__, jobs=1, sweep="ten minutes of processor time instead of 400 graphs")
    flags.add_argument("--seed", type=int, default=1)
    flags.add_argument("--count", type=int, default=0, help="graphs to run; 0: as many as the time allows")
    flags.add_argument("--seconds", type=float, default=0, help="processor time to spend (without it or --count: 400 graphs, with --sweep 600 seconds)")
    flags.add_argument("--wall", action="store_true", help="--seconds are of each job, not of all")
    flags.add_argument("--graph", help="only graph SEED:INDEX")
    flags.add_argument("--findings", type=int, default=20, help="stop after so many; 0: never")
    flags.add_argument("--ignore", action="append", default=[], help="an expression: findings whose text matches are only counted")
    flags.add_argument("--no-shrink", action="store_true", help="report findings as they are")
    flags.add_argument("--no-replay", action="store_true", help="leave fuzz_cases/ out")
    flags.add_argument("--out", help="folder for findings")
    flags.add_argument("--verbose", action="store_true", help="print how often each operator occurred")
    arguments = flags.parse_args()
    if not arguments.count and not arguments.seconds:
        arguments.count, arguments.seconds = (0, 600) if arguments.sweep else (400, 0)  # the same on every machine
    results = Results(read_expected(HERE / "fuzz-expected-failures.txt"), verbose=False)
    if problem := use_package(arguments.build):
        results.record("fuzz", False, problem)
        return results.finish(arguments.json)
    import fuzzing.record  # noqa: F401  (loaded once, before the processes fork)
    import fuzzing.shrink  # noqa: F401
    import onnx.reference  # noqa: F401
    import onnxruntime  # noqa: F401

    if arguments.graph:
        return one_graph(arguments, results)
    check_lists(results)
    check_coverage(results)
    if not arguments.no_replay:
        replay(results)
    fuzzer = Fuzzer(arguments, results)
    fuzzer.run()
    fuzzer.report()
    results.record("fuzz.graphs", fuzzer.graphs > 0 and not fuzzer.queue, "    no graph ran")
    return results.finish(arguments.json)


def one_graph(arguments, results):
    from fuzzing.execute import check

    import onnx

    seed, index = map(int, arguments.graph.split(":"))
    program = make(seed, index)
    print(onnx.printer.to_text(program.model()))
    print(f"bindings {program.bindings}, {options_of(index)}")
    answer, crash = isolated(lambda: check(program, **options_of(index)), CPU_SECONDS * 4)
    outcome, finding = answer or ("crash", crash)
    results.record(f"fuzz.{arguments.graph}", answer is not None and finding is None, f"    {outcome} {finding}")
    return results.finish(arguments.json)


if __name__ == "__main__":
    sys.exit(main())
