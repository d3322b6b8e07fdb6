// Denormal numbers, which a recurrent network's dying gradients and states are full of, slow a CPU
// down more than tenfold.
#pragma once

#include <cstdint>

namespace skimrnn {

// Treats denormal numbers as zero while it lives, in this thread.
class FlushDenormals {
 public:
  FlushDenormals();
  ~FlushDenormals();
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
  std::uint64_t before_;
};

}  // namespace skimrnn
