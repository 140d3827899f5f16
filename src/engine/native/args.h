// What a call brings: tensors, numbers and lists, read in order from the command buffer that JavaScript filled.
#pragma once
#include <cstdint>
#include <cstring>

namespace gradbook {

enum DType : int { F32 = 0, F64 = 1, I32 = 2, U8 = 3, BOOL = 4 };

constexpr int maxRank = 8;

constexpr int bytesOf(int dtype) { return dtype == F64 ? 8 : dtype == F32 || dtype == I32 ? 4 : 1; }

/** A strided tensor; strides count elements. A tensor that was not given has no data. */
struct View {
  char* data = nullptr;
  int dtype = F32;
  int rank = 0;
  int64_t size[maxRank];
  int64_t stride[maxRank];

  explicit operator bool() const { return data != nullptr; }
  template <class T>
  T* as() const {
    return reinterpret_cast<T*>(data);
  }
  int64_t count() const {
    int64_t n = 1;
    for (int d = 0; d < rank; d++) n *= size[d];
    return n;
  }
  bool contiguous() const {
    int64_t expected = 1;
    for (int d = rank - 1; d >= 0; d--) {
      if (size[d] == 0) return true;
      if (size[d] != 1 && stride[d] != expected) return false;
      expected *= size[d];
    }
    return true;
  }
};

/** What `Args::word` gives for a word. */
constexpr uint64_t word(const char* text) {
  uint64_t value = 0;
  for (int i = 0; text[i] != 0 && i < 8; i++) value = value << 8 | static_cast<unsigned char>(text[i]);
  return value;
}

class Args {
 public:
  explicit Args(const double* at) : at_(at) {}

  View tensor() {
    View v;
    const int dtype = static_cast<int>(*at_++);
    if (dtype < 0) return v;
    v.dtype = dtype;
    v.data = reinterpret_cast<char*>(static_cast<uintptr_t>(*at_++));
    v.rank = static_cast<int>(*at_++);
    for (int d = 0; d < v.rank; d++) v.size[d] = static_cast<int64_t>(at_[d]);
    at_ += v.rank;
    for (int d = 0; d < v.rank; d++) v.stride[d] = static_cast<int64_t>(at_[d]);
    at_ += v.rank;
    return v;
  }
  double number() { return *at_++; }
  int64_t integer() { return static_cast<int64_t>(*at_++); }
  bool flag() { return *at_++ != 0; }
  /** The length of the list of numbers or tensors that follows. */
  int64_t length() { return static_cast<int64_t>(*at_++); }
  /** The characters of a word, of which the first eight count, as one number: `word("reflect")`. */
  uint64_t word() {
    const int n = static_cast<int>(*at_++);
    uint64_t value = 0;
    for (int i = 0; i < n && i < 8; i++) value = value << 8 | static_cast<uint64_t>(at_[i]);
    at_ += n;
    return value;
  }
  /** A list of at most `most` numbers; returns how many. */
  int list(int64_t* out, int most) {
    const int n = static_cast<int>(*at_++);
    for (int i = 0; i < n; i++)
      if (i < most) out[i] = static_cast<int64_t>(at_[i]);
    at_ += n;
    return n;
  }

 private:
  const double* at_;
};

/** Returns false for arguments that it does not cover, before anything is written. */
using Kernel = bool (*)(Args&);

struct Entry {
  const char* name;
  Kernel kernel;
};

/** A family's kernels; the last entry has no name. */
const Entry* unaryKernels();
const Entry* binaryKernels();
const Entry* copyKernels();
const Entry* gemmKernels();
const Entry* reduceKernels();
const Entry* convKernels();
const Entry* poolKernels();
const Entry* normKernels();
const Entry* softmaxKernels();
const Entry* optimKernels();
const Entry* lossKernels();
const Entry* resampleKernels();
const Entry* indexKernels();
const Entry* recurrentKernels();
const Entry* randomKernels();
const Entry* padKernels();
const Entry* laneKernels();
const Entry* sortKernels();
const Entry* distanceKernels();
const Entry* likelihoodKernels();
const Entry* regionKernels();
const Entry* patchKernels();
const Entry* interpolateKernels();
const Entry* searchKernels();
const Entry* linearKernels();
const Entry* descentKernels();
const Entry* pointwiseKernels();
const Entry* rmsKernels();

}  // namespace gradbook
