#include "fuzz/tool/engine.h"

#include "fuzz/tool/afl_run.h"
#include "fuzz/tool/libfuzzer_run.h"

namespace tool {

std::string_view engine_name(Engine engine) { return engine == Engine::kAfl ? "afl" : "libfuzzer"; }

std::string_view engine_title(Engine engine) {
  return engine == Engine::kAfl ? "AFL++" : "libFuzzer";
}

std::string engine_preset(Engine engine, std::string_view sanitizer) {
  return (engine == Engine::kAfl ? "afl-" : "") + std::string(sanitizer);
}

void require_engine(Engine engine) {
  if (engine == Engine::kAfl) find_afl();
}

std::vector<EngineExtra> engine_extras(Engine engine, std::string_view target) {
  const std::string mutator = engine == Engine::kAfl ? afl_mutator(target) : "";
  if (mutator.empty()) return {};
  return {{"release", mutator}};
}

std::unique_ptr<EngineRun> start_engine(Engine engine, const EngineStart& start) {
  if (engine == Engine::kAfl) return std::make_unique<AflRun>(start);
  return std::make_unique<LibFuzzerRun>(start);
}

}  // namespace tool
