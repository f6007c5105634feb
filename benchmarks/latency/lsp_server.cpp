#include "benchmarks/latency/lsp_server.h"

#include <array>
#include <csignal>
#include <deque>
#include <fstream>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/write.hpp>
#include <boost/process.hpp>

#include "lsp/json_rpc.h"
#include "lsp/message_framer.h"
#include "lsp/position.h"

namespace octet::benchmarks {
namespace {

namespace asio = boost::asio;
namespace process = boost::process;
using lsp::Json;

constexpr std::chrono::seconds kPatience{60};

std::string uri_of(const std::string& path) {
  std::string uri = "file://";
  for (const char c : std::filesystem::absolute(path).lexically_normal().string()) {
    const bool is_plain = std::isalnum(static_cast<unsigned char>(c)) != 0 || std::string_view("/-._~").find(c) != std::string_view::npos;
    uri += is_plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return uri;
}

class LspServer final : public ServerUnderTest {
 public:
  explicit LspServer(LspServerOptions options) : options_(std::move(options)) {}
  ~LspServer() override { end_process(); }
  LspServer(const LspServer&) = delete;
  LspServer& operator=(const LspServer&) = delete;

  Result<void> start() override {
    std::signal(SIGPIPE, SIG_IGN);  // a server that ended is an error like others
    auto environment = boost::this_process::environment();
    process::environment its_own = environment;
    if (!options_.home.empty()) {
      for (const char* name : {"XDG_CACHE_HOME", "XDG_STATE_HOME"}) its_own[name] = options_.home.string();
    }
    std::error_code error;
    child_ = process::child(process::exe = "/bin/sh", process::args = {"-c", "exec " + options_.command}, process::std_err = log_file(),
                            process::std_in = to_server_, process::std_out = from_server_, process::env = its_own, error, io_);
    if (error) return fail(ErrorCode::kUnreadable, fmt::format("{}: {}", options_.command, error.message()));
    receive();
    const Json folders =
        options_.workspace.empty() ? Json(nullptr) : Json::array({{{"uri", uri_of(options_.workspace)}, {"name", "workspace"}}});
    const Json params{{"processId", ::getpid()},
                      {"rootUri", options_.workspace.empty() ? Json(nullptr) : Json(uri_of(options_.workspace))},
                      {"workspaceFolders", folders},
                      {"capabilities",
                       {{"general", {{"positionEncodings", {"utf-8", "utf-16"}}}},
                        {"textDocument", {{"inlineCompletion", Json::object()}, {"synchronization", Json::object()}}},
                        {"workspace", {{"workspaceFolders", true}}}}},
                      {"initializationOptions", options_.settings}};
    auto result = call("initialize", params);
    if (!result) return tl::unexpected(result.error());
    server_info_ = result->value("serverInfo", Json::object());
    const Json capabilities = result->value("capabilities", Json::object());
    if (!capabilities.contains("inlineCompletionProvider"))
      return fail(ErrorCode::kUnsupported, fmt::format("{}: expected a server with inlineCompletionProvider", options_.command));
    if (capabilities.value("positionEncoding", "utf-16") == "utf-8") encoding_ = lsp::PositionEncoding::kUtf8;
    notify("initialized", Json::object());
    return {};
  }

  void open(std::size_t file_idx, const TraceFile& file, const std::string& text) override {
    if (documents_.size() <= file_idx) documents_.resize(file_idx + 1);
    Document& document = documents_[file_idx];
    if (!document.uri.empty()) {  // as it was at the beginning
      document.text = text;
      return notify("textDocument/didChange",
                    {{"textDocument", {{"uri", document.uri}, {"version", ++document.version}}}, {"contentChanges", {{{"text", text}}}}});
    }
    document = {uri_of(file.path), text, 1};
    notify("textDocument/didOpen",
           {{"textDocument", {{"uri", document.uri}, {"languageId", file.language}, {"version", 1}, {"text", text}}}});
  }

  void edit(std::size_t file_idx, std::size_t start, std::size_t end, const std::string& text) override {
    Document& document = documents_.at(file_idx);
    const Json range{{"start", position(document, start)}, {"end", position(document, end)}};
    document.text.replace(start, end - start, text);
    notify("textDocument/didChange", {{"textDocument", {{"uri", document.uri}, {"version", ++document.version}}},
                                      {"contentChanges", {{{"range", range}, {"text", text}}}}});
  }

  void ask(std::size_t file_idx, std::size_t cursor, OnAnswer on_answer) override {
    cancel();
    const Document& document = documents_.at(file_idx);
    asked_ = Asked{++n_requests_, file_idx, cursor, std::nullopt, std::move(on_answer)};
    send(lsp::make_request(
        asked_->id, "textDocument/inlineCompletion",
        {{"textDocument", {{"uri", document.uri}}}, {"position", position(document, cursor)}, {"context", {{"triggerKind", 2}}}}));
  }

  void cancel() override {
    if (!asked_) return;
    notify("$/cancelRequest", {{"id", asked_->id}});
    finish({Outcome::kSuperseded, "", std::nullopt, std::chrono::steady_clock::now(), "", ""});
  }

  Result<void> run_until(TimePoint deadline, const std::function<bool()>& is_done) override {
    while (!is_done() && std::chrono::steady_clock::now() < deadline) {
      if (!broken_.empty()) return broken(broken_);
      io_.restart();
      io_.run_one_until(deadline);
    }
    return {};
  }

  void stop() override {
    asked_.reset();
    if (broken_.empty() && child_.valid()) {
      (void)call("shutdown", nullptr);
      notify("exit", nullptr);
      // Its end closes the stream.
      (void)run_until(std::chrono::steady_clock::now() + kPatience, [] { return false; });
    }
    end_process();
  }

  nlohmann::json info() override {
    Json info{{"command", options_.command}, {"name", server_info_.value("name", "")}, {"version", server_info_.value("version", "")}};
    if (!is_octet()) return info;
    if (const auto status = call("octet/status", nullptr)) {
      info["state"] = status->value("state", "");
      if (info["state"] == "failed") info["message"] = status->value("message", "");
      info["device"] = status->value("device", Json(nullptr));
      const Json model = status->value("model", Json(nullptr));
      if (model.is_object())
        info.update({{"model", model.value("name", "")}, {"sha256", model.value("sha256", "")}, {"load_ms", model.value("loadMs", 0.0)}});
    }
    return info;
  }

  std::optional<Counters> counters() override {
    if (!is_octet()) return std::nullopt;
    const auto statistics = call("workspace/executeCommand", {{"command", "octet.statistics"}});
    if (!statistics || !statistics->contains("session")) return std::nullopt;
    Counters counters;
    const Json flat = (*statistics)["session"].flatten();  // "/silent/cancelled"
    for (const auto& [name, value] : flat.items()) {
      if (value.is_number()) counters[name.substr(1)] = value.get<double>();
    }
    return counters;
  }

  nlohmann::json last_completion() override {
    if (!is_octet()) return nullptr;
    const auto explanation = call("octet/explain", nullptr);
    return explanation ? explanation->value("completion", Json(nullptr)) : Json(nullptr);
  }

  int process_id() const override { return child_.valid() ? child_.id() : 0; }

 private:
  struct Document {
    std::string uri;
    std::string text;
    int version = 0;
  };
  struct Asked {
    int id = 0;
    std::size_t file_idx = 0;
    std::size_t cursor = 0;
    std::optional<TimePoint> first;
    OnAnswer on_answer;
  };

  /// What it says beside the protocol is not for the reader of the figures.
  std::string log_file() const { return options_.home.empty() ? "/dev/null" : (options_.home / "server.log").string(); }

  /// `what` went wrong, with the last line of its log.
  tl::unexpected<Error> broken(const std::string& what) const {
    std::ifstream log(log_file());
    std::string last;
    for (std::string line; std::getline(log, line);) last = line.empty() ? last : line;
    return fail(ErrorCode::kUnreadable, fmt::format("{}: {}{}", options_.command, what, last.empty() ? "" : "; it said: " + last));
  }

  bool is_octet() const { return server_info_.value("name", "") == "octet"; }

  Json position(const Document& document, std::size_t offset) const {
    const lsp::Position position = lsp::to_position(document.text, offset, encoding_);
    return {{"line", position.line}, {"character", position.character}};
  }

  void notify(std::string_view method, Json params) { send(lsp::make_notification(method, std::move(params))); }

  /// Waits for the result.
  Result<Json> call(std::string_view method, Json params) {
    const int id = ++n_requests_;
    std::optional<Json> result;
    called_ = {id, &result};
    send(lsp::make_request(id, method, std::move(params)));
    const auto ran = run_until(std::chrono::steady_clock::now() + kPatience, [&] { return called_.second == nullptr; });
    called_.second = nullptr;
    if (!ran) return tl::unexpected(ran.error());
    if (!result) return broken(fmt::format("{} was not answered with a result", method));
    return *result;
  }

  void send(std::string body) {
    outbox_.push_back(fmt::format("Content-Length: {}\r\n\r\n", body.size()) + std::move(body));
    if (outbox_.size() == 1) send_next();
  }

  void send_next() {
    // What the pipe takes at once is under way when a key's time begins.
    asio::async_write(to_server_, asio::buffer(outbox_.front()), [this](const boost::system::error_code& error, std::size_t) {
      if (error) {
        broken_ = "does not read what it is sent: " + error.message();
        return;
      }
      outbox_.pop_front();
      if (!outbox_.empty()) send_next();
    });
  }

  void receive() {
    from_server_.async_read_some(asio::buffer(buffer_), [this](const boost::system::error_code& error, std::size_t n_bytes) {
      const TimePoint now = std::chrono::steady_clock::now();
      if (error) {
        broken_ = "ended";
        return;
      }
      framer_.feed({buffer_.data(), n_bytes});
      while (true) {
        auto body = framer_.next();
        if (!body) {
          broken_ = "sent what is no message: " + body.error().message;
          return;
        }
        if (!*body) break;
        take(lsp::parse_message(**body), now);
      }
      receive();
    });
  }

  void take(const lsp::Message& message, TimePoint now) {
    if (const auto* request = std::get_if<lsp::Request>(&message)) {
      send(lsp::make_result(request->id, nullptr));  // registrations, progress, configuration
    } else if (const auto* notification = std::get_if<lsp::Notification>(&message)) {
      if (asked_ && notification->method == "octet/inlineCompletionPartial" &&
          notification->params.value("requestId", Json()) == asked_->id && !asked_->first)
        asked_->first = now;
    } else if (const auto* response = std::get_if<lsp::Response>(&message)) {
      if (called_.second != nullptr && response->id == called_.first) {
        *called_.second = response->result;
        called_.second = nullptr;
      } else if (asked_ && response->id == asked_->id) {
        finish(answer_of(response->result, now));
      }
    }
  }

  Answer answer_of(const std::optional<Json>& result, TimePoint now) const {
    Answer answer{Outcome::kNothing, "", asked_->first, now, "", ""};
    if (!result) {
      answer.outcome = Outcome::kFailed;
      answer.error = "an error instead of a result";
      return answer;
    }
    const Json items = result->is_object() ? result->value("items", Json::array()) : *result;
    if (!items.is_array() || items.empty()) return answer;
    const Json& item = items[0];
    const Json text = item.value("insertText", Json());
    answer.text = text.is_object() ? text.value("value", "") : text.is_string() ? text.get<std::string>() : "";
    if (item.contains("range")) {
      // What stands between the range's start and the cursor is typed already.
      const Document& document = documents_.at(asked_->file_idx);
      const Json start = item["range"].value("start", Json::object());
      const std::size_t from = lsp::to_offset(document.text, {start.value("line", 0U), start.value("character", 0U)}, encoding_);
      const std::string_view typed = std::string_view(document.text).substr(from, asked_->cursor - std::min(from, asked_->cursor));
      if (!answer.text.starts_with(typed)) {
        answer.outcome = Outcome::kFailed;
        answer.error = "an item that does not begin with what is typed";
        return answer;
      }
      answer.text.erase(0, typed.size());
    }
    answer.outcome = answer.text.empty() ? Outcome::kNothing : Outcome::kText;
    if (!answer.first && answer.outcome == Outcome::kText) answer.first = now;
    const Json arguments = item.value("command", Json::object()).value("arguments", Json::array());
    if (!arguments.empty() && arguments[0].is_string()) answer.suggestion = arguments[0];
    return answer;
  }

  void finish(const Answer& answer) {
    const OnAnswer on_answer = std::move(asked_->on_answer);
    asked_.reset();
    on_answer(answer);
  }

  void end_process() {
    if (!child_.valid()) return;
    std::error_code ignored;
    if (child_.running(ignored)) child_.terminate(ignored);
    child_.wait(ignored);
  }

  LspServerOptions options_;
  asio::io_context io_;
  process::async_pipe to_server_{io_};
  process::async_pipe from_server_{io_};
  process::child child_;
  std::string broken_;  // why nothing more comes
  std::array<char, 1 << 16> buffer_{};
  lsp::MessageFramer framer_;
  std::deque<std::string> outbox_;
  std::vector<Document> documents_;
  Json server_info_ = Json::object();
  lsp::PositionEncoding encoding_ = lsp::PositionEncoding::kUtf16;
  int n_requests_ = 0;
  std::pair<int, std::optional<Json>*> called_{0, nullptr};
  std::optional<Asked> asked_;
};

}  // namespace

std::unique_ptr<ServerUnderTest> make_lsp_server(LspServerOptions options) { return std::make_unique<LspServer>(std::move(options)); }

}  // namespace octet::benchmarks
