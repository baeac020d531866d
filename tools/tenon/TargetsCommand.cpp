// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Commands.h"

#include "tenon/Target/CPU/CpuTarget.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

namespace cl = llvm::cl;

namespace tenon::driver {

cl::SubCommand targetsCommand("targets", "List the targets");
static cl::opt<bool> json("json", cl::desc("Print the list as JSON"), cl::sub(targetsCommand));

int runTargets() {
  llvm::json::Array array;
  for (const char *spec : {"cpu:host", "cpu:x86-64-v2", "cpu:x86-64-v3", "cpu:x86-64-v4", "cpu:aarch64", "cpu:riscv64"}) {
    cpu::CpuTarget target;
    std::string error;
    if (!cpu::parseCpuTarget(spec, target, error))
      return complain(error, kInternal);
    if (json)
      array.push_back(llvm::json::Object{{"target", spec}, {"means", target.spec}, {"triple", target.triple},
                                         {"vector_bits", target.vectorBits}, {"features", llvm::json::Array(target.features)}});
    else
      llvm::outs() << llvm::formatv("{0,-15} {1}, {2}-bit vectors", spec, target.triple, target.vectorBits)
                   << (target.spec != spec ? " (" + target.spec + ")" : "") << "\n";
  }
  if (json)
    llvm::outs() << llvm::formatv("{0:2}", llvm::json::Value(std::move(array))) << "\n";
  return kOk;
}

} // namespace tenon::driver
