// What the files of the Python binding share.
#pragma once

#include <nanobind/nanobind.h>

#include <stdexcept>
#include <string>

#include "kernels.h"

namespace skimrnn {

inline CellKind kind_of(const std::string& cell) {
  if (cell == "lstm") return kLstm;
  if (cell == "gru") return kGru;
  if (cell == "rnn_tanh") return kTanh;
  if (cell == "rnn_relu") return kRelu;
  throw std::invalid_argument("there are no kernels for the cell " + cell);
}

}  // namespace skimrnn

// binding_training.cc
void bind_training(nanobind::module_& m);
