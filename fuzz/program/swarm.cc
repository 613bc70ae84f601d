#include "fuzz/program/swarm.h"

namespace program {

namespace {

// Operations from this weight on: queues, fences, the GPU.
constexpr unsigned kCoreWeight = 18;

Swarm make_usual() {
  Swarm swarm{};
  for (unsigned kind = 0; kind < kOpKinds; kind++)
    swarm.weight[kind] = op_spec(static_cast<OpKind>(kind)).weight;
  swarm.threads = 2;
  swarm.preemptions = 12;
  return swarm;
}

// What the driver is about, and not too much besides.
void favour_core(Swarm& swarm, Rng& rng) {
  const unsigned others = rng.percent(75) ? 0 : rng.below(50);
  for (uint32_t& weight : swarm.weight) {
    const bool core = weight >= kCoreWeight;
    if (rng.percent(core ? 92 : others))
      weight *= core ? 1 + rng.below(2) : 2;
    else
      weight = core ? weight / 4 : 0;
  }
}

// A few operations, each as often as any other.
void favour_any(Swarm& swarm, Rng& rng) {
  const unsigned share = 6 + rng.below(15);
  for (uint32_t& weight : swarm.weight) weight = rng.percent(share) ? 1 : 0;
  for (unsigned n = 2; n > 0; n--) swarm.weight[rng.below(kOpKinds)] = 1;
}

}  // namespace

const Swarm& usual_swarm() {
  static const Swarm usual = make_usual();
  return usual;
}

Swarm random_swarm(Rng& rng) {
  Swarm swarm = usual_swarm();
  if (rng.percent(70)) {
    favour_core(swarm, rng);
    swarm.threads = 1 + rng.below(2);
  } else {
    favour_any(swarm, rng);
    swarm.threads = 2 + rng.below(3);
    swarm.preemptions = 15 + rng.below(30);
  }
  return swarm;
}

}  // namespace program
