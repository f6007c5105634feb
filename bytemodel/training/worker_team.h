// Runs the tasks of one train_step side by side. Each worker computes alone, without the thread pools of LibTorch and the
// BLAS: two threads that meet at every small product lose more than they gain.
#pragma once

#include <exception>
#include <functional>
#include <thread>
#include <vector>

#include <ATen/Parallel.h>

// OpenBLAS has its own threads; another BLAS does not have this function.
extern "C" __attribute__((weak)) void openblas_set_num_threads(int n_threads);

namespace octet::bytemodel::training {

class WorkerTeam {
 public:
  explicit WorkerTeam(int n_workers) : n_workers_(n_workers) {
    if (openblas_set_num_threads != nullptr) openblas_set_num_threads(1);
    at::set_num_threads(1);
  }

  int size() const { return n_workers_; }

  /// Runs work(worker_idx) on every worker and waits for all. LibTorch reports by throwing; the first exception is thrown
  /// again here.
  void run(const std::function<void(int)>& work) const {
    std::vector<std::exception_ptr> failures(static_cast<std::size_t>(n_workers_));
    const auto guarded = [&work, &failures](int worker) {
      try {
        work(worker);
      } catch (...) {
        failures[static_cast<std::size_t>(worker)] = std::current_exception();
      }
    };
    {
      std::vector<std::jthread> threads;
      for (int worker = 1; worker < n_workers_; ++worker) {
        threads.emplace_back([&guarded, worker] {
          at::set_num_threads(1);  // holds for the calling thread alone
          guarded(worker);
        });
      }
      guarded(0);
    }
    for (const std::exception_ptr& failure : failures) {
      if (failure) std::rethrow_exception(failure);
    }
  }

  /// work(i) for every i below n, the workers taking turns: the same worker has the same i each time.
  void for_each(std::size_t n, const std::function<void(std::size_t)>& work) const {
    run([&](int worker) {
      for (auto i = static_cast<std::size_t>(worker); i < n; i += static_cast<std::size_t>(n_workers_)) work(i);
    });
  }

 private:
  int n_workers_;
};

}  // namespace octet::bytemodel::training
