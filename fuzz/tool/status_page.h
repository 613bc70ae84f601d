// What `continuous` does and has found, as one page that loads nothing. While the job runs, the
// page reads itself again every half minute, so it may be opened from disk.
//
// The status is a JSON object; times are seconds since 1970, UTC. Anything may be missing:
//   store, generated, started, running, message (the latest trouble), executions,
//   fuzzing_seconds (of all processes together)
//   commit      {id, title, dirty}
//   jobs        [{target, sanitizer, weight, seconds, executions, edges, features, corpus, last,
//               state: running|waiting|broken, note}]
//   findings    [{signature, verdict, status: open|fixed|unreproducible, first_seen, last_seen,
//               first_commit, fixed_commit, count, targets, sanitizers, file, size, bytes,
//               reproduce, details: [line]}]
//   coverage    [{target, sanitizer, points: [[time, edges, features, corpus]]}]
//   commits     [{time, id, title, result: built|broken}]
//   events      [{time, kind: finding|fixed|build|trouble|start|stop|prune, text}]
//   disk        {bytes, limit, free}
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace tool {

std::string status_page(const nlohmann::json& status);

// The page status_page.html, which the build puts into the command, and the SHA-256 of its script
// in hexadecimal. "@NAME@" stands where status_page() puts something.
extern const std::string_view kStatusPage;
extern const std::string_view kStatusScript;

}  // namespace tool
