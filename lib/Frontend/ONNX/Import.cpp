// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The importer's entry points: bytes in, module out. ONNX's library and protobuf
// throw; nothing leaves this folder as an exception.
#include "tenon/Frontend/ONNX/Import.h"
#include "Model.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "onnx/defs/parser.h"
#include "tenon/Dialect/ONNX/IR/Onnx.h"
#include "llvm/Support/Path.h"
#include <sys/mman.h>

using namespace mlir;
using namespace tenon;
using namespace tenon::onnxfe;

namespace {
enum class Format { Binary, Text };

OwningOpRef<ModuleOp> importSteps(Model &model) {
  Problems &problems = model.problems;
  checkHeader(model);
  if (problems.any())
    return {};
  inlineLocalFunctions(model);
  if (problems.any())
    return {};
  chooseOverridable(model);
  if (problems.any())
    return {};
  checkStructure(model);
  checkNodes(model);
  if (!problems.any()) {
    forEachTensor(*model.proto.mutable_graph(),
                  [&](onnx::TensorProto &tensor) { model.reader.inlineShapeData(tensor); });
    if (model.options.inferShapes)
      inferTypes(model);
    checkTypes(model);
    if (!problems.any()) {
      expandFunctions(model);
      return emitModule(model);
    }
  }
  // Payload problems are independent of all others: look for them too.
  forEachTensor(*model.proto.mutable_graph(), [&](onnx::TensorProto &tensor) {
    model.reader.read(tensor, "tensor '" + tensor.name() + "'", tensor.name());
  });
  return {};
}

/// Payloads that lie misaligned in the file have been copied and need not stay
/// in memory twice; the others are read from the file again when needed.
/// (MemoryBuffer::dontNeedIfMmap asks posix_madvise, which glibc ignores.)
void releasePages(const llvm::MemoryBuffer &buffer) {
  if (buffer.getBufferKind() == llvm::MemoryBuffer::MemoryBuffer_MMap)
    ::madvise(const_cast<char *>(buffer.getBufferStart()), buffer.getBufferSize(), MADV_DONTNEED);
}

OwningOpRef<ModuleOp> importBuffer(MLIRContext &context, SharedBuffer buffer, llvm::StringRef file,
                                   llvm::StringRef folder, Format format, const OnnxImportOptions &options) {
  context.loadDialect<onnxir::OnnxDialect, func::FuncDialect>();
  Problems problems(&context, file);
  try {
    Source source;
    source.buffer = std::move(buffer);
    source.folder = folder.str();
    source.inputs = options.files;
    Model model(&context, source, options, problems);
    if (format == Format::Text) {
      onnx::OnnxParser parser(source.buffer->getBufferStart());
      auto status = parser.Parse(model.proto);
      if (!status.IsOK())
        problems.error(TextSyntax, status.ErrorMessage());
      else if (!parser.EndOfInput())
        problems.error(TextSyntax, "text follows the end of the model");
    } else if (source.buffer->getBufferSize() == 0) {
      problems.error(UnreadableFile, "the file is empty");
    } else if (!parseModel(source, model.proto)) {
      problems.error(UnreadableFile,
                     "the file is not an ONNX model, or is truncated or damaged (protobuf cannot parse it)");
    }
    if (problems.any())
      return {};
    OwningOpRef<ModuleOp> module = importSteps(model);
    releasePages(*source.buffer);
    return module;
  } catch (const std::exception &error) {
    problems.error(InternalFailure, llvm::Twine("ONNX's library failed on this model: ") + error.what());
  }
  return {};
}
} // namespace

OwningOpRef<ModuleOp> tenon::importOnnx(MLIRContext &context, llvm::StringRef path, const OnnxImportOptions &options) {
  bool isText = path.ends_with(".onnxtxt") || path.ends_with(".txt");
  Problems problems(&context, path);
  std::string why;
  SharedBuffer buffer = openInput(path, why, /*terminated=*/isText);
  if (!buffer) {
    problems.error(UnreadableFile, why);
    return {};
  }
  if (options.files)
    options.files->add(path, "the model");
  llvm::StringRef folder = llvm::sys::path::parent_path(path);
  return importBuffer(context, std::move(buffer), path, folder.empty() ? "." : folder,
                      isText ? Format::Text : Format::Binary, options);
}

OwningOpRef<ModuleOp> tenon::importOnnxBytes(MLIRContext &context, llvm::StringRef bytes, llvm::StringRef folder,
                                             const OnnxImportOptions &options) {
  return importBuffer(context, SharedBuffer(llvm::MemoryBuffer::getMemBufferCopy(bytes)), "model", folder,
                      Format::Binary, options);
}
