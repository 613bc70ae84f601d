// triage DIR...: which findings are one bug, and the best of each.

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "fuzz/targets/text_form.h"
#include "fuzz/tool/arguments.h"
#include "fuzz/tool/build.h"
#include "fuzz/tool/errors.h"
#include "fuzz/tool/files.h"
#include "fuzz/tool/json_text.h"
#include "fuzz/tool/nearest.h"
#include "fuzz/tool/presence.h"
#include "fuzz/tool/replayer.h"
#include "fuzz/tool/revision.h"
#include "fuzz/tool/strings.h"
#include "fuzz/tool/table.h"
#include "fuzz/tool/triage.h"
#include "fuzz/tool/verb.h"

namespace tool {

extern const Verb kTriageVerb;

namespace {

using nlohmann::json;

struct Request {
  std::vector<fs::path> folders;
  std::string target;
  bool replay = false;
  bool json = false;
};

Request read_request(const Project& project, const std::vector<std::string>& arguments) {
  Request request;
  std::vector<std::string> folders;
  std::optional<std::string> target;
  auto app = command_line(
      kTriageVerb,
      "Sorts all findings below folders: one row for each distinct bug, with its smallest "
      "reproducer, and which findings are the same and why. Judges by what was recorded and "
      "reported when they were found; --replay by what happens now.",
      "  ./fencebench triage out/findings\n"
      "  ./fencebench triage --target userq_fuzzer --replay /tmp/crashes");
  app->add_option("DIR", folders, "Folders of findings (default: out/findings)");
  app->add_option("--target", target,
                  "Which target raw files of libFuzzer's (crash-..., leak-...) are for")
      ->type_name("NAME");
  app->add_flag("--replay", request.replay,
                "Execute each again, on the present build, and judge by what happens");
  app->add_flag("--json", request.json, "Print a machine-readable result");
  parse(*app, arguments);

  if (target) require_known("target", *target, project.targets());
  request.target = target.value_or("");
  request.folders.assign(folders.begin(), folders.end());
  if (folders.empty()) request.folders.push_back(project.root() / "out/findings");
  return request;
}

struct Replayed {
  std::vector<Presence> presence;  // of each finding that was executed
  std::vector<bool> executed;
  std::vector<std::string> why_not;
};

std::string not_executable(const Project& project, const Found& found) {
  if (!found.has_input) return "there is no input";
  if (!found.broken.empty()) return found.broken;
  const FindingComment& how = found.comment;
  auto unknown = [](const std::string& name, const std::vector<std::string>& known) {
    return !name.empty() && std::find(known.begin(), known.end(), name) == known.end();
  };
  if (how.target.empty()) return "it does not say its target";
  if (unknown(how.target, project.targets())) return "there is no target " + how.target;
  if (unknown(how.defect, project.defects())) return "there is no defect " + how.defect;
  if (unknown(how.sanitizer, sanitizers())) return "there is no build " + how.sanitizer;
  return "";
}

// Executes each and puts what happens in the place of what was recorded.
Replayed replay(const Project& project, std::vector<Found>& found, Progress& progress) {
  Replayed replayed{std::vector<Presence>(found.size(), Presence::kThere),
                    std::vector<bool>(found.size()), std::vector<std::string>(found.size())};
  std::map<std::string, std::set<std::string>> wanted;
  for (size_t i = 0; i < found.size(); i++) {
    replayed.why_not[i] = not_executable(project, found[i]);
    if (!replayed.why_not[i].empty()) continue;
    FindingComment& how = found[i].comment;
    if (how.sanitizer.empty()) how.sanitizer = "asan";
    wanted[how.sanitizer].insert(Project::build_target(how.target, how.defect));
  }
  for (const auto& [sanitizer, targets] : wanted) {
    build(project, sanitizer, {targets.begin(), targets.end()}, progress);
  }
  for (size_t i = 0; i < found.size(); i++) {
    if (!replayed.why_not[i].empty()) continue;
    if (interrupted()) {
      replayed.why_not[i] = "it was interrupted";
      continue;
    }
    Input input = load_input(found[i].path, found[i].comment.target);
    input.comment = found[i].comment;
    if (input.comment.checks != "none") input.comment.checks = "all";
    Replayer replayer(project, input, {}, progress);
    const BuildResult result = replayer.run(input.comment.sanitizer);
    if (!result.first) continue;
    const Outcome& now = *result.first;
    replayed.executed[i] = true;
    replayed.presence[i] = presence_of(found[i].comment, now);
    if (now.verdict) {
      found[i].verdict = *now.verdict;
      found[i].signature = signature_of(now, input.comment.target);
    }
  }
  return replayed;
}

std::string names(const std::set<std::string>& set, const char* for_empty) {
  std::vector<std::string> list;
  for (const std::string& name : set) list.push_back(name.empty() ? for_empty : printable(name));
  return join(list, ", ");
}

std::string shown_path(const fs::path& path) {
  std::error_code error;
  return Project::shown(fs::absolute(path, error));
}

// "2026-11-20T16:05:00Z" -> "2026-11-20 16:05"
std::string minute(const std::string& utc) {
  std::string text = printable(utc).substr(0, 16);
  if (text.size() > 10) text[10] = ' ';
  return text;
}

std::string now_text(const BugRow& row, const Replayed& replayed) {
  size_t there = 0;
  size_t another = 0;
  size_t gone = 0;
  size_t not_executed = 0;
  for (size_t i : row.members) {
    if (!replayed.executed[i]) {
      not_executed++;
    } else {
      (replayed.presence[i] == Presence::kThere     ? there
       : replayed.presence[i] == Presence::kAnother ? another
                                                    : gone)++;
    }
  }
  std::string text = fmt::format("{} of {} still there", there, row.count);
  if (another > 0) text += fmt::format(", {} ended in something else before", another);
  if (gone > 0) text += fmt::format(", {} no longer", gone);
  if (not_executed > 0) text += fmt::format(", {} not executed", not_executed);
  return text;
}

void print_row(const Project& project, const std::vector<Found>& found, const BugRow& row,
               const Replayed* replayed) {
  const Found& best = found[row.members.front()];
  fmt::print("\nbug          {}  {}\n", row.signature.id, row.signature.text());
  const std::vector<std::string>& frames = row.signature.frames;
  if (!frames.empty()) fmt::print("  frames     {}\n", join(frames, "\n             "));
  fmt::print("  seen       {} time{}, by {} {}{}\n", row.count, row.count == 1 ? "" : "s",
             names(row.targets, ""), names(row.sanitizers, ""),
             row.defects == std::set<std::string>{""}
                 ? ""
                 : " on " + names(row.defects, "the core as it is"));
  fmt::print("  first      {}{}\n  last       {}{}\n", minute(row.first),
             row.times_are_of_files ? "  (as the files say)" : "", minute(row.last),
             row.commits.empty() ? "" : ", at " + names(row.commits, ""));
  for (const BugRow::Alias& alias : row.aliases) {
    fmt::print("  same       {}  {} ({}): {}\n", alias.signature.id, alias.signature.text(),
               alias.count, printable(alias.why));
  }
  if (replayed != nullptr) fmt::print("  now        {}\n", now_text(row, *replayed));
  if (!best.has_input) {
    fmt::print("  report     {}\n", printable(shown_path(best.path)));
    return;
  }
  fmt::print("  smallest   {} ({} bytes)\n", printable(shown_path(best.path)), best.bytes);
  if (!best.broken.empty()) {
    fmt::print("  warning    it cannot be executed: {}\n", printable(best.broken));
    return;
  }
  const bool raw = text_form::of_file(best.path.string()) == text_form::Form::kBytes &&
                   best.path.extension() != ".bin";
  fmt::print("  reproduce  {} repro {}{}\n", project.command(),
             raw ? "--target " + best.comment.target + " " : "",
             printable(shell_quote(shown_path(best.path))));
}

void print_result(const Project& project, const Scan& scan, const std::vector<BugRow>& rows,
                  const Replayed* replayed) {
  if (!rows.empty()) {
    Table table({"signature", "seen>", "bytes>", "first seen", "last seen", "verdict"});
    for (const BugRow& row : rows) {
      const Found& best = scan.found[row.members.front()];
      table.row({row.signature.id, with_commas(row.count),
                 best.has_input ? with_commas(best.bytes) : "", minute(row.first), minute(row.last),
                 printable(row.verdict)});
    }
    fmt::print("{}", table.text());
  }
  for (const BugRow& row : rows) print_row(project, scan.found, row, replayed);
  fmt::print("\n{} bug{} in {} finding{}, judged by {}\n", rows.size(), rows.size() == 1 ? "" : "s",
             scan.found.size(), scan.found.size() == 1 ? "" : "s",
             replayed != nullptr ? "what happens on the present build"
                                 : "what was recorded; --replay executes them again");
  for (size_t i = 0; replayed != nullptr && i < scan.found.size(); i++) {
    if (replayed->why_not[i].empty()) continue;
    fmt::print("not executed: {}: {}\n", printable(shown_path(scan.found[i].path)),
               printable(replayed->why_not[i]));
  }
  for (const Passed& passed : scan.passed) {
    fmt::print("{}: {}: {}\n", passed.trouble ? "LOOK AT" : "passed over",
               printable(shown_path(passed.path)), printable(passed.why));
  }
}

json signature_json(const Signature& signature) {
  return {{"signature", signature.id}, {"text", signature.text()}, {"detector", signature.detector},
          {"kind", signature.kind},    {"place", signature.place}, {"frames", signature.frames}};
}

const char* word(const Replayed& replayed, size_t i) {
  if (!replayed.executed[i]) return "not executed";
  return replayed.presence[i] == Presence::kThere     ? "there"
         : replayed.presence[i] == Presence::kAnother ? "another"
                                                      : "gone";
}

json json_result(const Scan& scan, const std::vector<BugRow>& rows, const Replayed* replayed,
                 int code) {
  json bugs = json::array();
  for (const BugRow& row : rows) {
    json bug = signature_json(row.signature);
    json same = json::array();
    for (const BugRow::Alias& alias : row.aliases) {
      json entry = signature_json(alias.signature);
      entry["why"] = printable(alias.why);
      entry["findings"] = alias.count;
      same.push_back(entry);
    }
    json findings = json::array();
    for (size_t i : row.members) {
      const Found& one = scan.found[i];
      json entry = to_json(one.comment);
      entry["file"] = one.path.string();
      entry["bytes"] = one.bytes;
      entry["has_input"] = one.has_input;
      entry["signature"] = one.signature.id;
      entry["result"] = one.verdict.text();
      entry["seen"] = one.seen;
      if (!one.broken.empty()) entry["broken"] = printable(one.broken);
      if (replayed != nullptr) entry["now"] = word(*replayed, i);
      findings.push_back(entry);
    }
    const Found& best = scan.found[row.members.front()];
    bug["verdict"] = printable(row.verdict);
    bug["seen"] = row.count;
    bug["first_seen"] = row.first;
    bug["last_seen"] = row.last;
    bug["targets"] = row.targets;
    bug["sanitizers"] = row.sanitizers;
    bug["defects"] = row.defects;
    bug["commits"] = row.commits;
    bug["smallest"] = best.has_input ? json(best.path.string()) : json();
    bug["bytes"] = best.bytes;
    bug["same"] = same;
    bug["findings"] = findings;
    bugs.push_back(bug);
  }
  json passed = json::array();
  for (const Passed& one : scan.passed) {
    passed.push_back(
        {{"file", one.path.string()}, {"why", printable(one.why)}, {"trouble", one.trouble}});
  }
  return {{"verb", "triage"},
          {"judged_by", replayed != nullptr ? "replay" : "record"},
          {"bugs", bugs},
          {"passed", passed},
          {"exit", code}};
}

int run(const std::vector<std::string>& arguments) {
  const Project project = Project::find();
  const Request request = read_request(project, arguments);
  Scan scan = scan_findings(request.folders, request.target, project.root());
  Progress progress;
  std::optional<Replayed> replayed;
  if (request.replay) replayed = replay(project, scan.found, progress);
  const std::vector<BugRow> rows = group_findings(scan.found);
  const bool trouble = std::any_of(scan.passed.begin(), scan.passed.end(),
                                   [](const Passed& passed) { return passed.trouble; });
  const int code = !rows.empty() ? kFound : trouble ? kEnvironmentAtFault : kNothingFound;
  const Replayed* now = replayed ? &*replayed : nullptr;
  if (request.json) {
    fmt::print("{}\n", json_text(json_result(scan, rows, now, code)));
  } else {
    print_result(project, scan, rows, now);
  }
  return code;
}

}  // namespace

const Verb kTriageVerb = {"triage", "sort findings into distinct bugs", run};

}  // namespace tool
