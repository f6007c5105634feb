// Which licence each file of a package is under, read from what machines can read: Debian's copyright file (DEP-5) or the
// "license" field of package.json. Source: the Debian "Machine-readable debian/copyright file" specification 1.0.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bytemodel/result.h"

namespace octet::bytemodel::training {

/// Whether a short name, or an expression of several, allows any use that keeps the notices: one side of an "or" is enough, all
/// sides of an "and" are needed. "and" binds closer than "or", a comma looser than both; parentheses group. An unknown name, an
/// unknown word after "with" and what is no expression are not permissive.
bool is_permissive(std::string_view expression);

/// The licences of a package's files.
class LicenceMap {
 public:
  /// Fails with kUnsupported for a text that is not in the machine-readable format.
  static Result<LicenceMap> parse_debian(const std::string& text);
  /// Fails with kMalformed or kUnsupported where package.json names no licence.
  static Result<LicenceMap> parse_npm(const std::string& json);

  /// The expression of the last paragraph with a pattern that matches `path` (relative to the package's root); empty where none
  /// does.
  std::string licence_of(std::string_view path) const;
  /// Of a file that a binary package has in another place than the source. A pattern whose first folder is in `path` as well is
  /// matched from there on. Where the folders are gone a pattern that may mean the file counts only against it: when its
  /// licence is not permissive.
  std::string licence_of_moved(std::string_view path) const;

 private:
  struct Stanza {
    std::vector<std::string> patterns;
    std::string licence;
  };
  std::vector<Stanza> stanzas_;
};

}  // namespace octet::bytemodel::training
