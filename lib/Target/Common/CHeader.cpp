// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Names of models, inputs and outputs come from files: in comments they must not end the
// comment, and as identifiers they lose what C does not take. Two that are the same then,
// or that would meet a macro of another, get numbers.
#include "CHeader.h"

#include "tenon/Support/Message.h"
#include "tenon/tenon.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

namespace tenon {
namespace {

/// A name inside a comment.
std::string commented(llvm::StringRef name) {
  std::string text;
  for (char c : escaped(name)) {
    if (!text.empty() && ((text.back() == '*' && c == '/') || (text.back() == '/' && c == '*')))
      text += '\\';
    text += c;
  }
  return text;
}

struct ElementType {
  const char *name;
  int bytes;
};

/// Of ONNX's TensorProto.DataType, as the runtime holds it: a byte at least.
ElementType elementType(int32_t dtype) {
  static constexpr ElementType types[] = {
      {"undefined", 0},      {"float32", 4},  {"uint8", 1},        {"int8", 1},           {"uint16", 2},
      {"int16", 2},          {"int32", 4},    {"int64", 8},        {"string", 0},         {"bool", 1},
      {"float16", 2},        {"float64", 8},  {"uint32", 4},       {"uint64", 8},         {"complex64", 8},
      {"complex128", 16},    {"bfloat16", 2}, {"float8e4m3fn", 1}, {"float8e4m3fnuz", 1}, {"float8e5m2", 1},
      {"float8e5m2fnuz", 1}, {"uint4", 1},    {"int4", 1},         {"float4e2m1", 1}};
  return dtype >= 0 && size_t(dtype) < std::size(types) ? types[dtype] : ElementType{"of another type", 0};
}

class HeaderWriter {
public:
  HeaderWriter(const Artifact &artifact, const StaticLibraryNames &names)
      : artifact(artifact), names(names), os(text) {}

  std::string write() {
    writeIntroduction();
    os << "#ifndef TENON_STATIC_" << names.name << "_H\n#define TENON_STATIC_" << names.name << "_H\n\n"
       << "#include <tenon/tenon.h>\n\n"
       << "#ifdef __cplusplus\nextern \"C\" {\n#endif\nextern const tenon_static_model " << names.name
       << "_model;\n#ifdef __cplusplus\n}\n#endif\n";
    writeTensors("INPUT", "Inputs", artifact.inputs);
    writeTensors("OUTPUT", "Outputs", artifact.outputs);
    writeSymbols();
    os << "\n#endif /* TENON_STATIC_" << names.name << "_H */\n";
    return std::move(text);
  }

private:
  void writeIntroduction() {
    llvm::StringRef n = names.name, archive = llvm::sys::path::filename(names.archive);
    os << kHeaderStart << " from " << commented(artifact.model) << "\n * for " << commented(artifact.target)
       << ". Code and weights are in " << commented(archive) << "; nothing is loaded from a file.\n"
       << (artifact.modelHash.empty() ? "" : hashLine(artifact.modelHash)) << " *\n"
       << " *   cc program.c " << commented(archive) << " -ltenon-rt -pthread       (libtenon-rt.a or .so)\n *\n"
       << " *   tenon_model *model;\n *   tenon_session *session;\n"
       << " *   tenon_model_from_static(&" << n << "_model, NULL, &model);\n"
       << " *   tenon_session_create(model, NULL, &session);\n";
    if (!artifact.inputs.empty())
      os << " *   tenon_session_bind_input(session, " << n << "_INPUT_..., &tensor);\n";
    os << " *   tenon_session_run(session);\n *   tenon_session_output(session, " << n << "_OUTPUT_..., &result);\n *\n"
       << " * Each call returns a status that is NULL if it went well; tenon.h says more. Data is dense\n"
       << " * and row-major. A dimension of -1 varies at run time. */\n";
  }

  /// A macro's name that is free, and so is it with each suffix.
  std::string reserve(const std::string &base) {
    static constexpr const char *suffixes[] = {"", "_DTYPE", "_RANK", "_SHAPE", "_BYTES"};
    for (unsigned number = 1;; ++number) {
      std::string name = number == 1 ? base : base + "_" + std::to_string(number);
      if (llvm::any_of(suffixes, [&](const char *suffix) { return used.contains(name + suffix); }))
        continue;
      for (const char *suffix : suffixes)
        used.insert(name + suffix);
      return name;
    }
  }

  void writeTensors(llvm::StringRef kind, llvm::StringRef heading, const std::vector<ArtifactTensor> &tensors) {
    os << "\n/* " << heading << ", by their indices. */\n#define " << names.name << "_NUM_" << kind << "S "
       << tensors.size() << "\n";
    for (auto [i, tensor] : llvm::enumerate(tensors)) {
      std::string own = cIdentifier(tensor.name);
      std::string macro = reserve((names.name + "_" + kind + "_" + (own.empty() ? std::to_string(i) : own)).str());
      writeTensor(macro, i, tensor);
    }
  }

  void writeTensor(llvm::StringRef macro, size_t index, const ArtifactTensor &tensor) {
    ElementType type = elementType(tensor.dtype);
    os << "\n/* \"" << commented(tensor.name) << "\": " << type.name << " [";
    int64_t bytes = type.bytes;
    for (auto [i, dim] : llvm::enumerate(tensor.dims)) {
      auto [size, symbol] = dim;
      bool isOpen = size < 0 || symbol >= 0;
      os << (i ? ", " : "");
      if (!isOpen)
        os << size;
      else if (symbol >= 0)
        os << commented(artifact.symbols[symbol].name);
      else
        os << "?";
      bytes = isOpen || bytes <= 0 || (size && bytes > INT64_MAX / size) ? -1 : bytes * size;
    }
    os << "]" << (tensor.defaultOffset >= 0 ? "; has a default and need not be bound" : "") << " */\n";
    os << "#define " << macro << " " << index << "\n#define " << macro << "_DTYPE " << tensor.dtype << "\n#define "
       << macro << "_RANK " << tensor.dims.size() << "\n";
    if (!tensor.dims.empty()) { // C has no empty list
      os << "#define " << macro << "_SHAPE {";
      llvm::interleaveComma(tensor.dims, os, [&](auto dim) { os << (dim.second >= 0 ? -1 : dim.first); });
      os << "}\n";
    }
    if (bytes >= 0 && type.bytes)
      os << "#define " << macro << "_BYTES " << bytes << "\n";
  }

  void writeSymbols() {
    if (artifact.symbols.empty())
      return;
    os << "\n/* Dimensions that vary:\n";
    for (const ArtifactSymbol &symbol : artifact.symbols) {
      os << " *   " << commented(symbol.name) << ": from " << symbol.min;
      if (symbol.max != INT64_MAX)
        os << " to " << symbol.max;
      os << " on";
      if (symbol.divisor > 1)
        os << ", multiples of " << symbol.divisor;
      os << "\n";
    }
    os << " */\n";
  }

  const Artifact &artifact;
  const StaticLibraryNames &names;
  std::string text;
  llvm::raw_string_ostream os;
  llvm::StringSet<> used;
};

} // namespace

std::string hashLine(llvm::StringRef modelHash) { return (" * Hash of the model: " + modelHash + "\n").str(); }

std::string cIdentifier(llvm::StringRef name) {
  std::string identifier;
  for (char c : name)
    if (llvm::isAlnum(c))
      identifier += c;
    else if (!identifier.empty() && identifier.back() != '_')
      identifier += '_';
  while (!identifier.empty() && identifier.back() == '_')
    identifier.pop_back();
  return identifier;
}

std::string cHeader(const Artifact &artifact, const StaticLibraryNames &names) {
  return HeaderWriter(artifact, names).write();
}

} // namespace tenon
