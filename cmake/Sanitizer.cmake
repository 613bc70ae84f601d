# The one place that puts sanitizer, optimization and debug flags on. Input: FENCEBENCH_SANITIZER.
# Everything compiled after this file is included gets the flags, defect variants too.

set(FENCEBENCH_SANITIZER "none" CACHE STRING
    "none | address (with leak and undefined) | thread | memory | coverage")
set_property(CACHE FENCEBENCH_SANITIZER PROPERTY STRINGS none address thread memory coverage)

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
  # Files compiled without instrumentation still talk to the runtime (core/sched/sanitizer.h).
  add_compile_definitions(FENCEBENCH_TSAN_RUNTIME)
elseif(FENCEBENCH_SANITIZER STREQUAL "memory")
  # The system's libstdc++ is not instrumented: what it writes looks uninitialised. Without its
  # extern templates std::string is instantiated here, with instrumentation. Node containers
  # (map, set, list, unordered_map) still call into the library: the core does without them.
  set(fencebench_flags ${common} -O1 -fsanitize=memory -fsanitize-memory-track-origins
                       -D_GLIBCXX_EXTERN_TEMPLATE=0)
  set(fencebench_link_flags -fsanitize=memory)
elseif(FENCEBENCH_SANITIZER STREQUAL "coverage")
  # Counters that live in the profile itself (%c in LLVM_PROFILE_FILE): a process that ends in abort(), as
  # one does after a report, still counts.
  set(fencebench_flags ${common} -O1 -fprofile-instr-generate -fcoverage-mapping
                       "SHELL:-mllvm -runtime-counter-relocation")
  set(fencebench_link_flags -fprofile-instr-generate)
else()
  message(FATAL_ERROR "FENCEBENCH_SANITIZER is '${FENCEBENCH_SANITIZER}': "
                      "must be none, address, thread, memory or coverage")
endif()
add_compile_options(${fencebench_flags})
add_link_options(${fencebench_link_flags})

# Feedback for libFuzzer, put on each library and target unless it asks for none. Three parts of it are
# left out. Stack depth measures where a fiber's stack lies, which is noise. Callees of indirect calls
# count only with -use_value_profile, and each call costs time. Compared values: UBSan's
# checks compare pointers, so libFuzzer's table of recent comparisons would feed addresses to the
# mutator (another campaign for the same seed) and keep leaked objects reachable for LeakSanitizer.
if(FENCEBENCH_SANITIZER STREQUAL "coverage")
  set(fencebench_feedback_flags "")
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

# Programs that belong to this compiler's release stand in its own folder; the one that PATH finds may
# be older by years.
execute_process(COMMAND "${CMAKE_CXX_COMPILER}" -print-resource-dir
                OUTPUT_VARIABLE resources OUTPUT_STRIP_TRAILING_WHITESPACE)
get_filename_component(llvm_programs "${resources}/../../../bin" ABSOLUTE)

# A linker and a compiler cache make builds faster where they exist; neither changes the result.
if(EXISTS "${llvm_programs}/ld.lld")
  add_link_options("--ld-path=${llvm_programs}/ld.lld")
endif()
find_program(FENCEBENCH_CCACHE ccache)
if(FENCEBENCH_CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER "${FENCEBENCH_CCACHE}")
  set(CMAKE_CXX_COMPILER_LAUNCHER "${FENCEBENCH_CCACHE}")
endif()

# In the cache, so that the command reads both there. A report without a symbolizer is addresses only.
set(FENCEBENCH_LLVM_PROGRAMS "${llvm_programs}" CACHE INTERNAL "programs of the compiler's release")
find_program(symbolizer NAMES llvm-symbolizer HINTS "${llvm_programs}" NO_CACHE)
if(NOT symbolizer)
  set(symbolizer "")
endif()
set(FENCEBENCH_SYMBOLIZER "${symbolizer}" CACHE INTERNAL "llvm-symbolizer for sanitizer reports")
