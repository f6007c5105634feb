// Which keys a query of a block sees, for both kinds of attention.
#pragma once

#include "kernels/training/training_kernels.h"
#include "kernels/training/vec.h"

namespace octet::kernels::OCTET_ISA {
namespace {

/// The keys that the queries [begin, begin + kAttentionBlock) look at: from a multiple of 2 * kVec, so that the count is one too.
struct KeyRange {
  int begin;
  int count;
};

OCTET_INLINE KeyRange visible_keys(int query_begin, int window) {
  int begin = window == 0 ? 0 : query_begin - window + 1;
  begin = begin < 0 ? 0 : begin - begin % (2 * kVec);
  return {begin, query_begin + kAttentionBlock - begin};
}

/// The first and the last key of one query, as columns of its block's scores.
struct Columns {
  int first;
  int last;
};

OCTET_INLINE Columns visible_columns(int query, int window, KeyRange keys) {
  const int first = window == 0 ? 0 : query - window + 1;
  return {(first < keys.begin ? keys.begin : first) - keys.begin, query - keys.begin};
}

OCTET_INLINE float max_in(const float* row, Columns visible) {
  float best = row[visible.first];
  int i = visible.first;
  if (visible.last - visible.first >= kVec) {
    Vec highest = load(row + i);
    for (i += kVec; i + kVec <= visible.last + 1; i += kVec) highest = max(highest, load(row + i));
    best = max_of(highest);
  }
  for (; i <= visible.last; ++i) best = row[i] > best ? row[i] : best;
  return best;
}

}  // namespace
}  // namespace octet::kernels::OCTET_ISA
