// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The host program: computes offsets from symbol values and launches the
// kernels in order through the runtime's table (runtime/include/tenon/abi.h).
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "tenon/Support/Provenance.h"
#include "tenon/Target/CPU/Codegen.h"
#include "tenon/Target/CPU/KernelCheck.h"
#include "tenon/tenon.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace tenon::cpu {
namespace {

constexpr int64_t kAlign = 64;

class HostEmitter {
public:
  HostEmitter(ModuleOp plan, Program &program, const DenseMap<Operation *, std::string> &functions,
              const DenseMap<Operation *, WorkSplit> &splits)
      : plan(plan), table(graph::readSymbols(plan)), program(program), functions(functions), splits(splits), b(plan.getContext()),
        loc(b.getUnknownLoc()), pointer(LLVM::LLVMPointerType::get(plan.getContext())), i64(b.getI64Type()) {}

  LogicalResult run() {
    auto func = plan.lookupSymbol<func::FuncOp>("main");
    if (!func)
      return plan.emitError("[TN5005] has no function @main");
    for (const graph::Symbol &symbol : table)
      if (!symbol.after.empty())
        return plan.emitError("[TN5006] a size is known only after kernel '") << symbol.after << "', which this target cannot wait for";
    emitDerive();
    emitArenaSize();
    emitOutputDims(func);
    return emitMain(func);
  }

private:
  func::FuncOp beginFunction(StringRef name, ArrayRef<Type> arguments, ArrayRef<Type> results, unsigned symbolArgument) {
    b.setInsertionPointToEnd(program.module->getBody());
    auto func = func::FuncOp::create(b, loc, name, b.getFunctionType(arguments, results));
    Block *entry = func.addEntryBlock();
    b.setInsertionPointToStart(entry);
    symbols.clear();
    for (unsigned i = 0; i < table.size(); ++i)
      symbols.push_back(LLVM::LoadOp::create(b, loc, i64, element(entry->getArgument(symbolArgument), i64, i)));
    return func;
  }

  Value element(Value base, Type type, int64_t i) {
    return LLVM::GEPOp::create(b, loc, pointer, type, base, ArrayRef<LLVM::GEPArg>{int32_t(i)});
  }
  Value constant(int64_t value) { return arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(value)); }

  /// a + b or a * b; while `overflow` is set it tells whether any lay beyond i64.
  template <typename Plain, typename Checked> Value arithmetic(Value a, Value c) {
    if (!overflow)
      return Plain::create(b, loc, a, c);
    auto pair = LLVM::LLVMStructType::getLiteral(b.getContext(), {i64, b.getI1Type()});
    Value both = Checked::create(b, loc, pair, a, c);
    Value lost = LLVM::ExtractValueOp::create(b, loc, both, 1);
    overflow = arith::OrIOp::create(b, loc, overflow, lost);
    return LLVM::ExtractValueOp::create(b, loc, both, 0);
  }
  Value add(Value a, Value c) { return arithmetic<arith::AddIOp, LLVM::SAddWithOverflowOp>(a, c); }
  Value mul(Value a, Value c) { return arithmetic<arith::MulIOp, LLVM::SMulWithOverflowOp>(a, c); }
  /// A size of memory that the runtime is told before the run, or -1 if it lies
  /// beyond i64: named dimensions may be large where another one is 0.
  Value size(function_ref<Value()> compute) {
    overflow = arith::ConstantOp::create(b, loc, b.getBoolAttr(false));
    Value value = compute();
    value = arith::SelectOp::create(b, loc, overflow, constant(-1), value);
    overflow = {};
    return value;
  }

  Value eval(AffineExpr expr) {
    if (auto known = dyn_cast<AffineConstantExpr>(expr))
      return constant(known.getValue());
    if (auto symbol = dyn_cast<AffineSymbolExpr>(expr))
      return symbols[symbol.getPosition()];
    auto binary = cast<AffineBinaryOpExpr>(expr);
    Value lhs = eval(binary.getLHS()), rhs = eval(binary.getRHS());
    switch (binary.getKind()) {
    case AffineExprKind::Add: return add(lhs, rhs);
    case AffineExprKind::Mul: return mul(lhs, rhs);
    case AffineExprKind::Mod: return modulo(lhs, rhs);
    case AffineExprKind::FloorDiv: return arith::FloorDivSIOp::create(b, loc, lhs, rhs);
    default: return arith::CeilDivSIOp::create(b, loc, lhs, rhs);
    }
  }

  Value select(Value condition, Value a, Value c) { return arith::SelectOp::create(b, loc, condition, a, c); }
  Value compare(arith::CmpIPredicate predicate, Value a, Value c) { return arith::CmpIOp::create(b, loc, predicate, a, c); }
  Value isZero(Value value) { return compare(arith::CmpIPredicate::eq, value, constant(0)); }
  /// x - y * floor(x / y) for positive y.
  Value modulo(Value x, Value y) {
    Value quotient = arith::FloorDivSIOp::create(b, loc, x, y);
    return arith::SubIOp::create(b, loc, x, arith::MulIOp::create(b, loc, y, quotient));
  }

  /// A derived symbol's value, as graph::evaluate has it: total, whatever the
  /// arguments are.
  Value derived(const graph::Symbol &symbol) {
    SmallVector<Value> x;
    for (AffineExpr argument : symbol.arguments)
      x.push_back(eval(argument));
    auto fold = [&](function_ref<Value(Value, Value)> join) {
      Value all = x.front();
      for (Value value : ArrayRef(x).drop_front())
        all = join(all, value);
      return all;
    };
    auto asNumber = [&](Value truth) -> Value { return arith::ExtUIOp::create(b, loc, i64, truth); };
    // Divisors that no quotient has: 0, and -1, where it is the negative dividend.
    auto total = [&](function_ref<Value(Value)> ordinary, Value byZero, Value byMinusOne) {
      Value minusOne = compare(arith::CmpIPredicate::eq, x[1], constant(-1));
      Value special = arith::OrIOp::create(b, loc, isZero(x[1]), minusOne);
      return select(isZero(x[1]), byZero, select(minusOne, byMinusOne, ordinary(select(special, constant(1), x[1]))));
    };
    auto negative = [&]() -> Value { return arith::SubIOp::create(b, loc, constant(0), x[0]); };
    using graph::Derivation;
    switch (symbol.derivation) {
    case Derivation::min: return fold([&](Value a, Value c) -> Value { return arith::MinSIOp::create(b, loc, a, c); });
    case Derivation::max: return fold([&](Value a, Value c) -> Value { return arith::MaxSIOp::create(b, loc, a, c); });
    case Derivation::floordiv:
      return total([&](Value y) -> Value { return arith::FloorDivSIOp::create(b, loc, x[0], y); }, constant(0), negative());
    case Derivation::truncdiv:
      return total([&](Value y) -> Value { return arith::DivSIOp::create(b, loc, x[0], y); }, constant(0), negative());
    case Derivation::mod:
      return total([&](Value y) { return modulo(x[0], y); }, x[0], constant(0));
    case Derivation::eq: return asNumber(compare(arith::CmpIPredicate::eq, x[0], x[1]));
    case Derivation::lt: return asNumber(compare(arith::CmpIPredicate::slt, x[0], x[1]));
    case Derivation::select: return select(isZero(x[0]), x[2], x[1]);
    case Derivation::broadcast: {
      Value result = x.back(); // the last is 1 itself, or the first that is not
      for (Value value : llvm::reverse(ArrayRef(x).drop_back()))
        result = select(compare(arith::CmpIPredicate::eq, value, constant(1)), result, value);
      return result;
    }
    default:
      llvm_unreachable("no size is a ratio");
    }
  }

  /// Fills in the derived symbols, in order, then checks what must hold for the
  /// whole run: before anything is allocated for sizes that do not fit.
  void emitDerive() {
    auto derive = beginFunction("tenon_derive", {pointer, pointer}, {b.getI32Type()}, 0);
    Value array = derive.getArgument(0), numbers = derive.getArgument(1);
    for (auto [i, symbol] : llvm::enumerate(table)) {
      if (!symbol.isDerived())
        continue;
      // A size beyond all memory stays one, and is refused where it is used.
      overflow = arith::ConstantOp::create(b, loc, b.getBoolAttr(false));
      Value value = derived(symbol);
      symbols[i] = select(overflow, constant(int64_t(1) << 62), value);
      overflow = {};
      LLVM::StoreOp::create(b, loc, symbols[i], element(array, i64, i));
    }
    {
      OpBuilder::InsertionGuard guard(b);
      exit = b.createBlock(&derive.getBody(), {}, b.getI32Type(), loc);
      func::ReturnOp::create(b, loc, exit->getArgument(0));
    }
    for (const graph::Assumption &assumption : graph::readAssumptions(plan, "graph.assumptions")) {
      auto [holds, first, second] = check(assumption);
      Block *failed = newBlock(), *rest = newBlock();
      cf::CondBranchOp::create(b, loc, holds, rest, failed);
      b.setInsertionPointToStart(failed);
      LLVM::StoreOp::create(b, loc, first, numbers);
      LLVM::StoreOp::create(b, loc, second, element(numbers, i64, 1));
      cf::BranchOp::create(b, loc, exit, constant32(numberOf(assumption)));
      b.setInsertionPointToStart(rest);
    }
    cf::BranchOp::create(b, loc, exit, constant32(0));
  }

  /// Whether an assumption holds, and its two sizes.
  std::tuple<Value, Value, Value> check(const graph::Assumption &assumption) {
    Value a = eval(assumption.a), c = eval(assumption.b);
    Value holds = compare(assumption.kind == graph::Assumption::atMost ? arith::CmpIPredicate::sle : arith::CmpIPredicate::eq, a, c);
    if (assumption.kind == graph::Assumption::broadcasts)
      holds = arith::OrIOp::create(b, loc, holds, compare(arith::CmpIPredicate::eq, a, constant(1)));
    return {holds, a, c};
  }

  /// Its number in the manifest's table of checks.
  uint32_t numberOf(const graph::Assumption &assumption) {
    StringRef text = "the inputs' dimensions do not fit together: sizes {0} and {1} must be equal";
    if (assumption.kind == graph::Assumption::broadcasts)
      text = "the inputs' dimensions do not fit together: a size of {0} does not broadcast to {1}";
    else if (assumption.kind == graph::Assumption::atMost)
      text = assumption.a == 0 ? "the inputs' dimensions do not fit together: a size would be {1}, expected 0 or more"
                               : "the inputs' dimensions do not fit together: a size of {0} must be at most {1}";
    return program.addCheck(TENON_RUN, assumption.node, text);
  }

  /// Offsets of the symbolic slots and, last, the arena's size. The size of what an
  /// untaken branch would make may be negative: it takes no room.
  SmallVector<Value> slotOffsets() {
    int64_t fixed = plan->getAttrOfType<IntegerAttr>("plan.arena_bytes").getInt();
    SmallVector<Value> offsets;
    Value at = constant(fixed);
    for (Attribute attr : plan->getAttrOfType<ArrayAttr>("plan.slots")) {
      offsets.push_back(at);
      Value bytes = constant(0);
      for (AffineExpr expr : cast<AffineMapAttr>(attr).getValue().getResults())
        bytes = arith::MaxSIOp::create(b, loc, bytes, eval(expr));
      Value rounded = arith::AndIOp::create(b, loc, add(bytes, constant(kAlign - 1)), constant(-kAlign));
      at = add(at, rounded);
    }
    offsets.push_back(at);
    return offsets;
  }

  void emitArenaSize() {
    beginFunction("tenon_arena_size", {pointer}, {i64}, 0);
    func::ReturnOp::create(b, loc, size([&]() { return slotOffsets().back(); }));
  }

  void emitOutputDims(func::FuncOp func) {
    auto dims = beginFunction("tenon_output_dims", {pointer, pointer}, {}, 0);
    Value out = dims.getArgument(1);
    int64_t at = 0;
    auto ret = cast<func::ReturnOp>(func.getBody().back().getTerminator());
    for (Value value : ret.getOperands()) {
      auto type = cast<RankedTensorType>(value.getType());
      AffineMap map;
      auto result = cast<OpResult>(value);
      if (auto attr = result.getOwner()->getAttrOfType<AffineMapAttr>("graph.shape"))
        map = attr.getValue();
      else if (auto attrs = result.getOwner()->getAttrOfType<ArrayAttr>("graph.shapes"))
        map = cast<AffineMapAttr>(attrs[result.getResultNumber()]).getValue();
      for (auto [i, dim] : llvm::enumerate(type.getShape())) {
        Value extent = ShapedType::isDynamic(dim) ? size([&]() { return eval(map.getResult(i)); }) : constant(dim);
        LLVM::StoreOp::create(b, loc, extent, element(out, i64, at++));
      }
    }
    func::ReturnOp::create(b, loc);
  }

  LogicalResult emitMain(func::FuncOp func) {
    auto host = beginFunction("tenon_main", {pointer, pointer, pointer, pointer, pointer, pointer, pointer},
                              {b.getI32Type()}, 6);
    api = host.getArgument(0);
    invocation = host.getArgument(1);
    inputs = host.getArgument(2);
    outputs = host.getArgument(3);
    weights = host.getArgument(4);
    arena = host.getArgument(5);
    unsigned most = 1; // buffers, and the error record
    size_t mostSizes = 1;
    plan.walk([&](plan::KernelOp kernel) {
      most = std::max(most, kernel->getNumOperands() + kernel->getNumResults() + 1);
      mostSizes = std::max(mostSizes, symbolsOf(kernel).size());
    });
    {
      OpBuilder::InsertionGuard guard(b);
      exit = b.createBlock(&host.getBody(), {}, b.getI32Type(), loc);
      func::ReturnOp::create(b, loc, exit->getArgument(0));
    }
    launchPointer = LLVM::LoadOp::create(b, loc, pointer, element(api, b.getI8Type(), 8));
    buffers = LLVM::AllocaOp::create(b, loc, pointer, pointer, constant(most), 8);
    sizes = LLVM::AllocaOp::create(b, loc, pointer, i64, constant(mostSizes), 8);
    if (llvm::any_of(program.kernels, [](const KernelInfo &kernel) { return !kernel.checks.empty(); })) {
      // A failure ends the run, so that one record is clean for every launch.
      errorRecord = LLVM::AllocaOp::create(b, loc, pointer, i64, constant(kErrorFields), 8);
      for (int32_t i = 0; i < kErrorFields; ++i)
        LLVM::StoreOp::create(b, loc, constant(ErrorField(i) == ErrorField::Position ? kNoPosition : 0), element(errorRecord, i64, i));
    }
    offsets = slotOffsets();
    for (auto [i, argument] : llvm::enumerate(func.getArguments()))
      pointers[argument] = LLVM::LoadOp::create(b, loc, pointer, element(inputs, pointer, i));
    for (Operation &op : func.getBody().front())
      if (failed(emit(&op)))
        return failure();
    return success();
  }

  Value constant32(int64_t value) { return arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(value)); }

  /// A block before the exit, for code that is reached by a branch.
  Block *newBlock(TypeRange arguments = {}) {
    OpBuilder::InsertionGuard guard(b);
    return b.createBlock(exit, arguments, SmallVector<Location>(arguments.size(), loc));
  }

  /// Returns early where sizes of a branch do not fit: its kernels would read
  /// beyond their buffers.
  void checkBranch(scf::IfOp branch, unsigned region) {
    for (const graph::Assumption &assumption : graph::readAssumptions(branch, graph::branchAssumptions(region))) {
      auto [holds, first, second] = check(assumption);
      failUnless(holds, constant32(numberOf(assumption)), first, second);
    }
  }

  /// Ends the run with a check's number and two numbers for its text where the
  /// condition does not hold, else goes on.
  void failUnless(Value condition, Value check, Value first, Value second) {
    Block *failed = newBlock(), *rest = newBlock();
    cf::CondBranchOp::create(b, loc, condition, rest, failed);
    b.setInsertionPointToStart(failed);
    Value fail = LLVM::LoadOp::create(b, loc, pointer, element(api, b.getI8Type(), 16));
    auto type = LLVM::LLVMFunctionType::get(b.getI32Type(), {pointer, b.getI32Type(), i64, i64});
    auto call = LLVM::CallOp::create(b, loc, type, ValueRange{fail, invocation, check, first, second});
    cf::BranchOp::create(b, loc, exit, call.getResults());
    b.setInsertionPointToStart(rest);
  }

  LogicalResult emit(Operation *op) {
    if (auto constantOp = dyn_cast<graph::ConstantOp>(op)) {
      weight(constantOp);
      return success();
    }
    if (auto view = dyn_cast<plan::ViewOp>(op)) {
      pointers[view.getResult()] = lookup(view.getX());
      return success();
    }
    if (auto kernel = dyn_cast<plan::KernelOp>(op))
      return launch(kernel);
    if (isa<func::ReturnOp>(op)) {
      cf::BranchOp::create(b, loc, exit, constant32(0));
      return success();
    }
    if (auto extract = dyn_cast<tensor::ExtractOp>(op)) {
      Value value = LLVM::LoadOp::create(b, loc, storageType(extract.getType()), lookup(extract.getTensor()));
      if (extract.getType().isInteger(1))
        value = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, value,
                                      arith::ConstantOp::create(b, loc, b.getI8IntegerAttr(0)));
      scalars[extract.getResult()] = value;
      return success();
    }
    if (auto known = dyn_cast<arith::ConstantOp>(op)) {
      scalars[known.getResult()] = arith::ConstantOp::create(b, loc, known.getValue());
      return success();
    }
    if (auto branch = dyn_cast<scf::IfOp>(op))
      return emitIf(branch);
    if (auto select = dyn_cast<arith::SelectOp>(op); select && scalars.contains(select.getCondition()) && isa<TensorType>(select.getType())) {
      pointers[select.getResult()] = arith::SelectOp::create(b, loc, scalars.lookup(select.getCondition()),
                                                             lookup(select.getTrueValue()), lookup(select.getFalseValue()));
      return success();
    }
    return op->emitError("[TN5006] has no place in a host program");
  }

  LogicalResult emitIf(scf::IfOp branch) {
    Value condition = scalars.lookup(branch.getCondition());
    if (!condition)
      return branch.emitError("[TN5006] has a condition that the host program does not know");
    Block *join = newBlock(SmallVector<Type>(branch.getNumResults(), pointer));
    // A branch without code may have checks.
    Block *then = newBlock(), *otherwise = branch.elseBlock() ? newBlock() : join;
    cf::CondBranchOp::create(b, loc, condition, then, otherwise);
    for (auto [source, target] : {std::pair(branch.thenBlock(), then), std::pair(branch.elseBlock(), otherwise)}) {
      if (!source)
        continue;
      b.setInsertionPointToStart(target);
      checkBranch(branch, source->getParent()->getRegionNumber());
      for (Operation &op : source->without_terminator())
        if (failed(emit(&op)))
          return failure();
      SmallVector<Value> yields;
      for (Value value : source->getTerminator()->getOperands())
        yields.push_back(lookup(value));
      cf::BranchOp::create(b, loc, join, yields);
    }
    b.setInsertionPointToStart(join);
    for (auto [from, to] : llvm::zip(branch.getResults(), join->getArguments()))
      pointers[from] = to;
    return success();
  }

  Value lookup(Value value) {
    Value known = pointers.lookup(value);
    assert(known && "used before it was emitted");
    return known;
  }

  void weight(graph::ConstantOp op) {
    auto [it, isNew] = weightOf.try_emplace(op.getValue(), program.weights.size());
    if (isNew) {
      auto type = cast<ShapedType>(op.getType());
      uint64_t bytes = type.getNumElements() * storageType(type.getElementType()).getIntOrFloatBitWidth() / 8;
      program.weights.push_back({op.getValue(), program.weightBytes, bytes});
      program.weightBytes += (bytes + kAlign - 1) / kAlign * kAlign;
    }
    pointers[op.getResult()] = LLVM::GEPOp::create(b, loc, pointer, b.getI8Type(), weights,
                                                   ValueRange{constant(program.weights[it->second].offset)});
  }

  Value place(plan::KernelOp kernel, unsigned result) {
    auto where = cast<DictionaryAttr>(kernel->getAttrOfType<ArrayAttr>("plan.buffers")[result]);
    if (auto output = where.getAs<IntegerAttr>("output"))
      return LLVM::LoadOp::create(b, loc, pointer, element(outputs, pointer, output.getInt()));
    Value offset = where.contains("slot") ? offsets[where.getAs<IntegerAttr>("slot").getInt()]
                                          : constant(where.getAs<IntegerAttr>("offset").getInt());
    return LLVM::GEPOp::create(b, loc, pointer, b.getI8Type(), arena, ValueRange{offset});
  }

  /// Kernels are described in the order of their launches, which is that of the
  /// module's text.
  KernelInfo &describe(plan::KernelOp kernel) {
    KernelInfo &info = program.kernels[index];
    assert(info.name == kernel.getName() && "kernels are described in another order than launched");
    return info;
  }

  BufferInfo describe(Value value, bool isOutput) {
    Type element = getElementTypeOrSelf(value.getType());
    while (auto view = value.getDefiningOp<plan::ViewOp>())
      value = view.getX();
    if (auto argument = dyn_cast<BlockArgument>(value)) {
      auto func = cast<func::FuncOp>(argument.getOwner()->getParentOp());
      auto name = func.getArgAttrOfType<StringAttr>(argument.getArgNumber(), "onnx.name");
      return {name ? name.str() : "", element, isOutput, -1};
    }
    llvm::SetVector<StringRef> nodes = sourceNodes(value.getLoc());
    auto constantOp = value.getDefiningOp<graph::ConstantOp>();
    int64_t offset = constantOp ? program.weights[weightOf.lookup(constantOp.getValue())].offset : -1;
    std::string name = nodes.empty() ? "" : nodes.back().str();
    if (auto resource = constantOp ? dyn_cast<DenseResourceElementsAttr>(constantOp.getValue()) : DenseResourceElementsAttr())
      name = resource.getRawHandle().getKey().str();
    return {std::move(name), element, isOutput, offset};
  }

  /// Ends the run where sizes are not as the kernel's ops need them.
  void checkSizes(const KernelInfo &info) {
    for (const SizeCheck &check : info.sizes) {
      Value least = eval(check.least), size = eval(check.size);
      Value ok = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sle, least, size);
      if (check.unless) {
        Value isEmpty = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, eval(check.unless), constant(0));
        ok = arith::OrIOp::create(b, loc, ok, isEmpty);
      }
      uint32_t number = program.addCheck(check.code, llvm::join(sourceNodes(check.op->getLoc()).getArrayRef(), ", "), check.text);
      failUnless(ok, constant32(number), least, size);
    }
  }

  /// Ends the run with what a kernel has left in the error record.
  void checkRecord(const KernelInfo &info) {
    if (info.checks.empty())
      return;
    auto field = [&](ErrorField field) -> Value { return LLVM::LoadOp::create(b, loc, i64, element(errorRecord, i64, int64_t(field))); };
    uint32_t first = 0;
    for (const CheckInfo &check : info.checks)
      if (uint32_t number = program.addCheck(check.code, check.node, check.text); !first)
        first = number;
    Value failed = field(ErrorField::Check);
    Value ok = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, failed, constant(0));
    Value number = arith::TruncIOp::create(b, loc, b.getI32Type(), add(failed, constant(int64_t(first) - 1)));
    failUnless(ok, number, field(ErrorField::First), field(ErrorField::Second));
  }

  LogicalResult launch(plan::KernelOp kernel) {
    SmallVector<Value> arguments;
    KernelInfo &info = describe(kernel);
    checkSizes(info);
    for (Value input : kernel.getInputs()) {
      arguments.push_back(lookup(input));
      info.buffers.push_back(describe(input, /*isOutput=*/false));
    }
    for (auto [i, result] : llvm::enumerate(kernel.getResults())) {
      pointers[result] = place(kernel, i);
      arguments.push_back(pointers[result]);
      Value yielded = kernel.getBody().front().getTerminator()->getOperand(i);
      info.buffers.push_back(describe(isa<BlockArgument>(yielded) ? result : yielded, /*isOutput=*/true));
    }
    for (auto [i, argument] : llvm::enumerate(arguments))
      LLVM::StoreOp::create(b, loc, argument, element(buffers, pointer, i));
    for (auto [i, position] : llvm::enumerate(symbolsOf(kernel)))
      LLVM::StoreOp::create(b, loc, symbols[position], element(sizes, i64, i));
    if (!info.checks.empty()) // behind the buffers, and not one of them for an observer
      LLVM::StoreOp::create(b, loc, errorRecord, element(buffers, pointer, arguments.size()));
    auto kernelType = b.getFunctionType({pointer, pointer, i64, i64}, {});
    Value function = func::ConstantOp::create(b, loc, kernelType, functions.lookup(kernel));
    function = UnrealizedConversionCastOp::create(b, loc, pointer, function).getResult(0);
    WorkSplit split = splits.lookup(kernel);
    auto type = LLVM::LLVMFunctionType::get(b.getI32Type(), {pointer, b.getI32Type(), pointer, pointer, b.getI32Type(), pointer, i64, i64});
    auto call = LLVM::CallOp::create(b, loc, type,
                                     ValueRange{launchPointer, invocation, constant32(index++), function, buffers,
                                                constant32(arguments.size()), sizes, eval(split.total), constant(split.grain)});
    // A launch that fails ends the run with what it returned.
    Value failed = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, call.getResult(), constant32(0));
    Block *next = newBlock();
    cf::CondBranchOp::create(b, loc, failed, exit, call.getResults(), next, ValueRange{});
    b.setInsertionPointToStart(next);
    checkRecord(info);
    return success();
  }

  ModuleOp plan;
  std::vector<graph::Symbol> table;
  Program &program;
  const DenseMap<Operation *, std::string> &functions;
  const DenseMap<Operation *, WorkSplit> &splits;
  OpBuilder b;
  Location loc;
  Type pointer, i64;
  SmallVector<Value> symbols, offsets;
  Value overflow;        ///< set while a size is computed
  Block *exit = nullptr; ///< returns its argument
  Value api, invocation, inputs, outputs, weights, arena, launchPointer, buffers, sizes, errorRecord;
  DenseMap<Value, Value> pointers, scalars;
  DenseMap<Attribute, size_t> weightOf;
  uint32_t index = 0;
};

} // namespace

LogicalResult emitHostProgram(ModuleOp plan, Program &program, const DenseMap<Operation *, std::string> &functions,
                              const DenseMap<Operation *, WorkSplit> &splits) {
  return HostEmitter(plan, program, functions, splits).run();
}

} // namespace tenon::cpu
