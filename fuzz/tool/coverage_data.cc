#include "fuzz/tool/coverage_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>
#include <optional>
#include <tuple>
#include <utility>

#include "fuzz/tool/errors.h"
#include "fuzz/tool/strings.h"

namespace tool {
namespace {

using nlohmann::json;

struct Region {
  unsigned line = 0;
  unsigned column = 0;
  unsigned end_line = 0;
  unsigned end_column = 0;
};

Region region_of(const json& fields) {
  return {fields.at(0), fields.at(1), fields.at(2), fields.at(3)};
}

// llvm-cov's own rule for how often a line was reached. A segment holds from its place up to the
// next one: line, column, count, has a count, starts a region, is a gap between statements.
struct Segment {
  unsigned line = 0;
  uint64_t count = 0;
  bool has_count = false;
  bool is_entry = false;
  bool is_gap = false;

  bool starts_region() const { return has_count && is_entry && !is_gap; }
};

Segment segment_of(const json& fields) {
  return {fields.at(0), fields.at(2), fields.at(3), fields.at(4), fields.at(5)};
}

std::map<unsigned, uint64_t> lines_of(const json& segments) {
  std::map<unsigned, uint64_t> lines;
  std::optional<Segment> wrapped;  // holds at the beginning of the line
  size_t next = 0;
  unsigned line = segments.empty() ? 0 : segment_of(segments.at(0)).line;
  for (; next < segments.size(); line++) {
    bool skipped = false;
    bool starts = false;
    uint64_t count = wrapped && wrapped->has_count ? wrapped->count : 0;
    std::optional<Segment> last;
    for (; next < segments.size() && segment_of(segments[next]).line == line; next++) {
      Segment segment = segment_of(segments[next]);
      if (!last) skipped = segment.is_entry && !segment.has_count;
      if (segment.starts_region()) {
        starts = true;
        count = std::max(count, segment.count);
      }
      last = segment;
    }
    if (!skipped && (starts || (wrapped && wrapped->has_count))) lines[line] = count;
    if (last) wrapped = last;
  }
  return lines;
}

std::string text_at(const std::vector<std::string>& source, const Region& region) {
  constexpr size_t kMost = 60;
  if (region.line == 0 || region.line > source.size() || region.column == 0) return "";
  std::string_view line = source[region.line - 1];
  if (region.column > line.size()) return "";
  bool one_line = region.line == region.end_line && region.end_column > region.column;
  size_t length = one_line ? region.end_column - region.column : std::string_view::npos;
  std::string text = printable(trim(line.substr(region.column - 1, length)));
  if (one_line && text.size() <= kMost) return text;
  return text.substr(0, kMost) + "...";
}

// A switch without `default` has a condition of its own.
bool is_switch(const std::vector<std::string>& source, const Region& region) {
  if (region.line == 0 || region.line > source.size()) return false;
  std::string_view before = std::string_view(source[region.line - 1]).substr(0, region.column - 1);
  return before.ends_with("switch (");
}

// What the compiler decides is no condition; of these llvm-cov exports a branch nevertheless.
bool is_literal(std::string_view text) {
  return text == "true" || text == "false" || to_number(text).has_value();
}

constexpr int kExpansionRegion = 1;

// One function as it was compiled once: regions that a macro expands to have files of their own,
// numbered, each with the region of the macro's name in the file that it stands in.
class CompiledFunction {
 public:
  explicit CompiledFunction(const json& function) : function_(function) {
    for (const json& region : function.at("regions")) {
      if (region.at(7) == kExpansionRegion) expansions_.emplace(region.at(6).get<size_t>(), region);
    }
    while (expansions_.contains(main_file_)) main_file_++;
  }

  std::string file() const { return file(main_file_); }
  std::string file(size_t index) const { return function_.at("filenames").at(index); }
  uint64_t count() const { return function_.at("count"); }

  Region start() const {
    for (const json& region : function_.at("regions")) {
      if (region.at(5) == main_file_) return region_of(region);
    }
    return {};
  }

  // From the place in the function's own file inwards.
  std::vector<Region> path_of(const json& branch) const {
    std::vector<Region> path = {region_of(branch)};
    for (size_t index = branch.at(6); index != main_file_;) {
      auto entry = expansions_.find(index);
      if (entry == expansions_.end())
        throw EnvironmentError("llvm-cov export: a branch without a place");
      const json& expansion = entry->second;
      path.insert(path.begin(), region_of(expansion));
      index = expansion.at(5);
    }
    return path;
  }

 private:
  const json& function_;
  std::map<size_t, json> expansions_;  // by the file that they stand for
  size_t main_file_ = 0;
};

// Lines and columns from the function's file inwards, then which of several in the same place (the
// operands in a macro's argument).
using ConditionKey = std::vector<std::pair<unsigned, unsigned>>;

struct Collected {
  FileCoverage coverage;
  std::map<ConditionKey, Condition> conditions;
  std::map<std::pair<unsigned, unsigned>, uint64_t> functions;
};

class Parser {
 public:
  Parser(std::string_view root, const std::function<bool(const std::string&)>& counted,
         const SourceLines& source)
      : prefix_(std::string(root) + "/"), counted_(counted), source_(source) {}

  void read(const json& whole) {
    for (const json& data : whole.at("data")) {
      for (const json& file : data.at("files")) add_file(file);
      for (const json& function : data.at("functions")) add_function(function);
    }
  }

  std::vector<FileCoverage> take() {
    std::vector<FileCoverage> files;
    for (auto& [name, collected] : files_) {
      FileCoverage& coverage = collected.coverage;
      for (auto& [key, condition] : collected.conditions) {
        coverage.conditions.push_back(std::move(condition));
      }
      coverage.functions.all = collected.functions.size();
      for (const auto& [place, count] : collected.functions) {
        if (count > 0) coverage.functions.reached++;
      }
      files.push_back(std::move(coverage));
    }
    return files;
  }

 private:
  std::string name_of(const std::string& path) const {
    return path.starts_with(prefix_) ? path.substr(prefix_.size()) : "";
  }

  const std::vector<std::string>& source(const std::string& name) {
    auto [entry, is_new] = sources_.try_emplace(name);
    if (is_new) entry->second = source_(name);
    return entry->second;
  }

  void add_file(const json& file) {
    std::string name = name_of(file.at("filename"));
    if (name.empty() || !counted_(name)) return;
    FileCoverage& coverage = files_[name].coverage;
    coverage.name = name;
    coverage.lines = lines_of(file.at("segments"));
  }

  void add_function(const json& compiled) {
    CompiledFunction function(compiled);
    auto collected = files_.find(name_of(function.file()));
    if (collected == files_.end()) return;
    Region start = function.start();
    collected->second.functions[{start.line, start.column}] += function.count();
    std::map<ConditionKey, unsigned> seen;
    for (const json& branch : compiled.at("branches")) {
      std::vector<Region> path = function.path_of(branch);
      std::string inner =
          text_at(source(name_of(function.file(branch.at(6).get<size_t>()))), path.back());
      if (is_literal(inner)) continue;
      ConditionKey key;
      for (const Region& region : path) key.emplace_back(region.line, region.column);
      key.emplace_back(seen[key]++, 0);
      Condition& condition = collected->second.conditions[key];
      condition.line = path.front().line;
      condition.column = path.front().column;
      condition.text = text_at(source(collected->first), path.front());
      condition.is_switch = is_switch(source(collected->first), path.front());
      condition.times_true += branch.at(4).get<uint64_t>();
      condition.times_false += branch.at(5).get<uint64_t>();
    }
  }

  std::string prefix_;
  const std::function<bool(const std::string&)>& counted_;
  const SourceLines& source_;
  std::map<std::string, Collected> files_;
  std::map<std::string, std::vector<std::string>> sources_;
};

}  // namespace

std::string Ratio::text() const {
  if (all == 0) return "-";
  uint64_t tenths = reached * 1000 / all;
  return fmt::format("{}.{} %", tenths / 10, tenths % 10);
}

Ratio& Ratio::operator+=(const Ratio& other) {
  reached += other.reached;
  all += other.all;
  return *this;
}

Counts& Counts::operator+=(const Counts& other) {
  lines += other.lines;
  branches += other.branches;
  functions += other.functions;
  return *this;
}

Counts FileCoverage::counts() const {
  Counts counts;
  for (const auto& [line, count] : lines) counts.lines += {count > 0 ? 1u : 0u, 1};
  for (const Condition& condition : conditions) {
    uint64_t outcomes = (condition.times_true > 0) + (condition.times_false > 0);
    counts.branches += {outcomes, 2};
  }
  counts.functions = functions;
  return counts;
}

std::vector<Gap> FileCoverage::gaps() const {
  std::vector<Gap> gaps;
  bool inside = false;  // lines without code between two unreached ones belong to the gap
  for (const auto& [line, count] : lines) {
    if (count == 0 && inside) gaps.back().last_line = line;
    if (count == 0 && !inside) gaps.push_back({line, line, 0, "not reached"});
    inside = count == 0;
  }
  for (const Condition& condition : conditions) {
    auto line = lines.find(condition.line);
    bool both = condition.times_true > 0 && condition.times_false > 0;
    if (both || (line != lines.end() && line->second == 0)) continue;
    const char* what = condition.times_true > 0 && condition.is_switch ? "never none of its cases"
                       : condition.times_true > 0                      ? "never false"
                       : condition.times_false > 0                     ? "never true"
                                                                       : "never evaluated";
    gaps.push_back({condition.line, condition.line, condition.column,
                    fmt::format("{}: {}", what, condition.text)});
  }
  std::sort(gaps.begin(), gaps.end(), [](const Gap& a, const Gap& b) {
    return std::tie(a.first_line, a.column, a.what) < std::tie(b.first_line, b.column, b.what);
  });
  return gaps;
}

std::vector<FileCoverage> parse_coverage(std::string_view text, std::string_view root,
                                         const std::function<bool(const std::string&)>& counted,
                                         const SourceLines& source) {
  Parser parser(root, counted, source);
  try {
    json whole = json::parse(text);
    if (whole.at("type") != "llvm.coverage.json.export") {
      throw EnvironmentError("llvm-cov export printed something that is no coverage");
    }
    parser.read(whole);
  } catch (const json::exception& error) {
    throw EnvironmentError(
        fmt::format("cannot make sense of what llvm-cov export printed: {}", error.what()));
  }
  return parser.take();
}

bool is_test_file(std::string_view name) {
  std::string_view file = name.substr(name.rfind('/') + 1);
  for (const std::string& word : split(file.substr(0, file.find('.')), '_')) {
    if (word == "test" || word == "tests") return true;
  }
  return false;
}

std::string folder_of(std::string_view name) {
  size_t slash = name.rfind('/');
  return std::string(name.substr(0, slash == std::string_view::npos ? 0 : slash));
}

std::map<std::string, Counts> by_folder(const std::vector<FileCoverage>& files) {
  std::map<std::string, Counts> folders;
  for (const FileCoverage& file : files) folders[folder_of(file.name)] += file.counts();
  return folders;
}

Counts total(const std::vector<FileCoverage>& files) {
  Counts sum;
  for (const FileCoverage& file : files) sum += file.counts();
  return sum;
}

}  // namespace tool
