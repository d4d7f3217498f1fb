// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/data/relabeled.hpp>.

#include <rolewise/data/relabeled.hpp>
#include <rolewise/support/error.hpp>

#include <ATen/ops/searchsorted.h>

namespace rolewise::detail {

ROLEWISE_INLINE std::string relabeling_advice(const torch::Tensor& labels, std::int64_t classes)
{
  const auto known = labels_in(labels);
  if (known.numel() == 0 || known.numel() > classes || known[0].item<std::int64_t>() < 0) return "";
  const auto text = [](std::int64_t number) { return std::to_string(number); };
  return "; the " + text(known.numel()) + " labels that occur, " +
         text(known[0].item<std::int64_t>()) + " to " + text(known[-1].item<std::int64_t>()) +
         ", become " + text(known.numel()) + " classes, 0 to " + text(known.numel() - 1) +
         ", by `relabeled`, or by .relabel of open_dataset and idx_dataset";
}

ROLEWISE_INLINE std::vector<std::string> relabeled_names(const std::vector<std::string>& names,
                                                         const torch::Tensor& known)
{
  const auto count = static_cast<std::size_t>(known.numel());
  const auto* const label = known.const_data_ptr<std::int64_t>();
  const bool unchanged = label[count - 1] + 1 == known.numel();
  if (names.size() == count || (names.empty() && unchanged)) return names;
  if (!names.empty() && label[count - 1] >= static_cast<std::int64_t>(names.size()))
    throw_invalid_argument("relabeled", names.size(), " class names for ", count,
                           " different labels up to ", label[count - 1]);
  std::vector<std::string> result;
  for (std::size_t c = 0; c < count; ++c)
    result.push_back(names.empty() ? std::to_string(label[c])
                                   : names[static_cast<std::size_t>(label[c])]);
  return result;
}

ROLEWISE_INLINE void relabel(dataset& part, const torch::Tensor& known,
                             const std::vector<std::string>& names)
{
  part.shape.classes = known.numel();
  part.class_names = names;
  if (part.size() == 0) return;
  const auto to = at::searchsorted(known, part.labels);
  const auto from = known.index_select(0, to.clamp_max(known.numel() - 1));
  const auto strange = (from != part.labels).nonzero();
  if (strange.numel() > 0)
    throw_invalid_argument("relabeled", "label ", part.labels[strange[0][0]].item<std::int64_t>(),
                           " of example ", strange[0][0].item<std::int64_t>(),
                           " does not occur among the labels to learn from");
  part.labels = to;
}

ROLEWISE_INLINE torch::Tensor labels_to_keep(const dataset& examples)
{
  if (examples.size() == 0 || !examples.labels.defined() || examples.labels.dim() != 1 ||
      examples.labels.scalar_type() != torch::kLong || examples.labels.size(0) != examples.size())
    throw_invalid_argument("relabeled", "want examples, one int64 label for each, got ",
                           examples.size(), " examples");
  auto known = labels_in(examples.labels).to(torch::kCPU).contiguous();
  if (const auto least = known[0].item<std::int64_t>(); least < 0)
    throw_invalid_argument("relabeled", "want labels of at least 0, got ", least);
  return known;
}

}  // namespace rolewise::detail

namespace rolewise {

ROLEWISE_INLINE dataset relabeled(dataset examples)
{
  const auto known = detail::labels_to_keep(examples);
  detail::relabel(examples, known, detail::relabeled_names(examples.class_names, known));
  return examples;
}

ROLEWISE_INLINE dataset_splits relabeled(dataset_splits data)
{
  const auto known = detail::labels_to_keep(data.train);
  const auto names = detail::relabeled_names(data.train.class_names, known);
  for (auto* part : {&data.train, &data.test}) detail::relabel(*part, known, names);
  data.shape.classes = known.numel();
  return data;
}

}  // namespace rolewise
