#include "benchmarks/latency/typing.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <iterator>
#include <random>
#include <string_view>

#include <fmt/format.h>

#include "engine/syntax/language.h"

namespace octet::benchmarks {
namespace {

constexpr double kMedianGapMs = 120;
constexpr double kSpread = 0.5;
constexpr double kLineEndMs = 400;
constexpr double kJumpMs = 1000;
constexpr std::size_t kKeysPerSlip = 50;

struct Passage {
  std::size_t begin = 0;
  std::size_t end = 0;
};

std::size_t line_start(std::string_view text, std::size_t offset) {
  const std::size_t feed = offset == 0 ? std::string_view::npos : text.rfind('\n', offset - 1);
  return feed == std::string_view::npos ? 0 : feed + 1;
}

std::size_t line_end(std::string_view text, std::size_t offset) { return std::min(text.find('\n', offset), text.size()); }

/// One character, or a line's end with the indentation behind it.
std::size_t key_length(std::string_view text) {
  std::size_t n = 1;
  if (text[0] == '\r' && text.size() > 1 && text[1] == '\n') n = 2;
  if (text[n - 1] == '\n') return std::min(text.find_first_not_of(" \t", n), text.size());
  while (n < text.size() && (static_cast<unsigned char>(text[n]) & 0xC0) == 0x80) ++n;
  return n;
}

class Typist {
 public:
  Typist(std::uint64_t seed, std::size_t n_keys) : random_(seed), n_keys_(n_keys) {}

  Result<void> open(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    std::string text(std::istreambuf_iterator<char>(file), {});
    if (!file) return fail(ErrorCode::kUnreadable, fmt::format("{}: cannot be read", path.string()));
    const auto passages = choose_passages(text);
    if (passages.empty()) {
      return fail(ErrorCode::kInvalidArgument, fmt::format("{}: expected at least {} lines that hold something", path.string(), kMinLines));
    }
    std::vector<std::string> missing;
    for (const Passage& passage : passages) missing.push_back(text.substr(passage.begin, passage.end - passage.begin));
    text.erase(passages[1].begin, missing[1].size());
    text.erase(passages[0].begin, missing[0].size());
    places_.push_back({passages[0].begin, passages[1].begin - missing[0].size()});
    missing_.push_back(std::move(missing));
    const engine::Language* language = engine::find_language("", path.string());
    trace_.files.push_back({path.string(), std::string(language == nullptr ? "plaintext" : language->name), std::move(text)});
    return {};
  }

  Trace write_all() {
    for (const std::size_t round : {0U, 1U}) {
      for (std::size_t file_idx = 0; file_idx < trace_.files.size(); ++file_idx) {
        // What was written above has moved the place.
        const std::size_t moved = round == 0 ? 0 : missing_[file_idx][0].size();
        write(file_idx, places_[file_idx][round] + moved, missing_[file_idx][round]);
      }
    }
    return std::move(trace_);
  }

 private:
  /// One in each half of the file, from somewhere inside a line to the end of a line, as many keys long as are due.
  std::vector<Passage> choose_passages(std::string_view text) {
    std::vector<std::size_t> starts;  // of lines that hold something
    for (std::size_t start = 0; start < text.size(); start = line_end(text, start) + 1) {
      const std::string_view line = text.substr(start, line_end(text, start) - start);
      if (line.find_first_not_of(" \t\r") != std::string_view::npos) starts.push_back(start + line.find_first_not_of(" \t\r"));
    }
    if (starts.size() < kMinLines) return {};
    std::vector<Passage> passages;
    for (const std::size_t half : {0U, 1U}) {
      const std::size_t first = half * starts.size() / 2;
      const std::size_t limit = half == 0 ? line_start(text, starts[starts.size() / 2]) - 1 : text.size();
      const std::size_t begin = starts[first + random_() % (starts.size() / 4)];
      std::size_t end = begin;
      for (std::size_t n = 0; n < n_keys_ && end < limit; ++n) end += key_length(text.substr(end));
      passages.push_back({begin, std::min(line_end(text, end), limit)});
    }
    return passages;
  }

  void write(std::size_t file_idx, std::size_t offset, std::string_view missing) {
    now_ms_ += trace_.events.empty() ? 0 : kJumpMs;
    trace_.events.push_back({now_ms_, file_idx, offset, offset, "", offset, /*is_key=*/false});
    while (!missing.empty()) {
      const std::string_view key = missing.substr(0, key_length(missing));
      if (random_() % kKeysPerSlip == 0) {
        const std::string slip(1, static_cast<char>('a' + random_() % 26));
        add_key(file_idx, offset, offset, slip);
        add_key(file_idx, offset, offset + 1, "");
      }
      add_key(file_idx, offset, offset, std::string(key));
      if (key.find('\n') != std::string_view::npos) now_ms_ += kLineEndMs;
      offset += key.size();
      missing.remove_prefix(key.size());
    }
  }

  void add_key(std::size_t file_idx, std::size_t start, std::size_t end, const std::string& text) {
    now_ms_ += std::round(kMedianGapMs * std::exp(kSpread * normal()));
    trace_.events.push_back({now_ms_, file_idx, start, end, text, start + text.size(), /*is_key=*/true});
  }

  /// A sum of twelve, so that the trace is the same with every standard library.
  double normal() {
    double sum = -6;
    for (int i = 0; i < 12; ++i) sum += static_cast<double>(random_() >> 11) * 0x1p-53;
    return sum;
  }

  std::mt19937_64 random_;
  std::size_t n_keys_;  // of a passage
  double now_ms_ = 0;
  Trace trace_;
  std::vector<std::array<std::size_t, 2>> places_;  // of the passages in what is opened
  std::vector<std::vector<std::string>> missing_;
};

}  // namespace

Result<Trace> typed_again(const TypingOptions& options) {
  const std::size_t n_passages = 2 * std::max<std::size_t>(options.files.size(), 1);
  Typist typist(options.seed, (options.n_keys + n_passages - 1) / n_passages);
  for (const auto& path : options.files) {
    if (auto opened = typist.open(path); !opened) return tl::unexpected(opened.error());
  }
  return typist.write_all();
}

}  // namespace octet::benchmarks
