// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// CPU module (func, scf, vector, memref, math) to the LLVM dialect.
#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Dialect/Vector/Transforms/VectorRewritePatterns.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "mlir/Transforms/Passes.h"
#include "tenon/Codegen/Passes.h"
#include "tenon/Dialect/Num/Transforms/Passes.h"
#include "tenon/Target/CPU/Codegen.h"
#include "tenon/Target/CPU/Passes.h"

using namespace mlir;

namespace tenon::cpu {
namespace {

// Behind every pass, the verifier would take an eighth of a compilation: builds that check
// for themselves (presets debug and sanitize) do that, others verify behind a row of passes.
#ifdef _GLIBCXX_ASSERTIONS
constexpr bool kVerifyEach = true;
#else
constexpr bool kVerifyEach = false;
#endif

/// Functions are rewritten one by one: all would be looked at again after a change in any.
LogicalResult applyToEach(ModuleOp module, RewritePatternSet patterns) {
  FrozenRewritePatternSet frozen(std::move(patterns));
  for (auto func : module.getOps<func::FuncOp>())
    if (failed(applyPatternsGreedily(func, frozen)))
      return failure();
  return success();
}

/// Transcendental functions become MLIR's polynomial approximations: a kernel
/// image has no libm, and a vector needs no scalar calls.
LogicalResult approximateMath(ModuleOp module) {
  RewritePatternSet expansion(module.getContext());
  math::populateExpansionPatterns(expansion, {"cosh"});
  if (failed(applyToEach(module, std::move(expansion))))
    return failure();
  RewritePatternSet patterns(module.getContext());
  populateMathPolynomialApproximationPatterns(patterns);
  return applyToEach(module, std::move(patterns));
}

LogicalResult lowerVectors(ModuleOp module) {
  RewritePatternSet patterns(module.getContext());
  vector::populateVectorToVectorCanonicalizationPatterns(patterns);
  vector::populateVectorMaskMaterializationPatterns(patterns, /*force32BitVectorIndices=*/true);
  return applyToEach(module, std::move(patterns));
}

/// In memory, bfloat16 are integers: a processor without instructions for them makes
/// LLVM move a single one through float32, and back by a call of its library.
void accessBrainFloatsAsIntegers(ModuleOp module) {
  auto integers = [](Type type) -> Type {
    if (!getElementTypeOrSelf(type).isBF16())
      return {};
    Type i16 = IntegerType::get(type.getContext(), 16);
    auto vector = dyn_cast<VectorType>(type);
    return vector ? Type(vector.clone(i16)) : i16;
  };
  module.walk([&](Operation *op) {
    OpBuilder b(op);
    if (auto load = dyn_cast<LLVM::LoadOp>(op)) {
      Type floats = load.getType(), type = integers(floats);
      if (!type)
        return;
      load.getResult().setType(type);
      b.setInsertionPointAfter(load);
      auto cast = LLVM::BitcastOp::create(b, load.getLoc(), floats, load.getResult());
      load.getResult().replaceAllUsesExcept(cast.getResult(), cast);
    } else if (auto store = dyn_cast<LLVM::StoreOp>(op)) {
      if (Type type = integers(store.getValue().getType()))
        store.getValueMutable().assign(LLVM::BitcastOp::create(b, store.getLoc(), type, store.getValue()).getResult());
    }
  });
}

} // namespace

LogicalResult lowerToLLVM(ModuleOp module, const CpuTarget &target) {
  auto run = [&](auto &&fill) {
    PassManager pm(module.getContext());
    pm.enableVerifier(kVerifyEach);
    fill(pm);
    return success(succeeded(pm.run(module)) && (kVerifyEach || succeeded(verify(module))));
  };
  if (failed(run([](PassManager &pm) {
        // A model's own conversions, which have one result for NaN; those of the
        // polynomials come later and need none.
        pm.addPass(createGuardConversionsPass({/*anyForNan=*/false}));
        OpPassManager &each = pm.nest<func::FuncOp>();
        each.addPass(createCanonicalizerPass());
        each.addPass(createCSEPass());
        each.addPass(createLoopInvariantCodeMotionPass());
      })))
    return failure();
  if (failed(approximateMath(module)) || failed(lowerVectors(module)))
    return failure();
  LogicalResult lowered = run([&](PassManager &pm) {
    pm.addPass(num::createLowerConversionsPass());
    pm.addPass(codegen::createLegalizeFloatsPass({target.fusesMultiplyAdd(), target.convertsHalf()}));
    pm.addPass(createGuardConversionsPass());
    OpPassManager &each = pm.nest<func::FuncOp>();
    each.addPass(createCSEPass());
    each.addPass(createLoopInvariantCodeMotionPass());
    each.addPass(memref::createExpandStridedMetadataPass());
    each.addPass(createLowerAffinePass());
    arith::ArithExpandOpsPassOptions expand; // a bfloat16 conversion must not become a call
    expand.includeBf16 = true;
    each.addPass(arith::createArithExpandOpsPass(expand));
    each.addPass(createSCFToControlFlowPass());
    pm.addPass(createConvertVectorToLLVMPass());
    pm.addPass(createConvertMathToLLVMPass());
    pm.addPass(createArithToLLVMConversionPass());
    pm.addPass(createFinalizeMemRefToLLVMConversionPass());
    pm.addPass(createConvertIndexToLLVMPass());
    pm.addPass(createConvertControlFlowToLLVMPass());
    pm.addPass(createConvertFuncToLLVMPass());
    pm.addPass(createUBToLLVMConversionPass());
    pm.addNestedPass<LLVM::LLVMFuncOp>(createCanonicalizerPass());
    pm.addPass(createReconcileUnrealizedCastsPass());
  });
  if (failed(lowered))
    return failure();
  accessBrainFloatsAsIntegers(module);
  // Loops must not become calls to memset or memcpy: an image imports nothing.
  for (auto func : module.getOps<LLVM::LLVMFuncOp>()) {
    SmallVector<Attribute> attrs{StringAttr::get(module.getContext(), "no-builtins")};
    if (ArrayAttr given = func.getPassthroughAttr())
      attrs.append(given.begin(), given.end());
    func.setPassthroughAttr(ArrayAttr::get(module.getContext(), attrs));
  }
  return success();
}

} // namespace tenon::cpu
