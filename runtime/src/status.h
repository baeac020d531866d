// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Errors, made in one place and passed up.
#ifndef TENON_RUNTIME_STATUS_H
#define TENON_RUNTIME_STATUS_H

#include "tenon/tenon.h"

namespace tenon::rt {

/// Makes an error with a printf-style text of %s, %d, %u, %lld, %llu and %zu. What
/// %s stands for is escaped, and cut in the middle where it is very long.
tenon_status *fail(tenon_code code, const char *format, ...) __attribute__((format(printf, 2, 3)));

} // namespace tenon::rt

#endif // TENON_RUNTIME_STATUS_H
