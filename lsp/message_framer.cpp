#include "lsp/message_framer.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <boost/algorithm/string/predicate.hpp>
#include <boost/algorithm/string/trim.hpp>

namespace octet::lsp {
Result<std::optional<std::string>> MessageFramer::next() {
  if (!body_bytes_) {
    const auto complete = read_header();
    if (!complete) return tl::unexpected(complete.error());
    if (!*complete) return std::nullopt;
  }
  if (buffer_.size() - consumed_ < *body_bytes_) return std::nullopt;
  std::string body = buffer_.substr(consumed_, *body_bytes_);
  buffer_.erase(0, consumed_ + *body_bytes_);
  consumed_ = 0;
  body_bytes_.reset();
  return body;
}

/// Reads the header lines that have arrived; true when the empty line at their end was among them.
Result<bool> MessageFramer::read_header() {
  for (;;) {
    const std::string_view rest = std::string_view(buffer_).substr(consumed_);
    const std::size_t line_end = rest.find('\n');
    const std::size_t line_bytes = std::min(line_end, rest.size());
    if (line_bytes > kMaxHeaderLineBytes)
      return fail(ErrorCode::kTooLarge, fmt::format("header line longer than {} bytes", kMaxHeaderLineBytes));
    if (header_bytes_ + line_bytes > kMaxHeaderBytes)
      return fail(ErrorCode::kTooLarge, fmt::format("header longer than {} bytes", kMaxHeaderBytes));
    if (line_end == std::string_view::npos) return false;

    const std::string_view line = rest.substr(0, line_end);
    consumed_ += line_end + 1;
    header_bytes_ += line_end + 1;
    if (!line.ends_with('\r')) return fail(ErrorCode::kMalformed, "a header line does not end with CR LF");
    if (line.size() > 1) {
      if (auto read = read_header_line(line.substr(0, line.size() - 1)); !read) return tl::unexpected(read.error());
      continue;
    }
    if (!content_length_) return fail(ErrorCode::kMalformed, "header without Content-Length");
    body_bytes_ = content_length_;
    content_length_.reset();
    header_bytes_ = 0;
    return true;
  }
}

Result<void> MessageFramer::read_header_line(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return fail(ErrorCode::kMalformed, "a header line has no colon");
  const std::string_view name = line.substr(0, colon);
  const std::string value =
      boost::algorithm::trim_copy_if(std::string(line.substr(colon + 1)), [](char c) { return c == ' ' || c == '\t'; });

  if (boost::algorithm::iequals(name, "Content-Type")) {
    if (boost::algorithm::icontains(value, "charset") && !boost::algorithm::icontains(value, "utf-8") &&
        !boost::algorithm::icontains(value, "utf8")) {
      return fail(ErrorCode::kUnsupported, "Content-Type: only UTF-8 is understood");
    }
    return {};
  }
  if (!boost::algorithm::iequals(name, "Content-Length"))
    return fail(ErrorCode::kMalformed, "a header that is neither Content-Length nor Content-Type");
  if (content_length_) return fail(ErrorCode::kMalformed, "Content-Length stands twice");

  std::size_t length = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), length);
  if (value.empty() || value.front() == '-' || end != value.data() + value.size() || error == std::errc::invalid_argument) {
    return fail(ErrorCode::kMalformed, "Content-Length is not a number");
  }
  if (error == std::errc::result_out_of_range || length > kMaxBodyBytes) {
    return fail(ErrorCode::kTooLarge, fmt::format("Content-Length is above the limit of {} bytes", kMaxBodyBytes));
  }
  content_length_ = length;
  return {};
}

}  // namespace octet::lsp
