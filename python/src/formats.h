// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TENON_PYTHON_FORMATS_H
#define TENON_PYTHON_FORMATS_H

#include <nanobind/nanobind.h>

namespace tenon::python {
/// Adds the classes Format and FormatRegistry to a module.
void defineFormats(nanobind::module_ &m);
} // namespace tenon::python

#endif // TENON_PYTHON_FORMATS_H
