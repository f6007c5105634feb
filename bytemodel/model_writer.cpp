#include "bytemodel/model_writer.h"

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "bytemodel/check.h"
#include "bytemodel/model_file.h"
#include "bytemodel/quantize.h"

namespace octet::bytemodel {
namespace {

/// A file that disappears again unless commit() gave it its final name.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::filesystem::path& target) : target_(target), name_(target.string() + ".XXXXXX") {
    fd_ = ::mkostemp(name_.data(), O_CLOEXEC);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    if (fd_ < 0) return;
    ::close(fd_);
    if (!committed_) ::unlink(name_.c_str());
  }

  bool is_open() const { return fd_ >= 0; }

  bool write(const void* data, std::size_t n_bytes) {
    const auto* bytes = static_cast<const char*>(data);
    while (n_bytes > 0) {
      const ssize_t written = ::write(fd_, bytes, n_bytes);
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return false;
      bytes += written;
      n_bytes -= static_cast<std::size_t>(written);
    }
    return true;
  }

  bool commit() {
    if (::fchmod(fd_, 0644) != 0 || ::fsync(fd_) != 0 || ::rename(name_.c_str(), target_.c_str()) != 0) return false;
    committed_ = true;
    const std::string folder = target_.has_parent_path() ? target_.parent_path().string() : ".";
    const int folder_fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder_fd >= 0) {
      ::fsync(folder_fd);  // some file systems cannot flush a folder: the rename still happened
      ::close(folder_fd);
    }
    return true;
  }

 private:
  std::filesystem::path target_;
  std::string name_;
  int fd_ = -1;
  bool committed_ = false;
};

}  // namespace

Result<void> write_safetensors(const std::filesystem::path& path, std::span<const TensorView> tensors,
                               const std::map<std::string, std::string>& metadata) {
  auto header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::uint64_t offset = 0;
  for (const TensorView& tensor : tensors) {
    const std::uint64_t end = offset + tensor.data.size();
    header[tensor.name] = {{"dtype", name(tensor.dtype)}, {"shape", tensor.shape}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = header.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  text.append((8 - text.size() % 8) % 8, ' ');
  std::array<unsigned char, 8> length_bytes{};
  for (std::size_t i = 0; i < length_bytes.size(); ++i) length_bytes[i] = static_cast<unsigned char>(text.size() >> (8 * i));

  const auto failed = [&] {
    return fail(ErrorCode::kUnreadable, fmt::format("{}: cannot write: {}", path.string(), std::strerror(errno)));
  };
  TemporaryFile file(path);
  if (!file.is_open()) return failed();
  if (!file.write(length_bytes.data(), length_bytes.size()) || !file.write(text.data(), text.size())) return failed();
  for (const TensorView& tensor : tensors) {
    if (!file.write(tensor.data.data(), tensor.data.size())) return failed();
  }
  if (!file.commit()) return failed();
  return {};
}

Result<void> write_model(const std::filesystem::path& path, std::span<const TensorView> tensors, const ModelConfig& config,
                         const std::string& model_name, WeightType type) {
  const std::map<std::string, std::string> metadata{{"format", kModelFormat}, {"name", model_name}, {"config", to_json(config)}};
  if (type == WeightType::kF32) return write_safetensors(path, tensors, metadata);

  std::vector<QuantizedRows> matrices;  // what the views below look at
  matrices.reserve(tensors.size());
  std::vector<TensorView> stored;
  std::vector<TensorView> int8;
  for (const TensorView& tensor : tensors) {
    OCTET_CHECK(tensor.dtype == DType::kF32);
    const TensorSpec spec{tensor.name, tensor.shape};
    if (!spec.is_matrix()) {
      stored.push_back(tensor);
      continue;
    }
    const TensorSpec scales = spec.scales();
    std::size_t n_rows = 1;
    for (const std::int64_t extent : scales.shape) n_rows *= static_cast<std::size_t>(extent);
    auto rows = quantize_rows(tensor.f32(), n_rows);
    if (!rows) return fail(rows.error().code, fmt::format("{}: tensor '{}': {}", path.string(), tensor.name, rows.error().message));
    const QuantizedRows& matrix = matrices.emplace_back(std::move(*rows));
    stored.push_back({scales.name, DType::kF32, scales.shape, std::as_bytes(std::span(matrix.scales))});
    int8.push_back({tensor.name, DType::kI8, tensor.shape, std::as_bytes(std::span(matrix.values))});
  }
  stored.insert(stored.end(), int8.begin(), int8.end());
  return write_safetensors(path, stored, metadata);
}

}  // namespace octet::bytemodel
