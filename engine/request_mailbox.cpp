#include "engine/request_mailbox.h"

#include <utility>

namespace octet::engine {

void RequestMailbox::post(Job job) {
  {
    const std::lock_guard lock(mutex_);
    newest_.request_stop();
    newest_ = job.superseded;
    if (closed_) newest_.request_stop();
    waiting_.push_back(std::move(job));
  }
  changed_.notify_one();
}

void RequestMailbox::post(ModelOrder order) {
  {
    const std::lock_guard lock(mutex_);
    if (order_ && !order.open) order.open = std::move(order_->open);
    order_ = std::move(order);
  }
  changed_.notify_one();
}

RequestMailbox::Mail RequestMailbox::wait_take() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return closed_ || order_ || !waiting_.empty(); });
  return {std::exchange(order_, std::nullopt), std::exchange(waiting_, {})};
}

void RequestMailbox::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    order_.reset();
    newest_.request_stop();
  }
  changed_.notify_one();
}

}  // namespace octet::engine
