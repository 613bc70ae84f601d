# fencebench_defects(): a variant of the core for each core/defects/NAME.patch, and for each
# build/patches/NAME.patch, which is where the command puts what a person hands to it (--patch FILE).
#
#   build/<preset>/defects/NAME/src        the files that the patch changes, patched
#   build/<preset>/defects/NAME/<target>-NAME   each fuzz target that links a patched library; not named
#                                          like the target, or `--target <target>` would mean it
#   CMake targets                          <target>-NAME, and `defects` for those whose reproducer is
#                                          for that target; not part of `all`
#   build/<preset>/variants.txt            all of these, for the command; the target `variants` does nothing but
#                                          bring that up to date
#
# A patch that touches .cc files costs one compilation for each of them: the patched object stands
# before the archives on the link line, so the archive's member of the same file is never pulled.
# A patch that touches a header compiles everything anew that the target links from this
# repository, because any of it may include that header; src stands first on the include path.
# A patch that does not apply, with no fuzz allowed, fails the build of its variant.

# The files under core/ and fuzz/ that a patch changes, from its +++ lines.
function(fencebench_patched_files patch result)
  file(STRINGS "${patch}" lines REGEX "^\\+\\+\\+ ")
  set(files "")
  foreach(line IN LISTS lines)
    string(REGEX REPLACE "^\\+\\+\\+ [^/]+/([^\t]+).*" "\\1" file "${line}")
    string(STRIP "${file}" file)
    list(APPEND files "${file}")
  endforeach()
  if(NOT files)
    message(FATAL_ERROR "${patch}: no file to patch in it (no line '+++ b/path')")
  endif()
  set(${result} "${files}" PARENT_SCOPE)
endfunction()

# All libraries of this repository that a target or library links, itself included.
function(fencebench_link_closure target result)
  get_property(ours GLOBAL PROPERTY FENCEBENCH_LIBRARIES)
  set(closure ${target})
  set(open ${target})
  while(open)
    list(POP_FRONT open library)
    get_target_property(deps ${library} FENCEBENCH_DEPS)
    foreach(dep IN LISTS deps)
      if(dep IN_LIST ours AND NOT dep IN_LIST closure)
        list(APPEND closure ${dep})
        list(APPEND open ${dep})
      endif()
    endforeach()
  endwhile()
  set(${result} "${closure}" PARENT_SCOPE)
endfunction()

# The patched objects of one library in one variant; made once, shared by the targets. SOURCES are
# paths from the root; those that the patch touches come from the variant's own tree.
function(fencebench_patched_objects defect library sources touched result)
  string(REGEX REPLACE "-main$" "" short "${library}")
  set(objects "${short}-objects-${defect}")
  set(${result} "${objects}" PARENT_SCOPE)
  if(TARGET ${objects})
    return()
  endif()
  set(source_tree "${PROJECT_BINARY_DIR}/defects/${defect}/src")
  set(files "")
  foreach(source IN LISTS sources)
    if(source IN_LIST touched)
      list(APPEND files "${source_tree}/${source}")
    else()
      list(APPEND files "${PROJECT_SOURCE_DIR}/${source}")
    endif()
  endforeach()
  add_library(${objects} OBJECT EXCLUDE_FROM_ALL ${files})
  fencebench_compile_as(${objects} ${library} "${PROJECT_SOURCE_DIR}" "${source_tree}")
  # A header that joins the patch later is new on the include path, where no dependency file knows
  # it: a changed command line is what makes the objects be compiled anew.
  string(MD5 fingerprint "${touched}")
  target_compile_definitions(${objects} PRIVATE FENCEBENCH_PATCHED_FILES=0x${fingerprint})
  get_target_property(deps ${library} FENCEBENCH_DEPS)
  target_link_libraries(${objects} PRIVATE ${deps})
  add_dependencies(${objects} apply-${defect})
endfunction()

# IN_CATALOGUE: held by tests. What is not may come and go, and breaks nothing but itself.
function(fencebench_defect patch in_catalogue)
  get_filename_component(defect "${patch}" NAME_WE)
  set(directory "${PROJECT_BINARY_DIR}/defects/${defect}")
  set(source_tree "${directory}/src")
  set_property(DIRECTORY "${PROJECT_SOURCE_DIR}" APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${patch}")
  fencebench_patched_files("${patch}" touched)
  set(header_touched FALSE)
  set(originals "")
  set(copies "")
  foreach(file IN LISTS touched)
    if(NOT file MATCHES "\\.(cc|c)$")
      set(header_touched TRUE)
    endif()
    if(EXISTS "${PROJECT_SOURCE_DIR}/${file}")
      list(APPEND originals "${PROJECT_SOURCE_DIR}/${file}")
    endif()
    list(APPEND copies "${source_tree}/${file}")
  endforeach()
  add_custom_command(
      OUTPUT ${copies}
      COMMAND "${CMAKE_COMMAND}" "-DDEFECT=${defect}" "-DPATCH=${patch}" "-DFILES=${touched}"
              "-DPATCH_PROGRAM=${FENCEBENCH_PATCH}" "-DFROM=${PROJECT_SOURCE_DIR}"
              "-DTO=${source_tree}" -P "${PROJECT_SOURCE_DIR}/cmake/ApplyDefect.cmake"
      DEPENDS "${patch}" ${originals} "${PROJECT_SOURCE_DIR}/cmake/ApplyDefect.cmake"
      COMMENT "Applying defect ${defect}" VERBATIM)
  add_custom_target(apply-${defect} DEPENDS ${copies})

  set(homeless "${touched}")
  get_property(targets GLOBAL PROPERTY FENCEBENCH_TARGETS)
  get_property(libraries GLOBAL PROPERTY FENCEBENCH_LIBRARIES)
  foreach(library IN LISTS libraries)
    get_target_property(sources ${library} FENCEBENCH_SOURCES)
    list(REMOVE_ITEM homeless ${sources})
  endforeach()
  foreach(file IN LISTS homeless)
    if(file MATCHES "\\.(cc|c)$" AND in_catalogue)
      message(FATAL_ERROR "core/defects/${defect}.patch patches ${file}, "
                          "which is not a source of any library")
    endif()
  endforeach()

  foreach(target IN LISTS targets)
    set(patched "")
    set(main ${target}-main)
    fencebench_link_closure(${main} closure)
    set(drives_core FALSE)
    foreach(library IN LISTS closure)
      get_target_property(sources ${library} FENCEBENCH_SOURCES)
      if(sources MATCHES "(^|;)core/")
        set(drives_core TRUE)
      endif()
      if(NOT header_touched)
        set(wanted "")
        foreach(source IN LISTS sources)
          if(source IN_LIST touched)
            list(APPEND wanted "${source}")
          endif()
        endforeach()
        set(sources "${wanted}")
      endif()
      if(sources)
        list(APPEND patched "${library}")
        set(patched_${library} "${sources}")
      endif()
    endforeach()
    if(NOT drives_core OR NOT patched)
      continue()
    endif()
    set(variant ${target}-${defect})
    set_property(GLOBAL APPEND PROPERTY FENCEBENCH_VARIANTS ${variant})
    add_executable(${variant} EXCLUDE_FROM_ALL)
    foreach(library IN LISTS patched)
      fencebench_patched_objects(${defect} ${library} "${patched_${library}}" "${touched}"
                                 objects)
      if(library STREQUAL main)
        set(main ${objects})
      else()
        target_sources(${variant} PRIVATE $<TARGET_OBJECTS:${objects}>)
      endif()
    endforeach()
    fencebench_link_target(${variant} ${main} "${directory}")
    get_target_property(deps ${target}-main FENCEBENCH_DEPS)
    target_link_libraries(${variant} PRIVATE ${deps})
    if(in_catalogue)
      fencebench_defect_test(${target} ${defect} held)
      if(held)
        add_dependencies(defects ${variant})
      endif()
    endif()
  endforeach()
endfunction()

function(fencebench_defects)
  file(GLOB patches CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/core/defects/*.patch")
  file(GLOB handed CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/build/patches/*.patch")
  if(NOT patches AND NOT handed)
    return()
  endif()
  find_program(FENCEBENCH_PATCH patch REQUIRED)
  add_custom_target(defects)
  # Building the variants is a test: every patch applies and compiles at every commit.
  add_test(NAME defects.build
           COMMAND "${CMAKE_COMMAND}" --build "${PROJECT_BINARY_DIR}" --target defects -- -k 0)
  set_tests_properties(defects.build PROPERTIES
      LABELS "build;defect" TIMEOUT 1800 FIXTURES_SETUP defects RUN_SERIAL TRUE)
  add_test(NAME defects.apply
           COMMAND "${CMAKE_COMMAND}" "-DSCRATCH=${PROJECT_BINARY_DIR}/apply_defect_test"
                   "-DPATCH_PROGRAM=${FENCEBENCH_PATCH}"
                   -P "${PROJECT_SOURCE_DIR}/cmake/ApplyDefectTest.cmake")
  set_tests_properties(defects.apply PROPERTIES LABELS build TIMEOUT 60)
  foreach(patch IN LISTS patches)
    fencebench_defect("${patch}" TRUE)
  endforeach()
  foreach(patch IN LISTS handed)
    fencebench_defect("${patch}" FALSE)
  endforeach()
  get_property(variants GLOBAL PROPERTY FENCEBENCH_VARIANTS)
  list(JOIN variants "\n" variants)
  file(WRITE "${PROJECT_BINARY_DIR}/variants.txt" "${variants}\n")
  add_custom_target(variants)
endfunction()
