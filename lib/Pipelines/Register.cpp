// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Dialects and passes for tools.
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Pass/PassRegistry.h"
#include "tenon/Codegen/Passes.h"
#include "tenon/Conversion/ONNXToGraph/Passes.h"
#include "tenon/Dialect/Graph/IR/Graph.h"
#include "tenon/Dialect/Graph/Transforms/Passes.h"
#include "tenon/Dialect/Num/IR/Num.h"
#include "tenon/Dialect/Num/Transforms/Passes.h"
#include "tenon/Dialect/ONNX/IR/Onnx.h"
#include "tenon/Dialect/Plan/IR/Plan.h"
#include "tenon/Pipelines/Compile.h"
#include "tenon/Pipelines/NativeConstants.h"
#include "tenon/Pipelines/Passes.h"
#include "tenon/Pipelines/RegisterTargets.h"
#include "tenon/Transforms/Fusion/Passes.h"
#include "tenon/Transforms/Memory/Passes.h"
#include "tenon/Transforms/Numerics/Passes.h"
#include "tenon/Transforms/Partition/Passes.h"
#include "tenon/Transforms/Simplify/Passes.h"

using namespace mlir;

namespace tenon {

void registerTenonDialects(DialectRegistry &registry) {
  registry.insert<onnxir::OnnxDialect, num::NumDialect, graph::GraphDialect, hw::HwDialect, plan::PlanDialect,
                  func::FuncDialect, arith::ArithDialect, math::MathDialect, memref::MemRefDialect, scf::SCFDialect,
                  vector::VectorDialect, tensor::TensorDialect, affine::AffineDialect, LLVM::LLVMDialect, ub::UBDialect,
                  cf::ControlFlowDialect>();
}

void loadTenonDialects(MLIRContext &context) {
  DialectRegistry registry;
  registerTenonDialects(registry);
  context.appendDialectRegistry(registry);
  context.loadAllAvailableDialects();
}

LogicalResult loadFormats(MLIRContext &context, ArrayRef<std::string> files) {
  bool ok = true;
  for (const std::string &file : files)
    if (llvm::Expected<const numerics::Format *> format = num::formatsOf(&context).load(file); !format) {
      emitError(UnknownLoc::get(&context)) << toString(format.takeError());
      ok = false;
    }
  return success(ok);
}

static std::shared_ptr<const Target> registeredTarget(plan::DeviceAttr device, std::string &error) {
  TargetRegistry targets;
  registerTargets(targets);
  return targets.find(device, error);
}

void registerTenonPasses() {
  registerTargetPasses();
  registerPasses();
  codegen::registerPasses();
  graph::registerPasses();
  onnxtograph::registerPasses();
  fusion::registerSinkDecodesPass();
  registerPass([] { return fusion::createFormKernelsPass(registeredTarget); });
  registerPass([] { return partition::createDeclareDevicesPass(registeredTarget); });
  registerPass([] { return partition::createChooseDevicesPass(registeredTarget); });
  partition::registerDetachSizesPass();
  partition::registerOutlineRegionsPass();
  partition::registerScheduleTransfersPass();
  memory::registerPasses();
  num::registerPasses();
  numerics::registerPasses();
  registerPass([] { return simplify::createEvaluateConstantsPass(nativeConstants()); });
  simplify::registerDenormalWeightsPass();
  simplify::registerBoundIndicesPass();
}

} // namespace tenon
