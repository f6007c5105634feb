// A language server as a child process, spoken to over its standard streams: octet, or any other that knows textDocument/inlineCompletion.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "benchmarks/latency/server_under_test.h"

namespace octet::benchmarks {

struct LspServerOptions {
  std::string command;              // for /bin/sh
  std::filesystem::path workspace;  // the folder that the editor has open; empty: none
  std::filesystem::path home;       // where the server keeps what it keeps, instead of the user's folders
  nlohmann::json settings;          // initializationOptions
};

/// The client streams (octet/inlineCompletionPartial), has positions in UTF-8 or UTF-16 as the server likes, and asks as an editor does
/// while somebody types (Automatic).
std::unique_ptr<ServerUnderTest> make_lsp_server(LspServerOptions options);

}  // namespace octet::benchmarks
