// Why there is nothing to show. Each has a code that users and scripts may rely on.
#pragma once

#include <string_view>

#include "engine/completion.h"

namespace octet::lsp {

enum class Silence {
  kDisabled,          // octet.enabled
  kDisabledLanguage,  // octet.disabledLanguages
  kDisabledGlob,      // octet.disabledGlobs
  kSecretFile,
  kIgnoredFile,  // by git's rules
  kTooLarge,     // the document
  kNoRoom,       // text right of the cursor, and nobody asked
  kModelLoading,
  kModelUnavailable,
  kModelFailure,
  kLowConfidence,
  kNothingToAdd,  // the model has nothing to write here
  kCancelled,
  kSuperseded,
  kShutDown,
};

/// "disabled", "disabled_language", ...
std::string_view to_string(Silence reason);
/// One sentence for a person.
std::string_view explain(Silence reason);

/// Of a completion without a text to show.
Silence silence_of(engine::StopReason reason);

}  // namespace octet::lsp
