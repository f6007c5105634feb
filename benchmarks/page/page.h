// The result of a verb as a page with plots: one file that needs no network.
#pragma once

#include <filesystem>
#include <string>

#include <nlohmann/json.hpp>

namespace octet::benchmarks {

/// The page of an object that a verb wrote. It draws those parts of `result` that it knows.
std::string make_page(const nlohmann::json& result, const char* verb);

/// Writes it to `path` where that is not empty; false, with a message on standard error, where it cannot be written.
bool write_page(const std::filesystem::path& path, const nlohmann::json& result, const char* verb);

struct PageOptions {
  std::filesystem::path result;  // what a verb wrote with --json
  std::filesystem::path html;
};

/// Makes the page of an earlier result. The process's exit code.
int run_page(const PageOptions& options);

}  // namespace octet::benchmarks
