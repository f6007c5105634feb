#include "lsp/silence.h"

#include <array>
#include <utility>

namespace octet::lsp {
namespace {

struct Words {
  std::string_view code;
  std::string_view sentence;
};

/// In the order of the enumeration.
constexpr std::array<Words, 15> kWords{{
    {"disabled", "Octet is off (octet.enabled)"},
    {"disabled_language", "Octet is off for this language (octet.disabledLanguages)"},
    {"disabled_glob", "Octet is off for this file (octet.disabledGlobs)"},
    {"secret_file", "the name of this file says that it holds secrets"},
    {"ignored_file", "git ignores this file"},
    {"too_large", "the document is too large"},
    {"no_room", "there is text right of the cursor; ask for a completion to get one all the same"},
    {"model_loading", "the model is being loaded"},
    {"model_unavailable", "the model could not be loaded"},
    {"model_failure", "the model failed to compute"},
    {"low_confidence", "no completion was sure enough (octet.minConfidence)"},
    {"nothing_to_add", "the model has nothing to add here"},
    {"cancelled", "the editor withdrew its request"},
    {"superseded", "a newer request took its place"},
    {"shut_down", "the server was shut down"},
}};

}  // namespace

std::string_view to_string(Silence reason) { return kWords.at(static_cast<std::size_t>(reason)).code; }
std::string_view explain(Silence reason) { return kWords.at(static_cast<std::size_t>(reason)).sentence; }

Silence silence_of(engine::StopReason reason) {
  switch (reason) {
    case engine::StopReason::kCancelled: return Silence::kCancelled;
    case engine::StopReason::kSuperseded: return Silence::kSuperseded;
    case engine::StopReason::kModelUnavailable: return Silence::kModelUnavailable;
    case engine::StopReason::kModelFailure: return Silence::kModelFailure;
    case engine::StopReason::kLowConfidence: return Silence::kLowConfidence;
    default: return Silence::kNothingToAdd;
  }
}

}  // namespace octet::lsp
