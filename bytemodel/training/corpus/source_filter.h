// Which files of a package are text that a person wrote in one of the seven languages.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace octet::bytemodel::training {

/// "c", "cpp", "python", "go", "rust", "javascript" or "typescript" by the path's ending; nullopt for any other. A header
/// (.h) is "c" unless `has_cpp`: the package has files that only C++ can be.
std::optional<std::string_view> language_of(std::string_view path, bool has_cpp);
/// Endings that only C++ has: .cpp, .cc, .cxx, .hpp, .hh, .hxx.
bool is_cpp_only(std::string_view path);

/// Why a path is not looked at: a vendored, generated or data folder (by its name, in any case), a generated name, bytes that
/// are no plain text; nullptr where it may be kept.
const char* refused_path(std::string_view path);

/// Why a text is not kept: too short or long, long lines, few letters, many digits, generated, no clean UTF-8; nullptr where
/// it is kept. Line ends are LF already (normalise_line_ends).
const char* refused_text(std::string_view text);

/// All CRs before an LF go.
std::string normalise_line_ends(std::string text);

}  // namespace octet::bytemodel::training
