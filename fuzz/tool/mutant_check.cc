#include "fuzz/tool/mutant_check.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "fuzz/tool/errors.h"
#include "fuzz/tool/sha1.h"
#include "fuzz/tool/strings.h"

namespace tool {

using nlohmann::json;

namespace {

// The words of a command line as CMake writes it for a POSIX shell.
std::vector<std::string> shell_words(std::string_view line) {
  std::vector<std::string> words;
  std::string word;
  bool in_word = false;
  char quote = '\0';
  for (size_t i = 0; i < line.size(); i++) {
    const char c = line[i];
    if (quote == '\0' && c == ' ') {
      if (in_word) words.push_back(std::move(word));
      word.clear();
      in_word = false;
    } else if (c == '\\' && quote != '\'' && i + 1 < line.size()) {
      word += line[++i];
      in_word = true;
    } else if (quote == '\0' && (c == '\'' || c == '"')) {
      quote = c;
      in_word = true;
    } else if (quote != '\0' && c == quote) {
      quote = '\0';
    } else {
      word += c;
      in_word = true;
    }
  }
  if (in_word) words.push_back(std::move(word));
  return words;
}

std::vector<std::string> arguments_of(const json& entry) {
  if (entry.contains("arguments")) return entry.at("arguments").get<std::vector<std::string>>();
  return shell_words(entry.at("command").get<std::string>());
}

}  // namespace

std::map<std::string, std::vector<std::string>> compile_commands(const std::string& text,
                                                                 const fs::path& root) {
  std::map<std::string, std::vector<std::string>> commands;
  const std::string prefix = root.string() + "/";
  for (const json& entry : json::parse(text)) {
    const std::string file = entry.at("file").get<std::string>();
    if (!file.starts_with(prefix)) continue;
    std::vector<std::string> kept;
    const std::vector<std::string> arguments = arguments_of(entry);
    bool variant = false;
    for (size_t i = 0; i < arguments.size(); i++) {
      const std::string& argument = arguments[i];
      // A source that a defect's variant compiles, unpatched, because of a patched header.
      variant = variant || argument.starts_with("-DFENCEBENCH_PATCHED_FILES");
      if (argument == "-o" || argument == "-c") {
        i++;
      } else if (argument != file && argument != "-g" &&
                 argument.find("sanitize") == std::string::npos) {
        kept.push_back(argument);
      }
    }
    if (!variant) commands.emplace(file.substr(prefix.size()), std::move(kept));
  }
  return commands;
}

MutantCheck::MutantCheck(const Project& project, unsigned jobs, Progress& progress)
    : jobs_(jobs), progress_(progress), scratch_(fs::temp_directory_path()) {
  const fs::path database = project.build_folder("release") / "compile_commands.json";
  std::error_code ignored;
  if (!fs::exists(database, ignored)) {
    throw EnvironmentError(fmt::format("'{}' is not there; it comes with '{}' and the first build",
                                       printable(Project::shown(database)), project.command()));
  }
  try {
    commands_ = compile_commands(read_file(database), project.root());
  } catch (const json::exception& error) {
    throw EnvironmentError(fmt::format("'{}' is no compilation database: {}",
                                       printable(Project::shown(database)),
                                       printable(error.what())));
  }
}

void MutantCheck::compile(const std::string& file, const std::string& text, Compiled& result) {
  auto known = commands_.find(file);
  if (known == commands_.end()) {
    throw EnvironmentError(
        fmt::format("the build has no command for '{}'; build once more", printable(file)));
  }
  // The same relative name each time: it is in the code, where something warns.
  const fs::path folder = scratch_.path() / std::to_string(started_++);
  fs::create_directories((folder / file).parent_path());
  write_file(folder / file, text);
  Command command;
  command.argv = known->second;
  for (const char* argument : {"-O1", "-fno-color-diagnostics", "-S", "-o", "code.s"})
    command.argv.emplace_back(argument);
  command.argv.push_back(file);
  command.cwd = folder;
  command.deadline = std::chrono::minutes(2);
  auto on_exit = [folder, &result](const Exit& exit) {
    if (exit.clean()) result.code = sha1(read_file(folder / "code.s"));
    result.done = !exit.stopped;
    std::error_code ignored;
    fs::remove_all(folder, ignored);
  };
  auto on_line = [&result](std::string_view line) {
    if (result.complaint.empty() && line.find("error:") != std::string_view::npos)
      result.complaint = line;
  };
  try {
    supervisor_.start(command, on_line, on_exit);
  } catch (const SpawnError& error) {
    throw EnvironmentError(error.what());
  }
}

const std::string& MutantCheck::original(const CoreMutant& mutant) {
  Compiled& result = originals_[mutant.file];
  if (!result.done) {
    compile(mutant.file, mutant.before, result);
    supervisor_.finish(std::chrono::seconds(2));
    if (result.done && result.code.empty()) {
      throw EnvironmentError(fmt::format("'{}' does not compile as it is: {}",
                                         printable(mutant.file), printable(result.complaint)));
    }
  }
  return result.code;
}

std::map<size_t, MutantVerdict> MutantCheck::run(const std::vector<CoreMutant>& mutants,
                                                 const std::vector<size_t>& order, size_t limit) {
  std::map<size_t, MutantVerdict> verdicts;
  std::map<std::string, std::string> who;  // the first mutant of each code
  size_t good = 0;
  // In batches, so that the outcome depends on the order alone and not on who is ready first.
  const size_t batch = std::max<size_t>(jobs_ * 4, 1);
  for (size_t begin = 0; begin < order.size() && good < limit; begin += batch) {
    const size_t end = std::min(begin + batch, order.size());
    std::vector<Compiled> results(end - begin);
    for (size_t i = begin; i < end; i++) original(mutants[order[i]]);
    for (size_t i = begin; i < end && !interrupted(); i++) {
      const CoreMutant& mutant = mutants[order[i]];
      compile(mutant.file, mutant.unmarked(), results[i - begin]);
      while (supervisor_.running() >= jobs_ && !interrupted())
        supervisor_.step(std::chrono::milliseconds(100));
    }
    supervisor_.finish(std::chrono::seconds(2));
    if (interrupted()) throw EnvironmentError("interrupted: nothing is written");
    for (size_t i = begin; i < end && good < limit; i++) {
      const CoreMutant& mutant = mutants[order[i]];
      const Compiled& result = results[i - begin];
      MutantVerdict& verdict = verdicts[order[i]];
      if (result.code.empty()) {
        verdict = {MutantVerdict::Kind::kDoesNotCompile, result.complaint};
      } else if (result.code == original(mutant)) {
        verdict = {MutantVerdict::Kind::kEquivalent, ""};
      } else if (auto [first, is_new] = who.emplace(mutant.file + result.code, mutant.name);
                 !is_new) {
        verdict = {MutantVerdict::Kind::kDouble, first->second};
      } else {
        good++;
      }
    }
    progress_.block(
        {fmt::format("compiled {} of {} candidates, {} mutants", end, order.size(), good)});
  }
  progress_.clear();
  return verdicts;
}

}  // namespace tool
