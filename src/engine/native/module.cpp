// The border to JavaScript: one call without arguments, whose arguments lie in the command buffer.
// Compiled without instruction set flags, because it decides whether the machine has the instruction set of the rest.
#include <node_api.h>

#include <cstring>
#if defined(__GLIBC__)
#include <malloc.h>
#endif
#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "args.h"
#include "threads.h"

namespace gradbook {
namespace {

constexpr int maxKernels = 512;
Entry table[maxKernels];
int tableSize = 0;

/** One command buffer for each JavaScript thread that loads the engine. */
thread_local double* command = nullptr;

void add(const Entry* family) {
  for (; family->name != nullptr; family++) table[tableSize++] = *family;
}

bool machineHasIt() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (strcmp(GRADBOOK_ISA, "avx512") == 0)
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (strcmp(GRADBOOK_ISA, "avx2") == 0)
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
#endif
  return true;
}

/** command[0] is the kernel's number; afterwards 1: done, 0: not covered, 2: interrupted. */
napi_value call(napi_env, napi_callback_info) {
  double* c = command;
  Args args(c + 1);
  const bool covered = table[static_cast<int>(c[0])].kernel(args);
  c[0] = !covered ? 0 : interrupted() ? 2 : 1;
  return nullptr;
}

double* argumentArray(napi_env env, napi_callback_info info, size_t* length) {
  size_t count = 1;
  napi_value argument;
  void* data = nullptr;
  napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr);
  napi_get_typedarray_info(env, argument, nullptr, length, &data, nullptr, nullptr);
  return static_cast<double*>(data);
}

napi_value useCommandBuffer(napi_env env, napi_callback_info info) {
  size_t length = 0;
  command = argumentArray(env, info, &length);
  return nullptr;
}

/**
 * Larger memory, and what shares its pages of 2 MiB, is asked for in such pages: far fewer faults when it is first written, fewer
 * misses when it is walked. Where the system refuses, it stays as it is.
 */
void useHugePages(void* data, size_t length) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  constexpr size_t least = size_t{512} << 10;
  constexpr uintptr_t page = uintptr_t{2} << 20;
  if (length < least) return;
  const uintptr_t begin = reinterpret_cast<uintptr_t>(data) & ~(page - 1);
  const uintptr_t end = (reinterpret_cast<uintptr_t>(data) + length + page - 1) & ~(page - 1);
  madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
#else
  (void)data, (void)length;
#endif
}

napi_value addressOf(napi_env env, napi_callback_info info) {
  size_t count = 1, length = 0;
  napi_value argument, result;
  void* data = nullptr;
  napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr);
  napi_get_arraybuffer_info(env, argument, &data, &length);
  useHugePages(data, length);
  napi_create_double(env, static_cast<double>(reinterpret_cast<uintptr_t>(data)), &result);
  return result;
}

napi_value useInterruptWords(napi_env env, napi_callback_info info) {
  size_t length = 0;
  setInterruptWords(reinterpret_cast<const int32_t*>(argumentArray(env, info, &length)));
  return nullptr;
}

napi_value setThreads(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value argument;
  int32_t threads = 1;
  napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr);
  napi_get_value_int32(env, argument, &threads);
  setThreadCount(threads);
  return nullptr;
}

void define(napi_env env, napi_value exports, const char* name, napi_callback callback) {
  napi_value function;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, nullptr, &function);
  napi_set_named_property(env, exports, name, function);
}

}  // namespace
}  // namespace gradbook

NAPI_MODULE_INIT() {
  using namespace gradbook;
  napi_value supported;
  napi_get_boolean(env, machineHasIt(), &supported);
  napi_set_named_property(env, exports, "supported", supported);
  if (!machineHasIt()) return exports;
#if defined(__GLIBC__)
  // Freed tensors stay in the process: fresh pages cost more than most operations on them.
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 512 << 20);
#endif
  if (tableSize == 0) {
    add(unaryKernels());
    add(binaryKernels());
    add(copyKernels());
    add(gemmKernels());
    add(reduceKernels());
    add(convKernels());
    add(poolKernels());
    add(normKernels());
    add(softmaxKernels());
    add(optimKernels());
    add(lossKernels());
    add(resampleKernels());
    add(indexKernels());
    add(recurrentKernels());
    add(randomKernels());
    add(padKernels());
    add(laneKernels());
    add(sortKernels());
    add(distanceKernels());
    add(likelihoodKernels());
    add(regionKernels());
    add(patchKernels());
    add(interpolateKernels());
    add(searchKernels());
    add(linearKernels());
    add(descentKernels());
    add(pointwiseKernels());
    add(rmsKernels());
  }
  napi_value names;
  napi_create_array(env, &names);
  for (int i = 0; i < tableSize; i++) {
    napi_value name;
    napi_create_string_utf8(env, table[i].name, NAPI_AUTO_LENGTH, &name);
    napi_set_element(env, names, static_cast<uint32_t>(i), name);
  }
  napi_set_named_property(env, exports, "kernels", names);
  define(env, exports, "call", call);
  define(env, exports, "useCommandBuffer", useCommandBuffer);
  define(env, exports, "addressOf", addressOf);
  define(env, exports, "useInterruptWords", useInterruptWords);
  define(env, exports, "setThreads", setThreads);
  return exports;
}
