// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Number formats as Python objects: declarations, and conversion of arrays by
// the code that the compiler itself asks.
#include "formats.h"

#include "tenon/Numerics/FormatRegistry.h"
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

namespace nb = nanobind;
using namespace tenon::numerics;

namespace {

template <typename T>
using Array = nb::ndarray<T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
template <typename T>
using Result = nb::ndarray<nb::numpy, T, nb::ndim<1>>;

template <typename T, typename Fill>
Result<T> fresh(size_t count, Fill &&fill) {
  T *data = new T[count];
  nb::capsule owner(data, [](void *p) noexcept { delete[] static_cast<T *>(p); });
  {
    nb::gil_scoped_release release;
    for (size_t i = 0; i < count; ++i)
      data[i] = fill(i);
  }
  return Result<T>(data, {count}, owner);
}

const Format &single(const Format &format) {
  if (!format.isElement())
    throw nb::value_error(("[TN4102] '" + format.name().str() +
                           "' is no format of single values; bind its bias, or take its element format")
                              .c_str());
  return format;
}

Result<double> decode(const Format &format, Array<const uint32_t> codes) {
  single(format);
  return fresh<double>(codes.size(), [&](size_t i) { return format.decode(codes(i)); });
}

Result<uint32_t> encode(const Format &format, Array<const double> values, const std::string &rounding, bool saturate,
                        uint64_t seed) {
  single(format);
  std::optional<Rounding> known = parseRounding(rounding);
  if (!known)
    throw nb::value_error(
        ("rounding = '" + rounding +
         "', expected nearest_even, nearest_away, toward_zero, toward_positive, toward_negative or stochastic")
            .c_str());
  Encoding how{*known, saturate ? Overflow::Saturate : Overflow::NonFinite, seed, 0};
  return fresh<uint32_t>(values.size(), [&, how](size_t i) mutable {
    how.index = i;
    return uint32_t(format.encode(values(i), how));
  });
}

/// A vector's values as an array of its own.
template <typename T>
Result<T> copied(const std::vector<T> &values) {
  return fresh<T>(values.size(), [&](size_t i) { return values[i]; });
}

template <typename T>
T take(llvm::Expected<T> result) {
  if (!result)
    throw nb::value_error(llvm::toString(result.takeError()).c_str());
  return std::move(*result);
}

} // namespace

void tenon::python::defineFormats(nb::module_ &m) {
  nb::class_<Format>(m, "Format")
      .def_prop_ro("name", [](const Format &f) { return f.name().str(); })
      .def_prop_ro("summary", [](const Format &f) { return f.declaration().summary; })
      .def_prop_ro("kind", [](const Format &f) { return kindName(f.kind()).str(); })
      .def_prop_ro("declaration", &Format::text)
      .def_prop_ro("mlir", [](const Format &f) { return f.declaration().mlir; })
      .def_prop_ro("onnx_code", [](const Format &f) { return f.declaration().onnxCode; })
      .def_prop_ro("width", &Format::width)
      .def_prop_ro("needs_bias", &Format::needsBias)
      .def_prop_ro(
          "bias_range",
          [](const Format &f) { return nb::make_tuple(f.declaration().real.minBias, f.declaration().real.maxBias); })
      .def_prop_ro("largest", [](const Format &f) { return single(f).largest(); })
      .def_prop_ro("lowest", [](const Format &f) { return single(f).lowest(); })
      .def_prop_ro("smallest_positive", [](const Format &f) { return single(f).smallestPositive(); })
      .def_prop_ro("epsilon", [](const Format &f) { return single(f).epsilon(); })
      .def(
          "with_bias",
          [](const Format &f, int bias) {
            std::unique_ptr<Format> bound = f.isFloat() ? f.withBias(bias) : nullptr;
            if (!bound)
              throw nb::value_error(
                  ("[TN4101] '" + f.name().str() + "' has no bias " + std::to_string(bias) + " (rule F7)").c_str());
            return bound.release();
          },
          nb::arg("bias"), nb::rv_policy::take_ownership)
      .def(
          "pack",
          [](const Format &f, Array<const uint32_t> codes, uint64_t row) {
            return copied(single(f).pack({codes.data(), codes.size()}, row));
          },
          nb::arg("codes"), nb::arg("row_length"))
      .def(
          "unpack",
          [](const Format &f, Array<const uint8_t> bytes, uint64_t row) {
            return copied(single(f).unpack({bytes.data(), bytes.size()}, row));
          },
          nb::arg("bytes"), nb::arg("row_length"))
      .def("decode", &decode, nb::arg("codes"))
      .def("encode", &encode, nb::arg("values"), nb::arg("rounding"), nb::arg("saturate"), nb::arg("seed"));
  nb::class_<FormatRegistry>(m, "FormatRegistry")
      .def(nb::init<>())
      .def(
          "find", [](const FormatRegistry &r, const std::string &name) { return r.find(name); }, nb::arg("name"),
          nb::rv_policy::reference_internal)
      .def("names",
           [](const FormatRegistry &r) {
             std::vector<std::string> names;
             for (const std::unique_ptr<Format> &format : r.formats())
               names.push_back(format->name().str());
             return names;
           })
      .def(
          "load", [](FormatRegistry &r, nb::bytes path) { return take(r.load({path.c_str(), path.size()})); },
          nb::arg("path"), nb::rv_policy::reference_internal);
}
