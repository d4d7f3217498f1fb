// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The losses of the comparison, with the weights that their papers or the comparison by Tian,
/// Krishnan and Isola (arXiv:1910.10699) use. Ramps that are counted in epochs are shortened to a
/// share of the run.

#include "one_of.hpp"

#include <rolewise/data/dataset.hpp>
#include <rolewise/loss.hpp>

#include <algorithm>
#include <cstdint>

namespace compare_losses {

inline constexpr rw::cross_entropy task{};
inline constexpr rw::temperature four{4};

/// Losses on labels and logits. The first two rows are the references of the others: the task
/// alone, and `soft_target_kl`.
[[nodiscard]] inline auto on_logits(std::int64_t epochs, std::int64_t classes)
{
  const auto ramp = std::max<std::int64_t>(epochs / 5, 1);
  const auto share = static_cast<double>(classes) / 100;  // of the classes that MLLD's weights suit
  return rows_of(
      row{"cross_entropy", 1.0 * task},
      row{"soft_target_kl", 0.1 * task + 0.9 * rw::soft_target_kl{four}},
      row{"label_smoothing", 1.0 * rw::label_smoothing{}},
      row{"teacher_free_kd", 0.9 * task + 10.0 * rw::teacher_free_kd{}},
      row{"reverse_kl", 0.1 * task + 0.9 * rw::reverse_kl{.temperature = four}},
      row{"jensen_shannon", 0.1 * task + 0.9 * rw::jensen_shannon{.temperature = four}},
      row{"decoupled_kd", task + rw::decoupled_kd{.other_weight = 2, .warm_up_epochs = ramp}},
      row{"normalized_kd",
          task + rw::normalized_kd{.temperature = rw::temperature{3}, .other_weight = 3.5}},
      row{"dist", task + 2.0 * rw::dist{.temperature = four}},
      row{"multi_level_distillation",
          0.1 * task + 0.9 * rw::multi_level_distillation{.batch_weight = share * share,
                                                          .class_weight = share * share * share}},
      row{"curriculum_temperature",
          0.1 * task + 0.9 * rw::curriculum_temperature{.ramp_epochs = ramp}},
      row{"standardized(soft_target_kl)",
          0.1 * task + 9.0 * rw::standardized(rw::soft_target_kl{rw::temperature{2}})});
}

/// Losses on feature maps after their activation, and on the pooled vector.
[[nodiscard]] inline auto on_features(const rw::dataset& data, std::int64_t epochs, rw::seed seed)
{
  using rw::tap::penultimate, rw::tap::stage;
  const auto ramp = std::max<std::int64_t>(epochs / 5, 1);
  const rw::contrastive_representation_distillation<penultimate> contrast{
      .labels = data.labels, .ids = data.ids, .seed = seed};
  return rows_of(
      row{"fitnet", task + 100.0 * rw::fitnet<stage<2>>{}},
      row{"attention_transfer",
          task + 1000.0 * rw::attention_transfer<stage<1>, stage<2>, stage<3>>{}},
      row{"similarity_preserving", task + 3000.0 * rw::similarity_preserving<stage<3>>{}},
      row{"relational_kd", task + rw::relational_kd<penultimate>{}},
      row{"probabilistic_knowledge_transfer",
          task + 30000.0 * rw::probabilistic_knowledge_transfer<penultimate>{}},
      row{"correlation_congruence", task + 0.02 * rw::correlation_congruence<penultimate>{}},
      row{"neuron_selectivity_transfer",
          task + 50.0 * rw::neuron_selectivity_transfer<stage<1>, stage<2>, stage<3>>{}},
      row{"variational_information_distillation",
          task + rw::variational_information_distillation<stage<1>, stage<2>, stage<3>>{}},
      row{"factor_transfer",
          task + 200.0 * rw::factor_transfer<stage<3>>{.paraphraser_epochs = ramp}},
      row{"contrastive_representation_distillation", task + 0.8 * contrast},
      row{"review_kd",
          task + rw::review_kd<stage<1>, stage<2>, stage<3>, penultimate>{.warm_up_epochs = ramp}},
      row{"masked_generative_distillation",
          task + 0.00007 * rw::masked_generative_distillation<stage<3>>{}},
      row{"flow_of_solution_procedure",
          1.0 * rw::flow_of_solution_procedure<stage<1>, stage<2>, stage<3>>{}, ramp});
}

/// Losses on feature maps before their activation.
[[nodiscard]] inline auto before_activations(std::int64_t epochs)
{
  using rw::tap::before_activation;
  const auto ramp = std::max<std::int64_t>(epochs / 5, 1);
  return rows_of(
      row{"overhaul_distillation",
          task + 0.001 * rw::overhaul_distillation<before_activation<1>, before_activation<2>,
                                                   before_activation<3>>{}},
      row{"activation_boundary",
          0.003 * rw::activation_boundary<before_activation<1>, before_activation<2>,
                                          before_activation<3>>{},
          ramp});
}

/// Losses whose gradient is clipped to the task's.
[[nodiscard]] inline auto beside_the_task(std::int64_t epochs)
{
  using rw::tap::stage;
  const auto ramp = std::max<std::int64_t>(epochs / 5, 1);
  return rows_of(row{"singular_value_distillation",
                     rw::singular_value_distillation<stage<1>, stage<2>, stage<3>>{}},
                 row{"multi_head_graph_distillation",
                     rw::multi_head_graph_distillation<stage<1>, stage<2>, stage<3>>{
                         .attention_epochs = ramp}});
}

}  // namespace compare_losses
