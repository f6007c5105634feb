// What changes in the course of a run, as functions of its progress p in [0, 1] (bytes seen over bytes planned).
#pragma once

#include <string_view>

#include "bytemodel/result.h"
#include "bytemodel/training/head_weights.h"

namespace octet::bytemodel::training {

/// How the extra heads enter the loss.
enum class HeadSchedule {
  kCurriculum,    // the next byte alone, then head 2, 3, ... join; in the cooldown the trunk listens to them less and less
  kConstant,      // all heads all the time
  kReverse,       // all heads at first, then the trunk stops listening to the farthest, the next, ...
  kNextByteOnly,  // the extra heads are never trained
  kFrozenTrunk,   // nothing but the extra heads is trained: what drafting gains when they come to a finished trunk
};

Result<HeadSchedule> head_schedule_from_name(std::string_view name);
std::string_view name(HeadSchedule schedule);

struct ScheduleOptions {
  HeadSchedule heads = HeadSchedule::kCurriculum;
  double extra_weight = 0.5;  // of all extra heads together on the trunk; 2 stopped the first head's progress, 0.5 did not
  double warm_up = 0.02;
  double cooldown = 0.4;
  int n_predict = 8;
};

/// Factor of the learning rates: linear warm-up, constant, linear cooldown to 0.
double learning_rate_factor(const ScheduleOptions& options, double progress);

HeadWeights head_weights(const ScheduleOptions& options, double progress);

/// Sequences in a batch: `largest` / 4 at first, then / 2, then all: small batches learn faster early on.
int batch_sequences(int largest, double progress);

}  // namespace octet::bytemodel::training
