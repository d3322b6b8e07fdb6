#include "dispatch.h"

namespace skimrnn {

#define SKIMRNN_DECLARE(isa)    \
  namespace isa {               \
  extern const Kernels kernels; \
  }

#ifdef SKIMRNN_PORTABLE
SKIMRNN_DECLARE(portable)
#endif
#ifdef SKIMRNN_NEON
SKIMRNN_DECLARE(neon)
#endif
#ifdef SKIMRNN_AVX2
SKIMRNN_DECLARE(avx2)
#endif
#ifdef SKIMRNN_AVX512
SKIMRNN_DECLARE(avx512)
#endif

namespace {

struct Candidate {
  const Kernels* kernels;
  bool runs;
};

std::vector<Candidate> candidates() {
  std::vector<Candidate> list;
#ifdef SKIMRNN_AVX512
  __builtin_cpu_init();
  list.push_back({&avx512::kernels,
                  __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("fma")});
#endif
#ifdef SKIMRNN_AVX2
  __builtin_cpu_init();
  list.push_back({&avx2::kernels, __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")});
#endif
#ifdef SKIMRNN_NEON
  list.push_back({&neon::kernels, true});
#endif
#ifdef SKIMRNN_PORTABLE
  list.push_back({&portable::kernels, true});
#endif
  return list;
}

}  // namespace

std::vector<std::string> runnable() {
  std::vector<std::string> names;
  for (const Candidate& candidate : candidates())
    if (candidate.runs) names.push_back(candidate.kernels->name);
  return names;
}

const Kernels* find_kernels(const std::string& name) {
  for (const Candidate& candidate : candidates())
    if (candidate.runs && name == candidate.kernels->name) return candidate.kernels;
  return nullptr;
}

}  // namespace skimrnn
