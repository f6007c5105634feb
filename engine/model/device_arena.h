// One piece of a GPU's memory, given out part by part. Without a device it only adds up what would be needed: the same code that fills
// the memory says beforehand how much it takes.
#pragma once

#include <cstddef>
#include <span>

#include "kernels/cuda/device.h"

namespace octet::engine {

class DeviceArena {
 public:
  /// Measures.
  DeviceArena() = default;
  /// Fills `memory` of `device`, which both outlive what is put there.
  DeviceArena(kernels::cuda::Device& device, void* memory) : device_(&device), memory_(static_cast<std::byte*>(memory)) {}

  bool measures() const { return device_ == nullptr; }
  std::size_t size_bytes() const { return used_; }

  /// Room for n numbers, whatever they are; nullptr while measuring.
  template <class T>
  T* take(std::size_t n) {
    std::byte* at = measures() ? nullptr : memory_ + used_;
    used_ += (n * sizeof(T) + kAlignment - 1) / kAlignment * kAlignment;
    return reinterpret_cast<T*>(at);
  }

  /// n zeros.
  template <class T>
  T* zeros(std::size_t n) {
    T* at = take<T>(n);
    if (!measures()) device_->clear(at, n * sizeof(T));
    return at;
  }

  /// A copy of `values`.
  template <class T>
  const T* put(std::span<const T> values) {
    T* at = take<T>(values.size());
    if (measures() || values.empty()) return at;
    device_->upload(at, values.data(), values.size_bytes());
    device_->wait(kCopyMs);
    return at;
  }

 private:
  static constexpr std::size_t kAlignment = 256;
  static constexpr int kCopyMs = 60'000;

  kernels::cuda::Device* device_ = nullptr;
  std::byte* memory_ = nullptr;
  std::size_t used_ = 0;
};

}  // namespace octet::engine
