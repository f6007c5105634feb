// What the names in a path say about a file: secrets and what nobody wrote by hand never enter the workspace memory. Pure
// functions of the path; they never look at the disk and hold no state.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace octet::engine {

/// Paths relative to a workspace that are longer or deeper are not looked at: judging one costs time by its depth, and no tree
/// that a person works in comes near.
inline constexpr std::size_t kMaxPathBytes = 2048;
inline constexpr std::size_t kMaxPathComponents = 64;

enum class Refusal { kOutside, kSecret, kNotPersonsText, kIgnored };

/// For a person.
std::string_view to_string(Refusal refusal);

/// Why a path is refused for one of its names, or nothing. Every component counts, a folder's as much as the file's.
///  - kOutside: not relative with '/' between components, one of them empty, "." or "..", longer than kMaxPathBytes or
///    of more than kMaxPathComponents.
///  - kSecret: in any case of letters, and with the endings of editors' copies (.bak, .swp, ~ ...): .env*, *.env, id_*, *.pem,
///    *.key and other key stores, .netrc, .npmrc, .pypirc, .git-credentials, .htpasswd and other password files, credentials
///    and secrets (alone or as data files), and the folders .ssh, .gnupg, .aws and their like.
///  - kNotPersonsText: folders of dependencies, build results, version control and caches; lock files; minified and generated
///    files; endings of formats that are no text or hold data; names that are no clean UTF-8 or hold control characters.
/// No list of languages: what no rule refuses is text until its content says otherwise.
std::optional<Refusal> refused_by_name(std::string_view relative_path, bool is_folder);

/// True where a component of the absolute path `root` is a folder of secrets: nothing below may be read.
bool lies_in_secret_folder(std::string_view root);

}  // namespace octet::engine
