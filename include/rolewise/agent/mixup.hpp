// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Mixup: each image is a blend of two.

#include <rolewise/agent/augmentation_agent.hpp>
#include <rolewise/agent/detail/mixed_labels.hpp>
#include <rolewise/agent/partners.hpp>
#include <rolewise/core/beta_draw.hpp>
#include <rolewise/core/draws.hpp>

#include <cstdint>

namespace rolewise {

/// Blends each image with another one, and its label likewise:
///
///     lambda ~ Beta(alpha, alpha)
///     image = lambda image + (1 - lambda) partner
///     label = lambda onehot(label) + (1 - lambda) onehot(partner's label)
///
/// Inputs are uint8 `[N, C, H, W]`, C = 1 or 3 and stay so: sums are taken in float32 and rounded
/// to the nearest, halves to even. Labels become `[N, classes]` float32; `batch::partners` has the
/// ids of the partners. A batch of N = 0 passes.
///
///     mixup{.alpha = 0.2, .partners = data.train}
///
/// With other agents: before them where partners come from a data set, else after them. For a
/// distillation on mixed images give it to the student and `students_view{}` to the teacher; two
/// roles with a `mixup` of their own mix differently.
///
/// @par Determinism
/// lambda is a function of seed, epoch and id; for the partner see `partner_pool`.
/// @throws std::invalid_argument on other inputs (`require_images`) or labels, an alpha or a number
///         of classes that makes no sense, a batch that is mixed already, and as `partner_pool`
///         does
/// @par Source
/// Zhang, Cisse, Dauphin, Lopez-Paz: mixup: Beyond empirical risk minimization, 2018, arXiv
/// 1710.09412.
/// @par Departs
/// The published code draws one lambda for a batch and any permutation of it, after normalisation;
/// here each example has its own lambda, nobody is its own partner, and images are mixed before
/// they are normalised, so that they are off by at most half a grey level.
struct mixup {
  static constexpr std::string_view name = "mixup";
  static constexpr bool has_state = false;
  static constexpr bool mixes = true;

  double alpha = 1.0;        ///< above 0; small leaves most images nearly alone; usual 0.1 .. 1
  partner_pool partners{};   ///< a data set, or nothing: the batch
  std::int64_t classes = 0;  ///< 0: those of the data set, or of labels that are soft already

  [[nodiscard]] batch operator()(const batch& examples, const moment& now, seed key) const
  {
    detail::require_mixable(name, examples, alpha);
    const auto all = detail::classes_of(name, classes, partners, examples.labels);
    if (examples.size() == 0) return unmixed(examples, all);
    const auto others =
        partners.of(name, examples, key.split(purpose{"mixup partners"}), now.epoch);
    const auto shares = torch::empty({examples.size()}, torch::kFloat32);
    const auto ids = examples.ids.cpu().contiguous();
    for (std::int64_t n = 0; n < examples.size(); ++n) {
      const draws of{key.split(purpose{"mixup"}), now.epoch, ids.const_data_ptr<std::int64_t>()[n]};
      shares.mutable_data_ptr<float>()[n] = static_cast<float>(beta_draw(of, alpha, alpha));
    }
    const auto share = shares.view({-1, 1, 1, 1}).to(examples.inputs.device());
    auto blend = examples.inputs.to(torch::kFloat32).mul_(share);
    blend.add_(others.inputs.to(torch::kFloat32).mul_(1.0 - share));
    return detail::mixed_batch(name, examples, others, blend.round_().to(torch::kByte), shares,
                               all);
  }

 private:
  [[nodiscard]] static batch unmixed(const batch& none, std::int64_t all)
  {
    return detail::mixed_batch(name, none, none, none.inputs, torch::zeros({0}, torch::kFloat32),
                               all);
  }
};

static_assert(AugmentationAgent<mixup>);

}  // namespace rolewise
