// One direction of one layer over a whole batch, for training: every level computed, mixed by the
// Gumbel-softmax, and the exact gradient. The equations are those of nn/steps.py, `Mixing`.
//
// What does not go token by token (input parts, gradients of inputs and weights) is done for many
// tokens at once, but no more than caches hold: a chunk of steps. The rows of a batch meet only in
// the sums over all tokens that weights' gradients are, so threads share a batch by rows, never
// wait for each other, and add their sums up in the end, in the order of rows.
//
// Layout. torch's: matrices row by row, a cell's gates one after the other, unpadded. The N tokens
// of a batch lie step by step, at each step those of the first sizes[t] rows; sizes never rise.
// What the forward pass leaves for the gradient alone lies likewise for the rows of each thread,
// one thread after the other; so both passes need the same number of threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels.h"

namespace skimrnn {

// One level's cell; G gates. Without units a level copies the state, and nothing of this is used.
struct TrainedCell {
  int units;
  int seen;                            // columns of the recurrent matrix: what the cell sees of h
  const float *weight_ih, *weight_hh;  // (G * units, E), (G * units, seen)
  const float *bias_ih, *bias_hh;      // (G * units); or null
  // Left for the gradient.
  float* gates;   // (N, G * units); after their activation
  float* of_new;  // (N, units); the GRU's alone: the recurrent part of its new state's sum
  // The gradient's. An LSTM's biases have one gradient, of bias_ih.
  float *weight_ih_grad, *weight_hh_grad, *bias_ih_grad, *bias_hh_grad;
};

struct Sequence {
  CellKind kind;                       // kLstm or kGru
  int input_size, hidden_size, count;  // E, D and the number of levels
  bool backwards;                      // whether texts are read from their ends
  bool state_router, hard;
  float temperature;
  std::vector<std::int64_t> sizes, offsets;  // of each step: rows, and where they begin
  std::int64_t tokens;                       // N
  std::vector<TrainedCell> cells;            // by level

  const float* x;                            // (N, E)
  const float *router_weight, *router_bias;  // (K, E + |s|), (K,)
  const float* noise;                        // (N, K)
  const float *h_0, *c_0;                    // (B, D); c with an LSTM alone, here and below
  // Made by the forward pass, and taken by the gradient but for level, h_n and c_n.
  float* outputs;       // (N, D)
  float* log_p;         // (N, K)
  std::int64_t* level;  // (N,)
  float *h_n, *c_n;     // (B, D)
  float* c_before;      // (N, D); left for the gradient: c before each token

  // The gradient's: given, null for zeros, and made.
  const float *outputs_grad, *log_p_grad, *h_n_grad, *c_n_grad;
  float *x_grad, *h_0_grad, *c_0_grad, *router_weight_grad, *router_bias_grad;

  int router_inputs() const { return input_size + hidden_size * (state_router ? 2 : 1); }
};

// Both take the whole batch. `threads` is at least 1.
void train_forward(const Sequence& sequence, const Kernels* kernels, int threads);
void train_backward(const Sequence& sequence, const Kernels* kernels, int threads);

// ---- for the kernels ----------------------------------------------------------------------------

// Columns of a matrix that lie together when it is packed in panels, for products of many rows. The
// last panel is as wide as whole groups need.
constexpr int kPanel = 64;

// Some rows of a batch, and steps [first, last) to take them through, forward in time whatever the
// direction. What the sequence has in vectors is here by pointer, because no code of the standard
// library is to be compiled for an instruction set.
struct Steps {
  const Sequence* sequence;
  const TrainedCell* cells;
  const float* const* packed;  // by level, and last the router's: K rows of padded(D) for c, for h
  const std::int64_t *sizes, *offsets;
  const std::int64_t* own;    // where the rows' tokens of each step lie in what is left
  int all_steps, begin, end;  // the batch's; rows [begin, end)
  int first, last;

  // State after the steps before these, or the gradient of that after these: padded(D) a row.
  float *h, *c;

  // The chunk's tokens, from that of the first row at step `first`, or what is made of them.
  float* prepared;                                // K; what they say to the router, or its gradient
  float* h_before;                                // D; the gradient's alone, as are the next
  float *const *gates_grad, *const *of_new_grad;  // by level: G * units, units

  // Room.
  float* row;           // 4 padded(D)
  float* shares;        // rows, K
  float* logits;        // 3 K
  float* const* small;  // by level: h and c, padded(units) a row
};

}  // namespace skimrnn
