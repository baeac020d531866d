// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Commands.h"
#include "Json.h"

#include "tenon/Target/CPU/CpuTarget.h"

namespace tenon::driver {

namespace {

class TargetsCommand : public Command {
public:
  TargetsCommand() : Command("targets", "List the targets", "", 0) {}
  Exit run() override;

private:
  Switch json{*this, {"json"}, "Print the list as JSON"};
};

Exit TargetsCommand::run() {
  llvm::json::Array array;
  for (const char *spec :
       {"cpu:host", "cpu:x86-64-v2", "cpu:x86-64-v3", "cpu:x86-64-v4", "cpu:aarch64", "cpu:riscv64"}) {
    cpu::CpuTarget target;
    std::string error;
    if (!cpu::parseCpuTarget(spec, target, error))
      return complain(error, kInternal);
    if (json)
      array.push_back(llvm::json::Object{{"target", spec},
                                         {"means", target.spec},
                                         {"triple", target.triple},
                                         {"vector_bits", target.vectorBits},
                                         {"features", llvm::json::Array(target.features)}});
    else
      llvm::outs() << llvm::formatv("{0,-15} {1}, {2}-bit vectors", spec, target.triple, target.vectorBits)
                   << (target.spec != spec ? " (" + target.spec + ")" : "") << "\n";
  }
  if (json)
    printJson(std::move(array));
  return kOk;
}

} // namespace

std::unique_ptr<Command> makeTargets() { return std::make_unique<TargetsCommand>(); }

} // namespace tenon::driver
