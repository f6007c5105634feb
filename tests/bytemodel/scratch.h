// What the tests of bytemodel/ share: a folder that disappears, and safetensors files put together by hand, byte by byte, so
// that no test of the reader depends on the writer.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "bytemodel/model_config.h"
#include "bytemodel/tensor_view.h"

namespace octet::tests {

/// A new empty folder; removed with everything in it.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "octet-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp: no folder for temporary files");
    path_ = name;
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }
  std::size_t n_entries() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(path_), std::filesystem::directory_iterator()));
  }

 private:
  std::filesystem::path path_;
};

inline void write_file(const std::filesystem::path& path, std::string_view bytes) {
  // A new file, not the old one cut to nothing: some file systems flush that to the disk when it is closed.
  std::filesystem::remove(path);
  std::ofstream file(path, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!file.flush()) throw std::runtime_error("cannot write " + path.string());
}

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline std::string little_endian(std::uint64_t value) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(static_cast<unsigned char>(value >> (8 * i)));
  return bytes;
}

/// A file with this header, whatever it says, and `data_bytes` bytes behind it.
inline std::string file_with_header(std::string_view header, std::size_t data_bytes = 0) {
  return little_endian(header.size()) + std::string(header) + std::string(data_bytes, '\1');
}

/// A tensor that owns its bytes.
struct OwnedTensor {
  std::string name;
  bytemodel::DType dtype = bytemodel::DType::kF32;
  std::vector<std::int64_t> shape;
  std::string data;
};

inline std::size_t shape_bytes(const std::vector<std::int64_t>& shape, bytemodel::DType dtype) {
  std::size_t n_bytes = bytemodel::size_bytes(dtype);
  for (const std::int64_t extent : shape) n_bytes *= static_cast<std::size_t>(extent);
  return n_bytes;
}

using Metadata = std::map<std::string, std::string>;

inline std::string encode_safetensors(const std::vector<OwnedTensor>& tensors, const Metadata& metadata) {
  nlohmann::json header = nlohmann::json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::string data;
  for (const OwnedTensor& tensor : tensors) {
    header[tensor.name]["dtype"] = bytemodel::name(tensor.dtype);
    header[tensor.name]["shape"] = tensor.shape;
    header[tensor.name]["data_offsets"] = std::vector<std::size_t>{data.size(), data.size() + tensor.data.size()};
    data += tensor.data;
  }
  const std::string text = header.dump();
  return little_endian(text.size()) + text + data;
}

/// Every part of the format in a few hundred numbers: n-grams, grouped heads, a draft cell.
inline bytemodel::ModelConfig smallest_config(bytemodel::HeadKind head_kind) {
  bytemodel::ModelConfig c;
  c.d_model = 4;
  c.n_layers = 2;
  c.n_heads = 2;
  c.n_kv_heads = 1;
  c.head_dim = 2;
  c.d_ff = 6;
  c.max_context = 32;
  c.rope_theta = 10000.0;
  c.norm_eps = 1e-5;
  c.window = {8, 0};
  c.ngram_orders = {2, 3};
  c.ngram_rows = 8;
  c.ngram_dim = 3;
  c.n_predict = 3;
  c.cell_dim = 5;
  c.head_kind = head_kind;
  return c;
}

/// The tensors that `config` asks for, filled with the letter t.
inline std::vector<OwnedTensor> tensors_of(const bytemodel::ModelConfig& config) {
  std::vector<OwnedTensor> out;
  for (const bytemodel::TensorSpec& spec : bytemodel::expected_tensors(config)) {
    out.push_back({spec.name, bytemodel::DType::kF32, spec.shape, std::string(shape_bytes(spec.shape, bytemodel::DType::kF32), 't')});
  }
  return out;
}

inline Metadata metadata_of(const bytemodel::ModelConfig& config) {
  return {{"format", "octet-1"}, {"name", "smallest"}, {"config", bytemodel::to_json(config)}};
}

}  // namespace octet::tests
