// The framing of the base protocol (R3): what a peer may send, every way to break it, and every way to split it.
#include "lsp/message_framer.h"

#include <rapidcheck.h>

#include <catch2/catch.hpp>
#include <optional>
#include <string>
#include <vector>

namespace octet::tests {
namespace {

using lsp::kMaxBodyBytes;
using lsp::kMaxHeaderBytes;
using lsp::kMaxHeaderLineBytes;
using lsp::MessageFramer;

struct Outcome {
  std::vector<std::string> bodies;
  std::optional<ErrorCode> error;
  bool is_empty = true;

  bool operator==(const Outcome&) const = default;
};

/// Feeds `bytes` in pieces of `piece_bytes`, as a transport does: never more after an error.
Outcome feed(std::string_view bytes, std::size_t piece_bytes) {
  MessageFramer framer;
  Outcome outcome;
  for (std::size_t i = 0; i < bytes.size() && !outcome.error; i += piece_bytes) {
    framer.feed(bytes.substr(i, piece_bytes));
    for (;;) {
      auto body = framer.next();
      if (!body) {
        CHECK(!body.error().message.empty());
        outcome.error = body.error().code;
        break;
      }
      if (!*body) break;
      outcome.bodies.push_back(std::move(**body));
    }
  }
  outcome.is_empty = framer.is_empty();
  return outcome;
}

std::string frame(std::string_view body) { return "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body); }

struct Case {
  std::string bytes;
  std::optional<ErrorCode> error;  // none: one message with the body "12345", and then the body "next"
};

/// A header that announces the five bytes behind it, or fails; then a good message.
Case header_case(const std::string& header, std::optional<ErrorCode> error) { return {header + "\r\n\r\n12345" + frame("next"), error}; }

void check_cases(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    for (const std::size_t piece_bytes : {c.bytes.size(), std::size_t{1}, std::size_t{3}}) {
      CAPTURE(c.bytes.substr(0, 100), piece_bytes);
      const Outcome outcome = feed(c.bytes, piece_bytes);
      CHECK(outcome.error == c.error);
      if (c.error) {
        CHECK(outcome.bodies.empty());
      } else {
        CHECK(outcome.bodies == std::vector<std::string>{"12345", "next"});
        CHECK(outcome.is_empty);
      }
    }
  }
}

constexpr ErrorCode kMalformed = ErrorCode::kMalformed;
constexpr ErrorCode kTooLarge = ErrorCode::kTooLarge;
constexpr ErrorCode kUnsupported = ErrorCode::kUnsupported;
const std::optional<ErrorCode> kGood = std::nullopt;

}  // namespace

TEST_CASE("lengths are decimal numbers within the limit and nothing else") {
  std::vector<Case> cases;
  for (const char* length : {"5", "05", "0000000000000000000000000000005", " 5", "5 ", "   5   ", "\t5", "5\t", " \t 5 \t "}) {
    cases.push_back(header_case(std::string("Content-Length:") + length, kGood));
  }
  for (const char* length : {"",
                             " ",
                             "\t",
                             "+5",
                             "-5",
                             "-0",
                             "--5",
                             "- 5",
                             "-99999999999999999999",
                             "5.0",
                             "5e0",
                             "0x5",
                             "x5",
                             "5x",
                             "12abc",
                             "abc",
                             "5 5",
                             "5,5",
                             "5;",
                             "\"5\"",
                             "'5'",
                             "5\r",
                             "\v5",
                             "5\f",
                             "five",
                             "NaN",
                             "inf",
                             "null",
                             "$5",
                             "5%",
                             "5:",
                             ":5",
                             "５",
                             "٥",
                             "5\xff",
                             "\xff",
                             "5\x80",
                             "0b101",
                             "1_000",
                             "99999999999999999999x",
                             "5\x7f",
                             "\xc2\xa0"
                             "5"}) {
    cases.push_back(header_case(std::string("Content-Length: ") + length, kMalformed));
  }
  for (const char* length : {"33554433", "100000000", "2147483647", "2147483648", "4294967295", "4294967296", "4294967301",
                             "9223372036854775807", "9223372036854775808", "18446744073709551615", "18446744073709551616",
                             "18446744073709551621", "99999999999999999999", "1000000000000000000000000000000000000000"}) {
    cases.push_back(header_case(std::string("Content-Length: ") + length, kTooLarge));
  }
  for (const std::string& nul : {std::string("\0", 1), std::string("5\0", 2), std::string("\0005", 2), std::string("5\0006", 3)}) {
    cases.push_back(header_case("Content-Length: " + nul, kMalformed));
  }
  CHECK(cases.size() >= 65);
  check_cases(cases);
}

TEST_CASE("header names are matched without regard to case and only two are known") {
  std::vector<Case> cases;
  for (const char* name : {"Content-Length", "content-length", "CONTENT-LENGTH", "cOnTeNt-LeNgTh"}) {
    cases.push_back(header_case(std::string(name) + ": 5", kGood));
  }
  const std::string good = "\r\nContent-Length: 5";
  for (const std::string& line :
       {std::string("Content-Type: text/plain"), std::string("content-type:application/json"), std::string("CONTENT-TYPE: x")}) {
    cases.push_back(header_case(line + good, kGood));
    cases.push_back(header_case("Content-Length: 5\r\n" + line, kGood));
  }
  for (const std::string& line : {
           std::string("Content-Length : 5"),  // RFC 9110 forbids the space, and a proxy could be fooled by it
           std::string(" Content-Length: 5"),  // an obsolete folded line
           std::string("Content-Length"),      // no colon
           std::string("Content_Length: 5"),
           std::string("ContentLength: 5"),
           std::string("Content-Lengt: 5"),
           std::string("Content-Lengths: 5"),
           std::string("Length: 5"),
           std::string(": 5"),
           std::string(":"),
           std::string("5"),
           std::string("{\"jsonrpc\":\"2.0\"}"),
           std::string("Host: localhost"),
           std::string("Origin: http://evil.example"),
           std::string("Transfer-Encoding: chunked"),
           std::string("X-Header: 1"),
           std::string("POST / HTTP/1.1"),
           std::string("GET http://localhost/ HTTP/1.1"),
           std::string("Content-Length\0: 5", 18),
           std::string("\0Content-Length: 5", 18),
           std::string("\0", 1),
           std::string("\xff\xfe"
                       "Content-Length: 5"),
           std::string("Content-Length\xc0: 5"),
           std::string("\xef\xbb\xbf"
                       "Content-Length: 5"),  // a byte order mark
           std::string("\x80\x81"),
       }) {
    cases.push_back(header_case(line, kMalformed));
    cases.push_back(header_case(line + good, kMalformed));
    cases.push_back(header_case("Content-Length: 5\r\n" + line, kMalformed));
  }
  CHECK(cases.size() >= 80);
  check_cases(cases);
}

TEST_CASE("a length that stands twice is refused even when both agree") {
  check_cases({header_case("Content-Length: 5\r\nContent-Length: 5", kMalformed),
               header_case("Content-Length: 5\r\ncontent-length: 6", kMalformed),
               header_case("Content-Length: 5\r\nContent-Type: x\r\nContent-Length: 5", kMalformed),
               header_case("Content-Length: 0\r\nContent-Length: 5", kMalformed)});
}

TEST_CASE("only UTF-8 is taken as a content type's character set") {
  std::vector<Case> cases;
  for (const char* type :
       {"application/vscode-jsonrpc; charset=utf-8", "application/vscode-jsonrpc; charset=utf8", "application/vscode-jsonrpc;charset=UTF-8",
        "application/json; Charset=\"utf-8\"", "application/vscode-jsonrpc", "", "  text/plain\t"}) {
    cases.push_back(header_case(std::string("Content-Length: 5\r\nContent-Type:") + type, kGood));
  }
  for (const char* type : {"application/vscode-jsonrpc; charset=utf-16", "application/vscode-jsonrpc; charset=latin1", "x;CHARSET=ascii",
                           "x; charset=", "x; charset=\xff\xff"}) {
    cases.push_back(header_case(std::string("Content-Length: 5\r\nContent-Type: ") + type, kUnsupported));
  }
  check_cases(cases);
}

TEST_CASE("lines end with CR LF and a header ends with an empty line") {
  check_cases({
      {"Content-Length: 5\n\n12345", kMalformed},
      {"Content-Length: 5\n\r\n12345", kMalformed},
      {"Content-Length: 5\r\n\n12345", kMalformed},
      {"\n", kMalformed},
      {"\n\n\n", kMalformed},
      {"Content-Length: 5\r\r\n\r\n12345", kMalformed},
      {"Content-Length: 5\n\r\n\r12345\n", kMalformed},
      {"\r\n", kMalformed},
      {"\r\n\r\n", kMalformed},
      {"\r\nContent-Length: 5\r\n\r\n12345", kMalformed},
      {"Content-Type: x\r\n\r\n12345", kMalformed},
      {"POST / HTTP/1.1\r\nHost: localhost:1\r\nContent-Length: 5\r\n\r\n12345", kMalformed},
      {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\"}\n", kMalformed},
      {"\x16\x03\x01\x02\x01\x01\n", kMalformed},  // a TLS greeting
  });
}

TEST_CASE("a bad header behind a good message does not take the good message away") {
  for (const std::size_t piece_bytes : {std::size_t{1}, std::size_t{7}, std::size_t{1000}}) {
    const Outcome outcome = feed(frame("one") + frame("") + "Content-Length: -1\r\n\r\n", piece_bytes);
    CHECK(outcome.bodies == std::vector<std::string>{"one", ""});
    CHECK(outcome.error == kMalformed);
  }
}

TEST_CASE("a body may be empty and may hold anything") {
  for (const std::string& body : {std::string(), std::string("\0", 1), std::string("\r\n\r\n"), std::string("Content-Length: 3\r\n\r\n"),
                                  std::string("\xff\xfe\x80"), std::string(70000, 'x')}) {
    const Outcome expected{{body, body}, std::nullopt, true};
    CHECK(feed(frame(body) + frame(body), 1) == expected);
    CHECK(feed(frame(body) + frame(body), 1 << 20) == expected);
  }
}

TEST_CASE("three messages come out whole however the stream is cut in two") {
  const std::vector<std::string> bodies{"{\"a\":1}", "", "Content-Length: 1\r\n\r\nx"};
  const std::string stream = frame(bodies[0]) + "content-type: x\r\n" + frame(bodies[1]) + frame(bodies[2]);
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    CAPTURE(cut);
    MessageFramer framer;
    std::vector<std::string> found;
    for (const std::string& piece : {stream.substr(0, cut), stream.substr(cut)}) {
      framer.feed(piece);
      for (auto body = framer.next(); *body; body = framer.next()) found.push_back(**body);
    }
    CHECK(found == bodies);
    CHECK(framer.is_empty());
  }
}

TEST_CASE("a stream that ends inside a message is told from one that ends behind it") {
  const std::string message = frame("12345");
  const std::string stream = message + "Content-Type: x\r\n" + message;
  for (std::size_t n = 0; n <= stream.size(); ++n) {
    CAPTURE(n);
    const Outcome outcome = feed(std::string_view(stream).substr(0, n), 1);
    CHECK(outcome.is_empty == (n == 0 || n == message.size() || n == stream.size()));
    CHECK_FALSE(outcome.error);
  }
}

TEST_CASE("the largest body passes and one byte more is refused before it arrives") {
  MessageFramer framer;
  framer.feed("Content-Length: " + std::to_string(kMaxBodyBytes) + "\r\n\r\n");
  REQUIRE_FALSE(framer.next()->has_value());
  framer.feed(std::string(kMaxBodyBytes - 1, 'x'));
  REQUIRE_FALSE(framer.next()->has_value());
  framer.feed("y");
  const auto body = framer.next();
  REQUIRE(body->has_value());
  CHECK((*body)->size() == kMaxBodyBytes);
  CHECK((*body)->back() == 'y');
  CHECK(framer.is_empty());
  CHECK(feed("Content-Length: " + std::to_string(kMaxBodyBytes + 1) + "\r\n", 1).error == kTooLarge);
}

TEST_CASE("a header line is refused as soon as it is too long, with or without an end") {
  const std::string name = "Content-Type: ";
  const std::string longest = name + std::string(kMaxHeaderLineBytes - name.size() - 2, 'x') + "\r\n";
  CHECK(feed(longest + frame("12345"), 1000).bodies == std::vector<std::string>{"12345"});
  CHECK(feed(name + std::string(kMaxHeaderLineBytes, 'x') + "\r\n" + frame("12345"), 100000).error == kTooLarge);

  MessageFramer framer;
  std::size_t n_fed = 0;
  bool is_refused = false;
  for (; n_fed < 2 * kMaxHeaderLineBytes && !is_refused; ++n_fed) {
    framer.feed("a");
    is_refused = !framer.next().has_value();
  }
  CHECK(is_refused);
  CHECK(n_fed <= kMaxHeaderLineBytes + 1);
}

TEST_CASE("a header block is refused when it is too large, however short its lines are") {
  const std::string line = "Content-Type: x\r\n";
  std::string block;
  while (block.size() + line.size() + frame("").size() <= kMaxHeaderBytes) block += line;
  CHECK(feed(block + frame("12345"), 4096).bodies == std::vector<std::string>{"12345"});
  CHECK(feed(block + line + line + frame("12345"), 4096).error == kTooLarge);

  MessageFramer framer;
  std::size_t n_fed = 0;
  bool is_refused = false;
  for (; n_fed < 2 * kMaxHeaderBytes && !is_refused; n_fed += line.size()) {
    framer.feed(line);
    is_refused = !framer.next().has_value();
  }
  CHECK(is_refused);
  CHECK(n_fed <= kMaxHeaderBytes + line.size());

  SECTION("and the count begins anew with each message") {
    std::string stream;
    for (int i = 0; i < 3; ++i) stream += block + frame("12345");
    CHECK(feed(stream, 4096).bodies.size() == 3);
  }
}

TEST_CASE("any bodies come out as they went in under any split") {
  CHECK(rc::check("frame, split, read", [] {
    const auto bodies = *rc::gen::arbitrary<std::vector<std::string>>();
    std::string stream;
    for (const std::string& body : bodies) stream += frame(body);
    MessageFramer framer;
    std::vector<std::string> found;
    for (std::size_t at = 0; at < stream.size();) {
      const auto n = *rc::gen::inRange<std::size_t>(1, 40);
      framer.feed(std::string_view(stream).substr(at, n));
      at += n;
      for (;;) {
        auto body = framer.next();
        RC_ASSERT(body.has_value());
        if (!*body) break;
        found.push_back(**body);
      }
    }
    RC_ASSERT(found == bodies);
    RC_ASSERT(framer.is_empty());
  }));
}

TEST_CASE("random bytes never yield more than was sent and never hang") {
  CHECK(rc::check("no crash on noise", [] {
    const auto noise = *rc::gen::container<std::string>(rc::gen::elementOf(std::string("Content-Length: 0123456789\r\n\r\n\xff\0:", 33)));
    const Outcome outcome = feed(noise, *rc::gen::inRange<std::size_t>(1, 20));
    std::size_t n_bytes = 0;
    for (const std::string& body : outcome.bodies) n_bytes += body.size();
    RC_ASSERT(n_bytes <= noise.size());
  }));
}

}  // namespace octet::tests
