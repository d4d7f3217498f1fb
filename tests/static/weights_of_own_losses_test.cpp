// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rolewise/loss/weighted_sum.hpp>

#include <string_view>

namespace {

template<typename Weight, typename Loss>
concept multiplies = requires(Weight by, Loss loss) { by* loss; };

}  // namespace

namespace mine {

struct loss {
  static constexpr std::string_view name = "mine";
  static constexpr bool has_state = false;
  torch::Tensor operator()(const rolewise::paired_outputs&) const { return {}; }
};

}  // namespace mine

namespace theirs {

using rolewise::operator*;

struct loss : mine::loss {};

}  // namespace theirs

// A number finds no operator for a loss of another namespace; a weight does, and so does a
// namespace that takes the operator over.
static_assert(!multiplies<double, mine::loss>);
static_assert(multiplies<rolewise::weight, mine::loss>);
static_assert(multiplies<double, theirs::loss>);
