#include "fuzz/program/text.h"

#include "fuzz/program/print.h"

namespace program {

std::string to_text(const Program& program) {
  std::string text;
  auto append = [](void* context, const char* line, size_t size) {
    static_cast<std::string*>(context)->append(line, size);
  };
  print_program(program, append, &text);
  return text;
}

}  // namespace program
