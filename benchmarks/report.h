// What all benchmarks share: printing that cannot throw, the JSON file, the environment block.
#pragma once

#include <cstdio>
#include <filesystem>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace octet::benchmarks {

/// fmt::print throws where the stream cannot be written.
template <class... Args>
void print(std::FILE* stream, fmt::format_string<Args...> format, Args&&... args) {
  std::fputs(fmt::format(format, std::forward<Args>(args)...).c_str(), stream);
}

/// Writes `result` to `path` where that is not empty; false, with a message on standard error, where it cannot be written.
bool write_json(const std::filesystem::path& path, const nlohmann::ordered_json& result, const char* verb);

/// {"cpu", "cores", "isa", "threads", "load"}: what a figure was taken on.
nlohmann::json environment(const std::string& isa, unsigned threads);

/// Peak resident memory of this process.
std::size_t peak_rss_bytes();

}  // namespace octet::benchmarks
