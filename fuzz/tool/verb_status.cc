// status: how a continuous job stands, in one line.

#include <fmt/format.h>

#include <ctime>
#include <nlohmann/json.hpp>

#include "fuzz/tool/arguments.h"
#include "fuzz/tool/continuous_status.h"
#include "fuzz/tool/durable.h"
#include "fuzz/tool/errors.h"
#include "fuzz/tool/files.h"
#include "fuzz/tool/json_text.h"
#include "fuzz/tool/project.h"
#include "fuzz/tool/status_page.h"
#include "fuzz/tool/strings.h"
#include "fuzz/tool/verb.h"

namespace tool {

extern const Verb kStatusVerb;

namespace {

using nlohmann::json;

// What the running process wrote last, if it runs; else what the records say.
json status_of(const Project& project, const StoreFolder& folder) {
  const StoreHolder holder = store_holder(folder);
  std::error_code ignored;
  if (holder.process != 0 && fs::exists(folder.status(), ignored)) {
    json live = json::parse(read_file(folder.status()), nullptr, false);
    if (live.is_object() && live.value("running", false)) {
      // On a full disk it says so there only.
      if (!holder.trouble.empty()) live["message"] = holder.trouble;
      return live;
    }
  }
  Store store(folder.database());
  LiveStatus stopped;
  stopped.running = holder.process != 0;
  stopped.pid = holder.process;
  stopped.message = holder.trouble;
  stopped.commit = store.note("built");
  for (const JobRecord& job : store.jobs()) {
    stopped.inputs[job.key.target] = files_in(folder.corpus() / job.key.target).size();
  }
  stopped.disk_bytes = bytes_below(folder.root);
  stopped.disk_free = free_bytes(folder.root);
  return status_json(store, folder, project.command(), stopped, std::time(nullptr));
}

int run(const std::vector<std::string>& arguments) {
  Project project = Project::find();
  std::optional<std::string> store;
  std::optional<std::string> page;
  bool as_json = false;
  auto app = command_line(kStatusVerb,
                          "Says in one line how a continuous job stands, whether it runs now or "
                          "not.",
                          "  ./fencebench status\n"
                          "  ./fencebench status /srv/fence --page status.html");
  app->add_option("STORE", store, "The folder of the job (default: out/continuous)");
  app->add_option("--page", page, "Write the status page there as well")->type_name("FILE");
  app->add_flag("--json", as_json, "Print a machine-readable result");
  parse(*app, arguments);
  const StoreFolder folder{store ? fs::absolute(*store).lexically_normal()
                                 : project.root() / "out" / "continuous"};
  std::error_code ignored;
  if (!fs::exists(folder.database(), ignored)) {
    throw UsageError(fmt::format("'{}' is no store of a continuous job; '{} continuous' makes one",
                                 printable(Project::shown(folder.root)), project.command()));
  }
  json status = status_of(project, folder);
  size_t open = 0;
  for (const json& finding : status["findings"]) open += finding["status"] != "fixed" ? 1 : 0;
  const int code = open > 0 ? kFound : kNothingFound;
  if (page) write_file(*page, status_page(status));
  if (as_json) {
    status["verb"] = "status";
    status["exit"] = code;
    fmt::print("{}\n", json_text(status));
  } else {
    fmt::print("{}\n", status_line(status));
  }
  return code;
}

}  // namespace

const Verb kStatusVerb = {"status", "how a continuous job stands, in one line", run};

}  // namespace tool
