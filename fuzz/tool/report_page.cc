#include "fuzz/tool/report_page.h"

#include "fuzz/tool/html.h"
#include "fuzz/tool/report_parts.h"

namespace tool {
namespace {

struct Part {
  const char* id;
  const char* name;
  std::string text;
};

}  // namespace

std::string report_page(const ReportData& data) {
  const ReportView view = make_view(data);
  const Part parts[] = {{"curves", "curves", curves_part(view)},
                        {"matrix", "who sees what", matrix_part(view)},
                        {"defects", "how fast", defects_part(view)},
                        {"missed", "not found", not_found_part(view)},
                        {"comparison", "ways compared", comparison_part(view)},
                        {"mutants", "mutants", mutants_part(view)},
                        {"coverage", "coverage", coverage_part(view)},
                        {"stories", "defects", stories_part(view)}};
  std::string navigation = "<nav>\n", body;
  for (const Part& part : parts) {
    if (part.text.empty()) continue;
    navigation += std::string("<a href=\"#") + part.id + "\">" + part.name + "</a>\n";
    body += std::string("<section>\n") + part.text + "</section>\n";
  }
  return fill_places(kReportPage, {{"SCRIPT", script_source(kReportScript)},
                                   {"BODY", summary_part(view) + navigation + "</nav>\n" + body}});
}

}  // namespace tool
