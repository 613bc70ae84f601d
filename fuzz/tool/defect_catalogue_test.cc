#include "fuzz/tool/defect_catalogue.h"

#include <gtest/gtest.h>

#include <functional>

#include "fuzz/tool/errors.h"
#include "fuzz/tool/project.h"

namespace tool {
namespace {

constexpr std::string_view kHeader =
    "name: some-leak\n"
    "catalogue: 33, O7\n"
    "upstream: dd88d42d9ca0 \"a title\", CVE-2025-68203 and\n"
    "  e471968457\n"
    "versions: 6.16 - 7.0\n"
    "class: leak\n"
    "detectors: reference-leak, LeakSanitizer,\n"
    "  AddressSanitizer heap-use-after-free\n"
    "trigger: first this happens\n"
    "  and then that: always\n";
constexpr std::string_view kDiff = "--- a/core/x.cc\n+++ b/core/x.cc\n@@ -1 +1 @@\n-a\n+b\n";

std::string patch() { return std::string(kHeader) + "\n" + std::string(kDiff); }

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  return text.replace(text.find(what), what.size(), with);
}

std::string error_of(const std::string& text) {
  try {
    parse_defect(text, "core/defects/some-leak.patch");
  } catch (const EnvironmentError& error) {
    return error.what();
  }
  return "no error";
}

TEST(DefectCatalogue, ReadsAHeaderAndItsDiff) {
  const Defect defect = parse_defect(patch(), "core/defects/some-leak.patch");
  EXPECT_EQ(defect.name, "some-leak");
  EXPECT_EQ(defect.catalogue, "33, O7");
  EXPECT_EQ(defect.upstream, "dd88d42d9ca0 \"a title\", CVE-2025-68203 and e471968457");
  EXPECT_EQ(defect.versions, "6.16 - 7.0");
  EXPECT_EQ(defect.defect_class, "leak");
  EXPECT_EQ(defect.detectors, (std::vector<std::string>{"reference-leak", "LeakSanitizer",
                                                        "AddressSanitizer heap-use-after-free"}));
  EXPECT_EQ(defect.trigger, "first this happens and then that: always");
  EXPECT_EQ(defect.diff, kDiff);
}

TEST(DefectCatalogue, TheRowsOfTheListAreNotNeeded) {
  EXPECT_EQ(error_of(replaced(patch(), "catalogue: 33, O7\n", "")), "no error");
}

TEST(DefectCatalogue, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(error_of(replaced(patch(), "versions:", "version:")),
            "core/defects/some-leak.patch:5: there is no field 'version'; did you mean "
            "'versions'?");
  EXPECT_EQ(error_of(replaced(patch(), "class: leak\n", "")),
            "core/defects/some-leak.patch:10: the header lacks 'class'");
  EXPECT_EQ(error_of(replaced(patch(), "class: leak", "class:")),
            "core/defects/some-leak.patch:11: the header lacks 'class'");
  EXPECT_EQ(error_of(replaced(patch(), "class: leak", "name: leak")),
            "core/defects/some-leak.patch:6: a second 'name'");
  EXPECT_EQ(error_of(replaced(patch(), "name: some-leak", "name: other")),
            "core/defects/some-leak.patch:1: the name in it is 'other'");
  EXPECT_EQ(error_of(replaced(patch(), "class: leak", "leak")),
            "core/defects/some-leak.patch:6: a line of the header is 'field: value', or goes on "
            "after two blanks");
  EXPECT_EQ(error_of("  x\n\n"),
            "core/defects/some-leak.patch:1: there is no field that this line goes on with");
  EXPECT_EQ(error_of(std::string(kHeader)),
            "core/defects/some-leak.patch:11: there is no diff after the header");
  EXPECT_EQ(error_of(std::string(kHeader) + "\n"),
            "core/defects/some-leak.patch:12: the diff does not begin with '---'");
  EXPECT_EQ(error_of(""), "core/defects/some-leak.patch:1: there is no diff after the header");
}

class CatalogueFolder : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(root() / "core/defects");
    fs::create_directories(root() / "corpus/defects");
  }
  const fs::path& root() const { return folder_.path(); }

 private:
  ScratchFolder folder_{testing::TempDir()};
};

TEST_F(CatalogueFolder, PutsPatchAndProgramTogether) {
  write_file(root() / "core/defects/some-leak.patch", patch());
  write_file(root() / "core/defects/another.patch", replaced(patch(), "some-leak", "another"));
  write_file(root() / "core/defects/README.md", "no patch");
  write_file(root() / "corpus/defects/some-leak.steps",
             "# fencebench: target=allocator_fuzzer sanitizer=tsan defect=some-leak checks=all "
             "verdict=\"reference-leak x\"\nstep\n");
  const std::vector<Defect> catalogue = read_catalogue(root());
  ASSERT_EQ(catalogue.size(), 2u);
  EXPECT_EQ(catalogue[0].name, "another");
  EXPECT_TRUE(catalogue[0].reproducer.empty());
  EXPECT_EQ(catalogue[1].reproducer, root() / "corpus/defects/some-leak.steps");
  EXPECT_TRUE(catalogue[1].program.ends_with("\nstep\n"));
  EXPECT_EQ(catalogue[1].expected.target, "allocator_fuzzer");
  EXPECT_EQ(catalogue[1].expected.verdict, "reference-leak x");
  EXPECT_EQ(catalogue[1].patch, root() / "core/defects/some-leak.patch");
  EXPECT_EQ(find_defect(catalogue, "some-leak"), &catalogue[1]);
  EXPECT_EQ(find_defect(catalogue, "some"), nullptr);
}

TEST_F(CatalogueFolder, MayBeEmpty) { EXPECT_TRUE(read_catalogue(root()).empty()); }

TEST(DefectCatalogue, LinksWhatTheWebKnows) {
  const std::string upstream =
      "dd88d42d9ca0 \"t\", CVE-2025-68203, e471968457 and 65b5c326ce41/4952189b284d; "
      "xdd88d42d9ca0 CVE-25-1 dd88d42d9ca01";
  const std::vector<UpstreamLink> links = upstream_links(upstream);
  ASSERT_EQ(links.size(), 4u);
  EXPECT_EQ(links[0].url, "https://git.kernel.org/torvalds/c/dd88d42d9ca0");
  EXPECT_EQ(links[1].url, "https://www.cve.org/CVERecord?id=CVE-2025-68203");
  EXPECT_EQ(links[2].text, "65b5c326ce41");
  EXPECT_EQ(links[3].text, "4952189b284d");
  for (const UpstreamLink& link : links)
    EXPECT_EQ(upstream.substr(link.at, link.text.size()), link.text);
}

// The catalogue of this checkout is whole.
TEST(DefectCatalogue, OfThisCheckout) {
  const std::vector<Defect> catalogue = read_catalogue(Project::find().root());
  EXPECT_FALSE(catalogue.empty());
  for (const Defect& defect : catalogue) {
    EXPECT_TRUE(is_defect_class(defect.defect_class)) << defect.name << ": " << defect.defect_class;
    ASSERT_FALSE(defect.reproducer.empty()) << defect.name << " has no program";
    EXPECT_EQ(defect.expected.defect, defect.name);
    EXPECT_FALSE(defect.expected.verdict.empty()) << defect.name;
  }
}

}  // namespace
}  // namespace tool
