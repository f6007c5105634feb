#include "bytemodel/safetensors.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <new>
#include <optional>
#include <set>
#include <system_error>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "bytemodel/json_depth.h"
#include "bytemodel/sha256.h"

namespace octet::bytemodel {
namespace {

using nlohmann::json;

constexpr std::align_val_t kDataAlignment{64};
constexpr std::size_t kMaxDimensions = 8;

struct FileCloser {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

tl::unexpected<Error> malformed(std::string message) { return fail(ErrorCode::kMalformed, std::move(message)); }

std::uint64_t little_endian_u64(const std::array<unsigned char, 8>& bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) value = (value << 8) | bytes[i];
  return value;
}

std::string shortened(std::string_view text) { return text.size() <= 80 ? std::string(text) : fmt::format("{}...", text.substr(0, 77)); }

/// Looks for an object that has a key twice, which a parser would accept in silence. Stops at the first.
class DuplicateKeyFinder final : public nlohmann::json_sax<json> {
 public:
  const std::optional<std::string>& duplicate() const { return duplicate_; }

  bool start_object(std::size_t) override {
    keys_by_level_.emplace_back();
    return true;
  }
  bool end_object() override {
    keys_by_level_.pop_back();
    return true;
  }
  bool key(string_t& name) override {
    if (!keys_by_level_.back().insert(name).second) duplicate_ = name;
    return !duplicate_;
  }
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_array(std::size_t) override { return true; }
  bool end_array() override { return true; }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override { return false; }

 private:
  std::vector<std::set<std::string>> keys_by_level_;
  std::optional<std::string> duplicate_;
};

Result<json> parse_without_duplicates(std::string_view text) {
  {
    DuplicateKeyFinder finder;
    const bool is_json = json::sax_parse(text, &finder);
    if (finder.duplicate()) return malformed(fmt::format("header: the key '{}' stands there twice", shortened(*finder.duplicate())));
    if (!is_json) return malformed("header: not valid JSON");
  }
  json parsed = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!parsed.is_object()) return malformed("header: expected a JSON object");
  return parsed;
}

/// A non-negative integer that fits an int64, or nothing.
std::optional<std::int64_t> as_size(const json& value) {
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() > INT64_MAX) return std::nullopt;
  return value.get<std::int64_t>();
}

Result<std::vector<std::int64_t>> parse_shape(const std::string& tensor, const json& value) {
  if (!value.is_array()) return malformed(fmt::format("tensor '{}': shape is not an array", tensor));
  if (value.size() > kMaxDimensions) {
    return malformed(fmt::format("tensor '{}': {} dimensions, at most {} are allowed", tensor, value.size(), kMaxDimensions));
  }
  std::vector<std::int64_t> shape;
  for (const json& extent : value) {
    const auto size = as_size(extent);
    if (!size)
      return malformed(fmt::format("tensor '{}': shape has {}, expected a non-negative integer", tensor, shortened(extent.dump())));
    shape.push_back(*size);
  }
  return shape;
}

/// One entry of the header, checked against the size of the data section.
Result<TensorView> parse_tensor(const std::string& name, const json& entry, std::span<const std::byte> data) {
  const std::string label = shortened(name);
  if (!entry.is_object()) return malformed(fmt::format("tensor '{}': expected an object", label));
  for (const char* field : {"dtype", "shape", "data_offsets"}) {
    if (!entry.contains(field)) return malformed(fmt::format("tensor '{}': {} is missing", label, field));
  }
  if (entry.size() != 3) return malformed(fmt::format("tensor '{}': fields other than dtype, shape and data_offsets", label));

  const json& dtype_name = entry["dtype"];
  const auto dtype = dtype_name.is_string() ? dtype_from_name(dtype_name.get_ref<const std::string&>()) : std::nullopt;
  if (!dtype) return malformed(fmt::format("tensor '{}': unknown dtype {}", label, shortened(dtype_name.dump())));

  auto shape = parse_shape(label, entry["shape"]);
  if (!shape) return tl::unexpected(shape.error());

  const json& offsets = entry["data_offsets"];
  const bool is_pair = offsets.is_array() && offsets.size() == 2;
  const auto begin = is_pair ? as_size(offsets[0]) : std::nullopt;
  const auto end = is_pair ? as_size(offsets[1]) : std::nullopt;
  if (!begin || !end) return malformed(fmt::format("tensor '{}': data_offsets must be two non-negative integers", label));
  if (*begin > *end) return malformed(fmt::format("tensor '{}': data_offsets run backwards ({} to {})", label, *begin, *end));
  if (static_cast<std::uint64_t>(*end) > data.size()) {
    return malformed(fmt::format("tensor '{}': ends at byte {} of the data, which has {} (truncated file?)", label, *end, data.size()));
  }

  std::uint64_t n_bytes = size_bytes(*dtype);
  for (const std::int64_t extent : *shape) {
    if (__builtin_mul_overflow(n_bytes, static_cast<std::uint64_t>(extent), &n_bytes)) {
      return malformed(fmt::format("tensor '{}': shape {} has more elements than 64 bits count", label, to_string(*shape)));
    }
  }
  if (n_bytes != static_cast<std::uint64_t>(*end - *begin)) {
    return malformed(fmt::format("tensor '{}': shape {} of {} needs {} bytes, data_offsets give {}", label, to_string(*shape),
                                 octet::bytemodel::name(*dtype), n_bytes, *end - *begin));
  }
  return TensorView{name, *dtype, std::move(*shape), data.subspan(static_cast<std::size_t>(*begin), n_bytes)};
}

}  // namespace

void SafetensorsFile::AlignedFree::operator()(std::byte* memory) const { ::operator delete[](memory, kDataAlignment); }

Result<SafetensorsFile> SafetensorsFile::read(const std::filesystem::path& path) {
  const std::string label = path.string();
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) return fail(ErrorCode::kNotFound, fmt::format("{}: no such file", label));
  if (!std::filesystem::is_regular_file(status)) return fail(ErrorCode::kUnreadable, fmt::format("{}: not a regular file", label));
  const std::uint64_t file_bytes = std::filesystem::file_size(path, error);
  if (error) return fail(ErrorCode::kUnreadable, fmt::format("{}: {}", label, error.message()));

  const std::unique_ptr<std::FILE, FileCloser> file(std::fopen(path.c_str(), "rb"));
  if (!file) return fail(ErrorCode::kUnreadable, fmt::format("{}: {}", label, std::strerror(errno)));

  std::array<unsigned char, 8> length_bytes{};
  if (file_bytes < length_bytes.size() || std::fread(length_bytes.data(), 1, 8, file.get()) != 8) {
    return malformed(fmt::format("{}: {} bytes, too short for a safetensors header", label, file_bytes));
  }
  const std::uint64_t header_bytes = little_endian_u64(length_bytes);
  // Compared by subtraction: 8 + header_bytes could wrap around.
  if (header_bytes > file_bytes - 8) {
    return malformed(fmt::format("{}: the header claims {} bytes, the file has {} after its length", label, header_bytes, file_bytes - 8));
  }
  if (header_bytes > kMaxHeaderBytes) {
    return fail(ErrorCode::kTooLarge, fmt::format("{}: header of {} bytes, at most {} are allowed", label, header_bytes, kMaxHeaderBytes));
  }

  SafetensorsFile out;
  out.header_.resize(header_bytes);
  if (std::fread(out.header_.data(), 1, header_bytes, file.get()) != header_bytes) {
    return malformed(fmt::format("{}: ends inside the header", label));
  }
  out.data_bytes_ = file_bytes - 8 - header_bytes;
  out.data_.reset(static_cast<std::byte*>(::operator new[](std::max<std::size_t>(out.data_bytes_, 1), kDataAlignment, std::nothrow)));
  if (!out.data_) return fail(ErrorCode::kTooLarge, fmt::format("{}: no memory for {} bytes of tensors", label, out.data_bytes_));
  // The header is judged before the data is read: a file that is no model costs no time and, untouched, no memory.
  if (auto parsed = out.parse_header(); !parsed) {
    return fail(parsed.error().code, fmt::format("{}: {}", label, parsed.error().message));
  }
  if (std::fread(out.data_.get(), 1, out.data_bytes_, file.get()) != out.data_bytes_) {
    return malformed(fmt::format("{}: became shorter while it was read", label));
  }
  return out;
}

Result<void> SafetensorsFile::parse_header() {
  if (!header_.starts_with('{')) return malformed("header: expected '{' as its first byte");
  if (json_depth_exceeds(header_)) return malformed(fmt::format("header: nested deeper than {} levels", kMaxJsonDepth));
  if (has_nul(header_)) return malformed("header: holds a NUL byte");
  const auto header = parse_without_duplicates(header_);
  if (!header) return tl::unexpected(header.error());

  const std::span<const std::byte> data(data_.get(), data_bytes_);
  for (const auto& [key, value] : header->items()) {
    if (key == "__metadata__") {
      if (!value.is_object()) return malformed("__metadata__: expected an object of strings");
      for (const auto& [name, text] : value.items()) {
        if (!text.is_string()) return malformed(fmt::format("__metadata__.{}: expected a string", shortened(name)));
        metadata_.emplace(name, text.get<std::string>());
      }
      continue;
    }
    auto tensor = parse_tensor(key, value, data);
    if (!tensor) return tl::unexpected(tensor.error());
    tensors_.push_back(std::move(*tensor));
  }

  // The format allows no holes and no overlaps: sorted by place, each tensor begins where the one before it ends.
  const auto place = [](const TensorView& t) { return std::pair(t.data.data(), t.data.data() + t.data.size()); };
  std::sort(tensors_.begin(), tensors_.end(), [&](const TensorView& a, const TensorView& b) { return place(a) < place(b); });
  const std::byte* expected = data.data();
  for (const TensorView& tensor : tensors_) {
    if (tensor.data.data() != expected) {
      return malformed(fmt::format("tensor '{}': {} the tensor before it", shortened(tensor.name),
                                   tensor.data.data() < expected ? "overlaps" : "leaves a hole behind"));
    }
    expected += tensor.data.size();
  }
  if (expected != data.data() + data.size()) {
    return malformed(fmt::format("{} bytes behind the last tensor belong to none", data.data() + data.size() - expected));
  }
  return {};
}

const TensorView* SafetensorsFile::find(std::string_view name) const {
  const auto it = std::find_if(tensors_.begin(), tensors_.end(), [&](const TensorView& t) { return t.name == name; });
  return it == tensors_.end() ? nullptr : &*it;
}

std::string SafetensorsFile::sha256() const {
  std::array<char, 8> length_bytes{};
  for (std::size_t i = 0; i < length_bytes.size(); ++i)
    length_bytes[i] = static_cast<char>(static_cast<std::uint64_t>(header_.size()) >> (8 * i));
  Sha256 hash;
  hash.add({length_bytes.data(), length_bytes.size()});
  hash.add(header_);
  hash.add({reinterpret_cast<const char*>(data_.get()), data_bytes_});
  return to_hex(hash.finish());
}

}  // namespace octet::bytemodel
