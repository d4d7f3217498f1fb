// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `copy_weights`: copies tensors from one network to another, by name.

#include <rolewise/core/state.hpp>
#include <rolewise/network/detail/copied_ranges.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/inline.hpp>

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace rolewise {

/// Policy for a tensor that both networks have in different shapes.
enum class on_other_shape {
  throw_invalid_argument,  ///< throw; nothing is copied
  leave,                   ///< leave the target's tensor unchanged
  leading_slices           ///< copy the leading entries of every axis, as many as both tensors have
};

/// Options of `copy_weights`.
struct copy_options {
  on_other_shape other_shape = on_other_shape::throw_invalid_argument;
  /// Whether parameters that only one of the networks has are left out. If false, they are an
  /// error: weights of another architecture may fit by a few names.
  bool partial = false;
};

/// Report of `copy_weights`: full names of the tensors.
struct copied_weights {
  std::vector<std::string> copied;  ///< copied whole
  std::vector<std::string> sliced;  ///< copied in part
  std::vector<std::string> left;    ///< in both, but in different shapes
  std::vector<std::string> only_in_source;
  std::vector<std::string> only_in_target;
};

namespace detail {

template<typename Network>
[[nodiscard]] std::vector<named_tensor> tensors_to_copy(const Network& n)
{
  auto all = n.parameters();
  if constexpr (requires { n.buffers(); })
    for (auto& buffer : n.buffers()) all.push_back(std::move(buffer));
  return all;
}

ROLEWISE_INLINE void copy_leading_slice(const torch::Tensor& from, torch::Tensor to);

/// The names of the parameters of `all` that are not in `other`. Ranges and buffers do not count:
/// networks of one architecture have others, by their quantizers.
[[nodiscard]] ROLEWISE_INLINE std::vector<std::string> parameters_without(
    const std::vector<named_tensor>& all, const std::vector<named_tensor>& other);

/// @throws std::invalid_argument if only one of the networks has some parameters
ROLEWISE_INLINE void require_same_parameters(const std::vector<named_tensor>& sources,
                                             const std::vector<named_tensor>& targets);

}  // namespace detail

/// Copies parameters and buffers (weights, biases, running statistics) by full name, into the
/// target's own memory, so optimizers that hold its tensors remain valid.
///
/// Bit widths do not matter, since low-bit networks keep full-precision weights; dtypes and
/// devices are converted. A quantizer whose ranges are all copied goes on with them: it keeps
/// whether they have been observed, and rescales them where its bit width is another. Ranges of
/// quantizers that only one network has are skipped and reported, and with `copy_options::partial`
/// parameters as well, so a shallower network can be initialized from a deeper one.
///
/// @return the tensors that were copied and those that were not
/// @throws std::invalid_argument if no tensor can be copied, if a shape differs and `other_shape`
///         is `throw_invalid_argument`, or if only one network has some parameters and `partial` is
///         false; the target is then unchanged
template<typename From, typename To>
copied_weights copy_weights(const From& from, To& to, copy_options options = {})
{
  const auto sources = detail::tensors_to_copy(from);
  const auto targets = detail::tensors_to_copy(std::as_const(to));
  const auto with_name = [](const std::vector<named_tensor>& all, const std::string& name) {
    return std::ranges::find(all, name, &named_tensor::name);
  };

  copied_weights report;
  std::vector<std::pair<torch::Tensor, torch::Tensor>> pairs;
  for (const auto& [name, target, kind] : targets) {
    const auto source = with_name(sources, name);
    if (source == sources.end()) {
      report.only_in_target.push_back(name);
    } else if (source->value.sizes() == target.sizes()) {
      report.copied.push_back(name);
      pairs.emplace_back(source->value, target);
    } else if (options.other_shape == on_other_shape::throw_invalid_argument) {
      throw_invalid_argument("copy_weights", name, " is ", source->value.sizes(),
                             " in the source and ", target.sizes(),
                             " in the target; on_other_shape::leading_slices copies what fits");
    } else if (options.other_shape == on_other_shape::leading_slices &&
               source->value.dim() == target.dim()) {
      report.sliced.push_back(name);
      pairs.emplace_back(source->value, target);
    } else {
      report.left.push_back(name);
    }
  }
  for (const auto& source : sources)
    if (with_name(targets, source.name) == targets.end())
      report.only_in_source.push_back(source.name);
  if (pairs.empty()) {
    const auto example = [](const auto& all) { return all.empty() ? "nothing" : all.front().name; };
    throw_invalid_argument("copy_weights",
                           "no tensor of the source fits one of the target; the source has ",
                           example(sources), ", ..., the target ", example(targets), ", ...");
  }
  if (!options.partial) detail::require_same_parameters(sources, targets);

  const torch::NoGradGuard without_graph;
  for (const auto& [source, target] : pairs) detail::copy_leading_slice(source, target);
  detail::copy_state_of_ranges(from, to, {report.copied.begin(), report.copied.end()});
  return report;
}

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/network/implementation/copy_weights.hpp>
#endif
