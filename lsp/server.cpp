#include "lsp/server.h"

#include <exception>
#include <new>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "lsp/protocol.h"
#include "lsp/status.h"

namespace octet::lsp {
namespace {

constexpr const char* kForgetCommand = "octet.forgetWorkspace";
constexpr const char* kStatisticsCommand = "octet.statistics";

/// LSP's MessageType.
constexpr int kErrorMessage = 1;
constexpr int kWarningMessage = 2;

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

/// One message or result that cannot be handled is not the end: memory that is short now may be there for the next.
template <class Run>
void isolated(const Run& run) {
  try {
    run();
  } catch (const std::exception& error) {
    spdlog::error("failed to handle a message: {}", error.what());
  }
}

EventLoop isolated_loop(EventLoop loop) {
  const auto guarded = [](std::function<void()> run) { return [run = std::move(run)] { isolated(run); }; };
  loop.post = [post = loop.post, guarded](std::function<void()> run) { post(guarded(std::move(run))); };
  loop.after = [after = loop.after, guarded](std::chrono::milliseconds delay, std::function<void()> run) {
    after(delay, guarded(std::move(run)));
  };
  return loop;
}

std::filesystem::path statistics_file(const std::filesystem::path& state_folder) { return state_folder / "statistics.json"; }

}  // namespace

Server::Server(Environment environment, ModelHost::Open open)
    : environment_(std::move(environment)),
      log_level_(spdlog::level::to_string_view(spdlog::get_level()).data()),
      memory_(environment_.store_folder),
      client_requests_(environment_.send),
      progress_(client_requests_, environment_.send),
      model_(isolated_loop(environment_.loop), std::move(open), [this] { on_model_change(); }),
      completions_(
          {isolated_loop(environment_.loop), environment_.send, model_, policy_, memory_, statistics_, [this] { tell_status(); }}) {}

Server::~Server() = default;

const std::map<std::string_view, Server::RequestHandler>& Server::request_handlers() {
  static const std::map<std::string_view, RequestHandler> kHandlers{
      {"initialize", &Server::initialize}, {"shutdown", &Server::shutdown},   {"textDocument/inlineCompletion", &Server::inline_completion},
      {"octet/explain", &Server::explain}, {"octet/status", &Server::status}, {"workspace/executeCommand", &Server::execute_command},
  };
  return kHandlers;
}

const std::map<std::string_view, Server::NotificationHandler>& Server::notification_handlers() {
  static const std::map<std::string_view, NotificationHandler> kHandlers{
      {"initialized", &Server::initialized},
      {"textDocument/didOpen", &Server::did_open},
      {"textDocument/didChange", &Server::did_change},
      {"textDocument/didClose", &Server::did_close},
      {"textDocument/didSave", &Server::did_save},
      {"textDocument/didFocus", &Server::did_focus},
      {"textDocument/didShowCompletion", &Server::did_show},
      {"textDocument/didPartiallyAcceptCompletion", &Server::did_accept_part},
      {"workspace/didChangeWatchedFiles", &Server::did_change_watched_files},
      {"workspace/didChangeWorkspaceFolders", &Server::did_change_workspace_folders},
      {"workspace/didChangeConfiguration", &Server::did_change_configuration},
      {"$/cancelRequest", &Server::cancel},
  };
  return kHandlers;
}

void Server::on_message(std::string_view body) {
  isolated([&] { route(body); });
}

void Server::route(std::string_view body) {
  std::visit(
      [&](auto&& message) {
        using T = std::decay_t<decltype(message)>;
        if constexpr (std::is_same_v<T, Request>) {
          on_request(std::move(message));
        } else if constexpr (std::is_same_v<T, Notification>) {
          on_notification(message);
        } else if constexpr (std::is_same_v<T, Response>) {
          client_requests_.on_response(message);
        } else {
          spdlog::warn("invalid message: {}", message.message);
          environment_.send(make_error(message.id, message.code, message.message));
        }
      },
      parse_message(body));
}

void Server::on_disconnect() {
  spdlog::info("the client disconnected without 'exit'");
  end(1);
}

void Server::on_request(Request request) {
  Reply reply(request.id, environment_.send);
  const auto handler = request_handlers().find(request.method);
  const bool is_initialize = request.method == "initialize";
  if (phase_ == Phase::kUninitialized && !is_initialize) {
    return reply.error(RpcError::kServerNotInitialized, "the first request must be 'initialize'");
  }
  if (phase_ == Phase::kShutDown) return reply.error(RpcError::kInvalidRequest, "the server was shut down");
  if (phase_ == Phase::kRunning && is_initialize) return reply.error(RpcError::kInvalidRequest, "'initialize' was sent before");
  if (handler == request_handlers().end()) return reply.error(RpcError::kMethodNotFound, fmt::format("no such method: {}", request.method));
  (this->*handler->second)(request, std::move(reply));
}

void Server::on_notification(const Notification& notification) {
  const auto& [method, params] = notification;
  if (method == "exit") return end(phase_ == Phase::kShutDown ? 0 : 1);
  if (phase_ != Phase::kRunning) return spdlog::warn("{}: dropped, the server is not running", method);
  const auto handler = notification_handlers().find(method);
  if (handler == notification_handlers().end()) return spdlog::debug("{}: ignored", method);
  (this->*handler->second)(params);
}

void Server::initialize(const Request& request, Reply reply) {
  auto params = parse_initialize(request.params);
  if (!params) return reply.error(RpcError::kInvalidParams, params.error().message);
  phase_ = Phase::kRunning;
  client_ = std::move(*params);
  initial_section_ = initial_settings(request.params);
  documents_.set_encoding(client_.encoding);
  completions_.set_client(client_.encoding, client_.wants_partials);
  reply.result(make_initialize_result(client_, {kAcceptCommand, kForgetCommand, kStatisticsCommand}));
  policy_.set_folders(client_.folders);
  reconfigure();
  memory_.add(client_.folders);
  if (client_.parent && environment_.watch_process) environment_.watch_process(*client_.parent);
}

void Server::shutdown(const Request&, Reply reply) {
  phase_ = Phase::kShutDown;
  completions_.shut_down();
  reply.result(nullptr);
}

void Server::inline_completion(const Request& request, Reply reply) {
  const auto params = parse_inline_completion(request.params);
  if (!params) return reply.error(RpcError::kInvalidParams, params.error().message);
  const engine::DocumentSnapshot* document = documents_.find(params->uri);
  if (document == nullptr) return reply.error(RpcError::kInvalidParams, fmt::format("the document is not open: {}", params->uri));
  if (completions_.is_waiting(request.id)) {
    return reply.error(RpcError::kInvalidRequest, "a request of this id is still being answered");
  }
  completions_.request(request.id, std::move(reply), *params, *document);
}

/// Where the bytes of the last completion came from, and why there is none now.
void Server::explain(const Request&, Reply reply) {
  Json explanation = completions_.last_explanation();
  explanation["completion"] = completions_.last_work();
  const auto& silence = completions_.last_silence();
  explanation["silence"] = silence ? Json({{"reason", to_string(*silence)}, {"message", lsp::explain(*silence)}}) : Json(nullptr);
  reply.result(std::move(explanation));
}

void Server::status(const Request&, Reply reply) {
  reply.result(make_status({settings_.is_enabled, completions_.is_busy(), completions_.last_silence()}, model_, statistics_));
}

void Server::execute_command(const Request& request, Reply reply) {
  const auto params = parse_execute_command(request.params);
  if (!params) return reply.error(RpcError::kInvalidParams, params.error().message);
  const auto& [command, arguments] = *params;
  if (command == kAcceptCommand) {
    if (arguments.empty() || !arguments[0].is_string()) {
      return reply.error(RpcError::kInvalidParams, "params.arguments: expected the arguments of an item's command");
    }
    statistics_.accepted(arguments[0].get<std::string>());
    return reply.result(nullptr);
  }
  if (command == kStatisticsCommand) {
    const auto before =
        environment_.state_folder.empty() ? Json::object() : read_statistics_file(statistics_file(environment_.state_folder));
    return reply.result({{"session", statistics_.to_json()}, {"before", before}});
  }
  if (command == kForgetCommand) {
    const auto forgotten = memory_.forget();
    if (!forgotten) return reply.error(RpcError::kInternalError, forgotten.error().message);
    spdlog::info("{} workspace{} forgotten; its memory is off until the setting turns it on", *forgotten, *forgotten == 1 ? "" : "s");
    return reply.result({{"forgotten", *forgotten}});
  }
  reply.error(RpcError::kInvalidParams, fmt::format("params.command: expected {}, {} or {}, found '{}'", kAcceptCommand, kForgetCommand,
                                                    kStatisticsCommand, command));
}

void Server::initialized(const Json&) {
  if (client_.can_register_completion) register_capability("textDocument/inlineCompletion", {{"documentSelector", nullptr}});
  if (client_.can_register_watchers) {
    register_capability("workspace/didChangeWatchedFiles", {{"watchers", Json::array({{{"globPattern", "**/*"}}})}});
  }
  if (client_.can_configure) pull_configuration();
}

void Server::register_capability(std::string_view method, Json options) {
  const Json registration = {{"id", fmt::format("octet/{}", method)}, {"method", method}, {"registerOptions", std::move(options)}};
  client_requests_.send("client/registerCapability", {{"registrations", Json::array({registration})}},
                        [name = std::string(method)](const std::optional<Json>& result) {
                          if (!result) spdlog::warn("the client refused to register {}", name);
                        });
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
    if (!changed) return changed;
    memory_.document_changed(*documents_.find(p.uri));
    completions_.document_changed(*documents_.find(p.uri));
    return {};
  });
}

void Server::did_close(const Json& params) {
  with("textDocument/didClose", parse_did_close(params), [&](const std::string& uri) {
    memory_.document_closed(path_of_uri(uri));
    return documents_.close(uri);
  });
}

void Server::did_save(const Json& params) {
  with("textDocument/didSave", parse_did_close(params), [&](const std::string& uri) -> Result<void> {
    memory_.file_changed(path_of_uri(uri));
    return {};
  });
}

/// The person looks at another document: what was edited before may serve it.
void Server::did_focus(const Json& params) {
  with("textDocument/didFocus", parse_did_close(params), [&](const std::string& uri) -> Result<void> {
    if (const auto* document = documents_.find(uri)) memory_.document_changed(*document);
    return {};
  });
}

void Server::did_show(const Json& params) {
  with("textDocument/didShowCompletion", parse_item_feedback(params), [&](const ItemFeedback& feedback) -> Result<void> {
    statistics_.shown(feedback.token);
    return {};
  });
}

void Server::did_accept_part(const Json& params) {
  with("textDocument/didPartiallyAcceptCompletion", parse_item_feedback(params), [&](const ItemFeedback& feedback) -> Result<void> {
    statistics_.accepted_part(feedback.token, feedback.accepted_length);
    return {};
  });
}

void Server::cancel(const Json& params) {
  with("$/cancelRequest", parse_cancel(params), [&](const Json& id) -> Result<void> {
    completions_.cancel(id);
    return {};
  });
}

void Server::did_change_watched_files(const Json& params) {
  with("workspace/didChangeWatchedFiles", parse_watched_files(params), [&](const std::vector<std::string>& uris) -> Result<void> {
    for (const std::string& uri : uris) memory_.file_changed(path_of_uri(uri));
    return {};
  });
}

void Server::did_change_workspace_folders(const Json& params) {
  with("workspace/didChangeWorkspaceFolders", parse_folder_change(params), [&](const FolderChange& change) -> Result<void> {
    std::erase_if(client_.folders, [&](const auto& folder) { return std::ranges::find(change.removed, folder) != change.removed.end(); });
    client_.folders.insert(client_.folders.end(), change.added.begin(), change.added.end());
    policy_.set_folders(client_.folders);
    memory_.remove(change.removed);
    memory_.add(change.added);
    return {};
  });
}

void Server::did_change_configuration(const Json& params) {
  const bool has_section =
      params.is_object() && params.contains("settings") && params["settings"].is_object() && params["settings"].contains("octet");
  if (has_section || !client_.can_configure) {
    configured_section_ = has_section ? params["settings"]["octet"] : Json(nullptr);
    reconfigure();
  }
  if (client_.can_configure) pull_configuration();  // what such clients send along need not be all of it
}

void Server::pull_configuration() {
  client_requests_.send("workspace/configuration", {{"items", Json::array({{{"section", "octet"}}})}},
                        [this](const std::optional<Json>& result) {
                          if (!result || !result->is_array() || result->empty())
                            return spdlog::warn("the client keeps its settings to itself");
                          configured_section_ = (*result)[0];
                          reconfigure();
                        });
}

/// Makes what all settings say together true.
void Server::reconfigure() {
  Settings settings;
  std::vector<std::string> problems = apply_settings(initial_section_, settings);
  for (auto& problem : apply_settings(configured_section_, settings)) problems.push_back(std::move(problem));
  settings_ = std::move(settings);
  for (auto& problem : policy_.configure(settings_)) problems.push_back(std::move(problem));
  for (const std::string& problem : problems) {
    spdlog::warn("settings: {}", problem);
    if (problems_shown_.insert(problem).second) show(kWarningMessage, problem);
  }
  spdlog::set_level(spdlog::level::from_str(settings_.log_level.empty() ? log_level_ : settings_.log_level));
  memory_.set_enabled(settings_.has_workspace_memory);
  completions_.configure(settings_);
  model_.set_idle_limit(std::chrono::minutes(settings_.idle_unload_minutes));
  if (settings_.is_enabled) model_.load({settings_.model, settings_.device, settings_.threads});
  tell_status();
}

void Server::on_model_change() {
  if (client_.has_progress) progress_.set_loading(model_.state() == ModelState::kLoading);
  if (model_.state() == ModelState::kFailed) show(kErrorMessage, model_.failure());
  tell_status();
}

/// To clients that asked for it, and only what is new.
void Server::tell_status() {
  if (!client_.wants_status || phase_ != Phase::kRunning) return;
  const Status status{settings_.is_enabled, completions_.is_busy(), completions_.last_silence()};
  Json change = make_status_change(status, model_);
  if (change == status_told_) return;
  environment_.send(make_notification("didChangeStatus", change));
  environment_.send(make_notification("octet/status", make_status(status, model_, statistics_)));
  status_told_ = std::move(change);
}

void Server::show(int type, std::string_view message) {
  environment_.send(make_notification("window/showMessage", {{"type", type}, {"message", fmt::format("Octet: {}", message)}}));
}

void Server::end(int exit_code) {
  if (!environment_.state_folder.empty()) {
    const auto kept = add_to_statistics_file(statistics_file(environment_.state_folder), statistics_.to_json());
    if (!kept) spdlog::warn("statistics: {}", kept.error().message);
  }
  environment_.exit(exit_code);
}

}  // namespace octet::lsp
