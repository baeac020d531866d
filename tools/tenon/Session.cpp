// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Session.h"

#include "llvm/ADT/APFloat.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>
#include <random>

namespace tenon::driver {

Session::~Session() {
  tenon_session_free(session);
  tenon_model_free(model);
}

bool Session::check(tenon_status *status) {
  if (!status)
    return true;
  llvm::errs() << "error: " << tenon_status_text(status) << "\n";
  tenon_status_free(status);
  return false;
}

bool Session::load(llvm::StringRef path, int threads) {
  if (!check(tenon_model_load(path.str().c_str(), nullptr, &model)))
    return false;
  tenon_session_options options{sizeof(options), threads};
  bound.resize(inputs());
  return check(tenon_session_create(model, &options, &session));
}

bool Session::bind(int index, const TensorFile &tensor) {
  bound[index] = tensor;
  TensorFile &own = bound[index];
  tenon_tensor view{own.bytes.data(), own.dtype, int32_t(own.shape.size()), own.shape.data()};
  size_t bytes = elementBytes(own.dtype);
  for (int64_t size : own.shape)
    bytes *= size;
  if (bytes != own.bytes.size()) {
    llvm::errs() << "error: [TN8003] input '" << input(index).name << "' has " << own.bytes.size() << " bytes of data; its shape needs " << bytes << "\n";
    return false;
  }
  return check(tenon_session_bind_input(session, index, &view));
}

bool Session::run() { return check(tenon_session_run(session)); }

std::optional<TensorFile> Session::output(int index) {
  tenon_tensor view;
  if (!check(tenon_session_output(session, index, &view)))
    return std::nullopt;
  TensorFile tensor;
  tensor.name = outputInfo(index).name;
  tensor.dtype = view.dtype;
  tensor.shape.assign(view.shape, view.shape + view.rank);
  size_t bytes = elementBytes(view.dtype);
  for (int64_t size : tensor.shape)
    bytes *= size;
  tensor.bytes.assign(static_cast<const char *>(view.data), bytes);
  return tensor;
}

tenon_tensor_info Session::input(int index) const {
  tenon_tensor_info info{};
  info.size = sizeof info;
  tenon_status_free(tenon_model_input(model, index, &info));
  return info;
}
tenon_tensor_info Session::outputInfo(int index) const {
  tenon_tensor_info info{};
  info.size = sizeof info;
  tenon_status_free(tenon_model_output(model, index, &info));
  return info;
}

size_t elementBytes(int32_t dtype) {
  switch (dtype) {
  case 2: case 3: case 9: return 1;
  case 4: case 5: case 10: case 16: return 2;
  case 1: case 6: case 12: return 4;
  case 7: case 11: case 13: return 8;
  default: return 0;
  }
}

const char *dtypeName(int32_t dtype) {
  static const char *const names[] = {"?", "f32", "u8", "i8", "u16", "i16", "i32", "i64", "string", "bool", "f16", "f64", "u32", "u64", "c64", "c128", "bf16"};
  return dtype >= 0 && dtype <= 16 ? names[dtype] : "?";
}

template <typename T> static void put(std::string &bytes, T value) { bytes.append(reinterpret_cast<const char *>(&value), sizeof value); }

TensorFile randomTensor(const tenon_tensor_info &info, uint64_t seed, const llvm::StringMap<int64_t> &dims) {
  TensorFile tensor;
  tensor.name = info.name;
  tensor.dtype = info.dtype;
  int64_t elements = 1;
  for (int32_t i = 0; i < info.rank; ++i) {
    auto it = dims.find(info.dim_names[i]);
    tensor.shape.push_back(info.dims[i] >= 0 ? info.dims[i] : it != dims.end() ? it->second : 1);
    elements *= tensor.shape.back();
  }
  std::mt19937_64 engine(seed);
  std::normal_distribution<float> normal;
  for (int64_t i = 0; i < elements; ++i) {
    float value = normal(engine);
    switch (info.dtype) {
    case 1: put(tensor.bytes, value); break;
    case 11: put(tensor.bytes, double(value)); break;
    case 10: {
      llvm::APFloat half(value);
      bool lost;
      half.convert(llvm::APFloat::IEEEhalf(), llvm::APFloat::rmNearestTiesToEven, &lost);
      put(tensor.bytes, uint16_t(half.bitcastToAPInt().getZExtValue()));
      break;
    }
    case 9: put(tensor.bytes, uint8_t(value > 0)); break;
    default: { // integers: small and non-negative, so that they can be indices
      uint64_t small = engine() % 8;
      tensor.bytes.append(reinterpret_cast<const char *>(&small), elementBytes(info.dtype));
    }
    }
  }
  return tensor;
}

static const std::pair<const char *, int32_t> kNumpyTypes[] = {
    {"<f4", 1}, {"|u1", 2}, {"|i1", 3}, {"<u2", 4}, {"<i2", 5}, {"<i4", 6}, {"<i8", 7}, {"|b1", 9}, {"<f2", 10}, {"<f8", 11}, {"<u4", 12}, {"<u8", 13}};

bool readTensor(llvm::StringRef path, TensorFile &tensor, std::string &error) {
  if (path.ends_with(".pb"))
    return readTensorFile(path, tensor, error);
  auto buffer = llvm::MemoryBuffer::getFile(path);
  if (!buffer) {
    error = ("cannot read " + path + ": " + buffer.getError().message()).str();
    return false;
  }
  llvm::StringRef bytes = (*buffer)->getBuffer();
  auto bad = [&](const char *why) {
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
    return bad("element type is not supported");
  llvm::SmallVector<llvm::StringRef> parts;
  header.split("'shape': (").second.split(")").first.split(parts, ',', -1, false);
  tensor.shape.clear();
  size_t need = elementBytes(tensor.dtype);
  for (llvm::StringRef part : parts) {
    int64_t size;
    if (part.trim().empty())
      continue;
    if (part.trim().getAsInteger(10, size) || size < 0)
      return bad("malformed shape");
    tensor.shape.push_back(size);
    need *= size;
  }
  tensor.bytes = bytes.substr(start + length).str();
  return tensor.bytes.size() == need || bad("data does not match the shape");
}

bool writeNpy(llvm::StringRef path, const TensorFile &tensor, std::string &error) {
  const char *descr = "|u1";
  for (auto [name, dtype] : kNumpyTypes)
    if (dtype == tensor.dtype)
      descr = name;
  std::string header = llvm::formatv("{{'descr': '{0}', 'fortran_order': False, 'shape': (", descr).str();
  for (int64_t size : tensor.shape)
    header += std::to_string(size) + ",";
  header += "), }";
  header.append(63 - (10 + header.size()) % 64, ' ');
  header += '\n';
  std::error_code code;
  llvm::raw_fd_ostream os(path, code);
  if (code) {
    error = ("cannot write " + path + ": " + code.message()).str();
    return false;
  }
  os << llvm::StringRef("\x93NUMPY\x01\x00", 8) << char(header.size() & 255) << char(header.size() >> 8) << header << tensor.bytes;
  return true;
}

static double element(const TensorFile &tensor, size_t i) {
  const char *at = tensor.bytes.data() + i * elementBytes(tensor.dtype);
  auto get = [&](auto value) {
    memcpy(&value, at, sizeof value);
    return double(value);
  };
  switch (tensor.dtype) {
  case 1: return get(float());
  case 2: case 9: return get(uint8_t());
  case 3: return get(int8_t());
  case 4: return get(uint16_t());
  case 5: return get(int16_t());
  case 6: return get(int32_t());
  case 7: return get(int64_t());
  case 11: return get(double());
  case 12: return get(uint32_t());
  case 13: return get(uint64_t());
  case 10: case 16: {
    uint16_t bits;
    memcpy(&bits, at, 2);
    llvm::APFloat value(tensor.dtype == 10 ? llvm::APFloat::IEEEhalf() : llvm::APFloat::BFloat(), llvm::APInt(16, bits));
    return value.convertToDouble();
  }
  default: return 0;
  }
}

Comparison compare(const TensorFile &actual, const TensorFile &expected, double atol, double rtol) {
  Comparison result;
  if (actual.dtype != expected.dtype)
    result.problem = llvm::formatv("element type {0}, expected {1}", dtypeName(actual.dtype), dtypeName(expected.dtype)).str();
  else if (actual.shape != expected.shape || actual.bytes.size() != expected.bytes.size())
    result.problem = "shape differs from the expected one";
  if (!result.problem.empty())
    return result;
  size_t size = elementBytes(actual.dtype);
  result.elements = size ? actual.bytes.size() / size : 0;
  for (size_t i = 0; i < result.elements; ++i) {
    double a = element(actual, i), e = element(expected, i);
    if (a == e || (std::isnan(a) && std::isnan(e)))
      continue;
    double difference = std::abs(a - e);
    if (!(difference <= result.largest))
      result.largest = difference;
    if (!(difference <= atol + rtol * std::abs(e)))
      ++result.mismatches;
  }
  return result;
}

} // namespace tenon::driver
