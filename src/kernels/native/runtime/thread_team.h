// Work that several threads must do at the same time because they wait for each other; the pool
// only promises that it gets done.
#pragma once
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#if defined(__linux__)
  #include <sched.h>
#endif

// Linux may put a new thread on the core of the one that made it, and leave the two there together
// for many milliseconds while another core is idle. Moves the calling thread away from that core if
// it is there; afterwards it is moved on as any other. Elsewhere than on Linux nothing is done.
inline int current_core() {
#if defined(__linux__)
  return sched_getcpu();
#else
  return -1;
#endif
}

inline void leave_core(int core) {
#if defined(__linux__)
  cpu_set_t allowed;
  if (core < 0 || sched_getcpu() != core || sched_getaffinity(0, sizeof allowed, &allowed) != 0 ||
      CPU_COUNT(&allowed) < 2)
    return;
  cpu_set_t others = allowed;
  CPU_CLR(core, &others);
  sched_setaffinity(0, sizeof others, &others);
  sched_setaffinity(0, sizeof allowed, &allowed);
#else
  (void)core;
#endif
}

// Calls task(i) for every i below count, each on a thread of its own, the first on the calling one.
// Tasks may wait for each other, so they must not throw. False, and nothing is called, where there
// are too few threads to be had, or no memory for them.
template <class F>
bool run_team(int count, F task) {
  enum { kWait, kGo, kStop } sign = kWait;
  std::mutex mutex;
  std::condition_variable changed;
  const int core = current_core();
  std::vector<std::thread> threads;
  const auto show = [&](decltype(sign) s) {
    std::lock_guard<std::mutex> lock(mutex);
    sign = s;
    changed.notify_all();
  };
  bool enough = true;
  try {
    threads.reserve(count);
    for (int i = 1; i < count; i++)
      threads.emplace_back([&, i] {
        std::unique_lock<std::mutex> lock(mutex);
        changed.wait(lock, [&] { return sign != kWait; });
        if (sign == kStop) return;
        lock.unlock();
        leave_core(core);
        task(i);
      });
  } catch (const std::exception&) {
    enough = false;
  }
  show(enough ? kGo : kStop);
  if (enough) task(0);
  for (std::thread& t : threads) t.join();
  return enough;
}
