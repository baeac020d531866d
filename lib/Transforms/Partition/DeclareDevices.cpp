// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From flags to the IR: passes behind this one know of devices what the module says of them.
#include "tenon/Transforms/Partition/Passes.h"

#include "llvm/ADT/StringMap.h"

using namespace mlir;

namespace tenon::partition {
#define GEN_PASS_DEF_DECLAREDEVICESPASS
#include "tenon/Transforms/Partition/Passes.h.inc"

std::vector<std::string> deviceNames(const Targets &targets, ArrayRef<std::string> specs) {
  std::vector<std::string> names;
  llvm::StringMap<unsigned> seen;
  for (auto [target, spec] : llvm::zip_equal(targets, specs)) {
    StringRef name = (spec.empty() ? target->spec() : StringRef(spec)).split(',').first;
    unsigned number = ++seen[name];
    names.push_back(number > 1 ? (name + "#" + Twine(number)).str() : name.str());
    seen.try_emplace(plan::kHostSpace, 1); // the host's memory, which no other device is called
  }
  return names;
}

void declareDevices(ModuleOp module, const Targets &targets, ArrayRef<std::string> names) {
  MLIRContext *context = module.getContext();
  SmallVector<Attribute> devices;
  for (auto [target, name] : llvm::zip_equal(targets, names))
    devices.push_back(
        plan::DeviceAttr::get(context, name, target->spec(), hw::DeviceAttr::get(context, target->chip())));
  module->setAttr(plan::kHostAttr, devices.front());
  if (devices.size() > 1)
    module->setAttr(plan::kDevicesAttr, ArrayAttr::get(context, ArrayRef(devices).drop_front()));
}

namespace {

class DeclareDevices : public impl::DeclareDevicesPassBase<DeclareDevices> {
public:
  using DeclareDevicesPassBase::DeclareDevicesPassBase;
  DeclareDevices(TargetProvider provider, DeclareDevicesPassOptions options)
      : DeclareDevicesPassBase(std::move(options)), provider(std::move(provider)) {}
  DeclareDevices(const DeclareDevices &other) = default;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (plan::hostOf(module) || specs.empty())
      return;
    Targets targets;
    for (const std::string &spec : specs) {
      std::string error = "[TN8010] this tool knows no targets";
      auto device = plan::DeviceAttr::get(&getContext(), plan::kHostSpace, spec, hw::DeviceAttr());
      targets.push_back(provider ? provider(device, error) : nullptr);
      if (!targets.back()) {
        module.emitError(error);
        return signalPassFailure();
      }
    }
    declareDevices(module, targets, deviceNames(targets, std::vector<std::string>(specs.begin(), specs.end())));
  }

private:
  TargetProvider provider;
};

} // namespace

std::unique_ptr<Pass> createDeclareDevicesPass(TargetProvider provider, DeclareDevicesPassOptions options) {
  return std::make_unique<DeclareDevices>(std::move(provider), std::move(options));
}

} // namespace tenon::partition
