// A text as the model sees it while it is written: the primary head's row before each byte, with the true bytes before it.
#pragma once

#include <cstddef>
#include <functional>
#include <string_view>

#include "engine/context/document.h"
#include "engine/model/model_runner.h"

namespace octet::engine {

/// Reads document.text()[0..n_bytes) with its path in front and nothing behind it. `visit` gets each offset and the row of the byte
/// there, valid during the call. Where the context is full its start moves forward, to leave a third of it free.
void walk_text(ModelRunner& runner, const DocumentSnapshot& document, std::size_t n_bytes,
               const std::function<void(std::size_t offset, LogitsRow row)>& visit);

}  // namespace octet::engine
