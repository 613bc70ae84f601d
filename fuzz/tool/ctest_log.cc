#include "fuzz/tool/ctest_log.h"

#include <algorithm>

#include "fuzz/tool/strings.h"

namespace tool {
namespace {

constexpr size_t kLongestOutput = 400;  // lines; the log has all of them

struct TestLine {
  unsigned all = 0;
  std::string name;
  bool passed = false;
  bool skipped = false;
};

// " 3/12 Test  #3: suite.case ...........   Passed    0.01 sec"
// " 4/12 Test  #4: other ................***Failed    0.02 sec"
TestLine parse_test_line(std::string_view text) {
  text = trim(text);
  size_t slash = text.find('/');
  size_t test = text.find(" Test ");
  size_t colon = text.find(": ", test == std::string_view::npos ? 0 : test);
  if (slash == std::string_view::npos || test == std::string_view::npos || slash > test ||
      colon == std::string_view::npos || !to_number(text.substr(0, slash))) {
    return {};
  }
  auto all = to_number(text.substr(slash + 1, test - slash - 1));
  if (!all) return {};
  std::string_view rest = text.substr(colon + 2);
  size_t bad = rest.find("***");
  size_t good = rest.rfind("   Passed ");
  if (bad == std::string_view::npos && good == std::string_view::npos) return {};
  std::string_view name = rest.substr(0, std::min(bad, good));
  name = name.substr(0, name.find_last_not_of(" .") + 1);
  return {static_cast<unsigned>(*all), std::string(name), bad == std::string_view::npos,
          bad != std::string_view::npos && rest.substr(bad).starts_with("***Skipped")};
}

}  // namespace

void CTestLog::line(std::string_view text) {
  TestLine test = parse_test_line(text);
  if (test.all > 0) {
    all_ = test.all;
    last_ = test.name;
    after_failure_ = !test.passed && !test.skipped;
    if (test.passed) {
      passed_++;
    } else if (test.skipped) {
      skipped_.push_back(test.name);
    } else {
      failed_.push_back(test.name);
    }
  } else if (trim(text).starts_with("Start ") ||
             text.find(" tests passed, ") != std::string_view::npos) {
    after_failure_ = false;
  }
  if (after_failure_ && failure_output_.size() < kLongestOutput) failure_output_.emplace_back(text);
}

}  // namespace tool
