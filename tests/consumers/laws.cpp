// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A part of a user, tested by the laws of an installed package.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <rolewise/laws/metric.hpp>
#include <rolewise/train/top_k_accuracy.hpp>

TEST_CASE("top-2 accuracy is a metric")
{
  const rolewise::outputs found{.logits = torch::randn({6, 4}), .features = {}};
  const rolewise::targets wanted{.labels = torch::arange(6) % 4};
  rolewise::laws::metric_holds_for(rolewise::top_k_accuracy{2}, found, wanted);
}
