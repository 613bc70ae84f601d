# Runs a program that must end in a report, and fails unless it does: exit code not zero, and a line
# of the output that contains EXPECTED_LINE and, after it, EXPECTED (both plain text).
#   cmake -DPROGRAM=file -DARGUMENTS=a;b -DEXPECTED_LINE=text -DEXPECTED=text -P ExpectReport.cmake
cmake_minimum_required(VERSION 3.22)

execute_process(COMMAND "${PROGRAM}" ${ARGUMENTS}
                RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)

# NOTICE prints the output as it came; an error message would wrap its lines.
function(fail reason)
  message(NOTICE "${output}")
  message(FATAL_ERROR "${reason} (exit ${status}; output above)")
endfunction()

set(rest "${output}")
set(verdict_line "")
while(verdict_line STREQUAL "")
  string(FIND "${rest}" "${EXPECTED_LINE}" start)
  if(start LESS 0)
    fail("no line with '${EXPECTED_LINE}' that says '${EXPECTED}'")
  endif()
  string(SUBSTRING "${rest}" ${start} -1 rest)
  string(FIND "${rest}\n" "\n" end)
  string(SUBSTRING "${rest}" 0 ${end} line)
  string(SUBSTRING "${rest}" ${end} -1 rest)
  string(FIND "${line}" "${EXPECTED}" position)
  if(position GREATER_EQUAL 0)
    set(verdict_line "${line}")
  endif()
endwhile()
if(status EQUAL 0)
  fail("the report is there, but the exit code does not tell of it")
endif()
message(STATUS "exit ${status}: ${verdict_line}")
