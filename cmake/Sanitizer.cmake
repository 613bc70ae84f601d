# The one place that puts sanitizer, optimization and debug flags on. Everything compiled after this file is
# included gets the flags, defect variants too.
#
# FENCEBENCH_SANITIZER   `external`: none of these flags is ours; CFLAGS and CXXFLAGS say all, as OSS-Fuzz
#                        and its like want it. Only fuzz targets and what makes their seeds is built then.
# FENCEBENCH_ENGINE      which engine drives the targets: decides what feedback they are compiled with
# FENCEBENCH_FUZZING_ENGINE   what each target links that engine with: flags, or paths of libraries

set(FENCEBENCH_SANITIZER "none" CACHE STRING
    "none | address (with leak and undefined) | thread | memory | coverage | external")
set_property(CACHE FENCEBENCH_SANITIZER PROPERTY STRINGS none address thread memory coverage external)
set(FENCEBENCH_ENGINE "libfuzzer" CACHE STRING "libfuzzer | afl")
set_property(CACHE FENCEBENCH_ENGINE PROPERTY STRINGS libfuzzer afl)

if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang" OR CMAKE_CXX_COMPILER_VERSION VERSION_LESS 16)
  message(FATAL_ERROR
      "fencebench needs clang 16 or later; ${CMAKE_CXX_COMPILER} is "
      "${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}")
endif()

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

# Frame pointers: the sanitizers unwind by them on every allocation; without, stacks are cut short.
# Line tables are all that reports need, and keep the sanitizer builds small.
# -O1 is no slower than -O2 there (measured on userq_fuzzer: asan equal, msan 1.6 times faster) and
# keeps more edges apart for libFuzzer.
set(common -fno-omit-frame-pointer -gline-tables-only)
set(fencebench_link_flags "")

# Which sanitizers judge, whoever put them on.
set(fencebench_tsan FALSE)
set(fencebench_msan FALSE)

if(FENCEBENCH_SANITIZER STREQUAL "none")
  set(fencebench_flags -fno-omit-frame-pointer -g -O2)
elseif(FENCEBENCH_SANITIZER STREQUAL "address")
  # vptr is the one check of `undefined` that needs RTTI, and the core has none: it would misjudge
  # core objects used from a test.
  set(fencebench_flags ${common} -O1 -fsanitize=address,undefined -fno-sanitize=vptr
                       -fno-sanitize-recover=all -fsanitize-address-use-after-scope)
  set(fencebench_link_flags -fsanitize=address,undefined)
elseif(FENCEBENCH_SANITIZER STREQUAL "thread")
  set(fencebench_flags ${common} -O1 -fsanitize=thread)
  set(fencebench_link_flags -fsanitize=thread)
  set(fencebench_tsan TRUE)
elseif(FENCEBENCH_SANITIZER STREQUAL "memory")
  # The system's libstdc++ is not instrumented: what it writes looks uninitialised. Without its
  # extern templates std::string is instantiated here, with instrumentation. Node containers
  # (map, set, list, unordered_map) still call into the library: the core does without them.
  set(fencebench_flags ${common} -O1 -fsanitize=memory -fsanitize-memory-track-origins
                       -D_GLIBCXX_EXTERN_TEMPLATE=0)
  set(fencebench_link_flags -fsanitize=memory)
  set(fencebench_msan TRUE)
elseif(FENCEBENCH_SANITIZER STREQUAL "coverage")
  # Counters that live in the profile itself (%c in LLVM_PROFILE_FILE): a process that ends in abort(), as
  # one does after a report, still counts.
  set(fencebench_flags ${common} -O1 -fprofile-instr-generate -fcoverage-mapping
                       "SHELL:-mllvm -runtime-counter-relocation")
  set(fencebench_link_flags -fprofile-instr-generate)
elseif(FENCEBENCH_SANITIZER STREQUAL "external")
  set(fencebench_flags "")
  if(CMAKE_CXX_FLAGS MATCHES "-fsanitize=[a-z,-]*thread")
    set(fencebench_tsan TRUE)
  elseif(CMAKE_CXX_FLAGS MATCHES "-fsanitize=[a-z,-]*memory")
    set(fencebench_msan TRUE)
    add_compile_definitions(_GLIBCXX_EXTERN_TEMPLATE=0)  # as above; libc++ does not know it
  endif()
else()
  message(FATAL_ERROR "FENCEBENCH_SANITIZER is '${FENCEBENCH_SANITIZER}': "
                      "must be none, address, thread, memory, coverage or external")
endif()
add_compile_options(${fencebench_flags})
add_link_options(${fencebench_link_flags})
if(fencebench_tsan)
  # Files compiled without instrumentation still talk to the runtime (core/sched/sanitizer.h).
  add_compile_definitions(FENCEBENCH_TSAN_RUNTIME)
endif()

# Feedback for libFuzzer, put on each library and target unless it asks for none. Three parts of it are
# left out. Stack depth measures where a fiber's stack lies, which is noise. Callees of indirect calls
# count only with -use_value_profile, and each call costs time. Compared values: UBSan's
# checks compare pointers, so libFuzzer's table of recent comparisons would feed addresses to the
# mutator (another campaign for the same seed) and keep leaked objects reachable for LeakSanitizer.
if(FENCEBENCH_SANITIZER MATCHES "^(coverage|external)$")
  set(fencebench_feedback_flags "")
elseif(FENCEBENCH_ENGINE STREQUAL "afl")
  set(fencebench_feedback_flags -fsanitize-coverage=trace-pc-guard)
else()
  set(fencebench_feedback_flags -fsanitize=fuzzer-no-link
      -fno-sanitize-coverage=stack-depth,trace-cmp,indirect-calls)
endif()

# Older clangs (16 does, 19 does not) let TSan watch the coverage counters themselves: every line that two
# logical threads execute would be a race. With such a compiler only the targets' own files, which one
# thread executes, give feedback in the tsan build: it judges a corpus well and finds little new.
set(fencebench_library_feedback_flags ${fencebench_feedback_flags})
if(FENCEBENCH_SANITIZER STREQUAL "thread")
  set(probe "${PROJECT_BINARY_DIR}/counters_probe.cc")
  file(WRITE "${probe}" "int g(int);\nint f(int x) { return x ? g(1) : 2; }\n")
  execute_process(COMMAND "${CMAKE_CXX_COMPILER}" -O1 -fsanitize=thread ${fencebench_feedback_flags}
                          -S -o - "${probe}"
                  OUTPUT_VARIABLE assembly RESULT_VARIABLE status)
  if(NOT status EQUAL 0 OR assembly MATCHES "__tsan_(read|write)")
    set(fencebench_library_feedback_flags "")
    message(STATUS "${CMAKE_CXX_COMPILER} lets TSan watch coverage counters: the tsan build fuzzes "
                   "without feedback from the driver; clang 19 or later does not")
  endif()
endif()

# AFL++ brings its driver and its runtime as files, which lie beside the program in each of its layouts.
if(FENCEBENCH_ENGINE STREQUAL "libfuzzer")
  set(engine -fsanitize=fuzzer)
elseif(FENCEBENCH_ENGINE STREQUAL "afl")
  find_program(FENCEBENCH_AFL_FUZZ afl-fuzz HINTS "$ENV{AFL_PATH}")
  get_filename_component(afl_folder "${FENCEBENCH_AFL_FUZZ}" DIRECTORY)
  find_library(FENCEBENCH_AFL_DRIVER NAMES libAFLDriver.a
               HINTS "$ENV{AFL_PATH}" "${afl_folder}" "${afl_folder}/../lib/afl")
  find_file(FENCEBENCH_AFL_RUNTIME NAMES afl-compiler-rt-64.o afl-compiler-rt.o
            HINTS "$ENV{AFL_PATH}" "${afl_folder}" "${afl_folder}/../lib/afl")
  if(NOT FENCEBENCH_AFL_DRIVER OR NOT FENCEBENCH_AFL_RUNTIME)
    message(FATAL_ERROR "FENCEBENCH_ENGINE=afl needs libAFLDriver.a and afl-compiler-rt-64.o of AFL++: "
                        "install afl++, or set AFL_PATH to the folder that holds them")
  endif()
  set(engine "${FENCEBENCH_AFL_DRIVER} ${FENCEBENCH_AFL_RUNTIME}")
else()
  message(FATAL_ERROR "FENCEBENCH_ENGINE is '${FENCEBENCH_ENGINE}': must be libfuzzer or afl")
endif()
set(FENCEBENCH_FUZZING_ENGINE "${engine}" CACHE STRING "what each fuzz target links: flags or libraries")
# Written as on a command line: `-ldl /usr/lib/engine.a`.
separate_arguments(fencebench_engine UNIX_COMMAND "${FENCEBENCH_FUZZING_ENGINE}")

# Programs that belong to this compiler's release stand in its own folder; the one that PATH finds may
# be older by years.
execute_process(COMMAND "${CMAKE_CXX_COMPILER}" -print-resource-dir
                OUTPUT_VARIABLE resources OUTPUT_STRIP_TRAILING_WHITESPACE)
get_filename_component(llvm_programs "${resources}/../../../bin" ABSOLUTE)

# A linker and a compiler cache make builds faster where they exist; neither changes the result. With
# foreign flags both are the caller's as well.
if(NOT FENCEBENCH_SANITIZER STREQUAL "external")
  if(EXISTS "${llvm_programs}/ld.lld")
    add_link_options("--ld-path=${llvm_programs}/ld.lld")
  endif()
  find_program(FENCEBENCH_CCACHE ccache)
  if(FENCEBENCH_CCACHE)
    set(CMAKE_C_COMPILER_LAUNCHER "${FENCEBENCH_CCACHE}")
    set(CMAKE_CXX_COMPILER_LAUNCHER "${FENCEBENCH_CCACHE}")
  endif()
endif()

# In the cache, so that the command reads both there. A report without a symbolizer is addresses only.
set(FENCEBENCH_LLVM_PROGRAMS "${llvm_programs}" CACHE INTERNAL "programs of the compiler's release")
# Targets with foreign flags leave this machine and find a symbolizer where they run.
find_program(symbolizer NAMES llvm-symbolizer HINTS "${llvm_programs}" NO_CACHE)
if(NOT symbolizer OR FENCEBENCH_SANITIZER STREQUAL "external")
  set(symbolizer "")
endif()
set(FENCEBENCH_SYMBOLIZER "${symbolizer}" CACHE INTERNAL "llvm-symbolizer for sanitizer reports")
