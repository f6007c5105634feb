#include "benchmarks/latency/infill_server.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

namespace octet::benchmarks {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;
using Json = nlohmann::json;

struct Url {
  std::string host;
  std::string port;
  std::string target;
};

/// One request and its connection. Lives as long as one of its handlers does.
class Exchange : public std::enable_shared_from_this<Exchange> {
 public:
  Exchange(asio::io_context& io, OnAnswer on_answer) : socket_(io), on_answer_(std::move(on_answer)) {
    parser_.body_limit(std::uint64_t{64} << 20);
    parser_.on_chunk_body(on_chunk_);
  }

  void begin(const tcp::resolver::results_type& where, const Url& url, const std::string& body) {
    request_ = {http::verb::post, url.target, 11};
    request_.set(http::field::host, url.host);
    request_.set(http::field::content_type, "application/json");
    request_.body() = body;
    request_.prepare_payload();
    asio::async_connect(socket_, where, [self = shared_from_this()](const error_code& error, const tcp::endpoint&) {
      if (error) return self->finish_with(error);
      self->socket_.set_option(tcp::no_delay(true));
      http::async_write(self->socket_, self->request_, [self](const error_code& failed, std::size_t) {
        if (failed) return self->finish_with(failed);
        http::async_read(self->socket_, self->buffer_, self->parser_, [self](const error_code& ended, std::size_t) {
          if (ended) return self->finish_with(ended);
          if (self->parser_.get().result() != http::status::ok) {
            return self->finish(Outcome::kFailed, fmt::format("status {}", self->parser_.get().result_int()));
          }
          self->take(self->parser_.get().body());  // where it did not stream
          self->finish(self->answer_.text.empty() ? Outcome::kNothing : Outcome::kText, "");
        });
      });
    });
  }

  void withdraw() {
    error_code ignored;
    socket_.close(ignored);
    finish(Outcome::kSuperseded, "");
  }

  bool is_done() const { return on_answer_ == nullptr; }

 private:
  void finish_with(const error_code& error) { finish(Outcome::kFailed, error.message()); }

  void finish(Outcome outcome, std::string error) {
    if (!on_answer_) return;
    answer_.outcome = outcome;
    answer_.whole = std::chrono::steady_clock::now();
    answer_.error = std::move(error);
    std::exchange(on_answer_, nullptr)(answer_);
  }

  /// Events of a stream, "data: {...}" lines, or one object.
  void take(std::string_view text) {
    unread_ += text;
    for (std::size_t end = unread_.find('\n'); end != std::string::npos; end = unread_.find('\n')) {
      take_line(unread_.substr(0, end));
      unread_.erase(0, end + 1);
    }
    if (!unread_.starts_with("data:") && Json::accept(unread_)) take_line(std::exchange(unread_, ""));
  }

  void take_line(std::string_view line) {
    if (line.starts_with("data:")) line.remove_prefix(5);
    const Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!json.is_object() || !json.contains("content") || !json["content"].is_string()) return;
    const std::string content = json["content"];
    if (!content.empty() && !answer_.first) answer_.first = std::chrono::steady_clock::now();
    answer_.text += content;
  }

  std::function<std::size_t(std::uint64_t, boost::beast::string_view, error_code&)> on_chunk_ =
      [this](std::uint64_t, boost::beast::string_view body, error_code&) {
        take({body.data(), body.size()});
        return body.size();
      };
  tcp::socket socket_;
  http::request<http::string_body> request_;
  boost::beast::flat_buffer buffer_;
  http::response_parser<http::string_body> parser_;
  OnAnswer on_answer_;
  Answer answer_;
  std::string unread_;
};

class InfillServer final : public ServerUnderTest {
 public:
  InfillServer(Url url, std::string spelling, Json options)
      : url_(std::move(url)), spelling_(std::move(spelling)), options_(std::move(options)) {}

  Result<void> start() override {
    error_code error;
    where_ = tcp::resolver(io_).resolve(url_.host, url_.port, error);
    if (error) return fail(ErrorCode::kUnreadable, fmt::format("{}: {}", spelling_, error.message()));
    return {};
  }

  void open(std::size_t file_idx, const TraceFile&, const std::string& text) override {
    if (texts_.size() <= file_idx) texts_.resize(file_idx + 1);
    texts_[file_idx] = text;
  }

  void edit(std::size_t file_idx, std::size_t start, std::size_t end, const std::string& text) override {
    texts_.at(file_idx).replace(start, end - start, text);
  }

  void ask(std::size_t file_idx, std::size_t cursor, OnAnswer on_answer) override {
    cancel();
    Json body{{"input_prefix", texts_.at(file_idx).substr(0, cursor)},
              {"input_suffix", texts_.at(file_idx).substr(cursor)},
              {"prompt", ""},
              {"stream", true},
              {"temperature", 0}};
    body.update(options_);
    asked_ = std::make_shared<Exchange>(io_, std::move(on_answer));
    asked_->begin(where_, url_, body.dump(-1, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace));
  }

  void cancel() override {
    if (asked_ && !asked_->is_done()) asked_->withdraw();
    asked_.reset();
  }

  Result<void> run_until(TimePoint deadline, const std::function<bool()>& is_done) override {
    while (!is_done() && std::chrono::steady_clock::now() < deadline) {
      io_.restart();
      if (io_.run_one_until(deadline) == 0 && !is_done()) {
        asio::steady_timer timer(io_, deadline);  // nothing is under way
        timer.wait();
      }
    }
    return {};
  }

  void stop() override { cancel(); }

  nlohmann::json info() override { return {{"command", spelling_}, {"name", "infill"}}; }

 private:
  Url url_;
  std::string spelling_;
  Json options_;
  asio::io_context io_;
  tcp::resolver::results_type where_;
  std::vector<std::string> texts_;
  std::shared_ptr<Exchange> asked_;
};

}  // namespace

Result<std::unique_ptr<ServerUnderTest>> make_infill_server(const std::string& url, nlohmann::json options) {
  constexpr std::string_view kScheme = "http://";
  const std::string rest = url.starts_with(kScheme) ? url.substr(kScheme.size()) : "";
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  const std::size_t colon = rest.rfind(':', slash);
  const std::string port = colon < slash ? rest.substr(colon + 1, slash - colon - 1) : "";
  if (port.empty() || port.find_first_not_of("0123456789") != std::string::npos || colon == 0)
    return fail(ErrorCode::kInvalidArgument, fmt::format("{}: expected http://HOST:PORT/PATH", url));
  const std::string target = slash < rest.size() ? rest.substr(slash) : "/infill";
  return std::make_unique<InfillServer>(Url{rest.substr(0, colon), port, target}, url, std::move(options));
}

}  // namespace octet::benchmarks
