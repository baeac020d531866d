// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A chip as data: what targets/*.yaml and files of --target-file say of it
// (docs/Rationale/devices.md has the meaning of every key).
#ifndef TENON_DIALECT_HW_IR_DEVICE_H
#define TENON_DIALECT_HW_IR_DEVICE_H

#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/raw_ostream.h"
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tenon::hw {

/// What computes: cores of a CPU, multiprocessors of a GPU, engines of an NPU.
struct Unit {
  std::string name;
  int64_t count = 1;
  int64_t clockMHz = 0;
  /// Multiplications and additions that one of them starts in a cycle, by number format.
  std::vector<std::pair<std::string, int64_t>> opsPerCycle;
};

struct Memory {
  std::string name;
  int64_t bytes = 0;     ///< 0: more than any model needs
  int64_t mbPerS = 0;    ///< read by all units together
  int64_t latencyNs = 0; ///< of a read that does not follow the one before
  int64_t alignment = 1; ///< bytes, of what a device reads from it
};

/// A way from one memory to another, or to another device's ("network").
struct Link {
  std::string from, to;
  int64_t mbPerS = 0;
  int64_t latencyNs = 0;
};

struct Device {
  std::string name;    ///< after the colon in --target
  std::string family;  ///< before it: whose target makes code for the chip
  std::string summary; ///< for people
  std::string triple;  ///< of LLVM; "" for devices that LLVM makes no code for
  std::vector<std::string> features;
  std::vector<Unit> units;
  std::vector<Memory> memories;
  std::vector<Link> links;
  /// Number formats that operands may be in, by kind of operator; "any" is every declared format.
  std::vector<std::pair<std::string, std::vector<std::string>>> formats;
  /// Millions of operations a second that one unit does in fact, by kind of work and number
  /// format; where there is none, estimates go by opsPerCycle.
  std::vector<std::pair<std::string, std::vector<std::pair<std::string, int64_t>>>> rates;
  int64_t kernelLaunchNs = 0, regionLaunchNs = 0;
  /// Numbers that the target's strategies ask for, e.g. vector_bits.
  std::vector<std::pair<std::string, int64_t>> limits;

  /// Where the declaration was read, and the lines of its keys ("limits.vector_bits");
  /// of none where code has made it.
  std::string file;
  llvm::StringMap<unsigned> lines;

  /// The memory that buffers lie in, and the next one to a link: the last. Null where none is declared.
  const Memory *bufferMemory() const { return memories.empty() ? nullptr : &memories.back(); }
  const Memory *memory(llvm::StringRef name) const;
  Memory *memory(llvm::StringRef name);
  std::optional<int64_t> limit(llvm::StringRef name) const;
  void setLimit(llvm::StringRef name, int64_t value);
  /// "FILE:LINE: KEY" of a key, or of what holds it: how problems of it begin.
  std::string where(llvm::StringRef key) const;
};

/// What a number of a declaration may be, both ends included.
struct Range {
  int64_t least, most;
  bool contains(int64_t number) const { return least <= number && number <= most; }
  /// "a whole number of 0 to 7"
  std::string text() const;
};
inline constexpr int64_t kMostOfAnything = int64_t(1) << 50;
inline constexpr Range kSmallCounts{1, 1 << 20}; ///< units, megahertz, alignments
inline constexpr Range kSpeeds{1, kMostOfAnything};
inline constexpr Range kAmounts{0, kMostOfAnything}; ///< bytes, nanoseconds, limits
/// Of chips, families, units, memories: letters, digits, '_', '-' and '.'.
bool isName(llvm::StringRef text);
/// What memories and links say that cannot hold together, a line each.
std::vector<std::string> contradictions(llvm::ArrayRef<llvm::StringRef> memories,
                                        llvm::ArrayRef<llvm::StringRef> endsOfLinks);

/// Kinds of operators that `formats` may speak of.
llvm::ArrayRef<llvm::StringLiteral> operatorKinds();
/// Kinds of work that `rates` may speak of: those of operators, and what has another speed
/// within one of them.
llvm::ArrayRef<llvm::StringLiteral> workKinds();

/// Reads a declaration. Problems come with `file`, line and column, the key, what was
/// found and what is allowed, each as one line of `problems`, all of them at once.
std::optional<Device> parseDevice(llvm::StringRef text, llvm::StringRef file, std::vector<std::string> &problems);
/// The declaration as text that parseDevice reads as the same device.
void print(const Device &device, llvm::raw_ostream &os);

/// A file of targets/, as the library holds it.
struct ShippedDevice {
  llvm::StringLiteral file, text; ///< "cpu-x86-64-v3.yaml" and what stands in it
};
llvm::ArrayRef<ShippedDevice> shippedDevices();

} // namespace tenon::hw

#endif // TENON_DIALECT_HW_IR_DEVICE_H
