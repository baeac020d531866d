// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Errors: a code and a text, allocated together. Names in texts come from files
// that anyone may have written: what would steer a terminal or forge a line of a
// log is escaped here, and only here.
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
static tenon_status noMemory = {TENON_OUT_OF_MEMORY, "[TN7008] no memory left, not even for the error's text"};

namespace tenon::rt {

namespace {

constexpr size_t kMostName = 512; // bytes of a name that a text shows
constexpr size_t kMostText = 4096;

/// A text that is put together; what does not fit is left out.
struct Text {
  char bytes[kMostText];
  size_t length = 0;

  void put(const char *from, size_t count) {
    size_t room = sizeof bytes - 1 - length;
    count = count < room ? count : room;
    memcpy(bytes + length, from, count);
    length += count;
  }
};

/// Bytes of the UTF-8 character at `at`, of which `left` bytes are there; 0 for
/// what is none, and for characters that are not shown but obeyed: controls, and
/// those that break lines or turn the direction of text.
size_t shownCharacter(const uint8_t *at, size_t left) {
  if (at[0] < 0x80)
    return at[0] >= 0x20 && at[0] != 0x7f;
  size_t count = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
  if (at[0] < 0xc2 || at[0] > 0xf4 || left < count)
    return 0;
  uint32_t value = at[0] & (0x7f >> count);
  for (size_t i = 1; i < count; ++i) {
    if ((at[i] & 0xc0) != 0x80)
      return 0;
    value = value << 6 | (at[i] & 0x3f);
  }
  constexpr uint32_t kFirst[] = {0, 0, 0x80, 0x800, 0x10000};
  bool isNone = value < kFirst[count] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000);
  bool isObeyed = value < 0xa0 || value == 0x200e || value == 0x200f || (value >= 0x2028 && value <= 0x202e) ||
                  (value >= 0x2066 && value <= 0x2069);
  return isNone || isObeyed ? 0 : count;
}

void putEscaped(Text &text, const char *from, size_t count) {
  const auto *bytes = reinterpret_cast<const uint8_t *>(from);
  for (size_t i = 0; i < count;) {
    if (size_t shown = shownCharacter(bytes + i, count - i)) {
      text.put(from + i, shown);
      i += shown;
      continue;
    }
    char escape[8];
    const char *known = bytes[i] == '\n' ? "\\n" : bytes[i] == '\r' ? "\\r" : bytes[i] == '\t' ? "\\t" : nullptr;
    int size =
        known ? snprintf(escape, sizeof escape, "%s", known) : snprintf(escape, sizeof escape, "\\x%02x", bytes[i]);
    text.put(escape, size_t(size));
    ++i;
  }
}

/// A name from a file, cut in the middle if it is long: what tells names apart is
/// mostly at an end.
void putName(Text &text, const char *name) {
  if (!name)
    name = "?";
  size_t count = strlen(name);
  if (count <= kMostName)
    return putEscaped(text, name, count);
  auto isInside = [&](size_t at) { return (uint8_t(name[at]) & 0xc0) == 0x80; }; // of a character
  size_t head = kMostName * 5 / 8, tail = count - kMostName * 3 / 8;
  while (head > kMostName / 2 && isInside(head))
    --head;
  while (tail < count && isInside(tail))
    ++tail;
  putEscaped(text, name, head);
  text.put("...", 3);
  putEscaped(text, name + tail, count - tail);
}

/// As much of printf as the runtime's texts use: %s, and numbers of any length.
void print(Text &text, const char *format, va_list arguments) {
  for (const char *at = format; *at; ++at) {
    if (*at != '%') {
      text.put(at, 1);
      continue;
    }
    bool isSize = at[1] == 'z', isLong = at[1] == 'l' && at[2] == 'l';
    at += 1 + isSize + 2 * isLong;
    char number[24];
    switch (*at) {
    case 's': putName(text, va_arg(arguments, const char *)); continue;
    case 'd':
      snprintf(number, sizeof number, "%lld", isLong ? va_arg(arguments, long long) : va_arg(arguments, int));
      break;
    case 'u':
      snprintf(number, sizeof number, "%llu",
               isLong   ? va_arg(arguments, unsigned long long)
               : isSize ? va_arg(arguments, size_t)
                        : va_arg(arguments, unsigned));
      break;
    case '%': snprintf(number, sizeof number, "%%"); break;
    default: // the runtime has no such text
      text.put(at, strlen(at));
      return;
    }
    text.put(number, strlen(number));
  }
}

} // namespace

tenon_status *fail(tenon_code code, const char *format, ...) {
  Text text;
  char prefix[16];
  text.put(prefix, size_t(snprintf(prefix, sizeof prefix, "[TN%d] ", int(code))));
  va_list arguments;
  va_start(arguments, format);
  print(text, format, arguments);
  va_end(arguments);
  auto *status = static_cast<tenon_status *>(malloc(sizeof(tenon_status) + text.length));
  if (!status)
    return &noMemory;
  status->code = code;
  text.bytes[text.length] = 0;
  memcpy(status->text, text.bytes, text.length + 1);
  return status;
}

} // namespace tenon::rt

TENON_API tenon_status *tenon_status_create(tenon_code code, const char *text) {
  bool isError = code >= TENON_INVALID_ARGUMENT && code < 8000;
  return tenon::rt::fail(isError ? code : TENON_DEVICE, "%s", text);
}

TENON_API tenon_code tenon_status_code(const tenon_status *status) { return status ? status->code : TENON_OK; }

TENON_API const char *tenon_status_text(const tenon_status *status) { return status ? status->text : "ok"; }

TENON_API void tenon_status_free(tenon_status *status) {
  if (status != &noMemory)
    free(status);
}
