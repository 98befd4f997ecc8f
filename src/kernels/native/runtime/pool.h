// A pool of threads that live as long as the process. run(count, task) calls task(i, worker) for
// every i below count, each on some worker, and returns when all are done; the calling thread works
// too, and never waits for a worker that has not begun: where other work keeps the cores busy, it
// may have done everything before one wakes. Which worker takes which task must not matter to the
// result. What a task throws, run throws; tasks that nobody has begun are left out then.
#pragma once
#include <atomic>
#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
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
      grow(threads - 1);
      task_ = &task;
      count_ = count;
      next_ = 0;
      active_ = threads - 1;
      open_ = true;
      generation_++;
    }
    wake_.notify_all();
    take_tasks(task, count, 0);
    std::unique_lock<std::mutex> lock(mutex_);
    open_ = false;
    done_.wait(lock, [&] { return busy_ == 0; });
#if defined(__cpp_exceptions)
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
#endif
  }

 private:
  // Up to so many workers: where no more threads are to be had, those that there are do the work.
  void grow(int workers) {
#if defined(__cpp_exceptions)
    try {
#endif
      while ((int)workers_.size() < workers)
        workers_.emplace_back(&Pool::work, this, (int)workers_.size() + 1).detach();
#if defined(__cpp_exceptions)
    } catch (const std::exception&) {
    }
#endif
  }

  void take_tasks(const std::function<void(int, int)>& task, int count, int worker) {
#if defined(__cpp_exceptions)
    try {
#endif
      for (int i = next_++; i < count; i = next_++) task(i, worker);
#if defined(__cpp_exceptions)
    } catch (...) {
      // Thrown out of a thread, it would end the process.
      std::lock_guard<std::mutex> lock(mutex_);
      if (!failure_) failure_ = std::current_exception();
      next_ = count;
    }
#endif
  }

  void work(int worker) {
    unsigned seen = 0;
    std::unique_lock<std::mutex> lock(mutex_);
    for (;;) {
      wake_.wait(lock, [&] { return generation_ != seen; });
      seen = generation_;
      if (worker > active_ || !open_) continue;
      busy_++;
      const std::function<void(int, int)>& task = *task_;
      const int count = count_;
      lock.unlock();
      take_tasks(task, count, worker);
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
#if defined(__cpp_exceptions)
  std::exception_ptr failure_;
#endif
};

// The pool of the process.
Pool& pool();
