#include "bytemodel/training/schedule.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace octet::bytemodel::training {
namespace {

struct Named {
  HeadSchedule schedule;
  std::string_view name;
};
constexpr std::array<Named, 5> kNames{{{HeadSchedule::kCurriculum, "curriculum"},
                                       {HeadSchedule::kConstant, "constant"},
                                       {HeadSchedule::kReverse, "reverse"},
                                       {HeadSchedule::kNextByteOnly, "next-byte"},
                                       {HeadSchedule::kFrozenTrunk, "frozen-trunk"}}};

// The curriculum: head 2 joins at 10 % of the run, the last one at 30 %, each ramped in over 5 %.
constexpr double kFirstJoins = 0.10;
constexpr double kLastJoins = 0.30;
constexpr double kRamp = 0.05;

/// 0 before `begin`, 1 behind `begin + length`, linear between.
double ramp(double p, double begin, double length) { return std::clamp((p - begin) / length, 0.0, 1.0); }

/// When the idx-th of n extra heads joins.
double joins_at(int idx, int n) { return n <= 1 ? kFirstJoins : kFirstJoins + (kLastJoins - kFirstJoins) * idx / (n - 1); }

}  // namespace

Result<HeadSchedule> head_schedule_from_name(std::string_view text) {
  for (const Named& named : kNames) {
    if (named.name == text) return named.schedule;
  }
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("head schedule: expected curriculum, constant, reverse, next-byte or frozen-trunk, found '{}'", text));
}

std::string_view name(HeadSchedule schedule) {
  return std::find_if(kNames.begin(), kNames.end(), [schedule](const Named& named) { return named.schedule == schedule; })->name;
}

double learning_rate_factor(const ScheduleOptions& options, double progress) {
  const double up = options.warm_up == 0 ? 1 : ramp(progress, 0, options.warm_up);
  const double down = options.cooldown == 0 ? 1 : 1 - ramp(progress, 1 - options.cooldown, options.cooldown);
  return std::min(up, down);
}

HeadWeights head_weights(const ScheduleOptions& options, double progress) {
  const int n_extra = options.n_predict - 1;
  const double full = n_extra == 0 ? 0 : options.extra_weight / n_extra;
  const double first = options.heads == HeadSchedule::kFrozenTrunk ? 0 : 1;
  HeadWeights weights{{first}, {first}};
  for (int i = 0; i < n_extra; ++i) {
    double own = 1;
    double trunk = full;
    switch (options.heads) {
      case HeadSchedule::kCurriculum: {
        const double joined = ramp(progress, joins_at(i, n_extra), kRamp);
        own = joined > 0 ? 1 : 0;
        trunk *= joined * (options.cooldown == 0 ? 1 : 1 - ramp(progress, 1 - options.cooldown, options.cooldown));
        break;
      }
      case HeadSchedule::kConstant: break;
      case HeadSchedule::kReverse: trunk *= 1 - ramp(progress, joins_at(n_extra - 1 - i, n_extra), kRamp); break;
      case HeadSchedule::kNextByteOnly: own = trunk = 0; break;
      case HeadSchedule::kFrozenTrunk: trunk = 0; break;
    }
    weights.own.push_back(own);
    weights.trunk.push_back(trunk);
  }
  return weights;
}

int batch_sequences(int largest, double progress) {
  const int divisor = progress < 0.1 ? 4 : progress < 0.3 ? 2 : 1;
  return std::max(1, largest / divisor);
}

}  // namespace octet::bytemodel::training
