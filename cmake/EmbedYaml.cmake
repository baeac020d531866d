# Writes OUTPUT, a C++ list of {file name, text} of the FILES, which are YAML. Declarations of
# formats come first that others (blocks, families) name.
foreach(file ${FILES})
  file(READ ${file} text)
  get_filename_component(name ${file} NAME)
  set(entry "{\"${name}\", R\"yaml(${text})yaml\"},\n")
  if(text MATCHES "\nkind: (block|family)\n")
    string(APPEND composed "${entry}")
  else()
    string(APPEND single "${entry}")
  endif()
endforeach()
file(WRITE ${OUTPUT} "${single}${composed}")
