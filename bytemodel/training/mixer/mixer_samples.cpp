#include "bytemodel/training/mixer/mixer_samples.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>

#include <fmt/format.h>

#include "bytemodel/training/random.h"
#include "engine/decode/text_walk.h"
#include "engine/memory/document_memory.h"

namespace octet::bytemodel::training {
namespace {

constexpr std::size_t kMinDocument = 1000;

std::string package_of(const std::string& path) {
  const std::size_t slash = path.find('/');
  return path.substr(0, path.starts_with('@') && slash != std::string::npos ? path.find('/', slash + 1) : slash);
}

engine::ByteMask all_bytes() {
  engine::ByteMask mask;
  mask.fill(true);
  return mask;
}

void add_sample(const engine::MixerInput& input, std::uint8_t answer, MixerSamples& samples) {
  if (samples.first.empty()) samples.first.push_back(0);
  samples.shared.insert(samples.shared.end(), input.shared.begin(), input.shared.end());
  std::int64_t answer_row = -1;
  for (std::size_t i = 0; i < input.n_bytes; ++i) {
    if (input.bytes[i] == answer) answer_row = static_cast<std::int64_t>(samples.log_net.size());
    samples.of_byte.insert(samples.of_byte.end(), input.of_byte[i].begin(), input.of_byte[i].end());
    samples.log_net.push_back(input.log_net[i]);
  }
  samples.first.push_back(static_cast<std::uint32_t>(samples.log_net.size()));
  samples.answer.push_back(answer_row);
}

}  // namespace

std::vector<Package> packages_of(const Dataset& corpus) {
  std::map<std::string, Package> packages;
  for (std::size_t language_idx = 0; language_idx < corpus.languages().size(); ++language_idx) {
    const auto& documents = corpus.pack(language_idx).documents();
    for (std::size_t i = 0; i < documents.size(); ++i) {
      Package& package = packages[package_of(documents[i].path)];
      package.name = package_of(documents[i].path);
      package.documents.push_back({language_idx, i});
    }
  }
  std::vector<Package> list;
  for (auto& [name, package] : packages) list.push_back(std::move(package));
  return list;
}

Result<void> add_samples(const Dataset& corpus, engine::ModelRunner& runner, const MixerSampleOptions& options, MixerSamples& samples) {
  const engine::ByteMask allowed = all_bytes();
  Random random(options.seed, 0);
  for (const Package& package : packages_of(corpus)) {
    std::vector<engine::SegmentFile> files;
    std::vector<std::size_t> long_enough;
    for (const Package::Document& document : package.documents) {
      const PackedCorpus& pack = corpus.pack(document.language_idx);
      auto text = pack.text(document.document_idx);
      if (!text) return tl::unexpected(text.error());
      if (text->size() >= kMinDocument) long_enough.push_back(files.size());
      files.push_back({pack.documents()[document.document_idx].path, std::make_shared<const std::string>(std::move(*text))});
    }
    if (files.size() < 2) continue;
    auto snapshot = std::make_shared<engine::WorkspaceSnapshot>();
    snapshot->parts.push_back({std::make_shared<const engine::TextSegment>(files), {}});
    for (std::size_t n = 0; n < options.documents_per_package && !long_enough.empty(); ++n) {
      const std::size_t drawn = random.below(long_enough.size());
      const engine::SegmentFile& file = files[long_enough[drawn]];
      long_enough.erase(long_enough.begin() + static_cast<std::ptrdiff_t>(drawn));
      engine::DocumentSnapshot document;
      document.path = file.path;
      document.text = file.text;
      engine::DocumentMemory memory;
      engine::MemoryState state = memory.at("", 0, file.path, snapshot);
      engine::walk_text(runner, document, std::min(options.bytes_per_document, file.text->size()),
                        [&](std::size_t offset, engine::LogitsRow row) {
                          const char byte = (*file.text)[offset];
                          const engine::NetRow net(row, allowed);
                          samples.net_bits -= static_cast<double>(net.log_probability(static_cast<std::uint8_t>(byte))) / std::log(2.0);
                          ++samples.n_places;
                          if (random.unit() < options.share) {
                            add_sample(engine::MixerInput(net, state.evidence()), static_cast<std::uint8_t>(byte), samples);
                          }
                          memory.type(state, byte);
                        });
    }
    if (options.say) options.say(fmt::format("{}: {} files, {} samples so far", package.name, files.size(), samples.size()));
  }
  return {};
}

}  // namespace octet::bytemodel::training
