#include "fuzz/tool/merge.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "fuzz/tool/errors.h"
#include "fuzz/tool/input.h"
#include "fuzz/tool/libfuzzer_log.h"
#include "fuzz/tool/strings.h"

namespace tool {
namespace {

// The inner process of libFuzzer's merge, in the form that writes all features of each input; the
// other form leaves out those that an earlier one had.
constexpr std::string_view kAllFeatures = "-merge_inner=2";

// All files below a folder. Their order does not matter.
std::vector<fs::path> files_below(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::recursive_directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code ignored;
    if (entry->is_regular_file(ignored)) files.push_back(entry->path());
  }
  if (error) {
    throw UsageError(
        fmt::format("cannot read '{}': {}", printable(folder.string()), error.message()));
  }
  return files;
}

std::vector<std::string_view> words(std::string_view line) {
  std::vector<std::string_view> found;
  while (!line.empty()) {
    size_t end = std::min(line.find(' '), line.size());
    if (end > 0) found.push_back(line.substr(0, end));
    line.remove_prefix(std::min(end + 1, line.size()));
  }
  return found;
}

}  // namespace

MergeInputs read_inputs(const std::vector<std::string>& paths, const std::string& target) {
  MergeInputs inputs;
  std::set<std::string> contents;
  for (const std::string& path : paths) {
    std::error_code ignored;
    bool is_folder = fs::is_directory(path, ignored);
    for (const fs::path& file : is_folder ? files_below(path) : std::vector<fs::path>{path}) {
      std::vector<uint8_t> bytes =
          assemble(Project::shown(fs::absolute(file)), target, read_named_file(file));
      inputs.files++;
      inputs.bytes += bytes.size();
      if (bytes.empty()) {
        inputs.empty++;
      } else if (!contents.emplace(bytes.begin(), bytes.end()).second) {
        inputs.doubles++;
      }
    }
  }
  if (contents.empty()) {
    throw UsageError(fmt::format("no input in {}: {}", printable(join(paths, ", ")),
                                 inputs.empty > 0 ? "all files are empty" : "there is no file"));
  }
  inputs.contents.assign(contents.begin(), contents.end());
  std::sort(inputs.contents.begin(), inputs.contents.end(), [](const auto& a, const auto& b) {
    return a.size() != b.size() ? a.size() < b.size() : a < b;
  });
  return inputs;
}

std::vector<size_t> select_inputs(const std::vector<Features>& features) {
  std::vector<size_t> kept;
  std::set<uint32_t> covered;
  for (size_t i = 0; i < features.size(); i++) {
    bool has_new = false;
    for (uint32_t feature : features[i]) has_new |= covered.insert(feature).second;
    if (has_new) kept.push_back(i);
  }
  return kept;
}

ControlFile parse_control_file(std::string_view text) {
  ControlFile control;
  for (const std::string& line : split(text, '\n')) {
    std::vector<std::string_view> fields = words(line);
    if (fields.size() < 2 || (fields[0] != "STARTED" && fields[0] != "FT")) continue;
    auto index = to_number(fields[1]);
    if (!index) continue;
    if (fields[0] == "STARTED") {
      control.cut_short = *index;
      control.next = *index + 1;
      continue;
    }
    Features& features = control.features[*index];
    for (size_t i = 2; i < fields.size(); i++) {
      if (auto feature = to_number(fields[i])) features.push_back(static_cast<uint32_t>(*feature));
    }
    if (control.cut_short == *index) control.cut_short.reset();
  }
  return control;
}

// What one process after the other works on.
struct Measurement::Part {
  std::vector<size_t> inputs;  // by their numbers in the whole
  fs::path folder;
  fs::path control;
  size_t done = 0;  // of them, when the last process ended
  LibFuzzerLog log;
  std::vector<SetAside> set_aside;
  std::string at_exit;
  std::string broken;
};

Measurement::Measurement(const Project& project, const std::string& target,
                         const std::string& sanitizer, unsigned jobs, Progress& progress)
    : project_(project),
      target_(target),
      sanitizer_(sanitizer),
      jobs_(jobs),
      progress_(progress),
      scratch_(fs::temp_directory_path()) {}

void Measurement::start(Part& part) {
  part.log = LibFuzzerLog();
  Command command;
  command.argv = {project_.binary(sanitizer_, target_, "").string(),
                  std::string(kAllFeatures),
                  fmt::format("-merge_control_file={}", part.control.string()),
                  fmt::format("-artifact_prefix={}/", part.folder.string()),
                  fmt::format("-max_len={}", largest_),
                  fmt::format("-timeout={}", kTimeoutSeconds),
                  fmt::format("-rss_limit_mb={}", kMemoryLimitMb),
                  part.folder.string()};
  command.cwd = part.folder;
  command.env = target_environment(project_, {.sanitizer = sanitizer_});
  try {
    supervisor_.start(
        command, [&part](std::string_view line) { part.log.line(line); },
        [this, &part](const Exit& exit) { on_exit(part, exit); });
  } catch (const SpawnError& error) {
    throw EnvironmentError(error.what());
  }
}

void Measurement::on_exit(Part& part, const Exit& exit) {
  if (exit.stopped) return;
  ControlFile control = parse_control_file(read_file(part.control));
  bool moved = control.next > part.done;
  part.done = control.next;
  Outcome outcome = outcome_of(part.log, exit, project_);
  if (control.cut_short && moved) {
    part.set_aside.push_back({.input = part.inputs[*control.cut_short],
                              .verdict = outcome.text(),
                              .report = join(outcome.report, "\n")});
  } else if (part.done < part.inputs.size()) {
    part.broken = outcome.text();
    return;
  } else if (!outcome.clean()) {
    part.at_exit = outcome.text();
  }
  if (part.done < part.inputs.size()) start(part);
}

void Measurement::collect(const Part& part, Measured& measured) const {
  if (!part.broken.empty()) {
    throw EnvironmentError(fmt::format("'{}' stopped before it had executed its inputs: {}",
                                       Project::shown(project_.binary(sanitizer_, target_, "")),
                                       printable(part.broken)));
  }
  for (auto& [number, features] : parse_control_file(read_file(part.control)).features) {
    if (number < part.inputs.size()) measured.features[part.inputs[number]] = features;
  }
  measured.set_aside.insert(measured.set_aside.end(), part.set_aside.begin(), part.set_aside.end());
  if (measured.at_exit.empty()) measured.at_exit = part.at_exit;
}

Measured Measurement::run(const std::vector<std::string>& inputs) {
  size_t count = std::clamp<size_t>(jobs_, 1, std::max<size_t>(inputs.size(), 1));
  std::vector<Part> parts(count);
  for (size_t i = 0; i < inputs.size(); i++) parts[i % count].inputs.push_back(i);
  for (size_t p = 0; p < count; p++) {
    Part& part = parts[p];
    part.folder = scratch_.path() / std::to_string(p);
    part.control = scratch_.path() / fmt::format("control-{}", p);
    fs::create_directories(part.folder);
    // How many files, how many of them are in the corpus that is merged into, and their names.
    std::string control = fmt::format("{}\n0\n", part.inputs.size());
    for (size_t number : part.inputs) {
      fs::path file = part.folder / std::to_string(number);
      write_file(file, inputs[number]);
      control += file.string() + "\n";
      largest_ = std::max(largest_, inputs[number].size());
    }
    write_file(part.control, control);
  }
  for (Part& part : parts) start(part);
  supervisor_.finish(std::chrono::seconds(2), [&] {
    size_t done = 0;
    for (const Part& part : parts) {
      std::error_code ignored;
      if (progress_.live()) done += parse_control_file(read_file(part.control)).next;
    }
    progress_.block({fmt::format("{} {}: {} of {} inputs", target_, sanitizer_, with_commas(done),
                                 with_commas(inputs.size()))});
  });
  progress_.clear();
  if (interrupted()) throw EnvironmentError("interrupted; nothing has been written");

  Measured measured;
  measured.features.resize(inputs.size());
  for (const Part& part : parts) collect(part, measured);
  std::sort(measured.set_aside.begin(), measured.set_aside.end(),
            [](const SetAside& a, const SetAside& b) { return a.input < b.input; });
  return measured;
}

}  // namespace tool
