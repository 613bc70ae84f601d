// The command line of a verb: CLI11, with errors that name the nearest right thing.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/tool/verb.h"

namespace tool {

// An application to add options to; `example` ends its --help.
std::unique_ptr<CLI::App> command_line(const Verb& verb, const std::string& description,
                                       const std::string& example);

// An option that may be given several times, each value a list with commas.
CLI::Option* add_list(CLI::App& app, const std::string& name, std::vector<std::string>& values,
                      const std::string& help);

// Throws UsageError for what is wrong, HelpPrinted after --help.
void parse(CLI::App& app, const std::vector<std::string>& arguments);

// The values of a list option, split at commas, without doubles, in the order given.
std::vector<std::string> list_items(const std::vector<std::string>& values);

// A whole number from `low` to `high`; UsageError, naming `flag`, for anything else.
uint64_t number(std::string_view flag, std::string_view text, uint64_t low, uint64_t high);
// Likewise, if the option was given at all.
std::optional<uint64_t> optional_number(std::string_view flag,
                                        const std::optional<std::string>& text, uint64_t low,
                                        uint64_t high);

}  // namespace tool
