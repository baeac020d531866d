// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Recipes as text: FORMAT[:OPTION...].
#include "tenon/Numerics/Quantizer.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/FormatVariadic.h"

namespace tenon::numerics {

namespace {

llvm::Error refuse(llvm::StringRef text, const llvm::Twine &problem) {
  return llvm::createStringError("[TN4105] '" + text + "': " + problem);
}

constexpr const char *kOptions = "expected none, tensor, channel, blockN, bias=N, max, percentile=P or mse";

std::optional<std::string> apply(Recipe &recipe, llvm::StringRef option) {
  if (option == "none")
    recipe.granularity = Granularity::None;
  else if (option == "tensor")
    recipe.granularity = Granularity::Tensor;
  else if (option == "channel")
    recipe.granularity = Granularity::Channel;
  else if (option == "max")
    recipe.calibration = Calibration::Max;
  else if (option == "mse")
    recipe.calibration = Calibration::Mse;
  else if (option.consume_front("block")) {
    recipe.granularity = Granularity::Block;
    if (option.getAsInteger(10, recipe.blockSize) || recipe.blockSize < 1)
      return "block needs a size, e.g. block32";
  } else if (option.consume_front("bias=")) {
    int bias;
    if (option.getAsInteger(10, bias))
      return "bias needs an integer, e.g. bias=7";
    recipe.bias = bias;
  } else if (option.consume_front("percentile=")) {
    recipe.calibration = Calibration::Percentile;
    if (option.getAsDouble(recipe.percentile) || !(recipe.percentile > 0 && recipe.percentile <= 100))
      return "percentile needs a number above 0, up to 100";
  } else {
    return kOptions;
  }
  return std::nullopt;
}

} // namespace

llvm::Expected<Recipe> Recipe::parse(llvm::StringRef text, const FormatRegistry &formats) {
  llvm::SmallVector<llvm::StringRef> parts;
  text.split(parts, ':');
  Recipe recipe;
  recipe.format = formats.find(parts[0]);
  if (!recipe.format)
    return llvm::createStringError("[TN4102] unknown number format '" + parts[0] + "'; known are " + formats.names() +
                                   "; --format-file loads others");
  FormatKind kind = recipe.format->kind();
  bool coarse = kind == FormatKind::Integer;
  recipe.granularity = coarse                         ? Granularity::Channel
                       : kind == FormatKind::Codebook ? Granularity::Block
                                                      : Granularity::None;
  if (kind == FormatKind::Codebook)
    recipe.blockSize = 64;
  if (kind == FormatKind::Block) {
    recipe.granularity = Granularity::Block;
    recipe.blockSize = recipe.format->declaration().block.size;
  }
  for (llvm::StringRef option : llvm::ArrayRef(parts).drop_front()) {
    bool scaling = option != "max" && option != "mse" && !option.starts_with("percentile=");
    if (scaling && (kind == FormatKind::Block || kind == FormatKind::Family))
      return refuse(text,
                    "'" + parts[0] + "' says itself how its values are scaled; '" + option + "' has no place there");
    if (std::optional<std::string> problem = apply(recipe, option))
      return refuse(text, "option '" + option + "': " + *problem);
  }
  if (recipe.bias && (!recipe.format->needsBias() || !recipe.format->withBias(*recipe.bias)))
    return refuse(text, recipe.format->needsBias()
                            ? llvm::formatv("bias must be from {0} to {1}", recipe.format->declaration().real.minBias,
                                            recipe.format->declaration().real.maxBias)
                                  .str()
                            : "the bias of '" + parts[0].str() + "' is fixed");
  if (recipe.format->needsBias() && recipe.granularity != Granularity::None && !recipe.bias)
    return refuse(text, "a format whose bias is chosen has no scale beside it; give bias=N to use one");
  if (recipe.granularity == Granularity::None && (coarse || kind == FormatKind::Codebook))
    return refuse(text, "integers and codebooks need a scale: tensor, channel or blockN");
  return recipe;
}

std::string Recipe::text() const {
  std::string out = format->name().str();
  if (format->kind() < FormatKind::Block) {
    if (granularity == Granularity::Tensor)
      out += ":tensor";
    else if (granularity == Granularity::Channel)
      out += ":channel";
    else if (granularity == Granularity::Block)
      out += ":block" + std::to_string(blockSize);
  }
  if (bias)
    out += ":bias=" + std::to_string(*bias);
  if (calibration == Calibration::Mse)
    out += ":mse";
  else if (calibration == Calibration::Percentile)
    out += llvm::formatv(":percentile={0}", percentile).str();
  return out;
}

} // namespace tenon::numerics
