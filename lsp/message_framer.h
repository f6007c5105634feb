// Cuts a byte stream into messages: "Content-Length: N\r\n\r\n" and N bytes, as in the base protocol of LSP 3.18.
//
// Owns a buffer that no peer can make larger than the limits below. Any thread, one at a time.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "bytemodel/result.h"

namespace octet::lsp {

inline constexpr std::size_t kMaxHeaderBytes = std::size_t{64} << 10;
inline constexpr std::size_t kMaxHeaderLineBytes = std::size_t{8} << 10;
inline constexpr std::size_t kMaxBodyBytes = std::size_t{32} << 20;

class MessageFramer {
 public:
  /// Adds bytes as they arrive, in pieces of any size. Call next() until it has nothing before feeding more.
  void feed(std::string_view bytes) { buffer_.append(bytes); }

  /// The next whole body, or nothing yet. An error (kMalformed, kTooLarge, kUnsupported) is final: where the next message
  /// begins is no longer known, so the connection must be closed. Its message quotes nothing of the stream: after a wrong
  /// length, a document's text may stand where a header should.
  Result<std::optional<std::string>> next();

  /// True when the stream ended between two messages.
  bool is_empty() const { return consumed_ == buffer_.size() && header_bytes_ == 0 && !body_bytes_; }

 private:
  Result<bool> read_header();
  Result<void> read_header_line(std::string_view line);

  std::string buffer_;
  std::size_t consumed_ = 0;      // bytes of buffer_ that are done with
  std::size_t header_bytes_ = 0;  // of the header block that is being read
  std::optional<std::size_t> content_length_;
  std::optional<std::size_t> body_bytes_;  // set once the header block is complete
};

}  // namespace octet::lsp
