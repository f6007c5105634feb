// Files that were whole once: truncated at every byte of the first 4 KiB and at random ones behind, and with bytes of the
// header overwritten. Truncation is always an error; other damage is an error or a file whose tensors lie inside the data.
#include <rapidcheck.h>

#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>

#include "bytemodel/model_file.h"
#include "bytemodel/safetensors.h"
#include "tests/bytemodel/scratch.h"
#include "tests/support/golden.h"

namespace octet::tests {
namespace {

using bytemodel::DType;
using bytemodel::ModelFile;
using bytemodel::SafetensorsFile;
using bytemodel::TensorView;

std::size_t header_end(const std::string& bytes) {
  std::size_t length = 0;
  for (std::size_t i = 8; i-- > 0;) length = (length << 8) | static_cast<unsigned char>(bytes[i]);
  return 8 + length;
}

/// What must hold of every file that read() lets through. Touches each byte, so that a sanitizer sees a view that is too long.
bool is_sound(const SafetensorsFile& file, std::size_t file_bytes) {
  if (file.file_bytes() != file_bytes) return false;
  if (file.tensors().empty()) return true;
  const std::byte* next = file.tensors().front().data.data();
  if (reinterpret_cast<std::uintptr_t>(next) % 64 != 0) return false;
  std::size_t total = 0;
  volatile unsigned sum = 0;
  for (const TensorView& tensor : file.tensors()) {
    if (tensor.data.data() != next || tensor.data.size() != shape_bytes(tensor.shape, tensor.dtype)) return false;
    for (const std::byte byte : tensor.data) sum = sum + std::to_integer<unsigned>(byte);
    next += tensor.data.size();
    total += tensor.data.size();
  }
  return total + 8 <= file_bytes;
}

/// A file small enough that every byte of its header can be tried many times, with something of everything.
std::string small_file() {
  return encode_safetensors({{"embed", DType::kF32, {2, 3}, std::string(24, 'e')},
                             {"scale", DType::kF16, {3}, std::string(6, 's')},
                             {"none", DType::kI8, {0, 7}, ""},
                             {"step", DType::kI64, {}, std::string(8, 'n')}},
                            {{"format", "octet-1"}, {"config", R"({"d_model": 2, "window": [1, 0]})"}});
}

}  // namespace

TEST_CASE("a file cut anywhere in its first 4 KiB is refused") {
  const ScratchFolder folder;
  const auto path = folder / "cut.safetensors";
  std::filesystem::copy_file(model_path("tiny-linear"), path);
  // The file only ever gets shorter, so no copy is written again.
  for (std::size_t length = 4096; length-- > 0;) {
    std::filesystem::resize_file(path, length);
    const auto file = SafetensorsFile::read(path);
    if (file || file.error().code != ErrorCode::kMalformed || !file.error().message.starts_with(path.string() + ": ")) {
      CAPTURE(length);
      CHECK_FALSE(file.has_value());
      if (!file) CHECK_THAT(file.error().message, Catch::StartsWith(path.string() + ": "));
      if (!file) CHECK(file.error().code == ErrorCode::kMalformed);
    }
  }
}

TEST_CASE("a file cut anywhere at all, or with something behind its end, is refused") {
  const ScratchFolder folder;
  const std::string whole = read_file(model_path("tiny-linear"));
  const std::size_t data_start = header_end(whole);
  CHECK(rc::check("every shorter file is an error", [&] {
    const auto length = *rc::gen::inRange<std::size_t>(0, whole.size());
    const auto path = folder / "cut.safetensors";
    write_file(path, std::string_view(whole).substr(0, length));
    const auto file = SafetensorsFile::read(path);
    RC_ASSERT_FALSE(file.has_value());
    RC_ASSERT(file.error().code == ErrorCode::kMalformed);
    // Cut inside the data, the message says which tensor is the first that is not whole or one behind it.
    if (length >= data_start) RC_ASSERT(file.error().message.find("tensor '") != std::string::npos);
    RC_ASSERT_FALSE(ModelFile::read(path).has_value());
  }));
  CHECK(rc::check("every longer file is an error", [&] {
    const auto extra = *rc::gen::inRange<std::size_t>(1, 100);
    const auto path = folder / "long.safetensors";
    write_file(path, whole + std::string(extra, '\0'));
    const auto file = SafetensorsFile::read(path);
    RC_ASSERT_FALSE(file.has_value());
    RC_ASSERT(file.error().message.find(std::to_string(extra) + " bytes behind") != std::string::npos);
  }));
}

TEST_CASE("any byte of the header may be anything, and the reader never leaves the data") {
  const ScratchFolder folder;
  const auto path = folder / "damaged.safetensors";
  const std::string whole = small_file();
  std::size_t n_read = 0;
  for (std::size_t place = 0; place < header_end(whole); ++place) {
    const auto old = static_cast<unsigned char>(whole[place]);
    for (const unsigned value : {0x00U, 0xFFU, old ^ 0x01U, old ^ 0x02U, old ^ 0x80U, unsigned{'"'}, unsigned{'}'}, unsigned{'['},
                                 unsigned{'0'}, unsigned{'9'}, unsigned{'-'}, unsigned{'\\'}}) {
      std::string damaged = whole;
      damaged[place] = static_cast<char>(value);
      write_file(path, damaged);
      const auto file = SafetensorsFile::read(path);
      n_read += file ? 1 : 0;
      if (file ? !is_sound(*file, damaged.size()) : !file.error().message.starts_with(path.string() + ": ")) {
        CAPTURE(place, value);
        CHECK(file.has_value());
        FAIL("not an error of the file, and not a sound file either");
      }
    }
  }
  CHECK(n_read > 0);  // letters of a name may change: the check above has something to look at
}

TEST_CASE("several damaged bytes in a real header never crash the reader") {
  const ScratchFolder folder;
  const auto path = folder / "damaged.safetensors";
  const std::string whole = read_file(model_path("tiny-linear"));
  CHECK(rc::check("an error or a sound file", [&] {
    std::string damaged = whole;
    const auto n_places = *rc::gen::inRange(1, 6);
    for (int i = 0; i < n_places; ++i) {
      damaged[*rc::gen::inRange<std::size_t>(0, header_end(whole))] =
          *rc::gen::oneOf(rc::gen::arbitrary<char>(), rc::gen::elementOf(std::string("0123456789[]{}\",:-.eE\\")));
    }
    write_file(path, damaged);
    const auto file = SafetensorsFile::read(path);
    if (file) {
      RC_ASSERT(is_sound(*file, damaged.size()));
    } else {
      RC_ASSERT(file.error().message.starts_with(path.string() + ": "));
    }
    const auto model = ModelFile::read(path);
    if (model) RC_ASSERT(is_sound(model->file(), damaged.size()));
  }));
}

TEST_CASE("digits of a shape or an offset may change, and what is read still fits") {
  const ScratchFolder folder;
  const auto path = folder / "digits.safetensors";
  const std::string whole = small_file();
  std::vector<std::size_t> digits;
  for (std::size_t i = 8; i < header_end(whole); ++i) {
    if (whole[i] >= '0' && whole[i] <= '9') digits.push_back(i);
  }
  CHECK(rc::check("an error or a sound file", [&] {
    std::string damaged = whole;
    for (int i = *rc::gen::inRange(1, 5); i > 0; --i)
      damaged[*rc::gen::elementOf(digits)] = *rc::gen::inRange('0', static_cast<char>('9' + 1));
    write_file(path, damaged);
    const auto file = SafetensorsFile::read(path);
    if (file) RC_ASSERT(is_sound(*file, damaged.size()));
  }));
}

}  // namespace octet::tests
