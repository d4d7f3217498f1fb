// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <rolewise/train/any_metric.hpp>
#include <rolewise/train/mean_iou.hpp>
#include <rolewise/train/mean_squared_error.hpp>
#include <rolewise/train/metric.hpp>
#include <rolewise/train/perplexity.hpp>
#include <rolewise/train/top_k_accuracy.hpp>

#include <concepts>
#include <string>
#include <string_view>

namespace {

using namespace rolewise::metric_must;
using rolewise::Metric;
using rolewise::outputs;
using rolewise::targets;

struct least_that_conforms {
  static constexpr std::string_view name = "least";
  static constexpr bool higher_is_better = true;
  torch::Tensor sums(const outputs&, const targets&) const { return {}; }
  torch::Tensor value(const torch::Tensor& sums) const { return sums; }
};
static_assert(Metric<least_that_conforms>);
static_assert(!rolewise::is_weighted_mean<least_that_conforms>());

struct named_by_a_parameter {
  int k = 1;
  bool higher_is_better = true;
  std::string name() const { return "top-" + std::to_string(k); }
  torch::Tensor sums(const outputs&, const targets&) const { return {}; }
  torch::Tensor value(const torch::Tensor& sums) const { return sums; }
};
static_assert(Metric<named_by_a_parameter>);

static_assert(rolewise::is_weighted_mean<rolewise::top_k_accuracy>());
static_assert(rolewise::is_weighted_mean<rolewise::mean_squared_error>());
static_assert(!rolewise::is_weighted_mean<rolewise::mean_iou>());
static_assert(!rolewise::is_weighted_mean<rolewise::perplexity>());
static_assert(std::convertible_to<rolewise::mean_iou, rolewise::any_metric>);
static_assert(!std::convertible_to<int, rolewise::any_metric>);

static_assert(!Metric<rolewise::no_metric>);
static_assert(rolewise::StepMetric<rolewise::no_metric>);
static_assert(rolewise::StepMetric<rolewise::perplexity>);
static_assert(!rolewise::StepMetric<int>);

// Each of these violates one requirement.

struct sums_labels_alone : least_that_conforms {
  torch::Tensor sums(const targets&) const { return {}; }
};
static_assert(!sum_over_outputs_and_targets<sums_labels_alone>);
static_assert(!Metric<sums_labels_alone>);

struct reads_the_device : least_that_conforms {
  double value(const torch::Tensor&) const { return 1.0; }
};
static_assert(!turn_sums_into_one_number<reads_the_device>);
static_assert(!Metric<reads_the_device>);

struct remembers : least_that_conforms {
  torch::Tensor value(const torch::Tensor& sums) { return sums; }
};
static_assert(!turn_sums_into_one_number<remembers>);
static_assert(!Metric<remembers>);

struct without_direction {
  std::string name() const { return "lost"; }
  torch::Tensor sums(const outputs&, const targets&) const { return {}; }
  torch::Tensor value(const torch::Tensor& sums) const { return sums; }
};
static_assert(!say_whether_higher_is_better<without_direction>);
static_assert(!Metric<without_direction>);

struct without_name {
  static constexpr bool higher_is_better = true;
  torch::Tensor sums(const outputs&, const targets&) const { return {}; }
  torch::Tensor value(const torch::Tensor& sums) const { return sums; }
};
static_assert(!carry_a_name_for_the_report<without_name>);
static_assert(!Metric<without_name>);

struct cannot_be_copied : least_that_conforms {
  cannot_be_copied(const cannot_be_copied&) = delete;
};
static_assert(sum_over_outputs_and_targets<cannot_be_copied>);
static_assert(!Metric<cannot_be_copied>);

}  // namespace
