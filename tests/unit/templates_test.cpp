// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The templates of examples/ satisfy the laws of what they are templates for. Their `int main()`
// becomes a variable and a function that returns nothing, as only the real one may omit its return.

#include "support/doctest.hpp"

#include "laws/augmentation_agent.hpp"
#include "laws/distillation_loss.hpp"
#include "laws/quantizer.hpp"

#include <rolewise/rolewise.hpp>

#include <iostream>

#define main           \
  no_main_of_own_loss; \
  void main_of_own_loss
#include "../../examples/own_loss.cpp"
#undef main
#define main            \
  no_main_of_own_agent; \
  void main_of_own_agent
#include "../../examples/own_agent.cpp"
#undef main
#define main                \
  no_main_of_own_quantizer; \
  void main_of_own_quantizer
#include "../../examples/own_quantizer.cpp"
#undef main

TEST_CASE("the templates of a loss, an agent and a quantizer satisfy their laws")
{
  rolewise::laws::hold_for(mine::centered_logits{});
  for (const std::int64_t channels : {1, 3})
    rolewise::laws::hold_for(mine::brightness_jitter{}, channels);
  rolewise::laws::hold_for(mine::plain_uniform{});
}

TEST_CASE("layers multiply the integers of the template of a quantizer")
{
  const rw::sample_shape shape{.channels = 3, .height = 8, .width = 8, .classes = 4};
  const auto network = rw::resnet8(shape, mine::plain_uniform{}, rw::inner_bits<3>);
  const rw::batch examples{torch::randint(0, 256, {2, 3, 8, 8}, torch::kByte),
                           torch::zeros(2, torch::kLong),
                           torch::arange(2),
                           {}};
  const torch::NoGradGuard without_graph;
  (void)network.predict(examples);
  const auto layers = network.layers();
  const auto expected = rw::integer_forward_support().available
                            ? rw::layer_arithmetic::integer
                            : rw::layer_arithmetic::no_operators;
  CHECK(layers[1].arithmetic == expected);
}
