// A value, or the reason why there is none. The one error type that crosses folders.
//
// Errors say what was expected, what was found, and where; they are for a person to read. Code that must tell errors
// apart looks at `code`.
#pragma once

#include <string>
#include <utility>

#include <tl/expected.hpp>

namespace octet {

enum class ErrorCode {
  kNotFound,         // the thing that was named does not exist
  kUnreadable,       // it exists, and the system refuses to read or write it
  kMalformed,        // its bytes break the rules of its format
  kUnsupported,      // well formed, but this build cannot use it
  kTooLarge,         // beyond a stated limit
  kInvalidArgument,  // the caller asked for something that cannot be
};

struct Error {
  ErrorCode code;
  std::string message;
};

template <class T>
using Result = tl::expected<T, Error>;

/// Shorthand for returning an error from a function that returns a Result of any type.
[[nodiscard]] inline tl::unexpected<Error> fail(ErrorCode code, std::string message) {
  return tl::unexpected<Error>(Error{code, std::move(message)});
}

}  // namespace octet
