// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// What every training of a job is made of: networks, loss, optimisers, crop and flip.

#include "agents.hpp"
#include "job.hpp"
#include "sources.hpp"

#include <rolewise/agent.hpp>
#include <rolewise/loss.hpp>
#include <rolewise/network.hpp>
#include <rolewise/quant.hpp>
#include <rolewise/teacher.hpp>
#include <rolewise/train.hpp>

#include <string>

namespace role_wise {

/// Every network gets crop and flip; they are the baseline.
inline const rolewise::pad_crop_flip crop_flip{.padding = 2};

inline auto new_teacher(const job& of, const rolewise::sample_shape& shape, rolewise::seed own)
{
  return rolewise::make_residual_network(rolewise::resnet_plan(of.teacher_depth), shape,
                                         rolewise::no_quantizer{}, rolewise::full_precision{},
                                         {.seed = own});
}

using teacher_network = decltype(new_teacher(job{}, rolewise::sample_shape{}, rolewise::seed{}));
using teacher_handle = rolewise::shared_teacher<rolewise::frozen_teacher<teacher_network>>;

/// Low-bit inside; the first convolution and the classifier stay in full precision.
template<typename Quantizer>
auto new_student(const job& of, int bits, const Quantizer& quantizer,
                 const rolewise::sample_shape& shape, rolewise::seed own)
{
  const rolewise::both_ends_exempt scheme{rolewise::bit_width{bits}, rolewise::bit_width{bits}};
  return rolewise::make_residual_network(rolewise::resnet_plan(of.student_depth), shape, quantizer,
                                         scheme, {.seed = own});
}

/// Calls `work(quantizer)` with that of the job.
template<typename Work>
auto with_quantizer(const job& of, const Work& work)
{
  return of.quantizer == "lsq" ? work(rolewise::lsq{}) : work(rolewise::dorefa{});
}

inline auto distillation_loss()
{
  return 0.1 * rolewise::cross_entropy{} + 0.9 * rolewise::soft_target_kl{rolewise::temperature{4}};
}

/// Learned ranges follow at half the rate of weights.
inline auto student_optimiser(double rate)
{
  return rolewise::ranges_apart{.weights = rolewise::sgd{.rate = rate},
                                .ranges = rolewise::sgd{.rate = rate / 2}};
}

/// The agent that a text names, with partners from the images of a seed.
inline chosen_agent agent_for(const std::string& text, const rolewise::dataset& train)
{
  return agent_of(text).with_partners(train);
}

}  // namespace role_wise
