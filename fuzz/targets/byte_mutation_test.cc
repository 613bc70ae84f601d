// Mutation of bytes without an engine: within its room, a function of the seed, and of some
// variety.
#include "fuzz/targets/byte_mutation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

namespace {

std::string mutant_of(const std::string& input, size_t room, unsigned seed) {
  std::string data = input;
  data.resize(std::max(room, input.size()));
  // Behind the room nothing is touched.
  data += '\x5a';
  const size_t size =
      mutate_bytes_plainly(reinterpret_cast<uint8_t*>(data.data()), input.size(), room, seed);
  EXPECT_LE(size, room);
  EXPECT_EQ(data.back(), '\x5a');
  return data.substr(0, size);
}

TEST(ByteMutation, StaysWithinItsRoomAndNeverGivesNothing) {
  for (const size_t length : {0, 1, 2, 40, 64})
    for (const size_t room : {1, 2, 64, 65})
      for (unsigned seed = 0; seed < 500; ++seed)
        EXPECT_GT(mutant_of(std::string(length, 'a'), room, seed).size(), 0u);
}

TEST(ByteMutation, DependsOnTheSeedAlone) {
  for (unsigned seed = 0; seed < 100; ++seed)
    EXPECT_EQ(mutant_of("some bytes", 32, seed), mutant_of("some bytes", 32, seed));
}

TEST(ByteMutation, MakesShorterLongerAndManyDifferentInputs) {
  std::set<std::string> mutants;
  bool shorter = false, longer = false;
  for (unsigned seed = 0; seed < 200; ++seed) {
    const std::string mutant = mutant_of("some bytes", 32, seed);
    shorter |= mutant.size() < 10;
    longer |= mutant.size() > 10;
    mutants.insert(mutant);
  }
  EXPECT_TRUE(shorter);
  EXPECT_TRUE(longer);
  EXPECT_GT(mutants.size(), 150u);
}

TEST(ByteMutation, WithoutRoomThereIsNothing) {
  uint8_t byte = 7;
  EXPECT_EQ(mutate_bytes_plainly(&byte, 0, 0, 1), 0u);
  EXPECT_EQ(byte, 7);
}

}  // namespace
