#include "fuzz/tool/terminal.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "fuzz/tool/strings.h"

namespace tool {

bool is_live_terminal(int fd) {
  const char* term = std::getenv("TERM");
  return ::isatty(fd) == 1 && term != nullptr && std::string_view(term) != "dumb";
}

bool wants_colour(int fd) {
  const char* no_color = std::getenv("NO_COLOR");
  return is_live_terminal(fd) && (no_color == nullptr || *no_color == '\0');
}

TerminalSize terminal_size(int fd) {
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return {80, 24};
  return {size.ws_col, size.ws_row};
}

std::string fit(std::string_view text, size_t columns) {
  size_t seen = 0;
  for (size_t i = 0; i < text.size(); i++) {
    bool starts_character = (static_cast<unsigned char>(text[i]) & 0xc0) != 0x80;
    if (starts_character && ++seen > columns) return std::string(text.substr(0, i));
  }
  return std::string(text);
}

Progress::Progress() : live_(is_live_terminal(STDERR_FILENO)) {}

Progress::~Progress() { clear(); }

void Progress::block(const std::vector<std::string>& lines) {
  if (!live_) return;
  lines_ = lines;
  draw();
}

void Progress::note(std::string_view line) {
  std::vector<std::string> kept = lines_;
  clear();
  fmt::memory_buffer out;
  fmt::format_to(std::back_inserter(out), "{}\n", printable(line));
  std::fwrite(out.data(), 1, out.size(), stderr);
  block(kept);
}

void Progress::clear() {
  lines_.clear();
  if (live_) draw();
}

void Progress::draw() {
  std::string out;
  if (drawn_ > 0) out += fmt::format("\x1b[{}A\r", drawn_);
  TerminalSize size = terminal_size(STDERR_FILENO);
  // One row stays free: a block as high as the screen would scroll at each redraw.
  size_t rows = size.rows > 2 ? size.rows - 1 : 1;
  bool cut = lines_.size() > rows;
  size_t shown = cut ? rows - 1 : lines_.size();
  for (size_t i = 0; i < shown; i++) {
    out += fit(printable(lines_[i]), size.columns - 1) + "\x1b[K\n";
  }
  if (cut) out += fmt::format("... and {} more\x1b[K\n", lines_.size() - shown);
  out += "\x1b[J";
  size_t rows_now = shown + (cut ? 1 : 0);
  if (drawn_ > 0 || rows_now > 0) std::fwrite(out.data(), 1, out.size(), stderr);
  drawn_ = rows_now;
}

}  // namespace tool
