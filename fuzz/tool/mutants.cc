#include "fuzz/tool/mutants.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <tuple>

#include "fuzz/tool/files.h"
#include "fuzz/tool/line_diff.h"
#include "fuzz/tool/strings.h"

namespace tool {
namespace {

constexpr std::string_view kCanaryInclude = "#include \"core/kernel/canary.h\"";
constexpr const char* kFolders[] = {"core/dma", "core/drm", "core/userq"};

// What lies beside the driver and is none of it.
const std::set<std::string>& not_the_driver() {
  static const std::set<std::string> kFiles = {
      "core/userq/gpu.cc",         // the hardware
      "core/userq/invariants.cc",  // checks of the bench
      "core/userq/lock_order.cc",  // likewise
  };
  return kFiles;
}

// Functions that the harness alone calls, and checks of the bench.
bool is_of_the_bench(const std::string& function) {
  static const std::set<std::string> kFunctions = {"check_device_idle", "check_nothing_runs",
                                                   "fence_reset",       "hardware_in_use",
                                                   "resv_reset",        "run_callback"};
  return kFunctions.contains(function);
}

std::string apply(const std::string& text, std::vector<Edit> edits) {
  std::sort(edits.begin(), edits.end(), [](const Edit& a, const Edit& b) {
    return std::pair(a.bytes.begin, a.bytes.end) < std::pair(b.bytes.begin, b.bytes.end);
  });
  std::string result;
  size_t at = 0;
  for (const Edit& edit : edits) {
    if (edit.bytes.begin < at) return text;  // two edits of one place: no mutant
    result.append(text, at, edit.bytes.begin - at);
    result += edit.text;
    at = edit.bytes.end;
  }
  return result.append(text, at);
}

// The include of the canary, where the alphabet wants it.
std::string with_include(const std::string& text) {
  if (text.find(kCanaryInclude) != std::string::npos) return text;
  std::string result;
  size_t after_last = 0;  // of the includes of this repository, in the result
  bool done = false;
  bool own = true;  // the first include of a file is its own header
  for (const std::string& line : split(text, '\n')) {
    const bool include = line.starts_with("#include \"");
    if (include && !own && !done && line > kCanaryInclude) {
      result += std::string(kCanaryInclude) + "\n";
      done = true;
    }
    result += line + "\n";
    if (line.starts_with("#include ")) {
      own = false;
      if (include && !done) after_last = result.size();
    }
  }
  result.pop_back();  // split() sees a line behind the last newline
  if (!done && after_last == 0) return text;
  if (!done) result.insert(after_last, std::string(kCanaryInclude) + "\n");
  return result;
}

std::string replace_all(std::string text, std::string_view from, std::string_view to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

// "core/userq/wait_ioctl.cc" -> "userq-wait-ioctl"
std::string short_name(const std::string& file) {
  std::string name = file.substr(0, file.rfind('.'));
  if (name.starts_with("core/")) name = name.substr(5);
  return slug(name, 60);
}

std::string wrapped(const std::string& text, size_t width) {
  std::string result;
  size_t column = 0;
  for (const std::string& word : split(text, ' ')) {
    if (column > 0 && column + 1 + word.size() > width) {
      result += "\n  ";
      column = 2;
    } else if (column > 0) {
      result += " ";
      column++;
    }
    result += word;
    column += word.size();
  }
  return result;
}

bool is_plain(const std::string& path) {
  return std::all_of(path.begin(), path.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.' || c == '/';
  });
}

template <typename T>
void shuffle(std::vector<T>& values, std::mt19937_64& random) {
  for (size_t i = values.size(); i > 1; i--) std::swap(values[i - 1], values[random() % i]);
}

// One of each list in turn, until all are used up.
template <typename T>
std::vector<T> in_turn(const std::vector<std::vector<T>>& lists) {
  std::vector<T> result;
  size_t longest = 0;
  for (const auto& list : lists) longest = std::max(longest, list.size());
  for (size_t i = 0; i < longest; i++)
    for (const auto& list : lists)
      if (i < list.size()) result.push_back(list[i]);
  return result;
}

}  // namespace

std::string CoreMutant::unmarked() const { return replace_all(after, kMutantCanary, "(void)0;"); }

std::string CoreMutant::patch() const {
  const std::string trigger = fmt::format("trigger: in {} ({}:{}): {}", function, file, line, what);
  return fmt::format(
      "name: {}\ncatalogue: mutant\nupstream: none\nversions: none\nclass: {}\ndetectors: any\n"
      "{}\n\n{}",
      name, by->defect_class, wrapped(trigger, 118), unified_diff(file, before, after));
}

std::vector<CoreMutant> mutants_of(const std::string& file, const std::string& text) {
  const cxx::Source source(text);
  struct Found {
    CoreMutant mutant;
    size_t at;
    size_t order;
    size_t number;
  };
  std::vector<Found> found;
  std::set<std::string> seen = {text};
  const std::vector<MutantOperator>& operators = mutant_operators();
  for (size_t order = 0; order < operators.size(); order++) {
    for (const cxx::Function& function : source.functions()) {
      if (is_of_the_bench(function.name)) continue;
      for (const Site& site : sites_of(source, function)) {
        for (const Change& change : operators[order].propose(site)) {
          std::string after = apply(text, change.edits);
          if (!seen.insert(after).second) continue;
          if (after.find(kMutantCanary) != std::string::npos) after = with_include(after);
          found.push_back({{.name = "",
                            .by = &operators[order],
                            .file = file,
                            .line = source.line_of(change.at),
                            .function = function.name,
                            .what = change.what,
                            .before = text,
                            .after = std::move(after)},
                           change.at,
                           order,
                           found.size()});
        }
      }
    }
  }
  std::sort(found.begin(), found.end(), [](const Found& a, const Found& b) {
    return std::tie(a.at, a.order, a.number) < std::tie(b.at, b.order, b.number);
  });
  std::vector<CoreMutant> mutants;
  std::map<std::string, size_t> taken;
  for (Found& one : found) {
    one.mutant.name =
        fmt::format("mutant-{}-{}-{}", one.mutant.by->name, one.mutant.line, short_name(file));
    const size_t number = ++taken[one.mutant.name];
    if (number > 1) one.mutant.name += fmt::format("-{}", number);
    mutants.push_back(std::move(one.mutant));
  }
  return mutants;
}

std::vector<std::string> mutated_files(const std::filesystem::path& root) {
  std::vector<std::string> files;
  for (const char* folder : kFolders) {
    for (const std::string& name : files_in(root / folder)) {
      std::string file = fmt::format("{}/{}", folder, name);
      if (!name.ends_with(".cc") || name.ends_with("_test.cc") || !is_plain(file)) continue;
      if (!not_the_driver().contains(file)) files.push_back(std::move(file));
    }
  }
  return files;
}

std::vector<CoreMutant> all_mutants(const std::filesystem::path& root) {
  std::vector<CoreMutant> all;
  for (const std::string& file : mutated_files(root)) {
    std::vector<CoreMutant> mutants = mutants_of(file, read_file(root / file));
    std::move(mutants.begin(), mutants.end(), std::back_inserter(all));
  }
  return all;
}

std::vector<size_t> spread(const std::vector<CoreMutant>& mutants, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<std::vector<size_t>> by_operator;
  for (const MutantOperator& one : mutant_operators()) {
    std::map<std::string, std::vector<size_t>> by_file;
    for (size_t i = 0; i < mutants.size(); i++)
      if (mutants[i].by == &one) by_file[mutants[i].file].push_back(i);
    std::vector<std::vector<size_t>> files;
    for (auto& [file, numbers] : by_file) {
      shuffle(numbers, random);
      files.push_back(std::move(numbers));
    }
    shuffle(files, random);
    by_operator.push_back(in_turn(files));
  }
  return in_turn(by_operator);
}

}  // namespace tool
