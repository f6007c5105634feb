// The shared memory of a block, with a record of who read and wrote which word since the last barrier.
//
// Two accesses of one word by different threads, one of them a write, are a race unless a barrier lies between them: __syncthreads for
// all, __syncwarp for the threads of a warp. A word that nobody wrote is not to be read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace octet::cuda_emulator {

/// When and by whom an access happens: `block` counts the block's barriers, `warp_time` those of the thread's warp.
struct Moment {
  int thread;
  int warp;
  std::uint32_t block;
  std::uint32_t warp_time;
};

class SharedMemory {
 public:
  /// Forgets everything: another block begins.
  void reset(std::size_t n_bytes) {
    bytes_.assign(n_bytes, std::byte{kPoison});
    words_.assign((n_bytes + kWord - 1) / kWord, {});
  }

  std::byte* data() { return bytes_.data(); }
  std::size_t size() const { return bytes_.size(); }

  /// Empty, or what is wrong with the access of n bytes (whole words).
  const char* read(std::size_t offset, std::size_t n, const Moment& now) { return each(offset, n, now, &SharedMemory::read_word); }
  const char* write(std::size_t offset, std::size_t n, const Moment& now) { return each(offset, n, now, &SharedMemory::write_word); }

  /// An async copy is on its way to this place: what is there until it arrives is no value.
  const char* expect(std::size_t offset, std::size_t n, const Moment& now) {
    if (const char* wrong = write(offset, n, now)) return wrong;
    std::memset(bytes_.data() + offset, kPoison, n);
    for (std::size_t i = offset / kWord; i * kWord < offset + n; ++i) words_[i].in_flight = true;
    return nullptr;
  }

 private:
  static constexpr std::size_t kWord = 4;
  static constexpr int kPoison = 0xFF;  // NaN as a float
  static constexpr int kNobody = -1;
  static constexpr int kSeveral = -2;

  struct Word {
    int writer = kNobody;
    int writer_warp = kNobody;
    std::uint32_t write_block = 0, write_warp_time = 0;
    int reader = kNobody;
    int reader_warp = kNobody;
    std::uint32_t read_block = 0, read_warp_time = 0;
    bool in_flight = false;
  };

  template <class F>
  const char* each(std::size_t offset, std::size_t n, const Moment& now, F f) {
    if (offset % kWord != 0 || n % kWord != 0) return "shared memory is taken in whole words";
    if (offset + n > bytes_.size()) return "beyond the end of shared memory";
    for (std::size_t i = offset / kWord; i * kWord < offset + n; ++i) {
      if (const char* wrong = (this->*f)(words_[i], now)) return wrong;
    }
    return nullptr;
  }

  static bool is_after_write(const Word& word, const Moment& now) {
    return word.writer == kNobody || word.writer == now.thread || word.write_block < now.block ||
           (word.writer_warp == now.warp && word.write_warp_time < now.warp_time);
  }

  static bool is_after_reads(const Word& word, const Moment& now) {
    return word.reader == kNobody || word.reader == now.thread || word.read_block < now.block ||
           (word.reader_warp == now.warp && word.read_warp_time < now.warp_time);
  }

  const char* read_word(Word& word, const Moment& now) {
    if (word.writer == kNobody) return "reads shared memory that nobody wrote";
    if (word.in_flight) return "reads what an async copy has not brought yet";
    if (!is_after_write(word, now)) return "race: reads what another thread writes without a barrier between";
    if (is_after_reads(word, now)) {  // and whoever comes after this read comes after those, too
      word.reader = now.thread;
      word.reader_warp = now.warp;
    } else {
      word.reader = kSeveral;
      if (word.reader_warp != now.warp) word.reader_warp = kSeveral;
    }
    word.read_block = now.block;
    word.read_warp_time = now.warp_time;
    return nullptr;
  }

  const char* write_word(Word& word, const Moment& now) {
    if (!is_after_write(word, now)) return "race: writes what another thread writes without a barrier between";
    if (!is_after_reads(word, now)) return "race: writes what another thread reads without a barrier between";
    word.writer = now.thread;
    word.writer_warp = now.warp;
    word.write_block = now.block;
    word.write_warp_time = now.warp_time;
    word.in_flight = false;
    return nullptr;
  }

  std::vector<std::byte> bytes_;
  std::vector<Word> words_;
};

}  // namespace octet::cuda_emulator
