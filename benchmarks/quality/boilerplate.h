// Lines that repeat over the files of a workspace, so that they can be reported apart.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/memory/text_segment.h"

namespace octet::benchmarks {

/// A file that completions are judged on.
struct SourceFile {
  std::string path;  // relative to the workspace
  std::string ending;
  std::string text;
};

class Boilerplate {
 public:
  explicit Boilerplate(const std::vector<engine::SegmentFile>& files);

  /// For each byte of `file`, which is one of the files: does its line stand in at least three of them and in a fifth of those with the
  /// same ending, and has it 12 bytes or more?
  std::vector<bool> mark(const SourceFile& file) const;

 private:
  std::map<std::string, std::size_t> n_files_;  // by ending
  std::map<std::string, std::unordered_map<std::string, std::size_t>> n_with_line_;
};

}  // namespace octet::benchmarks
