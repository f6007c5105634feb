// What the worst headers of the allowed size cost: memory within 64 MB of the file's size, and time that grows with the header
// and not with its square. Row R1 of the reliability table.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <optional>

#include "bytemodel/safetensors.h"
#include "tests/bytemodel/scratch.h"

namespace octet::tests {
namespace {

using bytemodel::SafetensorsFile;

/// `open`, as many of `element(i)` as fit into `n_bytes` with commas between them, `close`.
template <class Element>
std::string filled_header(std::string_view open, Element element, std::string_view close, std::size_t n_bytes) {
  std::string text;
  text += open;
  for (std::size_t i = 0;; ++i) {
    const std::string next = element(i);
    if (text.size() + next.size() + close.size() + 1 > n_bytes) break;
    if (i > 0) text += ',';
    text += next;
  }
  return text.append(close);
}

std::string keyed(std::size_t i, std::string_view value) { return '"' + std::to_string(i) + "\":" + std::string(value); }

struct Worst {
  const char* what;
  std::string header;
};

/// Headers whose text is cheap and whose parsed form is not.
std::vector<Worst> worst_headers(std::size_t n_bytes) {
  const auto same = [](const char* text) { return [text](std::size_t) { return std::string(text); }; };
  const auto pairs = [](const char* value) { return [value](std::size_t i) { return keyed(i, value); }; };
  return {{"numbers in an array", filled_header(R"({"weight":[)", same("0"), "]}", n_bytes)},
          {"strings in an array", filled_header(R"({"weight":[)", same("\"\""), "]}", n_bytes)},
          {"arrays in an array", filled_header(R"({"weight":[)", same("[]"), "]}", n_bytes)},
          {"objects in an array", filled_header(R"({"weight":[)", same("{}"), "]}", n_bytes)},
          {"objects in objects in an array", filled_header(R"({"weight":[)", same(R"({"":{}})"), "]}", n_bytes)},
          {"numbers in the header", filled_header("{", pairs("0"), "}", n_bytes)},
          {"objects in the header", filled_header("{", pairs("{}"), "}", n_bytes)},
          {"numbers in the metadata", filled_header(R"({"__metadata__":{)", pairs("0"), "}}", n_bytes)},
          {"strings in the metadata", filled_header(R"({"__metadata__":{)", pairs("\"\""), "}}", n_bytes)},
          {"empty tensors", filled_header("{", pairs(R"({"dtype":"U8","shape":[0],"data_offsets":[0,0]})"), "}", n_bytes)}};
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
long peak_kilobytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

/// By how much reading `path` raises the peak of the resident memory, measured in a process of its own; nothing when that did
/// not end in time.
std::optional<long> read_kilobytes(const std::filesystem::path& path) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::alarm(20);
    const long before = peak_kilobytes();
    const bool is_read = SafetensorsFile::read(path).has_value();
    const long grown = peak_kilobytes() - before;
    const bool is_sent = ::write(ends[1], &grown, sizeof grown) == sizeof grown;
    ::_exit(is_read && is_sent ? 0 : 1);
  }
  ::close(ends[1]);
  long grown = 0;
  const bool is_told = ::read(ends[0], &grown, sizeof grown) == sizeof grown;
  ::close(ends[0]);
  ::waitpid(child, nullptr, 0);
  return is_told ? std::optional(grown) : std::nullopt;
}
#endif

}  // namespace

TEST_CASE("a header of a few hundred kilobytes is parsed in a moment, whatever stands in it") {
  const ScratchFolder folder;
  const auto path = folder / "slow.safetensors";
  for (const Worst& worst : worst_headers(400000)) {
    CAPTURE(worst.what);
    write_file(path, file_with_header(worst.header));
    const auto start = std::chrono::steady_clock::now();
    (void)SafetensorsFile::read(path);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    // Parsing takes some 20 ms; work that grows with the square of the number of objects takes ten seconds. The bound leaves
    // room for sanitizers and a busy machine.
    CHECK(seconds.count() < 5.0);
  }
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_CASE("no header of the allowed size takes more than 64 MB beside the file") {
  const ScratchFolder folder;
  const auto path = folder / "large.safetensors";
  for (const Worst& worst : worst_headers(bytemodel::kMaxHeaderBytes)) {
    CAPTURE(worst.what);
    write_file(path, file_with_header(worst.header));
    const auto grown = read_kilobytes(path);
    CHECK(grown.has_value());
    if (grown) CHECK(*grown * 1024 < (64 << 20) + static_cast<long>(worst.header.size()));
  }
}
#endif

TEST_CASE("a file with many tensors is read, and each is found") {
  const ScratchFolder folder;
  const auto path = folder / "many.safetensors";
  std::vector<OwnedTensor> tensors;
  for (int i = 0; i < 3000; ++i) tensors.push_back({std::to_string(i), bytemodel::DType::kU8, {1}, std::string(1, static_cast<char>(i))});
  write_file(path, encode_safetensors(tensors, {}));
  const auto file = SafetensorsFile::read(path);
  REQUIRE(file.has_value());
  REQUIRE(file->tensors().size() == tensors.size());
  for (std::size_t i = 0; i < tensors.size(); i += 97) {
    const auto* found = file->find(tensors[i].name);
    REQUIRE(found != nullptr);
    CHECK(static_cast<char>(found->data[0]) == tensors[i].data[0]);
  }
}

}  // namespace octet::tests
