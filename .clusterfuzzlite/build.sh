#!/bin/bash -eu
# Everything is as for OSS-Fuzz.
exec bash -eu "$SRC/fencebench/ci/oss-fuzz/build.sh"
