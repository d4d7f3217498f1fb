// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/agent/detail/mixed_labels.hpp>.

#include <rolewise/agent/detail/mixed_labels.hpp>

#include <rolewise/support/error.hpp>

#include <cmath>

namespace rolewise::detail {

ROLEWISE_INLINE std::int64_t classes_of(std::string_view who, std::int64_t wanted,
                                        const partner_pool& partners, const torch::Tensor& labels)
{
  const auto found = wanted != 0 ? wanted : labels.dim() == 2 ? labels.size(1) : partners.classes();
  if (found < 1)
    throw_invalid_argument(who, "the number of classes is unknown; set .classes or .partners");
  return found;
}

ROLEWISE_INLINE torch::Tensor soft_labels(std::string_view who, const torch::Tensor& labels,
                                          std::int64_t count, std::int64_t classes)
{
  const auto soft = labels.dim() == 2 && labels.is_floating_point();
  const auto hard = labels.dim() == 1 && labels.scalar_type() == torch::kLong;
  if ((!soft && !hard) || labels.size(0) != count || (soft && labels.size(1) != classes))
    throw_invalid_argument(who, "want labels [", count, "] of Long or [", count, ", ", classes,
                           "] of floating point, got ", labels.sizes(), " of ",
                           labels.scalar_type());
  if (soft) return labels.to(torch::kFloat);
  if (labels.is_cpu() && count > 0) {
    const auto least = labels.min().item<std::int64_t>(), most = labels.max().item<std::int64_t>();
    if (least < 0 || most >= classes)
      throw_invalid_argument(who, "want labels in 0 .. ", classes - 1, ", got ",
                             least < 0 ? least : most);
  }
  return at::zeros({count, classes}, labels.options().dtype(torch::kFloat))
      .scatter_(1, labels.unsqueeze(1), 1.0);
}

ROLEWISE_INLINE batch mixed_batch(std::string_view who, const batch& examples,
                                  const batch& partners, torch::Tensor inputs,
                                  const torch::Tensor& shares, std::int64_t classes)
{
  const auto count = examples.size();
  const auto own = soft_labels(who, examples.labels, count, classes),
             others = soft_labels(who, partners.labels, count, classes);
  const auto share = shares.to(own.device()).unsqueeze(1);
  auto view = examples;
  view.inputs = std::move(inputs);
  view.labels = own * share + others * (1.0 - share);
  view.partners = partners.ids;
  view.view = {};
  return view;
}

ROLEWISE_INLINE batch pasted_batch(std::string_view who, const batch& examples,
                                   const batch& partners, const torch::Tensor& pasted)
{
  const auto &own = examples.labels, &others = partners.labels;
  if (own.sizes() != others.sizes() || own.scalar_type() != others.scalar_type())
    throw_invalid_argument(who, "label maps are ", own.sizes(), " of ", own.scalar_type(),
                           ", their partners' ", others.sizes(), " of ", others.scalar_type());
  const auto paste = [&](const torch::Tensor& from, const torch::Tensor& to) {
    return at::where((to.dim() == 4 ? pasted : pasted.squeeze(1)).to(to.device()), from, to);
  };
  auto view = examples;
  view.inputs = paste(partners.inputs, examples.inputs);
  view.labels = paste(others, own);
  if (examples.weights.defined()) {
    const auto beside_maps = [&](const torch::Tensor& weights) {
      if (weights.dim() != 1) return weights;
      return weights.view({-1, 1, 1}).expand({-1, pasted.size(2), pasted.size(3)});
    };
    view.weights = paste(beside_maps(partners.weights), beside_maps(examples.weights));
  }
  view.partners = partners.ids;
  view.view = {};
  return view;
}

ROLEWISE_INLINE void require_mixable(std::string_view who, const batch& examples, double alpha)
{
  require_images(who, examples);
  if (!(alpha > 0.0 && std::isfinite(alpha)))
    throw_invalid_argument(who, "alpha is ", alpha, ", want above 0 and finite");
  if (!examples.labels.defined())
    throw_invalid_argument(who, "want labels to mix, got an undefined tensor");
  if (examples.partners.defined()) throw_invalid_argument(who, "the examples are mixed already");
}

}  // namespace rolewise::detail
