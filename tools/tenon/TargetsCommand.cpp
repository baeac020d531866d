// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Commands.h"
#include "Json.h"

#include "tenon/Pipelines/RegisterTargets.h"

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
  TargetRegistry targets;
  registerTargets(targets);
  for (const std::unique_ptr<TargetFamily> &family : targets.getFamilies())
    for (const std::string &spec : family->specs()) {
      std::string error;
      std::unique_ptr<Target> target = family->parse(spec, error);
      if (!target)
        return complain(error);
      TargetSummary chip = target->summary();
      if (json)
        array.push_back(llvm::json::Object{{"target", spec},
                                           {"means", chip.spec},
                                           {"triple", chip.triple},
                                           {"vector_bits", chip.vectorBits},
                                           {"features", llvm::json::Array(chip.features)}});
      else
        llvm::outs() << llvm::formatv("{0,-15} {1}, {2}-bit vectors", spec, chip.triple, chip.vectorBits)
                     << (chip.spec != spec ? " (" + chip.spec + ")" : "") << "\n";
    }
  if (json)
    printJson(std::move(array));
  return kOk;
}

} // namespace

std::unique_ptr<Command> makeTargets() { return std::make_unique<TargetsCommand>(); }

} // namespace tenon::driver
