// Survival curves (statistics.h) as pictures: the share of trials that have detected their defect
// by a time, which is on a logarithmic axis. The page defines the looks by classes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fuzz/tool/statistics.h"
#include "fuzz/tool/status_chart.h"

namespace tool {

// The x axis: charts that are to be compared share one.
struct DetectionAxis {
  double from = 0.1;
  double to = 60;
  bool executions = false;  // else seconds
};

// Wide enough for all the curves, up to the bound.
DetectionAxis detection_axis(const std::vector<const SurvivalCurve*>& curves, double bound,
                             bool executions);

struct DetectionLine {
  std::string name;
  size_t look = 0;  // which colour and dashes, the same for a name in all charts
  const SurvivalCurve* curve = nullptr;
};

// One svg element with axes and confidence bands.
std::string detection_chart(const std::vector<DetectionLine>& lines, const DetectionAxis& axis,
                            const ChartSize& size);

// A small one without text, for looking at many at once.
std::string detection_spark(const std::vector<DetectionLine>& lines, const DetectionAxis& axis);

// "0.53 s", "12 s", "3 min"; "1,234"
std::string amount_text(double amount, bool executions);

}  // namespace tool
