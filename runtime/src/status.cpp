// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Errors: a code and a text, allocated together.
#include "internal.h"

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

struct tenon_status {
  tenon_code code;
  char text[80];
};

/// For when there is no memory left to say so; never freed.
static tenon_status noMemory = {TENON_OUT_OF_MEMORY,
                                "[TN7008] no memory left, not even for the error's text"};

namespace tenon::rt {

tenon_status *fail(tenon_code code, const char *format, ...) {
  char text[2048];
  va_list arguments;
  va_start(arguments, format);
  int prefix = snprintf(text, sizeof text, "[TN%d] ", int(code));
  vsnprintf(text + prefix, sizeof text - prefix, format, arguments);
  va_end(arguments);
  size_t length = strlen(text);
  auto *status = static_cast<tenon_status *>(malloc(sizeof(tenon_status) + length));
  if (!status)
    return &noMemory;
  status->code = code;
  memcpy(status->text, text, length + 1);
  return status;
}

} // namespace tenon::rt

TENON_API tenon_code tenon_status_code(const tenon_status *status) {
  return status ? status->code : TENON_OK;
}

TENON_API const char *tenon_status_text(const tenon_status *status) { return status ? status->text : "ok"; }

TENON_API void tenon_status_free(tenon_status *status) {
  if (status != &noMemory)
    free(status);
}
