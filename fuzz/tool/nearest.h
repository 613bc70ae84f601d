// What someone probably meant: the nearest of the names that exist.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tool {

// The nearest of `known`: one that begins with `word`, else one a slip of the fingers away, else
// empty.
std::string nearest(std::string_view word, const std::vector<std::string>& known);

// The tail of an error message: "; did you mean 'fuzz'?", or "; known: a, b" when nothing is near.
std::string suggestion(std::string_view word, const std::vector<std::string>& known);

// Throws UsageError "unknown KIND 'WORD'; did you mean ...?" unless `word` is one of `known`.
void require_known(std::string_view kind, std::string_view word,
                   const std::vector<std::string>& known);

}  // namespace tool
