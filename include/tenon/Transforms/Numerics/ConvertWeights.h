// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Weights of an ONNX model into number formats, and the report of what that did
// to each layer. The function behind onnx-convert-weights and `tenon convert`.
#ifndef TENON_TRANSFORMS_NUMERICS_CONVERTWEIGHTS_H
#define TENON_TRANSFORMS_NUMERICS_CONVERTWEIGHTS_H

#include "mlir/IR/BuiltinOps.h"
#include "tenon/Numerics/Calibrator.h"
#include "llvm/Support/JSON.h"
#include <map>

namespace tenon::numerics {

/// What was chosen for one operand on calibration data, and what it costs there.
struct CalibratedActivation {
  FixedConversion conversion;
  Quality quality;
  std::optional<std::string> kept; ///< why the operand stays as it is
};
/// By the node's name and the operand's number.
using ActivationCalibration = std::map<std::pair<std::string, unsigned>, CalibratedActivation>;

struct ConvertOptions {
  struct Layer {
    std::string pattern;          ///< matches whole names of ONNX nodes
    std::optional<Recipe> recipe; ///< none: leave as it is
  };
  std::optional<Recipe> weights; ///< of layers that no pattern names
  std::vector<Layer> layers;     ///< the first that matches decides
  std::optional<Recipe> activations;
  std::optional<ActivationCalibration> calibration; ///< none: scales of activations are chosen by each run
  uint64_t seed = 0;

  /// The recipe of a layer's weights (null: they stay as they are), and the
  /// number of the rule of `layers` that says so.
  std::pair<const Recipe *, std::optional<unsigned>> recipeOf(llvm::StringRef node) const;

  /// From the driver's and the pass's texts. An error names the text at fault.
  /// What only data can choose is refused unless there will be a calibration.
  static llvm::Expected<ConvertOptions> parse(llvm::StringRef weights, llvm::ArrayRef<std::string> layers,
                                              llvm::StringRef activations, const FormatRegistry &formats,
                                              bool calibrated = false);
};

/// What became of one weight, or of a calibrated activation.
struct LayerReport {
  std::string node, op, weight; ///< ONNX names; weight: the initializer
  std::string activation;       ///< where it comes from; empty for weights
  std::string recipe;           ///< as asked for, "i4:block32"
  std::string format;           ///< as chosen, "cFP8E4M3_b11"
  unsigned input = 0;           ///< operand number
  std::vector<int64_t> shape;
  uint64_t bytes = 0, bytesBefore = 0;       ///< codes (packed), scales and zero points; before
  float smallestScale = 0, largestScale = 0; ///< 0 without scales
  std::optional<unsigned> zeroPoint;         ///< of an activation
  Quality quality;
  std::optional<std::string> kept; ///< why the layer was left as it is
  std::optional<std::string> note; ///< what the recipe could not be followed in
};

/// A converted operand, for writing it back to the ONNX file.
struct WeightChange {
  std::string node; ///< name of the consumer
  unsigned input;
  std::string weight;
  std::vector<int64_t> shape;
  std::vector<int64_t> codesShape; ///< that of the codes, if they are reshaped after they are dequantized
  Quantized quantized;
};

struct ActivationChange {
  std::string node; ///< name of the consumer
  unsigned input;
  int element; ///< ONNX's number of the operand's type
  FixedConversion conversion;
};
struct ModelChanges {
  std::vector<WeightChange> weights;
  std::vector<ActivationChange> activations;
};

struct ConversionReport {
  std::vector<LayerReport> layers; ///< worst SQNR first, those that were kept last
  std::string text() const;
  llvm::json::Object toJson() const;
};

/// Converts in place. `changes` receives what an ONNX file needs if it is not null
/// (the memory of the new weights is needed twice then). Fails, after diagnostics, if a pattern
/// matches no layer or a weight is not finite.
mlir::LogicalResult convertWeights(mlir::ModuleOp imported, const ConvertOptions &options, ConversionReport &report,
                                   ModelChanges *changes = nullptr);

} // namespace tenon::numerics

#endif // TENON_TRANSFORMS_NUMERICS_CONVERTWEIGHTS_H
