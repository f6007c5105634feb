#include "benchmarks/signature.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "benchmarks/report.h"
#include "engine/completer.h"
#include "engine/model/open_runner.h"

namespace octet::benchmarks {
namespace {

struct Prompt {
  std::string_view path;
  std::string_view before;
  std::string_view behind;
};

/// One of each language, with and without text behind the cursor, on one line and over several.
constexpr std::array<Prompt, 8> kPrompts{{
    {"shapes/circle.py",
     "import math\n\n\nclass Circle:\n    def __init__(self, radius):\n        self.radius = radius\n\n    def area(self):\n        "
     "return ",
     "\n"},
    {"src/list.c",
     "struct node {\n\tint value;\n\tstruct node *next;\n};\n\nstatic int\nlist_length(const struct node *head)\n{\n\tint n = 0;\n\t",
     "\n\treturn n;\n}\n"},
    {"util/string_view.cpp",
     "#include <string>\n#include <vector>\n\nstd::vector<std::string> split(const std::string& text, char separator) {\n  "
     "std::vector<std::string> parts;\n",
     "  return parts;\n}\n"},
    {"store/store.go",
     "package store\n\nimport \"sync\"\n\ntype Store struct {\n\tmu    sync.Mutex\n\titems map[string]string\n}\n\nfunc (s *Store) Get(key "
     "string) (string, bool) {\n\t",
     "\n}\n"},
    {"src/lib.rs", "pub struct Counter {\n    count: usize,\n}\n\nimpl Counter {\n    pub fn new() -> Self {\n        ", "\n    }\n}\n"},
    {"lib/files.js",
     "const fs = require('fs');\nconst path = require('path');\n\nfunction listFiles(folder) {\n  return fs.readdirSync(folder).filter(",
     "\n}\n"},
    {"src/items.ts",
     "export interface Item {\n  id: string;\n  name: string;\n}\n\nexport function findByName(items: Item[], name: string): Item | "
     "undefined {\n",
     "}\n"},
    {"notes/greeting.py", "# Grüße aus Köln, 你好\nNAMES = [\"Zoë\", \"Łukasz\", \"", "\"]\n"},
}};

constexpr std::uint64_t kFnvOffset = 14695981039346656037ULL;
constexpr std::uint64_t kFnvPrime = 1099511628211ULL;

std::uint64_t fnv1a(std::uint64_t hash, std::string_view text) {
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * kFnvPrime;
  return hash;
}

}  // namespace

int run_signature(const SignatureOptions& options) {
  engine::RunnerOptions runner;
  runner.model = options.model;
  runner.threads = options.threads;
  if (const char* forced = std::getenv("OCTET_FORCE_ISA")) runner.forced_isa = forced;
  auto model = engine::open_runner(runner);
  if (!model) {
    print(stderr, "octet-bench signature: {}\n", model.error().message);
    return 1;
  }
  const std::string profile = model->info.profile;
  engine::Completer completer(std::move(model->runner), {}, nullptr, std::move(model->mixer));

  std::uint64_t hash = kFnvOffset;
  print(stdout, "{:<22} {:<12} {:>6} {:>6} {:>8} {:>9} {:>11}\n", "prompt", "stop", "bytes", "steps", "drafted", "accepted", "bytes/step");
  for (const Prompt& prompt : kPrompts) {
    for (const auto& [raw, with_memory] : {std::pair{false, false}, {true, false}, {true, true}}) {
      engine::CompletionRequest request;
      request.document.uri = prompt.path;
      request.document.path = prompt.path;
      request.document.text = std::make_shared<const std::string>(std::string(prompt.before) + std::string(prompt.behind));
      request.cursor = prompt.before.size();
      request.limits.max_bytes = options.max_bytes;
      request.raw = raw;
      if (with_memory) request.workspace = std::make_shared<const engine::WorkspaceSnapshot>();  // the document remembers itself
      const auto result = completer.complete(request, {}, {});
      const auto& counts = result.counts;
      hash = fnv1a(hash, fmt::format("{}\n{}\n{} {} {} {}\n", result.text, engine::to_string(result.stop_reason), counts.prompt_bytes,
                                     counts.steps, counts.drafted, counts.accepted));
      print(stdout, "{:<22} {:<12} {:>6} {:>6} {:>8} {:>9} {:>11.2f}\n", prompt.path, engine::to_string(result.stop_reason),
            result.text.size(), counts.steps, counts.drafted, counts.accepted,
            static_cast<double>(counts.steps + counts.accepted) / static_cast<double>(std::max<std::size_t>(counts.steps, 1)));
    }
  }
  const std::string signature = fmt::format("{:016x}", hash);
  if (!write_json(options.json, {{"signature", signature}, {"profile", profile}}, "signature")) return 1;
  print(stdout, "Signature: {}\n", signature);
  return std::fflush(stdout) == 0 ? 0 : 1;
}

}  // namespace octet::benchmarks
