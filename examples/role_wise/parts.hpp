// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The parts of every training of a job: networks, loss, optimizers, crop and flip.

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

/// The baseline augmentation of every network.
inline const rolewise::pad_crop_flip crop_flip{.padding = 2};

inline auto new_teacher(const job& of, const rolewise::sample_shape& shape, rolewise::seed own)
{
  return rolewise::make_residual_network(rolewise::resnet_plan(of.teacher_depth), shape,
                                         rolewise::no_quantizer{}, rolewise::full_precision{},
                                         {.seed = own});
}

using teacher_network = decltype(new_teacher(job{}, rolewise::sample_shape{}, rolewise::seed{}));
using teacher_handle = rolewise::shared_teacher<rolewise::frozen_teacher<teacher_network>>;

/// A student with low-bit inner layers; first convolution and classifier stay in full precision.
template<typename Quantizer>
auto new_student(const job& of, int bits, const Quantizer& quantizer,
                 const rolewise::sample_shape& shape, rolewise::seed own)
{
  const rolewise::full_precision_ends scheme{rolewise::bit_width{bits}, rolewise::bit_width{bits}};
  return rolewise::make_residual_network(rolewise::resnet_plan(of.student_depth), shape, quantizer,
                                         scheme, {.seed = own});
}

/// Calls `work(quantizer)` with the job's quantizer.
template<typename Work>
auto with_quantizer(const job& of, const Work& work)
{
  return of.quantizer == "lsq" ? work(rolewise::lsq{}) : work(rolewise::dorefa{});
}

inline auto distillation_loss()
{
  return 0.1 * rolewise::cross_entropy{} + 0.9 * rolewise::soft_target_kl{rolewise::temperature{4}};
}

/// SGD with half the learning rate of weights for learned ranges.
inline auto student_optimizer(double rate)
{
  return rolewise::param_groups{.weights = rolewise::sgd{.learning_rate = rate},
                                .ranges = rolewise::sgd{.learning_rate = rate / 2}};
}

/// Parses an agent; its mixing agents draw partners from the images of a seed.
inline chosen_agent agent_for(const std::string& text, const rolewise::dataset& train)
{
  return agent_of(text).with_partners(train);
}

}  // namespace role_wise
