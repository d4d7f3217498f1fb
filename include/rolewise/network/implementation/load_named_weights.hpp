// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/network/load_named_weights.hpp>.

#include <rolewise/network/load_named_weights.hpp>

#include <rolewise/support/error.hpp>
#include <rolewise/support/safetensors.hpp>

#include <ATen/ops/equal.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string_view>
#include <unordered_map>

namespace rolewise {

namespace detail {

/// `3 of the file fit nothing: 'a', 'b' and 1 more`, after a separator; nothing without elements.
template<typename Element, typename Describe>
[[nodiscard]] std::string listed(std::string_view what, const std::vector<Element>& all,
                                 const Describe& describe)
{
  static constexpr std::size_t shown_at_most = 6;
  if (all.empty()) return {};
  auto text = classic_text("; ", all.size(), what);
  for (std::size_t i = 0; i < std::min(all.size(), shown_at_most); ++i)
    text.append(i == 0 ? ": " : ", ").append(describe(all[i]));
  if (all.size() > shown_at_most)
    text += classic_text(" and ", all.size() - shown_at_most, " more");
  return text;
}

/// Whether a tensor is a quantizer's, which files of other libraries do not have.
[[nodiscard]] ROLEWISE_INLINE bool is_of_quantizer(const weight_place& place)
{
  const auto is_in = [&](std::string_view part) {
    const auto inside = "." + std::string{part} + ".";
    return place.name.find(inside) != std::string::npos;
  };
  return place.kind == tensor_kind::range || is_in("quantizer") || is_in("gradients");
}

/// How a tensor of the file differs from that of the network: by shape, or else by dtype.
[[nodiscard]] ROLEWISE_INLINE std::optional<unequal_tensor> difference_of(
    const renamed_tensor& names, const torch::Tensor& value, const torch::Tensor& wanted,
    const load_options& options)
{
  if (!wanted.defined()) return std::nullopt;
  if (value.sizes() != wanted.sizes())
    return unequal_tensor{names, classic_text(value.sizes()), classic_text(wanted.sizes())};
  const auto found = value.scalar_type(), own = wanted.scalar_type();
  const bool converts =
      options.converts_dtypes && c10::isFloatingType(found) && c10::isFloatingType(own);
  if (found == own || converts) return std::nullopt;
  return unequal_tensor{names, c10::toString(found), c10::toString(own)};
}

/// The tensors to copy, and the report of them.
struct paired_weights {
  std::vector<std::pair<torch::Tensor, const weight_place*>> pairs;
  loaded_weights report;
};

[[nodiscard]] ROLEWISE_INLINE paired_weights paired(const std::vector<weight_place>& places,
                                                    const support::safetensors& file,
                                                    const std::string& path, const name_map& names,
                                                    const load_options& options)
{
  std::unordered_map<std::string_view, const weight_place*> by_name;
  for (const auto& place : places) by_name.emplace(place.name, &place);
  std::unordered_map<const weight_place*, std::string_view> taken;

  paired_weights found;
  auto& report = found.report;
  for (const auto& [theirs, value] : file.tensors) {
    const auto ours = names ? names(theirs) : std::optional{theirs};
    if (ours && ours->empty()) {
      report.left_out.push_back(theirs);
      continue;
    }
    const renamed_tensor both{theirs, ours.value_or("")};
    const auto place = by_name.find(both.ours);
    if (place == by_name.end()) {
      report.only_in_file.push_back(both);
      continue;
    }
    const auto [first, is_new] = taken.emplace(place->second, theirs);
    if (!is_new)
      throw_invalid_argument("load_named_weights", "the name map gives '", first->second, "' and '",
                             theirs, "' of ", path, " the name ", both.ours, ", want it once");
    if (auto difference = difference_of(both, value, *place->second->tensor, options)) {
      report.unequal.push_back(std::move(*difference));
      continue;
    }
    report.loaded.push_back(both);
    found.pairs.emplace_back(value, place->second);
  }
  for (const auto& place : places)
    if (!taken.contains(&place) && place.tensor->defined())
      (is_of_quantizer(place) ? report.of_quantizers : report.only_in_network)
          .push_back(place.name);
  return found;
}

/// @return whether the tensor has changed
ROLEWISE_INLINE bool assign(const torch::Tensor& value, const weight_place& place)
{
  auto& tensor = *place.tensor;
  if (!tensor.defined()) {  // a range that nothing has been observed for
    tensor = value.clone().set_requires_grad(is_learned(place.kind) && value.is_floating_point());
    return true;
  }
  const auto before = tensor.detach().clone();
  tensor.copy_(value);
  return !at::equal(before, tensor);
}

ROLEWISE_INLINE loaded_names load_into(const std::vector<weight_place>& places,
                                       const std::string& network, const std::string& path,
                                       const name_map& names, const load_options& options)
{
  auto [pairs, report] = paired(places, support::read_safetensors(path), path, names, options);
  if (pairs.empty())
    throw_runtime_error(path, "holds nothing that fits ", network, ": ", to_text(report));
  if (!options.partial && !report.is_complete())
    throw_runtime_error(path, "does not fit ", network, ": ", to_text(report),
                        "; load_options::partial loads what fits");
  const torch::NoGradGuard without_graph;
  loaded_names found;
  for (const auto& [value, place] : pairs) {
    found.loaded.insert(place->name);
    if (assign(value, *place)) found.changed.insert(place->name);
  }
  found.report = std::move(report);
  return found;
}

}  // namespace detail

ROLEWISE_INLINE std::string to_text(const loaded_weights& report)
{
  const auto of_file = [](const renamed_tensor& each) {
    return "'" + each.theirs + "'" + (each.ours.empty() ? "" : " (" + each.ours + ")");
  };
  const auto own = [](const std::string& name) { return name; };
  const auto unequal = [&](const unequal_tensor& each) {
    return of_file(each.names) + " is " + each.in_file + ", not " + each.in_network;
  };
  return detail::classic_text(report.loaded.size(), " tensors fit") +
         detail::listed(" of the file fit nothing", report.only_in_file, of_file) +
         detail::listed(" of the network get nothing", report.only_in_network, own) +
         detail::listed(" differ", report.unequal, unequal);
}

}  // namespace rolewise
