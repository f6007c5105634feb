#include "engine/syntax/language.h"

#include <algorithm>
#include <iterator>

extern "C" {
const TSLanguage* tree_sitter_bash();
const TSLanguage* tree_sitter_c();
const TSLanguage* tree_sitter_cpp();
const TSLanguage* tree_sitter_go();
const TSLanguage* tree_sitter_java();
const TSLanguage* tree_sitter_javascript();
const TSLanguage* tree_sitter_json();
const TSLanguage* tree_sitter_lua();
const TSLanguage* tree_sitter_python();
const TSLanguage* tree_sitter_rust();
const TSLanguage* tree_sitter_tsx();
const TSLanguage* tree_sitter_typescript();
}

namespace octet::engine {
namespace {

constexpr Language kBash{"bash", tree_sitter_bash};
constexpr Language kC{"c", tree_sitter_c};
constexpr Language kCpp{"cpp", tree_sitter_cpp};
constexpr Language kGo{"go", tree_sitter_go};
constexpr Language kJava{"java", tree_sitter_java};
constexpr Language kJavaScript{"javascript", tree_sitter_javascript};
constexpr Language kJson{"json", tree_sitter_json};
constexpr Language kLua{"lua", tree_sitter_lua};
constexpr Language kPython{"python", tree_sitter_python};
constexpr Language kRust{"rust", tree_sitter_rust};
constexpr Language kTsx{"tsx", tree_sitter_tsx};
constexpr Language kTypeScript{"typescript", tree_sitter_typescript};

struct Name {
  std::string_view name;
  const Language* language;
};

/// The protocol's language identifiers.
constexpr Name kIds[] = {{"c", &kC},
                         {"cpp", &kCpp},
                         {"go", &kGo},
                         {"java", &kJava},
                         {"javascript", &kJavaScript},
                         {"javascriptreact", &kJavaScript},
                         {"json", &kJson},
                         {"jsonc", &kJson},
                         {"lua", &kLua},
                         {"python", &kPython},
                         {"rust", &kRust},
                         {"shellscript", &kBash},
                         {"sh", &kBash},
                         {"bash", &kBash},
                         {"typescript", &kTypeScript},
                         {"typescriptreact", &kTsx}};

/// A header may be either; C++ reads nearly all of C.
constexpr Name kEndings[] = {{"c", &kC},       {"h", &kCpp},         {"cc", &kCpp},         {"cpp", &kCpp},        {"cxx", &kCpp},
                             {"hpp", &kCpp},   {"hh", &kCpp},        {"hxx", &kCpp},        {"ipp", &kCpp},        {"go", &kGo},
                             {"java", &kJava}, {"js", &kJavaScript}, {"mjs", &kJavaScript}, {"cjs", &kJavaScript}, {"jsx", &kJavaScript},
                             {"json", &kJson}, {"lua", &kLua},       {"py", &kPython},      {"pyi", &kPython},     {"rs", &kRust},
                             {"sh", &kBash},   {"bash", &kBash},     {"ts", &kTypeScript},  {"mts", &kTypeScript}, {"cts", &kTypeScript},
                             {"tsx", &kTsx}};

const Language* find(const auto& names, std::string_view name) {
  const auto found = std::ranges::find(names, name, &Name::name);
  return found == std::end(names) ? nullptr : found->language;
}

}  // namespace

const Language* find_language(std::string_view id, std::string_view path) {
  if (const Language* language = find(kIds, id)) return language;
  const std::string_view name = path.substr(path.rfind('/') + 1);
  const std::size_t dot = name.rfind('.');
  return dot == std::string_view::npos ? nullptr : find(kEndings, name.substr(dot + 1));
}

}  // namespace octet::engine
