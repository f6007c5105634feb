// A library to preload: allocations fail when the environment says so.
//
//   OCTET_FAIL_FIRST=N   the N-th allocation of the process fails, counted from 1; without it none does
//   OCTET_FAIL_COUNT=M   so do those behind it, M in all (default 1)
//   OCTET_COUNT_FILE=F   at the end the number of allocations is written there
//
// What is allocated before the variables are read counts as well. operator new comes through here too.
#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

std::atomic<long> n_allocations{0};

long number(const char* name, long otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtol(text, nullptr, 10);
}

bool must_fail() {
  static const long first = number("OCTET_FAIL_FIRST", 0);
  static const long count = number("OCTET_FAIL_COUNT", 1);
  const long n = n_allocations.fetch_add(1, std::memory_order_relaxed) + 1;
  if (first == 0 || n < first || n - first >= count) return false;
  errno = ENOMEM;
  return true;
}

/// What dlsym itself asks for while it looks for calloc.
alignas(16) std::byte early_memory[4096];
std::size_t early_bytes = 0;
thread_local bool is_looking = false;

bool is_early(const void* memory) { return memory >= early_memory && memory < early_memory + sizeof early_memory; }

template <class Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

/// The functions in whose place these are, all looked up at once: dlsym forgets the message that dlerror is about to tell.
struct Originals {
  void* (*malloc)(std::size_t) = next<decltype(malloc)>("malloc");
  void* (*calloc)(std::size_t, std::size_t) = next<decltype(calloc)>("calloc");
  void* (*realloc)(void*, std::size_t) = next<decltype(realloc)>("realloc");
  void* (*aligned_alloc)(std::size_t, std::size_t) = next<decltype(aligned_alloc)>("aligned_alloc");
  int (*posix_memalign)(void**, std::size_t, std::size_t) = next<decltype(posix_memalign)>("posix_memalign");
  void (*free)(void*) = next<decltype(free)>("free");
};
const Originals& originals() {
  static const Originals all = [] {
    is_looking = true;
    const Originals found;
    is_looking = false;
    return found;
  }();
  return all;
}

__attribute__((destructor)) void write_count() {
  const char* name = std::getenv("OCTET_COUNT_FILE");
  if (name == nullptr) return;
  const int fd = ::open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  char text[32];
  const int n_bytes = std::snprintf(text, sizeof text, "%ld", n_allocations.load());
  static_cast<void>(::write(fd, text, static_cast<std::size_t>(n_bytes)) == n_bytes);
  ::close(fd);
}

}  // namespace

extern "C" {

void* malloc(std::size_t size) {
  const auto original = originals().malloc;
  return must_fail() ? nullptr : original(size);
}

void* calloc(std::size_t n, std::size_t size) {
  if (is_looking) {
    void* memory = early_memory + early_bytes;
    early_bytes += (n * size + 15) / 16 * 16;
    return early_bytes <= sizeof early_memory ? memory : nullptr;
  }
  const auto original = originals().calloc;
  return must_fail() ? nullptr : original(n, size);
}

void* realloc(void* memory, std::size_t size) {
  const auto original = originals().realloc;
  return must_fail() ? nullptr : original(memory, size);
}

void* aligned_alloc(std::size_t alignment, std::size_t size) {
  const auto original = originals().aligned_alloc;
  return must_fail() ? nullptr : original(alignment, size);
}

int posix_memalign(void** memory, std::size_t alignment, std::size_t size) {
  const auto original = originals().posix_memalign;
  return must_fail() ? ENOMEM : original(memory, alignment, size);
}

void free(void* memory) {
  const auto original = originals().free;
  if (!is_early(memory)) original(memory);
}

}  // extern "C"
