// For tests: traces as a target writes them.
#pragma once

#include <string>

namespace tool {

// Blanks in `lines` separate fields; '_' is an empty field, '~' stands for a blank, '!' for '_'.
inline std::string trace_text(const std::string& lines) {
  std::string text = "fencebench-trace 1\n";
  for (const char c : lines) {
    if (c == ' ')
      text += '\t';
    else if (c == '~')
      text += ' ';
    else if (c == '!')
      text += '_';
    else if (c != '_')
      text += c;
  }
  return text;
}

// t0 is interrupted while it holds a lock, t1 waits for the lock; t0 goes on and gives it back.
inline std::string contended_trace() {
  return trace_text(
      "context main 0\nstart main _ _ -\nswitch main _ _ -\nopen main _ 1 - device the~door\n"
      "end!job main _ _ -\nswitch - _ _ main\n"
      "context t0 0\nstart t0 _ _ -\ncontext t1 1\nstart t1 _ _ -\nswitch t0 _ _ -\n"
      "op 1 operation~1:~t0:~signal~A\noperation t0 1 _ -\npoint t0 1 5 _ lock\n"
      "lock t0 1 5 - list!lock\npoint t0 1 7 _ atomic\npreempt t0 1 1 - irq\n"
      "context irq0 0\nop 3 operation~3:~irq:~eop~A\nirq!enter irq0 3 _ t0\n"
      "switch irq0 3 _ t0\nstate irq0 3 9 - fence signaled pending\nend!job irq0 3 _ -\n"
      "irq!exit irq0 3 _ t0\nswitch t0 1 _ irq0\npoint t0 1 7 _ atomic\n"
      "preempt t0 1 2 - t1\nswitch t1 _ _ t0\nop 2 operation~2:~t1:~wait~A\n"
      "operation t1 2 _ -\nblock t1 2 _ t0 list!lock\nswitch t0 1 _ t1\n"
      "open t0 1 9 - fence creator _ _ 1\nget t0 1 9 - fence slot _ _ 1\n"
      "wake t1 2 _ t0\nunlock t0 1 5 - list!lock\nresult t0 1 _ - _ _ _ _ -22\n"
      "end!job t0 1 _ -\nswitch t1 2 _ t0\nlock t1 2 5 - list!lock\n"
      "unlock t1 2 5 - list!lock\nmove t1 2 9 - fence array slot 1 1\n"
      "put t1 2 9 - fence creator _ _ 1\nresult t1 2 _ -\nend!job t1 2 _ -\nswitch - _ _ t1\n");
}

}  // namespace tool
