// What a target starts from. Its stored corpora are out/corpus/TARGET/VARIANT, a folder for each
// sanitizer, engine and defect. A job writes into its own and starts from all.
#pragma once

#include <vector>

#include "fuzz/tool/files.h"
#include "fuzz/tool/project.h"

namespace tool {

// The seeds of a target in the checkout: corpus/TARGET, and of corpus/regressions what names it.
std::vector<fs::path> seed_files(const Project& project, const std::string& target);

// The folders beside `own`, sorted.
std::vector<fs::path> corpora_beside(const fs::path& own);

// kLink: a link to a file that has the name of its content already, for who only reads; a copy of
// any other.
enum class Gather { kLink, kCopy };

// Brings the inputs of the folders `from` together in `to`, which is made, named by content as
// libFuzzer does. What is in one of the folders `known` under that name is left out, and so is what
// is no input: empty, larger than libFuzzer takes, or not to be read. Returns how many there are.
size_t gather_inputs(const std::vector<fs::path>& from, const fs::path& to, Gather how,
                     const std::vector<fs::path>& known = {});

// Adds an input to `corpus`, which is made, under the name of its content: there at once and whole.
// `scratch`: a folder on the same file system. False: it was there.
bool add_input(const fs::path& corpus, std::string_view content, const fs::path& scratch);

}  // namespace tool
