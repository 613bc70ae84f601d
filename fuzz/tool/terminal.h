// What a person sees while something runs: lasting lines and a block of lines that is redrawn, both
// on stderr. stdout belongs to results.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tool {

// Whether `fd` is a terminal that understands cursor movement.
bool is_live_terminal(int fd);

// Whether to colour what goes to `fd`: a terminal, and NO_COLOR is not set.
bool wants_colour(int fd);

struct TerminalSize {
  size_t columns;
  size_t rows;
};
TerminalSize terminal_size(int fd);

// `text` cut to `columns` characters; a UTF-8 sequence is never cut in two.
std::string fit(std::string_view text, size_t columns);

class Progress {
 public:
  Progress();
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // True when stderr is a terminal: only then is the block drawn.
  bool live() const { return live_; }

  // Replaces the block. Costs nothing when stderr is no terminal.
  void block(const std::vector<std::string>& lines);

  // A line that stays, above the block.
  void note(std::string_view line);

  // Takes the block away.
  void clear();

 private:
  void draw();

  bool live_;
  std::vector<std::string> lines_;
  size_t drawn_ = 0;  // rows of the block on the screen now
};

}  // namespace tool
