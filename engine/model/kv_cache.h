// What a runner remembers of a sequence: its bytes, and each backend's keys and values for them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "bytemodel/check.h"

namespace octet::engine {

/// Made by its runner, not copyable. Position i of the sequence holds byte i; keys and values beyond length() are stale
/// and will be overwritten.
class KvCache {
 public:
  KvCache(const KvCache&) = delete;
  KvCache& operator=(const KvCache&) = delete;
  virtual ~KvCache() = default;

  std::size_t length() const { return bytes_.size(); }
  std::size_t capacity() const { return capacity_; }
  std::size_t room() const { return capacity_ - length(); }
  std::span<const std::uint8_t> bytes() const { return bytes_; }

  /// Forgets all positions from `length` on, which reusable() allows. CHECKs that there are that many.
  void truncate(std::size_t length) {
    OCTET_CHECK(length <= bytes_.size());
    bytes_.resize(length);
  }

  /// The greatest length up to `length` from which the sequence can be continued: less where a layer no longer holds what its
  /// window needs there.
  virtual std::size_t reusable(std::size_t length) const { return length; }

  /// For runners: records the bytes whose keys and values they are about to write.
  void append(std::span<const std::uint8_t> bytes) {
    OCTET_CHECK(bytes.size() <= room());
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  }

 protected:
  /// For runners that copy a cache.
  void copy_bytes(const KvCache& from) { bytes_ = from.bytes_; }

  explicit KvCache(std::size_t capacity) : capacity_(capacity) { bytes_.reserve(capacity); }

 private:
  std::size_t capacity_;
  std::vector<std::uint8_t> bytes_;
};

}  // namespace octet::engine
