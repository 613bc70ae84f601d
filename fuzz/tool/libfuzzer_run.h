// A campaign's job on a libFuzzer binary.
#pragma once

#include <chrono>

#include "fuzz/tool/engine.h"
#include "fuzz/tool/libfuzzer_log.h"

namespace tool {

class LibFuzzerRun : public EngineRun {
 public:
  explicit LibFuzzerRun(const EngineStart& start) : start_(start) {}

  Command command() override;
  void line(std::string_view text) override;
  void stopping() override { reporting_when_stopped_ = log_.reporting(); }
  int stop_signal() const override;
  void ended(const Exit& exit) override;
  EngineStatus status() const override;
  std::vector<Suspect> suspects() const override;
  const std::deque<std::string>& tail() const override { return log_.tail(); }
  Command replay(const std::filesystem::path& input) const override;

 private:
  std::filesystem::path binary() const;
  std::filesystem::path inputs() const;

  EngineStart start_;
  LibFuzzerLog log_;
  std::chrono::steady_clock::time_point started_;
  std::optional<double> report_after_;  // seconds from its start to its report
  bool reporting_when_stopped_ = false;
  bool stopped_ = false;
  uint64_t cut_off_ = 0;
};

}  // namespace tool
