// An editor in the same process: it owns a Server, plays its main thread, and keeps all that the server sends.
//
// The test's thread is the main thread: what the engine posts runs only inside run_until() and run_posted(), so a test
// decides when a result arrives.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lsp/position.h"
#include "lsp/server.h"
#include "tests/support/scripted_runner.h"

namespace octet::tests {

/// Log lines would drown what the test runner prints. The library keeps the logger, so this happens once.
void silence_log();

class LspClient {
 public:
  using Json = lsp::Json;

  explicit LspClient(std::shared_ptr<ScriptedModel> model);
  /// `store_folder`: where memories are kept.
  explicit LspClient(engine::Engine::Open open, std::filesystem::path store_folder = {});
  /// `open` hears what the settings say; `state_folder`: where statistics are kept.
  LspClient(lsp::ModelHost::Open open, std::filesystem::path store_folder, std::filesystem::path state_folder);
  ~LspClient();
  LspClient(const LspClient&) = delete;
  LspClient& operator=(const LspClient&) = delete;

  void send_body(std::string_view body) { server_->on_message(body); }
  void send_request(const Json& id, std::string_view method, const Json& params);
  void notify(std::string_view method, const Json& params);
  void disconnect() { server_->on_disconnect(); }

  /// initialize and initialized; the result of the first.
  Json initialize(const Json& encodings = Json::array({"utf-16"}));
  /// The same with all params.
  Json initialize_with(const Json& params);
  void open(const std::string& uri, const std::string& text);
  void change(const std::string& uri, const Json& content_changes);
  void replace_all(const std::string& uri, const std::string& text) { change(uri, Json::array({{{"text", text}}})); }
  void close(const std::string& uri);
  /// What the editor does by itself,
  void request_completion(const Json& id, const std::string& uri, lsp::Position position);
  /// what a person asks for,
  void invoke_completion(const Json& id, const std::string& uri, lsp::Position position);
  /// or either, with all of the context.
  void request_completion(const Json& id, const std::string& uri, lsp::Position position, const Json& context);
  void cancel(const Json& id) { notify("$/cancelRequest", {{"id", id}}); }

  /// The server's clock goes on by this much; what is due by then runs.
  void advance(std::chrono::milliseconds by);

  /// Runs what the engine posts until `done`; fails the test when it never is.
  void run_until(const std::function<bool()>& done);
  /// Runs what is posted by now.
  void run_posted();
  /// Until `n` functions are posted that have not run, and runs none.
  void wait_until_posted(std::size_t n);

  /// The one response to `id`, or the first of several.
  Json wait_for_answer(const Json& id);
  /// Until the results of everything submitted before have arrived. Supersedes what still runs.
  void wait_until_settled();

  /// Responses to `id` so far, in order.
  std::vector<Json> answers(const Json& id) const;
  /// Long tests keep nothing of what they have checked.
  void forget_answers();
  std::size_t n_answers() const { return n_answers_; }
  const std::vector<Json>& notifications() const { return notifications_; }
  std::size_t n_posted_run() const { return n_posted_run_; }
  std::optional<int> exit_code() const { return exit_code_; }

  /// Ends the server as the program does; its last messages are kept.
  void destroy_server();

 private:
  std::function<void()> take_posted();

  std::shared_ptr<ScriptedModel> model_;                // may be null
  std::map<std::string, std::vector<Json>> responses_;  // by the JSON text of their id
  std::size_t n_answers_ = 0;
  std::vector<Json> notifications_;
  std::optional<int> exit_code_;
  std::int64_t version_ = 0;
  int n_settles_ = 0;
  std::size_t n_posted_run_ = 0;

  lsp::EventLoop::TimePoint now_{};
  std::multimap<lsp::EventLoop::TimePoint, std::function<void()>> timers_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> posted_;  // guarded by mutex_

  std::unique_ptr<lsp::Server> server_;  // last: its thread posts to the members above
};

/// The code of an error response; 0 when it is a result.
int error_code(const lsp::Json& answer);
/// The result that offers nothing.
lsp::Json no_items();
lsp::Json to_json(lsp::Position position);

}  // namespace octet::tests
