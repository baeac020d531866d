// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Manifests that describe more than they hold.
#ifndef TENON_RUNTIME_SHARING_H
#define TENON_RUNTIME_SHARING_H

#include "manifest_generated.h"

namespace tenon::rt {

/// Whether the lists of a manifest that nobody has verified have no more entries
/// than its bytes have room for: so long does verifying it take at most.
bool hasBoundedLists(const uint8_t *bytes, size_t size);
/// Whether all texts and shapes of a verified manifest, each counted as often as
/// it is referred to, have room in its `size` bytes.
bool hasBoundedTexts(const schema::Manifest &manifest, size_t size);

} // namespace tenon::rt

#endif // TENON_RUNTIME_SHARING_H
