// expect: an 8-bit network is made from one in full precision
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rolewise/network/mobilenet_v2.hpp>
#include <rolewise/network/shufflenet_v2.hpp>
#include <rolewise/teacher/post_training_quantized.hpp>

#include <vector>

// A trace knows no channel shuffle.
#ifdef ROLEWISE_CONTROL
constexpr auto make = rolewise::mobilenet_v2;
#else
constexpr auto make = rolewise::shufflenet_v2;
#endif

auto use(const std::vector<rolewise::batch>& seen)
{
  const rolewise::sample_shape shape{.classes = 10};
  return rolewise::post_training_quantized(make(shape), seen);
}
