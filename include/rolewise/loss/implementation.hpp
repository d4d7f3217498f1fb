// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// All function bodies of `loss/`, for the unit that compiles them.

#include <rolewise/loss/detail/implementation/class_probabilities.hpp>
#include <rolewise/loss/detail/implementation/convolution_norm.hpp>
#include <rolewise/loss/detail/implementation/correlation_rows.hpp>
#include <rolewise/loss/detail/implementation/feature_maps.hpp>
#include <rolewise/loss/detail/implementation/feature_rows.hpp>
#include <rolewise/loss/detail/implementation/fused_loss.hpp>
#include <rolewise/loss/detail/implementation/learned_layers.hpp>
#include <rolewise/loss/detail/implementation/logit_rows.hpp>
#include <rolewise/loss/detail/implementation/require_labels.hpp>
#include <rolewise/loss/detail/implementation/require_logits.hpp>
#include <rolewise/loss/detail/implementation/singular_vectors.hpp>
#include <rolewise/loss/detail/implementation/target_rows.hpp>
#include <rolewise/loss/detail/implementation/weighted_mean.hpp>
#include <rolewise/loss/implementation/activation_boundary.hpp>
#include <rolewise/loss/implementation/contrastive_representation_distillation.hpp>
#include <rolewise/loss/implementation/correlation_congruence.hpp>
#include <rolewise/loss/implementation/cross_entropy.hpp>
#include <rolewise/loss/implementation/curriculum_temperature.hpp>
#include <rolewise/loss/implementation/decoupled_kd.hpp>
#include <rolewise/loss/implementation/dist.hpp>
#include <rolewise/loss/implementation/factor_transfer.hpp>
#include <rolewise/loss/implementation/flow_of_solution_procedure.hpp>
#include <rolewise/loss/implementation/jensen_shannon.hpp>
#include <rolewise/loss/implementation/label_smoothing.hpp>
#include <rolewise/loss/implementation/masked_generative_distillation.hpp>
#include <rolewise/loss/implementation/multi_head_graph_distillation.hpp>
#include <rolewise/loss/implementation/multi_level_distillation.hpp>
#include <rolewise/loss/implementation/neuron_selectivity_transfer.hpp>
#include <rolewise/loss/implementation/no_distillation.hpp>
#include <rolewise/loss/implementation/normalized_kd.hpp>
#include <rolewise/loss/implementation/overhaul_distillation.hpp>
#include <rolewise/loss/implementation/probabilistic_knowledge_transfer.hpp>
#include <rolewise/loss/implementation/relational_kd.hpp>
#include <rolewise/loss/implementation/reverse_kl.hpp>
#include <rolewise/loss/implementation/review_kd.hpp>
#include <rolewise/loss/implementation/similarity_preserving.hpp>
#include <rolewise/loss/implementation/singular_value_distillation.hpp>
#include <rolewise/loss/implementation/soft_target_kl.hpp>
#include <rolewise/loss/implementation/standardized_logits.hpp>
#include <rolewise/loss/implementation/targets.hpp>
#include <rolewise/loss/implementation/teacher_free_kd.hpp>
#include <rolewise/loss/implementation/variational_information_distillation.hpp>
