// Settings: a JSON value in every place where a client can put settings. The server still answers a completion.
#include <string>

#include "bytemodel/json_depth.h"
#include "tests/fuzz/fuzzed_server.h"
#include "tests/fuzz/input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using octet::lsp::Json;
  const std::string_view input = octet::tests::as_text(data, size);
  if (octet::json_depth_exceeds(input) || octet::has_nul(input)) return 0;
  const Json value = Json::parse(input, nullptr, /*allow_exceptions=*/false);
  if (value.is_discarded()) return 0;

  octet::tests::FuzzedServer server(Json::array({value}));
  server.request(1, "initialize", {{"capabilities", value}, {"initializationOptions", value}});
  server.request("again", "initialize", {{"initializationOptions", {{"octet", value}}}});  // taken where the first was refused
  server.notify("initialized", Json::object());
  server.notify("textDocument/didOpen", {{"textDocument", {{"uri", "file:///a"}, {"languageId", "c"}, {"version", 1}, {"text", "int a"}}}});
  for (const Json& settings : {value, Json{{"octet", value}}, Json{{"octet", {{"minConfidence", value}, {"workspaceMemory", value}}}}}) {
    server.notify("workspace/didChangeConfiguration", {{"settings", settings}});
    server.request("completion", "textDocument/inlineCompletion",
                   {{"textDocument", {{"uri", "file:///a"}}}, {"position", {{"line", 0}, {"character", 5}}}});
  }
  server.request("why", "octet/explain", nullptr);
  return 0;
}
