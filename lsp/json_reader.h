// Walks into JSON from outside by field names; whatever is not as expected becomes an error that names the field.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bytemodel/result.h"
#include "lsp/json_rpc.h"

namespace octet::lsp {

/// A view: the JSON outlives it. Any field may be absent; only the methods that return a Result complain, with kInvalidArgument.
class JsonReader {
 public:
  /// `name`: of `json` itself, for messages.
  JsonReader(const Json& json, std::string name) : at_(&json), path_(std::move(name)) {}

  /// Absent where this is no object or has no such field.
  JsonReader field(std::string_view name) const;

  /// Neither absent nor null.
  bool present() const { return at_ != nullptr && !at_->is_null(); }
  /// Must be there: null at least.
  const Json& json() const { return *at_; }
  const std::string& path() const { return path_; }

  Result<bool> flag() const;
  Result<std::string> text() const;
  Result<std::int64_t> integer() const;
  Result<std::int64_t> integer(std::int64_t lowest, std::int64_t highest) const;
  Result<double> number(double lowest, double highest) const;
  Result<std::vector<std::string>> texts() const;

  tl::unexpected<Error> expected(std::string_view what) const;

 private:
  const Json* at_;
  std::string path_;
};

}  // namespace octet::lsp
