#include "fuzz/tool/coverage_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "fuzz/tool/html.h"
#include "fuzz/tool/strings.h"
#include "fuzz/tool/table.h"

namespace tool {
namespace {

using nlohmann::json;

struct Row {
  std::string name;
  Counts counts;
};

constexpr const char* kTotal = "total";

std::vector<Row> rows_of(const std::vector<FileCoverage>& files, bool each_file) {
  std::vector<Row> rows;
  if (each_file) {
    for (const FileCoverage& file : files) rows.push_back({file.name, file.counts()});
  } else {
    for (const auto& [folder, counts] : by_folder(files)) rows.push_back({folder, counts});
  }
  rows.push_back({kTotal, total(files)});
  return rows;
}

// Whether a file is worth a row: some hold declarations and macros only.
bool has_code(const FileCoverage& file) {
  Counts counts = file.counts();
  return counts.lines.all + counts.branches.all + counts.functions.all > 0;
}

std::string place(const FileCoverage& file, const Gap& gap) {
  std::string text = fmt::format("{}:{}", file.name, gap.first_line);
  if (gap.column > 0) text += fmt::format(":{}", gap.column);
  if (gap.last_line > gap.first_line) text += fmt::format("-{}", gap.last_line);
  return text;
}

json to_json(const Ratio& ratio) { return {{"reached", ratio.reached}, {"all", ratio.all}}; }

json to_json(const std::string& name, const Counts& counts) {
  return {{"name", name},
          {"lines", to_json(counts.lines)},
          {"branches", to_json(counts.branches)},
          {"functions", to_json(counts.functions)}};
}

json to_json(const Gap& gap) {
  json where = {{"line", gap.first_line}, {"what", gap.what}};
  if (gap.column > 0) where["column"] = gap.column;
  if (gap.last_line > gap.first_line) where["last_line"] = gap.last_line;
  return where;
}

std::string link(std::string_view to, std::string_view text) {
  return fmt::format("<a href=\"{}\">{}</a>", html(to), html(text));
}

// Where llvm-cov puts the page of a file.
std::string page_of(std::string_view pages, std::string_view root, std::string_view file) {
  return fmt::format("{}/coverage{}/{}.html", pages, root, file);
}

std::string page_of(const CoverageResult& result, const std::string& file) {
  return page_of(result.reached_by.back().pages, result.root, file);
}

std::string lines_of(const Gap& gap) {
  return gap.last_line > gap.first_line ? fmt::format("{}-{}", gap.first_line, gap.last_line)
                                        : std::to_string(gap.first_line);
}

// A gap of the targets, and whether the tests have it as well: kNone of it, part of it, all of it.
enum class Missed { kNone, kPart, kAll };
struct TargetGap {
  Gap gap;
  Missed by_tests;
};

std::vector<TargetGap> gaps_of_targets(const FileCoverage& by_targets,
                                       const std::vector<FileCoverage>& by_all) {
  std::vector<Gap> by_nobody;
  for (const FileCoverage& file : by_all) {
    if (file.name == by_targets.name) by_nobody = file.gaps();
  }
  std::vector<TargetGap> gaps;
  for (const Gap& gap : by_targets.gaps()) {
    Missed missed = Missed::kNone;
    for (const Gap& other : by_nobody) {
      if (other == gap) missed = Missed::kAll;
      const bool inside = other.first_line >= gap.first_line && other.last_line <= gap.last_line;
      if (inside && gap.column == 0 && missed == Missed::kNone) missed = Missed::kPart;
    }
    gaps.push_back({gap, missed});
  }
  return gaps;
}

std::string html_ratio(const Ratio& ratio) {
  const char* state = ratio.all == 0        ? "none"
                      : ratio.missed() == 0 ? "full"
                      : ratio.below(90)     ? "low"
                                            : "most";
  return fmt::format("<td class=\"{}\">{}</td><td>{}</td>", state, ratio.text(),
                     ratio.missed() > 0 ? with_commas(ratio.missed()) : "");
}

std::string html_row(const std::string& name, const Counts& counts) {
  return fmt::format("<tr><th>{}</th>{}{}{}</tr>\n", name, html_ratio(counts.lines),
                     html_ratio(counts.branches), html_ratio(counts.functions));
}

std::string html_head(std::string_view what) {
  return fmt::format(
      "<tr class=\"head\"><th>{}</th><td>lines</td><td>missed</td><td>branches</td><td>missed</td>"
      "<td>functions</td><td>missed</td></tr>\n",
      what);
}

constexpr const char* kPageStart = R"(<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<title>fencebench coverage</title>
<style>
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 64em; padding: 0 1em; }
table { border-collapse: collapse; margin: 0 0 2em; }
td, th { padding: .15em .8em; text-align: right; vertical-align: bottom; font-variant-numeric: tabular-nums; }
th { text-align: left; font-weight: normal; }
tr { border-bottom: 1px solid #8883; }
.head * { font-weight: 600; }
.full { color: light-dark(#0a6b2d, #6fd08c); }
.low { color: light-dark(#b3261e, #ff8a80); font-weight: 600; }
.folder th { padding-top: .8em; font-weight: 600; }
code { font-size: .92em; }
li { margin: .1em 0; }
</style>
)";

}  // namespace

std::string coverage_table(const std::vector<FileCoverage>& files, bool each_file) {
  Table table({each_file ? "file" : "folder", "lines>", "missed>", "branches>", "missed>",
               "functions>", "missed>"});
  std::vector<FileCoverage> shown;
  for (const FileCoverage& file : files) {
    if (has_code(file)) shown.push_back(file);
  }
  for (const Row& row : rows_of(shown, each_file)) {
    const Counts& counts = row.counts;
    table.row({row.name, counts.lines.text(), with_commas(counts.lines.missed()),
               counts.branches.text(), with_commas(counts.branches.missed()),
               counts.functions.text(), with_commas(counts.functions.missed())});
  }
  return table.text();
}

std::string reached_by_table(const std::vector<ReachedBy>& reached_by) {
  Table table({"reached by", "lines>", "branches>", "functions>"});
  for (const ReachedBy& entry : reached_by) {
    table.row({entry.who, entry.counts.lines.text(), entry.counts.branches.text(),
               entry.counts.functions.text()});
  }
  return table.text();
}

std::vector<std::string> uncovered_lines(const std::vector<FileCoverage>& files) {
  std::vector<std::string> lines;
  for (const FileCoverage& file : files) {
    for (const Gap& gap : file.gaps()) {
      lines.push_back(fmt::format("{}: {}", place(file, gap), gap.what));
    }
  }
  return lines;
}

std::vector<std::string> uncovered_by_targets(const CoverageResult& result) {
  std::vector<std::string> lines;
  for (const FileCoverage& file : result.by_targets) {
    for (const TargetGap& gap : gaps_of_targets(file, result.files)) {
      lines.push_back(fmt::format("{}: {}{}", place(file, gap.gap), gap.gap.what,
                                  gap.by_tests == Missed::kNone   ? " (a test does)"
                                  : gap.by_tests == Missed::kPart ? " (a test does in part)"
                                                                  : ""));
    }
  }
  return lines;
}

std::vector<std::string> below_minimum(const std::vector<FileCoverage>& files,
                                       const Minimum& minimum) {
  std::vector<std::string> offenders;
  auto check = [&](const Row& row, const char* what, const Ratio& ratio,
                   const std::optional<uint64_t>& percent) {
    if (!percent || !ratio.below(*percent)) return;
    offenders.push_back(
        fmt::format("{}: {} {}, the minimum is {} %", row.name, what, ratio.text(), *percent));
  };
  for (const Row& row : rows_of(files, false)) {
    check(row, "lines", row.counts.lines, minimum.lines);
    check(row, "branches", row.counts.branches, minimum.branches);
  }
  return offenders;
}

json coverage_json(const CoverageResult& result) {
  json files = json::array();
  for (const FileCoverage& file : result.files) {
    json entry = to_json(file.name, file.counts());
    json gaps = json::array();
    for (const Gap& gap : file.gaps()) gaps.push_back(to_json(gap));
    entry["uncovered"] = gaps;
    files.push_back(entry);
  }
  json folders = json::array();
  for (const auto& [folder, counts] : by_folder(result.files)) {
    folders.push_back(to_json(folder, counts));
  }
  json reached_by = json::array();
  for (const ReachedBy& entry : result.reached_by) {
    reached_by.push_back(to_json(entry.who, entry.counts));
  }
  json no_target = json::array();
  for (const FileCoverage& file : result.by_targets) {
    for (const TargetGap& gap : gaps_of_targets(file, result.files)) {
      json where = to_json(gap.gap);
      where["file"] = file.name;
      where["missed_by_tests"] = gap.by_tests == Missed::kNone   ? "no"
                                 : gap.by_tests == Missed::kPart ? "in part"
                                                                 : "yes";
      no_target.push_back(where);
    }
  }
  return {{"total", to_json(kTotal, total(result.files))},
          {"folders", folders},
          {"files", files},
          {"reached_by", reached_by},
          {"reached_by_no_target", no_target}};
}

std::string coverage_page(const CoverageResult& result) {
  std::string page = kPageStart;
  page += fmt::format("{}\n</head><body>\n<h1>Coverage</h1>\n<table>\n{}", kReportMark,
                      html_head("file"));
  auto folders = by_folder(result.files);
  page += html_row("<b>total</b>", total(result.files));
  for (const auto& [folder, counts] : folders) {
    std::string row = html_row(html(folder), counts);
    page += "<tr class=\"folder\"" + row.substr(std::string_view("<tr").size());
    for (const FileCoverage& file : result.files) {
      if (folder_of(file.name) != folder || !has_code(file)) continue;
      std::string base = file.name.substr(folder.size() + 1);
      page += html_row("&emsp;" + link(page_of(result, file.name), base), file.counts());
    }
  }
  page += fmt::format("</table>\n<h2>Reached by</h2>\n<table>\n{}", html_head("who"));
  for (const ReachedBy& entry : result.reached_by) {
    page += html_row(link(entry.pages + "/index.html", entry.who), entry.counts);
  }
  page += "</table>\n";
  if (!result.by_targets.empty())
    page += fmt::format("<p>{}</p>\n", link(kNoTargetPage, "What no target reaches"));
  page += "<h2>Missed</h2>\n";
  bool any = false;
  for (const FileCoverage& file : result.files) {
    std::vector<Gap> gaps = file.gaps();
    if (gaps.empty()) continue;
    any = true;
    std::string target = page_of(result, file.name);
    page += fmt::format("<h3>{}</h3>\n<ul>\n", html(file.name));
    for (const Gap& gap : gaps) {
      page += fmt::format("<li>{} <code>{}</code></li>\n",
                          link(fmt::format("{}#L{}", target, gap.first_line), lines_of(gap)),
                          html(gap.what));
    }
    page += "</ul>\n";
  }
  if (!any) page += "<p>Nothing.</p>\n";
  return page + "</body></html>\n";
}

std::string no_target_page(const CoverageResult& result) {
  std::string page = kPageStart;
  page += fmt::format(
      "</head><body>\n<h1>Reached by no target</h1>\n<p>{}</p>\n"
      "<p>What the targets do not reach from their inputs, whether or not a unit test does.</p>\n"
      "<table>\n{}",
      link("index.html", "Coverage"), html_head("file"));
  page += html_row("<b>total</b>", total(result.by_targets));
  std::string gaps_by_file;
  for (const FileCoverage& file : result.by_targets) {
    const std::vector<TargetGap> gaps = gaps_of_targets(file, result.files);
    if (gaps.empty()) continue;
    page += html_row(link("#" + file.name, file.name), file.counts());
    const std::string target = page_of(result.target_pages, result.root, file.name);
    gaps_by_file += fmt::format("<h3 id=\"{0}\">{0}</h3>\n<ul>\n", html(file.name));
    for (const TargetGap& gap : gaps) {
      gaps_by_file += fmt::format(
          "<li>{} <code>{}</code>{}</li>\n",
          link(fmt::format("{}#L{}", target, gap.gap.first_line), lines_of(gap.gap)),
          html(gap.gap.what),
          gap.by_tests == Missed::kNone   ? ""
          : gap.by_tests == Missed::kPart ? " <b class=\"low\">part of it by no test</b>"
                                          : " <b class=\"low\">nor by a test</b>");
    }
    gaps_by_file += "</ul>\n";
  }
  page += "</table>\n" + (gaps_by_file.empty() ? "<p>Nothing.</p>\n" : gaps_by_file);
  return page + "</body></html>\n";
}

}  // namespace tool
