// What llvm-cov found out, per source file: which lines, branches and functions were reached.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace tool {

// How much of something was reached.
struct Ratio {
  uint64_t reached = 0;
  uint64_t all = 0;

  uint64_t missed() const { return all - reached; }
  bool below(uint64_t percent) const { return reached * 100 < all * percent; }
  // "97.9 %", rounded down so that it never shows more than there is; "-" of nothing.
  std::string text() const;
  Ratio& operator+=(const Ratio& other);
  bool operator==(const Ratio&) const = default;
};

struct Counts {
  Ratio lines;
  Ratio branches;
  Ratio functions;

  Counts& operator+=(const Counts& other);
};

// One condition: an `if`, an operand of && and ||, a `case`. Each has two branches, one for either
// outcome.
struct Condition {
  unsigned line = 0;
  unsigned column = 0;
  std::string text;  // as the source has it; of a condition inside a macro, the macro's name
  uint64_t times_true = 0;
  uint64_t times_false = 0;
  bool is_switch = false;  // of one without `default`: true is any of its cases, false none
};

// A place that nobody reached.
struct Gap {
  unsigned first_line = 0;
  unsigned last_line = 0;
  unsigned column = 0;  // 0: whole lines
  std::string what;     // "not reached", "never true: error < 0"

  bool operator==(const Gap&) const = default;
};

struct FileCoverage {
  std::string name;                    // from the root of the checkout
  std::map<unsigned, uint64_t> lines;  // those with code, how often each was reached
  std::vector<Condition> conditions;   // by line and column
  Ratio functions;

  Counts counts() const;
  // In the order of the lines. A condition in a line that nobody reached is not named again.
  std::vector<Gap> gaps() const;
};

// The lines of a source file, named from the root; empty if there is no such file.
using SourceLines = std::function<std::vector<std::string>(const std::string& name)>;

// Reads the output of `llvm-cov export`, sorted by name. Counts the files below `root` for which
// `counted` is true. What is compiled several times (templates, inline functions) counts once:
// reached if any of it is. EnvironmentError if the text is something else.
std::vector<FileCoverage> parse_coverage(std::string_view json, std::string_view root,
                                         const std::function<bool(const std::string&)>& counted,
                                         const SourceLines& source);

// Whether a file is a test or there for tests only: one of the words of its name is "test".
bool is_test_file(std::string_view name);

// core/dma/fence.cc -> core/dma
std::string folder_of(std::string_view name);

// By folder, sorted.
std::map<std::string, Counts> by_folder(const std::vector<FileCoverage>& files);
Counts total(const std::vector<FileCoverage>& files);

}  // namespace tool
