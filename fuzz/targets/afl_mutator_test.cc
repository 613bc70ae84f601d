// The libraries that AFL++ loads as its custom mutators, used as afl-fuzz uses them.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "fuzz/program/codec.h"
#include "fuzz/program/valid.h"

namespace {

using Bytes = std::vector<uint8_t>;

class Library {
 public:
  explicit Library(const char* path) : handle_(dlopen(path, RTLD_NOW | RTLD_LOCAL)) {
    if (handle_ == nullptr) ADD_FAILURE() << dlerror();
    find(init, "afl_custom_init");
    find(deinit, "afl_custom_deinit");
    find(fuzz, "afl_custom_fuzz");
    find(new_entry, "afl_custom_queue_new_entry");
  }

  ~Library() { dlclose(handle_); }  // and what it kept is forgotten
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  void* (*init)(void*, unsigned) = nullptr;
  void (*deinit)(void*) = nullptr;
  size_t (*fuzz)(void*, uint8_t*, size_t, uint8_t**, uint8_t*, size_t, size_t) = nullptr;
  uint8_t (*new_entry)(void*, const uint8_t*, const uint8_t*) = nullptr;

 private:
  template <typename Function>
  void find(Function& function, const char* name) {
    function = reinterpret_cast<Function>(dlsym(handle_, name));
    if (function == nullptr) ADD_FAILURE() << name << " is missing";
  }
  void* handle_;
};

// What `count` mutations come to, each of the one before.
std::vector<Bytes> mutants(const char* path, unsigned seed, unsigned count, size_t max_size) {
  Library library(path);
  void* state = library.init(nullptr, seed);
  std::vector<Bytes> all;
  Bytes input = {1, 2, 3, 4};
  Bytes other = {9, 8, 7, 6, 5};
  for (unsigned i = 0; i < count; ++i) {
    const Bytes before = input;
    uint8_t* out = nullptr;
    const size_t size =
        library.fuzz(state, input.data(), input.size(), &out, other.data(), other.size(), max_size);
    EXPECT_EQ(input, before) << "the input belongs to afl-fuzz";
    EXPECT_LE(size, max_size);
    all.emplace_back(out, out + size);
    if (size > 0) input = all.back();
  }
  library.deinit(state);
  return all;
}

class AflMutator : public testing::TestWithParam<const char*> {};

TEST_P(AflMutator, MutatesWithinItsRoom) {
  for (const size_t room : {size_t{1}, size_t{3}, size_t{50}, size_t{1} << 20})
    mutants(GetParam(), 1, 300, room);
}

TEST_P(AflMutator, DependsOnTheSeed) {
  EXPECT_NE(mutants(GetParam(), 1, 20, 4096), mutants(GetParam(), 2, 20, 4096));
}

TEST_P(AflMutator, ALargeInputIsCut) {
  Library library(GetParam());
  void* state = library.init(nullptr, 1);
  Bytes large(100'000, 7);
  for (unsigned i = 0; i < 50; ++i) {
    uint8_t* out = nullptr;
    EXPECT_LE(library.fuzz(state, large.data(), large.size(), &out, nullptr, 0, 1 << 20), 4096u);
  }
  library.deinit(state);
}

TEST_P(AflMutator, AQueueEntryThatIsGoneIsNoMatter) {
  Library library(GetParam());
  void* state = library.init(nullptr, 1);
  const auto* path = reinterpret_cast<const uint8_t*>("/nowhere/id:000000");
  EXPECT_EQ(library.new_entry(state, path, nullptr), 0);
  library.deinit(state);
}

INSTANTIATE_TEST_SUITE_P(All, AflMutator, testing::Values(AFL_PROGRAMS, AFL_STEPS, AFL_LANGUAGE),
                         [](const auto& info) {
                           return std::string(std::vector<const char*>{"Programs", "Steps",
                                                                       "Language"}[info.index]);
                         });

TEST(AflMutatorPrograms, TheSameSeedGivesTheSame) {
  EXPECT_EQ(mutants(AFL_STEPS, 5, 200, 4096), mutants(AFL_STEPS, 5, 200, 4096));
  EXPECT_EQ(mutants(AFL_LANGUAGE, 5, 200, 4096), mutants(AFL_LANGUAGE, 5, 200, 4096));
  EXPECT_EQ(mutants(AFL_PROGRAMS, 5, 200, 4096), mutants(AFL_PROGRAMS, 5, 200, 4096));
}

TEST(AflMutatorPrograms, MostMutantsArePrograms) {
  unsigned programs = 0;
  for (const Bytes& mutant : mutants(AFL_PROGRAMS, 3, 200, 4096)) {
    const program::Program decoded = program::decode(mutant.data(), mutant.size());
    EXPECT_TRUE(program::is_valid(decoded));
    programs += program::encode(decoded) == mutant;
  }
  EXPECT_GT(programs, 120u);
}

}  // namespace
