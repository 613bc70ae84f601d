// What the command knows of each fuzz target beyond its name. The one place to say it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tool {

struct TargetInfo {
  std::string_view name;
  bool program;     // its inputs are programs (fuzz/program): findings are kept as .fence text
  bool by_default;  // `fuzz` without a target runs it
};

// A target that the table does not name takes raw bytes and runs by default.
TargetInfo target_info(std::string_view name);

// The target that a program is for if nothing says otherwise.
inline constexpr std::string_view kMainTarget = "userq_fuzzer";

}  // namespace tool
