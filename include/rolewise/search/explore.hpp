// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The explore step of population based training: a random perturbation of a configuration.

#include <rolewise/core/draws.hpp>
#include <rolewise/core/fraction.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/search/configuration.hpp>
#include <rolewise/search/inside.hpp>
#include <rolewise/search/space.hpp>
#include <rolewise/support/inline.hpp>
#include <rolewise/support/namespaces.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace rolewise::search {

/// Settings of `explore`: how far a configuration moves.
struct exploration {
  fraction resample{0.2};         ///< probability that a value is resampled from its whole range
  std::int64_t longest_step = 3;  ///< largest step of an integer; below 2^32 - 1
  fraction longest_share{0.3};    ///< a real moves by less than this share of a linear interval
  double raised = 1.2;            ///< factor on a real of a logarithmic interval; above 0
  double lowered = 0.8;           ///< or this factor; above 0

  friend bool operator==(const exploration&, const exploration&) = default;
};

namespace detail {

ROLEWISE_INLINE void require_sound(const exploration& how);

// Draw 0 is the resampled value, 1 whether it is used, 2 how far to move otherwise, 3 in which
// direction.

[[nodiscard]] ROLEWISE_INLINE configuration::value moved(const integer_interval& r,
                                                         const configuration::value& from,
                                                         const draws& drawn,
                                                         const exploration& how);
[[nodiscard]] ROLEWISE_INLINE configuration::value moved(const real_interval& r,
                                                         const configuration::value& from,
                                                         const draws& drawn,
                                                         const exploration& how);
[[nodiscard]] inline configuration::value moved(const choice_of&, const configuration::value& from,
                                                const draws&, const exploration&)
{
  return from;
}

}  // namespace detail

/// Perturbs a configuration, each dimension independently: with probability 0.2 its value is
/// resampled from its whole range, as by `search_space::sample`; else it moves, up or down with
/// probability 1/2 each, clamped to its range.
///
/// | range                | moves by                                                  |
/// |----------------------|-----------------------------------------------------------|
/// | integers             | 0, 1, 2 or 3, equally likely                              |
/// | reals, linear        | uniform in [0, 0.3) of the interval's length              |
/// | reals, logarithmic   | the factor 1.2 or 0.8                                     |
/// | choices              | nothing: names have no neighbors                          |
///
/// Over `policy_space` this is the rule of Population Based Augmentation.
/// @param at in the space
/// @return in the space, its values in the order of the space
/// @par Determinism
/// As `search_space::sample`: the new value of a dimension is a function of the seed and of its own
/// name, range and value.
/// @throws std::invalid_argument for a configuration outside the space, with the name of the
///         dimension, and for settings out of range
/// @par Source
/// Integers: Ho, Liang, Stoica, Abbeel, Chen: Population Based Augmentation, 2019,
/// arXiv 1905.05393, section 3.2 and `explore` of the published code. The factors: Jaderberg et
/// al.: Population Based Training of Neural Networks, 2017, arXiv 1711.09846, section 4.
/// @par Departs
/// Factors leave 0 unchanged and move numbers below 0 the wrong way, so reals of linear intervals
/// move by shares of the interval's length, as far as the levels of a policy do.
[[nodiscard]] ROLEWISE_INLINE configuration explore(const search_space& space,
                                                    const configuration& at, seed key,
                                                    const exploration& how = {});

}  // namespace rolewise::search

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/search/implementation/explore.hpp>
#endif
