// corpus/regressions: findings that were fixed, as inputs that must stay without a finding.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "fuzz/tool/finding.h"
#include "fuzz/tool/input.h"
#include "fuzz/tool/project.h"

namespace tool {

// The name of the file: of the title, or of the verdict, and of the bytes that the target reads.
std::string regression_name(const FindingComment& comment, const std::string& title,
                            const std::vector<uint8_t>& bytes);

// What the file holds: its comment line (with what it ended in once, without what changes with the
// core), the title, where it came from, then `text` without the lines that say such things.
std::string regression_text(FindingComment comment, const std::string& title,
                            const std::string& from, const std::string& text);

// The file of the corpus that holds the same bytes for the same target; nothing if there is none.
// Those below corpus/<target>, corpus/defects and corpus/regressions are executed by the tests.
std::optional<std::filesystem::path> stored_already(const Project& project, const Input& input);

// Whether `minimize` wrote it.
bool is_minimized(const std::string& text);

}  // namespace tool
