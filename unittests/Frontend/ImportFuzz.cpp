// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Imports damaged models: truncated, with flipped bits, with changed bytes.
// Every import must return, and say why with a code if it refuses.
//
//   tenon-import-fuzz COUNT MODEL.onnx...
#include "mlir/IR/MLIRContext.h"
#include "tenon/Frontend/ONNX/Import.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"
#include <cstdlib>

using namespace mlir;

namespace {
/// A fixed sequence, so that a failure can be repeated.
struct Random {
  uint64_t state = 0x9e3779b97f4a7c15u;
  uint64_t next() {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
  }
  uint64_t below(uint64_t limit) { return next() % limit; }
};

/// Half of the changes go to where there is more structure than weights.
size_t place(Random &random, llvm::StringRef bytes) {
  return random.below(2) ? random.below(bytes.size())
                         : bytes.size() - 1 - random.below(std::min<size_t>(bytes.size(), 4096));
}

std::string damage(llvm::StringRef bytes, Random &random) {
  std::string text = bytes.str();
  switch (random.below(4)) {
  case 0:
    text.resize(place(random, bytes));
    break;
  case 1:
    for (int i = 0, count = 1 + random.below(8); i < count; ++i)
      text[place(random, bytes)] ^= static_cast<char>(1u << random.below(8));
    break;
  case 2:
    for (int i = 0, count = 1 + random.below(4); i < count; ++i)
      text[place(random, bytes)] = static_cast<char>(random.next());
    break;
  default: {
    size_t from = place(random, bytes), to = place(random, bytes);
    size_t length = std::min<size_t>(1 + random.below(64), text.size() - std::max(from, to));
    text.replace(to, length, bytes.substr(from, length).str());
    break;
  }
  }
  return text;
}
} // namespace

int main(int argc, char **argv) {
  if (argc < 3) {
    llvm::errs() << "usage: tenon-import-fuzz COUNT MODEL.onnx...\n";
    return 2;
  }
  Random random;
  unsigned long count = std::strtoul(argv[1], nullptr, 10), accepted = 0, refused = 0, uncoded = 0;
  for (int i = 2; i < argc; ++i) {
    auto buffer = llvm::MemoryBuffer::getFile(argv[i]);
    if (!buffer) {
      llvm::errs() << argv[i] << ": cannot be opened\n";
      return 2;
    }
    for (unsigned long n = 0; n < count; ++n) {
      MLIRContext context(MLIRContext::Threading::DISABLED);
      bool coded = false;
      context.getDiagEngine().registerHandler(
          [&](Diagnostic &diagnostic) { coded |= llvm::StringRef(diagnostic.str()).starts_with("[TN1"); });
      std::string bytes = damage((*buffer)->getBuffer(), random);
      tenon::OnnxImportOptions options;
      if (n % 2)
        options.hasHandler = [](llvm::StringRef, llvm::StringRef, int64_t) { return false; };
      if (std::getenv("TENON_FUZZ_TRACE")) {
        llvm::errs() << argv[i] << " " << n << "\n";
        std::error_code error;
        llvm::raw_fd_ostream("/tmp/tenon-fuzz-last.onnx", error) << bytes;
      }
      if (tenon::importOnnxBytes(context, bytes, "", options)) {
        ++accepted;
      } else {
        ++refused;
        uncoded += !coded;
      }
    }
  }
  llvm::outs() << accepted << " accepted, " << refused << " refused, " << uncoded
               << " refused without a code\n";
  return uncoded ? 1 : 0;
}
