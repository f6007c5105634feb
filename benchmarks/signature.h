// One hash that changes exactly when the engine's output does.
#pragma once

#include <cstddef>
#include <filesystem>

namespace octet::benchmarks {

struct SignatureOptions {
  std::filesystem::path model;  // empty: the default model
  unsigned threads = 0;         // 0: as users run it; the output does not depend on it
  std::size_t max_bytes = 96;   // of each completion; the project's own signature is that of the default
  std::filesystem::path json;   // empty: none
};

/// Completes fixed prompts and prints a table, then `Signature: <hash>` as the last line. The hash covers every byte of
/// text, stop reasons, and counts of steps, proposals and acceptances: all that is deterministic, no times. Returns the
/// exit code.
int run_signature(const SignatureOptions& options);

}  // namespace octet::benchmarks
