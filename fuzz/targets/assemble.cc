// assemble TEXT BYTES: turns one .fence file into the bytes that the targets read. The build uses
// it for what stands in corpus/ (cmake/Corpus.cmake).

#include <cstdint>
#include <cstdio>
#include <string>
#include <variant>
#include <vector>

#include "fuzz/program/codec.h"
#include "fuzz/program/text.h"

namespace {

bool read_file(const char* path, std::string& text) {
  FILE* file = std::fopen(path, "rb");
  if (!file) return false;
  char buffer[4096];
  while (!std::feof(file) && !std::ferror(file)) {
    text.append(buffer, std::fread(buffer, 1, sizeof buffer, file));
  }
  const bool ok = !std::ferror(file);
  std::fclose(file);
  return ok;
}

bool write_file(const char* path, const std::vector<uint8_t>& bytes) {
  FILE* file = std::fopen(path, "wb");
  if (!file) return false;
  const bool written = std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size();
  return std::fclose(file) == 0 && written;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: assemble TEXT BYTES\n");
    return 2;
  }
  std::string text;
  if (!read_file(argv[1], text)) {
    std::perror(argv[1]);
    return 2;
  }
  const auto parsed = program::parse(text);
  if (const auto* error = std::get_if<program::ParseError>(&parsed)) {
    std::fprintf(stderr, "%s:%d:%d: %s\n", argv[1], error->line, error->column,
                 error->message.c_str());
    return 1;
  }
  if (!write_file(argv[2], program::encode(std::get<program::Program>(parsed)))) {
    std::perror(argv[2]);
    return 2;
  }
  return 0;
}
