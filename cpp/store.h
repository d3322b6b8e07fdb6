// Memory for what is kept as long as a model.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "kernels.h"

namespace skimrnn {

// Pieces of large pages, where the system has them: on small ones it is a matter of luck which
// parts of the weights push each other out of the cache.
class Store {
 public:
  // So many zeros, at kAlignment; they live as long as the store.
  template <class T>
  T* zeros(std::size_t count) {
    const std::size_t bytes = whole(count * sizeof(T), kAlignment);
    if (bytes > left_) add_chunk(bytes);
    void* piece = next_;
    next_ += bytes;
    left_ -= bytes;
    std::memset(piece, 0, bytes);
    return static_cast<T*>(piece);
  }

 private:
#if defined(__SANITIZE_ADDRESS__)
  // Each piece alone, so that its ends are watched.
  static constexpr std::size_t kPage = kAlignment;
#else
  static constexpr std::size_t kPage = std::size_t(2) << 20;
#endif

  // The next multiple that is above 0.
  static std::size_t whole(std::size_t bytes, std::size_t of) {
    return (bytes / of + (bytes % of != 0 || bytes == 0)) * of;
  }

  void add_chunk(std::size_t bytes) {
    const std::size_t size = whole(bytes, kPage);
    chunks_.emplace_back(static_cast<std::byte*>(::operator new(size, std::align_val_t{kPage})));
    next_ = chunks_.back().get();
    left_ = size;
#if defined(__linux__)
    madvise(next_, size, MADV_HUGEPAGE);  // where it is refused, small pages do
#endif
  }

  struct Free {
    void operator()(std::byte* p) const { ::operator delete(p, std::align_val_t{kPage}); }
  };
  std::vector<std::unique_ptr<std::byte, Free>> chunks_;
  std::byte* next_ = nullptr;
  std::size_t left_ = 0;
};

}  // namespace skimrnn
