// Reads a safetensors file and trusts none of it: every rule of the format is checked here, once.
//
// The file is read, not mapped: a mapped file that somebody truncates kills the process.
// Source: the format section of the safetensors README (8-byte header length, JSON header, data without holes).
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bytemodel/result.h"
#include "bytemodel/tensor_view.h"

namespace octet::bytemodel {

/// A header larger than this is refused. Real ones need about 1 KB a layer; parsed, the worst text of this size takes
/// some 30 MB.
inline constexpr std::uint64_t kMaxHeaderBytes = std::uint64_t{1} << 20;

/// Immutable after read(); safe to share between threads. Tensor data starts on a 64-byte boundary.
class SafetensorsFile {
 public:
  /// Fails with kNotFound, kUnreadable, kTooLarge or kMalformed; the message names the file and the tensor or field.
  /// Never allocates more than the file's size plus a few times its header's.
  static Result<SafetensorsFile> read(const std::filesystem::path& path);

  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  /// In the order of the file's data.
  const std::vector<TensorView>& tensors() const { return tensors_; }
  /// nullptr when there is none of that name.
  const TensorView* find(std::string_view name) const;

  std::uint64_t file_bytes() const { return 8 + header_.size() + data_bytes_; }
  /// Of the whole file, in lower-case hexadecimal. Computed at each call.
  std::string sha256() const;

 private:
  struct AlignedFree {
    void operator()(std::byte* memory) const;
  };

  Result<void> parse_header();

  std::string header_;
  std::unique_ptr<std::byte[], AlignedFree> data_;
  std::size_t data_bytes_ = 0;
  std::map<std::string, std::string> metadata_;
  std::vector<TensorView> tensors_;
};

}  // namespace octet::bytemodel
