// The files of a finding: the input as text with what it ended in, and the report beside it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "fuzz/tool/finding.h"

namespace tool {

struct FindingFiles {
  std::filesystem::path input;  // empty: there is none
  std::filesystem::path report;
};

// What the file of an input holds that has text: its comment line, `notes` as comments, the text.
std::string finding_text(const FindingComment& comment, const std::vector<std::string>& notes,
                         const std::string& text);

// Writes them into `folder`, which is made; the names come from verdict, content and defect.
// `content`: the input as text, or as bytes if inputs of the target have no text; nothing: there is
// none. EnvironmentError if a file cannot be written.
FindingFiles store_finding(const std::filesystem::path& folder, const FindingComment& comment,
                           const std::optional<std::string>& content,
                           const std::vector<std::string>& notes,
                           const std::vector<std::string>& report);

}  // namespace tool
