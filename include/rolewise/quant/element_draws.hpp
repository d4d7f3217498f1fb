// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `element_draws`: random numbers per tensor element, new at every step of a layer.

#include <rolewise/core/draws.hpp>
#include <rolewise/quant/bit_width_scheme.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>

namespace rolewise {

/// Uniform random numbers in [0, 1), multiples of 2^-24: element i of x, in row-major order
/// whatever the memory format, gets draw i of (key, step).
/// @return float32, of the shape of x and on its device; computed on the CPU
[[nodiscard]] ROLEWISE_INLINE torch::Tensor uniform_for_elements(seed key, std::int64_t step,
                                                                 const torch::Tensor& x);

/// The random draws of one layer for one purpose: functions of seed, layer, step and element. The
/// step, which the layer counts, is the only state, so a resumed run draws the same numbers.
class element_draws {
 public:
  element_draws(seed from, const layer_id& place, purpose why)
      : key_{from.split(why).split(purpose{place.name})}
  {}

  /// Call once before each forward pass of training.
  void advance() { ++step_; }

  [[nodiscard]] torch::Tensor uniform(const torch::Tensor& for_elements_of) const
  {
    return uniform_for_elements(key_, step_, for_elements_of);
  }

  [[nodiscard]] seed key() const { return key_; }
  [[nodiscard]] std::int64_t step() const { return step_; }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.value("step", step_);
  }

 private:
  seed key_;
  std::int64_t step_ = 0;
};

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/quant/implementation/element_draws.hpp>
#endif
