// A finding whose every text is hostile, through the command itself: nothing of it may reach a
// terminal as it is, whichever verb prints it.

#include <gtest/gtest.h>

#include "fuzz/tool/fake_target.h"
#include "fuzz/tool/finding_files.h"
#include "fuzz/tool/process.h"
#include "fuzz/tool/strings.h"

namespace tool {
namespace {

// A title of the window, a cleared screen, markup, text from right to left, a C1 control, a bad
// byte, quotes.
const std::string kNasty =
    "N\x1b]0;own\x07\x1b[2J<script>alert(1)</script>\xe2\x80\xae\xc2\x9b\x33\x31m\xff&'";

class HostileTextTest : public testing::Test {
 protected:
  void SetUp() override {
    write_file(checkout_.root() / "CMakePresets.json", "{}");
    fs::create_directories(checkout_.root() / "fuzz/targets");
    write_file(checkout_.root() / "fuzz/targets/userq_fuzzer.cc", "");
    fs::create_directories(folder_);
    FindingComment how;
    how.target = "userq_fuzzer";
    how.sanitizer = how.checks = how.found = how.commit = how.signature = kNasty;
    how.verdict = kNasty;
    const std::string program = "device cpus=1 seq64=64\nt0: resume # " + kNasty + "\n";
    // Not as the command would write it: someone else may have.
    write_file(file_, "# fencebench: target=userq_fuzzer commit=" + kNasty + " found=" + kNasty +
                          " signature=" + kNasty + " verdict=\"" + kNasty + "\"\n# " + kNasty +
                          "\n" + program);
    write_file(folder_ / "x.txt", "==fencebench== ERROR: warn-on: " + kNasty + "\n  " + kNasty +
                                      "\n    #0 0x1 in " + kNasty + " /core/" + kNasty +
                                      ".cc:1:2\nSUMMARY: fencebench: warn-on " + kNasty + "\n");
    write_file(folder_ / "b.bin", "bytes");
    write_file(folder_ / "b.json",
               to_json(how).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    write_file(folder_ / "mistake.fence", "t0: " + kNasty + "\n");
  }

  void expect_harmless(std::vector<std::string> arguments) {
    Command command;
    command.argv = {FENCEBENCH_COMMAND};
    command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
    command.env["FENCEBENCH_ROOT"] = checkout_.root().string();
    const std::string output = run_and_capture(command).output;
    EXPECT_FALSE(output.empty()) << arguments[0];
    std::string lines = output;
    std::erase(lines, '\n');
    EXPECT_EQ(printable(lines), lines) << arguments[0];
  }

  FakeCheckout checkout_;
  fs::path folder_ = checkout_.root() / "findings";
  fs::path file_ = folder_ / ("a\n" + kNasty.substr(0, 12) + ".fence");
};

TEST_F(HostileTextTest, VerbsThatReadAFinding) {
  for (const char* form : {"", "--json"}) {
    auto with = [&](std::vector<std::string> arguments) {
      if (*form != '\0') arguments.emplace_back(form);
      return arguments;
    };
    expect_harmless(with({"show", file_.string()}));
    expect_harmless(with({"triage", folder_.string()}));
    expect_harmless(with({"show", (folder_ / "mistake.fence").string()}));
    expect_harmless(with({"repro", file_.string(), "--since", kNasty}));
    expect_harmless(with({"regress", (folder_ / "b.bin").string(), "--target", "userq_fuzzer"}));
  }
}

TEST_F(HostileTextTest, ArgumentsThatAreWrong) {
  expect_harmless({kNasty});
  expect_harmless({"show", "--" + kNasty});
  expect_harmless({"show", kNasty});
  expect_harmless({"repro", file_.string(), "--target", kNasty});
  expect_harmless({"repro", file_.string(), "--defect", kNasty});
  expect_harmless({"regress", file_.string(), "--name", kNasty});
  expect_harmless({"triage", kNasty});
  expect_harmless({"fuzz", kNasty});
}

// Files of a finding are named by what it ended in.
TEST_F(HostileTextTest, NamesOfFilesAreLettersDigitsAndDashes) {
  const std::string name = finding_name("warn-on ../../" + kNasty + "\n/etc", kNasty);
  EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-"), std::string::npos)
      << name;
}

}  // namespace
}  // namespace tool
