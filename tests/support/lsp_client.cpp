#include "tests/support/lsp_client.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <utility>

#include "lsp/log.h"

namespace octet::tests {
namespace {

constexpr const char* kSettleUri = "test:settle";

}  // namespace

void silence_log() {
  static const bool is_silent = lsp::open_log("off", {}).has_value();
  REQUIRE(is_silent);
}

LspClient::LspClient(std::shared_ptr<ScriptedModel> model) : LspClient(opener(model)) { model_ = std::move(model); }

LspClient::LspClient(engine::Engine::Open open, std::filesystem::path store_folder)
    : LspClient([open = std::move(open)](const lsp::ModelChoice&) { return open(); }, std::move(store_folder), {}) {}

LspClient::LspClient(lsp::ModelHost::Open open, std::filesystem::path store_folder, std::filesystem::path state_folder) {
  silence_log();
  lsp::Server::Environment environment;
  environment.send = [this](std::string body) {
    Json message = Json::parse(body);
    REQUIRE(message.at("jsonrpc") == "2.0");
    if (message.contains("method")) {
      notifications_.push_back(std::move(message));
    } else {
      responses_[message.at("id").dump()].push_back(std::move(message));
      ++n_answers_;
    }
  };
  environment.loop.after = [this](std::chrono::milliseconds delay, std::function<void()> run) {
    timers_.emplace(now_ + delay, std::move(run));
  };
  environment.loop.now = [this] { return now_; };
  environment.loop.post = [this](std::function<void()> run) {
    {
      const std::lock_guard lock(mutex_);
      posted_.push_back(std::move(run));
    }
    changed_.notify_one();
  };
  environment.store_folder = std::move(store_folder);
  environment.state_folder = std::move(state_folder);
  environment.exit = [this](int code) { exit_code_ = code; };
  server_ = std::make_unique<lsp::Server>(std::move(environment), std::move(open));
}

LspClient::~LspClient() { destroy_server(); }

void LspClient::destroy_server() {
  // A test that fails half way must not leave the engine waiting before a gate.
  if (model_) {
    model_->loading.open();
    model_->step.open();
  }
  server_.reset();
}

void LspClient::send_request(const Json& id, std::string_view method, const Json& params) {
  send_body(Json({{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", params}}).dump());
}

void LspClient::notify(std::string_view method, const Json& params) {
  send_body(Json({{"jsonrpc", "2.0"}, {"method", method}, {"params", params}}).dump());
}

LspClient::Json LspClient::initialize(const Json& encodings) {
  return initialize_with({{"capabilities", {{"general", {{"positionEncodings", encodings}}}}}});
}

LspClient::Json LspClient::initialize_with(const Json& params) {
  send_request("initialize", "initialize", params);
  notify("initialized", Json::object());
  return wait_for_answer("initialize").at("result");
}

void LspClient::open(const std::string& uri, const std::string& text) {
  const Json document = {{"uri", uri}, {"languageId", "text"}, {"version", ++version_}, {"text", text}};
  notify("textDocument/didOpen", {{"textDocument", document}});
}

void LspClient::change(const std::string& uri, const Json& content_changes) {
  notify("textDocument/didChange", {{"textDocument", {{"uri", uri}, {"version", ++version_}}}, {"contentChanges", content_changes}});
}

void LspClient::close(const std::string& uri) { notify("textDocument/didClose", {{"textDocument", {{"uri", uri}}}}); }

void LspClient::request_completion(const Json& id, const std::string& uri, lsp::Position position) {
  request_completion(id, uri, position, {{"triggerKind", 2}});
}

void LspClient::invoke_completion(const Json& id, const std::string& uri, lsp::Position position) {
  request_completion(id, uri, position, {{"triggerKind", 1}});
}

void LspClient::request_completion(const Json& id, const std::string& uri, lsp::Position position, const Json& context) {
  send_request(id, "textDocument/inlineCompletion",
               {{"textDocument", {{"uri", uri}}}, {"position", to_json(position)}, {"context", context}});
}

std::function<void()> LspClient::take_posted() {
  const std::lock_guard lock(mutex_);
  if (posted_.empty()) return nullptr;
  auto run = std::move(posted_.front());
  posted_.pop_front();
  return run;
}

void LspClient::advance(std::chrono::milliseconds by) {
  const auto until = now_ + by;
  while (!timers_.empty() && timers_.begin()->first <= until) {
    auto due = timers_.extract(timers_.begin());
    now_ = std::max(now_, due.key());
    due.mapped()();
  }
  now_ = until;
}

void LspClient::run_posted() {
  while (const auto run = take_posted()) {
    run();
    ++n_posted_run_;
  }
}

void LspClient::run_until(const std::function<bool()>& done) {
  while (!done()) {
    if (const auto run = take_posted()) {
      run();
      ++n_posted_run_;
      continue;
    }
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, kHangTimeout, [&] { return !posted_.empty(); })) FAIL("what the test waits for never happens");
  }
}

void LspClient::wait_until_posted(std::size_t n) {
  std::unique_lock lock(mutex_);
  REQUIRE(changed_.wait_for(lock, kHangTimeout, [&] { return posted_.size() >= n; }));
}

LspClient::Json LspClient::wait_for_answer(const Json& id) {
  run_until([&] { return !answers(id).empty(); });
  return answers(id).front();
}

void LspClient::wait_until_settled() {
  if (n_settles_ == 0) open(kSettleUri, "");
  const Json id = "settle " + std::to_string(++n_settles_);
  request_completion(id, kSettleUri, {});
  wait_for_answer(id);
}

std::vector<LspClient::Json> LspClient::answers(const Json& id) const {
  const auto found = responses_.find(id.dump());
  return found == responses_.end() ? std::vector<Json>{} : found->second;
}

void LspClient::forget_answers() {
  responses_.clear();
  notifications_.clear();
}

int error_code(const lsp::Json& answer) { return answer.contains("error") ? answer["error"].at("code").get<int>() : 0; }

lsp::Json no_items() { return {{"items", lsp::Json::array()}}; }

lsp::Json to_json(lsp::Position position) { return {{"line", position.line}, {"character", position.character}}; }

}  // namespace octet::tests
