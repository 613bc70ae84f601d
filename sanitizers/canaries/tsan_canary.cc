// ThreadSanitizer must report a data race on `counter` here, on every run: the flag makes one
// access come after the other, and being relaxed it orders nothing as far as the memory model is
// concerned.

#include <pthread.h>

#include <atomic>

namespace {

int counter;
std::atomic<bool> written{false};

void* write_counter(void*) {
  counter = 1;
  written.store(true, std::memory_order_relaxed);
  return nullptr;
}

void* read_counter(void*) {
  while (!written.load(std::memory_order_relaxed)) {
  }
  counter++;
  return nullptr;
}

}  // namespace

int main() {
  pthread_t writer;
  pthread_t reader;
  if (pthread_create(&writer, nullptr, write_counter, nullptr) != 0) return 0;
  if (pthread_create(&reader, nullptr, read_counter, nullptr) != 0) return 0;
  pthread_join(writer, nullptr);
  pthread_join(reader, nullptr);
  return 0;
}
