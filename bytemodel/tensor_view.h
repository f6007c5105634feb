// A named block of numbers inside a file that somebody else owns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace octet::bytemodel {

/// The element types of the safetensors format that have whole bytes.
enum class DType { kBool, kU8, kI8, kF8E5M2, kF8E4M3, kU16, kI16, kF16, kBF16, kU32, kI32, kF32, kU64, kI64, kF64 };

std::size_t size_bytes(DType dtype);
std::string_view name(DType dtype);
std::optional<DType> dtype_from_name(std::string_view name);

/// Does not own `data`; valid while the file it came from lives. Shape is row-major, data little-endian.
struct TensorView {
  std::string name;
  DType dtype = DType::kF32;
  std::vector<std::int64_t> shape;
  std::span<const std::byte> data;

  /// The elements of an F32 tensor. The caller has checked the type.
  std::span<const float> f32() const { return {reinterpret_cast<const float*>(data.data()), data.size() / sizeof(float)}; }
  /// The elements of an I8 tensor. The caller has checked the type.
  std::span<const std::int8_t> i8() const { return {reinterpret_cast<const std::int8_t*>(data.data()), data.size()}; }
};

/// "[3, 4]", for messages.
std::string to_string(std::span<const std::int64_t> shape);

}  // namespace octet::bytemodel
