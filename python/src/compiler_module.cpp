// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// tenon::compileModel as a Python function. Diagnostics are collected, all of
// them, and raised as one tenon.CompileError; nothing is printed.
#include "formats.h"
#include "reference.h"
#include "tenon/Pipelines/Compile.h"
#include "tenon/Support/Message.h"
#include "tenon/Support/Provenance.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include <nanobind/nanobind.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

namespace nb = nanobind;

namespace {

struct Problem {
  const char *severity;
  std::string location, message;
  std::vector<std::string> notes;
};

const char *severityName(mlir::DiagnosticSeverity severity) {
  switch (severity) {
  case mlir::DiagnosticSeverity::Error: return "error";
  case mlir::DiagnosticSeverity::Warning: return "warning";
  default: return "remark";
  }
}

/// Names of a model may not be UTF-8: what is not is escaped in messages.
nb::str text(const std::string &bytes) {
  PyObject *decoded = PyUnicode_DecodeUTF8(bytes.data(), Py_ssize_t(bytes.size()), "backslashreplace");
  if (!decoded)
    throw nb::python_error();
  return nb::steal<nb::str>(decoded);
}

std::string path(const nb::bytes &name) { return {name.c_str(), name.size()}; }

nb::list toPython(const std::vector<Problem> &problems) {
  nb::list all;
  for (const Problem &problem : problems) {
    nb::list notes;
    for (const std::string &note : problem.notes)
      notes.append(text(note));
    all.append(nb::make_tuple(problem.severity, text(problem.message), text(problem.location), notes));
  }
  return all;
}

std::vector<std::string> paths(const std::vector<nb::bytes> &names) {
  std::vector<std::string> all;
  for (const nb::bytes &name : names)
    all.push_back(path(name));
  return all;
}

/// A size as an option; `argument` is the dictionary that gave it.
tenon::OpenSize openSize(const std::string &argument, const std::string &name) {
  tenon::OpenSize size;
  size.flag = argument + "['" + name + "']";
  size.name = name;
  return size;
}

/// Calls a Python function with each phase, and keeps what it raises: an exception must
/// not pass through the compiler, which is built without them.
class ProgressCallback {
public:
  explicit ProgressCallback(nb::object function) : function(std::move(function)) {}

  void operator()(llvm::StringRef phase) {
    nb::gil_scoped_acquire acquire;
    try {
      if (!interruption)
        function(phase.str());
    } catch (nb::python_error &error) {
      interruption.emplace(std::move(error));
    }
  }
  void rethrow() {
    if (interruption)
      throw std::move(*interruption);
  }

private:
  nb::object function;
  std::optional<nb::python_error> interruption;
};

using Compilation = llvm::function_ref<mlir::FailureOr<tenon::CompileResult>(mlir::MLIRContext &)>;

/// Compiles while other threads of Python run; collects all diagnostics.
std::optional<tenon::CompileResult> withoutLock(Compilation compilation, std::vector<Problem> &problems) {
  nb::gil_scoped_release release;
  // Threads would not make a compilation faster, and where none can be started
  // the process would end.
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  context.printOpOnDiagnostic(false);
  mlir::ScopedDiagnosticHandler handler(&context, [&](mlir::Diagnostic &diagnostic) {
    std::string text = diagnostic.str();
    Problem problem{severityName(diagnostic.getSeverity()), tenon::placeOf(diagnostic.getLocation(), text), text, {}};
    for (mlir::Diagnostic &note : diagnostic.getNotes())
      problem.notes.push_back(note.str());
    problems.push_back(std::move(problem));
    return mlir::success();
  });
  auto compiled = compilation(context);
  return mlir::succeeded(compiled) ? std::optional(std::move(*compiled)) : std::nullopt;
}

/// tenon.CompileError, with the problems as objects and as the driver would print them.
[[noreturn]] void raiseCompileError(const std::vector<Problem> &problems) {
  std::string text;
  {
    tenon::ProblemPrinter printer([&](llvm::StringRef line) { text += (text.empty() ? "" : "\n") + line.str(); });
    for (const Problem &problem : problems)
      if (problem.severity == llvm::StringRef("error"))
        printer.add("error: " + problem.location + (problem.location.empty() ? "" : ": "), problem.message,
                    problem.notes);
  }
  nb::object error = nb::module_::import_("tenon.errors").attr("from_compiler")(toPython(problems), text);
  PyErr_SetObject(reinterpret_cast<PyObject *>(Py_TYPE(error.ptr())), error.ptr());
  throw nb::python_error();
}

nb::dict summaryOf(const tenon::CompileResult &result, const std::vector<Problem> &problems) {
  nb::dict phases, summary;
  for (auto &[phase, seconds] : result.phaseSeconds)
    phases[phase.c_str()] = seconds;
  summary["phase_seconds"] = phases;
  summary["target"] = result.target;
  summary["devices"] = result.devices;
  summary["nodes"] = result.ledger.nodes.size();
  summary["kernels"] = result.ledger.kernels.size();
  summary["weight_bytes"] = result.weightBytes;
  summary["code_bytes"] = result.codeBytes;
  summary["arena_bytes"] = result.arenaBytes;
  summary["warnings"] = toPython(problems);
  return summary;
}

/// What an artifact has in itself.
void addLibraryParts(nb::dict &summary, const tenon::CompileResult &result) {
  summary["header"] = nb::bytes(result.header.data(), result.header.size());
  std::string ledger;
  llvm::raw_string_ostream(ledger) << llvm::json::Value(result.ledger.toJson());
  summary["ledger"] = ledger;
}

nb::dict compile(nb::bytes input, nb::object bytes, nb::bytes output, const std::vector<std::string> &targets,
                 const std::vector<nb::bytes> &targetFiles, nb::bytes dumpTo, const std::vector<nb::bytes> &formatFiles,
                 nb::object progress, bool flushDenormals, const std::string &overridable, bool redZones,
                 const std::vector<std::tuple<std::string, int64_t, int64_t>> &sizes,
                 const std::vector<std::string> &pins, const std::vector<std::string> &forbids,
                 const std::vector<nb::bytes> &targetPlugins, nb::bytes planIn, nb::bytes planOut,
                 const std::vector<std::pair<std::string, int64_t>> &nominal, bool staticLibrary) {
  tenon::CompileOptions options;
  options.emit = staticLibrary ? tenon::Emit::StaticLibrary : tenon::Emit::Artifact;
  options.planIn = path(planIn);
  options.planOut = path(planOut);
  options.target = targets.front();
  options.devices.assign(targets.begin() + 1, targets.end());
  options.pins = pins;
  options.forbids = forbids;
  options.dumpTo = path(dumpTo);
  options.targetFiles = paths(targetFiles);
  options.targetPlugins = paths(targetPlugins);
  options.formatFiles = paths(formatFiles);
  options.flushDenormals = flushDenormals;
  options.overridable = overridable;
  options.redZones = redZones;
  for (const auto &[name, min, max] : sizes) {
    tenon::OpenSize &size = options.sizes.emplace_back(openSize("sizes", name));
    size.min = min;
    size.max = max;
  }
  for (const auto &[name, expected] : nominal)
    options.sizes.emplace_back(openSize("nominal", name)).nominal = expected;
  ProgressCallback callback(progress);
  if (!progress.is_none())
    options.progress = [&](llvm::StringRef phase) { callback(phase); };
  llvm::StringRef model; // `bytes` outlives the call
  if (!bytes.is_none()) {
    nb::bytes data = nb::cast<nb::bytes>(bytes);
    model = {static_cast<const char *>(data.data()), data.size()};
  }
  std::string from = path(input), to = path(output);
  std::vector<Problem> problems;
  auto compilation = [&, isFile = bytes.is_none()](mlir::MLIRContext &context) {
    return isFile ? tenon::compileModel(context, from, to, options)
                  : tenon::compileModelBytes(context, model, to, options);
  };
  std::optional<tenon::CompileResult> result = withoutLock(compilation, problems);
  callback.rethrow();
  if (!result)
    raiseCompileError(problems);
  nb::dict summary = summaryOf(*result, problems);
  if (staticLibrary)
    addLibraryParts(summary, *result);
  return summary;
}

} // namespace

NB_MODULE(_compiler, m) {
  m.def("compile", &compile, nb::arg("input"), nb::arg("bytes").none(), nb::arg("output"), nb::arg("targets"),
        nb::arg("target_files"), nb::arg("dump_to"), nb::arg("format_files"), nb::arg("progress").none(),
        nb::arg("flush_denormals"), nb::arg("overridable"), nb::arg("red_zones") = false, nb::arg("sizes") = nb::list(),
        nb::arg("pins") = nb::list(), nb::arg("forbids") = nb::list(), nb::arg("target_plugins") = nb::list(),
        nb::arg("plan_in") = nb::bytes(""), nb::arg("plan_out") = nb::bytes(""), nb::arg("nominal") = nb::list(),
        nb::arg("static_library") = false);
  tenon::python::defineFormats(m);
  tenon::python::defineReference(m);
}
