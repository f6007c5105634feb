// Model files: whatever the bytes are, reading ends with a model that is whole or with an error that has a text.
//
// An input is a header, a NUL byte and the tensors' data; the length in front of the header is put there, so that a mutation need
// not get it right. The bytes as they are, their first eight being the length, are tried as well.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "bytemodel/check.h"
#include "bytemodel/model_file.h"
#include "bytemodel/safetensors.h"
#include "tests/fuzz/input.h"

namespace {

using octet::bytemodel::ModelFile;
using octet::bytemodel::SafetensorsFile;

/// A file that has no place on the disk.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view bytes) : fd_(::memfd_create("model", 0)) {
    OCTET_CHECK(fd_ >= 0);
    OCTET_CHECK(::write(fd_, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  }
  ~MemoryFile() { ::close(fd_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  int fd_;
};

void check_tensors(const SafetensorsFile& file, std::size_t n_bytes) {
  OCTET_CHECK(file.file_bytes() == n_bytes);
  OCTET_CHECK(file.sha256().size() == 64);
  unsigned sum = 0;
  for (const auto& tensor : file.tensors()) {
    OCTET_CHECK(file.find(tensor.name) == &tensor);
    for (const std::byte byte : tensor.data) sum += static_cast<unsigned>(byte);  // every byte can be read
  }
  OCTET_CHECK(sum <= 255 * n_bytes);
}

void check_values(const ModelFile& model) {
  for (const auto& spec : octet::bytemodel::expected_tensors(model.config())) {
    std::size_t n = 1;
    for (const auto extent : spec.shape) n *= static_cast<std::size_t>(extent);
    OCTET_CHECK(model.values(spec.name).size() == n);
  }
}

void read(std::string_view bytes) {
  const MemoryFile memory(bytes);
  const auto file = SafetensorsFile::read(memory.path());
  OCTET_CHECK(file || !file.error().message.empty());
  if (file) check_tensors(*file, bytes.size());
  const auto model = ModelFile::read(memory.path());
  OCTET_CHECK(model || !model.error().message.empty());
  OCTET_CHECK(file || !model);
  if (model) check_values(*model);
}

std::string with_length(std::string_view input) {
  const std::size_t header_bytes = std::min(input.find('\0'), input.size());
  std::string out;
  for (int i = 0; i < 8; ++i) out += static_cast<char>(header_bytes >> (8 * i));
  out += input.substr(0, header_bytes);
  if (header_bytes < input.size()) out += input.substr(header_bytes + 1);
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = octet::tests::as_text(data, size);
  read(input);
  read(with_length(input));
  return 0;
}
