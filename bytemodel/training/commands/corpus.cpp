#include <cstdlib>

#include <fmt/format.h>

#include "bytemodel/training/commands/shared.h"
#include "bytemodel/training/corpus/corpus_builder.h"

namespace octet::bytemodel::training {
namespace {

/// Where the user's programs keep what they can download again.
std::filesystem::path default_cache() {
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache != nullptr && *cache != '\0') return std::filesystem::path(cache) / "octet";
  if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0') return std::filesystem::path(home) / ".cache" / "octet";
  return ".cache";
}

}  // namespace

int run_corpus(const CorpusCommand& command) {
  const std::filesystem::path manifest =
      !command.manifest.empty() ? command.manifest
                                : std::filesystem::path(OCTET_MANIFEST_DIR) / (command.is_small ? "manifest-small.txt" : "manifest.txt");
  Result<std::vector<ManifestEntry>> entries = read_manifest(manifest);
  if (!entries) return report(entries.error());
  PackageClient client(command.cache.empty() ? default_cache() : command.cache);
  const Result<CorpusReport> built = build_corpus({std::move(*entries), command.output, command.keep_going, say}, client);
  if (!built) return report(built.error());
  say(to_markdown(*built));
  return 0;
}

}  // namespace octet::bytemodel::training
