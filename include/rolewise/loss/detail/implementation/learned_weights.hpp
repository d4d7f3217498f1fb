// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/loss/detail/learned_weights.hpp>.

#include <rolewise/loss/detail/learned_weights.hpp>

#include <rolewise/loss/detail/learned_layers.hpp>
#include <rolewise/loss/detail/require_logits.hpp>

#include <string>
#include <utility>

namespace rolewise::detail {

ROLEWISE_INLINE owned_tensor first_log_variances(std::size_t terms)
{
  return owned_tensor{at::zeros({static_cast<std::int64_t>(terms)}).set_requires_grad(true)};
}

ROLEWISE_INLINE learned_weights::learned_weights(const owned_tensor& log_variances,
                                                 std::string_view who)
    : log_variances_{*log_variances}
{
  require_configured(log_variances, who);
}

ROLEWISE_INLINE void learned_weights::add(std::string_view name, const torch::Tensor& value,
                                          double by)
{
  const auto exact = wide_enough(value);
  const auto s =
      log_variances_.select(0, static_cast<std::int64_t>(weights_.size())).to(exact.dtype());
  const auto weight = (-s).exp() * by;
  const auto term = exact * weight + s * 0.5;
  found_.total = found_.total.defined() ? found_.total + term : term;
  add_term(found_, name, value.detach());
  weights_.push_back(weight.detach());
}

ROLEWISE_INLINE loss_terms learned_weights::finish()
{
  const auto type = found_.terms.front().value.scalar_type();
  found_.total = found_.total.to(type);
  for (std::size_t i = 0; i < weights_.size(); ++i)
    found_.terms.push_back({"weight of " + found_.terms[i].name, std::move(weights_[i])});
  return std::move(found_);
}

}  // namespace rolewise::detail
