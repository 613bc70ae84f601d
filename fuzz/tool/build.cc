#include "fuzz/tool/build.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>

#include "fuzz/tool/errors.h"
#include "fuzz/tool/files.h"
#include "fuzz/tool/process.h"
#include "fuzz/tool/strings.h"

namespace tool {
namespace {

constexpr size_t kShownOnFailure = 25;  // lines

// Held while a build folder is written to: ninja itself does not notice a second one.
class BuildLock {
 public:
  BuildLock(const fs::path& folder, std::string_view preset, Progress& progress) {
    fs::path path = folder / ".fencebench-lock";
    fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd_ < 0) {
      throw EnvironmentError(
          fmt::format("cannot write to '{}': {}", folder.string(), std::strerror(errno)));
    }
    if (::flock(fd_, LOCK_EX | LOCK_NB) == 0) return;
    progress.note(fmt::format("waiting for another fencebench that builds {}", preset));
    while (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
      if (interrupted()) throw EnvironmentError("interrupted");
      ::usleep(200'000);
    }
  }
  ~BuildLock() { ::close(fd_); }
  BuildLock(const BuildLock&) = delete;
  BuildLock& operator=(const BuildLock&) = delete;

 private:
  int fd_ = -1;
};

class BuildLog {
 public:
  explicit BuildLog(const fs::path& path) : path_(path), file_(std::fopen(path.c_str(), "we")) {
    if (file_ == nullptr) {
      throw EnvironmentError(
          fmt::format("cannot write '{}': {}", path.string(), std::strerror(errno)));
    }
  }
  ~BuildLog() { std::fclose(file_); }
  BuildLog(const BuildLog&) = delete;
  BuildLog& operator=(const BuildLog&) = delete;

  void line(std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), file_);
    std::fputc('\n', file_);
    // Once something has failed, the first lines of it are worth more than the last ones of others.
    bool first_failure = text.starts_with("FAILED:") || text.starts_with("CMake Error");
    if (first_failure && !failed_) {
      failed_ = true;
      tail_.clear();
    }
    if (failed_ && tail_.size() == kShownOnFailure) return;
    tail_.emplace_back(text);
    if (tail_.size() > kShownOnFailure) tail_.pop_front();
  }
  const std::deque<std::string>& tail() const { return tail_; }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
  std::FILE* file_;
  bool failed_ = false;
  std::deque<std::string> tail_;
};

void run_step(const std::vector<std::string>& argv, const Project& project, std::string_view what,
              std::string_view preset, BuildLog& log, Progress& progress) {
  Command command;
  command.argv = argv;
  command.cwd = project.root();
  command.env["NINJA_STATUS"] = "[%f/%t] ";
  command.env["CLICOLOR_FORCE"] = std::nullopt;
  log.line(fmt::format("$ {}", join(argv, " ")));

  Exit exit;
  bool told = progress.live();  // without a terminal one line says what takes its time
  auto on_line = [&](std::string_view line) {
    log.line(line);
    BuildStep step = parse_build_step(line);
    if (step.all > 0) {
      // Ninja's first line, which looks for new files, comes even if there is nothing to do.
      if (!told && step.done > 0) {
        told = true;
        progress.note(fmt::format("{} {}: {} steps", what, preset, step.all));
      }
      progress.block(
          {fmt::format("{} {}: {} of {}  {}", what, preset, step.done, step.all, step.what)});
    }
  };
  progress.block({fmt::format("{} {}", what, preset)});
  try {
    Supervisor supervisor;
    supervisor.start(command, on_line, [&](const Exit& result) { exit = result; });
    supervisor.finish(std::chrono::seconds(5));
  } catch (const SpawnError& error) {
    progress.clear();
    throw EnvironmentError(
        fmt::format("{}; '{} doctor' says what to install", error.what(), project.command()));
  }
  progress.clear();
  if (interrupted()) throw EnvironmentError(fmt::format("interrupted while {} {}", what, preset));
  if (exit.clean()) return;
  for (const std::string& line : log.tail()) progress.note(line);
  throw EnvironmentError(fmt::format("{} {} failed ({}); all of its output is in {}", what, preset,
                                     exit.describe(), Project::shown(log.path())));
}

bool same_program(const std::string& a, const std::string& b) {
  auto resolved = [](const std::string& name) {
    fs::path path = name;
    std::error_code ignored;
    if (name.find('/') == std::string::npos) {
      const char* search = std::getenv("PATH");
      for (const std::string& folder : split(search == nullptr ? "" : search, ':')) {
        if (::access((fs::path(folder) / name).c_str(), X_OK) == 0) {
          path = fs::path(folder) / name;
          break;
        }
      }
    }
    fs::path canonical = fs::canonical(path, ignored);
    return canonical.empty() ? path : canonical;
  };
  return resolved(a) == resolved(b);
}

}  // namespace

BuildStep parse_build_step(std::string_view line) {
  if (!line.starts_with('[')) return {};
  size_t slash = line.find('/');
  size_t close = line.find(']');
  if (slash == std::string_view::npos || close == std::string_view::npos || slash > close)
    return {};
  auto done = to_number(trim(line.substr(1, slash - 1)));
  auto all = to_number(line.substr(slash + 1, close - slash - 1));
  if (!done || !all || *all > 1'000'000 || *done > *all) return {};
  return {static_cast<unsigned>(*done), static_cast<unsigned>(*all),
          std::string(trim(line.substr(close + 1)))};
}

std::string cache_variable(const Project& project, std::string_view preset, std::string_view name) {
  fs::path cache = project.build_folder(preset) / "CMakeCache.txt";
  std::error_code ignored;
  if (!fs::exists(cache, ignored)) return "";
  for (const std::string& line : split(read_file(cache), '\n')) {
    // NAME:TYPE=VALUE
    if (!line.starts_with(name) || line.size() <= name.size() || line[name.size()] != ':') continue;
    size_t equals = line.find('=');
    if (equals != std::string::npos) return line.substr(equals + 1);
  }
  return "";
}

unsigned cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return static_cast<unsigned>(std::max(1, CPU_COUNT(&set)));
}

void build(const Project& project, std::string_view preset, const std::vector<std::string>& targets,
           Progress& progress) {
  if (std::getenv("FENCEBENCH_BUILT") != nullptr) return;
  fs::path folder = project.build_folder(preset);
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) {
    throw EnvironmentError(
        fmt::format("cannot make the folder '{}': {}", folder.string(), error.message()));
  }
  BuildLock lock(folder, preset, progress);
  BuildLog log(folder / "build.log");

  const char* wanted = std::getenv("FENCEBENCH_CXX");
  std::string chosen = cache_variable(project, preset, "CMAKE_CXX_COMPILER");
  bool other_compiler =
      wanted != nullptr && *wanted != '\0' && !chosen.empty() && !same_program(wanted, chosen);
  // build.ninja comes last: without it an earlier attempt was cut short.
  if (!fs::exists(folder / "build.ninja", error) || other_compiler) {
    // The compiler is chosen in cmake/FindClang.cmake, which reads FENCEBENCH_CXX as well.
    std::vector<std::string> argv = {"cmake", "--preset", std::string(preset)};
    // Like --fresh, which CMake knows from 3.24 on only.
    if (other_compiler) fs::remove(folder / "CMakeCache.txt", error);
    run_step(argv, project, "configuring", preset, log, progress);
  }
  std::vector<std::string> argv = {"cmake", "--build", folder.string(), "--parallel",
                                   std::to_string(cores())};
  if (!targets.empty()) {
    argv.push_back("--target");
    argv.insert(argv.end(), targets.begin(), targets.end());
  }
  run_step(argv, project, "building", preset, log, progress);
}

}  // namespace tool
