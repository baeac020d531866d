// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The runtime's C ABI as Python classes. Thin on purpose: names, dtypes and
// shapes are handled in tenon/runtime.py; here are pointers, errors and the
// interpreter lock, which is free while a model runs.
#include "tenon/device.h"

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <cstring>
#include <dlfcn.h>

namespace nb = nanobind;

namespace {

/// Names come from files, and may not be UTF-8: what is not comes back as the
/// surrogates by which Python writes file names, and in messages escaped.
nb::str text(const char *bytes, const char *otherwise = "surrogateescape") {
  PyObject *decoded = PyUnicode_DecodeUTF8(bytes ? bytes : "", Py_ssize_t(bytes ? strlen(bytes) : 0), otherwise);
  if (!decoded)
    throw nb::python_error();
  return nb::steal<nb::str>(decoded);
}

/// Turns a failed status into the exception class that tenon.errors has for its code.
void check(tenon_status *status) {
  if (!status)
    return;
  int code = tenon_status_code(status);
  nb::str message = text(tenon_status_text(status), "backslashreplace");
  tenon_status_free(status);
  nb::object error = nb::module_::import_("tenon.errors").attr("from_runtime")(code, message);
  PyErr_SetObject(reinterpret_cast<PyObject *>(Py_TYPE(error.ptr())), error.ptr());
  throw nb::python_error();
}

struct Model {
  /// From a file of that name, or from the bytes themselves, which are kept.
  Model(nb::bytes source, bool isPath, bool checkWeights, const std::string &driver) : data(source) {
    tenon_load_options options{};
    options.size = sizeof(options);
    options.check_weights = checkWeights;
    options.driver = driver.empty() ? nullptr : driver.c_str();
    tenon_status *status;
    {
      nb::gil_scoped_release release;
      status = isPath ? tenon_model_load(data.c_str(), &options, &handle)
                      : tenon_model_load_buffer(data.data(), data.size(), &options, &handle);
    }
    check(status);
  }
  ~Model() { tenon_model_free(handle); }
  Model(const Model &) = delete;

  nb::bytes data;
  tenon_model *handle = nullptr;
};

/// (name, ONNX dtype, [dims], [dim names], has a default); a dim below 0 varies at run time.
nb::tuple describe(const tenon_tensor_info &info) {
  nb::list dims, names;
  for (int32_t d = 0; d < info.rank; ++d) {
    dims.append(info.dims[d]);
    names.append(text(info.dim_names ? info.dim_names[d] : nullptr));
  }
  return nb::make_tuple(text(info.name), info.dtype, dims, names, info.is_optional != 0);
}

nb::list describeAll(const Model &model, int count,
                     tenon_status *(*query)(const tenon_model *, int32_t, tenon_tensor_info *)) {
  nb::list all;
  for (int i = 0; i < count; ++i) {
    tenon_tensor_info info{};
    info.size = sizeof(info);
    check(query(model.handle, i, &info));
    all.append(describe(info));
  }
  return all;
}

using Input = nb::ndarray<nb::ro, nb::device::cpu, nb::c_contig>;
using Output = nb::ndarray<nb::device::cpu, nb::c_contig>;

struct Session {
  Session(nb::object owner, int threads, int guard) : owner(owner) {
    tenon_session_options options{};
    options.size = sizeof(options);
    options.threads = threads;
    options.guard = guard;
    check(tenon_session_create(nb::cast<Model &>(owner).handle, &options, &handle));
  }
  ~Session() { tenon_session_free(handle); }
  Session(const Session &) = delete;

  void bindInput(int index, const Input &array, int dtype, const std::vector<int64_t> &shape) {
    tenon_tensor tensor{};
    tensor.data = const_cast<void *>(array.data());
    tensor.dtype = dtype;
    tensor.rank = int32_t(shape.size());
    tensor.shape = shape.data();
    tensor.byte_size = array.nbytes();
    check(tenon_session_bind_input(handle, index, &tensor));
  }
  void bindDefault(int index) { check(tenon_session_bind_input(handle, index, nullptr)); }
  void bindOutput(int index, const Output &array) {
    check(tenon_session_bind_output(handle, index, array.data(), array.nbytes()));
  }

  void run() { released(tenon_session_run); }
  void start() { check(tenon_session_start(handle)); }
  void wait() { released(tenon_session_wait); }

  /// The shape an output will have for the inputs that are bound.
  nb::tuple outputShape(int index) {
    int32_t rank = 0;
    check(tenon_session_output_shape(handle, index, nullptr, &rank));
    std::vector<int64_t> shape(size_t(rank) + 1);
    check(tenon_session_output_shape(handle, index, shape.data(), &rank));
    nb::list dims;
    for (int32_t d = 0; d < rank; ++d)
      dims.append(shape[size_t(d)]);
    return nb::tuple(dims);
  }

  nb::object owner; // keeps the model
  tenon_session *handle = nullptr;

private:
  /// A call that takes long, without the interpreter lock.
  void released(tenon_status *(*call)(tenon_session *)) {
    tenon_status *status;
    {
      nb::gil_scoped_release release;
      status = call(handle);
    }
    check(status);
  }
};

/// Loads the driver of a device beside the host, which stays loaded. What keeps it from
/// being one is the result, "" if nothing does.
nb::str loadDriver(nb::bytes path) {
  dlerror(); // what an earlier call left
  void *library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  const char *why = library ? nullptr : dlerror();
  if (!library)
    return text((std::string("cannot be loaded: ") + (why ? why : "") + "; expected a shared library").c_str());
  auto entry = reinterpret_cast<tenon_driver_plugin_fn>(dlsym(library, TENON_DRIVER_PLUGIN));
  if (!entry) {
    dlclose(library);
    return text("found no function " TENON_DRIVER_PLUGIN "; expected a driver (tenon/device.h)");
  }
  const tenon_driver *driver = entry();
  if (!driver)
    return text("found no driver, expected one: it says that there can be no such device here");
  tenon_status *status = tenon_driver_register(driver);
  if (!status)
    return text("");
  nb::str problem = text(tenon_status_text(status), "backslashreplace");
  tenon_status_free(status);
  return problem;
}

} // namespace

NB_MODULE(_runtime, m) {
  m.attr("version") = tenon_version();
  m.def("load_driver", &loadDriver, nb::arg("path"));
  nb::class_<Model>(m, "Model")
      .def(nb::init<nb::bytes, bool, bool, const std::string &>(), nb::arg("source"), nb::arg("is_path"),
           nb::arg("check_weights"), nb::arg("driver"))
      .def("inputs", [](Model &m) { return describeAll(m, tenon_model_num_inputs(m.handle), tenon_model_input); })
      .def("outputs", [](Model &m) { return describeAll(m, tenon_model_num_outputs(m.handle), tenon_model_output); })
      .def("fixed_inputs",
           [](Model &m) {
             nb::list names;
             for (int i = 0; i < tenon_model_num_fixed_inputs(m.handle); ++i)
               names.append(text(tenon_model_fixed_input(m.handle, i)));
             return names;
           })
      .def("kernels",
           [](Model &model) {
             nb::list all;
             for (int i = 0; i < tenon_model_num_kernels(model.handle); ++i)
               all.append(nb::make_tuple(text(tenon_model_kernel_name(model.handle, i)),
                                         text(tenon_model_kernel_strategy(model.handle, i)),
                                         text(tenon_model_kernel_nodes(model.handle, i))));
             return all;
           })
      .def_prop_ro("ledger", [](Model &model) { return text(tenon_model_ledger(model.handle)); })
      .def_prop_ro("target", [](Model &model) { return text(tenon_model_target(model.handle)); })
      .def_prop_ro("producer", [](Model &model) { return text(tenon_model_producer(model.handle)); })
      .def_prop_ro("weight_bytes", [](Model &model) { return tenon_model_weight_bytes(model.handle); })
      .def_prop_ro("code_bytes", [](Model &model) { return tenon_model_code_bytes(model.handle); });
  nb::class_<Session>(m, "Session")
      .def(nb::init<nb::object, int, int>(), nb::arg("model"), nb::arg("threads"), nb::arg("guard") = 0)
      .def("bind_input", &Session::bindInput)
      .def("bind_default", &Session::bindDefault)
      .def("bind_output", &Session::bindOutput)
      .def("run", &Session::run)
      .def("start", &Session::start)
      .def("wait", &Session::wait)
      .def("output_shape", &Session::outputShape)
      .def_prop_ro("arena_bytes", [](Session &session) { return tenon_session_arena_bytes(session.handle); });
}
