# Makes the patched files of one defect. Run by the build (Defects.cmake) with
#   DEFECT name, PATCH file, PATCH_PROGRAM, FILES what the patch touches (paths from the root),
#   FROM root of the sources, TO the folder for the patched files.
# Works in a scratch folder and then copies only what differs, so that unchanged files keep their
# time and nothing is compiled in vain.
cmake_minimum_required(VERSION 3.22)

set(scratch "${TO}.scratch")
file(REMOVE_RECURSE "${scratch}")
foreach(file IN LISTS FILES)
  get_filename_component(folder "${file}" DIRECTORY)
  file(MAKE_DIRECTORY "${scratch}/${folder}" "${TO}/${folder}")
  if(EXISTS "${FROM}/${file}")
    file(COPY_FILE "${FROM}/${file}" "${scratch}/${file}")
  endif()
endforeach()

# --force: never ask, never guess that the patch is reversed. --fuzz=0: the context must be exact.
execute_process(
    COMMAND "${PATCH_PROGRAM}" --strip=1 --fuzz=0 --force --no-backup-if-mismatch --reject-file=-
            "--directory=${scratch}" "--input=${PATCH}"
    RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(NOT status EQUAL 0)
  file(REMOVE_RECURSE "${scratch}")
  string(REPLACE "\n" "\n    " output "    ${output}")
  message(FATAL_ERROR
      "defect ${DEFECT}: the patch does not apply to the sources as they are now: ${PATCH}\n"
      "${output}\n"
      "Make the change again by hand in the sources and write its diff to the patch.")
endif()

file(GLOB_RECURSE old RELATIVE "${TO}" "${TO}/*")
foreach(file IN LISTS old)
  if(NOT EXISTS "${scratch}/${file}")
    file(REMOVE "${TO}/${file}")
  endif()
endforeach()
foreach(file IN LISTS FILES)
  file(COPY_FILE "${scratch}/${file}" "${TO}/${file}" ONLY_IF_DIFFERENT)
endforeach()
file(REMOVE_RECURSE "${scratch}")
