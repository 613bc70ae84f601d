#include "fuzz/tool/triage.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>
#include <tuple>

#include "fuzz/targets/text_form.h"
#include "fuzz/tool/errors.h"
#include "fuzz/tool/files.h"
#include "fuzz/tool/input.h"
#include "fuzz/tool/project.h"
#include "fuzz/tool/sha1.h"
#include "fuzz/tool/strings.h"

namespace tool {
namespace {

// Inputs and reports are far smaller; what is larger is something else, and is not read.
constexpr uintmax_t kLargest = 8 << 20;

bool is_raw(const std::string& name) {
  for (const char* beginning : {"crash-", "leak-", "timeout-", "oom-"}) {
    if (name.starts_with(beginning)) return name.find('.') == std::string::npos;
  }
  return false;
}

std::string file_time(const fs::path& path) {
  std::error_code error;
  const auto written = fs::last_write_time(path, error);
  if (error) return "";
  return utc_time(std::chrono::system_clock::to_time_t(
      std::chrono::time_point_cast<std::chrono::system_clock::duration>(
          std::chrono::file_clock::to_sys(written))));
}

class Scanner {
 public:
  Scanner(std::string target, fs::path root) : target_(std::move(target)), root_(std::move(root)) {}

  void folder(const fs::path& path) {
    std::error_code error;
    std::vector<fs::path> entries;
    for (fs::directory_iterator entry(path, error), end; !error && entry != end;
         entry.increment(error)) {
      entries.push_back(entry->path());
    }
    if (error) pass(path, "cannot be read: " + error.message(), true);
    if (entries.empty() && !error) pass(path, "is empty");
    std::sort(entries.begin(), entries.end());
    for (const fs::path& entry : entries) {
      const fs::file_status status = fs::symlink_status(entry, error);
      if (error) {
        pass(entry, "cannot be looked at: " + error.message(), true);
      } else if (fs::is_symlink(status)) {
        pass(entry, "is a link, not followed");
      } else if (fs::is_directory(status)) {
        folder(entry);
      } else if (!fs::is_regular_file(status)) {
        pass(entry, "is no regular file");
      } else if (seen_.insert(fs::absolute(entry, error).lexically_normal()).second) {
        file(entry);
      }
    }
  }

  Scan take() {
    std::sort(scan_.found.begin(), scan_.found.end(),
              [](const Found& a, const Found& b) { return a.path < b.path; });
    return std::move(scan_);
  }

 private:
  void pass(const fs::path& path, const std::string& why, bool trouble = false) {
    scan_.passed.push_back({path, why, trouble});
  }

  // Nothing if it cannot be read whole; that is noted.
  std::optional<std::string> content(const fs::path& path) {
    std::error_code error;
    const uintmax_t size = fs::file_size(path, error);
    if (!error && size > kLargest) {
      pass(path, fmt::format("is too large for a finding: {} bytes, not read", with_commas(size)),
           true);
      return {};
    }
    try {
      return read_named_file(path);
    } catch (const UsageError& failure) {
      pass(path, failure.what(), true);
      return {};
    }
  }

  void file(const fs::path& path) {
    const std::string name = path.filename().string();
    const std::string ending = path.extension().string();
    if (text_form::of_file(path.string()) != text_form::Form::kBytes) return text_input(path);
    if (ending == ".bin") return bytes_input(path, false);
    if (is_raw(name)) return bytes_input(path, true);
    if (ending == ".json" && exists(fs::path(path).replace_extension(".bin"))) return;
    if (ending == ".txt") return report_alone(path);
    pass(path, "is no finding");
  }

  static bool exists(const fs::path& path) {
    std::error_code ignored;
    return fs::exists(path, ignored);
  }

  // NAME.txt beside NAME.fence, or report.txt where each finding has a folder.
  static fs::path report_of(const fs::path& input) {
    fs::path own = fs::path(input).replace_extension(".txt");
    return exists(own) ? own : input.parent_path() / "report.txt";
  }

  void text_input(const fs::path& path) {
    const std::optional<std::string> text = content(path);
    if (!text) return;
    Found found{.path = path, .has_input = true};
    if (auto comment = parse_comment(*text)) found.comment = *comment;
    complete(found);
  }

  void bytes_input(const fs::path& path, bool raw) {
    const std::optional<std::string> bytes = content(path);
    if (!bytes) return;
    Found found{.path = path, .has_input = true};
    const fs::path sidecar = sidecar_of(path);
    if (!raw && exists(sidecar)) {
      const std::optional<std::string> text = content(sidecar);
      if (!text) return;
      try {
        found.comment = comment_from_json(*text, sidecar);
      } catch (const UsageError& error) {
        return pass(path, error.what(), true);
      }
    } else if (!raw) {
      return pass(path, "has no .json beside it that says what it is", true);
    }
    if (raw && target_.empty()) {
      return pass(path, "was left by libFuzzer; --target NAME says for which target it is", true);
    }
    if (raw) {
      found.comment.target = target_;
      const std::string name = path.filename().string();
      found.verdict = {.detector = "libFuzzer",
                       .kind = name.substr(0, name.find('-')),
                       .place = "",
                       .summary = ""};
    }
    complete(found);
  }

  // A report that belongs to no input; those that do are read with it.
  void report_alone(const fs::path& path) {
    std::error_code ignored;
    for (const char* ending : {".fence", ".steps", ".calls", ".bin"}) {
      if (exists(fs::path(path).replace_extension(ending))) return;
    }
    if (path.filename() == "report.txt") {
      for (const std::string& name : files_in(path.parent_path())) {
        if (name.ends_with(".bin") || text_form::of_file(name) != text_form::Form::kBytes) {
          return;
        }
      }
    }
    const std::optional<std::string> text = content(path);
    if (!text) return;
    const std::vector<std::string> lines = split(*text, '\n');
    const std::optional<Verdict> verdict = judge(lines, root_);
    if (!verdict) return pass(path, "is no report");
    Found found{.path = path, .verdict = *verdict};
    // out/findings/TARGET/NAME.txt
    const std::string folder = path.parent_path().filename().string();
    if (folder.ends_with("_fuzzer")) found.comment.target = folder;
    found.signature = signature_of(*verdict, lines, found.comment.target);
    set_time(found);
    scan_.found.push_back(std::move(found));
  }

  static void set_time(Found& found) {
    found.seen = found.comment.found;
    found.seen_is_of_file = found.seen.empty();
    if (found.seen_is_of_file) found.seen = file_time(found.path);
  }

  // Verdict and signature: of the report, else as recorded. Then the bytes.
  void complete(Found& found) {
    if (auto recorded = verdict_from_text(found.comment.verdict)) found.verdict = *recorded;
    const fs::path report = report_of(found.path);
    std::vector<std::string> lines;
    if (exists(report)) {
      if (auto text = content(report)) lines = split(*text, '\n');
    }
    if (auto judged = judge(lines, root_)) found.verdict = *judged;
    if (found.verdict.kind.empty()) {
      return pass(found.path, "says no verdict, and has no report: an input, no finding");
    }
    found.signature = signature_of(found.verdict, lines, found.comment.target);
    if (lines.empty() && !found.comment.signature.empty()) {
      found.signature.id = printable(found.comment.signature);
    }
    try {
      const Input input = load_input(found.path, found.comment.target);
      found.comment.target = input.comment.target;
      found.bytes = input.bytes.size();
      found.content = input.comment.target + " " + input.comment.defect + " " +
                      sha1({reinterpret_cast<const char*>(input.bytes.data()), input.bytes.size()});
    } catch (const UsageError& error) {
      found.broken = error.what();
      std::error_code ignored;
      found.bytes = fs::file_size(found.path, ignored);
    }
    set_time(found);
    scan_.found.push_back(std::move(found));
  }

  std::string target_;
  fs::path root_;
  std::set<fs::path> seen_;
  Scan scan_;
};

bool is_any(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool is_own(const Signature& signature) { return signature.detector == "fencebench"; }

// Memory was touched that was not, or no longer, the toucher's.
bool misuses_memory(const Signature& signature) {
  if (signature.kind == "data-race") return signature.place.find("free by ") != std::string::npos;
  return is_any(signature.kind, {"heap-use-after-free", "double-free", "attempting-double-free",
                                 "bad-free", "heap-buffer-overflow", "use-of-uninitialized-value",
                                 "SEGV", "heap-use-after-free-(race)", "refcount-resurrect",
                                 "refcount-underflow", "use-after-destroy", "list-corruption"});
}

// The type of the object that leaked, as the ledger and the slab name it; empty for others.
std::string leaked_type(const Signature& signature) {
  if (!is_own(signature)) return "";
  if (signature.kind == "object-leak") return signature.place;
  if (signature.kind != "reference-leak") return "";
  return signature.place.substr(0, signature.place.find(" held by "));
}

// Whether the function that allocated, or its file, is named after the type.
bool makes(std::string_view allocator, std::string type) {
  std::replace(type.begin(), type.end(), ' ', '_');
  if (type.empty()) return false;
  for (size_t at = allocator.find(type); at != std::string_view::npos;
       at = allocator.find(type, at + 1)) {
    const bool begins = at == 0 || is_any(allocator.substr(at - 1, 1), {" ", "/", "_"});
    const size_t end = at + type.size();
    const bool ends = end == allocator.size() || is_any(allocator.substr(end, 1), {" ", ".", "_"});
    // "fence" is not "userq_fence".
    if (begins && ends && (at == 0 || allocator[at - 1] != '_')) return true;
  }
  return false;
}

// Why two signatures of one core are one bug; empty if they are not.
std::string reason(const Signature& a, const Signature& b) {
  for (const auto& [own, other] : {std::pair(&a, &b), std::pair(&b, &a)}) {
    const std::string type = leaked_type(*own);
    if (!type.empty() && other->detector == "LeakSanitizer" && makes(other->place, type)) {
      return fmt::format("LeakSanitizer's memory is that of the {} which leaked", type);
    }
  }
  const bool two_views = a.detector != b.detector;
  if (two_views && misuses_memory(a) && misuses_memory(b)) {
    for (const auto& [one, other] : {std::pair(&a, &b), std::pair(&b, &a)}) {
      const bool named =
          !one->function.empty() &&
          (one->function == other->function ||
           (" " + other->place + " ").find(" " + one->function + " ") != std::string::npos);
      if (named) return "both in " + one->function;
    }
  }
  return "";
}

struct Group {
  Signature signature;
  std::vector<size_t> members;
  std::set<std::string> cores;
};

// The signature that names a bug: a checker's of ours before a sanitizer's, then what was seen
// most.
bool names_better(const Group& a, const Group& b) {
  const bool own_a = is_own(a.signature);
  const bool own_b = is_own(b.signature);
  if (own_a != own_b) return own_a;
  if (a.members.size() != b.members.size()) return a.members.size() > b.members.size();
  return a.signature.id < b.signature.id;
}

BugRow row_of(const std::vector<Found>& found, std::vector<size_t> members) {
  std::sort(members.begin(), members.end(), [&](size_t a, size_t b) {
    auto key = [&](size_t i) {
      return std::tuple(!found[i].has_input, !found[i].broken.empty(), found[i].bytes,
                        found[i].path.string());
    };
    return key(a) < key(b);
  });
  BugRow row;
  row.count = members.size();
  row.members = members;
  row.verdict = found[members.front()].verdict.text();
  for (size_t i : members) {
    const Found& one = found[i];
    if (!one.seen.empty()) {
      if (row.first.empty() || one.seen < row.first) row.first = one.seen;
      row.last = std::max(row.last, one.seen);
    }
    row.times_are_of_files |= one.seen_is_of_file;
    auto add = [](std::set<std::string>& set, const std::string& value) {
      if (!value.empty()) set.insert(value);
    };
    add(row.targets, one.comment.target);
    add(row.sanitizers, one.comment.sanitizer);
    add(row.commits, one.comment.commit);
    row.defects.insert(one.comment.defect);
  }
  return row;
}

}  // namespace

Scan scan_findings(const std::vector<fs::path>& folders, const std::string& target,
                   const fs::path& root) {
  Scanner scanner(target, root);
  for (const fs::path& folder : folders) {
    std::error_code error;
    if (!fs::is_directory(folder, error)) {
      throw UsageError(fmt::format("'{}' is no folder", printable(folder.string())));
    }
    scanner.folder(folder);
  }
  return scanner.take();
}

std::vector<BugRow> group_findings(const std::vector<Found>& found) {
  std::map<std::string, size_t> by_id;
  std::vector<Group> groups;
  for (size_t i = 0; i < found.size(); i++) {
    const auto [at, fresh] = by_id.try_emplace(found[i].signature.id, groups.size());
    if (fresh) groups.push_back({found[i].signature, {}, {}});
    Group& group = groups[at->second];
    // What a record says is less than what a report says.
    if (group.signature.function.empty()) group.signature = found[i].signature;
    group.members.push_back(i);
    group.cores.insert(found[i].comment.defect);
  }
  std::sort(groups.begin(), groups.end(), names_better);

  // Each group joins the first one that it is the same as, directly or through others.
  std::vector<size_t> joined(groups.size());
  std::iota(joined.begin(), joined.end(), size_t{0});
  std::vector<std::string> why(groups.size());
  auto top = [&](size_t i) {
    while (joined[i] != i) i = joined[i];
    return i;
  };
  auto join_groups = [&](size_t a, size_t b, const std::string& because) {
    a = top(a);
    b = top(b);
    if (a == b) return;
    joined[std::max(a, b)] = std::min(a, b);
    why[std::max(a, b)] = because;
  };
  std::map<std::string, size_t> by_content;
  for (size_t g = 0; g < groups.size(); g++) {
    for (size_t i : groups[g].members) {
      if (found[i].content.empty()) continue;
      const auto [at, fresh] = by_content.try_emplace(found[i].content, g);
      if (!fresh) join_groups(at->second, g, "the same input ended in both");
    }
  }
  for (size_t a = 0; a < groups.size(); a++) {
    for (size_t b = a + 1; b < groups.size(); b++) {
      std::vector<std::string> shared;
      std::set_intersection(groups[a].cores.begin(), groups[a].cores.end(), groups[b].cores.begin(),
                            groups[b].cores.end(), std::back_inserter(shared));
      if (shared.empty()) continue;
      const std::string because = reason(groups[a].signature, groups[b].signature);
      if (!because.empty()) join_groups(a, b, because);
    }
  }

  std::vector<BugRow> rows;
  for (size_t g = 0; g < groups.size(); g++) {
    if (joined[g] != g) continue;
    std::vector<size_t> members;
    std::vector<BugRow::Alias> aliases;
    for (size_t other = g; other < groups.size(); other++) {
      if (top(other) != g) continue;
      members.insert(members.end(), groups[other].members.begin(), groups[other].members.end());
      if (other != g) {
        aliases.push_back({groups[other].signature, groups[other].members.size(), why[other]});
      }
    }
    BugRow row = row_of(found, std::move(members));
    row.signature = groups[g].signature;
    row.aliases = std::move(aliases);
    rows.push_back(std::move(row));
  }
  std::sort(rows.begin(), rows.end(), [](const BugRow& a, const BugRow& b) {
    return std::tuple(b.count, a.signature.id) < std::tuple(a.count, b.signature.id);
  });
  return rows;
}

}  // namespace tool
