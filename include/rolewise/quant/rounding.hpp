// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The `Rounding` concept: rounding to nearest and stochastic rounding.

#include <rolewise/quant/element_draws.hpp>

#include <concepts>

namespace rolewise {

namespace rounding_must {

template<typename R>
concept start_a_state_that_rounds =
    requires(const R rounding, const layer_id place, const purpose why) {
      { rounding.start(place, why)(torch::Tensor{}) } -> std::same_as<torch::Tensor>;
      rounding.start(place, why).advance();
    };

}  // namespace rounding_must

/// A configuration that creates the rounding state of one tensor of one layer. The state may
/// overwrite its argument. `advance` is called once before each forward pass of training or
/// calibration.
template<typename R>
concept Rounding = std::copyable<R> && rounding_must::start_a_state_that_rounds<R>;

/// Rounds to nearest, half to even.
struct round_to_nearest {
  struct state {
    static constexpr bool has_state = false;

    void advance() {}
    [[nodiscard]] torch::Tensor operator()(torch::Tensor x) const { return x.round_(); }
  };

  [[nodiscard]] state start(const layer_id&, purpose) const { return {}; }
};

/// Stochastic rounding: down or up with the probability of the other's distance, so that the
/// expectation is x. x = 2.3 becomes 3 in three cases of ten. Integers are unchanged.
///
/// For training; evaluation rounds to nearest.
///
/// @par Determinism
/// A function of seed, layer, step and element (`element_draws`).
/// @par Source
/// Gupta, Agrawal, Gopalakrishnan, Narayanan: Deep Learning with Limited Numerical Precision, 2015,
/// arXiv:1502.02551, section 3.1.
struct round_stochastically {
  class state {
   public:
    explicit state(element_draws of_layer) : draws_{of_layer} {}

    void advance() { draws_.advance(); }
    /// The fractional part x - floor(x) is exact; the sum of x and a draw would not be.
    [[nodiscard]] torch::Tensor operator()(const torch::Tensor& x) const
    {
      const auto below = x.floor();
      return below + draws_.uniform(x).lt(x - below);
    }

    template<typename Archive>
    void visit_state(Archive& archive)
    {
      draws_.visit_state(archive);
    }

   private:
    element_draws draws_;
  };

  rolewise::seed seed{0};

  [[nodiscard]] state start(const layer_id& place, purpose why) const
  {
    return state{element_draws{seed.split(purpose{"stochastic rounding"}), place, why}};
  }
};

static_assert(Rounding<round_to_nearest>);
static_assert(Rounding<round_stochastically>);

}  // namespace rolewise
