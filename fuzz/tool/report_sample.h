// For tests: results of a hunt with figures that are known, and text that is hostile.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "fuzz/tool/report_page.h"

namespace tool {

// Ends what HTML might be in the middle of, and would say so on the page if it ran.
inline constexpr std::string_view kNasty =
    "</title></script></style></svg></pre></details>\"'><script>document.title='RAN'</script>"
    "<img src=x onerror=document.title='RAN'><!-- &lt; @BODY@ \x1b[31m \x80\xe2\x80\xae";

inline Trial planted_trial(const std::string& defect, const std::string& configuration,
                           double seconds, bool detected) {
  Trial trial;
  trial.defect = defect;
  trial.target = "userq_fuzzer";
  trial.build = "asan";
  trial.configuration = configuration;
  trial.corpus = "empty";
  trial.bound_seconds = 60;
  trial.seconds = seconds;
  trial.executions = static_cast<uint64_t>(seconds * 1000);
  trial.detected = detected;
  trial.reached = 1;
  if (detected) trial.verdict = "reference-leak fence_driver";
  return trial;
}

// Two ways of hunting on two defects: quick-leak is always found, by fencebench in 1 to 4 s and by
// bytes in 11 to 14 s; slow-race never is. One mutant of two is killed.
inline ReportData planted_report() {
  ReportData data;
  data.generated = "2026-11-20T16:05:00Z";
  data.commit = "abc1234";
  Defect leak;
  leak.name = "quick-leak";
  leak.upstream = "dd88d42d9ca0 \"a title\", CVE-2025-68203";
  leak.versions = "6.16 - 7.0";
  leak.defect_class = "leak";
  leak.detectors = {"reference-leak", "LeakSanitizer"};
  leak.trigger = "a reference is not dropped";
  leak.reproducer = "corpus/defects/quick-leak.fence";
  leak.program = "# a comment\nt0: A = queue_create gfx\n";
  leak.diff = "--- a/core/x.cc\n+++ b/core/x.cc\n@@ -1 +1 @@\n-  put(a);\n+  (void)a;\n";
  Defect race = leak;
  race.name = "slow-race";
  race.upstream = "none";
  race.defect_class = "data-race";
  race.detectors = {"ThreadSanitizer data-race"};
  data.catalogue = {leak, race};
  data.results.runs.push_back({"abc1234", "2026-11-20T16:00:00Z", 2, 60, 0, 2});
  for (int i = 1; i <= 4; i++) {
    data.results.trials.push_back(planted_trial("quick-leak", "fencebench", i, true));
    data.results.trials.push_back(planted_trial("quick-leak", "bytes", 10 + i, true));
    data.results.trials.push_back(planted_trial("slow-race", "fencebench", 60, false));
    data.results.trials.push_back(planted_trial("slow-race", "bytes", 60, false));
    data.results.trials.push_back(planted_trial("", "fencebench", 60, false));
  }
  data.results.trials.push_back(planted_trial("mutant-drop-put-001", "fencebench", 2, true));
  data.results.trials.push_back(planted_trial("mutant-drop-put-002", "fencebench", 60, false));
  const auto replay = [&](const char* defect, const char* build, const char* checks,
                          const char* verdict) {
    data.results.replays.push_back({defect, "userq_fuzzer", build, checks, verdict, 1, 1});
  };
  replay("quick-leak", "asan", "all", "reference-leak fence_driver");
  replay("quick-leak", "asan", "none", "LeakSanitizer: leak in f");
  replay("slow-race", "tsan", "none", "ThreadSanitizer: data-race in g");
  data.runs["quick-leak"] = {"a run", "reference-leak fence_driver", "t0: step one\n", ""};
  data.runs["slow-race"] = {"", "", "", "there is no reproducer"};
  const nlohmann::json counts = {{"reached", 9}, {"all", 10}};
  const nlohmann::json total = {
      {"name", "total"}, {"lines", counts}, {"branches", counts}, {"functions", counts}};
  data.coverage = {{"total", total}, {"folders", {total}}, {"reached_by", {total}}};
  return data;
}

// The same with the nasty text wherever there is text from outside.
inline ReportData nasty_report() {
  ReportData data = planted_report();
  const std::string nasty(kNasty);
  data.generated = data.commit = nasty;
  for (Defect& defect : data.catalogue) {
    defect.name += nasty;
    for (std::string* text :
         {&defect.catalogue, &defect.upstream, &defect.versions, &defect.defect_class,
          &defect.trigger, &defect.program, &defect.diff, &defect.expected.verdict})
      *text += "\n" + nasty;
    defect.detectors.push_back(nasty);
    defect.reproducer = "corpus/defects/" + nasty.substr(nasty.rfind('/') + 1) + ".fence";
  }
  for (HuntRun& run : data.results.runs) run.commit = run.date = nasty;
  for (Trial& trial : data.results.trials) {
    if (!trial.defect.empty()) trial.defect += nasty;
    trial.target += nasty;
    trial.build += nasty;
    trial.configuration += nasty;
    trial.corpus += nasty;
    if (trial.detected) trial.verdict += nasty;
  }
  for (Replay& replay : data.results.replays) {
    replay.defect += nasty;
    replay.build += nasty;
    replay.verdict += nasty;
  }
  data.results.warnings = {nasty};
  std::map<std::string, RunStory> runs;
  for (auto& [name, run] : data.runs)
    runs[name + nasty] = {nasty, nasty, name == "quick-leak" ? nasty : "", nasty};
  data.runs = runs;
  for (const char* list : {"folders", "reached_by"}) data.coverage[list][0]["name"] = nasty;
  return data;
}

}  // namespace tool
