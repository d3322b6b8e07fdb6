// What this CPU has, and which instruction set is used, by name.
#pragma once

#include <string>
#include <vector>

#include "kernels.h"

namespace skimrnn {

// The instruction sets compiled in that this CPU can run, fastest first; never empty.
std::vector<std::string> runnable();

// The kernels of that name; null if it is not compiled in or this CPU cannot run it.
const Kernels* find_kernels(const std::string& name);

}  // namespace skimrnn
