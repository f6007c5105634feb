// The engine thread: the newest request wins, every sink hears its end once, and a stop is honoured within a step.
#include <algorithm>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/completer.h"
#include "engine/engine.h"
#include "tests/support/scripted_runner.h"

namespace octet::tests {
namespace {

using engine::CompletionRequest;
using engine::CompletionResult;
using engine::Engine;
using engine::StopReason;

/// What all sinks of a test heard.
class Log {
 public:
  void done(std::size_t sink, CompletionResult result, std::string streamed) {
    {
      const std::lock_guard lock(mutex_);
      ends_.push_back({sink, std::move(result), std::move(streamed)});
    }
    changed_.notify_all();
  }

  struct End {
    std::size_t sink;
    CompletionResult result;
    std::string streamed;
  };

  /// Blocks until `n` sinks have ended; the ends so far.
  std::vector<End> wait_for(std::size_t n) {
    std::unique_lock lock(mutex_);
    REQUIRE(changed_.wait_for(lock, kHangTimeout, [&] { return ends_.size() >= n; }));
    return ends_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<End> ends_;
};

class LogSink final : public engine::CompletionSink {
 public:
  LogSink(Log& log, std::size_t idx) : log_(log), idx_(idx) {}
  void on_text(std::string_view text) override { streamed_ += text; }
  void on_done(CompletionResult result) override { log_.done(idx_, std::move(result), streamed_); }

 private:
  Log& log_;
  std::size_t idx_;
  std::string streamed_;
};

CompletionRequest request_for(const std::string& uri, std::stop_token cancelled = {}) {
  CompletionRequest request;
  request.document.uri = uri;
  request.document.text = std::make_shared<const std::string>("x = ");
  request.cursor = 4;
  request.cancelled = std::move(cancelled);
  return request;
}

}  // namespace

TEST_CASE("a completion arrives whole, streamed and at the end") {
  const auto model = std::make_shared<ScriptedModel>("compute(1)");
  Log log;
  Engine engine(opener(model), {});
  engine.submit(request_for("a"), std::make_unique<LogSink>(log, 0));
  const auto end = log.wait_for(1)[0];
  CHECK(end.result.text == "compute(1)");
  CHECK(end.streamed == "compute(1)");
  CHECK(end.result.stop_reason == StopReason::kEnd);
}

TEST_CASE("a newer request supersedes the one that runs and those that wait, of any document") {
  const auto model = std::make_shared<ScriptedModel>("compute(1)");
  model->step.shut();
  Log log;
  Engine engine(opener(model), {});
  engine.submit(request_for("a"), std::make_unique<LogSink>(log, 0));
  REQUIRE(model->step.wait_until_occupied());
  for (std::size_t i = 1; i < 4; ++i) engine.submit(request_for(i % 2 == 0 ? "a" : "b"), std::make_unique<LogSink>(log, i));
  model->step.open();
  const auto ends = log.wait_for(4);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(ends[i].sink == i);
    CHECK(ends[i].result.stop_reason == StopReason::kSuperseded);
    CHECK(ends[i].result.counts.steps_after_stop == (i == 0 ? 1 : 0));
  }
  CHECK(ends[3].sink == 3);
  CHECK(ends[3].result.text == "compute(1)");
}

TEST_CASE("a cancelled request takes no step after the one it is in") {
  const auto model = std::make_shared<ScriptedModel>(std::string(200, 'a'));
  model->step.shut();
  Log log;
  std::stop_source cancel;
  Engine engine(opener(model), {});
  engine.submit(request_for("a", cancel.get_token()), std::make_unique<LogSink>(log, 0));
  REQUIRE(model->step.wait_until_occupied());
  cancel.request_stop();
  model->step.open();
  const auto end = log.wait_for(1)[0];
  CHECK(end.result.stop_reason == StopReason::kCancelled);
  CHECK(model->n_forwards() == 1);
  CHECK(end.result.counts.steps_after_stop == 1);
}

TEST_CASE("at most the step under way ends after a request was stopped, wherever the stop comes") {
  const auto model = std::make_shared<ScriptedModel>(std::string(200, 'a'));
  engine::Completer completer(std::make_unique<ScriptedRunner>(model));
  const std::size_t n_alternatives = GENERATE(1U, 3U);
  for (std::size_t n_before = 0; n_before <= 20; ++n_before) {
    std::stop_source cancel;
    CompletionRequest request = request_for("a", cancel.get_token());
    request.alternatives = n_alternatives;
    request.use_draft = false;
    // Text arrives between two steps.
    std::size_t n_bytes = 0;
    const auto stop = [&](std::string_view text) {
      n_bytes += text.size();
      if (n_bytes > n_before) cancel.request_stop();
    };
    CHECK(completer.complete(request, {}, stop).counts.steps_after_stop <= 1);
  }
  CHECK(completer.complete(request_for("a"), {}, {}).counts.steps_after_stop == 0);
}

TEST_CASE("a step that serves several branches of a stopped request counts once") {
  /// Proposes nothing; the stop comes while its n-th step is under way.
  class StoppingDrafter final : public engine::Drafter {
   public:
    StoppingDrafter(std::stop_source& cancel, std::size_t n) : cancel_(cancel), n_left_(n) {}
    void propose(const engine::DraftPoint&, std::size_t, engine::Draft& draft) override {
      draft = {};
      if (n_left_ > 0 && --n_left_ == 0) cancel_.request_stop();
    }

   private:
    std::stop_source& cancel_;
    std::size_t n_left_;
  };
  for (std::size_t n = 1; n < 12; ++n) {
    const auto model = std::make_shared<ScriptedModel>(std::string(200, 'a'));
    std::stop_source cancel;
    engine::Completer completer(std::make_unique<ScriptedRunner>(model), {}, std::make_unique<StoppingDrafter>(cancel, n));
    CompletionRequest request = request_for("a", cancel.get_token());
    request.alternatives = 40;  // the first of them are control characters and end at once
    const auto result = completer.complete(request, {}, {});
    CHECK(result.stop_reason == StopReason::kCancelled);
    CHECK(result.counts.steps_after_stop == 1);
  }
}

TEST_CASE("a request that is cancelled while it waits takes no step at all") {
  const auto model = std::make_shared<ScriptedModel>("compute(1)");
  model->loading.shut();
  Log log;
  std::stop_source cancel;
  Engine engine(opener(model), {});
  engine.submit(request_for("a", cancel.get_token()), std::make_unique<LogSink>(log, 0));
  cancel.request_stop();
  model->loading.open();
  CHECK(log.wait_for(1)[0].result.stop_reason == StopReason::kCancelled);
  CHECK(model->n_forwards() == 0);
}

TEST_CASE("an engine that goes away answers all that it was asked") {
  const auto model = std::make_shared<ScriptedModel>(std::string(200, 'a'));
  model->loading.shut();
  Log log;
  {
    Engine engine(opener(model), {});
    for (std::size_t i = 0; i < 5; ++i) engine.submit(request_for("a"), std::make_unique<LogSink>(log, i));
    model->loading.open();
  }
  CHECK(log.wait_for(5).size() == 5);
}

TEST_CASE("a model that cannot be opened is reported, and requests end saying so") {
  Log log;
  std::string reported;
  Engine engine([]() -> Result<engine::OpenedModel> { return fail(ErrorCode::kNotFound, "no model there"); },
                [&](const Result<engine::ModelInfo>& model) { reported = model.error().message; });
  engine.submit(request_for("a"), std::make_unique<LogSink>(log, 0));
  CHECK(log.wait_for(1)[0].result.stop_reason == StopReason::kModelUnavailable);
  CHECK(reported == "no model there");
}

TEST_CASE("logits that are no numbers end the request and leave the engine usable") {
  const auto model = std::make_shared<ScriptedModel>("compute(1)", ScriptedModel::Logits::kNan);
  Log log;
  Engine engine(opener(model), {});
  for (std::size_t i = 0; i < 3; ++i) {
    engine.submit(request_for("a"), std::make_unique<LogSink>(log, i));
    const auto end = log.wait_for(i + 1)[i];
    CHECK(end.result.stop_reason == StopReason::kModelFailure);
    CHECK(end.result.text.empty());
  }
}

TEST_CASE("requests from several threads are each answered once") {
  const auto model = std::make_shared<ScriptedModel>("compute(1)");
  Log log;
  constexpr std::size_t kThreads = 4;
  constexpr std::size_t kRequests = 250;
  {
    Engine engine(opener(model), {});
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        std::mt19937 random(static_cast<std::uint32_t>(t));
        for (std::size_t i = 0; i < kRequests; ++i) {
          std::stop_source cancel;
          engine.submit(request_for(std::to_string(random() % 12), cancel.get_token()), std::make_unique<LogSink>(log, t * kRequests + i));
          if (random() % 2 == 0) cancel.request_stop();
        }
      });
    }
    for (auto& thread : threads) thread.join();
  }
  std::vector<int> n_ends(kThreads * kRequests);
  for (const auto& end : log.wait_for(n_ends.size())) {
    ++n_ends[end.sink];
    // Whatever was shown is a part of what the model writes.
    CHECK(std::string("compute(1)").starts_with(end.streamed));
  }
  CHECK(std::all_of(n_ends.begin(), n_ends.end(), [](int n) { return n == 1; }));
}

TEST_CASE("a prompt is read in chunks that take no longer than a cancellation may") {
  struct Case {
    double ms_per_position;
    std::size_t chunk;
  };
  for (const Case& c : {Case{0.001, 64}, Case{1.0, 10}, Case{2.4, 4}, Case{100.0, 1}}) {
    const auto model = std::make_shared<ScriptedModel>("a");
    const engine::StepCosts costs({c.ms_per_position, 2 * c.ms_per_position}, 0);
    engine::Completer completer(std::make_unique<ScriptedRunner>(model), costs);
    CompletionRequest request = request_for("a");
    request.document.text = std::make_shared<const std::string>(300, 'a');
    request.cursor = 300;
    request.limits.max_bytes = 1;
    const auto result = completer.complete(request, {}, {});
    CAPTURE(c.ms_per_position, result.counts.prompt_bytes);
    CHECK(result.counts.prompt_bytes > 300);
    CHECK(model->n_forwards() - result.counts.steps == (result.counts.prompt_bytes + c.chunk - 1) / c.chunk);
  }
}

TEST_CASE("a completion ends by the grammar where there is one and the document is not too large, and by its budget elsewhere") {
  engine::Completer completer(std::make_unique<ScriptedRunner>(std::make_shared<ScriptedModel>("foo(bar")));
  const auto complete = [&](const std::string& language, const std::string& path, const std::string& before, bool use_syntax = true) {
    engine::CompletionRequest request;
    request.document.uri = path;
    request.document.path = path;
    request.document.language = language;
    request.document.text = std::make_shared<const std::string>(before + "x = \n");
    request.cursor = request.document.text->size() - 1;
    request.limits.max_bytes = 5;
    request.use_syntax = use_syntax;
    return completer.complete(request, {}, {}).text;
  };
  CHECK(complete("python", "a.py", "") == "foo");
  CHECK(complete("", "b.py", "") == "foo");
  CHECK(complete("python", "a.py", "", /*use_syntax=*/false) == "foo(b");
  CHECK(complete("plaintext", "a.txt", "") == "foo(b");
  CHECK(complete("", "a.unknown", "") == "foo(b");
  CHECK(complete("python", "a.py", std::string(600 << 10, '\n')) == "foo(b");
  // Another language for the same document, and back.
  CHECK(complete("lua", "a.py", "") == "foo");
  CHECK(complete("python", "a.py", "y = 1\n") == "foo");
}

TEST_CASE("a time budget ends decoding with the text so far") {
  const auto model = std::make_shared<ScriptedModel>(std::string(4000, 'a'));
  engine::Completer completer(std::make_unique<ScriptedRunner>(model));
  CompletionRequest request = request_for("a");
  request.limits.max_bytes = 4000;
  request.limits.max_decode_ms = 1;
  request.raw = true;
  const auto result = completer.complete(request, {}, {});
  const bool ended_early = result.stop_reason == StopReason::kTimeBudget && result.text.size() < 4000;
  const bool was_quick = result.stop_reason == StopReason::kByteBudget && result.text.size() == 4000;
  CHECK((ended_early || was_quick));
}

}  // namespace octet::tests
