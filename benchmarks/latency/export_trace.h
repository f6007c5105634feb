// octet-bench export-trace: the work of octet-bench latency as plain JSON lines, for other completers.
#pragma once

#include <filesystem>
#include <string>

#include "benchmarks/latency/typing.h"

namespace octet::benchmarks {

struct ExportTraceOptions {
  TypingOptions typing;
  std::filesystem::path trace;    // empty: not written
  std::filesystem::path prompts;  // empty: not written
  std::string server;             // that answers the prompts; empty: prompts without answers
};

/// The process's exit code.
int run_export_trace(const ExportTraceOptions& options);

}  // namespace octet::benchmarks
