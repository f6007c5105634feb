// The language server: lifecycle, documents, and requests on their way to the engine and back.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "engine/engine.h"
#include "lsp/document_store.h"
#include "lsp/json_rpc.h"
#include "lsp/pending_requests.h"
#include "lsp/reply.h"
#include "lsp/settings.h"
#include "lsp/workspace_memory.h"

namespace octet::lsp {

/// Owned by the main thread, which alone calls it. Never waits for the engine; never writes to a file descriptor itself.
class Server {
 public:
  struct Environment {
    /// Takes a message body for the client. Main thread.
    std::function<void(std::string)> send;
    /// Runs a function on the main thread, soon. Called on the engine thread. What is posted after ~Server must not run.
    std::function<void(std::function<void()>)> post;
    /// The connection is to be closed and the process to end with this code.
    std::function<void(int exit_code)> exit;
    /// Ends the server when the process does. Called with the client's process id, once; may be empty.
    std::function<void(int pid)> watch_process;
    /// Where the memories of workspaces are kept; empty: nowhere.
    std::filesystem::path store_folder;
  };

  /// Starts loading the model by `open` in the engine's thread.
  Server(Environment environment, engine::Engine::Open open);
  ~Server();

  /// One message body from the client. Everything that is wrong with it is answered or logged, never thrown.
  void on_message(std::string_view body);

  /// The client closed its end without `exit`.
  void on_disconnect();

 private:
  enum class Phase { kUninitialized, kRunning, kShutDown };

  void on_request(Request request);
  void on_notification(const Notification& notification);
  void initialize(const Request& request, Reply reply);
  void shutdown(Reply reply);
  void inline_completion(const Request& request, Reply reply);
  void did_open(const Json& params);
  void did_change(const Json& params);
  void did_close(const Json& params);
  void did_save(const Json& params);
  void did_change_watched_files(const Json& params);
  void did_change_configuration(const Json& params);
  void explain(Reply reply);
  void execute_command(const Request& request, Reply reply);
  void watch_files();
  void cancel(const Json& params);
  void show_load_error();
  void on_loaded(const Result<engine::ModelInfo>& model);
  void on_completion(const Json& id, const engine::CompletionRequest& request, const engine::CompletionResult& result);

  Environment environment_;
  Phase phase_ = Phase::kUninitialized;
  std::string load_error_;  // shown to the user once, as soon as the client is initialized
  DocumentStore documents_;
  WorkspaceMemory memory_;
  bool can_register_watchers_ = false;
  double min_confidence_ = 0;               // completions that net and memory together are less sure of are not shown
  Json last_explanation_ = Json::object();  // of the last completion that had a text
  PendingRequests pending_;
  std::unique_ptr<engine::Engine> engine_;  // last: its thread posts to the members above
};

}  // namespace octet::lsp
