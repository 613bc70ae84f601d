// Reads what ctest prints while it runs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tool {

class CTestLog {
 public:
  void line(std::string_view text);

  unsigned done() const {
    return passed_ + static_cast<unsigned>(failed_.size() + skipped_.size());
  }
  unsigned all() const { return all_; }
  unsigned passed() const { return passed_; }
  // Names of tests that failed, crashed, timed out or did not run.
  const std::vector<std::string>& failed() const { return failed_; }
  // Those that found the machine without what they need, and said so.
  const std::vector<std::string>& skipped() const { return skipped_; }
  // What the failed tests printed.
  const std::vector<std::string>& failure_output() const { return failure_output_; }
  const std::string& last() const { return last_; }  // name of the last test that ended

 private:
  unsigned all_ = 0;
  unsigned passed_ = 0;
  bool after_failure_ = false;
  std::string last_;
  std::vector<std::string> failed_;
  std::vector<std::string> skipped_;
  std::vector<std::string> failure_output_;
};

}  // namespace tool
