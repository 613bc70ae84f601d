// The tables of the report: defects and detectors, and defects and how fast they were found.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "fuzz/tool/html.h"
#include "fuzz/tool/report_parts.h"
#include "fuzz/tool/strings.h"

namespace tool {
namespace {

struct Mark {
  const char* looks;
  const char* sign;
  const char* meaning;
};

const Mark& mark_of(Seen seen) {
  static constexpr Mark kNone = {"", "", "not tried"};
  static constexpr Mark kNo = {"no", "·", "says nothing"};
  static constexpr Mark kExpected = {"expected", "!", "expected, but says nothing"};
  static constexpr Mark kHunting = {"hunting", "○", "while hunting"};
  static constexpr Mark kYes = {"yes", "●", "on the reproducer"};
  switch (seen) {
    case Seen::kNo:
      return kNo;
    case Seen::kExpected:
      return kExpected;
    case Seen::kHunting:
      return kHunting;
    case Seen::kYes:
      return kYes;
    case Seen::kNotTried:
      break;
  }
  return kNone;
}

// The last column only where something is in it.
size_t columns_of(const ReportView& view) {
  const size_t all = detectors().size();
  const bool other = std::any_of(view.matrix.begin(), view.matrix.end(), [&](const MatrixRow& row) {
    return row.cells.back().seen > Seen::kNo;
  });
  return other ? all : all - 1;
}

std::string matrix_row(const MatrixRow& row, size_t columns) {
  std::string out = fmt::format("<tr><th scope=\"row\">{}</th>", link_to(row.defect));
  for (size_t i = 0; i < columns; i++) {
    const MatrixCell& one = row.cells[i];
    const Mark& mark = mark_of(one.seen);
    std::string words = fmt::format("{}: {}", detectors()[i].name, mark.meaning);
    for (const std::string& word : one.words) words += "; " + word;
    if (one.seen == Seen::kNotTried)
      out += "<td></td>";
    else
      out += fmt::format("<td class=\"{}\" title=\"{}\">{}</td>", mark.looks,
                         html(words, kLongestLine), mark.sign);
  }
  return out + "</tr>\n";
}

bool seen_at_all(const MatrixRow& row) {
  return std::any_of(row.cells.begin(), row.cells.end(),
                     [](const MatrixCell& one) { return one.seen >= Seen::kHunting; });
}

std::string class_badge(const Defect* defect) {
  if (defect == nullptr) return "";
  return fmt::format("<span class=\"class\">{}</span>", html(defect->defect_class, 40));
}

// What differs between the rows decides which columns there are.
struct Columns {
  bool way;
  bool place;
};

std::string defect_row(const ReportView& view, const Cell& one, const Columns& columns) {
  const bool executions = view.by_executions();
  const Sample& sample = one.sample;
  const Defect* defect = view.defect(one.place.defect);
  std::string out =
      fmt::format("<tr data-class=\"{}\" data-way=\"{}\" data-found=\"{}\">",
                  defect == nullptr ? "" : html(defect->defect_class, 40), view.look_of(one.way),
                  sample.detected == 0               ? "never"
                  : sample.detected == sample.trials ? "always"
                                                     : "sometimes");
  out += cell("defect", link_to(one.place.defect), "name") + cell("class", class_badge(defect));
  if (columns.way)
    out += cell("way",
                fmt::format("<i class=\"key s{}\"></i>{}", view.look_of(one.way) % 6,
                            html(name_of(one.way, view.summary.ways), kLongestName)),
                "way");
  if (columns.place)
    out += cell("where", html(one.place.target + " " + one.place.build, kLongestName), "where");
  out += fmt::format("<td class=\"number\" data-title=\"detected\" data-sort=\"{:.6g}\">{}{}</td>",
                     sample.share(), share_bar(sample.detected, sample.trials),
                     sample.broken > 0
                         ? fmt::format(" <span class=\"dim\">+{} broken</span>", sample.broken)
                         : "");
  const auto bound = [&](bool of_executions) {
    return of_executions == executions ? amount_text(view.summary.bound, executions) : "";
  };
  out += number_cell("median time", median_text(one.seconds, false, bound(false)),
                     sort_value(one.seconds));
  out += number_cell("median executions", median_text(one.executions, true, bound(true)),
                     sort_value(one.executions));
  out += number_cell("RMST", mean_text(one.mean, executions), one.mean.mean);
  return out + "</tr>\n";
}

std::string filters(const ReportView& view, const Columns& columns) {
  std::set<std::string> classes;
  for (const Cell& one : view.summary.cells) {
    const Defect* defect = view.defect(one.place.defect);
    if (defect != nullptr) classes.insert(defect->defect_class);
  }
  std::string out =
      "<div class=\"filters\" hidden>\n<input type=\"search\" id=\"find\" placeholder=\"find\" "
      "aria-label=\"find\">\n";
  out += "<select id=\"class\" aria-label=\"class\"><option value=\"\">every class</option>";
  for (const std::string& one : classes)
    out += fmt::format("<option value=\"{0}\">{0}</option>", html(one, 40));
  out += "</select>\n";
  if (columns.way) {
    out += "<select id=\"way\" aria-label=\"way\"><option value=\"\">every way</option>";
    for (size_t i = 0; i < view.summary.ways.size(); i++)
      out += fmt::format("<option value=\"{}\">{}</option>", i,
                         html(name_of(view.summary.ways[i], view.summary.ways), kLongestName));
    out += "</select>\n";
  }
  out +=
      "<select id=\"found\" aria-label=\"found\"><option value=\"\">found or not</option>"
      "<option value=\"always\">found in every trial</option>"
      "<option value=\"sometimes\">found in some</option>"
      "<option value=\"never\">never found</option></select>\n";
  return out + "<output id=\"shown\" class=\"dim\"></output>\n</div>\n";
}

// A heading that the page's script makes sort.
std::string sorting(std::string_view title, std::string_view looks = "") {
  return fmt::format("<th scope=\"col\" data-sorts class=\"{}\">{}</th>", looks, title);
}

}  // namespace

std::string matrix_part(const ReportView& view) {
  if (view.data.results.replays.empty() && view.data.results.trials.empty()) return "";
  const size_t columns = columns_of(view);
  std::string out =
      "<h2 id=\"matrix\">Who sees what</h2>\n<div class=\"scroll\">\n<table class=\"matrix\">"
      "<thead><tr><td></td>";
  for (size_t i = 0; i < columns; i++)
    out += fmt::format("<th scope=\"col\" title=\"{}\"><span>{}</span></th>",
                       html(detectors()[i].meaning), html(detectors()[i].name));
  out += "</tr></thead>\n<tbody>\n";
  std::vector<size_t> totals(columns);
  std::string unseen;
  size_t rows = 0;
  for (const MatrixRow& row : view.matrix) {
    for (size_t i = 0; i < columns; i++) totals[i] += row.cells[i].seen >= Seen::kHunting;
    if (row.replayed || seen_at_all(row)) {
      out += matrix_row(row, columns);
      rows++;
    } else {
      unseen += (unseen.empty() ? "" : ", ") + link_to(row.defect);
    }
  }
  out += fmt::format("</tbody>\n<tfoot><tr><th scope=\"row\">of {}</th>", rows);
  for (const size_t total : totals) out += fmt::format("<td>{}</td>", total);
  out +=
      "</tr></tfoot></table>\n</div>\n<p class=\"legend dim\"><b class=\"yes\">●</b> on the "
      "reproducer, <b class=\"hunting\">○</b> only while hunting, <b class=\"expected\">!</b> "
      "expected, but says nothing, <b>·</b> says nothing, empty: not tried. The sanitizers stand "
      "for themselves: without our checkers, which are quicker.</p>\n";
  if (!unseen.empty()) out += fmt::format("<p class=\"dim\">Nothing is known of {}.</p>\n", unseen);
  return out;
}

std::string defects_part(const ReportView& view) {
  if (view.summary.cells.empty()) return "";
  std::set<std::pair<std::string, std::string>> places;
  for (const Cell& one : view.summary.cells) places.emplace(one.place.target, one.place.build);
  const Columns columns = {view.summary.ways.size() > 1, places.size() > 1};
  std::string out = "<h2 id=\"defects\">How fast</h2>\n" + filters(view, columns);
  out += "<table class=\"cards\" id=\"table\"><thead><tr>" + sorting("defect") + sorting("class");
  if (columns.way) out += sorting("way");
  if (columns.place) out += sorting("where");
  out += sorting("detected", "number") + sorting("median time", "number") +
         sorting("median executions", "number") +
         sorting("<abbr title=\"restricted mean survival time, up to the bound\">RMST</abbr>",
                 "number");
  out += "</tr></thead>\n<tbody>\n";
  std::set<std::string> hunted;
  for (const Cell& one : view.summary.cells) {
    // Of trials that went wrong the head tells.
    if (one.sample.trials == 0) continue;
    out += defect_row(view, one, columns);
    hunted.insert(one.place.defect);
  }
  out += "</tbody></table>\n";
  std::vector<std::string> rest;
  for (const Defect& defect : view.data.catalogue) {
    if (!hunted.contains(defect.name)) rest.push_back(link_to(defect.name));
  }
  if (!rest.empty()) out += fmt::format("<p class=\"dim\">Not hunted: {}.</p>\n", join(rest, ", "));
  return out;
}

}  // namespace tool
