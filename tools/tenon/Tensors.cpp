// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tensors outside of a session: made from a seed, read from and written to
// files, compared.
#include "Json.h"
#include "Session.h"

#include "mlir/IR/MLIRContext.h"
#include "tenon/Dialect/ONNX/IR/Onnx.h"
#include "tenon/Frontend/ONNX/TensorFile.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"
#include <random>

namespace tenon::driver {

size_t elementBytes(int32_t dtype) {
  switch (dtype) {
  case 2:
  case 3:
  case 9: return 1;
  case 4:
  case 5:
  case 10:
  case 16: return 2;
  case 1:
  case 6:
  case 12: return 4;
  case 7:
  case 11:
  case 13: return 8;
  default: return dtype >= 17 && dtype <= 28 ? 1 : 0; // an element below 8 bits takes a byte too
  }
}

const char *dtypeName(int32_t dtype) {
  static const char *const names[] = {
      "?",          "f32", "u8",  "i8",       "u16",       "i16",  "i32",  "i64",      "string",     "bool",
      "f16",        "f64", "u32", "u64",      "c64",       "c128", "bf16", "f8E4M3FN", "f8E4M3FNUZ", "f8E5M2",
      "f8E5M2FNUZ", "u4",  "i4",  "f4E2M1FN", "f8E8M0FNU", "u2",   "i2",   "f6E2M3FN", "f6E3M2FN"};
  return dtype >= 0 && dtype < int32_t(std::size(names)) ? names[dtype] : "?";
}

template <typename T>
static void put(std::string &bytes, T value) {
  bytes.append(reinterpret_cast<const char *>(&value), sizeof value);
}

/// The format of a float type; null for other types.
static const llvm::fltSemantics *floatFormat(int32_t dtype) {
  switch (dtype) {
  case 1: return &llvm::APFloat::IEEEsingle();
  case 10: return &llvm::APFloat::IEEEhalf();
  case 11: return &llvm::APFloat::IEEEdouble();
  case 16: return &llvm::APFloat::BFloat();
  case 17: return &llvm::APFloat::Float8E4M3FN();
  case 18: return &llvm::APFloat::Float8E4M3FNUZ();
  case 19: return &llvm::APFloat::Float8E5M2();
  case 20: return &llvm::APFloat::Float8E5M2FNUZ();
  case 23: return &llvm::APFloat::Float4E2M1FN();
  case 27: return &llvm::APFloat::Float6E2M3FN();
  case 28: return &llvm::APFloat::Float6E3M2FN();
  default: return nullptr;
  }
}

/// Bits that an element of an integer type may use.
static unsigned integerBits(int32_t dtype) {
  switch (dtype) {
  case 9: return 1;
  case 21:
  case 22: return 4;
  case 25:
  case 26: return 2;
  default: return 8 * elementBytes(dtype);
  }
}

static bool isSigned(int32_t dtype) { return llvm::is_contained({3, 5, 6, 7, 22, 26}, dtype); }

/// Rounds a number to a float type; false if it overflows.
static bool putFloat(std::string &bytes, int32_t dtype, double value) {
  llvm::APFloat number(value);
  bool lost;
  auto status = number.convert(*floatFormat(dtype), llvm::APFloat::rmNearestTiesToEven, &lost);
  uint64_t bits = number.bitcastToAPInt().getZExtValue();
  bytes.append(reinterpret_cast<const char *>(&bits), elementBytes(dtype));
  return !(status & llvm::APFloat::opOverflow);
}

std::optional<TensorFile> randomTensor(const tenon_tensor_info &info, uint64_t seed,
                                       const llvm::StringMap<int64_t> &dims) {
  TensorFile tensor;
  tensor.name = info.name;
  tensor.dtype = info.dtype;
  int64_t elements = 1;
  for (int32_t i = 0; i < info.rank; ++i) {
    auto it = dims.find(info.dim_names[i]);
    tensor.shape.push_back(info.dims[i] >= 0 ? info.dims[i] : it != dims.end() ? it->second : 1);
    if (__builtin_mul_overflow(elements, tensor.shape.back(), &elements))
      return std::nullopt;
  }
  constexpr int64_t kMostElements = int64_t(1) << 48;
  if (elements > kMostElements)
    return std::nullopt;
  tensor.bytes.reserve(elements * elementBytes(info.dtype)); // too much fails at once
  std::mt19937_64 engine(seed);
  std::normal_distribution<float> normal;
  for (int64_t i = 0; i < elements; ++i) {
    float value = normal(engine);
    if (info.dtype == 1) {
      put(tensor.bytes, value);
    } else if (floatFormat(info.dtype)) {
      putFloat(tensor.bytes, info.dtype, value);
    } else if (info.dtype == 9) {
      put(tensor.bytes, uint8_t(value > 0));
    } else { // integers: small and non-negative, so that they can be indices
      uint64_t small = engine() % (integerBits(info.dtype) > 2 ? 8 : 2);
      tensor.bytes.append(reinterpret_cast<const char *>(&small), elementBytes(info.dtype));
    }
  }
  return tensor;
}

static const std::pair<const char *, int32_t> kNumpyTypes[] = {{"<f4", 1},  {"|u1", 2},  {"|i1", 3},  {"<u2", 4},
                                                               {"<i2", 5},  {"<i4", 6},  {"<i8", 7},  {"|b1", 9},
                                                               {"<f2", 10}, {"<f8", 11}, {"<u4", 12}, {"<u8", 13}};

bool readTensor(llvm::StringRef path, TensorFile &tensor, std::string &error) {
  if (path.ends_with(".pb"))
    return readTensorFile(path, tensor, error);
  auto buffer = openInput(path, error);
  if (!buffer) {
    error = (path + " " + error).str();
    return false;
  }
  return parseNpy(buffer->getBuffer(), path, tensor, error);
}

bool parseNpy(llvm::StringRef bytes, const llvm::Twine &path, TensorFile &tensor, std::string &error) {
  auto bad = [&](const llvm::Twine &why) {
    error = (path + ": " + why).str();
    return false;
  };
  // https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
  if (bytes.size() < 12 || !bytes.starts_with("\x93NUMPY"))
    return bad("not a .npy file");
  bool wide = bytes[6] >= 2;
  size_t length = uint8_t(bytes[8]) | uint8_t(bytes[9]) << 8, start = wide ? 12 : 10;
  if (wide)
    length |= size_t(uint8_t(bytes[10])) << 16 | size_t(uint8_t(bytes[11])) << 24;
  if (length > bytes.size() - start)
    return bad("truncated header");
  llvm::StringRef header = bytes.substr(start, length);
  if (header.contains("'fortran_order': True"))
    return bad("Fortran order is not supported; save it with numpy.ascontiguousarray");
  llvm::StringRef descr = header.split("'descr': '").second.split("'").first;
  tensor.dtype = 0;
  for (auto [name, dtype] : kNumpyTypes)
    if (descr == name)
      tensor.dtype = dtype;
  if (!tensor.dtype)
    return bad("element type '" + descr +
               "' is not supported; expected little-endian float16 to float64, int8 to int64, uint8 to uint64 or bool");
  llvm::SmallVector<llvm::StringRef> parts;
  header.split("'shape': (").second.split(")").first.split(parts, ',', -1, false);
  tensor.shape.clear();
  size_t need = elementBytes(tensor.dtype);
  for (llvm::StringRef part : parts) {
    int64_t size;
    if (part.trim().empty())
      continue;
    if (part.trim().getAsInteger(10, size) || size < 0 || __builtin_mul_overflow(need, size_t(size), &need))
      return bad("malformed shape");
    tensor.shape.push_back(size);
  }
  tensor.bytes = bytes.substr(start + length).str();
  return tensor.bytes.size() == need || bad("data does not match the shape");
}

bool writeNpy(llvm::StringRef path, const TensorFile &tensor, std::string &error) {
  const char *descr = nullptr;
  for (auto [name, dtype] : kNumpyTypes)
    if (dtype == tensor.dtype)
      descr = name;
  if (!descr) {
    error = llvm::formatv("cannot write {0}: .npy files have no element type {1}; cast output '{2}' in the model", path,
                          dtypeName(tensor.dtype), tensor.name);
    return false;
  }
  std::string header = llvm::formatv("{{'descr': '{0}', 'fortran_order': False, 'shape': (", descr).str();
  for (int64_t size : tensor.shape)
    header += std::to_string(size) + ",";
  header += "), }";
  header.append(63 - (10 + header.size()) % 64, ' ');
  header += '\n';
  // All or nothing; but a device or a pipe would be replaced by renaming.
  bool inPlace = llvm::sys::fs::exists(path) && !llvm::sys::fs::is_regular_file(path);
  auto write = [&](llvm::raw_ostream &os) {
    os << llvm::StringRef("\x93NUMPY\x01\x00", 8) << char(header.size() & 255) << char(header.size() >> 8) << header
       << tensor.bytes;
  };
  std::error_code code;
  if (inPlace) {
    llvm::raw_fd_ostream os(path, code);
    if (!code) {
      write(os);
      os.close();
      code = os.error();
    }
    os.clear_error(); // reported here, not by the stream's destructor
  } else if (OutputFile file; !(code = file.open(path))) {
    write(file.os());
    code = file.commit();
  }
  if (code)
    error = ("cannot write " + path + ": " + code.message()).str();
  return !code;
}

/// An element from its text; false if the type cannot hold such a number.
static bool appendElement(llvm::StringRef text, int32_t dtype, std::string &bytes) {
  if (floatFormat(dtype)) {
    double real;
    return !text.getAsDouble(real) && putFloat(bytes, dtype, real);
  }
  int64_t whole;
  uint64_t bits;
  if (isSigned(dtype)) {
    if (text.getAsInteger(10, whole) || !llvm::isIntN(integerBits(dtype), whole))
      return false;
    bits = whole;
  } else if (text.getAsInteger(10, bits) || !llvm::isUIntN(integerBits(dtype), bits)) {
    return false;
  }
  bytes.append(reinterpret_cast<char *>(&bits), elementBytes(dtype));
  return true;
}

bool parseLiteral(llvm::StringRef text, TensorFile &tensor, std::string &error) {
  auto [typeText, valueText] = text.split('=');
  llvm::SmallVector<llvm::StringRef> parts;
  typeText.split(parts, 'x');
  int64_t elements = 1;
  for (llvm::StringRef part : llvm::ArrayRef(parts).drop_back()) {
    int64_t size;
    if (part.getAsInteger(10, size) || size < 0 || __builtin_mul_overflow(elements, size, &elements)) {
      error = ("'" + part + "' is not a dimension").str();
      return false;
    }
    tensor.shape.push_back(size);
  }
  for (int dtype = 1; *dtypeName(dtype) != '?'; ++dtype)
    if (parts.back() == dtypeName(dtype))
      tensor.dtype = dtype;
  if (!elementBytes(tensor.dtype)) {
    error =
        ("'" + parts.back() + "' is not an element type; expected f16, bf16, f32, f64, i8 to i64, u8 to u64 or bool")
            .str();
    return false;
  }
  constexpr int64_t kMostLiteral = int64_t(1) << 32;
  if (elements > kMostLiteral / int64_t(elementBytes(tensor.dtype))) {
    error = llvm::formatv("{0} elements are too many for a literal; give a file, NAME=@x.npy", elements).str();
    return false;
  }
  llvm::SmallVector<llvm::StringRef> values;
  llvm::SplitString(valueText, values, " ,");
  if (values.size() != 1 && int64_t(values.size()) != elements) {
    error = llvm::formatv("{0} values for {1} elements", values.size(), elements).str();
    return false;
  }
  for (int64_t i = 0; i < elements; ++i) {
    llvm::StringRef value = values[values.size() == 1 ? 0 : i];
    if (!appendElement(value, tensor.dtype, tensor.bytes)) {
      error = ("'" + value + "' is not a number of type " + parts.back()).str();
      return false;
    }
  }
  return true;
}

std::string typeText(const TensorFile &tensor) {
  std::string text;
  for (int64_t size : tensor.shape)
    text += std::to_string(size) + "x";
  return text + dtypeName(tensor.dtype);
}

std::optional<reference::Tensor> toReference(mlir::MLIRContext &context, const TensorFile &tensor) {
  mlir::Type element = tenon::onnxir::elementTypeOfCode(&context, tensor.dtype);
  if (!element || reference::elementBytes(element) == 0)
    return std::nullopt;
  return reference::Tensor::borrow(element, tensor.shape, llvm::ArrayRef(tensor.bytes.data(), tensor.bytes.size()));
}

bool reportComparison(const TensorFile &actual, const TensorFile &expected, const reference::Tolerance &tolerance,
                      llvm::json::Array *json) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  auto a = toReference(context, actual), e = toReference(context, expected);
  reference::Difference result;
  if (a && e)
    result = reference::compare(*a, *e, tolerance);
  else
    result.problem = std::string("has element type ") + dtypeName(actual.dtype) + ", which cannot be compared";
  if (json) {
    llvm::json::Object object{{"output", jsonText(actual.name)}, {"ok", result.ok()}};
    if (!result.problem.empty())
      object["problem"] = result.problem;
    else
      for (auto &[key, number] : {std::pair("largest_difference", result.absolute),
                                  {"wrong", double(result.wrong)},
                                  {"elements", double(result.elements)},
                                  {"atol", tolerance.absoluteFor(a->getElementType())},
                                  {"rtol", tolerance.relativeFor(a->getElementType())}})
        object[key] = jsonNumber(number);
    json->push_back(std::move(object));
    return result.ok();
  }
  llvm::outs() << (result.ok() ? "ok    " : "WRONG ") << escaped(actual.name) << ": ";
  if (!result.problem.empty())
    llvm::outs() << result.problem << "\n";
  else
    llvm::outs() << llvm::formatv("largest difference {0:E2}, {1} of {2} elements outside atol {3:E0}, rtol {4:E0}\n",
                                  result.absolute, result.wrong, result.elements,
                                  tolerance.absoluteFor(a->getElementType()),
                                  tolerance.relativeFor(a->getElementType()));
  return result.ok();
}

} // namespace tenon::driver
