// Trees follow the edits of their documents, whatever these are, and what they say of a place is right. `|` is the cursor.
#include <algorithm>
#include <array>
#include <chrono>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/syntax/language.h"
#include "engine/syntax/syntax_tree.h"
#include "engine/syntax/written_text.h"
#include "tests/engine/syntax_sample_texts.h"
#include "tests/support/golden.h"

namespace octet::tests {
namespace {

using engine::find_language;
using engine::GiveUp;
using engine::Language;
using engine::SyntaxTree;
using engine::TextKind;
using engine::WrittenText;

constexpr auto kNever = [] { return false; };

std::shared_ptr<const std::string> shared(std::string text) { return std::make_shared<const std::string>(std::move(text)); }

SyntaxTree parsed(const Language& language, std::string text) {
  SyntaxTree tree(language);
  REQUIRE(tree.update(shared(std::move(text)), kNever));
  return tree;
}

std::size_t n_errors_in(const SyntaxTree& tree) { return WrittenText(tree, 0).n_errors("").value(); }

struct Sample {
  const Language* language;
  std::string text;
};

/// Real code of each language that there is a grammar for, one to two thousand bytes of each.
const std::vector<Sample>& samples() {
  static const std::vector<Sample> all = [] {
    std::vector<Sample> made{{find_language("shellscript", ""), std::string(kBash)},
                             {find_language("java", ""), std::string(kJava)},
                             {find_language("typescriptreact", ""), std::string(kTsx)}};
    constexpr std::array<std::array<const char*, 2>, 9> kFiles{{{"c", "benchmarks/samples/ring_buffer.c"},
                                                                {"cpp", "engine/decode/verify.cpp"},
                                                                {"go", "benchmarks/samples/worker_pool.go"},
                                                                {"javascript", "benchmarks/samples/router.js"},
                                                                {"json", "CMakePresets.json"},
                                                                {"lua", "tests/clients/neovim/run.lua"},
                                                                {"python", "benchmarks/samples/lru_cache.py"},
                                                                {"rust", "benchmarks/samples/tokenizer.rs"},
                                                                {"typescript", "benchmarks/samples/debounce.ts"}}};
    for (const auto& [id, path] : kFiles) {
      std::ifstream file(source_dir() / path, std::ios::binary);
      std::string text(std::istreambuf_iterator<char>(file), {});
      const Language& language = *find_language(id, "");
      // The longest beginning that is well formed by itself.
      while (text.size() > 2500 || n_errors_in(parsed(language, text)) > 0) {
        text.resize(text.rfind('\n', std::min<std::size_t>(text.size() - 2, 2500)) + 1);
      }
      made.push_back({find_language(id, ""), text});
    }
    return made;
  }();
  return all;
}

bool is_inside_character(const std::string& text, std::size_t offset) {
  return offset < text.size() && (static_cast<unsigned char>(text[offset]) & 0xC0) == 0x80;
}

std::size_t random_offset(const std::string& text, std::mt19937& random) {
  std::size_t offset = random() % (text.size() + 1);
  while (is_inside_character(text, offset)) ++offset;
  return offset;
}

/// What opens and closes things in one language or another, and letters that differ in their last byte alone.
constexpr std::array kPieces{
    "/*",      "*/",       "//",    "\"\"\"", "'''",  "${", "}", "#{", "<<E\n", "E\n", "--[[", "]]", "r#\"", "\"#",
    "#if 0\n", "#endif\n", "\r\n",  "\n\n",   "    ", "\t", "é", "è",  "×",     "漢",  "漣",   "😀",  "😁",    "\xEF\xBB\xBF",
    "if ",     "else",     "end\n", "(",      ")",    "[",  "]", "{",  "<",     ">",   "\"",   "'",  "`",    "\\",
    ";",       ":",        ",",     ".",      "=",    "=>", "+", "-",  "a",     "_1",  "0x",   "@",  "$",    "!"};

/// A person's edit, or what a tool does to a text.
std::string edited(const std::string& text, const std::string& original, std::mt19937& random) {
  std::string out = text;
  const std::size_t at = random_offset(text, random);
  std::size_t cut = std::min(text.size(), at + random() % 30);
  while (is_inside_character(text, cut)) ++cut;
  switch (random() % 13) {
    case 0: return original;
    case 1: return out.erase(at, cut - at);
    case 2: return out.replace(at, cut - at, kPieces[random() % kPieces.size()]);
    case 3: {
      const std::size_t line_end = text.find('\n', at);
      return line_end == std::string::npos ? out : out.erase(at, line_end + 1 - at);
    }
    case 4: {
      const std::size_t from = random_offset(text, random);
      std::size_t to = std::min(text.size(), from + random() % 80);
      while (is_inside_character(text, to)) ++to;
      return out.insert(at, text.substr(from, to - from));
    }
    case 5: {
      std::size_t next = std::min(text.size(), at + 1);
      while (is_inside_character(text, next)) ++next;
      return out.replace(at, next - at, kPieces[random() % kPieces.size()]);
    }
    default: return out.insert(at, kPieces[random() % kPieces.size()]);
  }
}

/// `start` and then `piece` again and again, n_bytes in all.
std::string repeated(std::string_view piece, std::size_t n_bytes, std::string_view start = "") {
  std::string text(n_bytes, ' ');
  for (std::size_t i = 0; i < n_bytes; ++i) text[i] = i < start.size() ? start[i] : piece[(i - start.size()) % piece.size()];
  return text;
}

/// Texts that nobody writes: cut off, noise, one endless line, nothing but openers.
std::vector<std::string> hostile_texts(const Sample& sample) {
  std::vector<std::string> texts{"", "\n", repeated(std::string_view("\0", 1), 100), "\xEF\xBB\xBF", "\xF0\x9F"};
  for (std::size_t n = 1; n < sample.text.size(); n += 41) texts.push_back(sample.text.substr(0, n));

  std::mt19937 random(4);
  std::string noise;
  while (noise.size() < 20'000) noise.push_back(static_cast<char>(random()));
  texts.push_back(noise);
  for (char& c : noise) c = static_cast<char>(' ' + random() % 95);
  texts.push_back(noise);

  constexpr std::size_t kLine = std::size_t{512} << 10;
  std::string minified = sample.text;
  std::ranges::replace(minified, '\n', ' ');
  for (const std::string& piece : {std::string("a"), std::string("b1 + "), minified}) texts.push_back(repeated(piece, kLine, "a = "));
  texts.push_back(repeated("\"x\", 1, ", kLine, "["));

  constexpr std::size_t kDeep = 100'000;
  for (const std::string brackets : {"()", "[]", "{}", "<>"}) {
    const std::string open = repeated(brackets.substr(0, 1), kDeep);
    const std::string close = repeated(brackets.substr(1), kDeep);
    for (const std::string& text : {open, close, open + "1" + close}) texts.push_back(text);
  }
  for (const char* piece : {"/*", "if (a) ", "-", "\"\"\"", "`${", "a.", "a(", "\n ", "\t\t\t\n", "f(function() {", "#if 1\n", "<a>",
                            "else ", "case 1: ", "$(", "a ? ", "x: ", "fn a() {", "<<E\n"}) {
    const std::string text = repeated(piece, kDeep / 4);
    texts.push_back(text);
  }
  return texts;
}

}  // namespace

// Of a text without errors there is one tree. Where there are errors, what is skipped or made up depends on what the parser could take
// over from the tree before: tree-sitter promises an error where there is one, and not the same one. The scanner of bash's grammar keeps
// less than it should from one parse to the next: of ten runs of 2000 edits one in 440 was read otherwise than afresh.
TEST_CASE("a tree that follows random edits is the tree of the text", "[long]") {
  for (const Sample& sample : samples()) {
    INFO(sample.language->name);
    std::mt19937 random(1);
    std::string text = sample.text;
    SyntaxTree tree = parsed(*sample.language, text);
    std::size_t n_sound = 0;
    std::size_t n_recovered_otherwise = 0;
    std::size_t n_misread = 0;
    constexpr std::size_t kEdits = 2000;
    const std::size_t n_may_be_misread = sample.language->name == "bash" ? kEdits / 100 : 0;
    for (std::size_t i = 0; i < kEdits; ++i) {
      text = edited(text, sample.text, random);
      REQUIRE(tree.update(shared(text), kNever));
      REQUIRE(tree.text() == text);
      const SyntaxTree fresh = parsed(*sample.language, text);
      const bool is_sound = n_errors_in(fresh) == 0;
      const bool is_same = tree.to_text() == fresh.to_text();
      if (is_sound) ++n_sound;
      if (is_sound && !is_same) {
        INFO("of\n" << text << "\nthe tree is\n" << tree.to_text() << "\nnot\n" << fresh.to_text());
        REQUIRE(++n_misread <= n_may_be_misread);
      }
      if (!is_same) ++n_recovered_otherwise;
      if (is_sound != (n_errors_in(tree) == 0)) {
        INFO("errors in one tree alone of\n" << text);
        REQUIRE(++n_misread <= n_may_be_misread);
      }
    }
    CHECK(n_sound >= kEdits / 20);
    CHECK(n_recovered_otherwise <= kEdits / 20);
  }
}

TEST_CASE("a tree that was given up again and again gets to its text") {
  for (const Sample& sample : samples()) {
    INFO(sample.language->name);
    std::mt19937 random(2);
    const bool may_repeat = sample.language->name != "json";
    const std::string original = repeated(sample.text, sample.text.size() * (may_repeat ? 4 : 1));
    SyntaxTree tree(*sample.language);
    std::string text = original;
    std::size_t n_given_up = 0;
    for (int i = 0; i < 200; ++i) {
      const auto wanted = shared(text);
      const auto given_up_after = [&](std::size_t n_looks) { return [n_looks]() mutable { return n_looks-- == 0; }; };
      bool is_done = tree.update(wanted, given_up_after(random() % 8));
      // Sometimes the same text is asked for again, sometimes the next one comes.
      while (!is_done && random() % 2 == 0) is_done = tree.update(wanted, given_up_after(random() % 8));
      if (!is_done) {
        ++n_given_up;
        CHECK(tree.tree() == nullptr);
        CHECK(tree.kind_at(text.size() / 2) == TextKind::kCode);
      } else {
        REQUIRE(tree.text() == text);
      }
      if (i % 10 == 9) {
        REQUIRE(tree.update(wanted, kNever));
        const SyntaxTree fresh = parsed(*sample.language, text);
        const bool is_sound = n_errors_in(fresh) == 0;
        REQUIRE(is_sound == (n_errors_in(tree) == 0));
        if (is_sound) REQUIRE(tree.to_text() == fresh.to_text());
        text = original;
      } else {
        text = edited(text, original, random);
      }
    }
    CHECK(n_given_up >= 20);
  }
}

TEST_CASE("the errors with a written text are those of the whole text") {
  for (const Sample& sample : samples()) {
    INFO(sample.language->name);
    std::mt19937 random(3);
    std::size_t n_sound = 0;
    std::size_t n_counted_otherwise = 0;
    std::size_t n_looks = 0;
    std::size_t n_misread = 0;
    const std::size_t n_may_be_misread = sample.language->name == "bash" ? 12 : 0;  // of 1200: as above
    for (int i = 0; i < 40; ++i) {
      // A place in the text, and the lines that stood there: a writer goes towards them, turns back, and writes something else.
      const std::size_t cursor = random_offset(sample.text, random);
      std::size_t end = std::min(sample.text.size(), cursor + random() % 120);
      while (is_inside_character(sample.text, end)) ++end;
      const std::string truth = sample.text.substr(cursor, end - cursor);
      const std::string prefix = sample.text.substr(0, cursor);
      const std::string suffix = sample.text.substr(end);
      const SyntaxTree tree = parsed(*sample.language, prefix + suffix);
      WrittenText writer(tree, cursor);
      std::string written;
      for (int look = 0; look < 30; ++look) {
        const std::size_t length = std::min(truth.size(), written.size() + random() % 12);
        switch (random() % 6) {
          case 0: written = truth; break;
          case 1: written.resize(written.size() - std::min<std::size_t>(written.size(), random() % 12)); break;
          case 2: written = edited(written, truth, random); break;
          default:
            written = written == truth.substr(0, written.size()) ? truth.substr(0, length) : written + kPieces[random() % kPieces.size()];
        }
        const auto n_errors = writer.n_errors(written);
        if (!n_errors) break;  // the machine is busy; this writer hears nothing more
        const std::size_t n_expected = n_errors_in(parsed(*sample.language, prefix + written + suffix));
        if ((n_expected == 0) != (*n_errors == 0)) {
          INFO(*n_errors << " errors, not " << n_expected << " in\n" << prefix << "[" << written << "]" << suffix);
          REQUIRE(++n_misread <= n_may_be_misread);
        }
        if (n_expected == 0) ++n_sound;
        if (n_expected != *n_errors) ++n_counted_otherwise;
        ++n_looks;
      }
    }
    CHECK(n_sound >= n_looks / 20);
    CHECK(n_counted_otherwise <= n_looks / 20);
    CHECK(n_looks >= 300);
  }
}

// Some of these take minutes, because tree-sitter's recovery looks at what it skipped again and again. It asks whether to give up at least
// every tenth of a second, and that bounds the time here as it does where people wait.
TEST_CASE("no text breaks a tree, and none holds it up once it is gone", "[long]") {
  for (const Sample& sample : samples()) {
    INFO(sample.language->name);
    const SyntaxTree fresh = parsed(*sample.language, sample.text);
    std::size_t n_parsed = 0;
    std::size_t n_given_up = 0;
    for (const std::string& text : hostile_texts(sample)) {
      SyntaxTree tree(*sample.language);
      const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(20);
      const auto is_late = [deadline] { return std::chrono::steady_clock::now() >= deadline; };
      if (tree.update(shared(text), is_late)) {
        ++n_parsed;
        for (const std::size_t cursor : {text.size() / 2, text.size()}) {
          (void)tree.kind_at(cursor);
          WrittenText written(tree, cursor);
          (void)written.n_errors("");
          (void)written.n_errors("a(");
        }
        (void)tree.update(shared(text.substr(0, text.size() / 2) + "(" + text.substr(text.size() / 2)), is_late);
      } else {
        ++n_given_up;
        REQUIRE(tree.tree() == nullptr);
      }
      // Whoever deletes it has a tree after a few more tries.
      const auto wanted = shared(sample.text);
      bool is_done = false;
      for (int i = 0; i < 20 && !is_done; ++i) is_done = tree.update(wanted, [] { return true; });
      REQUIRE(tree.update(wanted, [n_looks = 0]() mutable { return ++n_looks > 2000; }));
      CHECK(tree.to_text() == fresh.to_text());
    }
    CHECK(n_parsed >= 20);
    CHECK(n_given_up >= 1);
  }
}

TEST_CASE("an edit inside a character is an edit of the character") {
  // The first byte of both is the same; with one of them the word goes on, with the other it does not.
  const Language& python = *find_language("python", "");
  for (const auto& [from, to] : {std::pair{"b = a× + 1\n", "b = aé + 1\n"}, std::pair{"b = aé + 1\n", "b = a× + 1\n"}}) {
    SyntaxTree tree = parsed(python, from);
    REQUIRE(tree.update(shared(to), kNever));
    CHECK(tree.to_text() == parsed(python, to).to_text());

    const SyntaxTree around = parsed(python, "b =  + 1\n");
    WrittenText written(around, 4);
    for (const std::string word : {"a×", "aé", "a×", "aé"}) {
      CHECK(written.n_errors(word).value() == n_errors_in(parsed(python, "b = " + word + " + 1\n")));
    }
  }
}

/// `marked` with its cursors, and what stands before each: c for code, m for a comment, s for a string: "x = |c1  # |m"
struct Kinds {
  const char* id;
  const char* marked;
};

TEST_CASE("a language is found by its identifier, else by the path's ending") {
  const auto name_of = [](std::string_view id, std::string_view path) {
    const Language* language = find_language(id, path);
    return language == nullptr ? std::string_view("none") : language->name;
  };
  CHECK(name_of("rust", "a.py") == "rust");
  CHECK(name_of("", "src/a.py") == "python");
  CHECK(name_of("unheard-of", "src/a.py") == "python");
  CHECK(name_of("shellscript", "") == "bash");
  CHECK(name_of("javascriptreact", "") == "javascript");
  CHECK(name_of("typescriptreact", "") == "tsx");
  CHECK(name_of("jsonc", "") == "json");
  for (const auto& [path, name] : {std::pair{"a.c", "c"},
                                   {"a.h", "cpp"},
                                   {"a.hpp", "cpp"},
                                   {"a.go", "go"},
                                   {"A.java", "java"},
                                   {"a.mjs", "javascript"},
                                   {"a.json", "json"},
                                   {"a.lua", "lua"},
                                   {"a.pyi", "python"},
                                   {"a.d.ts", "typescript"},
                                   {"a.tsx", "tsx"},
                                   {".x.sh", "bash"}}) {
    CHECK(name_of("", path) == name);
  }
  for (const char* path : {"", "c", "py", "a.", "a.py/b", "a.PY", "a.txt", "a.rs~"}) CHECK(name_of("", path) == "none");
}

TEST_CASE("what a cursor stands in is told") {
  const Kinds all[] = {
      {"bash", "|cecho|c \"|sa|s\"|c '|sa|s'|c $'|sa\\n|s' \"|s${a|c}|s$(ls|c \"|sb|s\")|s c|s\" # |ma|m\n|cb=1|c\n"},
      {"bash", "cat <<< a|c\ncat <<E\na|s\nb|s\nE\n|cls\n"},
      {"c",
       "|cint|c a; // |ma|m\n|c/*|m b |m*|m/|c char* c = \"|sd|s\"|c \"|se\\n|s\" \"f\" |c\"|sg\";|c\n#include <|sa.h|s>\nchar h = "
       "'|si|s'|c;\n"},
      {"cpp", "|cint a; // |ma\n|c/*|m b |m*/|c auto c = \"|sd|s\"|c \"e\" |c\"f\"; auto g = R\"(|sh|s)\"|c;\n"},
      {"go", "package p|c\n\n// |ma|m\n|cvar a|c = \"|sb|s\"|c + `|sc\nd|s`|c + string(e|c) /*|mf|m*/|c\n"},
      {"java", "|cclass A { // |ma|m\n|c  /** |ma */|c String a = \"|sb|s\"|c + \"\"\"\n  |sc|s\"\"\"|c; char d = '|se|s'; }|c\n"},
      {"javascript", "|clet a = \"|sb|s\"|c + '|sc|s'|c + `|sd${|ce|c + \"|sf|s\"|c}|sg|s`|c; // |mh|m\n|c/*|m i |m*/|c\n"},
      {"json", "{|c\"|sa|s\"|c: [\"|s\"|c, 1|c]}|c\n"},
      {"lua", "local a|c = \"|sb|s\"|c .. [[|sc\nd|s]]|c -- |me|m\n|c--[[|m f\n|mg ]|m]|c local h = 1|c --[==[|m i ]]|m ]==]|c\n"},
      {"python", "a|c = \"|sb|s\"|c + f'|sc{d|c}|se{{|sf}}|s'|c  # |mg|m\n|ch = \"\"\"|si\n|sj|s\"\"\"|c\nk = ('|sl|s' |c'|sm')|c\n"},
      {"rust",
       "|cfn a|c() { // |mb|m\n|c  let c = \"|sd|s\"|c; let e = r#\"|sf|s\"#|c; /*|m g |m*/|c }\n/// |mh|m\n|cfn i() {}|c\n//! |mj|m\n"},
      {"typescript", "|clet a: string|c = \"|sb|s\"|c + `|sc${|cd}|s`|c; // |me|m\n|c/*|m f |m*/|c\n"},
      {"typescriptreact", "const a|c = <b c=\"|sd|s\"|c e={`|sf${|cg}|s`|c}>{/*|m h |m*/|c}</b>;|c // |mi|m\n|c"},
  };
  for (const auto& [id, marked] : all) {
    std::string text;
    std::vector<std::pair<std::size_t, TextKind>> cursors;
    for (std::string_view rest = marked; !rest.empty();) {
      if (rest[0] == '|') {
        cursors.emplace_back(text.size(), rest[1] == 'c' ? TextKind::kCode : rest[1] == 'm' ? TextKind::kComment : TextKind::kString);
        rest.remove_prefix(2);
      } else {
        text += rest[0];
        rest.remove_prefix(1);
      }
    }
    const SyntaxTree tree = parsed(*find_language(id, ""), text);
    INFO(id << ": " << tree.to_text());
    CHECK(n_errors_in(tree) == 0);
    for (const auto& [offset, kind] : cursors) {
      INFO(text.substr(0, offset) << '|' << text.substr(offset));
      CHECK(static_cast<int>(tree.kind_at(offset)) == static_cast<int>(kind));
    }
  }
}

}  // namespace octet::tests
