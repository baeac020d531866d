# ONNX's own C++ library (operator schemas, function bodies, shape inference,
# inliner, text parser), built from the sources that the pinned `onnx` wheel
# carries, so that ONNX's knowledge is not written down a second time.
#
# The protos are generated for protobuf's lite runtime: no descriptor pool, so a
# process that also loads Python's onnx or ONNX Runtime has nothing to register
# twice. Everything is built with hidden visibility; only lib/Frontend sees it.
set(TENON_ONNX_VERSION 1.23.2)
file(GLOB _onnx_default ${CMAKE_SOURCE_DIR}/.venv/lib/python3.*/site-packages/onnx)
list(POP_FRONT _onnx_default _onnx_default_dir)
set(TENON_ONNX_DIR "${_onnx_default_dir}" CACHE PATH
    "Folder of the installed onnx==${TENON_ONNX_VERSION} wheel: .../site-packages/onnx")
if(NOT EXISTS ${TENON_ONNX_DIR}/defs/schema.cc)
  message(FATAL_ERROR "TENON_ONNX_DIR='${TENON_ONNX_DIR}' holds no ONNX sources; "
                      "install onnx==${TENON_ONNX_VERSION} into .venv or set TENON_ONNX_DIR")
endif()
if(NOT EXISTS ${TENON_ONNX_DIR}/../onnx-${TENON_ONNX_VERSION}.dist-info)
  message(WARNING "TENON_ONNX_DIR is not onnx ${TENON_ONNX_VERSION}, the version Tenon is tested with")
endif()

find_program(TENON_PROTOC protoc REQUIRED)
# Debian's static archive is not position-independent, so the shared one it is.
find_library(TENON_PROTOBUF_LITE_SHARED NAMES libprotobuf-lite.so REQUIRED)
find_package(Threads REQUIRED)

get_filename_component(TENON_ONNX_INCLUDE ${TENON_ONNX_DIR} DIRECTORY)
set(_onnx_gen ${CMAKE_BINARY_DIR}/onnx-proto)
file(MAKE_DIRECTORY ${_onnx_gen})
set(_onnx_protos)
foreach(proto onnx-ml onnx-operators-ml onnx-data)
  add_custom_command(
    OUTPUT ${_onnx_gen}/onnx/${proto}.pb.cc ${_onnx_gen}/onnx/${proto}.pb.h
    COMMAND ${TENON_PROTOC} -I${TENON_ONNX_INCLUDE} --cpp_out=lite:${_onnx_gen} onnx/${proto}.proto
    DEPENDS ${TENON_ONNX_DIR}/${proto}.proto
    COMMENT "protoc ${proto}.proto")
  list(APPEND _onnx_protos ${_onnx_gen}/onnx/${proto}.pb.cc)
endforeach()

# version_converter is here because the inliner calls it for model-local
# functions that import another opset than the model does.
file(GLOB_RECURSE _onnx_sources
  ${TENON_ONNX_DIR}/defs/*.cc ${TENON_ONNX_DIR}/common/*.cc ${TENON_ONNX_DIR}/inliner/*.cc
  ${TENON_ONNX_DIR}/shape_inference/*.cc ${TENON_ONNX_DIR}/version_converter/*.cc)
add_library(tenon-onnx STATIC ${_onnx_sources} ${TENON_ONNX_DIR}/checker.cc ${_onnx_protos})
target_include_directories(tenon-onnx SYSTEM PUBLIC ${TENON_ONNX_INCLUDE} ${_onnx_gen})
target_compile_definitions(tenon-onnx PUBLIC ONNX_NAMESPACE=onnx ONNX_ML=1 ONNX_USE_LITE_PROTO=1
                           __STDC_FORMAT_MACROS)
target_compile_options(tenon-onnx PRIVATE -w -O1 -fvisibility=hidden -fvisibility-inlines-hidden)
if(TENON_SANITIZE)
  # Addresses are checked here too; undefined behaviour is for ONNX to fix.
  target_compile_options(tenon-onnx PRIVATE -fno-sanitize=undefined)
endif()
target_link_libraries(tenon-onnx PUBLIC ${TENON_PROTOBUF_LITE_SHARED} Threads::Threads)
target_link_options(tenon-onnx INTERFACE -Wl,--version-script=${CMAKE_CURRENT_LIST_DIR}/TenonONNX.map)
