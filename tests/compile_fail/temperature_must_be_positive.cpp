// expect: temperature must be finite and above 0|must be initialized by a constant expression

// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rolewise/loss/soft_target_kl.hpp>

#ifdef ROLEWISE_CONTROL
constexpr double degrees = 4.0;
#else
constexpr double degrees = 0.0;
#endif

constexpr rolewise::soft_target_kl loss{.temperature = rolewise::temperature{degrees}};
double temperature() { return loss.temperature.value(); }
