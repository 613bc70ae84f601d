// What a campaign came to, for people and for machines.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "fuzz/tool/campaign.h"
#include "fuzz/tool/project.h"

namespace tool {

// One line for a job that is over, with or without trials.
std::string trial_line(const JobResult& result);
std::string end_line(const JobResult& result);

// The table, the medians of trials, each finding with the command that reproduces it, and whatever
// went wrong. To stdout.
void print_result(const Project& project, const Campaign& campaign);

nlohmann::json json_result(const Project& project, const Campaign& campaign, int code);

// 1 with a finding; 3 if a child died without one; else 0.
int exit_code(const Campaign& campaign);

// Of at least one value.
double median(std::vector<double> values);

}  // namespace tool
