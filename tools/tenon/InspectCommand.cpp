// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `tenon inspect`: prints what the queries of the runtime's C API tell of an artifact. It is loaded by the
// driver "null", which takes code for any CPU and runs none. What became of the model's nodes is told by
// `tenon explain`.
#include "Compiling.h"
#include "Json.h"
#include "Session.h"
#include "Table.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

namespace tenon::driver {

namespace {

class InspectCommand : public Command {
public:
  InspectCommand()
      : Command("inspect", "Describe an artifact, for this or another CPU, without running it", "FILE.tenon", 1) {}
  Exit run() override;

private:
  Switch checkWeights{*this, {"check"}, "Also verify the hash of the weights"};
  Switch showKernels{*this, {"kernels"}, "List the kernels with their buffers"};
  Switch showPlan{*this, {"plan"}, "Print the plan alone, if the artifact was compiled with --keep-plan"};
  Switch json{*this, {"json"}, "Print everything but the plan as JSON"};
};

template <typename Info>
Info query(const tenon_model *model, tenon_status *(*ask)(const tenon_model *, int32_t, Info *), int32_t index) {
  Info info{};
  info.size = sizeof info;
  tenon_status_free(ask(model, index, &info));
  return info;
}

tenon_buffer_info buffer(const tenon_model *model, int32_t kernel, int32_t index) {
  tenon_buffer_info info{};
  info.size = sizeof info;
  tenon_status_free(tenon_model_kernel_buffer(model, kernel, index, &info));
  return info;
}

std::string dimText(const tenon_tensor_info &info, int i) {
  if (info.dims[i] >= 0)
    return std::to_string(info.dims[i]);
  return info.dim_names[i][0] ? info.dim_names[i] : "?";
}

std::string typeText(const tenon_tensor_info &info) {
  std::string text = std::string(dtypeName(info.dtype)) + "[";
  for (int i = 0; i < info.rank; ++i)
    text += (i ? ", " : "") + dimText(info, i);
  return text + "]";
}

std::vector<std::string> nodesOf(const tenon_model *model, int32_t kernel) {
  llvm::SmallVector<llvm::StringRef> nodes;
  llvm::StringRef(tenon_model_kernel_nodes(model, kernel)).split(nodes, '\n', -1, false);
  return {nodes.begin(), nodes.end()};
}

std::string bufferText(const tenon_buffer_info &info) {
  std::string text = std::string(dtypeName(info.dtype)) + " " + info.name;
  return info.weight_offset < 0 ? text : text + " (weight at " + std::to_string(info.weight_offset) + ")";
}

void printText(const tenon_model *model) {
  llvm::raw_ostream &os = llvm::outs();
  os << "producer   " << escaped(tenon_model_producer(model)) << "\ntarget     " << escaped(tenon_model_target(model))
     << "\nkernels    " << tenon_model_num_kernels(model) << "\nweights    " << tenon_model_weight_bytes(model)
     << " bytes\ncode       " << tenon_model_code_bytes(model) << " bytes\nstack      ";
  if (uint64_t stack = tenon_model_stack_bytes(model))
    os << stack << " bytes at most\n";
  else
    os << "not stated\n";
  for (int i = 0; i < tenon_model_num_symbols(model); ++i) {
    auto symbol = query(model, tenon_model_symbol, i);
    os << "dimension  " << escaped(symbol.name) << ": " << symbol.min << " to ";
    if (symbol.max == std::numeric_limits<int64_t>::max())
      os << "any size";
    else
      os << symbol.max;
    if (symbol.divisor > 1)
      os << ", a multiple of " << symbol.divisor;
    os << "\n";
  }
  for (int i = 0; i < tenon_model_num_inputs(model); ++i) {
    auto info = query(model, tenon_model_input, i);
    os << "input      " << escaped(info.name) << ": " << escaped(typeText(info))
       << (info.is_optional ? ", optional: it has a default" : "") << "\n";
  }
  if (int fixed = tenon_model_num_fixed_inputs(model))
    os << "constants  " << fixed
       << " of the model's inputs, which initializers have too: " << escaped(tenon_model_fixed_input(model, 0))
       << (fixed > 1 ? ", ..." : "") << " (`tenon compile --overridable`)\n";
  for (int i = 0; i < tenon_model_num_outputs(model); ++i) {
    auto info = query(model, tenon_model_output, i);
    os << "output     " << escaped(info.name) << ": " << escaped(typeText(info)) << "\n";
  }
}

void printKernels(const tenon_model *model) {
  Table table({"kernel", "strategy", "reads", "writes"});
  for (int i = 0; i < tenon_model_num_kernels(model); ++i) {
    std::vector<std::string> reads, writes;
    for (int k = 0; k < tenon_model_kernel_num_buffers(model, i); ++k) {
      auto info = buffer(model, i, k);
      (info.is_output ? writes : reads).push_back(bufferText(info));
    }
    for (size_t row = 0; row < std::max({reads.size(), writes.size(), size_t(1)}); ++row)
      table.add({row ? "" : tenon_model_kernel_name(model, i),
                 row ? "" : llvm::StringRef(tenon_model_kernel_strategy(model, i)).split(" (").first.str(),
                 row < reads.size() ? reads[row] : "", row < writes.size() ? writes[row] : ""});
  }
  table.print(llvm::outs());
}

llvm::json::Array tensorsJson(const tenon_model *model, int count,
                              tenon_status *(*ask)(const tenon_model *, int32_t, tenon_tensor_info *)) {
  llvm::json::Array array;
  for (int i = 0; i < count; ++i) {
    auto info = query(model, ask, i);
    llvm::json::Array dims;
    for (int d = 0; d < info.rank; ++d)
      dims.push_back(info.dims[d] >= 0 ? llvm::json::Value(info.dims[d])
                                       : llvm::json::Value(jsonText(dimText(info, d))));
    llvm::json::Object entry{{"name", jsonText(info.name)}, {"type", dtypeName(info.dtype)}, {"dims", std::move(dims)}};
    if (ask == tenon_model_input)
      entry["optional"] = bool(info.is_optional);
    array.push_back(std::move(entry));
  }
  return array;
}

void printModelJson(const tenon_model *model) {
  llvm::json::Array symbols, kernels, fixed;
  for (int i = 0; i < tenon_model_num_fixed_inputs(model); ++i)
    fixed.push_back(jsonText(tenon_model_fixed_input(model, i)));
  for (int i = 0; i < tenon_model_num_symbols(model); ++i) {
    auto symbol = query(model, tenon_model_symbol, i);
    symbols.push_back(llvm::json::Object{
        {"name", jsonText(symbol.name)}, {"min", symbol.min}, {"max", symbol.max}, {"divisor", symbol.divisor}});
  }
  for (int i = 0; i < tenon_model_num_kernels(model); ++i) {
    llvm::json::Array buffers;
    for (int k = 0; k < tenon_model_kernel_num_buffers(model, i); ++k) {
      auto info = buffer(model, i, k);
      buffers.push_back(llvm::json::Object{{"name", jsonText(info.name)},
                                           {"type", dtypeName(info.dtype)},
                                           {"output", bool(info.is_output)},
                                           {"weight_offset", info.weight_offset}});
    }
    kernels.push_back(llvm::json::Object{{"kernel", jsonText(tenon_model_kernel_name(model, i))},
                                         {"strategy", tenon_model_kernel_strategy(model, i)},
                                         {"nodes", llvm::json::Array(llvm::map_range(nodesOf(model, i), jsonText))},
                                         {"buffers", std::move(buffers)}});
  }
  llvm::outs() << llvm::formatv("{0:2}",
                                llvm::json::Value(llvm::json::Object{
                                    {"producer", tenon_model_producer(model)},
                                    {"target", tenon_model_target(model)},
                                    {"weight_bytes", int64_t(tenon_model_weight_bytes(model))},
                                    {"code_bytes", int64_t(tenon_model_code_bytes(model))},
                                    {"stack_bytes", int64_t(tenon_model_stack_bytes(model))},
                                    {"dimensions", std::move(symbols)},
                                    {"inputs", tensorsJson(model, tenon_model_num_inputs(model), tenon_model_input)},
                                    {"fixed_inputs", std::move(fixed)},
                                    {"outputs", tensorsJson(model, tenon_model_num_outputs(model), tenon_model_output)},
                                    {"kernels", std::move(kernels)}}))
               << "\n";
}

Exit InspectCommand::run() {
  std::string artifact;
  if (Exit exit = oneFile(*this, {}, "one artifact, FILE.tenon", artifact))
    return exit;
  for (const Flag *flag : {(const Flag *)&showKernels, (const Flag *)&json})
    if (showPlan && flag->given())
      return refuse(*flag, "with --plan");
  if (json && showKernels)
    return refuse(showKernels, "with --json, which has them");
  ArtifactFile file;
  if (Exit exit = file.load(artifact, checkWeights))
    return exit;
  llvm::StringRef plan = tenon_model_plan(file.model);
  if (showPlan && plan.empty())
    return complain("[TN8018] " + artifact + " holds no plan; compile with --keep-plan");
  if (showPlan)
    llvm::outs() << plan << "\n";
  else if (json)
    printModelJson(file.model);
  else
    printText(file.model);
  if (showKernels)
    printKernels(file.model);
  return kOk;
}

} // namespace

std::unique_ptr<Command> makeInspect() { return std::make_unique<InspectCommand>(); }

} // namespace tenon::driver
