# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# lit's configuration. It works on the source tree alone: the build folder comes
# from --param tenon_build, from the generated lit.site.cfg.py, or is <root>/build.
import os
import tomllib

import lit.formats

root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
build = lit_config.params.get("tenon_build", getattr(config, "tenon_build", os.path.join(root, "build")))
llvm_bin = getattr(config, "llvm_bin", "/usr/lib/llvm-22/bin")
shared = os.environ.get("TENON_SHARED", os.path.join(os.path.dirname(root), "shared"))

config.name = "Tenon"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test", ".onnxtxt"]
config.excludes = ["Inputs", "e2e"]
config.test_source_root = os.path.join(root, "test")
config.test_exec_root = os.path.join(build, "test")
config.maxIndividualTestTime = 300

# LLVM's tools come first so that FileCheck is the one of the MLIR we build with.
config.environment["PATH"] = os.pathsep.join(
    [os.path.join(build, "bin"), llvm_bin, os.environ.get("PATH", "")]
)
# Variables are local to their CHECK-LABEL, and a prefix nobody uses is a typo.
config.environment["FILECHECK_OPTS"] = "-enable-var-scope --allow-unused-prefixes=false"
for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "ASAN_SYMBOLIZER_PATH", "TENON_TEST_RUN"):
    if name in os.environ:
        config.environment[name] = os.environ[name]

config.substitutions.append(("%shared", shared))
config.substitutions.append(("%python", os.path.join(root, ".venv/bin/python")))
config.substitutions.append(("%root", root))
config.substitutions.append(("%build", build))

if os.path.isdir(shared):
    config.available_features.add("shared")
else:
    lit_config.note("skipped: no ../shared (tests that require 'shared')")


def cpu_flags():
    try:
        with open("/proc/cpuinfo") as info:
            for line in info:
                if line.startswith("flags"):
                    return set(line.split(":", 1)[1].split())
    except OSError:
        pass
    return set()


# Executed tests ask for what the machine's CPU can do; compiled ones never need to.
flags = cpu_flags()
for feature, needed in (("cpu-avx2", {"avx2", "fma"}), ("cpu-avx512", {"avx512f", "avx512dq", "avx512vl", "avx512bw"})):
    if needed <= flags:
        config.available_features.add(feature)

# One feature a target that is built: target-cpu, target-toy, ...
with open(os.path.join(root, "test/targets.toml"), "rb") as table:
    for target, parts in tomllib.load(table)["targets"].items():
        if all(os.path.exists(os.path.join(build, part)) for part in parts.get("built", ())):
            config.available_features.add(f"target-{target}")
