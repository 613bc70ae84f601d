# The functions that the folders' CMakeLists.txt call. Sources are named relative to the folder,
# includes are written from the root of the repository.
#
#   fencebench_library(NAME SOURCES a.cc ... [DEPS lib ...] [NO_COVERAGE] [NO_TSAN a.cc ...])
#       Static library. Under core/ it is compiled without exceptions and RTTI. Its sources feed
#       libFuzzer's coverage unless NO_COVERAGE. Sources in NO_TSAN are not instrumented in the tsan
#       build; keep shared inline functions and templates out of them, because the linker keeps one
#       copy of such a function and may keep the uninstrumented one. No SOURCES: headers only.
#           fencebench_library(sched SOURCES executor.cc fiber.cc DEPS Boost::context
#                              NO_COVERAGE NO_TSAN executor.cc fiber.cc)
#
#   fencebench_test(NAME SOURCES x_test.cc ... [DEPS lib ...] [TIMEOUT seconds])
#       One GoogleTest executable for a folder; each case becomes a ctest `NAME.Suite.Case` with
#       label `unit`. Not built under MemorySanitizer (see Dependencies.cmake).
#           fencebench_test(sched_test SOURCES executor_test.cc DEPS sched)
#
#   fencebench_executable(NAME SOURCES main.cc ... [DEPS lib ...])
#       A program that is neither test nor target: the command, a helper of the build.
#
#   fencebench_target(NAME SOURCES x_fuzzer.cc ... [DEPS lib ...])
#       Fuzz target build/<preset>/fuzz/targets/NAME with FENCEBENCH_FUZZING_ENGINE, or with the plain driver
#       fuzz/targets/standalone_main.cc in the coverage build. Gets its replay tests (Corpus.cmake)
#       and, if it links a library under core/, its defect variants (Defects.cmake).
#           fencebench_target(userq_fuzzer SOURCES userq_fuzzer.cc DEPS program)
#
#   fencebench_test_environment(TEST...)
#       Sanitizer options for tests that are registered with a plain add_test().

include(GoogleTest)

# ---- what tests run with -------------------------------------------------------------------------

# sanitizers/X.options, one key=value a line with # comments, joined with ':' as the runtimes want it.
# A suppressions file is named relative to that folder.
function(fencebench_read_options file result)
  set_property(DIRECTORY "${PROJECT_SOURCE_DIR}" APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${file}")
  file(STRINGS "${file}" lines)
  set(options "")
  foreach(line IN LISTS lines)
    string(REGEX REPLACE "#.*" "" line "${line}")
    string(STRIP "${line}" line)
    if(line MATCHES "^suppressions=(.*)")
      get_filename_component(folder "${file}" DIRECTORY)
      set(line "suppressions='${folder}/${CMAKE_MATCH_1}'")
    endif()
    if(line)
      list(APPEND options "${line}")
    endif()
  endforeach()
  if(FENCEBENCH_SYMBOLIZER)
    list(APPEND options "external_symbolizer_path='${FENCEBENCH_SYMBOLIZER}'")
  endif()
  list(JOIN options ":" options)
  set(${result} "${options}" PARENT_SCOPE)
endfunction()

set(fencebench_environment "")
set(default_options "")
foreach(sanitizer asan lsan tsan ubsan msan)
  fencebench_read_options("${PROJECT_SOURCE_DIR}/sanitizers/${sanitizer}.options" options)
  string(TOUPPER "${sanitizer}_OPTIONS" variable)
  list(APPEND fencebench_environment "${variable}=${options}")
  string(APPEND default_options "DEFAULT(__${sanitizer}_default_options, \"${options}\")\n")
endforeach()

# Who runs a target that was built with foreign flags may set few of these variables (OSS-Fuzz sets nothing
# for TSan, whose reports then would end no run), so the target has them in it. The runtime asks before it
# has begun to work.
if(FENCEBENCH_SANITIZER STREQUAL "external")
  set(fencebench_default_options "${PROJECT_BINARY_DIR}/default_options.cc")
  file(CONFIGURE OUTPUT "${fencebench_default_options}" @ONLY CONTENT
"#define DEFAULT(name, options) \\
  extern \"C\" __attribute__((used, visibility(\"default\"), \\
      no_sanitize(\"address\", \"memory\", \"thread\", \"undefined\", \"coverage\"))) const char* name() { \\
    return options; \\
  }
@default_options@")
endif()

if(FENCEBENCH_SANITIZER STREQUAL "coverage")
  list(APPEND fencebench_environment "LLVM_PROFILE_FILE=${PROJECT_BINARY_DIR}/profiles/%p%c.profraw")
endif()

function(fencebench_test_environment)
  set_tests_properties(${ARGN} PROPERTIES ENVIRONMENT "${fencebench_environment}")
endfunction()

# ---- shared between the functions ----------------------------------------------------------------

# A misspelt keyword would otherwise vanish silently.
macro(fencebench_check_arguments function)
  if(arg_UNPARSED_ARGUMENTS OR arg_KEYWORDS_MISSING_VALUES)
    message(FATAL_ERROR "${function}(${name}): cannot make sense of "
                        "'${arg_UNPARSED_ARGUMENTS}${arg_KEYWORDS_MISSING_VALUES}'")
  endif()
endmacro()

# Sources as paths from the root of the repository.
function(fencebench_from_root result)
  set(paths "")
  foreach(source IN LISTS ARGN)
    get_filename_component(source "${source}" ABSOLUTE)
    file(RELATIVE_PATH source "${PROJECT_SOURCE_DIR}" "${source}")
    list(APPEND paths "${source}")
  endforeach()
  set(${result} "${paths}" PARENT_SCOPE)
endfunction()

# How the sources of LIBRARY are compiled: for the library itself, and again as the patched objects of
# a defect. Further arguments: the trees that the sources may lie in; the last is searched first.
function(fencebench_compile_as target library)
  get_target_property(sources ${library} FENCEBENCH_SOURCES)
  get_target_property(no_tsan ${library} FENCEBENCH_NO_TSAN)
  get_target_property(no_coverage ${library} FENCEBENCH_NO_COVERAGE)
  foreach(tree IN LISTS ARGN)
    target_include_directories(${target} BEFORE PRIVATE "${tree}")
  endforeach()
  if(sources MATCHES "^core/" AND NOT FENCEBENCH_SANITIZER STREQUAL "external")
    # Foreign flags may ask for UBSan's vptr check, which needs RTTI.
    target_compile_options(${target} PRIVATE
        "$<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions;-fno-rtti>")
  endif()
  if(library MATCHES "-main$")
    target_compile_options(${target} PRIVATE ${fencebench_feedback_flags})
  elseif(NOT no_coverage)
    target_compile_options(${target} PRIVATE ${fencebench_library_feedback_flags})
  endif()
  if(fencebench_tsan)
    foreach(source IN LISTS no_tsan)
      foreach(tree IN LISTS ARGN)
        set_property(SOURCE "${tree}/${source}" PROPERTY COMPILE_OPTIONS -fno-sanitize=thread)
      endforeach()
    endforeach()
  endif()
endfunction()

# Programs without an engine have no one to receive the coverage callbacks that the archives call.
# The sanitizers' runtimes bring empty ones; without such a runtime these do.
if(FENCEBENCH_SANITIZER MATCHES "^(none|external)$")
  add_library(fencebench_coverage_stubs OBJECT sanitizers/coverage_stubs.cc)
endif()
function(fencebench_link_program target)
  target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}")
  target_link_libraries(${target} PRIVATE ${ARGN})
  if(TARGET fencebench_coverage_stubs)
    target_link_libraries(${target} PRIVATE fencebench_coverage_stubs)
  endif()
endfunction()

# Foreign flags give feedback from every file that they compile. What NO_COVERAGE names would make it depend on
# addresses (tables that are searched by pointer) and on the inputs before; so there each function is said to
# give none, which every engine's compiler heeds. A file stands in for each source, as the pragma must end in it.
function(fencebench_unobserved result no_tsan)
  set(files "")
  foreach(source IN LISTS ARGN)
    set(file "${PROJECT_BINARY_DIR}/unobserved/${source}")
    file(CONFIGURE OUTPUT "${file}" @ONLY CONTENT
"#pragma clang attribute push(__attribute__((no_sanitize(\"coverage\"))), apply_to = function)
#include \"@source@\"
#pragma clang attribute pop
")
    if(fencebench_tsan AND source IN_LIST no_tsan)
      set_property(SOURCE "${file}" PROPERTY COMPILE_OPTIONS -fno-sanitize=thread)
    endif()
    list(APPEND files "${file}")
  endforeach()
  set(${result} "${files}" PARENT_SCOPE)
endfunction()

# ---- the functions -------------------------------------------------------------------------------

function(fencebench_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "NO_COVERAGE" "" "SOURCES;DEPS;NO_TSAN")
  fencebench_check_arguments(fencebench_library)
  fencebench_from_root(sources ${arg_SOURCES})
  fencebench_from_root(no_tsan ${arg_NO_TSAN})
  if(NOT arg_SOURCES)
    add_library(${name} INTERFACE)
    target_include_directories(${name} INTERFACE "${PROJECT_SOURCE_DIR}")
    target_link_libraries(${name} INTERFACE ${arg_DEPS})
  else()
    if(arg_NO_COVERAGE AND FENCEBENCH_SANITIZER STREQUAL "external")
      fencebench_unobserved(arg_SOURCES "${no_tsan}" ${sources})
    endif()
    add_library(${name} STATIC ${arg_SOURCES})
    target_include_directories(${name} PUBLIC "${PROJECT_SOURCE_DIR}")
    target_link_libraries(${name} PUBLIC ${arg_DEPS})
  endif()
  foreach(source IN LISTS no_tsan)
    if(NOT source IN_LIST sources)
      message(FATAL_ERROR "fencebench_library(${name}): NO_TSAN names ${source}, not a source of it")
    endif()
  endforeach()
  set_target_properties(${name} PROPERTIES
      FENCEBENCH_SOURCES "${sources}"
      FENCEBENCH_NO_TSAN "${no_tsan}"
      FENCEBENCH_NO_COVERAGE "${arg_NO_COVERAGE}"
      FENCEBENCH_DEPS "${arg_DEPS}")
  set_property(GLOBAL APPEND PROPERTY FENCEBENCH_LIBRARIES ${name})
  if(arg_SOURCES)
    fencebench_compile_as(${name} ${name} "${PROJECT_SOURCE_DIR}")
  endif()
endfunction()

function(fencebench_executable name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;DEPS")
  fencebench_check_arguments(fencebench_executable)
  add_executable(${name} ${arg_SOURCES})
  fencebench_link_program(${name} ${arg_DEPS})
endfunction()

function(fencebench_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "TIMEOUT" "SOURCES;DEPS")
  fencebench_check_arguments(fencebench_test)
  if(FENCEBENCH_SANITIZER STREQUAL "memory" OR NOT BUILD_TESTING)
    return()
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  add_executable(${name} ${arg_SOURCES})
  fencebench_link_program(${name} ${arg_DEPS} GTest::gtest_main)
  gtest_discover_tests(${name} TEST_PREFIX "${name}." TEST_LIST ${name}_cases
                       DISCOVERY_TIMEOUT 60 PROPERTIES LABELS unit TIMEOUT ${arg_TIMEOUT})
  # gtest_discover_tests() cannot pass a list as one property, so the environment is set in a file
  # that ctest reads after the discovered cases.
  set(environment_file "${CMAKE_CURRENT_BINARY_DIR}/${name}_environment.cmake")
  file(WRITE "${environment_file}"
       "if(${name}_cases)\n  set_tests_properties(\${${name}_cases} PROPERTIES ENVIRONMENT\n"
       "      [==[${fencebench_environment}]==])\nendif()\n")
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES "${environment_file}")
endfunction()

# MAIN_OBJECTS: an object library with the target's own sources, so that defect variants share it.
function(fencebench_link_target executable main_objects directory)
  target_sources(${executable} PRIVATE $<TARGET_OBJECTS:${main_objects}>)
  target_sources(${executable} PRIVATE ${fencebench_default_options})
  set_target_properties(${executable} PROPERTIES
      LINKER_LANGUAGE CXX RUNTIME_OUTPUT_DIRECTORY "${directory}")
  if(FENCEBENCH_SANITIZER STREQUAL "coverage")
    target_sources(${executable} PRIVATE "${PROJECT_SOURCE_DIR}/fuzz/targets/standalone_main.cc")
    target_include_directories(${executable} PRIVATE "${PROJECT_SOURCE_DIR}")
  else()
    target_link_libraries(${executable} PRIVATE ${fencebench_engine} ${CMAKE_DL_LIBS})
  endif()
endfunction()

function(fencebench_target name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;DEPS")
  fencebench_check_arguments(fencebench_target)
  fencebench_from_root(sources ${arg_SOURCES})
  add_library(${name}-main OBJECT ${arg_SOURCES})
  set_target_properties(${name}-main PROPERTIES
      FENCEBENCH_SOURCES "${sources}" FENCEBENCH_NO_TSAN "" FENCEBENCH_NO_COVERAGE FALSE
      FENCEBENCH_DEPS "${arg_DEPS}")
  fencebench_compile_as(${name}-main ${name}-main "${PROJECT_SOURCE_DIR}")
  target_link_libraries(${name}-main PRIVATE ${arg_DEPS})

  add_executable(${name})
  fencebench_link_target(${name} ${name}-main "${PROJECT_BINARY_DIR}/fuzz/targets")
  target_link_libraries(${name} PRIVATE ${arg_DEPS})
  set_property(GLOBAL APPEND PROPERTY FENCEBENCH_TARGETS ${name})
endfunction()

# ---- layers --------------------------------------------------------------------------------------

# Looked up again on every build, so that a new file is judged without configuring by hand.
file(GLOB_RECURSE fencebench_tree CONFIGURE_DEPENDS RELATIVE "${PROJECT_SOURCE_DIR}"
     core/*.h core/*.cc core/*.c core/*.def core/*.inc
     fuzz/*.h fuzz/*.cc fuzz/*.c fuzz/*.def fuzz/*.inc)

# The table of the layers (cmake/layer_check.sh): part of every build, and a test of its own.
function(fencebench_layer_check)
  set(script "${PROJECT_SOURCE_DIR}/cmake/layer_check.sh")
  set(stamp "${PROJECT_BINARY_DIR}/layer_check.stamp")
  set(files "${fencebench_tree}")
  list(TRANSFORM files PREPEND "${PROJECT_SOURCE_DIR}/")
  add_custom_command(OUTPUT "${stamp}"
      COMMAND sh "${script}" "${PROJECT_SOURCE_DIR}"
      COMMAND "${CMAKE_COMMAND}" -E touch "${stamp}"
      DEPENDS "${script}" ${files} COMMENT "Checking the layers" VERBATIM)
  add_custom_target(layer_check ALL DEPENDS "${stamp}")
  add_test(NAME layer_check COMMAND sh "${script}" "${PROJECT_SOURCE_DIR}")
  add_test(NAME layer_check.planted
      COMMAND sh "${PROJECT_SOURCE_DIR}/cmake/layer_check_test.sh"
              "${PROJECT_BINARY_DIR}/layer_check_test")
  set_tests_properties(layer_check layer_check.planted PROPERTIES LABELS build TIMEOUT 60)
endfunction()

# The tables of core/README.md name code and tests that exist (cmake/readme_check.sh).
function(fencebench_readme_check)
  add_test(NAME readme_check
      COMMAND sh "${PROJECT_SOURCE_DIR}/cmake/readme_check.sh" "${PROJECT_SOURCE_DIR}")
  add_test(NAME readme_check.planted
      COMMAND sh "${PROJECT_SOURCE_DIR}/cmake/readme_check_test.sh"
              "${PROJECT_BINARY_DIR}/readme_check_test")
  set_tests_properties(readme_check readme_check.planted PROPERTIES LABELS build TIMEOUT 120)
endfunction()

# Foreign flags are used as they are (ci/oss-fuzz/flags_test.sh). Once is enough.
function(fencebench_foreign_flags_test)
  if(FENCEBENCH_COMMAND)
    add_test(NAME foreign_flags
        COMMAND bash "${PROJECT_SOURCE_DIR}/ci/oss-fuzz/flags_test.sh"
                "${PROJECT_BINARY_DIR}/foreign_flags_test" "${CMAKE_CXX_COMPILER}")
    set_tests_properties(foreign_flags PROPERTIES LABELS build TIMEOUT 120)
  endif()
endfunction()
