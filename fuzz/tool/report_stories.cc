// A section for each defect: what it is, how it was found, its program, its patch, its run.
#include <fmt/format.h>

#include <algorithm>

#include "fuzz/tool/highlight.h"
#include "fuzz/tool/html.h"
#include "fuzz/tool/report_parts.h"
#include "fuzz/tool/strings.h"

namespace tool {
namespace {

constexpr ChartSize kSmall = {366, "story"};
constexpr size_t kLongestText = 60'000;  // bytes of a program, a patch or a run
constexpr std::string_view kEscape = "\x1b[";

std::string entry(std::string_view name, std::string_view value) {
  if (value.empty()) return "";
  return fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", name, value);
}

std::string with_links(std::string_view upstream) {
  std::string out;
  size_t at = 0;
  for (const UpstreamLink& link : upstream_links(upstream)) {
    out += html(upstream.substr(at, link.at - at));
    out += fmt::format("<a href=\"{}\" rel=\"noreferrer\">{}</a>", html(link.url), html(link.text));
    at = link.at + link.text.size();
  }
  return out + html(upstream.substr(at));
}

std::string lines_of(std::string_view text, std::string (*line_html)(std::string_view)) {
  std::string out;
  for (const std::string& line : split(trim(text.substr(0, kLongestText)), '\n'))
    out += line_html(line) + "\n";
  if (text.size() > kLongestText) out += "…\n";
  return out;
}

std::string plain_line(std::string_view line) { return html(line); }

// The terminal's colours as classes: "\x1b[32m" begins one, "\x1b[0m" ends it.
std::string program_line(std::string_view line) {
  const std::string coloured = highlight(printable(line));
  std::string_view rest = coloured;
  std::string out;
  while (true) {
    const size_t begin = rest.find(kEscape);
    out += html(rest.substr(0, begin));
    if (begin == std::string_view::npos) return out;
    const size_t end = rest.find('m', begin);
    const std::string_view code = rest.substr(begin + 2, end - begin - 2);
    out += code == "0" ? "</span>" : fmt::format("<span class=\"c{}\">", code);
    rest.remove_prefix(end + 1);
  }
}

std::string diff_line(std::string_view line) {
  const char* looks = line.starts_with("+++") || line.starts_with("---") ? "file"
                      : line.starts_with("@@")                           ? "hunk"
                      : line.starts_with("+")                            ? "added"
                      : line.starts_with("-")                            ? "removed"
                                                                         : "";
  if (*looks == '\0') return html(line);
  return fmt::format("<span class=\"{}\">{}</span>", looks, html(line));
}

std::string facts(const Defect& defect) {
  std::vector<std::string> detectors;
  for (const std::string& one : defect.detectors) detectors.push_back(html(one, kLongestName));
  std::string out = "<dl class=\"story\">\n";
  out += entry("trigger", html(defect.trigger, 2000));
  out += entry("upstream", with_links(defect.upstream));
  out += entry("versions", html(defect.versions, kLongestLine));
  out += entry("expected", join(detectors, ", "));
  out += entry("catalogue", html(defect.catalogue, kLongestName));
  if (!defect.expected.verdict.empty())
    out += entry("verdict",
                 fmt::format("<code>{}</code>", html(defect.expected.verdict, kLongestLine)));
  if (!defect.reproducer.empty())
    out +=
        entry("reproduce", fmt::format("<code>./fencebench repro corpus/defects/{}</code>",
                                       html(defect.reproducer.filename().string(), kLongestName)));
  return out + "</dl>\n";
}

// What each detector said.
std::string seen_by(const ReportView& view, std::string_view defect) {
  std::string out;
  for (const MatrixRow& row : view.matrix) {
    if (row.defect != defect) continue;
    for (size_t i = 0; i < row.cells.size(); i++) {
      if (row.cells[i].seen < Seen::kExpected) continue;
      for (const std::string& words : row.cells[i].words)
        out += fmt::format("<li{}><b>{}</b> {}</li>\n",
                           row.cells[i].seen == Seen::kExpected ? " class=\"hot\"" : "",
                           detectors()[i].name, html(words, kLongestLine));
    }
  }
  return out.empty() ? "" : "<ul class=\"seen\">\n" + out + "</ul>\n";
}

std::string hunted(const ReportView& view, std::string_view defect) {
  const std::vector<const Cell*> cells = view.cells_of(defect);
  const std::vector<DetectionLine> lines = view.lines_of(cells);
  if (lines.empty()) return "";
  const bool executions = view.by_executions();
  std::string out = "<div class=\"hunted\">" + detection_chart(lines, view.axis, kSmall) + "<ul>";
  for (const Cell* one : cells) {
    if (one->sample.trials == 0) continue;
    const Median& median = executions ? one->executions : one->seconds;
    out +=
        fmt::format("<li><i class=\"key s{}\"></i>{}: {}, median {}</li>\n",
                    view.look_of(one->way) % 6, html(view.name_of(*one), kLongestName),
                    share_text(one->sample.detected, one->sample.trials),
                    median_text(median, executions, amount_text(view.summary.bound, executions)));
  }
  return out + "</ul></div>\n";
}

std::string run_part(const RunStory& run) {
  if (run.text.empty())
    return run.trouble.empty() ? ""
                               : fmt::format("<p class=\"dim\">No trace: {}</p>\n",
                                             html(run.trouble, kLongestLine));
  return fmt::format(
      "<details class=\"run\"><summary>What happens</summary>\n<p class=\"dim\">{}: {}</p>\n"
      "<pre class=\"wide\">{}</pre></details>\n",
      html(run.title, kLongestLine),
      run.verdict.empty() ? "clean" : html(run.verdict, kLongestLine),
      lines_of(run.text, plain_line));
}

std::string share_of(const ReportView& view, std::string_view defect) {
  const std::vector<const Cell*> cells = view.cells_of(defect);
  if (cells.empty()) return "";
  return share_bar(cells.front()->sample.detected, cells.front()->sample.trials);
}

std::string story(const ReportView& view, const std::string& name) {
  const Defect* defect = view.defect(name);
  std::string out = fmt::format(
      "<details class=\"defect\" id=\"{}\"><summary><b>{}</b> {} {}</summary>\n", anchor_of(name),
      html(name, kLongestName),
      defect == nullptr
          ? ""
          : fmt::format("<span class=\"class\">{}</span>", html(defect->defect_class, 40)),
      share_of(view, name));
  out += "<div class=\"columns\">\n";
  out += defect == nullptr ? "<p class=\"dim\">Not in the catalogue of this checkout.</p>\n"
                           : "<div>" + facts(*defect) + "</div>\n";
  out += hunted(view, name) + "</div>\n" + seen_by(view, name);
  if (defect != nullptr) {
    const bool program = defect->reproducer.extension() == ".fence";
    if (!defect->program.empty())
      out += fmt::format("<h4>Program</h4>\n<pre class=\"program\">{}</pre>\n",
                         lines_of(defect->program, program ? program_line : plain_line));
    out += fmt::format("<h4>Patch</h4>\n<pre class=\"wide diff\">{}</pre>\n",
                       lines_of(defect->diff, diff_line));
  }
  const auto run = view.data.runs.find(name);
  if (run != view.data.runs.end()) out += run_part(run->second);
  return out + "</details>\n";
}

}  // namespace

std::string stories_part(const ReportView& view) {
  if (view.defects.empty()) return "";
  std::string out =
      "<h2 id=\"stories\">The defects</h2>\n<p id=\"unfold\" hidden><button type=\"button\" "
      "id=\"open-all\">open all</button> <button type=\"button\" id=\"close-all\">close "
      "all</button>"
      "</p>\n";
  for (const std::string& name : view.defects) out += story(view, name);
  return out;
}

}  // namespace tool
