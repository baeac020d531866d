// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Registration and verifiers of the plan dialect.
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "tenon/Dialect/Plan/IR/Plan.h"
#include "tenon/Dialect/Plan/IR/Shapes.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace tenon::plan;

#include "tenon/Dialect/Plan/IR/PlanDialect.cpp.inc"
#include "tenon/Dialect/Plan/IR/PlanEnums.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "tenon/Dialect/Plan/IR/PlanAttrs.cpp.inc"
#define GET_OP_CLASSES
#include "tenon/Dialect/Plan/IR/PlanOps.cpp.inc"

void PlanDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "tenon/Dialect/Plan/IR/PlanOps.cpp.inc"
      >();
  addAttributes<
#define GET_ATTRDEF_LIST
#include "tenon/Dialect/Plan/IR/PlanAttrs.cpp.inc"
      >();
}

LogicalResult PlaceAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError, StringRef space, PlaceKind kind,
                                int64_t number, AffineMapAttr bytes) {
  if (space.empty() || number < 0)
    return emitError() << "expected a memory space and a number of 0 or more, found \"" << space << "\" and " << number;
  if (bytes && bytes.getValue().getNumResults() != 1)
    return emitError() << "expected bytes of one size, found " << bytes.getValue().getNumResults();
  return success();
}

LogicalResult ArenaAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError, StringRef space, int64_t bytes,
                                ArrayAttr slots, int64_t redZone, int64_t alignment) {
  if (space.empty() || bytes < 0 || redZone < 0)
    return emitError() << "expected a memory space and bytes of 0 or more, found \"" << space << "\", " << bytes
                       << " and a red zone of " << redZone;
  if (alignment < kLeastAlignment || !llvm::isPowerOf2_64(alignment))
    return emitError() << "expected an alignment that is a power of two and " << kLeastAlignment << " or more, found "
                       << alignment;
  for (Attribute slot : slots)
    if (auto map = dyn_cast<AffineMapAttr>(slot); !map || map.getValue().getNumResults() == 0)
      return emitError() << "expected slots with a map of sizes each, found " << slot;
  return success();
}

ArenaAttr tenon::plan::arenaOf(ModuleOp module, StringRef space) {
  if (auto arenas = module->getAttrOfType<ArrayAttr>(kArenasAttr))
    for (auto arena : arenas.getAsRange<ArenaAttr>())
      if (arena.getSpace() == space)
        return arena;
  return {};
}

LogicalResult DeviceAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError, StringRef name, StringRef,
                                 tenon::hw::DeviceAttr) {
  return name.empty() ? LogicalResult(emitError() << "expected a device's name, found \"\"") : success();
}

/// Devices beside the host have names of their own: these are names of memory spaces, too.
static LogicalResult verifyDevices(Operation *op, Attribute value) {
  auto list = dyn_cast<ArrayAttr>(value);
  if (!list || !llvm::all_of(list, llvm::IsaPred<DeviceAttr>))
    return op->emitOpError("has plan.devices that are no array of #plan.device: ") << value;
  llvm::SmallVector<StringRef> names{kHostSpace};
  for (auto device : list.getAsRange<DeviceAttr>()) {
    if (llvm::is_contained(names, device.getName()))
      return op->emitOpError("has a device \"") << device.getName() << "\" in plan.devices whose name is taken";
    names.push_back(device.getName());
  }
  return success();
}

LogicalResult PlanDialect::verifyOperationAttribute(Operation *op, NamedAttribute attribute) {
  if (attribute.getName() == kDevicesAttr)
    return verifyDevices(op, attribute.getValue());
  if (attribute.getName() == kHostAttr && !isa<DeviceAttr>(attribute.getValue()))
    return op->emitOpError("has a plan.host that is no #plan.device: ") << attribute.getValue();
  return success();
}

DeviceAttr tenon::plan::hostOf(ModuleOp module) { return module->getAttrOfType<DeviceAttr>(kHostAttr); }

SmallVector<DeviceAttr> tenon::plan::devicesOf(ModuleOp module) {
  auto list = module->getAttrOfType<ArrayAttr>(kDevicesAttr);
  return list ? llvm::to_vector(list.getAsRange<DeviceAttr>()) : SmallVector<DeviceAttr>();
}

/// Null if there is none of that name.
static DeviceAttr findDevice(ModuleOp program, StringRef name) {
  SmallVector<DeviceAttr> devices = devicesOf(program);
  auto *found = llvm::find_if(devices, [&](DeviceAttr device) { return device.getName() == name; });
  return found == devices.end() ? DeviceAttr() : *found;
}

DeviceAttr tenon::plan::deviceOf(ModuleOp program) {
  auto name = program->getAttrOfType<StringAttr>(kDeviceAttr);
  if (!name)
    return hostOf(program);
  auto all = program->getParentOfType<ModuleOp>();
  return all ? findDevice(programsOf(all).host, name.getValue()) : DeviceAttr();
}

DeviceAttr tenon::plan::deviceOf(ModuleOp program, StringRef space) {
  return space == kHostSpace ? deviceOf(program) : findDevice(program, space);
}

/// Whether the program that an op is of has the device.
static LogicalResult verifyDevice(Operation *op, StringRef name) {
  auto program = op->getParentOfType<ModuleOp>();
  if (!program || findDevice(program, name))
    return success();
  SmallVector<StringRef> known =
      llvm::map_to_vector(devicesOf(program), [](DeviceAttr device) { return device.getName(); });
  return op->emitOpError("names the device \"")
         << name << "\", which is not in the module's plan.devices; there "
         << (known.empty() ? std::string("are none") : (known.size() == 1 ? "is " : "are ") + llvm::join(known, ", "));
}

Programs tenon::plan::programsOf(ModuleOp module) {
  Programs programs{module, {}};
  for (auto nested : module.getOps<ModuleOp>())
    if (nested.getSymName() == kHostProgram)
      programs.host = nested;
    else
      programs.regions.push_back(nested);
  return programs;
}

unsigned tenon::plan::deviceIndexOf(ModuleOp region) {
  auto name = region->getAttrOfType<StringAttr>(kDeviceAttr);
  SmallVector<DeviceAttr> devices = devicesOf(programsOf(region->getParentOfType<ModuleOp>()).host);
  return llvm::find_if(devices, [&](DeviceAttr device) { return name && device.getName() == name.getValue(); }) -
         devices.begin();
}

bool tenon::plan::writesBuffers(Operation *op) { return isa<KernelOp, SubmitOp, TransferOp>(op); }

StringRef tenon::plan::spaceOf(Operation *op) {
  if (auto submit = dyn_cast<SubmitOp>(op))
    return submit.getDevice();
  if (auto transfer = dyn_cast<TransferOp>(op))
    return transfer.getDestination();
  return kHostSpace;
}

static constexpr llvm::StringLiteral kPlacesAttr = "places"; // of all three ops

PlaceAttr tenon::plan::placeOf(OpResult result) {
  auto places = result.getOwner()->getAttrOfType<ArrayAttr>(kPlacesAttr);
  return places ? cast<PlaceAttr>(places[result.getResultNumber()]) : PlaceAttr();
}

void tenon::plan::setPlaces(Operation *op, ArrayRef<Attribute> places) {
  op->setAttr(kPlacesAttr, ArrayAttr::get(op->getContext(), places));
}

std::string tenon::plan::nameOf(Operation *op) {
  if (auto kernel = dyn_cast<KernelOp>(op))
    return ("kernel " + kernel.getName()).str();
  if (auto submit = dyn_cast<SubmitOp>(op))
    return ("submit " + submit.getRegion()).str();
  return op->getName().stripDialect().str();
}

static LogicalResult verifyPlaces(Operation *op, std::optional<ArrayAttr> places) {
  if (places && places->size() != op->getNumResults())
    return op->emitOpError("has ") << places->size() << " places for " << op->getNumResults() << " results";
  if (places && !llvm::all_of(*places, llvm::IsaPred<PlaceAttr>))
    return op->emitOpError("has a place that is no #plan.place");
  return success();
}

LogicalResult SubmitOp::verify() {
  if (getDevice().empty() || getDevice() == kHostSpace)
    return emitOpError("names \"") << getDevice() << "\" as its device, expected one beside the host";
  for (Value input : getInputs())
    if (Operation *op = source(input).getDefiningOp(); !op || !writesBuffers(op) || spaceOf(op) != getDevice())
      return emitOpError("has an operand that is not in the memory of \"") << getDevice() << "\"; transfer it";
  return verifyPlaces(*this, getPlaces());
}

LogicalResult TransferOp::verify() {
  if (getSource() == getDestination() || (getSource() != kHostSpace && getDestination() != kHostSpace))
    return emitOpError("copies from \"") << getSource() << "\" to \"" << getDestination()
                                         << "\", expected \"host\" and another space";
  Operation *op = source(getX()).getDefiningOp();
  StringRef space = op && writesBuffers(op) ? spaceOf(op) : StringRef(kHostSpace);
  if (space != getSource())
    return emitOpError("copies from \"") << getSource() << "\" what is in \"" << space << "\"";
  return verifyPlaces(*this, getPlaces());
}

LogicalResult SubmitOp::verifySymbolUses(SymbolTableCollection &) { return verifyDevice(*this, getDevice()); }

LogicalResult TransferOp::verifySymbolUses(SymbolTableCollection &) {
  return verifyDevice(*this, getSource() == kHostSpace ? getDestination() : getSource());
}

LogicalResult AwaitOp::verify() {
  auto transfer = getX().getDefiningOp<TransferOp>();
  if (!transfer || transfer.getDestination() != kHostSpace)
    return emitOpError("waits for what is no transfer to the host");
  return success();
}

LogicalResult KernelOp::verify() {
  Block &block = getBody().front();
  if (block.getArgumentTypes() != TypeRange(getInputs()))
    return emitOpError("has operand types that differ from its block arguments'");
  auto yield = cast<YieldOp>(block.getTerminator());
  if (TypeRange(yield.getValues()) != getResultTypes())
    return emitOpError("has result types that differ from its yield's operand types");
  if (getArgShapes() && getArgShapes()->size() != getInputs().size())
    return emitOpError("has ") << getArgShapes()->size() << " arg_shapes for " << getInputs().size() << " operands";
  if (getArgShapes() && !llvm::all_of(*getArgShapes(), llvm::IsaPred<AffineMapAttr>))
    return emitOpError("has an arg_shape that is no map");
  if (getPacked() && getPacked()->size() != getInputs().size())
    return emitOpError("has ") << getPacked()->size() << " packed layouts for " << getInputs().size() << " operands";
  if (failed(verifyPlaces(*this, getPlaces())))
    return failure();
  if (getRoot() != "elementwise" && !getRootOp())
    return emitOpError("names root \"") << getRoot() << "\", which none of its ops is";
  return success();
}

LogicalResult ViewOp::verify() {
  RankedTensorType x = getX().getType(), result = getResult().getType();
  if (x.getElementType() != result.getElementType())
    return emitOpError("has element types ") << x.getElementType() << " and " << result.getElementType();
  if (x.hasStaticShape() && result.hasStaticShape() && x.getNumElements() != result.getNumElements())
    return emitOpError("views ") << x.getNumElements() << " elements as " << result.getNumElements();
  return success();
}

Operation *KernelOp::getRootOp() {
  for (Operation &op : getBody().front())
    if (op.getName().stripDialect() == getRoot())
      return &op;
  return nullptr;
}
