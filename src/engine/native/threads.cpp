#include "threads.h"

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <thread>

namespace gradbook {
namespace {

std::atomic<const int32_t*> interruptWords{nullptr};

inline void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

constexpr int maxThreads = 256;
/** About 30 microseconds of pauses. */
constexpr int spins = 1000;

// A ticket is the job's number (high half) and the next task (low half): claiming a task of a job that is over fails.
std::atomic<uint64_t> ticket{0};
std::atomic<int64_t> finished{0};
std::atomic<int> parked{0};
std::atomic<int64_t> jobCount{0};
std::atomic<Task> jobTask{nullptr};
std::atomic<const void*> jobBody{nullptr};
// Never destroyed: destroying a condition that threads wait for would wait for them at the process's exit.
std::mutex& mutex = *new std::mutex;
std::condition_variable& wake = *new std::condition_variable;
std::mutex owner;
int wanted = 1;
int started = 0;

/** Runs what is left of job `job`. */
void work(uint64_t job) {
  for (;;) {
    uint64_t t = ticket.load(std::memory_order_acquire);
    if (t >> 32 != job) return;
    const int64_t index = static_cast<int64_t>(t & 0xffffffff);
    if (index >= jobCount.load(std::memory_order_relaxed)) return;
    if (!ticket.compare_exchange_weak(t, t + 1, std::memory_order_acq_rel)) continue;
    if (!interrupted())
      jobTask.load(std::memory_order_relaxed)(jobBody.load(std::memory_order_relaxed), index);
    finished.fetch_add(1, std::memory_order_acq_rel);
  }
}

void worker(int number) {
  uint64_t seen = 0;
  for (;;) {
    uint64_t job = ticket.load(std::memory_order_acquire) >> 32;
    for (int i = 0; job == seen && i < spins; i++) {
      pause();
      job = ticket.load(std::memory_order_acquire) >> 32;
    }
    if (job == seen) {
      std::unique_lock<std::mutex> lock(mutex);
      parked.fetch_add(1);
      wake.wait(lock, [&] { return (ticket.load() >> 32) != seen; });
      parked.fetch_sub(1);
      job = ticket.load(std::memory_order_acquire) >> 32;
    }
    seen = job;
    if (number < wanted - 1) work(job);
  }
}

}  // namespace

int threadCount() { return wanted; }

void setThreadCount(int count) { wanted = count < 1 ? 1 : count > maxThreads ? maxThreads : count; }

void setInterruptWords(const int32_t* words) { interruptWords.store(words); }

bool interrupted() {
  const int32_t* words = interruptWords.load(std::memory_order_relaxed);
  return words != nullptr && __atomic_load_n(&words[0], __ATOMIC_RELAXED) != __atomic_load_n(&words[1], __ATOMIC_RELAXED);
}

void runTasks(int64_t count, Task task, const void* body) {
  // Another JavaScript thread may own the pool: then this call runs alone.
  if (!owner.try_lock()) {
    for (int64_t i = 0; i < count && !interrupted(); i++) task(body, i);
    return;
  }
  while (started < wanted - 1) std::thread(worker, started++).detach();
  finished.store(0, std::memory_order_relaxed);
  const uint64_t job = (ticket.load(std::memory_order_relaxed) >> 32) + 1;
  // A worker that still looks at the old job must not see the new count with the old ticket: it checks the ticket again.
  ticket.store(job << 32 | 0xffffffff, std::memory_order_release);
  jobCount.store(count, std::memory_order_relaxed);
  jobTask.store(task, std::memory_order_relaxed);
  jobBody.store(body, std::memory_order_relaxed);
  ticket.store((job + 1) << 32, std::memory_order_seq_cst);
  if (parked.load() > 0) {
    std::lock_guard<std::mutex> lock(mutex);
    wake.notify_all();
  }
  work(job + 1);
  for (int i = 0; finished.load(std::memory_order_acquire) < count; i++) {
    if (i < 4 * spins)
      pause();
    else
      std::this_thread::yield();
  }
  owner.unlock();
}

void* scratch(int slot, int64_t bytes) {
  struct Slot {
    void* memory = nullptr;
    int64_t size = 0;
    ~Slot() { free(memory); }
  };
  static thread_local Slot slots[8];
  Slot& s = slots[slot];
  if (s.size < bytes) {
    free(s.memory);
    s.size = (bytes + 4095) / 4096 * 4096;
    if (posix_memalign(&s.memory, 64, static_cast<size_t>(s.size)) != 0) abort();
  }
  return s.memory;
}

}  // namespace gradbook
