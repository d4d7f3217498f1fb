// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Umbrella header of `loss/`: loss functions, distillation losses, gradient combinations.

#include <rolewise/loss/activation_boundary.hpp>
#include <rolewise/loss/attention_transfer.hpp>
#include <rolewise/loss/clipped_to_task.hpp>
#include <rolewise/loss/contrastive_representation_distillation.hpp>
#include <rolewise/loss/correlation_congruence.hpp>
#include <rolewise/loss/cross_entropy.hpp>
#include <rolewise/loss/curriculum_temperature.hpp>
#include <rolewise/loss/decoupled_kd.hpp>
#include <rolewise/loss/dist.hpp>
#include <rolewise/loss/distillation_loss.hpp>
#include <rolewise/loss/factor_transfer.hpp>
#include <rolewise/loss/fitnet.hpp>
#include <rolewise/loss/flow_of_solution_procedure.hpp>
#include <rolewise/loss/gradient_combination.hpp>
#include <rolewise/loss/invariances.hpp>
#include <rolewise/loss/jensen_shannon.hpp>
#include <rolewise/loss/label_smoothing.hpp>
#include <rolewise/loss/loss_function.hpp>
#include <rolewise/loss/loss_terms.hpp>
#include <rolewise/loss/masked_generative_distillation.hpp>
#include <rolewise/loss/multi_head_graph_distillation.hpp>
#include <rolewise/loss/multi_level_distillation.hpp>
#include <rolewise/loss/neuron_selectivity_transfer.hpp>
#include <rolewise/loss/no_distillation.hpp>
#include <rolewise/loss/normalized_kd.hpp>
#include <rolewise/loss/on_tap.hpp>
#include <rolewise/loss/overhaul_distillation.hpp>
#include <rolewise/loss/probabilistic_knowledge_transfer.hpp>
#include <rolewise/loss/relational_kd.hpp>
#include <rolewise/loss/reverse_kl.hpp>
#include <rolewise/loss/review_kd.hpp>
#include <rolewise/loss/scheduled_temperature.hpp>
#include <rolewise/loss/similarity_preserving.hpp>
#include <rolewise/loss/singular_value_distillation.hpp>
#include <rolewise/loss/soft_target_kl.hpp>
#include <rolewise/loss/standardized_logits.hpp>
#include <rolewise/loss/targets.hpp>
#include <rolewise/loss/teacher_free_kd.hpp>
#include <rolewise/loss/variational_information_distillation.hpp>
#include <rolewise/loss/weighted_sum.hpp>
