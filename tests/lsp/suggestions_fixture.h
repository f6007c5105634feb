// A document in a server whose model writes what it is told to.
#pragma once

#include <memory>
#include <string>

#include "tests/support/lsp_client.h"

namespace octet::tests {

using lsp::Json;

inline const std::string kUri = "file:///a.txt";

inline std::string text_of(const Json& answer, std::size_t i = 0) { return answer.at("result").at("items").at(i).at("insertText"); }

/// A server whose model writes "script" behind every prompt.
struct Fixture {
  std::shared_ptr<ScriptedModel> model;
  LspClient client;
  int n_requests = 0;

  explicit Fixture(const std::string& script, const Json& params = {{"capabilities", Json::object()}})
      : model(std::make_shared<ScriptedModel>(script)), client(model) {
    client.initialize_with(params);
  }

  /// The answer for the end of the document's first line.
  Json complete(const std::string& text, const std::string& uri = kUri) {
    client.open(uri, text);
    return ask(text, uri);
  }
  Json ask(const std::string& text, const std::string& uri = kUri) {
    client.request_completion(++n_requests, uri, {0, static_cast<std::uint32_t>(text.substr(0, text.find('\n')).size())});
    return client.wait_for_answer(n_requests);
  }
  void type(const std::string& text) { client.replace_all(kUri, text); }

  Json status() {
    client.send_request(++n_requests, "octet/status", nullptr);
    return client.wait_for_answer(n_requests).at("result");
  }
  std::string reason() { return status().at("lastReason"); }
  std::uint64_t stat(const std::string& name) { return status().at("stats").at(name); }
  void configure(const Json& section) { client.notify("workspace/didChangeConfiguration", {{"settings", {{"octet", section}}}}); }
};

inline Json options(const Json& section) { return {{"capabilities", Json::object()}, {"initializationOptions", section}}; }

}  // namespace octet::tests
