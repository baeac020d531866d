// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The device as the compiler sees it: which operators it takes and why not others, which
// chips there are. A plugin: nothing of the compiler names it, and it uses what
// libtenon-compiler.so exports.
#include "Emit.h"
#include "Stream.h"
#include "mlir/IR/TypeUtilities.h"
#include "tenon/Dialect/Graph/IR/Graph.h"
#include "tenon/Interfaces/TargetPlugin.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace tenon;

namespace toy {
namespace {

constexpr llvm::StringLiteral kDevice = "toy";
constexpr char kSmallChip[] = {
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wc23-extensions"
#embed "small.yaml"
#pragma clang diagnostic pop
    , 0};

/// Offsets in instructions have 32 bits.
constexpr int64_t kMostElements = int64_t(UINT32_MAX) / 4;

std::string text(Type type) {
  std::string text;
  llvm::raw_string_ostream(text) << type;
  return text;
}

class Toy : public Target {
public:
  Toy(hw::Device chip, StringRef spec) : declaration(std::move(chip)), spelling(spec) {}

  StringRef spec() const override { return spelling; }
  const hw::Device &chip() const override { return declaration; }
  StringRef device() const override { return kDevice; }

  std::optional<Refusal> refusalOf(Operation *op) const override {
    if (isa<graph::ReshapeOp, graph::SqueezeOp, graph::UnsqueezeOp, graph::FlattenOp>(op))
      return std::nullopt; // views: no code
    auto matmul = dyn_cast<graph::MatMulOp>(op);
    auto binary = dyn_cast<graph::BinaryOp>(op);
    auto unary = dyn_cast<graph::UnaryOp>(op);
    if (!matmul && !(binary && binary.getKind() == graph::BinaryKind::add) &&
        !(unary && unary.getKind() == graph::UnaryKind::relu))
      return Refusal{"TN4225", "the device has instructions for the operator", nameOf(op),
                     "matmul, binary add, unary relu and views", ""};
    for (Value value : op->getOperands())
      if (auto refusal = refusalOfType(value, matmul ? "contraction" : "elementwise"))
        return refusal;
    for (ValueRange values : {ValueRange(op->getOperands()), ValueRange(op->getResults())})
      for (Value value : values)
        if (int64_t count = cast<RankedTensorType>(value.getType()).getNumElements();
            count < 1 || count > kMostElements)
          return Refusal{"TN4226", "the number of elements fits an instruction", text(value.getType()),
                         "1 to " + std::to_string(kMostElements), ""};
    if (matmul)
      return refusalOfMatMul(matmul);
    return binary ? refusalOfBroadcast(binary) : std::nullopt;
  }

  /// One op a kernel, and elementwise ops of one shape together.
  const FusionRules &fusionRules() const override { return rules; }

  std::vector<std::string> strategiesFor(StringRef root) const override {
    if (root == "matmul")
      return {"systolic"};
    return root == "elementwise" ? std::vector<std::string>{"rows"} : std::vector<std::string>();
  }

  /// The array reads weights as they are.
  LogicalResult packWeights(ModuleOp) const override { return success(); }

  FailureOr<GeneratedCode> generate(ModuleOp program, const GenerateOptions &options) const override {
    FailureOr<GeneratedCode> code = emit(program, sizesOf(declaration), options);
    if (succeeded(code))
      code->code.device = kDevice.str();
    return code;
  }

private:
  static std::string nameOf(Operation *op) {
    std::string name = op->getName().stripDialect().str();
    if (auto binary = dyn_cast<graph::BinaryOp>(op))
      name += " " + graph::stringifyBinaryKind(binary.getKind()).str();
    if (auto unary = dyn_cast<graph::UnaryOp>(op))
      name += " " + graph::stringifyUnaryKind(unary.getKind()).str();
    return name;
  }

  /// An operand has to be in one of the formats that the chip's declaration has.
  std::optional<Refusal> refusalOfType(Value value, StringRef kind) const {
    std::string found = num::nameOf(getElementTypeOrSelf(value.getType()));
    for (const auto &[declared, formats] : declaration.formats)
      if (declared == kind)
        return llvm::is_contained(formats, found)
                   ? std::nullopt
                   : std::optional(Refusal{"TN4224", "operands are in a format that the array has", found,
                                           llvm::join(formats, ", "), ""});
    return Refusal{"TN4224", "operands are in a format that the array has", found, "none", ""};
  }

  static std::optional<Refusal> refusalOfMatMul(graph::MatMulOp op) {
    auto lhs = cast<RankedTensorType>(op.getLhs().getType()), rhs = cast<RankedTensorType>(op.getRhs().getType());
    Type result = getElementTypeOrSelf(op.getResult().getType());
    if (lhs.getElementType() != rhs.getElementType() ||
        !(lhs.getElementType().isF32() ? result.isF32() : result.isInteger(32)))
      return Refusal{"TN4224", "both operands are in one format, and sums in f32 or i32",
                     num::nameOf(lhs.getElementType()) + " x " + num::nameOf(rhs.getElementType()) + " -> " +
                         num::nameOf(result),
                     "f32 x f32 -> f32, i8 x i8 -> i32", ""};
    for (RankedTensorType type : {lhs, rhs})
      if (type.getRank() != 2)
        return Refusal{"TN4226", "operands are matrices", text(type), "two dimensions",
                       "reshape the operand to two dimensions before the product"};
    if (op.getAccumulator() && !op.getAccumulator()->isF32())
      return Refusal{"TN4226", "sums are in f32", text(*op.getAccumulator()), "f32", ""};
    return std::nullopt;
  }

  static std::optional<Refusal> refusalOfBroadcast(graph::BinaryOp op) {
    auto result = cast<RankedTensorType>(op.getResult().getType());
    for (Value value : op.getOperands())
      if (auto type = cast<RankedTensorType>(value.getType()); !repeatsWhole(type.getShape(), result.getShape()))
        return Refusal{"TN4226", "an operand is broadcast as a whole", text(type) + " in " + text(result),
                       "the last dimensions of the result", ""};
    return std::nullopt;
  }

  hw::Device declaration;
  std::string spelling;
  FusionRules rules;
};

class Family : public TargetFamily {
public:
  Family() {
    std::vector<std::string> problems;
    small = hw::parseDevice(kSmallChip, "small.yaml", problems);
  }

  StringRef device() const override { return kDevice; }
  std::vector<std::string> specs() const override { return {(kDevice + ":" + small->name).str()}; }

  std::vector<std::string> check(const hw::Device &chip) const override {
    std::vector<std::string> problems;
    auto problem = [&](StringRef key, const Twine &found, const Twine &allowed) {
      problems.push_back(chip.where(key) + ": found " + found.str() + ", allowed " + allowed.str());
    };
    Sizes sizes = sizesOf(chip);
    if (sizes.scratchpad < 1 || sizes.scratchpad > kMostScratchpad)
      problem("memories", "a scratchpad of " + Twine(sizes.scratchpad) + " bytes",
              "are 1 to " + Twine(kMostScratchpad));
    if (sizes.rows < 1 || sizes.rows > 1024 || sizes.columns < 1 || sizes.columns > 1024)
      problem("limits", "array_rows " + Twine(sizes.rows) + " and array_columns " + Twine(sizes.columns),
              "are 1 to 1024");
    else if (int64_t least = 4 * (sizes.rows * sizes.columns + sizes.rows + sizes.columns); least > sizes.scratchpad)
      problem("memories", "a scratchpad of " + Twine(sizes.scratchpad) + " bytes",
              "for this array are " + Twine(least) + " and more");
    for (const auto &[kind, formats] : chip.formats)
      for (const std::string &format : formats)
        if (!(kind == "contraction" && (format == "f32" || format == "i8")) &&
            !(kind == "elementwise" && format == "f32"))
          problem("formats", kind + " in " + format, "are contraction in f32 and i8, elementwise in f32");
    return problems;
  }

  std::unique_ptr<Target> parse(StringRef spec, ArrayRef<hw::Device> loaded, std::string &error) const override {
    SmallVector<const hw::Device *> chips{&*small};
    for (const hw::Device &chip : loaded)
      if (chip.family == kDevice)
        chips.push_back(&chip);
    std::string known;
    for (const hw::Device *chip : chips) {
      if (spec == kDevice || spec == (kDevice + ":" + chip->name).str())
        return make(*chip, (kDevice + ":" + chip->name).str());
      known += ((known.empty() ? "" : " or ") + kDevice + ":" + chip->name).str();
    }
    error = ("[TN8010] --target=" + spec + ": unknown chip; expected " + known).str();
    return nullptr;
  }

  std::unique_ptr<Target> make(const hw::Device &chip, StringRef spec) const override {
    return std::make_unique<Toy>(chip, spec);
  }

private:
  std::optional<hw::Device> small;
};

} // namespace
} // namespace toy

extern "C" TargetPluginInfo tenonTargetPlugin() {
  return {kTargetPluginApi, TENON_VERSION,
          [](TargetRegistry &registry) { registry.add(std::make_unique<toy::Family>()); }};
}
