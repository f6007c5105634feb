// The course of a run as files that other programs read: loss.csv grows by a line a record, loss.svg is drawn from it.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "bytemodel/result.h"

namespace octet::bytemodel::training {

struct LossRecord {
  std::uint64_t step = 0;
  std::uint64_t n_bytes = 0;
  double seconds = 0;
  double rate_factor = 0;
  std::vector<double> bits;  // bits per byte of each head, 0 where it was left out
};

/// Appends to DIRECTORY/loss.csv, with a head line in a new file. Records at or behind `step` of an earlier life of the run
/// are dropped when a run resumes.
Result<void> append_loss(const std::filesystem::path& directory, const LossRecord& record);
Result<void> drop_losses_behind(const std::filesystem::path& directory, std::uint64_t step);

/// Appends the first head's bits per byte in each language to DIRECTORY/validation.csv, with a head line in a new file.
Result<void> append_validation(const std::filesystem::path& directory, std::uint64_t step, std::uint64_t n_bytes,
                               const std::vector<std::pair<std::string, double>>& bits_by_language);

/// Bits per byte of the heads over bytes seen: 800 x 480, one line a head.
std::string draw_losses(const std::vector<LossRecord>& records);
/// Draws DIRECTORY/loss.svg from DIRECTORY/loss.csv.
Result<void> write_loss_plot(const std::filesystem::path& directory);

}  // namespace octet::bytemodel::training
