// Sorts what lies in folders of findings: which of them are one bug, and what is the best of each.
#pragma once

#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "fuzz/tool/finding.h"
#include "fuzz/tool/signature.h"
#include "fuzz/tool/verdict.h"

namespace tool {

// One finding: an input with what it ended in, or a report without an input.
struct Found {
  std::filesystem::path path;  // the input, or the report if there is none
  bool has_input = false;
  std::string broken{};  // why the input cannot be executed; empty if it can
  FindingComment comment{};
  Verdict verdict{};
  Signature signature{};
  uint64_t bytes = 0;     // as the target reads it
  std::string content{};  // names these bytes and their target; empty without an input
  std::string seen{};     // UTC, as in FindingComment; else the time of the file
  bool seen_is_of_file = false;
};

// A file that is no finding, or could not be read, and why.
struct Passed {
  std::filesystem::path path;
  std::string why;
  bool trouble = false;  // it may be a finding: someone has to look
};

struct Scan {
  std::vector<Found> found;  // by path
  std::vector<Passed> passed;
};

// Reads everything below `folders`; links are not followed, nothing is written. `target`: which
// target raw files of libFuzzer's (crash-...) are for; empty: they are passed. `root`: places below
// it are shown relative to it. UsageError if one of `folders` is none.
Scan scan_findings(const std::vector<std::filesystem::path>& folders, const std::string& target,
                   const std::filesystem::path& root);

// One bug: findings with one signature, and with others that are the same for a reason.
struct BugRow {
  struct Alias {
    Signature signature;
    size_t count = 0;
    std::string why;
  };
  Signature signature;
  size_t count = 0;             // findings, those of aliases included
  std::vector<size_t> members;  // indices, the smallest input first
  std::vector<Alias> aliases;
  std::string verdict;  // of the smallest
  std::string first;    // when it was seen
  std::string last;
  bool times_are_of_files = false;  // at least one of both
  std::set<std::string> targets;
  std::set<std::string> sanitizers;
  std::set<std::string> defects;  // "" is the core as it is
  std::set<std::string> commits;
};

// The bugs among them, those with most findings first. Two signatures are one bug if
// - the same bytes, executed on the same core, ended in both;
// - one is the ledger's (or the slab's) leak of an object, the other LeakSanitizer's of the memory
//   that such objects are made of;
// - two sanitizers, or one of them and a checker of ours, found memory misused in the same
// function.
std::vector<BugRow> group_findings(const std::vector<Found>& found);

}  // namespace tool
