// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `tenon targets`: lists the targets, or shows of one the declaration of its chip (hw::Device), with what the
// target's spelling changes: as text for reading, as JSON, or by --emit as YAML that --target-file reads.
#include "Chips.h"
#include "Json.h"
#include "Table.h"

#include "llvm/ADT/StringExtras.h"

namespace tenon::driver {

namespace {

class TargetsCommand : public Command {
public:
  TargetsCommand() : Command("targets", "List the targets, or show what is known of one", "[TARGET]", 1) {}
  Exit run() override;

private:
  Exit list(const TargetRegistry &targets) const;

  Switch json{*this, {"json"}, "Print the list as JSON"};
  Switch emit{*this, {"emit"}, "Print the target's declaration, as --target-file reads it"};
  List files{*this, {"target-file"}, "FILE.yaml", "Declaration of a chip to load and to list"};
  List plugins{*this, {"load-target-plugin"}, "FILE.so", kTargetPluginHelp};
};

llvm::json::Object toJson(llvm::StringRef spec, const Target &target) {
  const hw::Device &chip = target.chip();
  return llvm::json::Object{{"target", spec.str()},
                            {"means", target.spec().str()},
                            {"summary", chip.summary},
                            {"triple", chip.triple},
                            {"vector_bits", chip.limit("vector_bits").value_or(0)},
                            {"features", llvm::json::Array(chip.features)}};
}

/// "32 KiB"
std::string size(int64_t bytes) {
  if (bytes == 0)
    return "not limited";
  for (auto [unit, shift] : {std::pair("GiB", 30), {"MiB", 20}, {"KiB", 10}})
    if (bytes >> shift && bytes % (int64_t(1) << shift) == 0)
      return std::to_string(bytes >> shift) + " " + unit;
  return std::to_string(bytes) + " bytes";
}
std::string speed(int64_t mbPerS) { return llvm::formatv("{0:f1} GB/s", double(mbPerS) / 1000); }

void show(const Target &target) {
  const hw::Device &chip = target.chip();
  llvm::raw_ostream &os = llvm::outs();
  os << target.spec() << "\n";
  if (!chip.summary.empty())
    os << chip.summary << "\n";
  os << "code       " << (chip.triple.empty() ? "of its own" : chip.triple) << "\n";
  if (!chip.features.empty())
    printWrapped(os, "features   " + llvm::join(chip.features, " "), 11, terminalWidth());
  for (const hw::Unit &unit : chip.units) {
    os << "unit       " << unit.count << " x " << unit.name << " at " << unit.clockMHz << " MHz, operations a cycle:";
    for (auto &[format, ops] : unit.opsPerCycle)
      os << " " << format << " " << ops;
    os << "\n";
  }
  for (const hw::Memory &memory : chip.memories)
    os << "memory     " << memory.name << ": " << size(memory.bytes) << ", " << speed(memory.mbPerS) << ", "
       << memory.latencyNs << " ns, aligned to " << memory.alignment << " bytes\n";
  for (const hw::Link &link : chip.links)
    os << "link       " << link.from << " to " << link.to << ": " << speed(link.mbPerS) << ", " << link.latencyNs
       << " ns\n";
  for (auto &[kind, formats] : chip.formats)
    os << "formats    " << kind << ": " << llvm::join(formats, " ") << "\n";
  for (auto &[kind, speeds] : chip.rates) {
    os << "rate       " << kind << ":";
    for (auto &[format, rate] : speeds)
      os << " " << format << " " << rate << (&speeds.back().second == &rate ? "" : ",");
    os << " million operations a second and unit\n";
  }
  os << "launch     " << chip.kernelLaunchNs << " ns a kernel, " << chip.regionLaunchNs << " ns a region\n";
  for (auto &[name, value] : chip.limits)
    os << "limit      " << name << " " << value << "\n";
}

Exit TargetsCommand::list(const TargetRegistry &targets) const {
  llvm::json::Array array;
  auto add = [&](const std::string &spec) {
    std::string error;
    std::unique_ptr<Target> target = targets.parse(spec, error);
    if (!target)
      return complain(error);
    if (json) {
      array.push_back(toJson(spec, *target));
      return kOk;
    }
    const hw::Device &chip = target->chip();
    llvm::outs() << llvm::formatv("{0,-15} {1}", spec, chip.triple.empty() ? "code of its own" : chip.triple);
    if (std::optional<int64_t> bits = chip.limit("vector_bits"))
      llvm::outs() << ", " << *bits << "-bit vectors";
    llvm::outs() << (target->spec() != spec ? " (" + target->spec() + ")" : "") << "\n";
    return kOk;
  };
  for (const std::unique_ptr<TargetFamily> &family : targets.getFamilies())
    for (const std::string &spec : family->specs())
      if (Exit exit = add(spec))
        return exit;
  for (const hw::Device &chip : targets.getLoaded())
    if (Exit exit = add(chip.family + ":" + chip.name))
      return exit;
  if (json)
    printJson(std::move(array));
  return kOk;
}

Exit TargetsCommand::run() {
  TargetRegistry targets;
  if (Exit exit = registerChips(targets, files.values, plugins.values))
    return exit;
  if (emit && json)
    return refuse(json, "with --emit");
  if (arguments.empty() && !emit)
    return list(targets);
  std::string error;
  std::unique_ptr<Target> target = targets.parse(arguments.empty() ? "" : argument(), error);
  if (!target)
    return complain(error);
  if (json)
    printJson(toJson(argument(), *target));
  else if (emit)
    hw::print(target->chip(), llvm::outs());
  else
    show(*target);
  return kOk;
}

} // namespace

std::unique_ptr<Command> makeTargets() { return std::make_unique<TargetsCommand>(); }

} // namespace tenon::driver
