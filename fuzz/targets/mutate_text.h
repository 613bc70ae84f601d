// Mutation of `.fence` text as text, for program_fuzzer: words and lines are changed, so that what
// comes out is nearly right, or right in another layout. Functions of the text and a seed.
#pragma once

#include <string>
#include <string_view>

// A few changes: words of the language are put in, replaced, removed or doubled; lines doubled,
// removed or swapped; or, if the text is a program, a mutant of it.
std::string mutate_text(std::string_view text, unsigned seed);

// Lines of both, each side in its order.
std::string mix_lines(std::string_view a, std::string_view b, unsigned seed);
