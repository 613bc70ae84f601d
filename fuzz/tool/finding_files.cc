#include "fuzz/tool/finding_files.h"

#include "fuzz/tool/files.h"
#include "fuzz/tool/strings.h"
#include "fuzz/tool/target_table.h"

namespace tool {

std::string finding_text(const FindingComment& comment, const std::vector<std::string>& notes,
                         const std::string& text) {
  std::string file = format_comment(comment) + "\n";
  for (const std::string& note : notes) file += "# " + printable(note) + "\n";
  return file + text;
}

FindingFiles store_finding(const fs::path& folder, const FindingComment& comment,
                           const std::optional<std::string>& content,
                           const std::vector<std::string>& notes,
                           const std::vector<std::string>& report) {
  fs::create_directories(folder);
  const text_form::Form form = target_info(comment.target).form;
  const std::string name =
      finding_name(comment.verdict, content.value_or(join(report, "\n") + "\n") + comment.defect);
  auto file = [&](const char* ending) { return folder / (name + ending); };
  FindingFiles files;
  if (content) files.input = file(text_form::extension(form));
  if (content && form != text_form::Form::kBytes) {
    write_file(files.input, finding_text(comment, notes, *content));
  } else if (content) {
    write_file(files.input, *content);
    write_file(file(".json"), to_json(comment).dump(2) + "\n");
  }
  std::string safe;
  for (const std::string& line : report) safe += printable(line) + "\n";
  files.report = file(".txt");
  write_file(files.report, safe);
  return files;
}

}  // namespace tool
