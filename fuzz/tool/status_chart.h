// The timeline of a status (status_page.h) as a picture: coverage of each target over time, with
// the commits that came in and, for each finding, from when to when it was there.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "fuzz/tool/status_timeline.h"

namespace tool {

struct ChartSize {
  int width;         // in pixels, at which the text is legible
  const char* name;  // a class of the element: "wide"
};

// One svg element, whose looks the page defines by classes; a paragraph if there is nothing to
// draw.
std::string status_chart(const Timeline& timeline, const ChartSize& size);

}  // namespace tool
