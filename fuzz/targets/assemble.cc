// assemble TEXT BYTES [TARGET]: turns a file of text (text_form.h) into the bytes that the target
// reads; without TARGET it is that of the folder that it stands in. The build uses it for corpus/
// (cmake/Corpus.cmake).

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "fuzz/targets/text_form.h"

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

// The name of the folder that the file is in.
std::string folder_of(std::string_view path) {
  path.remove_suffix(path.size() - std::min(path.rfind('/'), path.size()));
  return std::string(path.substr(path.rfind('/') + 1));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3 && argc != 4) {
    std::fprintf(stderr, "usage: assemble TEXT BYTES [TARGET]\n");
    return 2;
  }
  std::string text;
  if (!read_file(argv[1], text)) {
    std::perror(argv[1]);
    return 2;
  }
  const std::string target = argc == 4 ? argv[3] : folder_of(argv[1]);
  const auto assembled = text_form::assemble(text_form::of_file(argv[1]), target, text);
  if (const auto* error = std::get_if<text_form::Error>(&assembled)) {
    const std::string column = error->column > 0 ? std::to_string(error->column) + ":" : "";
    std::fprintf(stderr, "%s:%d:%s %s\n", argv[1], error->line, column.c_str(),
                 error->message.c_str());
    return 1;
  }
  if (!write_file(argv[2], std::get<std::vector<uint8_t>>(assembled))) {
    std::perror(argv[2]);
    return 2;
  }
  return 0;
}
