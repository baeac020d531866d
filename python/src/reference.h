// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TENON_PYTHON_REFERENCE_H
#define TENON_PYTHON_REFERENCE_H

#include <nanobind/nanobind.h>

namespace tenon::python {
/// Adds the class Reference and the function operators to a module.
void defineReference(nanobind::module_ &m);
} // namespace tenon::python

#endif // TENON_PYTHON_REFERENCE_H
