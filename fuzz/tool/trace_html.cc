#include "fuzz/tool/trace_html.h"

#include "fuzz/tool/strings.h"
#include "fuzz/tool/trace_page.h"

namespace tool {
namespace {

using nlohmann::json;

json to_json(const TraceLog& log, const StoryRow& row) {
  json object = {{"kind", name_of(row.kind)},
                 {"column", row.column == kAcross ? -1 : static_cast<int>(row.column)},
                 {"held", row.held},
                 {"first", row.first},
                 {"last", row.last},
                 {"points", row.points},
                 {"text", row.text}};
  if (row.context != kNobody) object["who"] = log.name(row.context);
  if (row.tag != 0) object["tag"] = row.tag;
  if (row.on_top) object["top"] = true;
  if (row.kept) object["kept"] = true;
  return object;
}

json to_json(const LivingObject& living) {
  json references = json::array();
  for (const Reference& reference : living.references) {
    json object = {{"holder", reference.holder}, {"step", reference.step}, {"tag", reference.tag}};
    if (!reference.origin.empty()) {
      object["origin"] = reference.origin;
      object["moved_step"] = reference.moved_step;
      object["moved_tag"] = reference.moved_tag;
    }
    references.push_back(object);
  }
  return {{"name", living.name},
          {"step", living.step},
          {"tag", living.tag},
          {"references", references}};
}

}  // namespace

json to_json(const TraceLog& log, const Story& story, const StoryHeading& heading) {
  json columns = json::array(), rows = json::array(), living = json::array();
  for (const StoryColumn& column : story.columns) columns.push_back(column.title);
  for (const StoryRow& row : story.rows) rows.push_back(to_json(log, row));
  for (const LivingObject& object : story.living) living.push_back(to_json(object));
  json operations = json::object();
  for (const auto& [tag, text] : log.operations) operations[std::to_string(tag)] = printable(text);
  return {{"title", heading.title},
          {"verdict", heading.verdict},
          {"facts", heading.facts},
          {"columns", columns},
          {"rows", rows},
          {"held", story.held},
          {"operations", operations},
          {"living", living},
          {"standing", story.standing}};
}

std::string story_page(const TraceLog& log, const Story& story, const StoryHeading& heading) {
  constexpr std::string_view kPlace = "@DATA@";
  const std::string_view page = kTracePage;
  const size_t at = page.find(kPlace);
  const std::string text =
      to_json(log, story, heading).dump(-1, ' ', true, json::error_handler_t::replace);
  std::string out(page.substr(0, at));
  // In a script element only '<' could be taken for markup.
  for (const char c : text) {
    if (c == '<')
      out += "\\u003c";
    else
      out += c;
  }
  out += page.substr(at + kPlace.size());
  return out;
}

}  // namespace tool
