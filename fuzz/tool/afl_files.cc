#include "fuzz/tool/afl_files.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include "fuzz/tool/strings.h"

namespace tool {
namespace {

// "99.53%"
std::optional<double> percent(std::string_view text) {
  if (!text.ends_with('%')) return {};
  text.remove_suffix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !(value >= 0 && value <= 100))
    return {};
  return value;
}

}  // namespace

AflStats parse_fuzzer_stats(std::string_view text) {
  AflStats stats;
  // The last line may be half written.
  for (const std::string& line : split(text.substr(0, text.rfind('\n') + 1), '\n')) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::string_view name = trim(std::string_view(line).substr(0, colon));
    const std::string_view value = trim(std::string_view(line).substr(colon + 1));
    const uint64_t number = to_number(value).value_or(0);
    if (name == "execs_done") stats.executions = number;
    if (name == "edges_found") stats.edges = number;
    if (name == "corpus_count") stats.corpus = number;
    if (name == "peak_rss_mb") stats.rss_mb = number;
    if (name == "stability") stats.stability = percent(value);
  }
  return stats;
}

std::optional<AflStats> parse_plot_data(std::string_view text) {
  std::vector<std::string> columns;
  std::vector<std::string> values;
  for (const std::string& line : split(text.substr(0, text.rfind('\n') + 1), '\n')) {
    if (line.starts_with('#') && columns.empty())
      columns = split(std::string_view(line).substr(1), ',');
    else if (!line.empty() && !line.starts_with('#'))
      values = split(line, ',');
  }
  if (values.empty()) return {};
  AflStats stats;
  for (size_t i = 0; i < std::min(columns.size(), values.size()); i++) {
    const std::string_view name = trim(columns[i]);
    const uint64_t number = to_number(trim(values[i])).value_or(0);
    if (name == "total_execs") stats.executions = number;
    if (name == "edges_found") stats.edges = number;
    if (name == "corpus_count") stats.corpus = number;
  }
  return stats;
}

std::optional<AflName> parse_afl_name(std::string_view name) {
  constexpr std::string_view kId = "id:";
  if (!name.starts_with(kId)) return {};
  AflName parsed;
  bool has_id = false;
  for (const std::string& field : split(name, ',')) {
    const size_t colon = field.find(':');
    if (colon == std::string::npos) continue;
    const std::string key = field.substr(0, colon);
    if (key == "orig") {
      parsed.from_input = true;
      break;  // what follows is a file's name, with whatever it holds
    }
    const std::optional<uint64_t> number = to_number(field.substr(colon + 1));
    if (!number) continue;
    if (key == "id") {
      parsed.id = *number;
      has_id = true;
    }
    if (key == "time") parsed.seconds = static_cast<double>(*number) / 1000;
    if (key == "execs") parsed.executions = *number;
  }
  if (!has_id) return {};
  return parsed;
}

}  // namespace tool
