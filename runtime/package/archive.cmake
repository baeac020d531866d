# Packs what builds the runtime on another machine into one archive: its
# sources, the schema's generated header, and the headers that these include.
# Called with -DOUTPUT=<tar.gz> -DNAME=<folder inside> -DSTAGE=<scratch folder>
# -DRUNTIME=<sources> -DSCHEMA=<generated header> -DBUILD_SCRIPT=<build.sh>
# -DLICENSE=<file> -DFLATBUFFERS=<include folder> -DXXHASH=<include folder>.
set(folder ${STAGE}/${NAME})
file(REMOVE_RECURSE ${STAGE})
file(GLOB drivers RELATIVE ${RUNTIME} ${RUNTIME}/drivers/* ${RUNTIME}/drivers/*/*.h ${RUNTIME}/drivers/*/*.cpp)
file(GLOB sources RELATIVE ${RUNTIME} ${RUNTIME}/src/* ${RUNTIME}/include/tenon/*.h)
foreach(source ${sources} ${drivers} README.md schema/manifest.fbs)
  if(NOT IS_DIRECTORY ${RUNTIME}/${source})
    get_filename_component(parent ${source} DIRECTORY)
    file(COPY ${RUNTIME}/${source} DESTINATION ${folder}/${parent})
  endif()
endforeach()
file(COPY ${RUNTIME}/test/example.c ${BUILD_SCRIPT} ${LICENSE} DESTINATION ${folder})
file(COPY ${SCHEMA} DESTINATION ${folder}/schema)
file(GLOB flatbuffers ${FLATBUFFERS}/flatbuffers/*.h)
file(COPY ${flatbuffers} DESTINATION ${folder}/third_party/flatbuffers)
# Debian splits xxhash.h in two on some releases.
file(GLOB xxhash ${XXHASH}/xxhash.h ${XXHASH}/xxh3.h)
file(COPY ${xxhash} DESTINATION ${folder}/third_party)
execute_process(COMMAND ${CMAKE_COMMAND} -E tar czf ${OUTPUT} --format=gnutar ${NAME}
                WORKING_DIRECTORY ${STAGE} COMMAND_ERROR_IS_FATAL ANY)
