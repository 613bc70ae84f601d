#include "fuzz/tool/defect_catalogue.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "fuzz/tool/errors.h"
#include "fuzz/tool/nearest.h"
#include "fuzz/tool/strings.h"

namespace tool {
namespace {

constexpr std::string_view kContinued = "  ";
constexpr std::array<std::string_view, 3> kPrograms = {".fence", ".steps", ".calls"};

[[noreturn]] void fail(const fs::path& file, size_t line, const std::string& what) {
  throw EnvironmentError(fmt::format("{}:{}: {}", printable(file.string()), line, what));
}

// Where the value of a field goes; the list of detectors is split afterwards.
struct Fields {
  Defect& defect;
  std::string detectors{};

  std::string* find(std::string_view field) {
    if (field == "name") return &defect.name;
    if (field == "catalogue") return &defect.catalogue;
    if (field == "upstream") return &defect.upstream;
    if (field == "versions") return &defect.versions;
    if (field == "class") return &defect.defect_class;
    if (field == "detectors") return &detectors;
    if (field == "trigger") return &defect.trigger;
    if (field == "fuzzing") return &defect.fuzzing;
    return nullptr;
  }
  static const std::vector<std::string>& names() {
    static const std::vector<std::string> kNames = {"name",  "catalogue", "upstream", "versions",
                                                    "class", "detectors", "trigger",  "fuzzing"};
    return kNames;
  }
};

std::vector<std::string> split_list(std::string text) {
  std::replace(text.begin(), text.end(), ';', ',');
  std::vector<std::string> parts;
  for (const std::string& part : split(text, ',')) {
    if (!trim(part).empty()) parts.emplace_back(trim(part));
  }
  return parts;
}

bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }
bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

bool is_commit(std::string_view word) {
  return word.size() == 12 && std::all_of(word.begin(), word.end(), is_hex);
}

// CVE-YEAR-NUMBER
bool is_cve(std::string_view word) {
  const std::vector<std::string> parts = split(word, '-');
  return parts.size() == 3 && parts[0] == "CVE" && parts[1].size() == 4 && parts[2].size() >= 4 &&
         to_number(parts[1]) && to_number(parts[2]);
}

void add_reproducer(Defect& defect, const fs::path& folder) {
  for (const std::string_view ending : kPrograms) {
    fs::path path = folder / (defect.name + std::string(ending));
    std::error_code ignored;
    if (!fs::is_regular_file(path, ignored)) continue;
    defect.reproducer = std::move(path);
    defect.program = read_file(defect.reproducer);
    defect.expected = parse_comment(defect.program).value_or(FindingComment{});
    return;
  }
}

}  // namespace

Defect parse_defect(std::string_view text, const fs::path& shown) {
  Defect defect;
  Fields fields{defect};
  std::string* value = nullptr;
  size_t number = 0;
  while (true) {
    if (text.empty()) fail(shown, number + 1, "there is no diff after the header");
    const size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    number++;
    if (trim(line).empty()) break;
    if (line.starts_with(kContinued)) {
      if (value == nullptr) fail(shown, number, "there is no field that this line goes on with");
      *value += fmt::format(" {}", trim(line));
      continue;
    }
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos)
      fail(shown, number, "a line of the header is 'field: value', or goes on after two blanks");
    const std::string_view field = line.substr(0, colon);
    value = fields.find(field);
    if (value == nullptr)
      fail(shown, number,
           fmt::format("there is no field '{}'{}", printable(field),
                       suggestion(field, Fields::names())));
    if (!value->empty()) fail(shown, number, fmt::format("a second '{}'", field));
    *value = trim(line.substr(colon + 1));
  }
  for (const std::string& field : Fields::names()) {
    if (fields.find(field)->empty() && field != "catalogue" && field != "fuzzing")
      fail(shown, number, fmt::format("the header lacks '{}'", field));
  }
  if (shown.stem() != defect.name)
    fail(shown, 1, fmt::format("the name in it is '{}'", printable(defect.name)));
  if (!is_defect_class(defect.defect_class))
    fail(shown, number,
         fmt::format("there is no class '{}'{}", printable(defect.defect_class),
                     suggestion(defect.defect_class, defect_classes())));
  if (!text.starts_with("--- ")) fail(shown, number + 1, "the diff does not begin with '---'");
  defect.detectors = split_list(fields.detectors);
  defect.diff = text;
  return defect;
}

std::vector<Defect> read_catalogue(const fs::path& root) {
  std::vector<Defect> catalogue;
  const fs::path folder = "core/defects";
  for (const std::string& name : files_in(root / folder)) {
    if (!name.ends_with(".patch")) continue;
    Defect defect = parse_defect(read_file(root / folder / name), folder / name);
    defect.patch = root / folder / name;
    add_reproducer(defect, root / "corpus/defects");
    catalogue.push_back(std::move(defect));
  }
  std::sort(catalogue.begin(), catalogue.end(),
            [](const Defect& a, const Defect& b) { return a.name < b.name; });
  return catalogue;
}

const Defect* find_defect(const std::vector<Defect>& catalogue, std::string_view name) {
  const auto found = std::find_if(catalogue.begin(), catalogue.end(),
                                  [&](const Defect& defect) { return defect.name == name; });
  return found == catalogue.end() ? nullptr : &*found;
}

const std::vector<std::string>& defect_classes() {
  static const std::vector<std::string> kClasses = {"leak",
                                                    "refcount",
                                                    "use-after-free",
                                                    "double-free",
                                                    "uninitialized-value",
                                                    "null-dereference",
                                                    "data-race",
                                                    "lock-order",
                                                    "irq-inversion",
                                                    "deadlock",
                                                    "livelock",
                                                    "lock-leak",
                                                    "fence-contract",
                                                    "lost-wakeup",
                                                    "hang",
                                                    "overflow",
                                                    "validation",
                                                    "wrong-errno",
                                                    "wrong-result"};
  return kClasses;
}

bool is_defect_class(std::string_view name) {
  const std::vector<std::string>& all = defect_classes();
  return std::find(all.begin(), all.end(), name) != all.end();
}

std::vector<UpstreamLink> upstream_links(std::string_view upstream) {
  std::vector<UpstreamLink> links;
  for (size_t i = 0; i < upstream.size();) {
    size_t end = i;
    while (end < upstream.size() && (is_word(upstream[end]) || upstream[end] == '-')) end++;
    const std::string word(upstream.substr(i, end - i));
    if (is_commit(word)) links.push_back({word, i, "https://git.kernel.org/torvalds/c/" + word});
    if (is_cve(word)) links.push_back({word, i, "https://www.cve.org/CVERecord?id=" + word});
    i = std::max(end, i + 1);
  }
  return links;
}

}  // namespace tool
