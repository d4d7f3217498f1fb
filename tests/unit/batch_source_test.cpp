// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "laws/batch_source.hpp"
#include "support/data_files.hpp"
#include "support/doctest.hpp"
#include "support/tiny_student.hpp"

#include <rolewise/agent/no_agent.hpp>
#include <rolewise/core/checksum.hpp>
#include <rolewise/core/draws.hpp>
#include <rolewise/data/batch_source.hpp>
#include <rolewise/data/batch_source_reference.hpp>
#include <rolewise/data/batches.hpp>
#include <rolewise/data/class_groups.hpp>
#include <rolewise/data/dataset.hpp>
#include <rolewise/data/gathered_batches.hpp>
#include <rolewise/measurement/teacher_stddev.hpp>
#include <rolewise/search/random_search.hpp>
#include <rolewise/search/space.hpp>
#include <rolewise/train/checkpoints.hpp>
#include <rolewise/train/evaluate.hpp>
#include <rolewise/train/fit.hpp>
#include <rolewise/train/run_search.hpp>

#include <ATen/ops/_unique2.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace {

// [generated]
using namespace rolewise;

/// Points of the plane around the centers of K classes. They are computed from their ids, which
/// differ in every epoch, so no point comes twice.
struct clusters {
  std::int64_t count = 1000;  ///< examples of an epoch
  seed key{0};
  double spread = 0.1;  ///< standard deviation of a class
  sample_shape shape = sample_shape::vector(2, 3);
  std::string name = "clusters";

  [[nodiscard]] std::int64_t size() const { return count; }

  [[nodiscard]] auto epoch(const batch_options& options) const
  {
    return [made = *this, options](std::int64_t step, batch_memory& memory) {
      const auto begin = step * options.size;
      const auto rows = std::min(options.size, made.count - begin);
      auto inputs = memory.inputs.take({rows, 2}, torch::kFloat32);
      auto labels = memory.labels.take({rows}, torch::kLong);
      auto ids = memory.ids.take({rows}, torch::kLong);
      auto point = inputs.accessor<float, 2>();
      for (std::int64_t n = 0; n < rows; ++n) {
        const auto id = options.epoch * made.count + begin + n;
        const draws random{options.seed.split(made.key.value), 0, id};
        const auto label = random.below(0, made.shape.classes);
        for (const int axis : {0, 1}) {
          const double center = label == axis ? 1 : 0;
          const auto number = static_cast<std::uint64_t>(1 + axis);  // of the draw
          point[n][axis] = static_cast<float>(center + made.spread * random.normal(number));
        }
        labels[n] = label;
        ids[n] = id;
      }
      return batch{.inputs = inputs, .labels = labels, .ids = ids};
    };
  }

  [[nodiscard]] std::uint64_t fingerprint() const
  {
    checksum sum;
    sum.add(std::string_view{"clusters"});
    for (const auto word :
         {static_cast<std::uint64_t>(count), key.value, std::bit_cast<std::uint64_t>(spread),
          static_cast<std::uint64_t>(shape.classes)})
      sum.add(word);
    return sum.value();
  }
};
static_assert(BatchSource<clusters>);
// [/generated]

// [stream]
/// Windows of L tokens of a text, at random places, for the prediction of the next token.
struct token_windows {
  torch::Tensor tokens;  ///< `[T]` int64
  sample_shape shape = sample_shape::tokens(8, 256);
  std::string name = "text";

  [[nodiscard]] std::int64_t size() const { return (tokens.size(0) - 1) / shape.width; }

  [[nodiscard]] auto epoch(const batch_options& options) const
  {
    const auto key = options.seed.split(purpose{"places of windows"});
    return [text = *this, options, key](std::int64_t step, batch_memory& memory) {
      const auto begin = step * options.size, length = text.shape.width;
      const auto rows = std::min(options.size, text.size() - begin);
      auto inputs = memory.inputs.take({rows, length}, torch::kLong);
      auto labels = memory.labels.take({rows, length}, torch::kLong);
      for (std::int64_t n = 0; n < rows; ++n) {
        const draws random{key, options.epoch, begin + n};
        const auto place =
            options.shuffle ? random.below(0, text.tokens.size(0) - length) : (begin + n) * length;
        inputs[n] = text.tokens.narrow(0, place, length);
        labels[n] = text.tokens.narrow(0, place + 1, length);
      }
      return batch{.inputs = inputs,
                   .labels = labels,
                   .ids = torch::arange(begin, begin + rows, torch::kLong)};
    };
  }

  [[nodiscard]] std::uint64_t fingerprint() const
  {
    checksum sum;
    sum.add(tokens);
    sum.add(static_cast<std::uint64_t>(shape.width));
    return sum.value();
  }
};
static_assert(BatchSource<token_windows>);
// [/stream]

// [order]
/// A data set with each class drawn equally often, however many examples it has.
struct class_balanced {
  dataset data;

  [[nodiscard]] std::int64_t size() const { return data.size(); }
  [[nodiscard]] std::string name() const { return data.name; }
  [[nodiscard]] sample_shape shape() const { return data.shape; }

  [[nodiscard]] gathered_batches epoch(const batch_options& options) const
  {
    const auto key = options.seed.split(purpose{"class_balanced"});
    std::vector<torch::Tensor> places;  // of each class
    for (std::int64_t label = 0; label < data.shape.classes; ++label)
      places.push_back(data.labels.eq(label).nonzero().flatten());
    std::vector<std::int64_t> order;
    for (std::int64_t n = 0; n < size(); ++n) {
      const draws random{key, options.epoch, n};
      const auto& of_class = places[static_cast<std::size_t>(random.below(0, data.shape.classes))];
      order.push_back(of_class[random.below(1, of_class.numel())].item<std::int64_t>());
    }
    return {data.examples(), std::move(order), options.size};
  }

  [[nodiscard]] std::uint64_t fingerprint() const  // not that of the data themselves
  {
    return data.fingerprint() + 1;
  }
  [[nodiscard]] batch examples() const { return data.examples(); }
};
static_assert(BatchSource<class_balanced>);
// [/order]

template<typename F>
std::string refusal_of(const F& f)
{
  try {
    f();
  } catch (const std::invalid_argument& e) {
    return e.what();
  }
  return "no refusal";
}

/// `count` vectors of 4, ids from 100 on.
dataset vectors(std::int64_t count, std::int64_t classes = 3)
{
  return {.inputs = torch::arange(count * 4, torch::kFloat32).view({count, 4}),
          .labels = torch::arange(count, torch::kLong).remainder(classes),
          .ids = torch::arange(100, 100 + count, torch::kLong),
          .shape = sample_shape::vector(4, classes),
          .name = "vectors"};
}

bool same(const torch::Tensor& a, const torch::Tensor& b)
{
  return a.defined() == b.defined() && (!a.defined() || torch::equal(a, b));
}

bool same(const batch& a, const batch& b)
{
  return same(a.inputs, b.inputs) && same(a.labels, b.labels) && same(a.ids, b.ids) &&
         same(a.mask, b.mask) && same(a.weights, b.weights) && a.ignore_index == b.ignore_index &&
         a.normalization == b.normalization;
}

template<typename Source>
std::vector<batch> all_of(const Source& source, const batch_options& options)
{
  std::vector<batch> all;
  for (const auto& each : batches(source, options)) all.push_back(each);
  return all;
}

bool same(const std::vector<batch>& a, const std::vector<batch>& b)
{
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const batch& x, const batch& y) { return same(x, y); });
}

/// Sums what it is given, so that its state is a function of the batches and their order.
struct summing_step {
  torch::Tensor sum = torch::zeros({}, torch::kFloat64);

  metrics operator()(const batch& examples, const training_progress&)
  {
    sum = sum * 0.5 + examples.inputs.to(torch::kFloat64).sum() +
          examples.labels.to(torch::kFloat64).sum();
    return {{"loss", sum.clone()}};
  }
  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.buffer("sum", sum);
  }
};
static_assert(TrainingStep<summing_step>);

struct loss_of_classes {
  static constexpr bool wants_class_labels = true;
};

/// The same with a loss that wants class labels, in two parts.
struct classifying_step : summing_step {
  loss_of_classes loss{};

  [[nodiscard]] static auto preparation()
  {
    return [](const batch& examples, const training_progress&, buffer_pool&) { return examples; };
  }
  metrics take(batch examples, const training_progress& progress)
  {
    return (*this)(examples, progress);
  }
};
static_assert(PreparingStep<classifying_step>);

/// A step with dry runs, that refuses a batch of one.
struct rehearsing_step : summing_step {
  static constexpr bool mixes = false;
  loss_of_classes loss{};

  [[nodiscard]] static torch::Tensor rehearse(const batch& examples, const training_progress&)
  {
    if (examples.size() == 1) throw_invalid_argument("step", "wants two");
    return torch::zeros({examples.size(), 3});
  }
  [[nodiscard]] static batch rehearse_view(const batch& examples, const training_progress&)
  {
    return examples;
  }
};

/// Softmax regression of three classes on points of the plane.
struct linear_step {
  double rate = 2.0;
  torch::Tensor weight = torch::zeros({2, 3}), bias = torch::zeros({3});

  metrics operator()(const batch& examples, const training_progress&)
  {
    const auto x = examples.inputs;
    const auto log_p = torch::log_softmax(x.matmul(weight) + bias, 1);
    const auto hot = torch::one_hot(examples.labels, 3).to(torch::kFloat32);
    const auto error = (log_p.exp() - hot) / static_cast<double>(x.size(0));
    weight = weight - rate * x.t().matmul(error);
    bias = bias - rate * error.sum(0);
    return {{"loss", -(log_p * hot).sum() / static_cast<double>(x.size(0))}};
  }
  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.parameter("weight", weight);
    archive.parameter("bias", bias);
  }
};

/// A teacher of fixed weights.
struct fixed_teacher {
  torch::Tensor weight = torch::linspace(-1, 1, 27).view({9, 3});
  [[nodiscard]] outputs forward(const batch& examples, taps = {}) const
  {
    return {.logits = normalized_inputs(examples).reshape({-1, 9}).matmul(weight), .features = {}};
  }
};

/// A step with a network to evaluate.
struct evaluated_step : summing_step {
  testing::tiny_student student;
  [[nodiscard]] const testing::tiny_student& evaluated() const { return student; }
};

/// A data set that does not show its examples.
struct unshown {
  dataset data;
  [[nodiscard]] std::int64_t size() const { return data.size(); }
  [[nodiscard]] std::string name() const { return data.name; }
  [[nodiscard]] sample_shape shape() const { return data.shape; }
  [[nodiscard]] gathered_batches epoch(const batch_options& options) const
  {
    return data.epoch(options);
  }
  [[nodiscard]] std::uint64_t fingerprint() const { return data.fingerprint(); }
};

}  // namespace

TEST_CASE("a reference to a data set has its batches, in the background or not")
{
  const auto data = vectors(50);
  const batch_source_reference any{data};
  CHECK(any.size() == 50);
  CHECK(any.name() == "vectors");
  CHECK(any.shape() == data.shape);
  CHECK(any.is_regular());
  CHECK(any.fingerprint() == data.fingerprint());
  CHECK(same(any.examples().value(), data.examples()));
  for (const bool prefetch : {true, false})
    for (const bool shuffle : {true, false}) {
      const batch_options options{
          .size = 8, .seed = seed{3}, .epoch = 2, .shuffle = shuffle, .prefetch = prefetch};
      const auto want = all_of(data, options);
      REQUIRE(want.size() == 7);
      CHECK(same(all_of(any, options), want));
      const auto order = shuffle ? permutation(seed{3}.split(purpose{"order"}), 2, 50)
                                 : std::vector<std::int64_t>{0, 1, 2, 3, 4, 5, 6, 7};
      CHECK(torch::equal(want[0].ids, torch::tensor(order, torch::kLong).narrow(0, 0, 8) + 100));
      CHECK(torch::equal(want[0].inputs, data.inputs.index_select(0, want[0].ids - 100)));
    }
}

TEST_CASE("the laws of sources hold")
{
  const auto data = vectors(20);
  for (const bool shuffle : {true, false}) {
    const batch_options options{.size = 6, .seed = seed{2}, .epoch = 3, .shuffle = shuffle};
    laws::hold_for(data, options);
    laws::hold_for(batch_source_reference{data}, options);
    laws::hold_for(class_groups{vectors(20), {.examples_per_class = 2}}, options);
    laws::hold_for(clusters{.count = 20}, options);
    laws::hold_for(class_balanced{vectors(20)}, options);
    laws::hold_for(token_windows{.tokens = torch::arange(150, torch::kLong)}, options);
  }
  laws::hold_for(vectors(20), {.size = 6, .drop_last = true});
}

TEST_CASE("the batches outlive their source")
{
  const auto of_a_temporary = [](std::int64_t count) {
    return batches(clusters{.count = count}, {.size = 10});
  };
  const auto all = of_a_temporary(25);
  CHECK(all.size() == 3);
  batch_memory memory;
  CHECK(same(all_of(clusters{.count = 25}, {.size = 10})[2], all.gather(2, memory)));
}

TEST_CASE("a pointer to a source is null or refers to it")
{
  const auto data = vectors(5);
  const dataset* nothing = nullptr;
  CHECK((batch_source_pointer{} == nullptr));
  CHECK((batch_source_pointer{nothing} == nullptr));
  const batch_source_pointer some = &data;
  REQUIRE(some);
  CHECK(some->name() == "vectors");
  CHECK((*some).size() == 5);
}

TEST_CASE("batches keep mask, weights and ignore_index, and so do subsets")
{
  const std::int64_t count = 20, length = 6;
  dataset text{.inputs = torch::arange(count * length, torch::kLong).view({count, length}),
               .labels = torch::arange(count * length, torch::kLong).view({count, length}),
               .ids = torch::arange(count, torch::kLong),
               .shape = sample_shape::tokens(length, 200),
               .name = "text"};
  const auto plain = text.fingerprint();
  text.mask = torch::arange(count * length, torch::kLong).view({count, length}).remainder(3).ne(0);
  text.weights = torch::arange(count, torch::kFloat32);
  text.ignore_index = 7;
  CHECK(text.fingerprint() != plain);
  for (const bool prefetch : {true, false})
    for (const auto& each : batches(text, {.size = 6, .prefetch = prefetch})) {
      CHECK(torch::equal(each.inputs, text.inputs.index_select(0, each.ids)));
      CHECK(torch::equal(each.labels, text.labels.index_select(0, each.ids)));
      CHECK(torch::equal(each.mask, text.mask.index_select(0, each.ids)));
      CHECK(torch::equal(each.weights, text.weights.index_select(0, each.ids)));
      CHECK(each.ignore_index == 7);
    }
  const auto part = subset(text, torch::tensor({3, 1}, torch::kLong));
  CHECK(torch::equal(part.mask[0], text.mask[3]));
  CHECK(torch::equal(part.weights, torch::tensor({3.0F, 1.0F})));
  CHECK(part.ignore_index == 7);
  CHECK(same(part.examples(), all_of(part, {.shuffle = false})[0]));
  text.mask = text.mask.slice(0, 1);
  CHECK(refusal_of([&] { (void)batches(text); }) ==
        "rolewise: batches: want as many labels and ids as inputs, got inputs [20, 6], labels "
        "[20, 6], ids [20], mask [19, 6], weights [20]");
}

TEST_CASE("label maps and vectors are gathered as they are")
{
  auto data = vectors(9);
  CHECK(data.examples().ignore_index == ignore_nothing);
  data.labels = torch::arange(9 * 6, torch::kLong).view({9, 2, 3});
  for (const auto& each : batches(data, {.size = 4})) {
    CHECK(torch::equal(each.labels, data.labels.index_select(0, each.ids - 100)));
    CHECK(torch::equal(each.inputs, data.inputs.index_select(0, each.ids - 100)));
    CHECK(!each.mask.defined());
    CHECK(!each.weights.defined());
  }
}

TEST_CASE("gathered batches follow any order, and refuse places that are none")
{
  const auto data = vectors(6);
  const gathered_batches some{data.examples(), {5, 0, 0, 3, 1}, 2};
  batch_memory memory;
  CHECK(torch::equal(some(0, memory).ids, torch::tensor({105, 100}, torch::kLong)));
  CHECK(torch::equal(some(1, memory).ids, torch::tensor({100, 103}, torch::kLong)));
  CHECK(torch::equal(some(2, memory).ids, torch::tensor({101}, torch::kLong)));
  CHECK(refusal_of([&] { (void)gathered_batches(data.examples(), {0, 6}, 2); }) ==
        "rolewise: batches: want places of 0 to 5, got 6");
}

TEST_CASE("class groups have K examples of P classes, every example once where that is possible")
{
  const auto data = vectors(6 * 8, 6);
  const class_groups groups{data, {.examples_per_class = 4}};
  CHECK(groups.size() == 48);
  for (std::int64_t epoch = 0; epoch < 3; ++epoch) {
    const auto all = all_of(groups, {.size = 12, .seed = seed{5}, .epoch = epoch});
    REQUIRE(all.size() == 4);
    std::set<std::int64_t> seen;
    for (const auto& each : all) {
      const auto labels = each.labels.view({3, 4});
      CHECK(torch::equal(labels, labels.select(1, 0).unsqueeze(1).expand({3, 4})));
      CHECK(labels.select(1, 0).bincount({}, 6).max().item<std::int64_t>() == 1);
      CHECK(torch::equal(each.labels, data.labels.index_select(0, each.ids - 100)));
      CHECK(torch::equal(each.inputs, data.inputs.index_select(0, each.ids - 100)));
      for (std::int64_t n = 0; n < 12; ++n) seen.insert(each.ids[n].item<std::int64_t>());
    }
    CHECK(seen.size() == 48);
  }
}

TEST_CASE("class groups are a function of the seed and the epoch, by ids")
{
  const auto data = vectors(40, 5);
  const class_groups groups{data, {.examples_per_class = 3}};
  const batch_options plain{.size = 9, .seed = seed{5}, .epoch = 1};
  const auto want = all_of(groups, plain);
  REQUIRE(want.size() == 4);
  CHECK(same(all_of(groups, plain), want));
  auto other = plain;
  other.prefetch = false;
  CHECK(same(all_of(groups, other), want));
  other.first_step = 2;
  CHECK(same(all_of(groups, other), {want.begin() + 2, want.end()}));
  for (auto change :
       {+[](batch_options& o) { o.epoch = 2; }, +[](batch_options& o) { o.seed = seed{6}; }}) {
    auto changed = plain;
    change(changed);
    CHECK(!same(all_of(groups, changed), want));
  }
  // the order of the data set does not matter
  const auto turned = subset(data, torch::arange(39, -1, -1, torch::kLong));
  CHECK(same(all_of(class_groups{turned, {.examples_per_class = 3}}, plain), want));
  CHECK(groups.fingerprint() != data.fingerprint());
  CHECK(groups.fingerprint() != class_groups(data, {.examples_per_class = 4}).fingerprint());
  CHECK(groups.fingerprint() !=
        class_groups(data, {.examples_per_class = 3, .replacement = true}).fingerprint());
}

TEST_CASE("class groups of classes of different sizes begin a small class anew")
{
  auto data = vectors(40, 2);
  data.labels = torch::arange(40, torch::kLong).ge(7).to(torch::kLong);  // 7 and 33 examples
  const class_groups groups{data, {.examples_per_class = 3}};
  std::map<std::int64_t, int> times;
  for (const auto& each : batches(groups, {.size = 6, .seed = seed{1}}))
    for (std::int64_t group = 0; group < 2; ++group) {
      std::set<std::int64_t> ids;
      for (std::int64_t n = 0; n < 3; ++n) ids.insert(each.ids[group * 3 + n].item<std::int64_t>());
      CHECK(ids.size() == 3);
      for (const auto id : ids) ++times[id];
    }
  // 6 batches: 18 examples of each class, in 3 passes over 6 of 7, and in one over 18 of 33
  std::map<int, int> counts;
  for (const auto& [id, count] : times) {
    CHECK((id < 107 || count == 1));
    if (id < 107) counts[count] += count;
  }
  int all = 0;
  for (const auto& [count, sum] : counts) {
    CHECK(count <= 3);
    all += sum;
  }
  CHECK(all == 18);
}

TEST_CASE("class groups without shuffling follow labels and data set; with replacement they repeat")
{
  const auto data = vectors(12, 3);
  const auto in_order = all_of(class_groups{data, {.examples_per_class = 2}},
                               {.size = 4, .epoch = 3, .shuffle = false});
  REQUIRE(in_order.size() == 3);
  CHECK(torch::equal(in_order[0].ids, torch::tensor({100, 103, 101, 104}, torch::kLong)));
  CHECK(torch::equal(in_order[1].ids, torch::tensor({106, 109, 107, 110}, torch::kLong)));
  const class_groups repeated{vectors(3, 3), {.examples_per_class = 4, .replacement = true}};
  CHECK(all_of(repeated, {.size = 4}).empty());  // fewer examples than a batch
  const class_groups drawn{vectors(90, 3), {.examples_per_class = 20, .replacement = true}};
  const auto all = all_of(drawn, {.size = 40, .seed = seed{2}});
  REQUIRE(all.size() == 2);
  CHECK(std::get<0>(at::_unique2(all[0].ids)).size(0) < 40);
  CHECK(same(all_of(drawn, {.size = 40, .seed = seed{2}}), all));
  CHECK(torch::equal(all[0].labels.view({2, 20}).select(1, 7),
                     all[0].labels.view({2, 20}).select(1, 0)));
}

TEST_CASE("class groups refuse what they cannot make")
{
  const auto says = [](const dataset& data, const class_group_options& options,
                       std::int64_t size = 4) {
    return refusal_of([&] { (void)batches(class_groups{data, options}, {.size = size}); });
  };
  const auto data = vectors(12, 3);
  CHECK(says(data, {.examples_per_class = 0}) ==
        "rolewise: class_groups: want at least 1 example per class, got 0");
  CHECK(says(data, {.examples_per_class = 5}) ==
        "rolewise: class_groups: class 0 has 4 examples, want at least 5 for a group of them; or "
        "set .replacement");
  CHECK(says(data, {.examples_per_class = 5, .replacement = true}, 10) == "no refusal");
  auto broken = data;
  broken.shape.classes = 4;
  CHECK(says(broken, {.examples_per_class = 2}) ==
        "rolewise: class_groups: class 3 has no examples; the 3 labels that occur, 0 to 2, become "
        "3 classes, 0 to 2, by `relabeled`, or by .relabel of open_dataset and idx_dataset");
  broken = data;
  broken.labels = data.labels - 1;
  CHECK(says(broken, {.examples_per_class = 2}) ==
        "rolewise: class_groups: label -1 of example 0 is not among 3 classes");
  broken.labels = torch::zeros({12, 3});
  CHECK(says(broken, {.examples_per_class = 2}) ==
        "rolewise: class_groups: want one int64 label and one int64 id for each of 12 examples");
  CHECK(says(subset(data, torch::empty({0}, torch::kLong)), {}) ==
        "rolewise: class_groups: the data set is empty");
  for (const std::int64_t size : {0, 3, 8})
    CHECK(says(data, {.examples_per_class = 2}, size) ==
          (size == 8 ? "rolewise: class_groups: want batches of 2 examples of 1 to 3 classes, got "
                       "a size of 8"
           : size == 3
               ? "rolewise: class_groups: want batches of 2 examples of 1 to 3 classes, got a size "
                 "of 3"
               : "rolewise: batches: want batches of at least 1, got 0"));
}

TEST_CASE("a generated source trains as any other: any prefetch, resumed, and refused if changed")
{
  const clusters points{.count = 50, .key = seed{4}};
  const auto trained = [&](const auto& source, const fit_options& options) {
    classifying_step step;
    (void)fit(step, source, options);
    return step.sum.item<double>();
  };
  const fit_options options{.epochs = 3, .batch_size = 8, .seed = seed{1}};
  const double want = trained(points, options);
  CHECK(trained(batch_source_reference{points}, options) == want);
  for (const std::int64_t workers : {1, 3}) {
    auto ahead = options;
    ahead.prefetch = 4;
    ahead.num_workers = workers;
    CHECK(trained(points, ahead) == want);
  }
  CHECK(trained(clusters{.count = 50, .key = seed{5}}, options) != want);

  const testing::scratch_folder folder;
  const auto run = [&](const clusters& source, std::int64_t until, bool resume) {
    summing_step step;
    const auto history =
        fit(step, source,
            {.epochs = 3, .batch_size = 8, .seed = seed{1}, .resume = resume, .until = until},
            checkpoints{.folder = folder.path()});
    CHECK(history.epochs.size() == (until < 0 ? 3 : until));
    return step.sum.item<double>();
  };
  (void)run(points, 2, false);
  auto changed = points;
  changed.spread = 0.2;
  const auto words = refusal_of([&] { (void)run(changed, -1, true); });
  CHECK(words.find("the run to be resumed is another one: it has checksum of the data") !=
        std::string::npos);
  CHECK(run(points, -1, true) == want);
}

TEST_CASE("labels of a source that does not show them are checked batch by batch")
{
  const auto says = [](const auto& source, std::int64_t prefetch) {
    classifying_step step;
    return refusal_of([&] {
      (void)fit(step, source,
                {.epochs = 2, .batch_size = 4, .shuffle = false, .prefetch = prefetch});
    });
  };
  auto data = vectors(12, 3);
  CHECK(says(unshown{data}, 0) == "no refusal");
  data.labels[9] = 3;
  for (const std::int64_t prefetch : {0, 2})
    CHECK(says(unshown{data}, prefetch) ==
          "rolewise: fit: want labels in 0 .. 2, got 3 for example 1 of epoch 0, step 2 of "
          "'vectors'");
  data.ignore_index = 3;
  CHECK(says(unshown{data}, 0) == "no refusal");
  summing_step any;  // without a loss that wants classes
  data.ignore_index.reset();
  CHECK(refusal_of([&] { (void)fit(any, unshown{data}, {.batch_size = 4}); }) == "no refusal");
}

TEST_CASE("labels of a data set are checked before the first step, label maps too")
{
  const auto says = [](const dataset& data) {
    rehearsing_step step;
    return refusal_of([&] { (void)fit(step, data, {.batch_size = 4}); });
  };
  auto data = vectors(12, 3);
  CHECK(says(data) == "no refusal");
  data.labels[9] = 3;
  CHECK(says(data) == "rolewise: fit: want labels in 0 .. 2, got 3 for example 9 of 'vectors'");
  data.labels = torch::zeros({12, 2, 5}, torch::kLong);
  CHECK(says(data) == "no refusal");
  data.labels[7][1][2] = 255;
  CHECK(says(data) == "rolewise: fit: want labels in 0 .. 2, got 255 for example 7 of 'vectors'");
  data.ignore_index = 255;
  CHECK(says(data) == "no refusal");
}

TEST_CASE("a last batch of one is found in sources of any kind")
{
  const auto says = [](const auto& source, std::int64_t size) {
    rehearsing_step step;
    return refusal_of([&] { (void)fit(step, source, {.batch_size = size}); });
  };
  const std::string last =
      "rolewise: fit: the last of 4 batches of an epoch has one example (13 in batches of 4), and "
      "the step cannot learn from one: step: wants two; drop_last leaves it out, and so does one "
      "example less; or take another batch_size";
  CHECK(says(vectors(13), 4) == last);
  CHECK(says(unshown{vectors(13)}, 4) == last);
  CHECK(says(vectors(12), 4) == "no refusal");
  CHECK(says(class_groups{vectors(13), {.examples_per_class = 2}}, 4) == "no refusal");
  CHECK(says(class_groups{vectors(13), {.examples_per_class = 1}}, 1) ==
        "rolewise: fit: the step cannot learn from one example: step: wants two; batch_size is 1, "
        "take a larger one");
  CHECK(says(class_groups{vectors(6), {.examples_per_class = 2}}, 6) == "no refusal");
  CHECK(says(class_groups{vectors(8, 5), {.examples_per_class = 2, .replacement = true}}, 10) ==
        "rolewise: fit: 'vectors' has no batch of 10 in 8 examples");
}

TEST_CASE("windows of tokens train, a new part of the text in every epoch")
{
  const token_windows text{.tokens = torch::arange(101, torch::kLong)};
  CHECK(text.size() == 12);
  const auto in_order = all_of(text, {.size = 5, .shuffle = false});
  REQUIRE(in_order.size() == 3);
  CHECK(torch::equal(in_order[0].inputs[1], torch::arange(8, 16, torch::kLong)));
  CHECK(torch::equal(in_order[0].labels[1], torch::arange(9, 17, torch::kLong)));
  const auto first = all_of(text, {.size = 5}), second = all_of(text, {.size = 5, .epoch = 1});
  CHECK(!same(first, second));
  for (const auto& each : first) CHECK(torch::equal(each.labels, each.inputs + 1));
  summing_step step;
  const auto history = fit(step, text, {.epochs = 2, .batch_size = 5});
  CHECK(history.epochs.size() == 2);
}

TEST_CASE("a source of own order has every class equally often")
{
  auto data = vectors(200, 2);
  data.labels = torch::arange(200, torch::kLong).lt(20).to(torch::kLong);
  const class_balanced balanced{data};
  std::int64_t rare = 0;
  for (const auto& each : batches(balanced, {.size = 64, .seed = seed{1}}))
    rare += each.labels.sum().item<std::int64_t>();
  CHECK(rare > 70);
  CHECK(rare < 130);
  CHECK(batches(balanced, {.size = 64}).size() == 4);
}

TEST_CASE("evaluation gives the same on a data set and on a source that does not show it")
{
  const auto data = testing::tiny_data(45);
  const testing::tiny_student student{data.shape};
  const auto want = evaluate(student, data, {.batch_size = 16});
  const auto found = evaluate(student, unshown{data}, {.batch_size = 16});
  CHECK(want.count == 45);
  CHECK(found.count == 45);
  CHECK(found.top1 == want.top1);
  CHECK(found.loss == want.loss);
  CHECK(torch::equal(found.confusion, want.confusion));
  CHECK(accuracy(student, unshown{data}) == want.top1);
  auto broken = data;
  broken.labels = data.labels.clone();
  broken.labels[20] = 3;
  CHECK(refusal_of([&] { (void)evaluate(student, unshown{broken}, {.batch_size = 16}); }) ==
        "rolewise: evaluate: want labels in 0 .. 2, got 3 for example 4 of step 1 of 'tiny'");
  CHECK(refusal_of([&] { (void)evaluate(student, broken, {.batch_size = 16}); }) ==
        "rolewise: evaluate: want labels in 0 .. 2, got 3 for example 20 of 'tiny'");
}

TEST_CASE("the validation set may be any source")
{
  const auto data = testing::tiny_data(45);
  const auto run = [&](const fit_options& options) {
    evaluated_step step{{}, testing::tiny_student{data.shape}};
    return fit(step, data, options);
  };
  const unshown hidden{data};
  const auto want = run({.epochs = 1, .validation = &data});
  const auto found = run({.epochs = 1, .validation = &hidden});
  REQUIRE(want.epochs[0].validation_accuracy);
  CHECK(found.epochs[0].validation_accuracy == want.epochs[0].validation_accuracy);
  CHECK(found.epochs[0].validation_loss == want.epochs[0].validation_loss);
  CHECK(!run({.epochs = 1}).epochs[0].validation_accuracy);
}

TEST_CASE("a network learns from generated examples")
{
  linear_step training;
  // [use]
  const clusters points{.count = 600, .key = seed{1}};
  const auto history = fit(training, points, {.epochs = 4, .batch_size = 30});
  // [/use]
  CHECK(history.epochs.size() == 4);
  CHECK(history.epochs.back().numbers[0].value < 0.5 * history.epochs.front().numbers[0].value);
}

TEST_CASE("a search trains its trials on any source, and is not continued on another")
{
  const testing::scratch_folder folder;
  const search::search_space space{{"rate", search::real_interval{0.5, 2.0}}};
  const auto run = [&](const clusters& points, const std::string& place) {
    return run_search(
        search::random_search{}, space,
        [](const search::configuration& at, std::int64_t, seed) {
          return linear_step{.rate = at.real("rate")};
        },
        [](const linear_step& step) { return -step.bias.abs().sum().item<double>(); }, points,
        {.trials = 3, .epochs = 2, .batch_size = 20, .max_concurrent_trials = 2, .folder = place});
  };
  const clusters points{.count = 60};
  const auto want = run(points, "");
  CHECK(want.trial_states.size() == 3);
  const auto found = run(points, folder.path());
  for (std::size_t i = 0; i < 3; ++i)
    CHECK(found.trial_states[i].score == want.trial_states[i].score);
  CHECK(refusal_of([&] {
          (void)run(clusters{.count = 60, .spread = 0.5}, folder.path());
        }).find("data_sum") != std::string::npos);
}

TEST_CASE("the spread of a teacher's predictions is that of the examples, however they come")
{
  const auto data = testing::tiny_data(48);
  const measurement::stddev_options<no_agent> options{.batch_size = 8, .steps = 2, .epochs = 2};
  const auto want = measurement::teacher_stddev(fixed_teacher{}, data, no_agent{}, options);
  const auto found =
      measurement::teacher_stddev(fixed_teacher{}, unshown{data}, no_agent{}, options);
  CHECK(want.groups == 6);
  CHECK(found.groups == 6);
  CHECK(found.stddev == want.stddev);
}
