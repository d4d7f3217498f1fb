// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"

#include "laws/metric.hpp"
#include "support/tiny_student.hpp"

#include <rolewise/report/run_record.hpp>
#include <rolewise/train/any_metric.hpp>
#include <rolewise/train/checkpoint.hpp>
#include <rolewise/train/checkpoints.hpp>
#include <rolewise/train/csv.hpp>
#include <rolewise/train/early_stop.hpp>
#include <rolewise/train/evaluate.hpp>
#include <rolewise/train/evaluate_metrics.hpp>
#include <rolewise/train/fit.hpp>
#include <rolewise/train/json_lines.hpp>
#include <rolewise/train/mean_iou.hpp>
#include <rolewise/train/mean_squared_error.hpp>
#include <rolewise/train/perplexity.hpp>
#include <rolewise/train/progress_bar.hpp>
#include <rolewise/train/top_k_accuracy.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace rolewise;
using rolewise::testing::tiny_data;
using rolewise::testing::tiny_student;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

outputs logits_of(const torch::Tensor& logits) { return {.logits = logits, .features = {}}; }

targets labels_of(const torch::Tensor& labels, const torch::Tensor& weights = {},
                  std::int64_t ignore_index = -100)
{
  return {.labels = labels,
          .ids = {},
          .progress = {},
          .weights = weights,
          .ignore_index = ignore_index};
}

template<Metric M>
double value_of(const M& metric, const torch::Tensor& logits, const targets& wanted)
{
  return metric.value(metric.sums(logits_of(logits), wanted)).template item<double>();
}

/// A teacher whose logits are rows of a table, by id.
struct table_teacher {
  torch::Tensor rows;
  [[nodiscard]] outputs forward(const batch& examples, taps) const
  {
    return logits_of(rows.index_select(0, examples.ids));
  }
};

/// Data whose labels are given; -100 counts nowhere.
dataset labeled(const torch::Tensor& labels, std::int64_t classes)
{
  auto data = tiny_data(labels.size(0));
  data.labels = labels;
  data.ignore_index = -100;
  data.shape.classes = classes;
  return data;
}

std::string read(const std::string& path)
{
  std::ifstream in{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

/// A fresh folder, removed at the end.
struct folder {
  std::string path = (std::filesystem::temp_directory_path() / "rolewise_metrics_test").string();
  folder()
  {
    std::filesystem::remove_all(path);
    std::filesystem::create_directories(path);
  }
  folder(const folder&) = delete;
  folder& operator=(const folder&) = delete;
  ~folder() { std::filesystem::remove_all(path); }
};

// [own-metric]
/// Macro recall: the mean over the classes of the share of their elements that are recognized.
struct macro_recall {
  static constexpr std::string_view name = "macro-recall";
  static constexpr bool higher_is_better = true;

  [[nodiscard]] torch::Tensor sums(const outputs& found, const targets& wanted) const
  {
    const auto counted = wanted.labels.ne(wanted.ignore_index);
    const auto weights =
        (wanted.weights.defined() ? wanted.weights * counted : counted).to(torch::kFloat64);
    const auto right = found.logits.argmax(1).eq(wanted.labels);
    const auto labels = wanted.labels.masked_fill(counted.logical_not(), 0);
    const auto counts = torch::zeros({2, found.logits.size(1)}, weights.options());
    counts[0].scatter_add_(0, labels, weights * right);
    counts[1].scatter_add_(0, labels, weights);
    return counts;  // [2, C]: recognized, all
  }
  [[nodiscard]] torch::Tensor value(const torch::Tensor& sums) const
  {
    return (sums[0] / sums[1]).nanmean();  // classes without elements are left out
  }
};
static_assert(Metric<macro_recall>);
// [/own-metric]

}  // namespace

TEST_CASE("metrics keep their laws")
{
  laws::metric_of_classes_holds_for(top_k_accuracy{});
  laws::metric_of_classes_holds_for(top_k_accuracy{.k = 3});
  laws::metric_of_classes_holds_for(top_k_accuracy{.k = 9});
  laws::metric_of_classes_holds_for(perplexity{});
  laws::metric_of_classes_holds_for(mean_iou{});
  laws::metric_of_classes_holds_for(any_metric{mean_iou{}});
  torch::manual_seed(3);
  for (const auto& weights : {torch::Tensor{}, torch::rand({4})}) {
    laws::metric_holds_for(mean_squared_error{}, logits_of(torch::randn({4, 3})),
                           labels_of(torch::randn({4, 3}), weights));
    laws::metric_holds_for(mean_squared_error{}, logits_of(torch::randn({4, 3, 2})),
                           labels_of(torch::randn({4, 3, 2}), weights));
    laws::metric_holds_for(macro_recall{}, logits_of(torch::randn({4, 3})),
                           labels_of(torch::tensor({0, 2, 2, 0}, torch::kLong), weights));
  }
}

TEST_CASE("top-k accuracy is the share of the elements whose label is among the k highest")
{
  const auto logits =
      torch::tensor({5.0, 4.0, 3.0, 2.0, 1.0, 2.0, 3.0, 4.0, 1.0, 9.0, 2.0, 3.0}, torch::kFloat32)
          .view({3, 4});
  const auto labels = torch::tensor({0, 2, 0}, torch::kLong);  // first, second, last
  CHECK(top_k_accuracy{}.name() == "accuracy");
  CHECK(top_k_accuracy{.k = 5}.name() == "top-5 accuracy");
  CHECK(value_of(top_k_accuracy{}, logits, labels_of(labels)) == 1.0 / 3);
  CHECK(value_of(top_k_accuracy{.k = 2}, logits, labels_of(labels)) == 2.0 / 3);
  CHECK(value_of(top_k_accuracy{.k = 3}, logits, labels_of(labels)) == 2.0 / 3);
  CHECK(value_of(top_k_accuracy{.k = 7}, logits, labels_of(labels)) == 1.0);
  const auto weights = torch::tensor({0.5, 0.0, 2.0}, torch::kFloat32);
  CHECK(value_of(top_k_accuracy{}, logits, labels_of(labels, weights)) == 0.2);
  CHECK(value_of(top_k_accuracy{}, logits, labels_of(labels, {}, 0)) == 0.0);
  CHECK(value_of(top_k_accuracy{.k = 2}, logits, labels_of(labels, {}, 0)) == 1.0);
  const auto soft =
      torch::tensor({0.6, 0.4, 0.0, 0.0, 0.0, 0.2, 0.0, 0.8, 0.3, 0.3, 0.4, 0.0}, torch::kFloat32)
          .view({3, 4});
  CHECK(value_of(top_k_accuracy{}, logits, labels_of(soft)) == 2.0 / 3);
  CHECK(value_of(top_k_accuracy{}, logits.to(torch::kHalf), labels_of(labels)) == 1.0 / 3);
  CHECK(value_of(top_k_accuracy{}, logits.to(torch::kBFloat16), labels_of(labels)) == 1.0 / 3);
  CHECK(std::isnan(value_of(top_k_accuracy{}, logits, labels_of(torch::full({3}, -100)))));
}

TEST_CASE("the accuracy of a batch has the bits of a mean over its examples")
{
  torch::manual_seed(1);
  for (std::int64_t size = 1; size < 300; size += 7)
    for (const auto dtype : {torch::kFloat32, torch::kBFloat16}) {
      const auto logits = torch::randn({size, 5}).to(dtype);
      const auto labels = torch::randint(0, 5, {size}, torch::kLong);
      const auto soft = torch::softmax(torch::randn({size, 5}), 1);
      const auto mean = logits.argmax(1).eq(labels).to(torch::kFloat32).mean();
      const auto found = batch_value(top_k_accuracy{}, logits_of(logits), labels_of(labels));
      CHECK((found.scalar_type() == torch::kFloat32));
      CHECK(found.dim() == 0);
      CHECK(torch::equal(found, mean));
      CHECK(torch::equal(batch_value(top_k_accuracy{}, logits_of(logits), labels_of(soft)),
                         logits.argmax(1).eq(soft.argmax(1)).to(torch::kFloat32).mean()));
    }
}

TEST_CASE("perplexity is e to the mean negative log-likelihood")
{
  const auto even = torch::zeros({2, 5, 3});
  const auto labels = torch::tensor({0, 1, 2, 3, 4, 0}, torch::kLong).view({2, 3});
  CHECK(value_of(perplexity{}, even, labels_of(labels)) == doctest::Approx(5.0));

  // Probabilities 1/2, 1/4 and 1/8: the geometric mean of their reciprocals is 4.
  const auto logits =
      torch::log(torch::tensor({0.5, 0.5, 0.25, 0.75, 0.125, 0.875}, torch::kFloat64).view({3, 2}));
  const auto first = torch::zeros({3}, torch::kLong);
  CHECK(value_of(perplexity{}, logits, labels_of(first)) == doctest::Approx(4.0));
  // Weights 1, 0 and 3: (1 * log 2 + 3 * log 8) / 4 = 2.5 log 2.
  const auto weights = torch::tensor({1.0, 0.0, 3.0}, torch::kFloat32);
  CHECK(value_of(perplexity{}, logits, labels_of(first, weights)) ==
        doctest::Approx(std::pow(2.0, 2.5)));
  auto ignored = first.clone();
  ignored[2] = -100;
  CHECK(value_of(perplexity{}, logits, labels_of(ignored)) == doctest::Approx(std::sqrt(8.0)));

  torch::manual_seed(2);
  const auto random = torch::randn({4, 6, 3}), soft = torch::softmax(torch::randn({4, 6, 3}), 1);
  CHECK(value_of(perplexity{}, random, labels_of(soft)) ==
        doctest::Approx(std::exp(at::cross_entropy_loss(random, soft).item<double>())));
  // Classes that are excluded, and to which soft labels give nothing, add nothing.
  auto excluding = torch::zeros({1, 3});
  excluding[0][2] = -infinity;
  CHECK(value_of(perplexity{}, excluding, labels_of(torch::tensor({{0.5, 0.5, 0.0}}))) ==
        doctest::Approx(2.0));
  // 16-bit logits are summed in higher precision: 1e5 tokens overflow half precision.
  const auto half = torch::zeros({2, 4, 50000}, torch::kHalf);
  CHECK(value_of(perplexity{}, half, labels_of(torch::zeros({2, 50000}, torch::kLong))) ==
        doctest::Approx(4.0));
}

TEST_CASE("mean IoU averages over the classes that are label or prediction")
{
  // Labels      0 0 1 1    predictions  0 1 1 1
  //             2 2 0 -             2 0 0 3     (the last pixel is ignored)
  const auto labels = torch::tensor({0, 0, 1, 1, 2, 2, 0, 255}, torch::kLong).view({1, 2, 4});
  const auto predicted = torch::tensor({0, 1, 1, 1, 2, 0, 0, 3}, torch::kLong).view({1, 2, 4});
  const auto logits =
      torch::one_hot(predicted, 5).permute({0, 3, 1, 2}).to(torch::kFloat32).contiguous();
  // Class 0: 2 of 4; class 1: 2 of 3; class 2: 1 of 2; classes 3 and 4: nowhere.
  const auto wanted = labels_of(labels, {}, 255);
  CHECK(value_of(mean_iou{}, logits, wanted) == doctest::Approx((0.5 + 2.0 / 3 + 0.5) / 3));
  const auto sums = mean_iou{}.sums(logits_of(logits), wanted);
  CHECK(torch::equal(sums, torch::tensor({2.0, 2.0, 1.0, 0.0, 0.0,   //
                                          3.0, 2.0, 2.0, 0.0, 0.0,   //
                                          3.0, 3.0, 1.0, 0.0, 0.0},  //
                                         torch::kFloat64)
                               .view({3, 5})));
  CHECK(value_of(mean_iou{}, logits.to(torch::kBFloat16), wanted) ==
        doctest::Approx((0.5 + 2.0 / 3 + 0.5) / 3));

  auto weights = torch::ones({1, 2, 4});
  weights[0][0][1] = 0.0;  // 0 taken for 1
  weights[0][1][1] = 3.0;  // 2 taken for 0
  CHECK(value_of(mean_iou{}, logits, labels_of(labels, weights, 255)) ==
        doctest::Approx((2.0 / 5 + 1.0 + 1.0 / 4) / 3));
  CHECK(value_of(mean_iou{}, logits, labels_of(predicted)) == 1.0);
  CHECK(std::isnan(value_of(mean_iou{}, logits, labels_of(torch::full({1, 2, 4}, -100)))));
}

TEST_CASE("the mean squared error is the mean over all values")
{
  torch::manual_seed(4);
  const auto x = torch::randn({5, 3}, torch::kFloat64), y = torch::randn({5, 3}, torch::kFloat64);
  CHECK(value_of(mean_squared_error{}, x, labels_of(y)) ==
        doctest::Approx(at::mse_loss(x, y).item<double>()));
  const auto weights = torch::tensor({0.0, 1.0, 0.0, 1.0, 2.0});
  const auto rows = (x - y).square().mean(1);
  CHECK(value_of(mean_squared_error{}, x, labels_of(y, weights)) ==
        doctest::Approx(((rows[1] + rows[3] + 2 * rows[4]) / 4).item<double>()));
  const auto large = torch::full({2, 2}, 500.0, torch::kHalf);  // its square is no half
  CHECK(value_of(mean_squared_error{}, large, labels_of(torch::zeros({2, 2}, torch::kHalf))) ==
        250000.0);
}

TEST_CASE("metrics refuse what does not fit, in words")
{
  const auto logits = torch::zeros({4, 3, 8});
  const auto sums = [&](const auto& metric, const targets& wanted) {
    (void)metric.sums(logits_of(logits), wanted);
  };
  CHECK_THROWS_WITH_AS(sums(mean_iou{}, labels_of(torch::zeros({4}, torch::kLong))),
                       "rolewise: mean-iou: want labels [4, 8] of Long or [4, 3, 8] of floating "
                       "point, got [4] of Long",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(sums(top_k_accuracy{}, labels_of({})),
                       "rolewise: accuracy: want labels [4, 8] of Long or [4, 3, 8] of floating "
                       "point, got an undefined tensor",
                       std::invalid_argument);
  const auto labels = torch::zeros({4, 8}, torch::kLong);
  CHECK_THROWS_WITH_AS(sums(perplexity{}, labels_of(labels, torch::ones({8}))),
                       "rolewise: perplexity: want weights [4] or [4, 8], got [8] of Float",
                       std::invalid_argument);
  auto wrong = labels.clone();
  wrong[1][2] = 3;
  wrong[3][3] = -100;
  CHECK_THROWS_WITH_AS(sums(perplexity{}, labels_of(wrong)),
                       "rolewise: perplexity: want labels in 0 .. 2 or -100 (ignored), got 3",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(sums(top_k_accuracy{.k = 0}, labels_of(labels)),
                       "rolewise: top_k_accuracy: want k >= 1, got 0", std::invalid_argument);
  CHECK_THROWS_WITH_AS(sums(mean_squared_error{}, labels_of(labels)),
                       "rolewise: mean-squared-error: want labels [4, 3, 8] of floating point, "
                       "got [4, 8] of Long",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(
      (void)mean_iou{}.sums(logits_of({}), labels_of(labels)),
      "rolewise: mean-iou: want logits [N, C, ...] of floating point, none of these 0, got "
      "an undefined tensor",
      std::invalid_argument);
}

TEST_CASE("a step hands the sums of its metric to the epoch")
{
  torch::manual_seed(6);
  const auto logits = torch::randn({11, 4}), weights = torch::rand({11});
  auto labels = torch::randint(0, 4, {11}, torch::kLong);
  const auto epoch_of = [&](const auto& metric, const targets& wanted) {
    rolewise::detail::epoch_sums sums;
    for (std::int64_t begin = 0; begin < 11; begin += 4) {
      const auto end = std::min<std::int64_t>(begin + 4, 11);
      metrics numbers{{"loss", torch::tensor(1.0)}};
      add_metric(numbers, metric, laws::part_of(logits_of(logits), begin, end),
                 laws::part_of(wanted, begin, end));
      REQUIRE(numbers.size() == 2);
      CHECK(numbers[1].name == metric_name(metric));
      CHECK((numbers[1].value.scalar_type() == torch::kFloat32));
      sums.add(numbers, end - begin);
    }
    return sums.means(0).at(1).value;
  };
  for (const auto& wanted : {labels_of(labels), labels_of(labels, weights),
                             labels_of(labels, {}, labels[3].item<std::int64_t>())}) {
    CHECK(epoch_of(mean_iou{}, wanted) ==
          doctest::Approx(value_of(mean_iou{}, logits, wanted)).epsilon(1e-12).scale(0));
    CHECK(epoch_of(perplexity{}, wanted) ==
          doctest::Approx(value_of(perplexity{}, logits, wanted)).epsilon(1e-12).scale(0));
    CHECK(epoch_of(top_k_accuracy{}, wanted) ==
          doctest::Approx(value_of(top_k_accuracy{}, logits, wanted)).epsilon(1e-6).scale(0));
  }
  CHECK(epoch_of(macro_recall{}, labels_of(labels)) ==
        doctest::Approx(value_of(macro_recall{}, logits, labels_of(labels))));

  // Batches without a label that counts do not end a run.
  labels.slice(0, 0, 4).fill_(-100);
  CHECK(epoch_of(top_k_accuracy{}, labels_of(labels)) ==
        value_of(top_k_accuracy{}, logits, labels_of(labels)));
  labels.fill_(-100);
  CHECK_THROWS_WITH_AS((void)epoch_of(top_k_accuracy{}, labels_of(labels)),
                       "rolewise: fit: 'accuracy' is nan in epoch 0, step 0", diverged);

  rolewise::detail::epoch_sums mixed;
  metrics with_sums;
  add_metric(with_sums, mean_iou{}, logits_of(logits), labels_of(labels));
  mixed.add(with_sums, 11);
  CHECK_THROWS_WITH_AS(
      mixed.add({{"mean-iou", torch::tensor(1.0)}}, 11),
      "rolewise: fit: the metric 'mean-iou' has sums in some steps, in others none",
      std::invalid_argument);

  metrics numbers;
  add_metric(numbers, no_metric{}, logits_of(logits), labels_of(labels));
  CHECK(numbers.empty());
}

TEST_CASE("the accuracy of an epoch has the bits of a mean weighted by batch size")
{
  torch::manual_seed(7);
  rolewise::detail::epoch_sums with, without;
  for (const std::int64_t size : {7, 7, 7, 3}) {
    const auto found = logits_of(torch::randn({size, 3}));
    const auto wanted = labels_of(torch::randint(0, 3, {size}, torch::kLong));
    metrics numbers;
    add_metric(numbers, top_k_accuracy{}, found, wanted);
    with.add(numbers, size);
    without.add({{"accuracy", numbers[0].value}}, size);
  }
  CHECK((with.means(0) == without.means(0)));
}

TEST_CASE("evaluate measures label maps, tokens and soft labels")
{
  torch::manual_seed(8);
  const auto rows = torch::randn({5, 7, 2, 3});
  auto labels = torch::randint(0, 7, {5, 2, 3}, torch::kLong);
  labels[1][0][2] = -100;
  labels[4].fill_(-100);
  const auto data = labeled(labels, 7);
  const auto logits =
      rows.permute({0, 2, 3, 1}).reshape({-1, 7}).index({labels.flatten().ne(-100)});
  const auto hard = labels.masked_select(labels.ne(-100));
  for (const std::int64_t size : {1, 2, 5}) {
    const auto found = evaluate(table_teacher{rows}, data, {.batch_size = size});
    CHECK(found.count == 23);
    CHECK(found.top1 == logits.argmax(1).eq(hard).sum().item<double>() / 23.0);
    CHECK(found.top5 == doctest::Approx(value_of(top_k_accuracy{.k = 5}, rows, labels_of(labels))));
    CHECK(found.loss ==
          doctest::Approx(at::cross_entropy_loss(logits.to(torch::kFloat64), hard).item<double>())
              .epsilon(1e-6)
              .scale(0));
    CHECK(found.confusion.sum().item<std::int64_t>() == 23);
    CHECK(torch::equal(found.confusion.sum(1), hard.bincount({}, 7)));
  }

  const auto table = torch::randn({6, 4}), soft = torch::softmax(torch::randn({6, 4}), 1);
  const auto found = evaluate(table_teacher{table}, labeled(soft, 4), {.batch_size = 4});
  CHECK(found.count == 6);
  CHECK(found.top1 == table.argmax(1).eq(soft.argmax(1)).sum().item<double>() / 6.0);
  CHECK(found.loss == doctest::Approx(at::cross_entropy_loss(table, soft).item<double>()));
}

TEST_CASE("evaluation sums count by weights, and not what is ignored")
{
  torch::manual_seed(9);
  const auto logits = torch::randn({6, 8, 3}), weights = torch::rand({6, 3});
  weights[2].zero_();
  auto labels = torch::randint(0, 8, {6, 3}, torch::kLong);
  labels[0][1] = -100;
  rolewise::detail::evaluation_sums sums{8, torch::kCPU};
  const auto wanted = labels_of(labels, weights);
  for (const auto& [begin, end] : {std::pair{0, 4}, {4, 6}})
    sums.add(logits.slice(0, begin, end), laws::part_of(wanted, begin, end));
  const auto found = sums.read();
  CHECK(found.count == 6 * 3 - 3 - 1);
  CHECK(found.top1 == doctest::Approx(value_of(top_k_accuracy{}, logits, wanted)));
  CHECK(found.top5 == doctest::Approx(value_of(top_k_accuracy{.k = 5}, logits, wanted)));
  CHECK(std::exp(found.loss) == doctest::Approx(value_of(perplexity{}, logits, wanted)));
  CHECK_THROWS_AS(sums.add(logits, labels_of(labels)), std::invalid_argument);
}

TEST_CASE("evaluate has the bits of plain tensor code for one label per example")
{
  torch::manual_seed(10);
  const auto rows = torch::randn({333, 11});
  const auto labels = torch::randint(0, 11, {333}, torch::kLong);
  const auto found = evaluate(table_teacher{rows}, labeled(labels, 11), {.batch_size = 100});
  double loss = 0.0, near = 0.0;
  for (std::int64_t begin = 0; begin < 333; begin += 100) {
    const auto x = rows.slice(0, begin, std::min<std::int64_t>(begin + 100, 333));
    const auto column = labels.slice(0, begin, begin + x.size(0)).unsqueeze(1);
    loss -= torch::log_softmax(x.to(torch::kFloat64), 1).gather(1, column).sum().item<double>();
    near += std::get<1>(x.topk(5, 1)).eq(column).sum().item<double>();
  }
  CHECK(found.loss == loss / 333.0);
  CHECK(found.top5 == near / 333.0);
  CHECK(found.top1 == rows.argmax(1).eq(labels).sum().item<double>() / 333.0);
}

TEST_CASE("evaluate_metrics computes metrics of a data set, not means of batches")
{
  torch::manual_seed(11);
  const auto rows = torch::randn({5, 4, 3, 3});
  auto labels = torch::randint(0, 4, {5, 3, 3}, torch::kLong);
  labels[3].fill_(-100);
  const auto data = labeled(labels, 4);
  for (const std::int64_t size : {1, 2, 5}) {
    const auto [accuracy, iou, by_type] =
        evaluate_metrics(table_teacher{rows}, data, {.batch_size = size}, top_k_accuracy{},
                         mean_iou{}, any_metric{perplexity{}});
    CHECK(accuracy.name == "accuracy");
    CHECK(accuracy.value == value_of(top_k_accuracy{}, rows, labels_of(labels)));
    CHECK(iou.name == "mean-iou");
    CHECK(iou.value == doctest::Approx(value_of(mean_iou{}, rows, labels_of(labels))));
    CHECK(by_type.name == "perplexity");
    CHECK(by_type.value ==
          doctest::Approx(value_of(perplexity{}, rows, labels_of(labels))).epsilon(1e-6).scale(0));
  }
  const auto x = torch::randn({6, 2}), y = torch::randn({6, 2});
  const auto [error] = evaluate_metrics(table_teacher{x}, labeled(y, 2), mean_squared_error{});
  CHECK(error.value == doctest::Approx(at::mse_loss(x, y).item<double>()));
}

TEST_CASE("evaluation refuses what does not fit, and logits that are no numbers")
{
  const auto labels = torch::zeros({5, 2}, torch::kLong);
  const auto data = labeled(labels, 3);
  for (const auto& sizes : {std::vector<std::int64_t>{5, 4, 2}, {5, 3}, {5, 3, 2, 1}}) {
    const table_teacher wrong{torch::zeros(sizes)};
    CHECK_THROWS_WITH_AS((void)evaluate(wrong, data),
                         doctest::Contains("rolewise: evaluate: want logits [5, 3, 2], got ["),
                         std::invalid_argument);
    CHECK_THROWS_WITH_AS(
        (void)evaluate_metrics(wrong, data, mean_iou{}),
        doctest::Contains("rolewise: evaluate_metrics: want logits [5, 3, 2], got ["),
        std::invalid_argument);
  }
  const auto rows = torch::zeros({5, 3, 2});
  auto beyond = labels.clone();
  beyond[3][1] = 3;
  beyond[0][0] = -100;
  CHECK_THROWS_WITH_AS((void)evaluate(table_teacher{rows}, labeled(beyond, 3)),
                       "rolewise: evaluate: want labels in 0 .. 2, got 3 for example 3 of 'tiny'",
                       std::invalid_argument);
  auto undeclared = labeled(beyond, 3);
  undeclared.ignore_index.reset();
  CHECK_THROWS_WITH_AS(
      (void)evaluate(table_teacher{rows}, undeclared),
      "rolewise: evaluate: want labels in 0 .. 2, got -100 for example 0 of 'tiny'",
      std::invalid_argument);
  CHECK_THROWS_WITH_AS((void)evaluate(table_teacher{rows}, labeled(torch::full({5, 2}, -100), 3)),
                       doctest::Contains("no label of 'tiny' counts"), std::invalid_argument);
  CHECK_THROWS_WITH_AS(
      (void)evaluate_metrics(table_teacher{rows}, labeled(torch::full({5, 2}, -100), 3),
                             mean_iou{}),
      "rolewise: evaluate_metrics: 'mean-iou' on 'tiny' is nan; it is if no label counts",
      diverged);
  for (const double broken : {std::numeric_limits<double>::quiet_NaN(), infinity}) {
    auto some = rows.clone();
    some[4][1][0] = broken;
    CHECK_THROWS_AS((void)evaluate(table_teacher{some}, data), diverged);
    CHECK_THROWS_WITH_AS(
        (void)evaluate_metrics(table_teacher{some}, data, {.batch_size = 2}, top_k_accuracy{}),
        "rolewise: evaluate_metrics: the logits on 'tiny' are not all numbers that can be ordered",
        diverged);
  }
  auto excluding = rows.clone();
  excluding[4][1][0] = -infinity;
  CHECK(evaluate_metrics(table_teacher{excluding}, data, top_k_accuracy{})[0].value == 1.0);
}

namespace {

/// A learner whose evaluated network improves until epoch 2, and is worse afterwards. It shows its
/// epoch, so that a checkpoint tells which one it holds.
struct waning_step {
  std::int64_t epoch = -1;
  table_teacher network{};
  torch::Tensor labels{};  ///< `[N, L]`, classes 0 .. 2

  metrics operator()(const batch&, const training_progress& progress)
  {
    epoch = progress.epoch;
    const double sharpness = 1.0 - 0.25 * std::abs(static_cast<double>(epoch) - 2.0);
    auto logits = torch::one_hot(labels, 3).transpose(1, 2).to(torch::kFloat32) * sharpness;
    // As many labels as there are epochs between are wrong.
    logits.select(1, 0).flatten().slice(0, 0, std::abs(epoch - 2)).fill_(9.0);
    network.rows = logits;
    return {{"loss", torch::tensor(1.0)}};
  }
  [[nodiscard]] const table_teacher& evaluated() const { return network; }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.value("epoch", epoch);
  }
  template<typename Archive>
  void visit_settings(Archive&) const
  {}
};

dataset token_data()
{
  const auto labels = torch::tensor({1, 2, 1, 2, 1, 2, 1, 2, 1, -100}, torch::kLong).view({5, 2});
  return labeled(labels, 3);
}

waning_step waning(const dataset& data)
{
  waning_step step;
  step.labels = data.labels.clamp_min(0);
  return step;
}

}  // namespace

TEST_CASE("fit goes by the metric that validation follows, whether higher or lower is better")
{
  const auto data = token_data(), train = tiny_data(4);
  for (const any_metric& metric : {any_metric{mean_iou{}}, any_metric{perplexity{}}}) {
    CAPTURE(metric.name());
    const folder in;
    auto step = waning(data);
    const checkpoints keeping{.folder = in.path};
    const auto history =
        fit(step, train, {.epochs = 9, .validation = &data, .validation_metric = metric},
            checkpoints{keeping}, early_stop{.patience = 3});
    CHECK(history.stopped_early);
    REQUIRE(history.epochs.size() == 6);
    CHECK(history.best_epoch == 2);
    CHECK_FALSE(history.best_accuracy.has_value());
    for (const auto& record : history.epochs) {
      CHECK_FALSE(record.validation_accuracy.has_value());
      CHECK_FALSE(record.validation_loss.has_value());
      REQUIRE(record.validation_metric.has_value());
      CHECK(record.validation_metric->name == metric.name());
      CHECK(record.validation_metric->higher_is_better == metric.higher_is_better);
    }
    REQUIRE(history.best_metric().has_value());
    auto best = waning(data);
    best({}, {.epoch = 2});
    CHECK(history.best_metric()->value ==
          evaluate_metrics(best.network, data, metric).front().value);
    best.epoch = -1;
    load_checkpoint(keeping.best(), best, "step");
    CHECK(best.epoch == 2);
  }
}

TEST_CASE("a run that is resumed keeps the best value of its metric")
{
  const auto data = token_data(), train = tiny_data(4);
  fit_options options{.epochs = 6, .validation = &data, .validation_metric = perplexity{}};
  auto uninterrupted = waning(data);
  const auto whole = fit(uninterrupted, train, options, early_stop{.patience = 3});
  CHECK(whole.epochs.size() == 6);
  for (const std::int64_t until : {1, 3, 4, 5}) {
    const folder in;
    auto step = waning(data);
    options.until = until;
    options.resume = false;
    (void)fit(step, train, options, early_stop{.patience = 3}, checkpoints{.folder = in.path});
    options.until = -1;
    options.resume = true;
    auto resumed = waning(data);
    const auto history =
        fit(resumed, train, options, early_stop{.patience = 3}, checkpoints{.folder = in.path});
    CHECK(same_results(history, whole));
    CHECK(history.best_epoch == 2);
    CHECK((history.best_metric() == whole.best_metric()));
  }

  // Another metric is another run; where that is accepted, its best starts anew.
  const folder in;
  auto step = waning(data);
  options.until = 3;
  options.resume = false;
  (void)fit(step, train, options, checkpoints{.folder = in.path});
  options.until = -1;
  options.resume = true;
  options.validation_metric = top_k_accuracy{.k = 2};
  CHECK_THROWS_WITH_AS((void)fit(step, train, options, checkpoints{.folder = in.path}),
                       doctest::Contains("validation_metric perplexity (now top-2 accuracy)"),
                       std::invalid_argument);
  options.accept_changes = true;
  const auto changed = fit(step, train, options, checkpoints{.folder = in.path});
  CHECK(changed.best_epoch == 3);
  CHECK(changed.best_metric()->name == "top-2 accuracy");
}

TEST_CASE("without a choice, validation and its files are those of the accuracy")
{
  const auto data = token_data(), train = tiny_data(4);
  const folder in;
  const auto run = [&](const fit_options& options) {
    std::filesystem::remove_all(in.path);
    std::filesystem::create_directories(in.path);
    auto step = waning(data);
    const auto history =
        fit(step, train, options, early_stop{.patience = 3}, checkpoints{.folder = in.path},
            csv{.path = in.path + "/run.csv"}, json_lines{.path = in.path + "/run.jsonl"});
    return history;
  };
  const auto history = run({.epochs = 9, .validation = &data});
  CHECK(history.epochs.size() == 6);
  CHECK(history.best_epoch == 2);
  CHECK(history.best_accuracy == 1.0);
  CHECK_FALSE(history.best_metric().has_value());
  CHECK(history.epochs[1].validation_accuracy == 8.0 / 9.0);
  CHECK(read(in.path + "/run.csv")
            .starts_with("epoch,loss,learning_rate,validation_accuracy,validation_loss,seconds\n"));
  for (const auto& entry : read_snapshot(in.path + "/last.checkpoint")) {
    CHECK(entry.name != "history.validation_metric");
    CHECK(entry.name != "history.validation_value");
    CHECK(entry.name != "history.higher_is_better");
  }
  const auto named = run({.epochs = 9, .validation = &data, .validation_metric = top_k_accuracy{}});
  CHECK(same_results(named, history));
}

TEST_CASE("reports of a run name the metric that validation follows")
{
  const auto data = token_data(), train = tiny_data(4);
  const folder in;
  auto step = waning(data);
  auto* bar = std::fopen((in.path + "/bar").c_str(), "w");
  REQUIRE(bar != nullptr);
  const auto history = fit(
      step, train,
      {.epochs = 3, .validation = &data, .validation_interval = 2, .validation_metric = mean_iou{}},
      csv{.path = in.path + "/run.csv"}, json_lines{.path = in.path + "/run.jsonl"},
      progress_bar{.to = bar, .how = progress_bar::style::plain});
  std::fclose(bar);
  REQUIRE(history.epochs.size() == 3);
  CHECK_FALSE(history.epochs[0].validation_metric.has_value());
  CHECK(history.epochs[1].validation_metric.has_value());
  const auto table = read(in.path + "/run.csv");
  CHECK(
      table.starts_with("epoch,loss,learning_rate,validation_accuracy,validation_loss,"
                        "validation_mean-iou,seconds\n0,1,,,,,"));
  CHECK(table.find("\n2,1,,,,1,") != std::string::npos);
  const auto lines = read(in.path + "/run.jsonl");
  CHECK(lines.find("\"validation\":{\"mean-iou\":1}") != std::string::npos);
  CHECK(read(in.path + "/bar").find("validation mean-iou 1.0000") != std::string::npos);

  report::run_record record;
  record.history = history;
  report::write_json(in.path + "/record.json", record);
  CHECK(same_results(report::read_run_record(in.path + "/record.json").history, history));
}

TEST_CASE("fit refuses validation that the metric cannot use, and numbers that are not finite")
{
  auto data = token_data();
  const auto train = tiny_data(4);
  auto step = waning(data);
  auto wrong = data;
  wrong.labels = data.labels.clone();
  wrong.labels[2][1] = 3;
  for (const any_metric& metric : {any_metric{}, any_metric{mean_iou{}}})
    CHECK_THROWS_WITH_AS(
        (void)fit(step, train, {.validation = &wrong, .validation_metric = metric}),
        "rolewise: fit: want labels in 0 .. 2, got 3 for example 2 of 'tiny'",
        std::invalid_argument);
  CHECK(step.epoch == -1);

  struct broken_step : waning_step {
    metrics operator()(const batch& examples, const training_progress& progress)
    {
      auto numbers = waning_step::operator()(examples, progress);
      network.rows[1][2][0] = std::numeric_limits<double>::quiet_NaN();
      return numbers;
    }
  };
  broken_step broken;
  broken.labels = step.labels;
  CHECK_THROWS_WITH_AS(
      (void)fit(broken, train, {.validation = &data, .validation_metric = mean_iou{}}),
      "rolewise: fit: the logits on 'tiny' are not all numbers that can be ordered, in epoch 0",
      diverged);
}

TEST_CASE("any Metric is evaluated, and validation may follow it")
{
  const auto data = labeled(torch::tensor({0, 0, 0, 1}, torch::kLong), 2);
  const table_teacher student{torch::tensor({{1.0, 0.0}, {1.0, 0.0}, {0.0, 1.0}, {0.0, 1.0}})};
  // [use-metrics]
  const auto [accuracy, recall] = evaluate_metrics(student, data, top_k_accuracy{}, macro_recall{});
  CHECK(accuracy.value == 0.75);
  CHECK(recall.value == doctest::Approx((2.0 / 3 + 1.0) / 2));

  const fit_options options{.validation = &data, .validation_metric = macro_recall{}};
  // [/use-metrics]
  CHECK(options.validation_metric.name() == "macro-recall");
}

TEST_CASE("early stop goes by metrics of any sign")
{
  run_history history;
  run_signature run;
  run.judged = 1;
  early_stop stop{.patience = 2, .margin = 0.5};
  stop.on(fit_begin{run, history});
  const auto next = [&](double value) {
    epoch_record record;
    record.epoch = static_cast<std::int64_t>(history.epochs.size());
    record.validation_metric = validation_score{"log-likelihood", value, true};
    history.epochs.push_back(record);
    stop.on(epoch_end{run, history.epochs.back(), history});
    return stop.wants_to_stop();
  };
  CHECK_FALSE(next(-9.0));
  CHECK_FALSE(next(-8.6));  // not by more than the margin
  CHECK_FALSE(next(-7.0));
  CHECK_FALSE(next(-8.0));
  CHECK(next(-6.9));
}
