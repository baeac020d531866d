// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "internal.h"

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace tenon::rt {

tenon_status *fail(tenon_code code, const char *format, ...) {
  char text[1024];
  va_list arguments;
  va_start(arguments, format);
  int prefix = snprintf(text, sizeof text, "[TN%d] ", int(code));
  vsnprintf(text + prefix, sizeof text - prefix, format, arguments);
  va_end(arguments);
  size_t length = strlen(text);
  auto *status = static_cast<tenon_status *>(malloc(sizeof(tenon_status) + length));
  if (!status)
    abort(); // not even an error can be reported
  status->code = code;
  memcpy(status->text, text, length + 1);
  return status;
}

} // namespace tenon::rt

#pragma GCC visibility push(default)
extern "C" {
tenon_code tenon_status_code(const tenon_status *status) {
  return status ? status->code : TENON_OK;
}
const char *tenon_status_text(const tenon_status *status) {
  return status ? status->text : "ok";
}
void tenon_status_free(tenon_status *status) { free(status); }
}
#pragma GCC visibility pop
