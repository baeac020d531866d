// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The text is for finding a fault: it names the first kernel that is wrong, in the order of the plan, and the
// worst one. If every kernel agrees and an output does not, it says that no kernel is at fault. JSON has all
// kernels and outputs.
#include "VerifyReport.h"

#include "Json.h"

#include "tenon/Support/Message.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>

namespace tenon::driver {
namespace {

std::string indexText(llvm::ArrayRef<int64_t> index) {
  return "[" + llvm::join(llvm::map_range(index, [](int64_t i) { return std::to_string(i); }), ", ") + "]";
}

/// One line on the worst element.
std::string elementText(const reference::Difference &d) {
  if (!d.problem.empty())
    return d.problem;
  if (d.excess == 0)
    return "equal";
  std::string text = d.found + " instead of " + d.expected + " at " + indexText(d.index);
  if (std::isfinite(d.relative)) // expected is neither 0 nor infinite
    text += llvm::formatv(", relative error {0:E1}", d.relative);
  return text + llvm::formatv(", largest absolute error {0:E1}", d.absolute).str();
}

std::string excessText(double excess) {
  return std::isinf(excess) ? "beyond any tolerance" : llvm::formatv("{0:F3} of the tolerance", excess).str();
}

llvm::json::Object toJson(const reference::Difference &d) {
  llvm::json::Object object{{"ok", d.ok()},
                            {"wrong", d.wrong},
                            {"excess", jsonNumber(d.excess)},
                            {"largest_absolute", jsonNumber(d.absolute)}};
  if (!d.problem.empty())
    object["problem"] = d.problem;
  if (d.excess == 0)
    return object;
  object["index"] = llvm::json::Array(d.index);
  object["found"] = d.found;
  object["expected"] = d.expected;
  object["relative"] = jsonNumber(d.relative);
  return object;
}

llvm::json::Object toJson(const RoundingCheck &check) {
  return llvm::json::Object{{"found", jsonNumber(check.found)},
                            {"expected", jsonNumber(check.expected)},
                            {"f32", jsonNumber(check.f32)},
                            {"allowed", check.allowed}};
}

constexpr llvm::StringLiteral kAgainstReference = "reference", kAgainstRecorded = "recorded output";

bool wasCompared(const KernelCheck &check) { return check.runs > 0 && check.skipped.empty(); }

void printKernel(llvm::raw_ostream &os, const KernelCheck &check) {
  os << check.kernel << " (" << escaped(llvm::join(check.nodes, ", ")) << ")\n";
  if (!check.overwritten.empty())
    os << "           " << check.overwritten << ", was overwritten before it was read\n";
  if (!check.skipped.empty())
    return;
  os << "           output " << check.output << ": " << elementText(check.difference) << "\n           "
     << check.difference.wrong << " of " << check.elements << " values wrong, the worst "
     << excessText(check.difference.excess) << "\n";
}

void printRounding(llvm::raw_ostream &os, const OutputCheck &output) {
  const RoundingCheck &check = *output.rounding;
  if (check.allowed == 0) {
    os << "           f32 and f64 evaluation differ in an integer, a non-finite value or the shape: not judged by "
          "rounding\n";
    return;
  }
  os << llvm::formatv("           from the f64 evaluation it is at {0:F2} of the tolerance, the {1} at {2:F2}; allowed "
                      "is {3:F2} ({4:F0} times\n"
                      "           the {5:F2} of the reference with f32 sums, at least 1)\n",
                      check.found, output.against, check.expected, check.allowed, kRoundingFactor, check.f32);
}

} // namespace

const KernelCheck *VerifyReport::firstWrong() const {
  for (const KernelCheck &check : kernels)
    if (!check.ok())
      return &check;
  return nullptr;
}

const KernelCheck *VerifyReport::worst() const {
  const KernelCheck *worst = nullptr;
  auto rank = [](const KernelCheck &check) {
    return std::pair(!check.ok(), check.difference.problem.empty() ? check.difference.excess
                                                                   : std::numeric_limits<double>::infinity());
  };
  for (const KernelCheck &check : kernels)
    if (wasCompared(check) && (!worst || rank(check) > rank(*worst)))
      worst = &check;
  return worst;
}

bool VerifyReport::ok() const {
  return !firstWrong() && llvm::all_of(outputs, [](const OutputCheck &output) { return output.ok(); });
}

void VerifyReport::printOutputs(llvm::raw_ostream &os, llvm::StringRef against) const {
  unsigned count = 0, wrong = 0;
  const OutputCheck *worst = nullptr;
  for (const OutputCheck &output : outputs) {
    if (output.against != against)
      continue;
    ++count;
    wrong += !output.ok();
    if (!worst || output.difference.excess > worst->difference.excess)
      worst = &output;
  }
  if (!count)
    return;
  os << "outputs    " << count - wrong << " of " << count << " agree with the " << against << ", the worst "
     << escaped(worst->name) << ": " << elementText(worst->difference) << "\n";
  for (const OutputCheck &output : outputs) {
    if (output.against != against || output.difference.ok())
      continue;
    os << (output.ok() ? "rounding   " : "WRONG      ") << escaped(output.name) << ": "
       << elementText(output.difference) << ", " << excessText(output.difference.excess) << "\n";
    if (output.rounding)
      printRounding(os, output);
  }
}

void VerifyReport::print(llvm::raw_ostream &os) const {
  uint64_t compared = 0, wrong = 0, notRun = 0, values = 0;
  for (const KernelCheck &check : kernels) {
    compared += wasCompared(check);
    wrong += !check.ok();
    notRun += check.runs == 0 && check.skipped.empty();
    values += check.elements;
  }
  os << "model      " << escaped(model) << " for " << target << "\n";
  os << "kernels    " << compared << " of " << kernels.size() << " compared with the reference, " << values
     << " values; " << (wrong ? std::to_string(wrong) + " WRONG" : "all agree") << "\n";
  if (notRun)
    os << "not run    " << notRun << " kernels, in branches not taken\n";
  for (const KernelCheck &check : kernels)
    if (!check.skipped.empty())
      os << "skipped    " << check.kernel << " (" << escaped(llvm::join(check.nodes, ", ")) << "): " << check.skipped
         << "\n";
  const KernelCheck *first = firstWrong(), *last = worst();
  if (first) {
    os << "first      ";
    printKernel(os, *first);
  }
  if (first && first == last) {
    os << "worst      the same\n";
  } else if (last) {
    os << "worst      ";
    printKernel(os, *last);
  }
  for (llvm::StringRef against : {kAgainstReference, kAgainstRecorded})
    printOutputs(os, against);
  if (!wrong && !ok())
    os << "note       every kernel computes what it should from its inputs: the fault lies before the kernels (import, "
          "graph\n"
          "           passes) or adds up from errors within the tolerance\n";
}

void VerifyReport::printJson(llvm::raw_ostream &os) const {
  llvm::json::Array kernelArray, outputArray;
  for (const KernelCheck &check : kernels) {
    llvm::json::Object object = toJson(check.difference);
    object["kernel"] = jsonText(check.kernel);
    object["nodes"] = llvm::json::Array(llvm::map_range(check.nodes, jsonText));
    object["runs"] = check.runs;
    object["compared"] = wasCompared(check);
    object["values"] = check.elements;
    object["output"] = check.output;
    object["ok"] = check.ok();
    if (!check.overwritten.empty())
      object["overwritten"] = check.overwritten;
    if (!check.skipped.empty())
      object["skipped"] = check.skipped;
    kernelArray.push_back(std::move(object));
  }
  for (const OutputCheck &output : outputs) {
    llvm::json::Object object = toJson(output.difference);
    object["name"] = jsonText(output.name);
    object["against"] = output.against;
    object["ok"] = output.ok();
    object["judged_by"] = output.rounding ? "rounding" : "tolerance";
    if (output.rounding)
      object["f64"] = toJson(*output.rounding);
    outputArray.push_back(std::move(object));
  }
  auto nameOf = [](const KernelCheck *check) {
    return check ? llvm::json::Value(check->kernel) : llvm::json::Value(nullptr);
  };
  os << llvm::formatv("{0:2}", llvm::json::Value(llvm::json::Object{{"model", jsonText(model)},
                                                                    {"target", target},
                                                                    {"ok", ok()},
                                                                    {"first_wrong", nameOf(firstWrong())},
                                                                    {"worst", nameOf(worst())},
                                                                    {"kernels", std::move(kernelArray)},
                                                                    {"outputs", std::move(outputArray)}}))
     << "\n";
}

} // namespace tenon::driver
