// JSON-RPC: bodies of any kind, to a server that was initialized. Each line of an input is one body.
#include <algorithm>
#include <string>

#include "tests/fuzz/fuzzed_server.h"
#include "tests/fuzz/input.h"

namespace {

constexpr int kMaxBodies = 50;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using octet::lsp::Json;
  std::string_view input = octet::tests::as_text(data, size);
  octet::tests::FuzzedServer server(Json(nullptr));
  // Without a memory no folder is read, whatever an input names.
  server.request("first", "initialize", {{"capabilities", Json::object()}, {"initializationOptions", {{"workspaceMemory", false}}}});
  server.notify("textDocument/didOpen",
                {{"textDocument", {{"uri", "file:///a"}, {"languageId", "c"}, {"version", 1}, {"text", "int a\n"}}}});
  for (int n_bodies = 0; !input.empty() && n_bodies < kMaxBodies; ++n_bodies) {
    const std::size_t line_end = std::min(input.find('\n'), input.size());
    server.send(input.substr(0, line_end));
    input.remove_prefix(std::min(line_end + 1, input.size()));
  }
  return 0;
}
