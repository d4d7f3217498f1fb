// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/data/splits.hpp>.

#include <rolewise/data/splits.hpp>
#include <rolewise/support/error.hpp>

#include <cmath>
#include <numeric>
#include <tuple>

namespace rolewise::detail {

ROLEWISE_INLINE std::vector<std::vector<std::int64_t>> shuffled_classes(const char* who,
                                                                        const dataset& whole,
                                                                        seed key)
{
  if (whole.size() == 0) throw_invalid_argument(who, "the data set is empty");
  if (!whole.labels.defined() || whole.labels.dim() != 1 ||
      whole.labels.scalar_type() != torch::kLong || whole.labels.size(0) != whole.size())
    throw_invalid_argument(who, "want one int64 label for each of ", whole.size(), " examples");
  if (!whole.ids.defined() || whole.ids.dim() != 1 || whole.ids.scalar_type() != torch::kLong ||
      whole.ids.size(0) != whole.size())
    throw_invalid_argument(who, "want one int64 id for each of ", whole.size(), " examples");

  struct ticket {
    std::uint64_t number;
    std::int64_t id, place;
  };
  std::vector<std::vector<ticket>> tickets(static_cast<std::size_t>(whole.shape.classes));
  const auto labels = whole.labels.contiguous(), ids = whole.ids.contiguous();
  std::vector<std::int64_t> seen;
  for (std::int64_t n = 0; n < whole.size(); ++n) {
    const auto label = labels.const_data_ptr<std::int64_t>()[n];
    const auto id = ids.const_data_ptr<std::int64_t>()[n];
    if (label < 0 || label >= whole.shape.classes)
      throw_invalid_argument(who, "label ", label, " of example ", n, " is not among ",
                             whole.shape.classes, " classes",
                             relabeling_advice(labels, whole.shape.classes));
    const draws random{key, 0, id};
    const auto number = std::uint64_t{random.bits(0)} << 32 | random.bits(1);
    tickets[static_cast<std::size_t>(label)].push_back({number, id, n});
    seen.push_back(id);
  }
  std::sort(seen.begin(), seen.end());
  if (const auto twice = std::adjacent_find(seen.begin(), seen.end()); twice != seen.end())
    throw_invalid_argument(who, "id ", *twice,
                           " occurs twice, so its copies could end up in both parts");

  std::vector<std::vector<std::int64_t>> result(tickets.size());
  for (std::size_t c = 0; c < tickets.size(); ++c) {
    if (tickets[c].empty())
      throw_invalid_argument(who, "class ", c, " has no examples",
                             relabeling_advice(labels, whole.shape.classes));
    std::sort(tickets[c].begin(), tickets[c].end(), [](const ticket& a, const ticket& b) {
      return std::tie(a.number, a.id) < std::tie(b.number, b.id);
    });
    for (const auto& t : tickets[c]) result[c].push_back(t.place);
  }
  return result;
}

}  // namespace rolewise::detail

namespace rolewise {

ROLEWISE_INLINE split_dataset stratified_split(const dataset& whole, fraction held_out, seed key)
{
  const auto classes =
      detail::shuffled_classes("stratified_split", whole, key.split(purpose{"split"}));
  std::vector<std::int64_t> wanted(classes.size());
  std::vector<double> remainder(classes.size());
  std::int64_t missing = std::llround(held_out.value() * static_cast<double>(whole.size()));
  for (std::size_t c = 0; c < classes.size(); ++c) {
    const double share = held_out.value() * static_cast<double>(classes[c].size());
    wanted[c] = static_cast<std::int64_t>(std::floor(share));
    remainder[c] = share - std::floor(share);
    missing -= wanted[c];
  }
  std::vector<std::size_t> order(classes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return remainder[a] > remainder[b]; });
  for (std::size_t i = 0; missing > 0 && i < order.size(); ++i, --missing) ++wanted[order[i]];

  std::vector<std::int64_t> kept, out;
  for (std::size_t c = 0; c < classes.size(); ++c) {
    const auto count = static_cast<std::int64_t>(classes[c].size());
    if (wanted[c] < 1 || wanted[c] >= count)
      throw_invalid_argument("stratified_split", "class ", c, " has ", count,
                             " examples; a share of ", held_out.value(), " would hold out ",
                             wanted[c], " and leave ", count - wanted[c],
                             ", want at least 1 each: more examples, or another share");
    out.insert(out.end(), classes[c].begin(), classes[c].begin() + wanted[c]);
    kept.insert(kept.end(), classes[c].begin() + wanted[c], classes[c].end());
  }
  return {detail::subset_in_order(whole, std::move(kept)),
          detail::subset_in_order(whole, std::move(out))};
}

ROLEWISE_INLINE dataset stratified_subset(const dataset& whole, std::int64_t count, seed key)
{
  const auto classes =
      detail::shuffled_classes("stratified_subset", whole, key.split(purpose{"subset"}));
  const auto kinds = static_cast<std::int64_t>(classes.size());
  if (count < kinds)
    throw_invalid_argument("stratified_subset", "want at least one example for each of ", kinds,
                           " classes, got ", count);
  std::vector<std::int64_t> places;
  for (std::int64_t c = 0; c < kinds; ++c) {
    const auto& members = classes[static_cast<std::size_t>(c)];
    const auto share = count / kinds + (c < count % kinds ? 1 : 0);
    if (share > static_cast<std::int64_t>(members.size()))
      throw_invalid_argument("stratified_subset", "class ", c, " has ", members.size(),
                             " examples, want ", share);
    places.insert(places.end(), members.begin(), members.begin() + share);
  }
  return detail::subset_in_order(whole, std::move(places));
}

}  // namespace rolewise
