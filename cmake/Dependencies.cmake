# Everything from outside, found once. ci/packages names the Debian packages these come from.

find_package(Threads REQUIRED)

# Boost.Context static where possible: a target binary then runs on a machine without Boost.
set(Boost_USE_STATIC_LIBS ON)
find_package(Boost QUIET COMPONENTS context)
if(NOT Boost_CONTEXT_FOUND)
  set(Boost_USE_STATIC_LIBS OFF)
  find_package(Boost REQUIRED COMPONENTS context)
endif()

# GoogleTest comes compiled against an uninstrumented libstdc++, so not for MemorySanitizer.
if(BUILD_TESTING AND NOT FENCEBENCH_SANITIZER STREQUAL "memory")
  find_package(GTest REQUIRED)
endif()

# Only the command uses these.
if(FENCEBENCH_COMMAND)
  find_package(CLI11 REQUIRED)
  find_package(fmt REQUIRED)
  find_package(nlohmann_json REQUIRED)
  find_package(SQLiteCpp REQUIRED)
endif()
