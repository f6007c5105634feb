#include "lsp/server.h"

#include <type_traits>
#include <utility>
#include <variant>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "lsp/inline_completion.h"
#include "lsp/protocol.h"
#include "lsp/version.h"

namespace octet::lsp {
namespace {

constexpr const char* kForgetWorkspace = "octet.forgetWorkspace";

/// Carries a completion from the engine thread to the main thread.
class PostingSink final : public engine::CompletionSink {
 public:
  using OnDone = std::function<void(const engine::CompletionResult&)>;
  PostingSink(const std::function<void(std::function<void()>)>& post, OnDone on_done) : post_(post), on_done_(std::move(on_done)) {}

  void on_text(std::string_view) override {}
  void on_done(engine::CompletionResult result) override {
    post_([on_done = std::move(on_done_), result = std::move(result)] { on_done(result); });
  }

 private:
  const std::function<void(std::function<void()>)>& post_;
  OnDone on_done_;
};

/// Applies `use` to what was parsed, or logs why a notification cannot be used.
template <class T, class Use>
void with(std::string_view method, const Result<T>& parsed, Use use) {
  Result<void> done;
  if (parsed) {
    done = use(*parsed);
  } else {
    done = tl::unexpected(parsed.error());
  }
  if (!done) spdlog::warn("{}: {}", method, done.error().message);
}

}  // namespace

Server::Server(Environment environment, engine::Engine::Open open)
    : environment_(std::move(environment)), memory_(environment_.store_folder) {
  engine_ = std::make_unique<engine::Engine>(
      std::move(open), [this](const Result<engine::ModelInfo>& model) { environment_.post([this, model] { on_loaded(model); }); });
}

Server::~Server() = default;

void Server::on_message(std::string_view body) {
  std::visit(
      [&](auto&& message) {
        using T = std::decay_t<decltype(message)>;
        if constexpr (std::is_same_v<T, Request>) {
          on_request(std::move(message));
        } else if constexpr (std::is_same_v<T, Notification>) {
          on_notification(message);
        } else if constexpr (std::is_same_v<T, Invalid>) {
          spdlog::warn("invalid message: {}", message.message);
          environment_.send(make_error(message.id, message.code, message.message));
        } else {
          spdlog::debug("a response");  // to the registration of watchers, the only request that the server sends
        }
      },
      parse_message(body));
}

void Server::on_disconnect() {
  spdlog::info("the client disconnected without 'exit'");
  environment_.exit(1);
}

void Server::on_request(Request request) {
  Reply reply(request.id, environment_.send);
  if (request.method == "initialize") return initialize(request, std::move(reply));
  if (phase_ == Phase::kUninitialized) return reply.error(RpcError::kServerNotInitialized, "the first request must be 'initialize'");
  if (phase_ == Phase::kShutDown) return reply.error(RpcError::kInvalidRequest, "the server was shut down");
  if (request.method == "shutdown") return shutdown(std::move(reply));
  if (request.method == "textDocument/inlineCompletion") return inline_completion(request, std::move(reply));
  if (request.method == "octet/explain") return explain(std::move(reply));
  if (request.method == "workspace/executeCommand") return execute_command(request, std::move(reply));
  reply.error(RpcError::kMethodNotFound, fmt::format("no such method: {}", request.method));
}

void Server::on_notification(const Notification& notification) {
  const auto& [method, params] = notification;
  if (method == "exit") return environment_.exit(phase_ == Phase::kShutDown ? 0 : 1);
  if (phase_ != Phase::kRunning) return spdlog::warn("{}: dropped, the server is not running", method);
  if (method == "textDocument/didOpen") return did_open(params);
  if (method == "textDocument/didChange") return did_change(params);
  if (method == "textDocument/didClose") return did_close(params);
  if (method == "textDocument/didSave") return did_save(params);
  if (method == "workspace/didChangeWatchedFiles") return did_change_watched_files(params);
  if (method == "workspace/didChangeConfiguration") return did_change_configuration(params);
  if (method == "initialized") return watch_files();
  if (method == "$/cancelRequest") return cancel(params);
  spdlog::debug("{}: ignored", method);
}

void Server::initialize(const Request& request, Reply reply) {
  if (phase_ != Phase::kUninitialized) return reply.error(RpcError::kInvalidRequest, "'initialize' was sent before");
  const auto params = parse_initialize(request.params);
  if (!params) return reply.error(RpcError::kInvalidParams, params.error().message);
  phase_ = Phase::kRunning;
  documents_.set_encoding(params->encoding);
  can_register_watchers_ = can_register_watchers(request.params);
  memory_.set_enabled(memory_of_initialize(request.params).value_or(true));
  memory_.open(workspace_folders(request.params));
  min_confidence_ = min_confidence_of_initialize(request.params).value_or(0);
  reply.result({{"capabilities",
                 {{"positionEncoding", to_string(params->encoding)},
                  {"textDocumentSync", {{"openClose", true}, {"change", 2}, {"save", true}}},
                  {"executeCommandProvider", {{"commands", {kForgetWorkspace}}}},
                  {"inlineCompletionProvider", Json::object()}}},
                {"serverInfo", {{"name", "octet"}, {"version", kVersion}}}});
  show_load_error();
}

void Server::shutdown(Reply reply) {
  phase_ = Phase::kShutDown;
  for (auto& [id, entry] : pending_.take_all()) {
    entry.cancel.request_stop();
    entry.reply.result(to_json(std::vector<InlineCompletionItem>{}));
  }
  reply.result(nullptr);
}

void Server::inline_completion(const Request& request, Reply reply) {
  const auto params = parse_inline_completion(request.params);
  if (!params) return reply.error(RpcError::kInvalidParams, params.error().message);
  const engine::DocumentSnapshot* document = documents_.find(params->uri);
  if (document == nullptr) return reply.error(RpcError::kInvalidParams, fmt::format("the document is not open: {}", params->uri));

  PendingRequests::Entry entry{std::move(reply), std::stop_source()};
  auto completion = make_request(*document, params->position, documents_.encoding());
  completion.cancelled = entry.cancel.get_token();
  memory_.attach(completion);
  if (!pending_.add(request.id, std::move(entry))) {
    return entry.reply.error(RpcError::kInvalidRequest, "a request of this id is still being answered");
  }
  auto sink = std::make_unique<PostingSink>(environment_.post, [this, id = request.id, completion](const engine::CompletionResult& result) {
    on_completion(id, completion, result);
  });
  engine_->submit(std::move(completion), std::move(sink));
}

void Server::did_open(const Json& params) {
  with("textDocument/didOpen", parse_did_open(params), [&](const DidOpenParams& p) -> Result<void> {
    documents_.open(p.uri, p.language, p.version, p.text);
    memory_.document_changed(*documents_.find(p.uri));
    return {};
  });
}

void Server::did_change(const Json& params) {
  with("textDocument/didChange", parse_did_change(params), [&](const DidChangeParams& p) -> Result<void> {
    const auto changed = documents_.change(p.uri, p.version, p.changes);
    if (changed) memory_.document_changed(*documents_.find(p.uri));
    return changed;
  });
}

void Server::did_close(const Json& params) {
  with("textDocument/didClose", parse_did_close(params), [&](const std::string& uri) {
    memory_.document_closed(path_of_uri(uri));
    return documents_.close(uri);
  });
}

void Server::cancel(const Json& params) {
  with("$/cancelRequest", parse_cancel(params), [&](const Json& id) -> Result<void> {
    // Answered already: the cancellation crossed the answer on its way, which is normal.
    if (auto entry = pending_.take(id)) {
      entry->cancel.request_stop();
      entry->reply.error(RpcError::kRequestCancelled, "cancelled by the client");
    }
    return {};
  });
}

void Server::did_save(const Json& params) {
  with("textDocument/didSave", parse_did_close(params), [&](const std::string& uri) -> Result<void> {
    memory_.file_changed(path_of_uri(uri));
    return {};
  });
}

void Server::did_change_watched_files(const Json& params) {
  with("workspace/didChangeWatchedFiles", parse_watched_files(params), [&](const std::vector<std::string>& uris) -> Result<void> {
    for (const std::string& uri : uris) memory_.file_changed(path_of_uri(uri));
    return {};
  });
}

void Server::did_change_configuration(const Json& params) {
  min_confidence_ = min_confidence_of_configuration(params).value_or(min_confidence_);
  if (const auto is_enabled = memory_of_configuration(params)) memory_.set_enabled(*is_enabled);
}

/// Asks to hear of files that change outside the editor.
void Server::watch_files() {
  if (!can_register_watchers_) return;
  environment_.send(
      make_request("octet/watch", "client/registerCapability",
                   {{"registrations", Json::array({{{"id", "octet/watch"},
                                                    {"method", "workspace/didChangeWatchedFiles"},
                                                    {"registerOptions", {{"watchers", Json::array({{{"globPattern", "**/*"}}})}}}}})}}));
}

/// Where the bytes of the last completion came from.
void Server::explain(Reply reply) { reply.result(last_explanation_); }

void Server::execute_command(const Request& request, Reply reply) {
  const auto command = parse_execute_command(request.params);
  if (!command) return reply.error(RpcError::kInvalidParams, command.error().message);
  if (*command != kForgetWorkspace) {
    return reply.error(RpcError::kInvalidParams, fmt::format("params.command: expected {}, found '{}'", kForgetWorkspace, *command));
  }
  const auto forgotten = memory_.forget();
  if (!forgotten) return reply.error(RpcError::kInternalError, forgotten.error().message);
  spdlog::info("{} workspace{} forgotten; its memory is off until the setting turns it on", *forgotten, *forgotten == 1 ? "" : "s");
  reply.result({{"forgotten", *forgotten}});
}

void Server::on_loaded(const Result<engine::ModelInfo>& model) {
  if (model) {
    return spdlog::info("model {} ({}) on {} {}, loaded in {:.0f} ms", model->name, model->profile, model->device, model->isa,
                        model->load_ms);
  }
  spdlog::error("no completions: {}", model.error().message);
  load_error_ = model.error().message;
  show_load_error();
}

/// Nothing may be sent before `initialize` is answered.
void Server::show_load_error() {
  if (load_error_.empty() || phase_ != Phase::kRunning) return;
  environment_.send(make_notification("window/showMessage", {{"type", 1}, {"message", "Octet: " + std::exchange(load_error_, {})}}));
}

void Server::on_completion(const Json& id, const engine::CompletionRequest& request, const engine::CompletionResult& result) {
  const auto& [prompt_bytes, reused, prefilled, steps, drafted, accepted, steps_after_stop] = result.counts;
  spdlog::info(
      "completion {}: {} v{} {} bytes, {}, prompt {} (reused {}), steps {}, drafted {}, accepted {}, {:.1f} ms (prefill {:.1f}, decode "
      "{:.1f})",
      id.dump(), request.document.language, request.document.version, result.text.size(), engine::to_string(result.stop_reason),
      prompt_bytes, reused, steps, drafted, accepted, result.times.total, result.times.prefill, result.times.decode);
  if (!result.text.empty()) last_explanation_ = to_explanation(request, result);
  if (auto entry = pending_.take(id, request.cancelled)) {
    const bool is_sure = result.confidence >= min_confidence_;
    if (!is_sure) spdlog::info("completion {}: not shown, confidence {:.2f}", id.dump(), result.confidence);
    entry->reply.result(to_json(is_sure ? make_items(request, result, documents_.encoding()) : std::vector<InlineCompletionItem>()));
  }
}

}  // namespace octet::lsp
