// A run whose text is wrong is void: what a server offered is compared with what it offers when nothing hurries it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "benchmarks/latency/repetition.h"

namespace octet::benchmarks {

struct TextCheck {
  std::string hash;                // of all that the unhurried keys of one repetition were answered with
  std::size_t n_texts = 0;         // that were looked at
  std::size_t n_asked_again = 0;   // of a server that was started for this
  std::vector<std::string> wrong;  // where, and what differs, for a person
};

using MakeServer = std::function<std::unique_ptr<ServerUnderTest>()>;

/// Unhurried keys must be answered alike in each repetition. A text that came while typing must be that of the unhurried key; or the rest
/// of one that came before; or what a server offers there that has just been started. Fails where that server does not start.
Result<TextCheck> check_texts(const std::vector<Repetition>& repetitions, const Trace& trace, const MakeServer& make_server);

}  // namespace octet::benchmarks
