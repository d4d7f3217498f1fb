// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/data/class_groups.hpp>.

#include <rolewise/data/class_groups.hpp>

#include <rolewise/support/error.hpp>

#include <numeric>

namespace rolewise {

ROLEWISE_INLINE class_groups::class_groups(dataset data, const class_group_options& options)
    : data_{std::move(data)}, options_{options}
{
  require_sound();
  const auto labels = data_.labels.contiguous();
  const auto* const label = labels.const_data_ptr<std::int64_t>();
  places_.resize(static_cast<std::size_t>(data_.shape.classes));
  for (std::int64_t n = 0; n < data_.size(); ++n) {
    if (label[n] < 0 || label[n] >= data_.shape.classes)
      throw_invalid_argument("class_groups", "label ", label[n], " of example ", n,
                             " is not among ", data_.shape.classes, " classes",
                             detail::relabeling_advice(labels, data_.shape.classes));
    places_[static_cast<std::size_t>(label[n])].push_back(n);
  }
  for (std::size_t c = 0; c < places_.size(); ++c) {
    const auto count = static_cast<std::int64_t>(places_[c].size());
    if (count == 0)
      throw_invalid_argument("class_groups", "class ", c, " has no examples",
                             detail::relabeling_advice(labels, data_.shape.classes));
    if (!options_.replacement && count < options_.examples_per_class)
      throw_invalid_argument("class_groups", "class ", c, " has ", count,
                             " examples, want at least ", options_.examples_per_class,
                             " for a group of them; or set .replacement");
  }
}

ROLEWISE_INLINE std::uint64_t class_groups::fingerprint() const
{
  checksum sum;
  sum.add(std::string_view{"class_groups"});
  sum.add(data_.fingerprint());
  sum.add(static_cast<std::uint64_t>(options_.examples_per_class));
  sum.add(std::uint64_t{options_.replacement});
  return sum.value();
}

ROLEWISE_INLINE gathered_batches class_groups::epoch(const batch_options& options) const
{
  const auto of_a_batch = static_cast<std::size_t>(classes_of_a_batch(options));
  const auto batches_of_a_round = static_cast<std::int64_t>(places_.size() / of_a_batch);
  const auto count = batch_count(options);
  std::vector<std::int64_t> order, given(places_.size(), 0);
  std::vector<std::vector<std::int64_t>> dealt(places_.size());
  std::vector<std::int64_t> classes;
  order.reserve(static_cast<std::size_t>(count * options.size));
  for (std::int64_t step = 0; step < count; ++step) {
    const auto turn = static_cast<std::size_t>(step % batches_of_a_round);
    if (turn == 0) classes = classes_in_round(options, step / batches_of_a_round);
    for (std::size_t i = turn * of_a_batch; i < (turn + 1) * of_a_batch; ++i) {
      const auto label = static_cast<std::size_t>(classes[i]);
      add_group(label, options, given[label]++, dealt[label], order);
    }
  }
  return {data_.examples(), std::move(order), options.size};
}

ROLEWISE_INLINE void class_groups::require_sound() const
{
  if (options_.examples_per_class < 1)
    throw_invalid_argument("class_groups", "want at least 1 example per class, got ",
                           options_.examples_per_class);
  if (data_.size() == 0) throw_invalid_argument("class_groups", "the data set is empty");
  for (const auto* part : {&data_.labels, &data_.ids})
    if (!part->defined() || part->dim() != 1 || part->scalar_type() != torch::kLong ||
        part->size(0) != data_.size() || !part->is_cpu())
      throw_invalid_argument("class_groups", "want one int64 label and one int64 id for each of ",
                             data_.size(), " examples");
}

ROLEWISE_INLINE std::int64_t class_groups::classes_of_a_batch(const batch_options& options) const
{
  const auto per_class = options_.examples_per_class;
  const auto classes = static_cast<std::int64_t>(places_.size());
  if (options.size < 1 || options.size % per_class != 0 || options.size / per_class > classes)
    throw_invalid_argument("class_groups", "want batches of ", per_class, " examples of 1 to ",
                           classes, " classes, got a size of ", options.size);
  return options.size / per_class;
}

ROLEWISE_INLINE std::vector<std::int64_t> class_groups::classes_in_round(
    const batch_options& options, std::int64_t round) const
{
  std::vector<std::int64_t> classes(places_.size());
  std::iota(classes.begin(), classes.end(), std::int64_t{0});
  if (options.shuffle)
    shuffle(classes, options.seed.split(purpose{"order of classes"}), options.epoch, round,
            [](std::int64_t label) { return label; });
  return classes;
}

ROLEWISE_INLINE std::vector<std::int64_t> class_groups::places_in_pass(std::size_t of,
                                                                       const batch_options& options,
                                                                       std::int64_t pass) const
{
  auto places = places_[of];
  const auto id = data_.ids.accessor<std::int64_t, 1>();
  if (options.shuffle)
    shuffle(places, options.seed.split(purpose{"order in classes"}), options.epoch, pass,
            [&](std::int64_t place) { return id[place]; });
  return places;
}

ROLEWISE_INLINE void class_groups::add_group(std::size_t of, const batch_options& options,
                                             std::int64_t number, std::vector<std::int64_t>& dealt,
                                             std::vector<std::int64_t>& order) const
{
  const auto per_class = options_.examples_per_class;
  const auto count = static_cast<std::int64_t>(places_[of].size());
  if (options_.replacement) {
    const draws random{options.seed.split(purpose{"examples of classes"}), options.epoch,
                       static_cast<std::int64_t>(of)};
    for (auto i = number * per_class; i < (number + 1) * per_class; ++i)
      order.push_back(places_[of][static_cast<std::size_t>(
          options.shuffle ? random.below(static_cast<std::uint64_t>(i), count) : i % count)]);
    return;
  }
  const auto groups_of_a_pass = count / per_class;
  const auto begin = number % groups_of_a_pass * per_class;
  if (begin == 0) dealt = places_in_pass(of, options, number / groups_of_a_pass);
  order.insert(order.end(), dealt.begin() + begin, dealt.begin() + begin + per_class);
}

}  // namespace rolewise
