// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The services that compiled code calls.
#ifndef TENON_RUNTIME_SERVICES_H
#define TENON_RUNTIME_SERVICES_H

#include "tenon/abi.h"

namespace tenon::rt {

/// The table that all code is given; what it hands back is an Invocation.
extern const tenon_host_api kHostApi;
/// tenon_host_api.fail: the manifest's table knows what a check is about.
int32_t failed(void *invocation, int32_t code, int64_t a, int64_t b);

} // namespace tenon::rt

#endif // TENON_RUNTIME_SERVICES_H
