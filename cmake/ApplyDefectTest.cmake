# Tests ApplyDefect.cmake: an exact patch is applied; one whose context differs, or that is applied
# already, fails and says so; files that come out the same keep their time.
#   cmake -DSCRATCH=folder -DPATCH_PROGRAM=patch -P ApplyDefectTest.cmake
cmake_minimum_required(VERSION 3.22)

set(from "${SCRATCH}/from")
set(to "${SCRATCH}/to")
set(patch "${SCRATCH}/toy.patch")

function(write_source)
  list(JOIN ARGN "\n" text)
  file(WRITE "${from}/core/toy.cc" "${text}\n")
endfunction()

function(apply result output)
  execute_process(
      COMMAND "${CMAKE_COMMAND}" -DDEFECT=toy "-DPATCH=${patch}" -DFILES=core/toy.cc
              "-DPATCH_PROGRAM=${PATCH_PROGRAM}" "-DFROM=${from}" "-DTO=${to}"
              -P "${CMAKE_CURRENT_LIST_DIR}/ApplyDefect.cmake"
      RESULT_VARIABLE status OUTPUT_VARIABLE text ERROR_VARIABLE text)
  set(${result} "${status}" PARENT_SCOPE)
  string(REGEX REPLACE "[ \n]+" " " text "${text}")  # CMake wraps the lines of a message
  set(${output} "${text}" PARENT_SCOPE)
endfunction()

function(fail expected)
  message(FATAL_ERROR "${expected}: not so (status ${status})\n${output}")
endfunction()

file(REMOVE_RECURSE "${SCRATCH}")
file(WRITE "${patch}" "A line before the diff.

--- a/core/toy.cc
+++ b/core/toy.cc
@@ -1,3 +1,3 @@
 one
-two
+2
 three
")

write_source(one two three)
apply(status output)
file(READ "${to}/core/toy.cc" text)
if(NOT status EQUAL 0 OR NOT text STREQUAL "one\n2\nthree\n")
  fail("an exact patch applies")
endif()

file(TIMESTAMP "${to}/core/toy.cc" before "%s")
execute_process(COMMAND "${CMAKE_COMMAND}" -E sleep 1.1)
apply(status output)
file(TIMESTAMP "${to}/core/toy.cc" after "%s")
if(NOT status EQUAL 0 OR NOT before EQUAL after)
  fail("an unchanged file keeps its time")
endif()

write_source(zero one two three)
apply(status output)
if(NOT status EQUAL 0)
  fail("a patch may move")
endif()

write_source(other two three)
apply(status output)
if(status EQUAL 0 OR NOT output MATCHES "defect toy: the patch does not apply")
  fail("a changed context fails")
endif()

write_source(one 2 three)
apply(status output)
if(status EQUAL 0 OR NOT output MATCHES "does not apply")
  fail("an applied patch fails")
endif()

file(REMOVE_RECURSE "${SCRATCH}")
