// A story (trace_story.h) as one page that needs nothing else: it zooms, tells of each step what
// the terminal has no room for, and loads nothing. What comes from the run is never markup.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "fuzz/tool/trace_story.h"

namespace tool {

struct StoryHeading {
  std::string title;
  std::string verdict;             // empty: clean
  std::vector<std::string> facts;  // one line each
};

nlohmann::json to_json(const TraceLog& log, const Story& story, const StoryHeading& heading);

std::string story_page(const TraceLog& log, const Story& story, const StoryHeading& heading);

}  // namespace tool
