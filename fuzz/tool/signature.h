// What makes two findings one bug: a short name for each, the same in every build, for every seed,
// input and interleaving.
//
// What goes in, and why:
// - Our own verdicts: kind and place, as the SUMMARY line has them. Both are names of roles, locks
//   and functions, and the same in all builds; the release build has no stack to add. The operation
//   that took what leaked stays out: any operation can, and who forgot it is the holder. Where the
//   place names a primitive only (a lock, a list, an RCU call), the role or the operation at work
//   is added, for many bugs look like that.
// - Sanitizers: the kind, and the first function of ours that is not plumbing: primitives, the
//   executor and plain get and put say how the memory was touched, not who erred. Of memory on the
//   heap also the function that allocated it, which tells the type of the object. Not who freed
//   it: that is whoever was last in this interleaving.
// - A data race: which byte of which memory, by who allocated it: a lock that is not taken lets
//   several functions race on it. With the end of that memory, or where the report does not tell:
//   both functions, in alphabetical order; which one comes second is up to the schedule.
// - A leak of LeakSanitizer's: the function that allocated what leaked directly.
// - A time-out: the function of ours at the root of the stack, for the top is wherever it was just
//   then.
// Functions come without parameters, template arguments and namespaces (a function that was inlined
// is named so by the symbolizer) and with their file, without line and column.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/tool/verdict.h"

namespace tool {

struct Signature {
  std::string id;        // ten hexadecimal digits
  std::string detector;  // as in Verdict
  std::string kind;
  std::string place;  // what the id is made of besides; printable
  // For people, and to find other detectors' findings of the same bug; not in the id. The functions
  // of ours on top of the (first) stack, at most four, and the one of them that is no plumbing.
  std::vector<std::string> frames;
  std::string function;

  // "AddressSanitizer: heap-use-after-free in f core/x.cc of memory from g core/y.cc"
  std::string text() const;
};

// `report`: the lines of the report that the verdict was read from; without it, what the verdict
// itself says of its place. `target` only tells apart what has no place at all.
Signature signature_of(const Verdict& verdict, const std::vector<std::string>& report,
                       std::string_view target = "");

// The verdict of which text() is `text`: what a finding's comment line records. Nothing for an
// empty text.
std::optional<Verdict> verdict_from_text(std::string_view text);

// `frame.function` as signatures have it: "drm::Table<int>::find(int) const" -> "find".
std::string plain_function(std::string_view function);

// `path` from the folder of the checkout that it lies in, or the bare name: "core/drm/syncobj.cc".
std::string source_path(std::string_view path);

}  // namespace tool
