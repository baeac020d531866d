// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The report of convertWeights as text and JSON.
#include "tenon/Transforms/Numerics/ConvertWeights.h"

#include "tenon/Support/Message.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include <cmath>

namespace tenon::numerics {

namespace {

double share(int64_t part, int64_t whole) { return whole ? double(part) / double(whole) : 0; }

std::string percent(double part) {
  if (part == 0)
    return "0";
  return part < 0.0001 ? "<0.01%" : llvm::formatv("{0:F2}%", 100 * part).str();
}

std::string number(double value) {
  if (!std::isfinite(value))
    return "exact";
  return llvm::formatv("{0:F1}", value);
}

std::string scales(const LayerReport &layer) {
  if (layer.largestScale == 0)
    return "-";
  auto text = [&](float value) {
    return llvm::formatv("{0:e2}", value).str() + (layer.zeroPoint ? " at " + std::to_string(*layer.zeroPoint) : "");
  };
  return layer.smallestScale == layer.largestScale ? text(layer.largestScale)
                                                   : text(layer.smallestScale) + ".." + text(layer.largestScale);
}

} // namespace

std::string ConversionReport::text() const {
  std::vector<std::vector<std::string>> rows{{"SQNR dB", "cosine", "max error", "saturated", "to zero", "bytes",
                                              "format", "scale", "node", "weight or activation"}};
  uint64_t before = 0, after = 0, activations = 0;
  for (const LayerReport &layer : layers) {
    bool isWeight = layer.activation.empty();
    std::string tensor = isWeight ? layer.weight : layer.activation;
    activations += !isWeight;
    before += layer.bytesBefore;
    after += layer.kept ? layer.bytesBefore : layer.bytes;
    if (layer.kept) {
      rows.push_back({"-", "-", "-", "-", "-", isWeight ? std::to_string(layer.bytesBefore) : "-", "kept", "-",
                      layer.node, tensor + " (" + *layer.kept + ")"});
      continue;
    }
    const Quality &q = layer.quality;
    rows.push_back({number(q.sqnr()), llvm::formatv("{0:F6}", q.cosine()), llvm::formatv("{0:e2}", q.largestError),
                    percent(share(q.saturated, q.count)), percent(share(q.underflowed, q.count)),
                    isWeight ? std::to_string(layer.bytes) : "-", layer.format, scales(layer), layer.node,
                    tensor + (layer.note ? " (" + *layer.note + ")" : "")});
  }
  for (auto &row : rows)
    for (std::string &cell : row)
      cell = escaped(cell);
  std::vector<size_t> widths(rows.front().size());
  for (const auto &row : rows)
    for (auto [i, cell] : llvm::enumerate(row))
      widths[i] = std::max(widths[i], cell.size());
  std::string out;
  for (const auto &row : rows) {
    for (auto [i, cell] : llvm::enumerate(row))
      out += i + 1 < row.size() ? cell + std::string(widths[i] - cell.size() + 2, ' ') : cell;
    out += "\n";
  }
  out += llvm::formatv("{0} weights, {1} bytes instead of {2}", layers.size() - activations, after, before);
  if (activations)
    out += llvm::formatv("; {0} activations, judged on the calibration data", activations);
  out += "\n";
  return out;
}

llvm::json::Object ConversionReport::toJson() const {
  llvm::json::Array array;
  for (const LayerReport &layer : layers) {
    bool isWeight = layer.activation.empty();
    llvm::json::Object object{{"node", layer.node}, {"operator", layer.op}, {"input", layer.input}};
    if (isWeight) {
      object["weight"] = layer.weight;
      object["shape"] = llvm::json::Array(layer.shape);
      object["bytes_before"] = layer.bytesBefore;
    } else {
      object["activation"] = layer.activation;
    }
    if (layer.kept) {
      object["kept"] = *layer.kept;
    } else {
      const Quality &q = layer.quality;
      object["recipe"] = layer.recipe;
      object["format"] = layer.format;
      if (isWeight)
        object["bytes"] = layer.bytes;
      else
        object["values"] = q.count;
      if (layer.zeroPoint)
        object["zero_point"] = *layer.zeroPoint;
      // JSON has no infinity: a weight without error has no SQNR.
      object["sqnr_db"] = std::isfinite(q.sqnr()) ? llvm::json::Value(q.sqnr()) : llvm::json::Value(nullptr);
      object["cosine"] = q.cosine();
      object["largest_error"] = q.largestError;
      object["mean_square_error"] = q.count ? q.noise / double(q.count) : 0;
      object["saturated"] = share(q.saturated, q.count);
      object["underflowed"] = share(q.underflowed, q.count);
      if (layer.note)
        object["note"] = *layer.note;
      if (layer.largestScale != 0)
        object["scale_range"] = llvm::json::Array{layer.smallestScale, layer.largestScale};
    }
    array.push_back(std::move(object));
  }
  return llvm::json::Object{{"layers", std::move(array)}};
}

} // namespace tenon::numerics
