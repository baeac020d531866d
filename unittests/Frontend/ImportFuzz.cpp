// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Compiles damaged models up to code generation: truncated, with flipped bits,
// with changed bytes. Every stage must return, and say why with a code if it
// refuses. Models are first cut at COUNT places from begin to end.
//
//   tenon-import-fuzz COUNT MODEL.onnx...
#include "mlir/IR/MLIRContext.h"
#include "tenon/Conversion/ONNXToGraph/Passes.h"
#include "tenon/Frontend/ONNX/Import.h"
#include "tenon/Pipelines/Compile.h"
#include "tenon/Pipelines/RegisterTargets.h"
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
  case 0: text.resize(place(random, bytes)); break;
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

struct Counts {
  unsigned long compiled = 0, refused = 0, uncoded = 0;
};

/// Imports the bytes and runs the stages up to kernels and their places.
void compile(const std::string &bytes, bool expand, Counts &counts) {
  DialectRegistry registry;
  tenon::registerTenonDialects(registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  context.loadAllAvailableDialects();
  bool coded = false;
  std::string said;
  context.getDiagEngine().registerHandler([&](Diagnostic &diagnostic) {
    said = diagnostic.str();
    coded |= llvm::StringRef(said).contains("[TN");
  });
  tenon::OnnxImportOptions options;
  options.hasHandler = [=](llvm::StringRef domain, llvm::StringRef type, int64_t since) {
    return !expand && tenon::onnxtograph::hasHandler(domain, type, since);
  };
  OwningOpRef<ModuleOp> module = tenon::importOnnxBytes(context, bytes, "", options);
  tenon::CompileResult result;
  tenon::Targets targets = tenon::findTargets(context, {""});
  if (module && succeeded(tenon::runStages(*module, tenon::Stage::Graph, tenon::Stage::Place, targets, {}, result))) {
    ++counts.compiled;
    return;
  }
  ++counts.refused;
  if (!coded) {
    ++counts.uncoded;
    llvm::errs() << "refused without a code: " << (said.empty() ? "nothing was said" : said) << "\n";
  }
}
} // namespace

int main(int argc, char **argv) {
  if (argc < 3) {
    llvm::errs() << "usage: tenon-import-fuzz COUNT MODEL.onnx...\n";
    return 2;
  }
  Random random;
  Counts counts;
  unsigned long count = std::strtoul(argv[1], nullptr, 10);
  for (int i = 2; i < argc; ++i) {
    auto buffer = llvm::MemoryBuffer::getFile(argv[i]);
    if (!buffer) {
      llvm::errs() << argv[i] << ": cannot be opened\n";
      return 2;
    }
    llvm::StringRef whole = (*buffer)->getBuffer();
    for (unsigned long n = 0; n < 2 * count; ++n) {
      std::string bytes = n < count ? whole.take_front(whole.size() * n / count).str() : damage(whole, random);
      if (std::getenv("TENON_FUZZ_TRACE")) {
        llvm::errs() << argv[i] << " " << n << "\n";
        std::error_code error;
        llvm::raw_fd_ostream("/tmp/tenon-fuzz-last.onnx", error) << bytes;
      }
      compile(bytes, n % 2, counts);
    }
  }
  llvm::outs() << counts.compiled << " compiled, " << counts.refused << " refused, " << counts.uncoded
               << " refused without a code\n";
  return counts.uncoded ? 1 : 0;
}
