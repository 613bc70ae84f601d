// What the command knows of each fuzz target beyond its name. The one place to say it.
#pragma once

#include <string_view>

#include "fuzz/targets/text_form.h"

namespace tool {

struct TargetInfo {
  text_form::Form form;  // of its inputs as text: findings are kept so
  bool by_default;       // `fuzz` without a target runs it
};

TargetInfo target_info(std::string_view name);

// The target that a program is for if nothing says otherwise.
inline constexpr std::string_view kMainTarget = "userq_fuzzer";

}  // namespace tool
