#include "fuzz/tool/survival_chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "fuzz/tool/html.h"
#include "fuzz/tool/strings.h"

namespace tool {
namespace {

constexpr size_t kLooks = 6;
constexpr double kWidestSpan = 1e5;  // of the axis
constexpr double kNarrowestSpan = 10;
constexpr size_t kFewOf = 50;
constexpr double kFinest = 0.25;  // of a unit of the picture
constexpr size_t kLetter = 7;     // no letter of the small text is wider

// Where a chart's plot is.
struct Frame {
  double left, top, right, bottom;
  DetectionAxis axis;

  double x(double amount) const {
    const double span = std::log(axis.to / axis.from);
    const double at = std::log(std::max(amount, axis.from) / axis.from) / span;
    return left + std::clamp(at, 0.0, 1.0) * (right - left);
  }
  double y(double share) const { return bottom - share * (bottom - top); }
};

std::string text(double x, double y, std::string_view looks, std::string_view content) {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" class=\"{}\">{}</text>\n", x, y, looks,
                     content);
}

std::string look_of(const DetectionLine& line) { return fmt::format("s{}", line.look % kLooks); }

// How far the line goes: as far as the trials were watched, and on where nothing is left to detect.
double end_of(const SurvivalCurve& curve, const Frame& frame) {
  if (!curve.steps.empty() && curve.steps.back().survival == 0) return frame.right;
  return frame.x(std::min(curve.last, frame.axis.to));
}

// Of steps that stand closer than a picture shows only the last.
std::vector<SurvivalStep> drawn_steps(const SurvivalCurve& curve, const Frame& frame) {
  std::vector<SurvivalStep> drawn;
  for (const SurvivalStep& step : curve.steps) {
    if (!drawn.empty() && frame.x(step.time) - frame.x(drawn.back().time) < kFinest)
      drawn.pop_back();
    drawn.push_back(step);
  }
  return drawn;
}

std::string line_path(const SurvivalCurve& curve, const Frame& frame) {
  std::string path = fmt::format("M{:.1f} {:.1f}", frame.left, frame.y(0));
  for (const SurvivalStep& step : drawn_steps(curve, frame))
    path += fmt::format("H{:.1f}V{:.1f}", frame.x(step.time), frame.y(1 - step.survival));
  return path + fmt::format("H{:.1f}", end_of(curve, frame));
}

// Forth along the upper edge and back along the lower one.
std::string band_path(const SurvivalCurve& curve, const Frame& frame) {
  if (curve.steps.empty()) return "";
  const std::vector<SurvivalStep> steps = drawn_steps(curve, frame);
  std::string path = fmt::format("M{:.1f} {:.1f}", frame.x(steps[0].time), frame.y(0));
  for (const SurvivalStep& step : steps)
    path += fmt::format("H{:.1f}V{:.1f}", frame.x(step.time), frame.y(1 - step.low));
  path += fmt::format("H{:.1f}", end_of(curve, frame));
  for (size_t i = steps.size(); i-- > 0;) {
    const SurvivalStep& step = steps[i];
    path += fmt::format("V{:.1f}H{:.1f}", frame.y(1 - step.high), frame.x(step.time));
  }
  return path + "Z";
}

std::string draw_line(const DetectionLine& line, const Frame& frame, bool band) {
  const SurvivalCurve& curve = *line.curve;
  const double share = curve.steps.empty() ? 0 : 1 - curve.steps.back().survival;
  std::string out = fmt::format("<g><title>{}: {:.0f} % of {} trials</title>\n",
                                html(line.name, 80), 100 * share, curve.subjects);
  if (band)
    out +=
        fmt::format("<path class=\"band {}\" d=\"{}\"/>\n", look_of(line), band_path(curve, frame));
  out +=
      fmt::format("<path class=\"line {}\" d=\"{}\"/>\n", look_of(line), line_path(curve, frame));
  // Trials that ended before the bound without a detection.
  std::string ticks;
  for (const double time : curve.censored) {
    if (time >= frame.axis.to * 0.98) continue;
    double survival = 1;
    for (const SurvivalStep& step : curve.steps) {
      if (step.time <= time) survival = step.survival;
    }
    ticks += fmt::format("M{:.1f} {:.1f}v6", frame.x(time), frame.y(1 - survival) - 3);
  }
  if (band && !ticks.empty())
    out += fmt::format("<path class=\"line {}\" d=\"{}\"/>\n", look_of(line), ticks);
  return out + "</g>\n";
}

// Powers of ten, and the bound.
std::string draw_x_axis(const Frame& frame) {
  std::string out;
  double free_from = -1;
  const auto tick = [&](double amount, bool at_end) {
    const std::string label = amount_text(amount, frame.axis.executions);
    const double x = frame.x(amount);
    const auto width = static_cast<double>(label.size() * kLetter);
    const double begin = at_end ? x - width : x - width / 2;
    out += fmt::format("<path class=\"grid\" d=\"M{:.1f} {:.1f}V{:.1f}\"/>\n", x, frame.top,
                       frame.bottom);
    if (begin < free_from) return;
    free_from = begin + width + 4;
    out += text(x, frame.bottom + 16, at_end ? "small dim end" : "small dim middle", label);
  };
  const std::string bound = amount_text(frame.axis.to, frame.axis.executions);
  const double last = frame.right - static_cast<double>((bound.size() + 2) * kLetter);
  for (double amount = frame.axis.from; amount < frame.axis.to * 0.999; amount *= 10) {
    const auto width =
        static_cast<double>(amount_text(amount, frame.axis.executions).size() * kLetter);
    if (frame.x(amount) + width / 2 < last) tick(amount, false);
  }
  tick(frame.axis.to, true);
  return out;
}

std::string draw_y_axis(const Frame& frame) {
  std::string out;
  for (const int percent : {0, 25, 50, 75, 100}) {
    const double y = frame.y(percent / 100.0);
    out += fmt::format("<path class=\"{}\" d=\"M{:.1f} {:.1f}H{:.1f}\"/>\n",
                       percent == 0 ? "frame" : "grid", frame.left, y, frame.right);
    out += text(frame.left - 5, y + 4, "small dim end", fmt::format("{} %", percent));
  }
  return out;
}

}  // namespace

DetectionAxis detection_axis(const std::vector<const SurvivalCurve*>& curves, double bound,
                             bool executions) {
  DetectionAxis axis = {0, bound, executions};
  std::vector<double> times;
  for (const SurvivalCurve* curve : curves) {
    if (bound <= 0) axis.to = std::max(axis.to, curve->last);
    for (const SurvivalStep& step : curve->steps) {
      if (step.time > 0) times.push_back(step.time);
    }
  }
  if (axis.to <= 0) axis.to = executions ? 1000 : 60;
  std::sort(times.begin(), times.end());
  // A few that were quicker than all others stand at the left edge.
  double early = times.empty() ? axis.to : times[times.size() / kFewOf];
  early = std::clamp(early, axis.to / kWidestSpan, axis.to / kNarrowestSpan);
  axis.from = std::pow(10, std::floor(std::log10(early)));
  return axis;
}

std::string amount_text(double amount, bool executions) {
  if (executions) return with_commas(static_cast<uint64_t>(std::llround(amount)));
  if (amount < 0.0005) return "0 s";
  if (amount < 0.01) return fmt::format("{:.3f} s", amount);
  if (amount < 9.95) return fmt::format("{:.2g} s", amount);
  if (amount < 120) return fmt::format("{:.0f} s", amount);
  if (amount < 7200) return fmt::format("{:.0f} min", amount / 60);
  return fmt::format("{:.1f} h", amount / 3600);
}

std::string detection_chart(const std::vector<DetectionLine>& lines, const DetectionAxis& axis,
                            const ChartSize& size) {
  const double height = size.width > 600 ? 300 : 190;
  const Frame frame = {42, 8, static_cast<double>(size.width) - 8, height - 24, axis};
  std::string out = fmt::format(
      "<svg class=\"chart {}\" viewBox=\"0 0 {} {:.0f}\" role=\"img\" "
      "aria-label=\"Share of trials that detected their defect, over {}\">\n",
      size.name, size.width, height, axis.executions ? "executions" : "time");
  out += draw_x_axis(frame) + draw_y_axis(frame);
  for (const DetectionLine& line : lines) out += draw_line(line, frame, true);
  return out + "</svg>\n";
}

std::string detection_spark(const std::vector<DetectionLine>& lines, const DetectionAxis& axis) {
  const Frame frame = {1, 3, 149, 53, axis};
  std::string out =
      "<svg class=\"spark\" viewBox=\"0 0 150 56\" role=\"img\" aria-label=\"detected over "
      "time\">\n";
  out += fmt::format(
      "<path class=\"frame\" d=\"M1 3V53H149\"/><path class=\"grid\" d=\"M1 {0}H149\"/>\n",
      frame.y(0.5));
  for (const DetectionLine& line : lines) out += draw_line(line, frame, false);
  return out + "</svg>\n";
}

}  // namespace tool
