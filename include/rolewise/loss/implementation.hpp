// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// All function bodies of `loss/`, for the unit that compiles them.

#include <rolewise/loss/detail/implementation/feature_maps.hpp>
#include <rolewise/loss/detail/implementation/require_logits.hpp>
#include <rolewise/loss/detail/implementation/weighted_mean.hpp>
#include <rolewise/loss/implementation/cross_entropy.hpp>
#include <rolewise/loss/implementation/no_distillation.hpp>
#include <rolewise/loss/implementation/soft_target_kl.hpp>
#include <rolewise/loss/implementation/targets.hpp>
