// The words for what happened.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "fuzz/tool/trace_log.h"

namespace tool {

class TraceWords {
 public:
  explicit TraceWords(const TraceLog& log);

  // "get queue#7 for userq_xa". Control characters come out as \xNN.
  std::string describe(const TraceEvent& event) const;
  // A lock or a reference that is taken, given how it was taken, and dropped at once.
  std::string describe_pair(const TraceEvent& taken) const;

  // "queue#7"
  std::string object(uint32_t object) const;
  // "fence_drv_xa of queue#7", "running userq ioctl"
  std::string holder(std::string_view role, uint32_t object) const;
  // "userq_mutex"; with its number if there are several of the name.
  std::string lock(std::string_view name, uint32_t id) const;

 private:
  std::string operation(uint32_t tag) const;
  std::string words_for(const TraceEvent& event) const;

  const TraceLog& log_;
  std::map<uint32_t, std::string_view> types_;
  std::map<std::string_view, std::set<uint32_t>> locks_;
};

// "-EINVAL" for -22, "0", "7".
std::string result_text(int64_t result);

// "12.5 ms"
std::string duration_text(int64_t nanoseconds);

}  // namespace tool
