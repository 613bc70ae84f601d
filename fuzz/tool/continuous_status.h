// What is known of a continuous job, for programs, for a page and for one line.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "fuzz/tool/store.h"
#include "fuzz/tool/store_folder.h"

namespace tool {

// What only the running process knows.
struct LiveStatus {
  bool running = false;
  int pid = 0;
  bool dirty = false;
  std::string commit;
  std::string title;
  std::string message;                     // what keeps it from working; empty: nothing does
  std::vector<std::string> doing;          // for each process
  std::vector<JobKey> fuzzing;             // under way now
  std::map<JobKey, double> weights;        // of the jobs that it runs
  std::map<std::string, uint64_t> inputs;  // in the corpus, by target
  uint64_t disk_bytes = 0;
  uint64_t disk_limit = 0;
  uint64_t disk_free = 0;
};

// As status_page.h takes it.
nlohmann::json status_json(Store& store, const StoreFolder& folder, const std::string& command,
                           const LiveStatus& live, Seconds now);

// "running for 1h02m at abc1234: 12,345,678 executions (3,456/s), 2 open bugs, ..."
std::string status_line(const nlohmann::json& status);

}  // namespace tool
