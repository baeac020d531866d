# The only file that knows how MLIR and LLVM are linked: the shared libraries
# of the installed MLIR 22, never its static archives (two copies of MLIR in a
# process mean two sets of type ids).
find_package(MLIR 22.1 REQUIRED CONFIG)
list(APPEND CMAKE_MODULE_PATH ${MLIR_CMAKE_DIR} ${LLVM_CMAKE_DIR})
include(TableGen)

separate_arguments(TENON_LLVM_DEFINITIONS NATIVE_COMMAND "${LLVM_DEFINITIONS}")
add_library(tenon-mlir INTERFACE)
target_include_directories(tenon-mlir SYSTEM INTERFACE ${MLIR_INCLUDE_DIRS} ${LLVM_INCLUDE_DIRS})
target_compile_definitions(tenon-mlir INTERFACE ${TENON_LLVM_DEFINITIONS})
target_link_libraries(tenon-mlir INTERFACE MLIR LLVM)
target_link_options(tenon-mlir INTERFACE -Wl,-rpath,${LLVM_LIBRARY_DIR})

set(TENON_GENERATED_INCLUDE ${CMAKE_BINARY_DIR}/include)
add_custom_target(tenon-tablegen)

# tenon_tablegen(<td> <output> <generator args>...): runs mlir-tblgen into
# the generated include tree, at the same relative path as the .td.
function(tenon_tablegen td output)
  set(in ${CMAKE_SOURCE_DIR}/include/${td})
  get_filename_component(dir ${td} DIRECTORY)
  set(out ${TENON_GENERATED_INCLUDE}/${dir}/${output})
  file(MAKE_DIRECTORY ${TENON_GENERATED_INCLUDE}/${dir})
  add_custom_command(
    OUTPUT ${out}
    COMMAND ${LLVM_TOOLS_BINARY_DIR}/mlir-tblgen ${ARGN} ${in} -o ${out}
            -I ${CMAKE_SOURCE_DIR}/include -I ${LLVM_INCLUDE_DIRS}
            --write-if-changed -d ${out}.d
    DEPFILE ${out}.d
    DEPENDS ${in}
    COMMENT "tablegen ${td} -> ${output}")
  set_property(GLOBAL APPEND PROPERTY TENON_TABLEGEN_OUTPUTS ${out})
endfunction()

# By convention: XOps.td declares a dialect with its ops, XTypes/XAttrs/XEnums
# .td what their names say, XInterfaces.td op interfaces, Passes.td passes.
function(tenon_tablegen_tree)
  file(GLOB_RECURSE tds RELATIVE ${CMAKE_SOURCE_DIR}/include CONFIGURE_DEPENDS
       ${CMAKE_SOURCE_DIR}/include/tenon/*.td)
  foreach(td ${tds})
    get_filename_component(base ${td} NAME_WE)
    get_filename_component(dir ${td} DIRECTORY)
    if(base MATCHES "Passes$")
      tenon_tablegen(${td} ${base}.h.inc -gen-pass-decls)
      continue()
    endif()
    foreach(kind Ops:op Dialect:dialect Types:typedef Attrs:attrdef Enums:enum Interfaces:op-interface)
      string(REPLACE ":" ";" kind ${kind})
      list(GET kind 0 suffix)
      list(GET kind 1 generator)
      if(base MATCHES "${suffix}$")
        tenon_tablegen(${td} ${base}.h.inc -gen-${generator}-decls)
        tenon_tablegen(${td} ${base}.cpp.inc -gen-${generator}-defs)
      endif()
    endforeach()
  endforeach()
  get_property(outs GLOBAL PROPERTY TENON_TABLEGEN_OUTPUTS)
  add_custom_target(tenon-tablegen-files DEPENDS ${outs})
  add_dependencies(tenon-tablegen tenon-tablegen-files)
endfunction()
