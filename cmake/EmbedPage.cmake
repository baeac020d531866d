# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Writes OUTPUT, a C++ string: the page PAGE with STYLE and the SCRIPTS, one after the
# other, in the places that it has for them.
cmake_minimum_required(VERSION 3.16) # or @NAME@ would be a variable in what follows
file(READ ${PAGE} page)
file(READ ${STYLE} style)
set(script "")
foreach(file ${SCRIPTS})
  file(READ ${file} text)
  string(APPEND script "${text}")
endforeach()
string(REPLACE "@STYLE@" "${style}" page "${page}")
string(REPLACE "@SCRIPT@" "${script}" page "${page}")
file(WRITE ${OUTPUT} "R\"page(${page})page\"\n")
