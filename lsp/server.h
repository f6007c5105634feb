// The language server: lifecycle, documents, settings, and the routing of what the client sends.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "lsp/client_requests.h"
#include "lsp/completions.h"
#include "lsp/document_policy.h"
#include "lsp/document_store.h"
#include "lsp/event_loop.h"
#include "lsp/initialize.h"
#include "lsp/json_rpc.h"
#include "lsp/load_progress.h"
#include "lsp/model_host.h"
#include "lsp/reply.h"
#include "lsp/settings.h"
#include "lsp/statistics.h"
#include "lsp/workspace_memory.h"

namespace octet::lsp {

/// Owned by the main thread, which alone calls it. Never waits for the engine; never writes to a file descriptor of the client itself.
class Server {
 public:
  struct Environment {
    /// Takes a message body for the client. Main thread.
    std::function<void(std::string)> send;
    EventLoop loop;
    /// The connection is to be closed and the process to end with this code.
    std::function<void(int exit_code)> exit;
    /// The process is to end when that one does; may be empty.
    std::function<void(int pid)> watch_process;
    /// Where the memories of workspaces, and where statistics are kept; empty: nowhere.
    std::filesystem::path store_folder;
    std::filesystem::path state_folder;
  };

  /// The model is loaded by `open`, in the engine's thread, once the client said what it wants.
  Server(Environment environment, ModelHost::Open open);
  ~Server();

  /// One message body from the client. Everything that is wrong with it is answered or logged, never thrown.
  void on_message(std::string_view body);

  /// The client closed its end without `exit`.
  void on_disconnect();

 private:
  enum class Phase { kUninitialized, kRunning, kShutDown };
  using RequestHandler = void (Server::*)(const Request&, Reply);
  using NotificationHandler = void (Server::*)(const Json& params);
  static const std::map<std::string_view, RequestHandler>& request_handlers();
  static const std::map<std::string_view, NotificationHandler>& notification_handlers();

  void route(std::string_view body);
  void on_request(Request request);
  void on_notification(const Notification& notification);

  void initialize(const Request& request, Reply reply);
  void shutdown(const Request& request, Reply reply);
  void inline_completion(const Request& request, Reply reply);
  void explain(const Request& request, Reply reply);
  void status(const Request& request, Reply reply);
  void execute_command(const Request& request, Reply reply);

  void initialized(const Json& params);
  void did_open(const Json& params);
  void did_change(const Json& params);
  void did_close(const Json& params);
  void did_save(const Json& params);
  void did_change_watched_files(const Json& params);
  void did_change_workspace_folders(const Json& params);
  void did_change_configuration(const Json& params);
  void did_focus(const Json& params);
  void did_show(const Json& params);
  void did_accept_part(const Json& params);
  void cancel(const Json& params);

  void register_capability(std::string_view method, Json options);
  void pull_configuration();
  void reconfigure();
  void on_model_change();
  void tell_status();
  void show(int type, std::string_view message);
  void end(int exit_code);

  Environment environment_;
  Phase phase_ = Phase::kUninitialized;
  InitializeParams client_;
  Json initial_section_ = nullptr;     // the settings of `initialize`,
  Json configured_section_ = nullptr;  // and those that came later, which count more
  Settings settings_;
  std::string log_level_;  // of the command line
  std::set<std::string> problems_shown_;
  Json status_told_ = nullptr;
  DocumentStore documents_;
  DocumentPolicy policy_;
  WorkspaceMemory memory_;
  Statistics statistics_;
  ClientRequests client_requests_;
  LoadProgress progress_;
  ModelHost model_;
  Completions completions_;
};

}  // namespace octet::lsp
