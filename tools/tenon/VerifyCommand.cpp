// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// `tenon verify`: runs an artifact under the runtime's observer and hands every
// launch to the KernelVerifier. The artifact is what `tenon compile` writes:
// nothing in the code knows that it is watched.
#include "Compiling.h"
#include "Drivers.h"
#include "Replanning.h"
#include "Session.h"
#include "VerifyReport.h"

#include "tenon/Verify/KernelVerifier.h"

namespace tenon::driver {

namespace {

class VerifyCommand : public Command {
public:
  VerifyCommand()
      : Command("verify", "Compare a compiled model with the reference evaluator, kernel by kernel", "MODEL.onnx", 1) {}
  Exit run() override;

private:
  Exit checkOutputs(Session &session, OutputVerifier verifier, mlir::MLIRContext &context, VerifyReport &report) const;
  Exit replan(const Session &session, CompileOptions &options) const;
  Exit verify(llvm::StringRef path, CompileOptions options, VerifyReport &report);

  Value<std::string> artifact{
      *this, {"artifact"}, "FILE.tenon", "Verify this artifact of the model instead of compiling"};
  Value<std::string> output{*this, {"o", "output"}, "FILE", "Keep the artifact that is verified"};
  InputFlags inputs{*this};
  ToleranceFlags tolerance{*this};
  Value<int> threads{*this, {"threads", "nthreads"}, "N", "Threads, 0 for one a processor", 1};
  Switch json{*this, {"json"}, "Print the report as JSON"};
  CompilationFlags compilation{*this, "Chip to compile for; this machine must be able to run it"};
  DriverFlag drivers{*this};
  std::string model;
};

void observe(void *user, uint32_t kernel, void *const *buffers, uint32_t count, const int64_t *symbols, uint64_t) {
  static_cast<KernelVerifier *>(user)->observe(kernel, llvm::ArrayRef(buffers, count), symbols);
}

/// The model's outputs against the reference's and against recorded ones.
Exit VerifyCommand::checkOutputs(Session &session, OutputVerifier verifier, mlir::MLIRContext &context,
                                 VerifyReport &report) const {
  if (mlir::failed(verifier.evaluate()))
    return complain("[TN8016] the reference evaluator cannot run this model");
  for (int i = 0; i < session.outputs(); ++i) {
    auto found = session.output(i);
    auto [exit, recorded] = inputs.expectedOutput(i);
    if (!found || exit)
      return found ? exit : session.exitStatus();
    auto actual = toReference(context, *found);
    report.outputs.push_back(verifier.checkReference(i, found->name, *actual));
    if (!recorded)
      continue;
    auto known = toReference(context, *recorded);
    if (!known)
      return complain("[TN8004] the recorded output '" + llvm::Twine(found->name) +
                      "' has a type that cannot be compared");
    report.outputs.push_back(verifier.checkRecorded(i, found->name, *actual, *known));
  }
  return kOk;
}

/// A check in the compiled code ended the run. That is right where the reference
/// refuses the inputs as well.
Exit judgeRefusal(const Session &session, OutputVerifier verifier, mlir::MLIRContext &context) {
  bool isCheck = session.failureCode() == TENON_RUN || session.failureCode() >= TENON_INDEX;
  if (!isCheck)
    return session.exitStatus();
  std::string reason;
  mlir::ScopedDiagnosticHandler capture(&context, [&](mlir::Diagnostic &diagnostic) {
    if (diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error)
      reason = diagnostic.str();
    return mlir::success();
  });
  if (mlir::succeeded(verifier.evaluate()))
    return complain("[TN3126] the reference computes outputs for the inputs that the compiled model refuses");
  mention("note", "the reference refuses these inputs as well: " + reason);
  return session.exitStatus();
}

/// The options of a given artifact; flags may only declare chips that it names.
Exit VerifyCommand::replan(const Session &session, CompileOptions &options) const {
  if (tenon_model_num_devices(session.model) == 0)
    for (const Flag *flag : {(const Flag *)&compilation.targetFiles, (const Flag *)&compilation.targetPlugins})
      if (flag->given())
        return refuse(*flag, "with an --artifact for one device");
  return addChoicesOf(session, model, options);
}

Exit VerifyCommand::verify(llvm::StringRef path, CompileOptions options, VerifyReport &report) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  DiagnosticPrinter printer(context);
  Session session;
  if (!session.load(path, threads))
    return session.exitStatus();
  addOptionalInputs(session, options);
  if (artifact.given())
    if (Exit exit = replan(session, options))
      return exit;
  auto verifier = KernelVerifier::create(context, model, report.tolerance, options);
  if (!verifier)
    return printer.exitStatus();
  report.target = tenon_model_target(session.model);
  if (Exit exit = checkInterface(session, model, *verifier))
    return exit;
  if (Exit exit = checkKernels(session, model, verifier->getChecks()))
    return exit;
  if (Exit exit = inputs.bind(session, /*random=*/true))
    return exit;
  llvm::SmallVector<reference::Tensor> tensors;
  for (int i = 0; i < session.inputs(); ++i) {
    auto tensor = toReference(context, session.boundTensor(i));
    if (!tensor)
      return complain(llvm::Twine("[TN8016] the reference evaluator does not know the type of input '") +
                      session.input(i).name + "'");
    tensors.push_back(*tensor);
  }
  verifier->beginRun(tensors);
  tenon_session_set_observer(session.session, observe, verifier.get());
  if (!session.run())
    return judgeRefusal(session, {verifier->getGraph(), tensors, report.tolerance}, context);
  if (Exit exit = checkOutputs(session, {verifier->getGraph(), tensors, report.tolerance}, context, report))
    return exit;
  report.kernels = verifier->getChecks();
  if (json)
    report.printJson(llvm::outs());
  else
    report.print(llvm::outs());
  return report.ok() ? kOk : kMismatch;
}

Exit VerifyCommand::run() {
  if (Exit exit = oneFile(*this, {}, "one model, MODEL.onnx", model))
    return exit;
  if (Exit exit = checkFile(model))
    return exit;
  if (Exit exit = drivers.load())
    return exit;
  VerifyReport report;
  report.model = model;
  report.tolerance = tolerance.get();
  report.tolerance.scaled = true;
  CompileOptions options;
  if (Exit exit = compilation.read(options))
    return exit;
  if (artifact.given()) {
    for (const Flag *flag : {(const Flag *)&compilation.target, (const Flag *)&output})
      if (flag->given())
        return refuse(*flag, "with --artifact");
    return verify(artifact.value, options, report);
  }
  llvm::SmallString<128> path(output.value);
  InputFiles files;
  files.add(model, "the model");
  inputs.addFiles(files);
  if (output.given())
    if (Exit exit = checkOutput(output, output.value, files))
      return exit;
  TemporaryFile temporary;
  if (path.empty()) {
    if (std::error_code code = temporary.create("verify", ".tenon"))
      return complain("[TN6001] cannot create a temporary artifact: " + code.message());
    path = temporary.path();
  }
  CompileResult result;
  if (Exit exit = compile(model, path, options, progressOf(compilation), result))
    return exit;
  return verify(path, options, report);
}

} // namespace

std::unique_ptr<Command> makeVerify() { return std::make_unique<VerifyCommand>(); }

} // namespace tenon::driver
