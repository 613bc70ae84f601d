// make_dictionary TARGET: prints the target's dictionary (dictionary.h). ci/oss-fuzz/build.sh uses
// it.

#include <cstdio>

#include "fuzz/targets/dictionary.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: make_dictionary TARGET\n");
    return 2;
  }
  const std::string text = dictionary::to_text(dictionary::of_target(argv[1]));
  if (text.empty()) {
    std::fprintf(stderr, "make_dictionary: nothing is known of the inputs of %s\n", argv[1]);
    return 1;
  }
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  return std::fflush(stdout) == 0 && written ? 0 : 2;
}
