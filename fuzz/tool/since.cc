#include "fuzz/tool/since.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "fuzz/tool/build.h"
#include "fuzz/tool/errors.h"
#include "fuzz/tool/presence.h"
#include "fuzz/tool/process.h"
#include "fuzz/tool/replayer.h"
#include "fuzz/tool/revision.h"
#include "fuzz/tool/strings.h"
#include "fuzz/tool/table.h"

namespace tool {
namespace {

using nlohmann::json;

std::string named(const Commit& commit) {
  return fmt::format("{} {} ({})", commit.name, printable(commit.title), commit.date);
}

const char* word(Trial trial) {
  switch (trial) {
    case Trial::kGood:
      return "good";
    case Trial::kBad:
      return "bad";
    case Trial::kSkip:
      return "skipped";
    case Trial::kStop:
      return "stopped";
  }
  return "";
}

// Builds and executes in the second checkout.
class Trier {
 public:
  // `logs`: where the output of a build that fails is kept, for the checkout goes away.
  Trier(const Input& input, const std::string& sanitizer, SecondCheckout& checkout, fs::path logs,
        Progress& progress)
      : input_(input),
        sanitizer_(sanitizer),
        logs_(std::move(logs)),
        checkout_(checkout),
        project_(fs::canonical(checkout.path())),
        progress_(progress),
        scratch_(fs::temp_directory_path()) {}

  Probe try_commit(const Commit& commit) {
    const auto start = std::chrono::steady_clock::now();
    Probe probe = built_and_executed(commit);
    if (interrupted()) probe = {.trial = Trial::kStop, .what = "interrupted"};
    probe.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return probe;
  }

 private:
  Probe built_and_executed(const Commit& commit) {
    const FindingComment& how = input_.comment;
    try {
      checkout_.put(commit);
      const fs::path& root = project_.root();
      if (!fs::exists(root / "fuzz/targets" / (how.target + ".cc"))) {
        return skip("there is no " + how.target);
      }
      if (!how.defect.empty() && !fs::exists(root / "core/defects" / (how.defect + ".patch"))) {
        return skip("there is no defect " + how.defect);
      }
      const bool own_assembler = input_.is_text && fs::exists(root / "fuzz/targets/assemble.cc");
      std::vector<std::string> targets = {Project::build_target(how.target, how.defect)};
      if (own_assembler) targets.emplace_back("assemble");
      try {
        build(project_, sanitizer_, targets, progress_);
      } catch (const EnvironmentError&) {
        const fs::path kept = logs_ / ("since-" + commit.name + ".log");
        std::error_code ignored;
        fs::copy_file(project_.build_folder(sanitizer_) / "build.log", kept,
                      fs::copy_options::overwrite_existing, ignored);
        return skip("does not build, see " + Project::shown(kept));
      }
      Input input = input_;
      if (own_assembler) {
        if (std::string trouble = assemble_there(input); !trouble.empty()) return skip(trouble);
      }
      Replayer replayer(project_, input, {}, progress_);
      return judged(*replayer.run(sanitizer_).first);
    } catch (const EnvironmentError& error) {
      return skip(error.what());
    }
  }

  static Probe skip(const std::string& why) {
    return {.trial = Trial::kSkip, .what = printable(why)};
  }

  // The text in the folder of its target, where the assembler of each commit looks for its name.
  std::string assemble_there(Input& input) {
    const fs::path folder = scratch_.path() / input.comment.target;
    const fs::path text = folder / ("input" + input.path.extension().string());
    const fs::path bytes = scratch_.path() / "bytes";
    fs::create_directories(folder);
    write_file(text, read_named_file(input.path));
    Command command;
    command.argv = {(project_.build_folder(sanitizer_) / "assemble").string(), text.string(),
                    bytes.string()};
    // As cmake/Corpus.cmake does: the assembler is not under test.
    command.env["ASAN_OPTIONS"] = "detect_leaks=0";
    command.env["MSAN_OPTIONS"] = "poison_in_malloc=0:poison_in_free=0:poison_stack_with_zeroes=1";
    try {
      const Finished finished = run_and_capture(command);
      if (!finished.exit.clean()) {
        const std::string said = finished.output.substr(0, finished.output.find('\n'));
        return "its tools do not understand the input: " + said;
      }
    } catch (const SpawnError& error) {
      return error.what();
    }
    const std::string content = read_file(bytes);
    input.bytes.assign(content.begin(), content.end());
    return "";
  }

  Probe judged(const Outcome& now) {
    const std::string what = printable(now.text());
    switch (presence_of(input_.comment, now)) {
      case Presence::kGone:
        return {.trial = Trial::kGood, .what = what};
      case Presence::kThere: {
        // From here on it is this one, where no record said.
        if (now.verdict && input_.comment.signature.empty()) {
          input_.comment.signature = signature_of(now, input_.comment.target).id;
          input_.comment.verdict = now.verdict->text();
        }
        return {.trial = Trial::kBad, .what = what};
      }
      case Presence::kAnother:
        break;
    }
    // What comes before it hides whether it would come.
    return skip("it ends in something else: " + what);
  }

  Input input_;
  std::string sanitizer_;
  fs::path logs_;
  SecondCheckout& checkout_;
  Project project_;
  Progress& progress_;
  ScratchFolder scratch_;
};

class Log {
 public:
  explicit Log(const fs::path& path) : path_(path) {}
  void line(const std::string& text) {
    text_ += text + "\n";
    write_file(path_, text_);
  }

 private:
  fs::path path_;
  std::string text_;
};

}  // namespace

const TriedCommit* Origin::tried_at(size_t index) const {
  for (const TriedCommit& one : tried) {
    if (one.index == index) return &one;
  }
  return nullptr;
}

Origin search_history(History history, const std::function<Probe(const Commit&)>& try_commit) {
  Origin origin;
  origin.history = std::move(history);
  const std::vector<Commit>& commits = origin.history.commits;
  origin.bisection = bisect(commits.size(), [&](size_t index) {
    origin.tried.push_back({index, try_commit(commits[index])});
    return origin.tried.back().probe.trial;
  });
  return origin;
}

Origin find_origin(const Project& project, const Input& input, const std::string& sanitizer,
                   const std::string& revision, Progress& progress) {
  History history = history_since(project.root(), revision);
  const fs::path folder = project.root() / "build" / "since";
  const fs::path path = project.root() / "build" / "since.log";
  SecondCheckout checkout(project.root(), folder);
  Log log(path);
  Trier trier(input, sanitizer, checkout, path.parent_path(), progress);
  const size_t most = 2 + probes_left(history.commits.size() - 2);
  progress.note(fmt::format("{} commits since {}: at most {} to build, unless some do not",
                            history.commits.size() - 1, history.commits.front().name, most));
  size_t number = 0;
  Origin origin = search_history(std::move(history), [&](const Commit& commit) {
    Probe probe = trier.try_commit(commit);
    const std::string line =
        fmt::format("{:>2}  {:<8} {:>6.1f} s  {}: {}", ++number, word(probe.trial), probe.seconds,
                    named(commit), probe.what);
    progress.note(line);
    log.line(line);
    return probe;
  });
  origin.dirty = revision_of(project.root()).dirty;
  origin.log = path;
  return origin;
}

std::string to_text(const Origin& origin) {
  using End = Bisection::End;
  const std::vector<Commit>& commits = origin.history.commits;
  const Bisection& found = origin.bisection;
  const Commit& first = commits.front();
  const Commit& last = commits.back();
  auto what = [&](size_t index) {
    const TriedCommit* tried = origin.tried_at(index);
    return tried == nullptr ? std::string() : tried->probe.what;
  };
  std::string text;
  switch (found.end) {
    case End::kFound:
      if (found.bad == found.good + 1) {
        text = fmt::format("began with {}\nbefore it  {}\n", named(commits[found.bad]),
                           named(commits[found.good]));
      } else {
        text = fmt::format("began with one of {}, which cannot be told apart:\n",
                           found.bad - found.good);
        for (size_t i = found.good + 1; i <= found.bad; i++) {
          const bool skipped = i < found.bad;
          text +=
              fmt::format("  {}{}\n", named(commits[i]), skipped ? ": skipped, " + what(i) : "");
        }
        text += fmt::format("before them {}\n", named(commits[found.good]));
      }
      break;
    case End::kNotBad:
      text = fmt::format("not there at HEAD, {}: nothing to look for\n", named(last));
      break;
    case End::kNotGood:
      text = fmt::format("older than {}: it is there already; nothing further back was tried\n",
                         named(first));
      break;
    case End::kUnknown: {
      const bool head = origin.tried.size() == 1;
      text = fmt::format("cannot be told: {} {}: {}\n", head ? "HEAD," : "the good end,",
                         named(head ? last : first), what(head ? commits.size() - 1 : 0));
      break;
    }
    case End::kStopped:
      text = "stopped before it was found";
      if (origin.tried_at(0) != nullptr && found.good < found.bad) {
        text += fmt::format(": it lies after {} and not after {}", commits[found.good].name,
                            commits[found.bad].name);
      }
      text += "\n";
      break;
  }
  if (origin.history.common_ancestor) {
    text += fmt::format(
        "note: what was named is no ancestor of HEAD; searched from the nearest one of both, {}\n",
        first.name);
  }
  if (origin.dirty) {
    text += "note: changes that are not committed were left out\n";
  }
  size_t skipped = 0;
  for (const TriedCommit& one : origin.tried) skipped += one.probe.trial == Trial::kSkip;
  text += fmt::format("tried      {} of {} commits{}\n", origin.tried.size(), commits.size(),
                      skipped > 0 ? fmt::format(", {} of them in vain", skipped) : "");
  return text;
}

json to_json(const Origin& origin) {
  using End = Bisection::End;
  const std::vector<Commit>& commits = origin.history.commits;
  const Bisection& found = origin.bisection;
  auto commit_json = [](const Commit& commit) {
    return json{{"commit", commit.id}, {"title", printable(commit.title)}, {"date", commit.date}};
  };
  json tried = json::array();
  for (const TriedCommit& one : origin.tried) {
    json entry = commit_json(commits[one.index]);
    entry["result"] = word(one.probe.trial);
    entry["what"] = one.probe.what;
    entry["seconds"] = one.probe.seconds;
    tried.push_back(entry);
  }
  json suspects = json::array();
  if (found.end == End::kFound) {
    for (size_t i = found.good + 1; i <= found.bad; i++) {
      suspects.push_back(commit_json(commits[i]));
    }
  }
  const char* end = found.end == End::kFound     ? "found"
                    : found.end == End::kNotBad  ? "not there at HEAD"
                    : found.end == End::kNotGood ? "older"
                    : found.end == End::kUnknown ? "unknown"
                                                 : "stopped";
  return {{"answer", end},
          {"began_with", suspects},
          {"tried", tried},
          {"commits", commits.size()},
          {"common_ancestor", origin.history.common_ancestor},
          {"uncommitted_changes_left_out", origin.dirty},
          {"log", origin.log.string()}};
}

}  // namespace tool
