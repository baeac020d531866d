// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Commands.h"
#include "Session.h"

#include "tenon/Target/CPU/CpuTarget.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

namespace cl = llvm::cl;

namespace tenon::driver {

cl::SubCommand explainCommand("explain", "Say what became of each ONNX node");
static cl::opt<std::string> explained(cl::Positional, cl::desc("FILE.tenon"), cl::Required, cl::sub(explainCommand));
static cl::opt<bool> json("json", cl::desc("Print the ledger as JSON"), cl::sub(explainCommand));
cl::SubCommand inspectCommand("inspect", "Describe an artifact");
static cl::opt<std::string> inspected(cl::Positional, cl::desc("FILE.tenon"), cl::Required, cl::sub(inspectCommand));
static cl::opt<bool> checkWeights("check", cl::desc("Also verify the hash of the weights"), cl::sub(inspectCommand));
cl::SubCommand targetsCommand("targets", "List the targets");

static tenon_model *load(llvm::StringRef path, bool check) {
  tenon_model *model = nullptr;
  tenon_load_options options{sizeof options, check};
  if (tenon_status *status = tenon_model_load(path.str().c_str(), &options, &model)) {
    llvm::errs() << "error: " << tenon_status_text(status) << "\n";
    tenon_status_free(status);
  }
  return model;
}

int runExplain() {
  tenon_model *model = load(explained, false);
  if (!model)
    return kUserError;
  if (json) {
    llvm::outs() << tenon_model_ledger(model) << "\n";
  } else {
    llvm::outs() << llvm::formatv("{0,-40} {1,-6} {2,-26} {3}\n", "ONNX node", "device", "fused into", "kernel");
    for (int i = 0; i < tenon_model_num_kernels(model); ++i) {
      llvm::SmallVector<llvm::StringRef> nodes;
      llvm::StringRef(tenon_model_kernel_nodes(model, i)).split(nodes, '\n');
      for (llvm::StringRef node : nodes)
        llvm::outs() << llvm::formatv("{0,-40} {1,-6} {2,-26} {3}\n", node, "cpu", tenon_model_kernel_name(model, i), tenon_model_kernel_strategy(model, i));
    }
  }
  tenon_model_free(model);
  return kOk;
}

static void print(const char *kind, const tenon_tensor_info &info) {
  llvm::outs() << kind << " " << info.name << ": " << dtypeName(info.dtype) << "[";
  for (int i = 0; i < info.rank; ++i) {
    llvm::outs() << (i ? ", " : "");
    if (info.dims[i] >= 0)
      llvm::outs() << info.dims[i];
    else
      llvm::outs() << (info.dim_names[i][0] ? info.dim_names[i] : "?");
  }
  llvm::outs() << "]\n";
}

int runInspect() {
  tenon_model *model = load(inspected, checkWeights);
  if (!model)
    return kUserError;
  llvm::outs() << "producer " << tenon_model_producer(model) << "\ntarget   " << tenon_model_target(model) << "\nkernels  "
               << tenon_model_num_kernels(model) << "\nweights  " << tenon_model_weight_bytes(model) << " bytes\ncode     "
               << tenon_model_code_bytes(model) << " bytes\n";
  tenon_tensor_info info{};
  info.size = sizeof info;
  for (int i = 0; i < tenon_model_num_inputs(model); ++i) {
    tenon_status_free(tenon_model_input(model, i, &info));
    print("input   ", info);
  }
  for (int i = 0; i < tenon_model_num_outputs(model); ++i) {
    tenon_status_free(tenon_model_output(model, i, &info));
    print("output  ", info);
  }
  tenon_model_free(model);
  return kOk;
}

int runTargets() {
  for (const char *spec : {"cpu:host", "cpu:x86-64-v2", "cpu:x86-64-v3", "cpu:x86-64-v4", "cpu:aarch64", "cpu:riscv64"}) {
    cpu::CpuTarget target;
    std::string error;
    if (cpu::parseCpuTarget(spec, target, error))
      llvm::outs() << llvm::formatv("{0,-15} {1}, {2}-bit vectors", spec, target.triple, target.vectorBits)
                   << (target.spec != spec ? " (" + target.spec + ")" : "") << "\n";
  }
  return kOk;
}

} // namespace tenon::driver
