// decider_bench: how soon each decider finds the bug of each puzzle, beside the published figures.
#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <iterator>
#include <vector>

#include "core/kernel/puzzles/search.h"

namespace {

using puzzles::Puzzle;
using puzzles::Search;
using puzzles::Searcher;

constexpr unsigned kTrials = 20;

// A rate is measured over at least so many seconds of processor time.
constexpr double kMinSeconds = 0.2;

constexpr char kUsage[] =
    "Usage: decider_bench [--json] [--limit N] [--decider NAME] [PUZZLE...]\n"
    "How many schedules each decider runs until it finds the bug of each puzzle: 20 trials with\n"
    "seeds 1..20 (bounded search has no seed, so one), and its schedules per second of processor\n"
    "time.\n"
    "  --limit N       schedules after which a trial gives up (default 100000)\n"
    "  --decider NAME  random-2, random-8, pct-2, pct-3 or bounded (default: all)\n"
    "  --json          print a machine-readable result\n"
    "Example: decider_bench --limit 1000000 --decider random-2 reorder_3 safestack\n";

struct Options {
  bool json = false;
  uint64_t limit = 100'000;
  const char* decider = nullptr;  // all
  std::vector<const Puzzle*> puzzles;
};

struct Result {
  unsigned trials;
  std::vector<uint64_t> hits;  // schedules to the bug of the trials that found it, in order
  unsigned preemptions;        // bounded search
  double rate;                 // schedules per second of processor time

  double median() const {
    const size_t middle = hits.size() / 2;
    return hits.size() % 2 == 1 ? static_cast<double>(hits[middle])
                                : static_cast<double>(hits[middle - 1] + hits[middle]) / 2;
  }
};

double processor_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

Result measure(const Puzzle& puzzle, const Searcher& searcher, uint64_t limit) {
  Result result{};
  result.trials = searcher.method == puzzles::Method::kBounded ? 1 : kTrials;
  const double start = processor_seconds();
  double seconds = 0;
  uint64_t schedules = 0;
  for (uint64_t seed = 1; seed <= result.trials || seconds < kMinSeconds; ++seed) {
    const Search search = puzzles::search(puzzle, puzzles::Version::kFaulty, searcher, seed, limit);
    schedules += search.schedules;
    seconds = processor_seconds() - start;
    if (seed > result.trials) continue;  // for the rate alone
    if (search.found) result.hits.push_back(search.schedules);
    result.preemptions = search.preemptions;
  }
  result.rate = static_cast<double>(schedules) / seconds;
  std::sort(result.hits.begin(), result.hits.end());
  return result;
}

struct Figure {
  const char* tool;
  const char* schedules;
};

std::vector<Figure> published(const Puzzle& puzzle) {
  std::vector<Figure> figures;
  const puzzles::Published& p = puzzle.published;
  for (const Figure& figure : {Figure{"RFF", p.rff}, Figure{"PCT3", p.pct}, Figure{"POS", p.pos},
                               Figure{"Q-learning", p.q_learning}, Figure{"PERIOD", p.period}})
    if (figure.schedules != nullptr) figures.push_back(figure);
  return figures;
}

const char* published_name(const Puzzle& puzzle) { return *puzzle.of ? puzzle.of : puzzle.name; }

void print_titles(const Puzzle& puzzle) {
  std::printf("%s: %u threads, %s\n", puzzle.name, puzzle.threads, puzzle.roles);
  const char* separator = "";
  for (const Figure& figure : published(puzzle)) {
    if (*separator == 0) std::printf("  published for %s: ", published_name(puzzle));
    std::printf("%s%s %s", separator, figure.tool, figure.schedules);
    separator = ", ";
  }
  if (*separator != 0) std::printf("\n");
  std::printf("  decider   schedules  min..max             found  schedules/s\n");
}

void print_row(const Searcher& searcher, const Result& result) {
  char median[32] = "-", range[48] = "-", found[48];
  if (!result.hits.empty()) {
    std::snprintf(median, sizeof median, "%.*f", result.hits.size() % 2 == 0 ? 1 : 0,
                  result.median());
    std::snprintf(range, sizeof range, "%" PRIu64 "..%" PRIu64, result.hits.front(),
                  result.hits.back());
  }
  std::snprintf(found, sizeof found, "%zu of %u", result.hits.size(), result.trials);
  std::printf("  %-8s  %9s  %-17s %8s  %11.0f", searcher.name, median, range, found, result.rate);
  if (searcher.method == puzzles::Method::kBounded)
    std::printf("  preemptions: %s%u", result.hits.empty() ? "more than " : "",
                result.preemptions - (result.hits.empty() ? 1 : 0));
  std::printf("\n");
}

void print_json(const Puzzle& puzzle, const Searcher& searcher, const Result& result, bool first) {
  std::printf("%s\n  {\"puzzle\": \"%s\", \"threads\": %u, \"roles\": \"%s\", ", first ? "[" : ",",
              puzzle.name, puzzle.threads, puzzle.roles);
  std::printf("\"decider\": \"%s\", \"trials\": %u, \"found\": %zu, ", searcher.name, result.trials,
              result.hits.size());
  if (!result.hits.empty())
    std::printf("\"median\": %.1f, \"min\": %" PRIu64 ", \"max\": %" PRIu64 ", ", result.median(),
                result.hits.front(), result.hits.back());
  if (searcher.method == puzzles::Method::kBounded)
    std::printf("\"preemptions\": %u, ", result.preemptions);
  std::printf("\"schedules_per_second\": %.0f, \"published_puzzle\": \"%s\", \"published\": {",
              result.rate, published_name(puzzle));
  const char* separator = "";
  for (const Figure& figure : published(puzzle)) {
    std::printf("%s\"%s\": \"%s\"", separator, figure.tool, figure.schedules);
    separator = ", ";
  }
  std::printf("}}");
}

[[noreturn]] void wrong_usage(const char* what, const char* argument) {
  std::fprintf(stderr, "decider_bench: %s: %s\n%s", argument, what, kUsage);
  std::exit(2);
}

bool wanted(const Options& options, const Searcher& searcher) {
  return options.decider == nullptr || std::strcmp(options.decider, searcher.name) == 0;
}

const Puzzle* find(const char* name) {
  for (const Puzzle& puzzle : puzzles::kAll)
    if (std::strcmp(puzzle.name, name) == 0) return &puzzle;
  return nullptr;
}

Options parse(int count, char** arguments) {
  Options options;
  for (int i = 1; i < count; ++i) {
    const char* argument = arguments[i];
    if (std::strcmp(argument, "--help") == 0) {
      std::fputs(kUsage, stdout);
      std::exit(0);
    } else if (std::strcmp(argument, "--json") == 0) {
      options.json = true;
    } else if (std::strcmp(argument, "--limit") == 0) {
      char* end = nullptr;
      if (i + 1 < count) options.limit = std::strtoull(arguments[++i], &end, 10);
      if (end == nullptr || *end != 0 || options.limit == 0)
        wrong_usage("wants a number of schedules, at least 1", argument);
    } else if (std::strcmp(argument, "--decider") == 0 && i + 1 < count) {
      options.decider = arguments[++i];
      if (std::none_of(std::begin(puzzles::kSearchers), std::end(puzzles::kSearchers),
                       [&](const Searcher& s) { return wanted(options, s); }))
        wrong_usage("no decider has that name", options.decider);
    } else {
      const Puzzle* puzzle = find(argument);
      if (puzzle == nullptr) wrong_usage("no puzzle has that name", argument);
      options.puzzles.push_back(puzzle);
    }
  }
  if (options.puzzles.empty())
    for (const Puzzle& puzzle : puzzles::kAll) options.puzzles.push_back(&puzzle);
  return options;
}

}  // namespace

int main(int count, char** arguments) {
  const Options options = parse(count, arguments);
  bool first = true;
  for (const Puzzle* puzzle : options.puzzles) {
    if (!options.json) print_titles(*puzzle);
    for (const Searcher& searcher : puzzles::kSearchers) {
      if (!wanted(options, searcher)) continue;
      const Result result = measure(*puzzle, searcher, options.limit);
      if (options.json)
        print_json(*puzzle, searcher, result, first);
      else
        print_row(searcher, result);
      std::fflush(stdout);
      first = false;
    }
  }
  if (options.json) std::printf("%s\n]\n", first ? "[" : "");
}
