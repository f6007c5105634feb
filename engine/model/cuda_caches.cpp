#include "engine/model/cuda_caches.h"

#include <algorithm>
#include <utility>

namespace octet::engine {

bool CudaCaches::provide(Place& place, std::span<const Place* const> kept) {
  if (place.memory == nullptr) {
    place.memory = take(kept);
    if (place.memory == nullptr) return false;
  } else {
    std::erase(by_use_, &place);
  }
  by_use_.push_back(&place);
  return true;
}

void CudaCaches::release(Place& place) {
  if (place.memory == nullptr) return;
  spare_.push_back(std::exchange(place.memory, nullptr));
  std::erase(by_use_, &place);
}

std::byte* CudaCaches::take(std::span<const Place* const> kept) {
  if (spare_.empty()) {
    if (std::byte* fresh = steps_.allocate_cache(); fresh != nullptr) return fresh;
    const auto oldest = std::ranges::find_if(by_use_, [&](const Place* place) { return std::ranges::find(kept, place) == kept.end(); });
    if (oldest == by_use_.end()) return nullptr;
    release(**oldest);
  }
  std::byte* memory = spare_.back();
  spare_.pop_back();
  return memory;
}

}  // namespace octet::engine
