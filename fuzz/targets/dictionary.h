// Dictionaries for fuzzing engines, made of the tables that say what inputs mean: the shortest form
// of each operation, step or call as bytes, or the words of the input language for a target that
// reads text.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace dictionary {

struct Entry {
  std::string name;  // letters, digits and _
  std::vector<uint8_t> bytes;
};

// Empty: the target's inputs have no form that is known.
std::vector<Entry> of_target(const std::string& target);

// As libFuzzer and AFL++ read it, an entry a line: name="bytes".
std::string to_text(const std::vector<Entry>& entries);

}  // namespace dictionary
