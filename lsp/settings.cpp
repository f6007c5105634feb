#include "lsp/settings.h"

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "lsp/json_reader.h"

namespace octet::lsp {
namespace {

/// What `initialize` may say beside settings.
constexpr std::string_view kClientFlags[] = {"streaming", "status"};

Result<std::string> one_of(const JsonReader& value, std::initializer_list<std::string_view> names) {
  const auto text = value.text();
  if (text && std::find(names.begin(), names.end(), *text) != names.end()) return *text;
  std::string all;
  for (const std::string_view name : names) all += fmt::format("{}'{}'", all.empty() ? "" : ", ", name);
  return value.expected("one of " + all);
}

Result<engine::Multiline> multiline(const JsonReader& value) {
  const auto name = one_of(value, {"auto", "always", "never"});
  if (!name) return tl::unexpected(name.error());
  return *name == "always" ? engine::Multiline::kAlways : *name == "never" ? engine::Multiline::kNever : engine::Multiline::kAuto;
}

/// Moves what was read to where it belongs.
template <class To, class From>
Result<void> store(const Result<From>& read, To& to) {
  if (!read) return tl::unexpected(read.error());
  to = static_cast<To>(*read);
  return {};
}

using Read = Result<void> (*)(const JsonReader& value, Settings& settings);

const std::map<std::string_view, Read>& readers() {
  static const std::map<std::string_view, Read> kReaders{
      {"enabled", [](const JsonReader& v, Settings& s) { return store(v.flag(), s.is_enabled); }},
      {"model", [](const JsonReader& v, Settings& s) { return store(v.text(), s.model); }},
      {"device",
       [](const JsonReader& v, Settings& s) {
         return store(one_of(v, {"auto", "cpu", "cuda"}), s.device);
       }},
      {"threads", [](const JsonReader& v, Settings& s) { return store(v.integer(0, kMaxThreads), s.threads); }},
      {"maxBytes", [](const JsonReader& v, Settings& s) { return store(v.integer(1, kMaxCompletionBytes), s.max_bytes); }},
      {"multiline", [](const JsonReader& v, Settings& s) { return store(multiline(v), s.multiline); }},
      {"debounceMs", [](const JsonReader& v, Settings& s) { return store(v.integer(0, kMaxDebounceMs), s.debounce_ms); }},
      {"disabledLanguages", [](const JsonReader& v, Settings& s) { return store(v.texts(), s.disabled_languages); }},
      {"disabledGlobs", [](const JsonReader& v, Settings& s) { return store(v.texts(), s.disabled_globs); }},
      {"minConfidence", [](const JsonReader& v, Settings& s) { return store(v.number(0, 1), s.min_confidence); }},
      {"idleUnload", [](const JsonReader& v, Settings& s) { return store(v.integer(0, kMaxIdleUnloadMinutes), s.idle_unload_minutes); }},
      {"logLevel",
       [](const JsonReader& v, Settings& s) {
         return store(one_of(v, {"trace", "debug", "info", "warn", "error", "off"}), s.log_level);
       }},
      {"workspaceMemory", [](const JsonReader& v, Settings& s) { return store(v.flag(), s.has_workspace_memory); }},
  };
  return kReaders;
}

}  // namespace

Json initial_settings(const Json& initialize_params) {
  const JsonReader options = JsonReader(initialize_params, "").field("initializationOptions");
  const JsonReader section = options.field("octet");
  if (section.present()) return section.json();
  return options.present() ? options.json() : Json(nullptr);
}

std::vector<std::string> apply_settings(const Json& section, Settings& settings) {
  const JsonReader reader(section, "octet");
  if (!reader.present()) return {};
  if (!section.is_object()) return {reader.expected("an object").value().message};
  std::vector<std::string> problems;
  for (const auto& [name, value] : section.items()) {
    if (std::ranges::find(kClientFlags, name) != std::end(kClientFlags)) continue;
    const auto found = readers().find(name);
    if (found == readers().end()) {
      problems.push_back(fmt::format("octet.{}: no such setting", name));
      continue;
    }
    const JsonReader field = reader.field(name);
    if (!field.present()) continue;
    if (const auto read = found->second(field, settings); !read) problems.push_back(read.error().message);
  }
  return problems;
}

}  // namespace octet::lsp
