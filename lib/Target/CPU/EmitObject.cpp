// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// LLVM dialect to an object file, through LLVM's own pipeline for the target.
#include "LimitVectorizer.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "tenon/Target/CPU/Codegen.h"
#include "tenon/tenon.h"
#include "llvm/IR/DiagnosticHandler.h"
#include "llvm/IR/DiagnosticInfo.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Target/TargetOptions.h"

using namespace mlir;

namespace tenon::cpu {
namespace {

/// Counts the functions that LLVM generates code for, one after another.
struct CountFunctions : llvm::FunctionPass {
  CountFunctions(const KernelProgress &progress, unsigned count) : FunctionPass(ID), progress(progress), count(count) {}
  bool runOnFunction(llvm::Function &) override {
    progress("compiling", ++done, count);
    return false;
  }
  void getAnalysisUsage(llvm::AnalysisUsage &usage) const override { usage.setPreservesAll(); }

  static char ID;
  const KernelProgress &progress;
  unsigned count, done = 0;
};
char CountFunctions::ID;

/// LLVM's own default level: what O3 adds (more inlining and unswitching) has
/// nothing to work on in kernels that are already scheduled.
void optimize(llvm::Module &module, llvm::TargetMachine &machine) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager sccs;
  llvm::ModuleAnalysisManager modules;
  llvm::PipelineTuningOptions tuning;
  // What a strategy left scalar may be a loop that LLVM vectorises; straight-line
  // code it would only pack for a tail.
  tuning.LoopVectorization = true;
  tuning.SLPVectorization = false;
  llvm::PassBuilder builder(&machine, tuning);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(sccs);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, sccs, modules);
  builder.registerVectorizerStartEPCallback(
      [](llvm::FunctionPassManager &passes, llvm::OptimizationLevel) { passes.addPass(LimitVectorizer()); });
  builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O2).run(module, modules);
}

/// The stack that each function takes, by what LLVM says when it lays out frames.
/// Everything else goes the usual way.
struct FrameSizes : llvm::DiagnosticHandler {
  explicit FrameSizes(llvm::StringMap<uint64_t> &bytes) : bytes(bytes) {}
  bool handleDiagnostics(const llvm::DiagnosticInfo &info) override {
    const auto *frame = llvm::dyn_cast<llvm::DiagnosticInfoStackSize>(&info);
    if (frame)
      bytes[frame->getFunction().getName()] = frame->getStackSize();
    return frame;
  }
  llvm::StringMap<uint64_t> &bytes;
};

/// The deepest stack of a run. Calls form no cycle; the only ones through
/// addresses are those of the runtime's services, which call the kernels.
class Depths {
public:
  Depths(llvm::Module &module, const llvm::StringMap<uint64_t> &frames) : frames(frames) {
    for (llvm::Function &function : module)
      if (function.hasAddressTaken())
        kernel = std::max(kernel, of(function));
    for (llvm::Function &function : module)
      if (!function.hasLocalLinkage() && !function.isDeclaration())
        deepest = std::max(deepest, of(function));
  }
  uint64_t run() const { return kRuntime + deepest; }

private:
  /// What a service takes: least before it calls a kernel, most to write a message
  /// (of which the runtime's frames are 6 KiB and the C library's up to 4); and what
  /// lies above tenon_main. test_stack.py measures both.
  static constexpr uint64_t kService = 10 * 1024, kRuntime = 2 * 1024;
  /// The return address, saved registers, and a start that is a multiple of a line.
  static constexpr uint64_t kCall = 256;

  uint64_t of(llvm::Function &function) {
    if (function.isDeclaration())
      return 0;
    auto [known, isNew] = depths.try_emplace(&function, 0);
    if (!isNew)
      return known->second;
    uint64_t below = 0;
    for (llvm::Instruction &instruction : llvm::instructions(function))
      if (auto *call = llvm::dyn_cast<llvm::CallBase>(&instruction); call && !call->isInlineAsm()) {
        llvm::Function *callee = call->getCalledFunction();
        below = std::max(below, callee ? of(*callee) : kService + kernel);
      }
    return depths[&function] = frames.lookup(function.getName()) + kCall + below;
  }

  const llvm::StringMap<uint64_t> &frames;
  llvm::DenseMap<llvm::Function *, uint64_t> depths;
  uint64_t kernel = 0, deepest = 0;
};

/// What turns LLVM IR into the target's code; null, with the reason, where LLVM has no such.
std::unique_ptr<llvm::TargetMachine> createMachine(const CpuTarget &target, std::string &error) {
  static std::once_flag once;
  std::call_once(once, [] {
    llvm::InitializeAllTargetInfos();
    llvm::InitializeAllTargets();
    llvm::InitializeAllTargetMCs();
    llvm::InitializeAllAsmPrinters();
  });
  llvm::Triple triple(target.triple);
  const llvm::Target *llvmTarget = llvm::TargetRegistry::lookupTarget(triple, error);
  if (!llvmTarget)
    return nullptr;
  llvm::TargetOptions options;
  options.AllowFPOpFusion = llvm::FPOpFusion::Standard;
  return std::unique_ptr<llvm::TargetMachine>(
      llvmTarget->createTargetMachine(triple, "generic", target.featureString(), options, llvm::Reloc::PIC_,
                                      llvm::CodeModel::Small, llvm::CodeGenOptLevel::Default));
}

/// What holds for all functions: vectors' width, who may call them, and how they take
/// stack. See emitObject for `prefix`.
void setAttributes(llvm::Module &module, const CpuTarget &target, StringRef prefix) {
  for (llvm::Function &function : module) {
    if (function.isDeclaration())
      continue;
    if (target.has("avx512f")) {
      function.addFnAttr("prefer-vector-width", std::to_string(target.vectorBits));
      function.addFnAttr("min-legal-vector-width", std::to_string(target.vectorBits));
    }
    if (!function.getName().starts_with("tenon_")) {
      function.setLinkage(llvm::GlobalValue::InternalLinkage);
    } else if (!prefix.empty()) {
      function.setName(prefix + function.getName());
      function.setVisibility(llvm::GlobalValue::HiddenVisibility);
    }
    function.setDSOLocal(true);
    function.addFnAttr(llvm::Attribute::NoUnwind);
    // A frame of more than a page is touched page by page, so that it cannot
    // reach over a guard page.
    function.addFnAttr("probe-stack", "inline-asm");
    function.addFnAttr("warn-stack-size", "0"); // see FrameSizes
  }
}

/// The module's code; nothing if the target cannot emit such a file.
std::optional<std::string> generateCode(llvm::Module &module, llvm::TargetMachine &machine, llvm::CodeGenFileType file,
                                        const KernelProgress &progress) {
  llvm::SmallVector<char, 0> buffer;
  llvm::raw_svector_ostream os(buffer);
  llvm::legacy::PassManager pm;
  if (progress)
    pm.add(new CountFunctions(
        progress, llvm::count_if(module, [](llvm::Function &function) { return !function.isDeclaration(); })));
  if (machine.addPassesToEmitFile(pm, os, nullptr, file))
    return std::nullopt;
  pm.run(module);
  return std::string(buffer.data(), buffer.size());
}

} // namespace

FailureOr<Object> emitObject(ModuleOp module, const CpuTarget &target, bool assembly, const KernelProgress &progress,
                             StringRef prefix) {
  registerBuiltinDialectTranslation(*module.getContext());
  registerLLVMDialectTranslation(*module.getContext());
  std::string error;
  std::unique_ptr<llvm::TargetMachine> machine = createMachine(target, error);
  if (!machine)
    return module.emitError("[TN5010] ") << error;
  llvm::StringMap<uint64_t> frames;
  llvm::LLVMContext context;
  context.setDiagnosticHandler(std::make_unique<FrameSizes>(frames));
  std::unique_ptr<llvm::Module> llvmModule = translateModuleToLLVMIR(module, context, "tenon");
  if (!llvmModule)
    return module.emitError("[TN5011] translation to LLVM IR failed");
  llvmModule->setTargetTriple(machine->getTargetTriple());
  llvmModule->setDataLayout(machine->createDataLayout());
  llvmModule->setPICLevel(llvm::PICLevel::BigPIC);
  setAttributes(*llvmModule, target, prefix);
  optimize(*llvmModule, *machine);
  std::optional<std::string> bytes =
      generateCode(*llvmModule, *machine,
                   assembly ? llvm::CodeGenFileType::AssemblyFile : llvm::CodeGenFileType::ObjectFile, progress);
  if (!bytes)
    return module.emitError("[TN5012] the target cannot emit this file type");
  Object object{std::move(*bytes), Depths(*llvmModule, frames).run()};
  if (object.stackBytes > TENON_MAX_STACK_BYTES)
    module.emitWarning("[TN5013] a run may use ")
        << object.stackBytes << " bytes of a thread's stack, more than the " << TENON_MAX_STACK_BYTES
        << " that models keep to; give the threads that run it at least as much";
  return object;
}

} // namespace tenon::cpu
