# Replays: what stands in corpus/ runs on the targets as tests.
#
#   corpus/<target>/*        run on that target, no finding expected           replay.<target>
#                            in three orders, the same traces expected         replay_orders.<target>
#   corpus/regressions/*     findings that were fixed: likewise, on the target that each names
#   corpus/defects/NAME.*    on the unpatched target, no finding expected      replay.<target>
#                            on the variant NAME, its verdict expected         defect.NAME.<target>
#                            and what its patch says that others see of it     defect.NAME.<target>.DETECTOR
#
# Programs (.fence), lists of steps (.steps) and ioctl calls (.calls) are kept as text and assembled to bytes under
# build/<preset>/corpus; other files are taken as they are. A regression and the reproducer of a defect say in their `# fencebench:`
# line which target they are for; that of a defect also which verdict it must end in. Replays run under the determinism guard (fuzz/targets/determinism_guard.h).

# Adds the rule that assembles one file of text for that target; RESULT is the file of bytes.
function(fencebench_assemble text target result)
  file(RELATIVE_PATH name "${PROJECT_SOURCE_DIR}/corpus" "${text}")
  string(REGEX REPLACE "\\.(fence|steps|calls)$" "" name "${name}")
  set(bytes "${PROJECT_BINARY_DIR}/corpus/${name}")
  get_filename_component(folder "${bytes}" DIRECTORY)
  file(MAKE_DIRECTORY "${folder}")
  # The assembler is a tool of the build here, not under test: its own tests judge it.
  add_custom_command(OUTPUT "${bytes}"
      COMMAND "${CMAKE_COMMAND}" -E env ASAN_OPTIONS=detect_leaks=0
              MSAN_OPTIONS=poison_in_malloc=0:poison_in_free=0:poison_stack_with_zeroes=1
              $<TARGET_FILE:assemble> "${text}" "${bytes}" "${target}"
      DEPENDS "${text}" assemble COMMENT "Assembling corpus/${name}" VERBATIM)
  set_property(GLOBAL APPEND PROPERTY FENCEBENCH_ASSEMBLED "${bytes}")
  set(${result} "${bytes}" PARENT_SCOPE)
endfunction()

# The value of KEY in the `# fencebench: key=value key="value"` line of a reproducer, or empty.
function(fencebench_reproducer_field text key result)
  set_property(DIRECTORY "${PROJECT_SOURCE_DIR}" APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${text}")
  file(STRINGS "${text}" lines REGEX "^# fencebench:")
  set(value "")
  if(lines MATCHES " ${key}=\"([^\"]*)\"")
    set(value "${CMAKE_MATCH_1}")
  elseif(lines MATCHES " ${key}=([^ ]+)")
    set(value "${CMAKE_MATCH_1}")
  endif()
  set(${result} "${value}" PARENT_SCOPE)
endfunction()

function(fencebench_corpus_tests)
  if(NOT BUILD_TESTING)
    return()
  endif()
  get_property(targets GLOBAL PROPERTY FENCEBENCH_TARGETS)
  if(NOT targets)
    return()
  endif()
  fencebench_executable(assemble SOURCES fuzz/targets/assemble.cc DEPS text_form)
  set(texts "")
  foreach(folder IN ITEMS defects regressions)
    foreach(form IN ITEMS fence steps calls)
      list(APPEND texts "${PROJECT_SOURCE_DIR}/corpus/${folder}/*.${form}")
    endforeach()
  endforeach()
  file(GLOB reproducers CONFIGURE_DEPENDS ${texts})
  foreach(reproducer IN LISTS reproducers)
    fencebench_reproducer_field("${reproducer}" target its_target)
    if(NOT its_target IN_LIST targets)
      message(FATAL_ERROR "${reproducer}: its '# fencebench:' line must give target=, one of ${targets}")
    endif()
  endforeach()
  foreach(target IN LISTS targets)
    file(GLOB files CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/corpus/${target}/*")
    foreach(reproducer IN LISTS reproducers)
      fencebench_reproducer_field("${reproducer}" target its_target)
      if(its_target STREQUAL target)
        list(APPEND files "${reproducer}")
      endif()
    endforeach()
    set(inputs "")
    foreach(file IN LISTS files)
      if(file MATCHES "\\.(fence|steps|calls)$")
        fencebench_assemble("${file}" ${target} file)
      endif()
      list(APPEND inputs "${file}")
    endforeach()
    if(inputs)
      add_test(NAME replay.${target} COMMAND ${target} ${inputs})
      add_test(NAME replay_orders.${target}
          COMMAND sh "${PROJECT_SOURCE_DIR}/cmake/replay_orders.sh" $<TARGET_FILE:${target}> ${inputs})
      fencebench_test_environment(replay.${target} replay_orders.${target})
      set_property(TEST replay.${target} APPEND PROPERTY
          ENVIRONMENT FENCEBENCH_OPTIONS=determinism=twice)
      set_tests_properties(replay.${target} PROPERTIES LABELS replay TIMEOUT 600)
      set_tests_properties(replay_orders.${target} PROPERTIES LABELS replay-orders TIMEOUT 600)
    endif()
  endforeach()
  add_test(NAME replay_orders.planted
      COMMAND sh "${PROJECT_SOURCE_DIR}/cmake/replay_orders_test.sh"
              "${PROJECT_BINARY_DIR}/replay_orders_test")
  set_tests_properties(replay_orders.planted PROPERTIES LABELS build TIMEOUT 60)
  get_property(assembled GLOBAL PROPERTY FENCEBENCH_ASSEMBLED)
  add_custom_target(corpus ALL DEPENDS ${assembled})
endfunction()

# What the SUMMARY line of a report must contain for a verdict as the command words it: our own
# literally, of a sanitizer's the kind of bug.
function(fencebench_expected_summary verdict result)
  if(verdict MATCHES "^LeakSanitizer")
    set(verdict "byte(s) leaked in")
  elseif(verdict MATCHES "^([A-Za-z]+Sanitizer): ([^ ]+)")
    string(REPLACE "data-race" "data race" kind "${CMAKE_MATCH_2}")
    set(verdict "${CMAKE_MATCH_1}: ${kind}")
  endif()
  set(${result} "${verdict}" PARENT_SCOPE)
endfunction()

# The list in the field `detectors` of a patch's header.
function(fencebench_detectors patch result)
  file(STRINGS "${patch}" lines LIMIT_COUNT 40)
  set(value "")
  set(inside FALSE)
  foreach(line IN LISTS lines)
    if(line MATCHES "^detectors:(.*)")
      set(inside TRUE)
      set(value "${CMAKE_MATCH_1}")
    elseif(inside AND line MATCHES "^  (.*)")
      string(APPEND value " ${CMAKE_MATCH_1}")
    else()
      set(inside FALSE)
    endif()
  endforeach()
  string(REPLACE "," ";" items "${value}")
  set(detectors "")
  foreach(item IN LISTS items)
    string(STRIP "${item}" item)
    list(APPEND detectors "${item}")
  endforeach()
  set(${result} "${detectors}" PARENT_SCOPE)
endfunction()

function(fencebench_add_defect_test test target defect checks expected)
  add_test(NAME ${test}
      COMMAND "${CMAKE_COMMAND}" -E env "FENCEBENCH_OPTIONS=checks=${checks}:determinism=twice"
              "${CMAKE_COMMAND}" "-DPROGRAM=$<TARGET_FILE:${target}-${defect}>"
              "-DARGUMENTS=${PROJECT_BINARY_DIR}/corpus/defects/${defect}"
              -DEXPECTED_LINE=SUMMARY: "-DEXPECTED=${expected}"
              -P "${PROJECT_SOURCE_DIR}/cmake/ExpectReport.cmake")
  fencebench_test_environment(${test})
  set_tests_properties(${test} PROPERTIES LABELS defect TIMEOUT 120 FIXTURES_REQUIRED defects)
endfunction()

# Which build has a sanitizer.
set(fencebench_build_of_AddressSanitizer asan)
set(fencebench_build_of_LeakSanitizer asan)
set(fencebench_build_of_UndefinedBehaviorSanitizer asan)
set(fencebench_build_of_ThreadSanitizer tsan)
set(fencebench_build_of_MemorySanitizer msan)

# What the patch says that others see of the defect than the reproducer's own verdict: sanitizers with our
# checkers off, which might come first.
function(fencebench_defect_detector_tests test target defect verdict)
  get_filename_component(preset "${PROJECT_BINARY_DIR}" NAME)
  fencebench_expected_summary("${verdict}" own)
  fencebench_detectors("${PROJECT_SOURCE_DIR}/core/defects/${defect}.patch" detectors)
  foreach(detector IN LISTS detectors)
    set(expected "fencebench: ${detector}")
    set(checks none)
    if(detector MATCHES "^([A-Za-z]+Sanitizer) ?(.*)")
      set(sanitizer "${CMAKE_MATCH_1}")
      set(kind "${CMAKE_MATCH_2}")
      if(NOT DEFINED fencebench_build_of_${sanitizer})
        message(FATAL_ERROR "core/defects/${defect}.patch: there is no detector '${detector}'")
      endif()
      if(NOT fencebench_build_of_${sanitizer} STREQUAL preset)
        continue()
      endif()
      fencebench_expected_summary("${sanitizer}: ${kind}" expected)
    elseif(verdict MATCHES "^${detector}( |$)")
      continue()
    elseif(verdict MATCHES "Sanitizer" AND NOT preset STREQUAL "release")
      continue()  # ours come first only where no sanitizer is
    elseif(verdict MATCHES "Sanitizer")
      set(checks all)
    endif()
    if(own MATCHES "^${expected}")
      continue()
    endif()
    string(REGEX REPLACE "[^A-Za-z]+" "-" name "${detector}")
    fencebench_add_defect_test(${test}.${name} ${target} ${defect} ${checks} "${expected}")
  endforeach()
endfunction()

# Called for each variant (Defects.cmake). RESULT: whether the reproducer is for that target. A verdict of a
# sanitizer counts only where that sanitizer is built in; a verdict of our own checkers counts in every build.
function(fencebench_defect_test target defect result)
  set(${result} FALSE PARENT_SCOPE)
  if(NOT BUILD_TESTING)
    return()
  endif()
  set(text "")
  foreach(form IN ITEMS fence steps calls)
    if(EXISTS "${PROJECT_SOURCE_DIR}/corpus/defects/${defect}.${form}")
      list(APPEND text "${PROJECT_SOURCE_DIR}/corpus/defects/${defect}.${form}")
    endif()
  endforeach()
  list(LENGTH text count)
  if(count EQUAL 0)
    message(WARNING "core/defects/${defect}.patch has no reproducer corpus/defects/${defect}.fence, "
                    ".steps or .calls")
    return()
  elseif(count GREATER 1)
    message(FATAL_ERROR "core/defects/${defect}.patch has more than one reproducer: ${text}")
  endif()
  fencebench_reproducer_field("${text}" target its_target)
  fencebench_reproducer_field("${text}" verdict verdict)
  fencebench_reproducer_field("${text}" checks checks)
  fencebench_reproducer_field("${text}" sanitizer sanitizer)
  if(its_target STREQUAL "" OR verdict STREQUAL "")
    message(FATAL_ERROR "${text}: its '# fencebench:' line must give target= and verdict=")
  endif()
  if(NOT its_target STREQUAL target)
    return()
  endif()
  set(${result} TRUE PARENT_SCOPE)
  set(test defect.${defect}.${target})
  fencebench_defect_detector_tests(${test} ${target} ${defect} "${verdict}")
  get_filename_component(preset "${PROJECT_BINARY_DIR}" NAME)
  if(verdict MATCHES "Sanitizer" AND NOT sanitizer STREQUAL preset)
    return()
  endif()
  if(checks STREQUAL "")
    set(checks all)
  endif()
  fencebench_expected_summary("${verdict}" expected)
  fencebench_add_defect_test(${test} ${target} ${defect} ${checks} "${expected}")
endfunction()
