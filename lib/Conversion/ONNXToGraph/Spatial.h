// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The attributes that convolutions and pooling windows share.
#ifndef TENON_LIB_CONVERSION_ONNXTOGRAPH_SPATIAL_H
#define TENON_LIB_CONVERSION_ONNXTOGRAPH_SPATIAL_H

#include "NodeContext.h"

namespace tenon::onnxtograph {

struct Spatial {
  Ints strides, dilations, pads;
  graph::AutoPad autoPad = graph::AutoPad::notset;

  /// Reads strides, dilations, pads and auto_pad for `count` spatial
  /// dimensions and checks their lengths.
  static Spatial read(NodeContext &c, int64_t count);
};

} // namespace tenon::onnxtograph

#endif // TENON_LIB_CONVERSION_ONNXTOGRAPH_SPATIAL_H
