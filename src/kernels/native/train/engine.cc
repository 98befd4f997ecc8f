#include "train/engine.h"

#include <stdlib.h>
#include <string.h>

#include <chrono>
#include <new>
#include <numeric>

#if defined(__linux__)
  #include <sys/mman.h>
#endif
#if defined(__x86_64__)
  #include <cpuid.h>
#endif
#if defined(__aarch64__) && defined(__linux__)
  #include <sys/auxv.h>
#endif

#include "runtime/buffer.h"
#include "runtime/pool.h"

extern const KernelTable kernels_generic;
#if defined(__x86_64__)
  #if !defined(KERNELS_WITHOUT_AVX2)
extern const KernelTable kernels_avx2;
  #endif
  #if !defined(KERNELS_WITHOUT_AVX512)
extern const KernelTable kernels_avx512;
  #endif
  #if !defined(KERNELS_WITHOUT_AVXVNNI)
extern const SamplerKernels sampler_avxvnni;
  #endif
  #if !defined(KERNELS_WITHOUT_AVX512VNNI)
extern const SamplerKernels sampler_avx512vnni;
  #endif
#endif
#if defined(__aarch64__)
extern const KernelTable kernels_neon;
  #if !defined(KERNELS_WITHOUT_NEONDOT)
extern const SamplerKernels sampler_neondot;
  #endif
#endif

namespace {

#if defined(__x86_64__)
[[maybe_unused]] bool has_avx512() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
}
[[maybe_unused]] bool has_avx2() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

// Compilers learned this name late: leaf 7.1, EAX bit 4 (Intel SDM, CPUID).
[[maybe_unused]] bool has_avxvnni() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 4 & 1);
}

#endif
#if defined(__aarch64__)
// The dot-product instructions, which armv8.2 has as an option: ID_AA64ISAR0_EL1.DP.
bool has_dot() {
  #if defined(__APPLE__)
  return true;
  #elif defined(__linux__)
  return getauxval(AT_HWCAP) & HWCAP_ASIMDDP;
  #else
  return false;
  #endif
}
#endif

// Kernels of which only the sampler has instructions of its own.
[[maybe_unused]] KernelTable with_sampler(const KernelTable& base, const char* name,
                                          const SamplerKernels* sampler) {
  KernelTable table = base;
  table.name = name;
  table.sampler = sampler;
  return table;
}

}  // namespace

std::vector<const KernelTable*> available_tables() {
  std::vector<const KernelTable*> tables;
#if defined(__x86_64__)
  __builtin_cpu_init();
  #if !defined(KERNELS_WITHOUT_AVX512VNNI)
  static const KernelTable avx512vnni =
      with_sampler(kernels_avx512, "avx512vnni", &sampler_avx512vnni);
  if (has_avx512() && __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512vbmi"))
    tables.push_back(&avx512vnni);
  #endif
  #if !defined(KERNELS_WITHOUT_AVX512)
  if (has_avx512()) tables.push_back(&kernels_avx512);
  #endif
  #if !defined(KERNELS_WITHOUT_AVXVNNI)
  static const KernelTable avxvnni = with_sampler(kernels_avx2, "avxvnni", &sampler_avxvnni);
  if (has_avx2() && has_avxvnni()) tables.push_back(&avxvnni);
  #endif
  #if !defined(KERNELS_WITHOUT_AVX2)
  if (has_avx2()) tables.push_back(&kernels_avx2);
  #endif
#endif
#if defined(__aarch64__)
  #if !defined(KERNELS_WITHOUT_NEONDOT)
  static const KernelTable neondot = with_sampler(kernels_neon, "neondot", &sampler_neondot);
  if (has_dot()) tables.push_back(&neondot);
  #endif
  tables.push_back(&kernels_neon);
#endif
  tables.push_back(&kernels_generic);
  return tables;
}

// Large arrays are walked with strides of many pages: ask for huge ones, where one can.
void* aligned_memory(size_t bytes) {
#if defined(__linux__)
  const size_t page = bytes >= (4u << 20) ? (2u << 20) : 64;
#else
  const size_t page = 64;
#endif
  const size_t rounded = (bytes + page - 1) / page * page;
  void* p = nullptr;
  if (rounded < bytes || posix_memalign(&p, page, rounded ? rounded : page) != 0) {
#if defined(__cpp_exceptions)
    throw std::bad_alloc();
#else
    __builtin_trap();
#endif
  }
#if defined(__linux__)
  if (page > 64) madvise(p, rounded, MADV_HUGEPAGE);
#endif
  return p;
}

void free_aligned(void* p) { free(p); }

Pool& pool() {
  // Never destroyed: its threads are detached and may outlive the statics at exit.
  static Pool* const shared = new Pool();
  return *shared;
}

namespace {

constexpr int kLanes = 16;

// [lane][rows] of up to 16 lanes to [rows][16]; missing lanes become zeros.
void to_group(const float* in, size_t laneStride, int lanes, int rows, float* out) {
  for (int l = 0; l < kLanes; l++) {
    if (l < lanes)
      for (int i = 0; i < rows; i++) out[i * kLanes + l] = in[l * laneStride + i];
    else
      for (int i = 0; i < rows; i++) out[i * kLanes + l] = 0.f;
  }
}

void from_group(const float* in, int lanes, int rows, float* out, size_t laneStride) {
  for (int l = 0; l < lanes; l++)
    for (int i = 0; i < rows; i++) out[l * laneStride + i] = in[i * kLanes + l];
}

}  // namespace

void run_sequence(const KernelTable* table, int threads, const std::vector<Network>& members,
                  const Batch& batch, GradientsOf which, const Gradients* out) {
  const bool backward = which != GradientsOf::kNothing, all = which == GradientsOf::kAll;
  // The buffers are shared by all JavaScript threads of the process.
  static std::mutex one;
  const std::lock_guard<std::mutex> lock(one);
  static std::vector<Buffer> workspaces, gates, groupGradients;
  const Network& sizes = members[0];
  const int H3 = 3 * sizes.hidden, H = sizes.hidden, count = (int)members.size();
  const int memberLanes = batch.lanes / count, memberGroups = (memberLanes + kLanes - 1) / kLanes,
            groups = count * memberGroups;
  const size_t denseSizes[kDenseCount] = {(size_t)sizes.inputs * H3, (size_t)sizes.projection,
                                          (size_t)sizes.classes, (size_t)sizes.projection,
                                          (size_t)sizes.classes};
  const size_t gateFloats = (size_t)batch.frames * H3 * kLanes;
  std::mutex adding;
  std::vector<AllBlocks> everywhere;
  for (int m = 0; all && m < kSparseCount; m++) everywhere.emplace_back(sizes.sparse[m]);
  // The blocks of a member's matrix that have gradients.
  const auto blocks = [&](int member, int m) {
    return all ? everywhere[m].matrix() : members[member].sparse[m];
  };
  const auto gradient_floats = [&](int member) {
    size_t floats = 0;
    for (int m = 0; m < kSparseCount; m++) floats += stored(blocks(member, m));
    for (int d = 0; d < kDenseCount; d++) floats += denseSizes[d];
    return floats;
  };
  if ((int)workspaces.size() < threads) workspaces.resize(threads);
  if ((int)gates.size() < threads) gates.resize(threads);
  if ((int)groupGradients.size() < groups) groupGradients.resize(groups);

  pool().run(threads, groups, [&](int group, int worker) {
    const int member = group / memberGroups, before = group % memberGroups * kLanes;
    const int first = member * memberLanes + before,
              lanes = memberLanes - before < kLanes ? memberLanes - before : kLanes;
    const Network& net = members[member];
    float* const gate = gates[worker].need(2 * gateFloats + (size_t)H * kLanes);
    float* const gateGradient = gate + gateFloats;
    float* const state = gateGradient + gateFloats;
    for (int f = 0; f < batch.frames; f++)
      to_group(batch.gate + ((size_t)first * batch.frames + f) * H3, (size_t)batch.frames * H3,
               lanes, H3, gate + (size_t)f * H3 * kLanes);
    if (batch.state)
      to_group(batch.state + (size_t)first * H, H, lanes, H, state);
    else
      memset(state, 0, (size_t)H * kLanes * sizeof(float));

    const size_t perSymbol = (size_t)(batch.steps + 1) * kLanes;
    std::vector<uint8_t> symbols(4 * perSymbol, 0);
    uint8_t *coarse = symbols.data(), *fine = coarse + perSymbol, *heardCoarse = fine + perSymbol,
            *heardFine = heardCoarse + perSymbol;
    for (int l = 0; l < lanes; l++)
      for (int t = 0; t <= batch.steps; t++) {
        const int code = batch.codes[(size_t)(first + l) * (batch.steps + 1) + t];
        coarse[t * kLanes + l] = (uint8_t)(code / net.classes);
        fine[t * kLanes + l] = (uint8_t)(code % net.classes);
        if (t == batch.steps) break;
        const int heard = batch.heard ? batch.heard[(size_t)(first + l) * batch.steps + t] : code;
        heardCoarse[t * kLanes + l] = (uint8_t)(heard / net.classes);
        heardFine[t * kLanes + l] = (uint8_t)(heard % net.classes);
      }
    const int cueCount = net.inputs - 3;
    std::vector<float> cues((size_t)batch.steps * cueCount * kLanes);
    if (cueCount)
      to_group(batch.cues + (size_t)first * batch.steps * cueCount, (size_t)batch.steps * cueCount,
               lanes, batch.steps * cueCount, cues.data());
    uint64_t ticks[kPartCount] = {0};
    int32_t length[kLanes];
    double loss[kLanes] = {0};
    for (int l = 0; l < kLanes; l++)
      length[l] = l >= lanes ? 0 : batch.lengths ? batch.lengths[first + l] : batch.steps;
    std::vector<float> nll(batch.nll ? (size_t)batch.steps * kLanes : 0);

    Sequence seq = {batch.steps,
                    batch.hop,
                    batch.phase,
                    batch.frames,
                    coarse,
                    fine,
                    heardCoarse,
                    heardFine,
                    cues.data(),
                    gate,
                    length,
                    batch.scale,
                    state,
                    loss,
                    batch.nll ? nll.data() : nullptr,
                    batch.profile ? ticks : nullptr};
    Gradients grad;
    if (backward) {
      float* at = groupGradients[group].need(gradient_floats(member));
      for (int m = 0; m < kSparseCount; m++) {
        grad.at[m] = blocks(member, m);
        grad.sparse[m] = at, at += stored(grad.at[m]);
      }
      for (int d = 0; d < kDenseCount; d++) grad.dense[d] = at, at += denseSizes[d];
      grad.gate = gateGradient;
    }
    float* const workspace =
        workspaces[worker].need(table->sequence_workspace(&net, batch.steps, backward));
    const auto begun = std::chrono::steady_clock::now();
    table->sequence(&net, &seq, backward ? &grad : nullptr, workspace);
    if (batch.profile) {
      // The rate of the ticks is what it takes for their sum to be the time that passed.
      const double seconds =
          std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
      const double all = (double)std::accumulate(ticks, ticks + kPartCount, (uint64_t)0);
      const std::lock_guard<std::mutex> lock(adding);
      for (int part = 0; all > 0 && part < kPartCount; part++)
        batch.profile[part] += ticks[part] / all * seconds;
    }

    for (int l = 0; l < lanes; l++) batch.loss[first + l] = loss[l];
    if (batch.state) from_group(state, lanes, H, batch.state + (size_t)first * H, H);
    if (batch.nll)
      from_group(nll.data(), lanes, batch.steps, batch.nll + (size_t)first * batch.steps,
                 batch.steps);
    if (backward)
      for (int f = 0; f < batch.frames; f++)
        from_group(gateGradient + (size_t)f * H3 * kLanes, lanes, H3,
                   out[member].gate + ((size_t)before * batch.frames + f) * H3,
                   (size_t)batch.frames * H3);
  });
  if (!backward) return;

  pool().run(threads, count, [&](int member, int) {
    size_t offset = 0;
    const auto join = [&](float* to, size_t floats) {
      const int first = member * memberGroups;
      memcpy(to, groupGradients[first].need(0) + offset, floats * sizeof(float));
      for (int g = first + 1; g < first + memberGroups; g++) {
        const float* from = groupGradients[g].need(0) + offset;
        for (size_t i = 0; i < floats; i++) to[i] += from[i];
      }
      offset += floats;
    };
    for (int m = 0; m < kSparseCount; m++) join(out[member].sparse[m], stored(blocks(member, m)));
    for (int d = 0; d < kDenseCount; d++) join(out[member].dense[d], denseSizes[d]);
  });
}

void run_gemm(const KernelTable* table, int threads, bool transposeA, bool transposeB, int m, int n,
              int k, const float* a, const float* b, float* c) {
  // Slices of a fixed height, so that the number of threads does not change the order of any sum.
  constexpr int slice = 96;
  const int lda = transposeA ? m : k, ldb = transposeB ? k : n;
  pool().run(threads, (m + slice - 1) / slice, [&](int i, int) {
    const int m0 = i * slice, rows = m - m0 < slice ? m - m0 : slice;
    table->gemm(transposeA, transposeB, rows, n, k,
                a + (transposeA ? (size_t)m0 : (size_t)m0 * lda), lda, b, ldb, c + (size_t)m0 * n,
                n, 0);
  });
}
