// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The graph ops state these attributes in full, so ONNX's defaults, whose length is the number of spatial
// dimensions, are written out here. An empty list counts as a missing one. An auto_pad other than NOTSET
// replaces pads, which become zeros.
#include "Spatial.h"

using namespace tenon::onnxtograph;
using tenon::graph::AutoPad;

static Ints readInts(NodeContext &c, StringRef name, int64_t length, int64_t otherwise) {
  Ints values = c.ints(name).value_or(Ints());
  if (values.empty()) // some exporters write what they have no values for
    values.assign(length, otherwise);
  if (int64_t(values.size()) != length) {
    (void)c.error(Problem::range, "attribute " + name + " has " + llvm::Twine(values.size()) + " values, expected " +
                                      llvm::Twine(length));
    values.resize(length, otherwise);
  }
  return values;
}

Spatial Spatial::read(NodeContext &c, int64_t count) {
  Spatial result;
  if (count < 1 || count > 3) {
    (void)c.error(Problem::unsupported, "input has rank " + llvm::Twine(count + 2) + ", expected 3 to 5");
    return result;
  }
  result.strides = readInts(c, "strides", count, 1);
  result.dilations = readInts(c, "dilations", count, 1);
  result.pads = readInts(c, "pads", 2 * count, 0);
  StringRef mode = c.text("auto_pad", "NOTSET");
  if (mode == "SAME_UPPER")
    result.autoPad = AutoPad::same_upper;
  else if (mode == "SAME_LOWER")
    result.autoPad = AutoPad::same_lower;
  else if (mode == "VALID")
    result.autoPad = AutoPad::valid;
  else if (mode != "NOTSET" && !mode.empty())
    (void)c.error(Problem::unsupported,
                  "attribute auto_pad = " + mode + ", expected NOTSET, SAME_UPPER, SAME_LOWER or VALID");
  if (result.autoPad != AutoPad::notset)
    result.pads.assign(2 * count, 0);
  for (ArrayRef<int64_t> positive : {ArrayRef(result.strides), ArrayRef(result.dilations)})
    if (llvm::any_of(positive, [](int64_t value) { return value < 1; }))
      (void)c.error(Problem::range, "attributes strides and dilations must be positive");
  return result;
}
