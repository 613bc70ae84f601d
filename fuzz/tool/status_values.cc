#include "fuzz/tool/status_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "fuzz/tool/strings.h"

namespace tool {
namespace {

using nlohmann::json;

constexpr int64_t kMinute = 60;
constexpr int64_t kHour = 60 * kMinute;
constexpr int64_t kDay = 24 * kHour;

const json& member(const json& object, const char* key) {
  static const json kNothing;
  if (!object.is_object()) return kNothing;
  const auto found = object.find(key);
  return found == object.end() ? kNothing : *found;
}

}  // namespace

int64_t time_in(const json& value) {
  const double seconds = amount_in(value);
  if (seconds < 365.0 * kDay || seconds > 229.0 * 365 * kDay) return 0;
  return static_cast<int64_t>(seconds);
}

int64_t time_in(const json& object, const char* key) { return time_in(member(object, key)); }

double amount_in(const json& value) {
  if (!value.is_number()) return 0;
  const auto amount = value.get<double>();
  return std::isfinite(amount) && amount > 0 ? amount : 0;
}

double amount_in(const json& object, const char* key) { return amount_in(member(object, key)); }

std::string text_in(const json& object, const char* key) {
  const json& value = member(object, key);
  return value.is_string() ? value.get<std::string>() : std::string();
}

std::vector<std::string> texts_in(const json& object, const char* key) {
  std::vector<std::string> texts;
  for (const json& value : list_in(object, key))
    if (value.is_string()) texts.push_back(value.get<std::string>());
  return texts;
}

bool flag_in(const json& object, const char* key) {
  const json& value = member(object, key);
  return value.is_boolean() && value.get<bool>();
}

const json& list_in(const json& object, const char* key) {
  static const json kEmpty = json::array();
  const json& value = member(object, key);
  return value.is_array() ? value : kEmpty;
}

const json& object_in(const json& object, const char* key) {
  static const json kEmpty = json::object();
  const json& value = member(object, key);
  return value.is_object() ? value : kEmpty;
}

std::string date_and_time(int64_t time) {
  if (time <= 0) return "-";
  const std::chrono::year_month_day day{std::chrono::sys_days(std::chrono::days(time / kDay))};
  return fmt::format("{:04}-{:02}-{:02} {}", static_cast<int>(day.year()),
                     static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()),
                     clock_time(time));
}

std::string clock_time(int64_t time) {
  return fmt::format("{:02}:{:02}", time % kDay / kHour, time % kHour / kMinute);
}

std::string duration(double seconds) {
  const auto whole = static_cast<int64_t>(std::clamp(seconds, 0.0, 1e12));
  if (whole < kMinute) return fmt::format("{} s", whole);
  if (whole < kHour) return fmt::format("{} min", whole / kMinute);
  if (whole < 2 * kDay)
    return fmt::format("{} h {:02} min", whole / kHour, whole % kHour / kMinute);
  return fmt::format("{} d {} h", whole / kDay, whole % kDay / kHour);
}

std::string bytes_text(double bytes) {
  constexpr const char* kUnits[] = {"bytes", "kB", "MB", "GB", "TB", "PB", "EB"};
  size_t unit = 0;
  while (bytes >= 1000 && unit + 1 < std::size(kUnits)) {
    bytes /= 1000;
    unit++;
  }
  return fmt::format("{:.{}f} {}", bytes, unit == 0 || bytes >= 100 ? 0 : 1, kUnits[unit]);
}

std::string count_text(double count) {
  return with_commas(static_cast<uint64_t>(std::clamp(count, 0.0, 1e18)));
}

}  // namespace tool
