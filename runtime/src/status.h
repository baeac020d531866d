// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Errors, made in one place and passed up.
#ifndef TENON_RUNTIME_STATUS_H
#define TENON_RUNTIME_STATUS_H

#include "tenon/tenon.h"

namespace tenon::rt {

/// Makes an error with a printf-style text.
tenon_status *fail(tenon_code code, const char *format, ...) __attribute__((format(printf, 2, 3)));

} // namespace tenon::rt

#endif // TENON_RUNTIME_STATUS_H
