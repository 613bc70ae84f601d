// "did you mean": the candidate nearest to a misspelt word.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace program {

// The nearest candidate by edit distance (insert, remove, replace, swap neighbours), or an empty
// view if none is near enough to be a likely slip.
std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates);

// ", did you mean 'wait'?", or without a near candidate ": WHAT are a, b and c".
std::string did_you_mean(std::string_view word, std::string_view what,
                         const std::vector<std::string_view>& candidates);

}  // namespace program
