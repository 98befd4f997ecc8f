// A pool of threads that live as long as the process. run(count, task) calls task(i, worker) for
// every i below count, each on some worker, and returns when all are done; the calling thread works
// too, and never waits for a worker that has not begun: where other work keeps the cores busy, it
// may have done everything before one wakes. Which worker takes which task must not matter to the
// result.
#pragma once
#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

class Pool {
 public:
  void run(int threads, int count, const std::function<void(int, int)>& task) {
    if (threads > count) threads = count;
    if (threads <= 1) {
      for (int i = 0; i < count; i++) task(i, 0);
      return;
    }
    std::lock_guard<std::mutex> one(entry_);
    {
      std::lock_guard<std::mutex> lock(mutex_);
      while ((int)workers_.size() < threads - 1)
        workers_.emplace_back(&Pool::work, this, (int)workers_.size() + 1).detach();
      task_ = &task;
      count_ = count;
      next_ = 0;
      active_ = threads - 1;
      open_ = true;
      generation_++;
    }
    wake_.notify_all();
    for (int i = next_++; i < count; i = next_++) task(i, 0);
    std::unique_lock<std::mutex> lock(mutex_);
    open_ = false;
    done_.wait(lock, [&] { return busy_ == 0; });
  }

 private:
  void work(int worker) {
    unsigned seen = 0;
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      wake_.wait(lock, [&] { return generation_ != seen; });
      seen = generation_;
      if (worker > active_ || !open_) continue;
      busy_++;
      const std::function<void(int, int)>& task = *task_;
      lock.unlock();
      for (int i = next_++; i < count_; i = next_++) task(i, worker);
      lock.lock();
      if (--busy_ == 0) done_.notify_one();
    }
  }

  std::mutex entry_, mutex_;
  std::condition_variable wake_, done_;
  std::vector<std::thread> workers_;
  const std::function<void(int, int)>* task_ = nullptr;
  std::atomic<int> next_{0};
  int count_ = 0, active_ = 0, busy_ = 0;
  bool open_ = false;
  unsigned generation_ = 0;
};

// The pool of the process.
Pool& pool();
