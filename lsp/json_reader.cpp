#include "lsp/json_reader.h"

#include <utility>

#include <fmt/format.h>

namespace octet::lsp {
namespace {

/// Numbers and flags are told as they are; texts may hold what is nobody's business, and are not.
std::string describe(const Json* json) {
  if (json == nullptr) return "nothing";
  return json->is_number() || json->is_boolean() ? json->dump() : json->type_name();
}

}  // namespace

JsonReader JsonReader::field(std::string_view name) const {
  JsonReader inner(*this);
  inner.path_ += fmt::format("{}{}", path_.empty() ? "" : ".", name);
  inner.at_ = nullptr;
  if (at_ == nullptr || !at_->is_object()) return inner;
  const auto found = at_->find(name);
  if (found != at_->end()) inner.at_ = &*found;
  return inner;
}

Result<bool> JsonReader::flag() const {
  if (at_ == nullptr || !at_->is_boolean()) return expected("true or false");
  return at_->get<bool>();
}

Result<std::string> JsonReader::text() const {
  if (at_ == nullptr || !at_->is_string()) return expected("a string");
  return at_->get<std::string>();
}

Result<std::int64_t> JsonReader::integer() const {
  if (at_ == nullptr || !at_->is_number_integer()) return expected("an integer");
  return at_->get<std::int64_t>();
}

Result<std::int64_t> JsonReader::integer(std::int64_t lowest, std::int64_t highest) const {
  const auto value = integer();
  if (!value || *value < lowest || *value > highest) return expected(fmt::format("an integer from {} to {}", lowest, highest));
  return *value;
}

Result<double> JsonReader::number(double lowest, double highest) const {
  const auto what = [&] { return fmt::format("a number from {} to {}", lowest, highest); };
  if (at_ == nullptr || !at_->is_number()) return expected(what());
  const auto value = at_->get<double>();
  if (!(value >= lowest && value <= highest)) return expected(what());
  return value;
}

Result<std::vector<std::string>> JsonReader::texts() const {
  if (at_ == nullptr || !at_->is_array()) return expected("an array of strings");
  std::vector<std::string> out;
  for (const Json& entry : *at_) {
    if (!entry.is_string()) return expected("an array of strings");
    out.push_back(entry.get<std::string>());
  }
  return out;
}

tl::unexpected<Error> JsonReader::expected(std::string_view what) const {
  return fail(ErrorCode::kInvalidArgument, fmt::format("{}: expected {}, found {}", path_, what, describe(at_)));
}

}  // namespace octet::lsp
