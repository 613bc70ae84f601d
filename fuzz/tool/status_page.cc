#include "fuzz/tool/status_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "fuzz/tool/html.h"
#include "fuzz/tool/status_chart.h"
#include "fuzz/tool/status_values.h"
#include "fuzz/tool/strings.h"

namespace tool {
namespace {

using nlohmann::json;

constexpr ChartSize kWide = {1080, "wide"};
constexpr ChartSize kNarrow = {366, "narrow"};
constexpr size_t kFindings = 200;
constexpr size_t kJobs = 200;
constexpr size_t kEvents = 60;
constexpr size_t kDetails = 60;
constexpr size_t kLine = 400;      // bytes of a line of text
constexpr size_t kCommand = 1000;  // of a command
constexpr size_t kMessage = 2000;
constexpr int kRefreshSeconds = 30;

struct Known {
  const char* name;
  const char* looks;
};

// Names that came from outside are no classes: an unknown one has no looks of its own.
std::string badge(std::string_view name, std::initializer_list<Known> known) {
  const char* looks = "other";
  for (const Known& entry : known) {
    if (entry.name == name) looks = entry.looks;
  }
  return fmt::format("<span class=\"badge {}\">{}</span>", looks, html(name, 40));
}

std::string cell(std::string_view title, std::string_view content,
                 std::string_view looks = "number") {
  return fmt::format("<td class=\"{}\" data-title=\"{}\">{}</td>", looks, title, content);
}

std::string code(std::string_view text) {
  return text.empty() ? "" : fmt::format("<code>{}</code>", html(text, 80));
}

std::string fact(std::string_view name, std::string_view value) {
  return fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", name, value);
}

std::string per_second(double executions, double seconds) {
  return seconds > 0 ? count_text(executions / seconds) : "-";
}

std::string_view state_of(const json& status) {
  if (!trim(text_in(status, "message")).empty()) return "trouble";
  return flag_in(status, "running") ? "running" : "stopped";
}

std::string title_of(const json& status) {
  size_t open = 0;
  for (const json& finding : list_in(status, "findings"))
    open += text_in(finding, "status") == "open";
  return fmt::format("{}, {} open: {}", state_of(status), open, html(text_in(status, "store"), 80));
}

std::string heading(const json& status) {
  const int64_t started = time_in(status, "started");
  const int64_t generated = time_in(status, "generated");
  const std::string_view state = state_of(status);
  std::string out =
      "<h1>" + badge(state, {{"running", "good"}, {"stopped", "idle"}, {"trouble", "bad"}});
  if (state == "trouble") out += flag_in(status, "running") ? " running" : " stopped";
  if (started > 0) {
    out += fmt::format(" {} {}", flag_in(status, "running") ? "since" : "started",
                       date_and_time(started));
    if (generated > started)
      out += fmt::format(" <span class=\"dim\">({})</span>",
                         duration(static_cast<double>(generated - started)));
  }
  out += "</h1>\n<p class=\"dim\">";
  const json& commit = object_in(status, "commit");
  if (!commit.empty()) {
    out += "commit " + code(text_in(commit, "id")) + " " + html(text_in(commit, "title"), kLine);
    if (flag_in(commit, "dirty")) out += " <b>with changes that are not committed</b>";
    out += "<br>";
  }
  out += "store " + code(text_in(status, "store"));
  if (amount_in(status, "pid") > 0)
    out += fmt::format(", process {:.0f}", amount_in(status, "pid"));
  out += fmt::format(", written {} UTC</p>\n", date_and_time(generated));
  const std::string message = text_in(status, "message");
  if (!trim(message).empty())
    out += fmt::format("<p class=\"alert\" role=\"alert\">{}</p>\n", html(message, kMessage));
  return out + "<p class=\"alert\" id=\"old\" hidden></p>\n";
}

std::string facts(const json& status) {
  size_t open = 0, fixed = 0, other = 0;
  for (const json& finding : list_in(status, "findings")) {
    const std::string state = text_in(finding, "status");
    (state == "open" ? open : state == "fixed" ? fixed : other)++;
  }
  double corpus = 0;
  std::map<std::string, double> corpora;  // shared by the jobs of a target
  for (const json& job : list_in(status, "jobs")) {
    double& inputs = corpora[text_in(job, "target")];
    inputs = std::max(inputs, amount_in(job, "corpus"));
  }
  for (const auto& [target, inputs] : corpora) corpus += inputs;
  const double executions = amount_in(status, "executions");
  const double seconds = amount_in(status, "fuzzing_seconds");
  std::string out = "<dl class=\"facts\">\n";
  out += fact("open findings", fmt::format("<b class=\"{}\">{}</b>", open > 0 ? "hot" : "", open));
  out += fact("fixed", std::to_string(fixed));
  if (other > 0) out += fact("unreproducible", std::to_string(other));
  out += fact("executions", count_text(executions));
  out += fact("a second, each process", per_second(executions, seconds));
  out += fact("fuzzing time", duration(seconds));
  out += fact("inputs", count_text(corpus));
  const json& disk = object_in(status, "disk");
  if (!disk.empty()) {
    const double used = amount_in(disk, "bytes"), limit = amount_in(disk, "limit");
    std::string text = bytes_text(used);
    if (limit > 0) {
      text += fmt::format(
          " of {} <meter min=\"0\" max=\"1\" high=\"0.9\" optimum=\"0\" "
          "value=\"{:.3f}\"></meter>",
          bytes_text(limit), std::min(1.0, used / limit));
    }
    out += fact("disk", text);
    out += fact("free", bytes_text(amount_in(disk, "free")));
  }
  return out + "</dl>\n";
}

std::string timeline(const json& status) {
  const Timeline timeline = timeline_of(status);
  std::string out = "<h2>Timeline <span class=\"dim\">UTC</span></h2>\n" +
                    status_chart(timeline, kWide) + status_chart(timeline, kNarrow);
  if (timeline.to != 0)
    out +=
        "<p class=\"legend dim\">a line with a name: commit built · ▼ finding first seen · "
        "● last seen · ✓ fixed · shaded: stopped</p>\n";
  return out;
}

std::string place_of(const json& finding) {
  const std::string targets = join(texts_in(finding, "targets"), ", ");
  const std::string sanitizers = join(texts_in(finding, "sanitizers"), ", ");
  std::string out = html(targets, kLine);
  if (!sanitizers.empty()) out += " · " + html(sanitizers, kLine);
  return out;
}

std::string details_of(const json& finding) {
  const std::vector<std::string> lines = texts_in(finding, "details");
  std::string out;
  for (size_t i = 0; i < std::min(lines.size(), kDetails); i++) out += html(lines[i], kLine) + "\n";
  if (lines.size() > kDetails) out += fmt::format("and {} more lines\n", lines.size() - kDetails);
  if (!out.empty()) out = "<pre>" + out + "</pre>";
  const std::string file = text_in(finding, "file");
  if (!file.empty()) {
    out += fmt::format("<p>file {}", code(file));
    if (amount_in(finding, "bytes") > 0) out += ", " + bytes_text(amount_in(finding, "bytes"));
    out += "</p>";
  }
  return out;
}

std::string finding_row(const json& finding, size_t number) {
  const std::string signature = text_in(finding, "signature");
  std::string what = fmt::format(
      "<div class=\"verdict\">{} {}</div>\n<div class=\"dim\">{}{}{}</div>\n",
      html(text_in(finding, "verdict"), kLine), code(signature), place_of(finding),
      text_in(finding, "size").empty() ? "" : " · ", html(text_in(finding, "size"), kLine));
  const std::string command = text_in(finding, "reproduce");
  if (!command.empty())
    what += fmt::format("<div class=\"command\"><code>{}</code></div>\n", html(command, kCommand));
  const std::string details = details_of(finding);
  // What is open stays open when the page reads itself again, by this name.
  const std::string name = signature.empty() ? std::to_string(number) : slug(signature, 40);
  if (!details.empty())
    what += fmt::format("<details data-name=\"{}\"><summary>details</summary>{}</details>\n", name,
                        details);
  const auto seen = [&](const char* time, const char* commit) {
    return date_and_time(time_in(finding, time)) +
           (text_in(finding, commit).empty() ? "" : " <br>" + code(text_in(finding, commit)));
  };
  return fmt::format("<tr>{}{}{}{}{}</tr>\n",
                     cell("status",
                          badge(text_in(finding, "status"),
                                {{"open", "bad"}, {"fixed", "good"}, {"unreproducible", "idle"}}),
                          "word"),
                     cell("finding", what, "what"),
                     cell("first seen", seen("first_seen", "first_commit"), "time"),
                     cell("last seen", seen("last_seen", "fixed_commit"), "time"),
                     cell("times", count_text(amount_in(finding, "count"))));
}

std::string findings(const json& status) {
  std::vector<const json*> all;
  for (const json& finding : list_in(status, "findings")) all.push_back(&finding);
  // The open ones first, of each kind the newest.
  sort_by(all, [](const json* finding) {
    return std::pair(text_in(*finding, "status") != "open", -time_in(*finding, "first_seen"));
  });
  std::string out = "<h2>Findings</h2>\n";
  if (all.empty()) return out + "<p>None.</p>\n";
  out +=
      "<table class=\"findings\"><thead><tr><th>status</th><th>finding</th><th>first seen</th>"
      "<th>last seen</th><th class=\"number\">times</th></tr></thead><tbody>\n";
  for (size_t i = 0; i < std::min(all.size(), kFindings); i++) out += finding_row(*all[i], i);
  out += "</tbody></table>\n";
  if (all.size() > kFindings)
    out += fmt::format("<p>and {} more in the store</p>\n",
                       count_text(static_cast<double>(all.size() - kFindings)));
  return out;
}

std::string jobs(const json& status) {
  const json& all = list_in(status, "jobs");
  std::string out = "<h2>Jobs</h2>\n";
  if (all.empty()) return out + "<p>None.</p>\n";
  out +=
      "<table class=\"jobs\"><thead><tr><th>target</th><th>sanitizer</th><th>state</th>"
      "<th class=\"number\">weight</th><th class=\"number\">time</th>"
      "<th class=\"number\">executions</th><th class=\"number\">a second</th>"
      "<th class=\"number\">edges</th><th class=\"number\">features</th>"
      "<th class=\"number\">inputs</th><th>last</th><th>note</th></tr></thead><tbody>\n";
  size_t shown = 0;
  for (const json& job : all) {
    if (shown++ == kJobs) break;
    const double executions = amount_in(job, "executions"), seconds = amount_in(job, "seconds");
    out += "<tr>" + cell("target", html(text_in(job, "target"), 80), "word name");
    out += cell("sanitizer", html(text_in(job, "sanitizer"), 40), "word");
    out += cell(
        "state",
        badge(text_in(job, "state"), {{"running", "good"}, {"waiting", "idle"}, {"broken", "bad"}}),
        "word");
    out += cell("weight", count_text(amount_in(job, "weight")));
    out += cell("time", duration(seconds));
    out += cell("executions", count_text(executions));
    out += cell("a second", per_second(executions, seconds));
    out += cell("edges", count_text(amount_in(job, "edges")));
    out += cell("features", count_text(amount_in(job, "features")));
    out += cell("inputs", count_text(amount_in(job, "corpus")));
    out += cell("last", date_and_time(time_in(job, "last")), "time");
    out += cell("note", html(text_in(job, "note"), kLine), "word note") + "</tr>\n";
  }
  out += "</tbody></table>\n";
  if (all.size() > kJobs) out += fmt::format("<p>and {} more</p>\n", all.size() - kJobs);
  return out;
}

std::string events(const json& status) {
  std::vector<const json*> all;
  for (const json& event : list_in(status, "events")) all.push_back(&event);
  sort_by(all, [](const json* event) { return -time_in(*event, "time"); });
  std::string out = "<h2>Events</h2>\n";
  if (all.empty()) return out + "<p>None.</p>\n";
  out += "<table class=\"events\"><tbody>\n";
  for (size_t i = 0; i < std::min(all.size(), kEvents); i++) {
    out += "<tr>" + cell("", date_and_time(time_in(*all[i], "time")), "time");
    out += cell("",
                badge(text_in(*all[i], "kind"), {{"finding", "bad"},
                                                 {"fixed", "good"},
                                                 {"trouble", "bad"},
                                                 {"build", "news"},
                                                 {"start", "idle"},
                                                 {"stop", "idle"},
                                                 {"prune", "idle"}}),
                "word");
    out += cell("", html(text_in(*all[i], "text"), kLine), "what") + "</tr>\n";
  }
  return out + "</tbody></table>\n";
}

}  // namespace

std::string status_page(const json& status) {
  const bool running = flag_in(status, "running");
  const std::map<std::string_view, std::string> values = {
      {"SCRIPT", script_source(kStatusScript)},
      {"REFRESH",
       running ? fmt::format("<meta http-equiv=\"refresh\" content=\"{}\">", kRefreshSeconds) : ""},
      {"TITLE", title_of(status)},
      {"GENERATED", running ? std::to_string(time_in(status, "generated")) : "0"},
      {"BODY", heading(status) + facts(status) + timeline(status) + findings(status) +
                   jobs(status) + events(status)}};
  return fill_places(kStatusPage, values);
}

}  // namespace tool
