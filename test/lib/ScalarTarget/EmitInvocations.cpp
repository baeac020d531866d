// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// For each kernel two functions. The first is what a GPU would be given:
//
//   kernel_K_unit(one memref in memory space 1 a buffer.., sizes, record, number)
//
// The second, kernel_K(addresses, sizes, begin, end), stands for the grid. The host
// program calls it as it calls a CPU's kernel, and it calls the first for each number of
// [begin, end).
#include "EmitInvocations.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "tenon/Dialect/Plan/IR/Symbols.h"
#include "tenon/Target/Host/ErrorRecord.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::codegen;

namespace scalar {
namespace {

constexpr unsigned kSpace = 1;

MemRefType bufferType(OpBuilder &b, Type storage) {
  return MemRefType::get({ShapedType::kDynamic}, storage, MemRefLayoutAttrInterface(), b.getI64IntegerAttr(kSpace));
}

/// Temporaries lie at the start of a function, not where a condition is.
class SpaceAccess final : public MemRefAccess {
public:
  explicit SpaceAccess(Block *entry) : entry(entry) {}
  Value temporary(OpBuilder &b, Location loc, int64_t elements, Type element, int64_t alignment) override {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(entry);
    return MemRefAccess::temporary(b, loc, elements, element, alignment);
  }

private:
  Block *entry;
};

/// An invocation does the unit of its number; those that are numbered beyond do nothing.
class UnitOfNumber final : public UnitMapping {
public:
  explicit UnitOfNumber(Value number) : number(number) {}
  LogicalResult map(KernelContext &c, AffineExpr total, function_ref<LogicalResult()> body) override {
    Value isUnit = arith::CmpIOp::create(c.b, c.loc, arith::CmpIPredicate::ult, number, c.index(total));
    auto guarded = scf::IfOp::create(c.b, c.loc, isUnit, /*withElseRegion=*/false);
    OpBuilder::InsertionGuard guard(c.b);
    c.b.setInsertionPointToStart(guarded.thenBlock());
    c.begin = number;
    c.end = c.add(number, c.index(1));
    return body();
  }

private:
  Value number;
};

/// Keeps the first failure of the first position. Invocations run one after the other.
class RecordReport final : public ErrorReport {
public:
  explicit RecordReport(Value record) : record(record) {}
  void report(KernelContext &c, unsigned check, Value position, Value first, Value second) override {
    using host::ErrorField;
    Type i64 = c.b.getI64Type();
    auto at = [&](ErrorField field) -> Value {
      return LLVM::GEPOp::create(c.b, c.loc, record.getType(), i64, record, ArrayRef<LLVM::GEPArg>{int32_t(field)});
    };
    auto integer = [&](Value index) -> Value { return arith::IndexCastOp::create(c.b, c.loc, i64, index); };
    Value own = integer(position), number = integer(c.index(int64_t(check)));
    Value known = LLVM::LoadOp::create(c.b, c.loc, i64, at(ErrorField::Position));
    Value knownCheck = LLVM::LoadOp::create(c.b, c.loc, i64, at(ErrorField::Check));
    using P = arith::CmpIPredicate;
    auto compare = [&](P p, Value x, Value y) -> Value { return arith::CmpIOp::create(c.b, c.loc, p, x, y); };
    Value same = arith::AndIOp::create(c.b, c.loc, compare(P::eq, own, known), compare(P::ult, number, knownCheck));
    Value isFirst = arith::OrIOp::create(c.b, c.loc, compare(P::ult, own, known), same);
    auto stores = scf::IfOp::create(c.b, c.loc, isFirst, /*withElseRegion=*/false);
    OpBuilder::InsertionGuard guard(c.b);
    c.b.setInsertionPointToStart(stores.thenBlock());
    for (auto [field, value] :
         {std::pair(ErrorField::Position, own), std::pair(ErrorField::Check, number),
          std::pair(ErrorField::First, integer(first)), std::pair(ErrorField::Second, integer(second))})
      LLVM::StoreOp::create(c.b, c.loc, value, at(field));
  }

private:
  Value record;
};

/// Types of a kernel's buffers, inputs first.
SmallVector<Type> buffersOf(OpBuilder &b, plan::KernelOp kernel) {
  SmallVector<Type> types;
  for (ValueRange values : {ValueRange(kernel.getInputs()), ValueRange(kernel.getResults())})
    for (Value value : values)
      types.push_back(bufferType(b, storageType(getElementTypeOrSelf(value.getType()))));
  return types;
}

/// The function of one invocation.
FailureOr<func::FuncOp> emitUnit(OpBuilder &b, plan::KernelOp kernel, StringRef symbol, const KernelPlan &plan,
                                 const ScalarMachine &machine, unsigned symbolCount, std::vector<KernelCheck> &checks) {
  Location loc = b.getUnknownLoc();
  SmallVector<Type> types = buffersOf(b, kernel);
  unsigned buffers = types.size();
  auto pointer = LLVM::LLVMPointerType::get(b.getContext());
  types.append({bufferType(b, b.getI64Type()), pointer, b.getIndexType()});
  auto func = func::FuncOp::create(b, loc, (symbol + "_unit").str(), b.getFunctionType(types, {}));
  func.setPrivate();
  OpBuilder::InsertionGuard guard(b);
  Block *entry = func.addEntryBlock();
  b.setInsertionPointToStart(entry);
  SpaceAccess memory(entry);
  RecordReport errors(entry->getArgument(buffers + 1));
  UnitOfNumber units(entry->getArgument(buffers + 2));
  KernelContext context(b, kernel, machine, {memory, errors, /*operands=*/nullptr});
  context.loc = loc;
  unsigned inputs = kernel.getInputs().size();
  context.inputs.assign(entry->args_begin(), entry->args_begin() + inputs);
  context.outputs.assign(entry->args_begin() + inputs, entry->args_begin() + buffers);
  context.symbols.resize(symbolCount);
  for (auto [i, position] : llvm::enumerate(plan::symbolsOf(kernel))) {
    Value size = context.loadStored(entry->getArgument(buffers), b.getI64Type(), context.index(int64_t(i)));
    context.symbols[position] = arith::IndexCastOp::create(b, loc, b.getIndexType(), size);
  }
  if (failed(emitUnits(context, plan, units)))
    return failure();
  b.setInsertionPointToEnd(entry);
  func::ReturnOp::create(b, loc);
  checks = std::move(context.checks);
  return func;
}

/// A buffer at an address.
Value bufferAt(OpBuilder &b, Location loc, Value address, MemRefType type) {
  auto pointer = LLVM::LLVMPointerType::get(b.getContext(), kSpace);
  address = LLVM::AddrSpaceCastOp::create(b, loc, pointer, address);
  auto sizes = LLVM::LLVMArrayType::get(b.getI64Type(), 1);
  auto descriptor = LLVM::LLVMStructType::getLiteral(b.getContext(), {pointer, pointer, b.getI64Type(), sizes, sizes});
  auto number = [&](int64_t value) -> Value { return LLVM::ConstantOp::create(b, loc, b.getI64Type(), value); };
  Value made = LLVM::PoisonOp::create(b, loc, descriptor);
  auto set = [&](Value value, ArrayRef<int64_t> at) { made = LLVM::InsertValueOp::create(b, loc, made, value, at); };
  set(address, {0});
  set(address, {1});
  set(number(0), {2});
  set(number(std::numeric_limits<int64_t>::max()), {3, 0});
  set(number(1), {4, 0});
  return UnrealizedConversionCastOp::create(b, loc, type, made).getResult(0);
}

/// The function that stands for the grid.
void emitGrid(OpBuilder &b, StringRef symbol, func::FuncOp unit) {
  Location loc = b.getUnknownLoc();
  auto pointer = LLVM::LLVMPointerType::get(b.getContext());
  Type i64 = b.getI64Type();
  auto func = func::FuncOp::create(b, loc, symbol, b.getFunctionType({pointer, pointer, i64, i64}, {}));
  func.setPrivate();
  OpBuilder::InsertionGuard guard(b);
  Block *entry = func.addEntryBlock();
  b.setInsertionPointToStart(entry);
  // The record's address follows those of the buffers; a kernel without checks is given none and reads none.
  ArrayRef<Type> types = unit.getArgumentTypes();
  unsigned buffers = types.size() - 3;
  SmallVector<Value> arguments;
  auto listed = [&](unsigned i) -> Value {
    return LLVM::GEPOp::create(b, loc, pointer, pointer, entry->getArgument(0), ArrayRef<LLVM::GEPArg>{int32_t(i)});
  };
  for (unsigned i = 0; i < buffers; ++i)
    arguments.push_back(bufferAt(b, loc, LLVM::LoadOp::create(b, loc, pointer, listed(i)), cast<MemRefType>(types[i])));
  arguments.push_back(bufferAt(b, loc, entry->getArgument(1), cast<MemRefType>(types[buffers])));
  bool reports = !unit.getArgument(buffers + 1).use_empty();
  arguments.push_back(reports ? Value(LLVM::LoadOp::create(b, loc, pointer, listed(buffers)))
                              : Value(LLVM::ZeroOp::create(b, loc, pointer)));
  auto index = [&](Value value) -> Value { return arith::IndexCastOp::create(b, loc, b.getIndexType(), value); };
  auto grid = scf::ForOp::create(b, loc, index(entry->getArgument(2)), index(entry->getArgument(3)),
                                 arith::ConstantIndexOp::create(b, loc, 1));
  arguments.push_back(grid.getInductionVar());
  b.setInsertionPointToStart(grid.getBody());
  func::CallOp::create(b, loc, unit, arguments);
  b.setInsertionPointToEnd(entry);
  func::ReturnOp::create(b, loc);
}

} // namespace

FailureOr<host::HostModule> emitInvocations(ModuleOp plan, const ScalarMachine &machine,
                                            const StrategyRegistry &strategies, const KernelProgress &progress) {
  host::HostModule program;
  program.module = ModuleOp::create(plan.getLoc());
  OpBuilder b(plan.getContext());
  b.setInsertionPointToEnd(program.module->getBody());
  auto symbols = plan->getAttrOfType<ArrayAttr>("graph.symbols");
  auto choose = [&](plan::KernelOp kernel, std::string &reason) { return strategies.plan(kernel, machine, reason); };
  auto emit = [&](plan::KernelOp kernel, StringRef symbol, const KernelPlan &chosen, std::vector<KernelCheck> &checks) {
    FailureOr<func::FuncOp> unit = emitUnit(b, kernel, symbol, chosen, machine, symbols ? symbols.size() : 0, checks);
    if (succeeded(unit))
      emitGrid(b, symbol, *unit);
    return success(succeeded(unit));
  };
  FailureOr<EmittedKernels> kernels = emitKernels(plan, "scalar", choose, emit, progress);
  if (failed(kernels))
    return failure();
  for (auto &[kernel, emitted] : *kernels) {
    WorkSplit units = emitted.plan->split();
    WorkSplit grid{units.total.ceilDiv(kGroup) * kGroup, units.grain};
    host::KernelLaunch launch{
        describeKernel(kernel, emitted.plan), emitted.function, grid, std::move(emitted.checks), {}, 0};
    emitted.plan->checkSizes(launch.sizes);
    program.launches.insert({kernel, std::move(launch)});
  }
  return program;
}

} // namespace scalar
