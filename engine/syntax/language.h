// The languages that octet has a grammar for.
#pragma once

#include <string_view>

extern "C" {
typedef struct TSLanguage TSLanguage;
}

namespace octet::engine {

struct Language {
  std::string_view name;
  const TSLanguage* (*grammar)();
};

/// By the editor's name for the language, else by the path's ending; nullptr where there is no grammar. Lives as long as the process.
const Language* find_language(std::string_view id, std::string_view path);

}  // namespace octet::engine
