# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""utils/check-architecture.py finds a planted violation of each of its rules. The plants are
made in a copy of the tree; here they are written in two parts where they would break the
rule in this file."""

import importlib.util
import shutil
from pathlib import Path

import pytest

from harness import ROOT

SPDX = "// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception\n"
PASS = 'def NewPass : Pass<"new-pass"> {\n  let summary = "s";\n  let description = "d";\n}\n'
OP = 'def Graph_NewOp : Graph_Op<"new"> {\n  let summary = "s";\n}\n'

LINES = "  x = 1;\n" * 59

# rule: (file, what is appended to it or what it holds if it is new).
PLANTS = {
    "include_direction": [("lib/Numerics/New.cpp", SPDX + '#include "tenon/Dialect/Graph/IR/Graph.h"\n'),
                          ("lib/Interfaces/New.cpp", SPDX + '#include "tenon/Transforms/Fusion/Passes.h"\n'),
                          ("lib/Transforms/Fusion/New.cpp", SPDX + '#include "tenon/Target/CPU/Codegen.h"\n'),
                          ("lib/Codegen/New.cpp", SPDX + '#include "tenon/Target/Host/HostModule.h"\n'),
                          ("include/tenon/Codegen/New.h", SPDX + '#include "tenon/Transforms/Fusion/Passes.h"\n'),
                          ("lib/Analysis/New.cpp", SPDX + '#include "tenon/Codegen/Passes.h"\n'),
                          ("lib/Pipelines/New.cpp", SPDX + '#include "tenon/Verify/KernelVerifier.h"\n'),
                          ("lib/Frontend/ONNX/New.cpp", SPDX + '#include "tenon/Dialect/Graph/IR/Graph.h"\n'),
                          ("lib/Elsewhere/New.cpp", SPDX)],
    "targets_apart": [("lib/Pipelines/New.cpp", SPDX + '#include "tenon/Target/CPU/CpuTarget.h"\n'),
                      ("tools/tenon/New.cpp", SPDX + '#include "tenon/Target/CPU/CpuTarget.h"\n'),
                      ("lib/Target/Toy/New.cpp", SPDX + '#include "tenon/Target/CPU/CpuTarget.h"\n'),
                      ("lib/Target/Host/New.cpp", SPDX + '#include "tenon/Target/CPU/CpuTarget.h"\n'),
                      ("include/tenon/Target/Host/New.h", SPDX + '#include "tenon/Target/CPU/CpuTarget.h"\n'),
                      ("lib/Target/Common/New.cpp", SPDX + '#include "tenon/Target/Host/HostModule.h"\n')],
    "runtime_alone": [("runtime/src/new.cpp", SPDX + "#include <llvm/ADT/StringRef.h>\n"),
                      ("runtime/src/new.cpp", SPDX + '#include "tenon/Support/Files.h"\n')],
    "protobuf_in_frontend": [("lib/Conversion/New.cpp", SPDX + "#include <onnx/onnx_pb.h>\n")],
    "no_global_state": [("lib/Pipelines/New.cpp", SPDX + "static llvm::cl::opt<bool> flag;\n")],
    "no_crash_on_input": [("lib/Frontend/ONNX/New.cpp", SPDX + 'void f() { llvm_unreachable("no"); }\n'),
                          ("runtime/src/new.cpp", SPDX + "void f() { abort(); }\n")],
    "exceptions_in_frontend": [("lib/Pipelines/New.cpp", SPDX + "void f() { throw 1; }\n")],
    "chips_in_targets": [("lib/Transforms/Fusion/New.cpp", SPDX + "bool avx512f;\n"),
                         ("lib/Target/Host/New.cpp", SPDX + "bool avx512f;\n"),
                         ("runtime/src/new.cpp", SPDX + "bool amx_tile;\n")],
    "devices_in_targets": [("lib/Pipelines/New.cpp", SPDX + 'const char *device = "cpu";\n'),
                           ("lib/Target/Host/New.cpp", SPDX + 'const char *device = "cpu";\n'),
                           ("include/tenon/Pipelines/New.h", SPDX + 'const char *target = "cpu:host";\n')],
    "passes_described_and_tested": [("include/tenon/Transforms/Fusion/Passes.td", PASS),
                                    ("include/tenon/Transforms/Fusion/Passes.td", PASS.replace("  let summary = \"s\";\n", "")),
                                    ("include/tenon/Transforms/Fusion/Passes.td", PASS.replace("  let description = \"d\";\n", ""))],
    "ops_described": [("include/tenon/Dialect/Graph/IR/GraphOps.td", OP.replace("  let summary = \"s\";\n", "")),
                      ("include/tenon/Dialect/Graph/IR/GraphOps.td", OP)],  # no example
    "purpose_stated": [("lib/Support/New.cpp", SPDX + "int x;\n"), ("tools/tenon/New.cpp", SPDX + "//\n\nint x;\n")],
    "ops_tested": [("include/tenon/Dialect/Graph/IR/GraphOps.td", OP)],
    "size_budget": [("lib/Support/New.cpp", SPDX + "\n" * 800), ("docs/new.bin", "x" * 100_001)],
    "function_size": [("lib/Support/New.cpp", SPDX + "void f() {\n" + LINES + "}\n"),
                      ("include/tenon/Support/New.h", SPDX + "struct S {\n  S(T t = {})\n      : t{1} {\n" + LINES + "  }\n};\n"),
                      ("runtime/src/new.cpp", SPDX + 'const F f[] = {{"f", [](int x) {\n' + LINES + "}}};\n")],
    "license_header": [("lib/Support/New.cpp", "int x;\n"), ("utils/new.py", "x = 1\n")],
    "checks_are_run": [("test/Docs/new.test", "RUN: true\nCHECK" + ": x\n"), ("test/Docs/new.mlir", "// nothing runs\n")],
    "mlir_linked_once": [("tools/tenon/CMakeLists.txt", "target_link_libraries(tenon PRIVATE MLIRIR)\n")],
    "codes_documented": [("lib/Support/New.cpp", SPDX + 'const char *code = "[TN' + '9998]";\n'),
                         ("docs/Errors/driver.md", "| TN" + "9997 | a | b | c |\n"),
                         ("include/tenon/Support/ErrorCodes.def", "TENON_ERROR_CODE(9996, User, driver)\n")],
    "names_of_files": [("lib/Support/Utils.cpp", SPDX), ("test/Docs/model.onnx", "x")],
    "formatted": [("lib/Support/New.cpp", SPDX + "int   x ;\n")],
}


@pytest.fixture(scope="module")
def check(tmp_path_factory):
    """The script as a module that looks at a copy of the tree."""
    spec = importlib.util.spec_from_file_location("check_architecture", ROOT / "utils/check-architecture.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    copy = tmp_path_factory.mktemp("tree")
    for name in module.FILES:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, copy / name)
    module.ROOT = copy
    return module


def test_functions_are_measured_from_signature_to_closing_brace(check):
    text = """namespace n {
struct S : B {
  S(int a, T t = {})
      : B(a), t{t, '{'} { // {
    f("}");
  }
  bool operator()(int x) const { return x; }

private:
  int x{1}, y[2] = {1, 2};
};
#define MACRO(x) {
enum class E : int { a, b };
const F table[] = {
    {1, nullptr},
    {2, [](int x) { return x; }},
};
template <typename T>
static T n::g(T x) {
  if (x) {
    struct Local {
      void h() {}
    };
  }
}
} // namespace n
"""
    assert list(check.functions(text)) == [("S", 3, 4), ("operator()", 7, 1), ("lambda", 16, 1), ("n::g", 18, 8)]


def test_every_rule_has_plants(check):
    assert {rule.__name__ for rule in check.RULES} == set(PLANTS)


@pytest.mark.parametrize("rule, file, text", [(rule, file, text) for rule, plants in PLANTS.items() for file, text in plants])
def test_a_planted_violation_is_found(check, rule, file, text):
    path = check.ROOT / file
    before = path.read_text() if path.exists() else None
    files = check.FILES
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text((before or "") + text)
        check.FILES = sorted({*files, file})
        problems = list(getattr(check, rule)())
    finally:
        check.FILES = files
        path.unlink() if before is None else path.write_text(before)
    assert any(file in problem or Path(file).suffix in (".def", ".md") for problem in problems), problems
