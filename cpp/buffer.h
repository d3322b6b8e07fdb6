// Aligned memory.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <new>

#include "kernels.h"

namespace skimrnn {

// For a buffer that is filled before it is read.
struct Unset {};

// Numbers at kAlignment, zero at first unless said otherwise.
template <class T>
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::size_t count) : Buffer(count, Unset()) {
    std::memset(data_.get(), 0, bytes(count));
  }
  Buffer(std::size_t count, Unset)
      : data_(static_cast<T*>(::operator new[](bytes(count), std::align_val_t{kAlignment}))) {}
  T* get() const { return data_.get(); }

 private:
  static std::size_t bytes(std::size_t count) {
    return (count * sizeof(T) / kAlignment + 1) * kAlignment;
  }
  struct Free {
    void operator()(T* p) const { ::operator delete[](p, std::align_val_t{kAlignment}); }
  };
  std::unique_ptr<T[], Free> data_;
};

}  // namespace skimrnn
