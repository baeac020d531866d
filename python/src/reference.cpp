// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The reference evaluator and the list of operators as Python objects: what the
// operator tests compare compiled code with. Tensors are tuples of ONNX element
// type, shape and bytes.
#include "reference.h"

#include "mlir/Pass/PassManager.h"
#include "tenon/Conversion/ONNXToGraph/Passes.h"
#include "tenon/Dialect/Graph/Transforms/Passes.h"
#include "tenon/Dialect/ONNX/IR/Onnx.h"
#include "tenon/Frontend/ONNX/Import.h"
#include "tenon/Pipelines/Compile.h"
#include "tenon/Reference/Evaluator.h"
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

namespace nb = nanobind;
using tenon::reference::Tensor;

namespace {

using Value = std::tuple<int, std::vector<int64_t>, nb::bytes>;

class Reference {
public:
  explicit Reference(nb::bytes model) {
    mlir::DialectRegistry registry;
    tenon::registerTenonDialects(registry);
    context.appendDialectRegistry(registry);
    context.loadAllAvailableDialects();
    mlir::ScopedDiagnosticHandler handler(&context, [&](mlir::Diagnostic &d) { return note(d); });
    tenon::OnnxImportOptions options;
    options.hasHandler = tenon::onnxtograph::hasHandler;
    module = tenon::importOnnxBytes(context, {static_cast<const char *>(model.data()), model.size()}, "", options);
    mlir::PassManager passes(&context);
    passes.addPass(tenon::onnxtograph::createConvertOnnxToGraphPass());
    passes.addPass(tenon::graph::createInferShapesPass());
    if (!module || mlir::failed(passes.run(*module)))
      throw std::runtime_error(problems);
  }

  std::vector<Value> run(const std::vector<Value> &inputs) {
    auto main = module->lookupSymbol<mlir::func::FuncOp>("main");
    llvm::SmallVector<Tensor> tensors;
    for (const auto &[code, shape, bytes] : inputs)
      tensors.push_back(Tensor::borrow(tenon::onnxir::elementTypeOfCode(&context, code), shape,
                                       {static_cast<const char *>(bytes.data()), bytes.size()}));
    problems.clear();
    mlir::ScopedDiagnosticHandler handler(&context, [&](mlir::Diagnostic &d) { return note(d); });
    tenon::reference::Results results = tenon::reference::Evaluator().evaluate(main, tensors);
    if (mlir::failed(results))
      throw std::runtime_error(problems);
    std::vector<Value> values;
    for (const Tensor &result : *results)
      values.emplace_back(tenon::onnxir::codeOfElementType(result.getElementType()),
                          std::vector<int64_t>(result.getShape().begin(), result.getShape().end()),
                          nb::bytes(result.getBytes().data(), result.getBytes().size()));
    return values;
  }

private:
  mlir::LogicalResult note(mlir::Diagnostic &diagnostic) {
    problems += (problems.empty() ? "" : "\n") + diagnostic.str();
    return mlir::success();
  }

  mlir::MLIRContext context{mlir::MLIRContext::Threading::DISABLED};
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::string problems;
};

} // namespace

void tenon::python::defineReference(nb::module_ &m) {
  nb::class_<Reference>(m, "Reference").def(nb::init<nb::bytes>(), nb::arg("model")).def("run", &Reference::run);
  m.def("operators", [] { return tenon::onnxtograph::handledOperators(); });
}
