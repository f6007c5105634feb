// Real code for tests: the sources of this repository, and cursors in them.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "engine/completion.h"
#include "tests/support/golden.h"

namespace octet::tests {

/// The sources of this repository and its samples: C, C++, Python, Go, Rust, TypeScript, JavaScript.
inline std::vector<std::filesystem::path> source_files() {
  std::vector<std::filesystem::path> files;
  for (const char* folder : {"benchmarks/samples", "engine", "lsp", "bytemodel", "kernels"}) {
    for (std::filesystem::recursive_directory_iterator entry(source_dir() / folder), end; entry != end; ++entry) {
      if (entry->path().filename() == "node_modules") entry.disable_recursion_pending();
      const auto extension = entry->path().extension();
      const bool is_source = extension == ".c" || extension == ".cpp" || extension == ".h" || extension == ".py" || extension == ".go" ||
                             extension == ".rs" || extension == ".ts" || extension == ".js";
      if (is_source) files.push_back(entry->path());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

/// A random file with a random cursor, and as much of the text around it.
inline engine::CompletionRequest random_request(const std::vector<std::filesystem::path>& files, std::mt19937& random, std::size_t before,
                                                std::size_t behind) {
  const auto& path = files[random() % files.size()];
  std::ifstream file(path, std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  std::size_t cursor = random() % (text.size() + 1);
  while (cursor < text.size() && (text[cursor] & 0xC0) == 0x80) ++cursor;
  const std::size_t begin = cursor - std::min(cursor, before);

  engine::CompletionRequest request;
  request.document.uri = path.string();
  request.document.path = path.string();
  request.document.text = std::make_shared<const std::string>(text.substr(begin, cursor - begin + behind));
  request.cursor = cursor - begin;
  return request;
}

}  // namespace octet::tests
