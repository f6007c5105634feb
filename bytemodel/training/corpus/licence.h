// Which licence each file of a package is under, read from what machines can read: Debian's copyright file (DEP-5) or the
// "license" field of package.json. Source: the Debian "Machine-readable debian/copyright file" specification 1.0.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bytemodel/result.h"

namespace octet::bytemodel::training {

/// Whether a short name, or an expression of several with "or", "and", commas and parentheses, allows any use that keeps
/// the notices: one side of an "or" is enough, all sides of an "and" are needed.
bool is_permissive(std::string_view expression);

/// The licences of a package's files.
class LicenceMap {
 public:
  /// Fails with kUnsupported for a text that is not in the machine-readable format.
  static Result<LicenceMap> parse_debian(const std::string& text);
  /// Fails with kMalformed or kUnsupported where package.json names no licence.
  static Result<LicenceMap> parse_npm(const std::string& json);

  /// The expression of the last pattern that matches `path` (relative to the package's root); empty where none does.
  std::string licence_of(const std::string& path) const;

 private:
  struct Stanza {
    std::vector<std::string> patterns;
    std::string licence;
  };
  std::vector<Stanza> stanzas_;
};

}  // namespace octet::bytemodel::training
