// A result of --json as text: two blanks deep, and plain ASCII. Control characters, marks that
// reorder text and stray bytes come out as \uNNNN, so that it is harmless on a terminal too.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace tool {

inline std::string json_text(const nlohmann::json& json) {
  return json.dump(2, ' ', true, nlohmann::json::error_handler_t::replace);
}

}  // namespace tool
