// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// KD-SVD and MHGD: singular vectors, their gradient, and losses on them.
#include "laws/distillation_loss.hpp"
#include "support/doctest.hpp"
#include "support/finite_differences.hpp"
#include "support/noise_images.hpp"
#include "support/odd_features.hpp"

#include <rolewise/loss.hpp>
#include <rolewise/loss/detail/singular_vectors.hpp>
#include <rolewise/network/resnet.hpp>
#include <rolewise/teacher/frozen.hpp>
#include <rolewise/train/distillation.hpp>
#include <rolewise/train/fit.hpp>

#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

using namespace rolewise;

namespace {

constexpr auto first = tap::stage<1>;
constexpr auto second = tap::stage<2>;
using svd = singular_value_distillation<first, second>;
using graphs = multi_head_graph_distillation<first, second>;

torch::Tensor noise(at::IntArrayRef sizes, std::uint64_t key)
{
  torch::manual_seed(key);
  return torch::randn(sizes, torch::kDouble);
}

outputs with(const torch::Tensor& one, const torch::Tensor& two)
{
  outputs said;
  said.features.set(first, one);
  said.features.set(second, two);
  return said;
}

/// For maps of 4 and 5 channels, in double precision.
graphs made(graphs loss)
{
  feature_shapes shapes;
  shapes.set(first, {4, 3, 3});
  shapes.set(second, {5, 2, 2});
  loss.configure(shapes, shapes);
  for_each_tensor(loss, [](const std::string&, torch::Tensor& t, tensor_kind) {
    if (t.defined()) t = t.detach().to(torch::kDouble).set_requires_grad(t.requires_grad());
  });
  return loss;
}

/// Each example's map as a matrix of positions and channels.
torch::Tensor matrices(const torch::Tensor& maps) { return maps.flatten(2).transpose(1, 2); }

}  // namespace

TEST_CASE("singular_value_distillation keeps the promises of DistillationLoss")
{
  laws::hold_for(svd{});
  laws::hold_for(singular_value_distillation<tap::stage<0>, first, tap::before_activation<3>>{
      .candidates = 1});
}

TEST_CASE("singular vectors are those of LibTorch's decomposition, for both forms of matrices")
{
  for (const auto& [channels, side] : {std::pair{3, 4}, std::pair{9, 2}}) {
    const auto maps = noise({2, channels, side, side}, 1);
    const auto vectors = rolewise::detail::leading_singular_vectors(maps, 3);
    const auto expected = std::get<2>(torch::linalg_svd(matrices(maps), false)).transpose(1, 2);
    CHECK(vectors.sizes() == at::IntArrayRef{2, channels, 3});
    CHECK(torch::allclose((vectors * expected.narrow(2, 0, 3)).sum(1).abs(),
                          torch::ones({2, 3}, torch::kDouble)));
    // The gradient, of what does not depend on signs.
    const auto slope = noise({2, channels, 3}, 2);
    const auto f = [&](const torch::Tensor& x) {
      return (rolewise::detail::leading_singular_vectors(x, 3).square() * slope).sum();
    };
    const auto x = maps.clone().set_requires_grad(true);
    f(x).backward();
    CHECK(torch::allclose(x.grad(), testing::finite_differences(f, maps), 1e-5, 1e-8));
    CHECK(torch::equal(f(x).detach(), f(maps)));
  }
  CHECK(rolewise::detail::leading_singular_vectors(noise({1, 2, 4, 4}, 1), 4).size(2) == 2);
}

TEST_CASE("the gradient is finite where singular values are equal, and without any")
{
  const auto same = torch::eye(4, torch::kDouble).view({1, 4, 2, 2});
  for (const auto& maps : {same, torch::zeros_like(same), torch::ones_like(same)}) {
    const auto x = maps.clone().set_requires_grad(true);
    const auto vectors = rolewise::detail::leading_singular_vectors(x, 4);
    (vectors * noise({1, 4, 4}, 2)).sum().backward();
    CHECK(vectors.isfinite().all().item<bool>());
    CHECK(x.grad().isfinite().all().item<bool>());
  }
}

TEST_CASE("the student's vector is the candidate nearest to the teacher's, with its sign")
{
  // Of diagonal matrices, the vectors are the axes.
  const auto diagonal = [](std::vector<double> values) {
    return torch::diag(torch::tensor(values, torch::kDouble)).view({1, 4, 2, 2});
  };
  const auto teacher = diagonal({1, -9, 3, 2}), student = diagonal({8, 5, 7, 1});
  const auto axis = [](std::int64_t i) { return torch::eye(4, torch::kDouble).narrow(0, i, 1); };
  const auto of = [&](std::int64_t candidates) {
    return rolewise::detail::singular_pair_of(teacher, student, candidates, "test", "here");
  };
  CHECK(torch::allclose(of(4).teacher, axis(1)));
  CHECK(torch::allclose(of(3).student, axis(1)));
  CHECK(torch::allclose(of(1).student.abs(), axis(0)));
  CHECK_THROWS_WITH_AS((void)of(0), "rolewise: test: want at least 1 candidate, got 0",
                       std::invalid_argument);
}

TEST_CASE("singular_value_distillation follows its formula, and does not see scale and positions")
{
  const svd loss;
  const auto t1 = noise({3, 4, 3, 3}, 1).relu(), t2 = noise({3, 5, 2, 2}, 2).relu();
  const auto s1 = noise({3, 4, 3, 3}, 3), s2 = noise({3, 5, 2, 2}, 4);
  const auto value = [&](const torch::Tensor& one, const torch::Tensor& two,
                         const torch::Tensor& weights = {}) {
    return loss({with(t1, t2), with(one, two)}, {{}, {}, {}, weights});
  };
  const auto vectors_of = [](const torch::Tensor& teacher, const torch::Tensor& student) {
    const auto all = [](const torch::Tensor& maps) {
      return std::get<2>(torch::linalg_svd(matrices(maps), false));  // [N, K, C]
    };
    auto of_teacher = all(teacher).select(1, 0);
    of_teacher = of_teacher * of_teacher.sum(1, true).sign();
    std::vector<torch::Tensor> chosen;
    const auto of_student = all(student);
    for (std::int64_t n = 0; n < teacher.size(0); ++n) {
      const auto cosines = of_student[n].mv(of_teacher[n]);
      const auto best = cosines.abs().argmax().item<std::int64_t>();
      chosen.push_back(of_student[n][best] * cosines[best].sign());
    }
    return std::pair{of_teacher, torch::stack(chosen)};
  };
  const auto [before_t, before_s] = vectors_of(t1, s1);
  const auto [after_t, after_s] = vectors_of(t2, s2);
  const auto kernel = [](const torch::Tensor& before, const torch::Tensor& after) {
    return torch::exp(-(after.unsqueeze(2) - before.unsqueeze(1)).square() / 8);
  };
  const auto each =
      (kernel(before_s, after_s) - kernel(before_t, after_t)).square().flatten(1).sum(1);
  CHECK(torch::allclose(value(s1, s2), each.mean()));
  const auto weights = torch::tensor({1.0, 3.0, 0.0}, torch::kDouble);
  CHECK(torch::allclose(value(s1, s2, weights), (each[0] + 3 * each[1]) / 4));

  CHECK(torch::allclose(value(s1 * 1e4, s2 * 1e-4), value(s1, s2)));
  const auto turn = std::get<0>(torch::linalg_qr(noise({9, 9}, 5)));
  CHECK(torch::allclose(value(s1.flatten(2).matmul(turn).view_as(s1), s2), value(s1, s2)));
  CHECK(std::abs(value(t1, t2).item<double>()) < 1e-15);

  for (const bool early : {true, false}) {
    const auto f = [&](const torch::Tensor& x) { return early ? value(x, s2) : value(s1, x); };
    const auto at = early ? s1 : s2;
    const auto x = at.clone().set_requires_grad(true);
    f(x).backward();
    CHECK(torch::allclose(x.grad(), testing::finite_differences(f, at), 1e-5, 1e-8));
  }
}

TEST_CASE("singular_value_distillation: zero, huge and 16-bit features, errors")
{
  const svd loss;
  const auto t = noise({3, 4, 3, 3}, 1).relu(), s = noise({3, 4, 3, 3}, 3).relu();
  const auto value = [&](const torch::Tensor& teacher, const torch::Tensor& student) {
    return loss({with(teacher, teacher), with(student, student)}, {});
  };
  testing::is_finite_for_odd_features([&](const torch::Tensor& x) { return value(t, x); }, s,
                                      1e200);
  testing::is_close_in_16_bits(value, t, s);
  CHECK_THROWS_WITH_AS((void)value(t, noise({3, 5, 3, 3}, 1)),
                       "rolewise: singular-value-distillation: want as many channels of the "
                       "student as of the teacher at tap::stage<1>, got 5 and 4",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS((void)value(t, s.flatten(1)),
                       "rolewise: singular-value-distillation: want maps [N, C, H, W] of floating "
                       "point at tap::stage<1>, got [3, 36] of Double of the student",
                       std::invalid_argument);
}

TEST_CASE("multi_head_graph_distillation keeps the promises of DistillationLoss")
{
  laws::hold_for(graphs{.heads = 2, .seed = seed{1}});
  laws::hold_for(multi_head_graph_distillation<tap::stage<0>, first, second>{
      .heads = 4, .attention = graph_attention::random});
}

TEST_CASE("multi_head_graph_distillation follows its formulas, trained and random")
{
  const auto t1 = noise({4, 4, 3, 3}, 1).relu(), t2 = noise({4, 5, 2, 2}, 2).relu();
  const auto s1 = noise({4, 4, 3, 3}, 3).relu(), s2 = noise({4, 5, 2, 2}, 4).relu();
  const auto before = rolewise::detail::singular_pair_of(t1, s1, 4, "test", "here");
  const auto after = rolewise::detail::singular_pair_of(t2, s2, 4, "test", "here");
  const auto value = [&](const graphs& loss, const torch::Tensor& weights = {},
                         std::int64_t epoch = 0) {
    targets batch;
    batch.ids = torch::arange(4);
    batch.weights = weights;
    batch.progress.epoch = epoch;
    return loss({with(t1, t2), with(s1, s2)}, batch);
  };
  const auto unit = [](const torch::Tensor& of, const torch::Tensor& x) {
    return (x - of.mean(0)) / (of.var(0, false) + 1e-5).sqrt();
  };
  for (const bool trained : {true, false}) {
    const auto loss =
        made({.heads = 3,
              .attention = trained ? graph_attention::trained : graph_attention::random,
              .estimation_weight = 0,
              .seed = seed{7}});
    const auto& layer = loss.layers[0];
    CHECK(layer.sender->sizes() == at::IntArrayRef{3 * 4, 5});
    CHECK(layer.receiver->sizes() == at::IntArrayRef{3 * 4, 4});
    CHECK(layer.sender->requires_grad() == trained);
    const auto largest = layer.sender->abs().max().item<double>();
    CHECK(largest == doctest::Approx(std::sqrt(6.0 / 5.0)).epsilon(0.1).scale(0));
    auto expected = torch::zeros({4}, torch::kDouble);
    for (std::int64_t h = 0; h < 3; ++h) {
      const auto one = [&](const torch::Tensor& of, const torch::Tensor& x,
                           const torch::Tensor& weight) {
        const auto w = weight.narrow(0, 4 * h, 4);
        return trained ? unit(of.mm(w.t()), x.mm(w.t())) : x.mm(w.t());
      };
      const auto edges = [&](const torch::Tensor& earlier, const torch::Tensor& later) {
        return one(after.teacher, later, *layer.sender)
            .mm(one(before.teacher, earlier, *layer.receiver).t());
      };
      const auto mean = trained ? edges(before.teacher, after.teacher).mean(1, true)
                                : torch::zeros({4, 1}, torch::kDouble);
      const auto of_t = (edges(before.teacher, after.teacher) - mean).tanh().log_softmax(1);
      const auto of_s = (edges(before.student, after.student) - mean).tanh().log_softmax(1);
      expected = expected + (of_s.exp() * (of_s - of_t)).sum(1);
    }
    CHECK(torch::allclose(value(loss), expected.mean()));
    CHECK(value(loss).item<double>() > 0);
    const auto equal_weights = torch::full({4}, 2.0, torch::kDouble);
    CHECK(torch::allclose(value(loss, equal_weights), value(loss)));
    // An example of weight 0 has no edges; batch norm sees it.
    const auto weights = torch::tensor({1.0, 1.0, 1.0, 0.0}, torch::kDouble);
    const auto cut = [](const torch::Tensor& x) { return x.narrow(0, 0, 3); };
    targets three;
    three.ids = torch::arange(3);
    if (!trained)
      CHECK(torch::allclose(value(loss, weights),
                            loss({with(cut(t1), cut(t2)), with(cut(s1), cut(s2))}, three)));
    CHECK(value(loss, weights).isfinite().item<bool>());

    for (const bool early : {true, false}) {
      const auto f = [&](const torch::Tensor& x) {
        targets batch;
        batch.ids = torch::arange(4);
        return loss({with(t1, t2), with(early ? x : s1, early ? s2 : x)}, batch);
      };
      const auto at = early ? s1 : s2;
      const auto x = at.clone().set_requires_grad(true);
      f(x).backward();
      CHECK(torch::allclose(x.grad(), testing::finite_differences(f, at), 1e-5, 1e-8));
    }
  }
  // In the first epochs, attention learns alone.
  const auto both = made({.heads = 2, .attention_epochs = 3});
  const auto transfer = made({.heads = 2, .estimation_weight = 0});
  auto estimation = both;
  estimation.attention_epochs = 9;
  CHECK(torch::allclose(value(both, {}, 3), value(transfer, {}, 3) + value(estimation, {}, 3)));
  CHECK(value(both, {}, 2).item<double>() > 0);
}

TEST_CASE("attention estimates the later vectors from the earlier ones of other examples")
{
  const auto t1 = noise({4, 4, 3, 3}, 1).relu(), t2 = noise({4, 5, 2, 2}, 2).relu();
  const auto earlier = rolewise::detail::singular_pair_of(t1, t1, 1, "test", "here").teacher;
  const auto later = rolewise::detail::singular_pair_of(t2, t2, 1, "test", "here").teacher;
  const auto kept = torch::tensor({1, 0, 1, 1, 0, 1, 0, 1}).view({2, 4}).to(torch::kBool);
  const auto layer = made({.heads = 2, .seed = seed{7}}).layers[0];
  const auto normed = [](const torch::Tensor& x, const torch::Tensor& weight) {
    const auto y = x.mm(weight.t());
    return (y - y.mean(0)) / (y.var(0, false) + 1e-5).sqrt();
  };
  const auto values = normed(earlier, *layer.value).relu();
  std::vector<torch::Tensor> gathered;
  for (std::int64_t h = 0; h < 2; ++h) {
    const auto of_head = [&](const torch::Tensor& w) { return w.narrow(0, 4 * h, 4); };
    const auto shares = normed(later, of_head(*layer.sender))
                            .mm(normed(earlier, of_head(*layer.receiver)).t())
                            .softmax(1);
    gathered.push_back((shares * kept[h].unsqueeze(1)).mm(values));
  }
  const auto estimate = torch::linear(torch::cat(gathered, 1), *layer.output, *layer.offset);
  const auto found = layer.estimation(earlier, later, kept);
  CHECK(torch::allclose(found, 1.0 - torch::cosine_similarity(estimate, later, 1)));

  // The gradient of attention counts twice, as half of the heads are left out; others once.
  found.sum().backward();
  const auto slope = [&](auto which) {
    const auto value = [&](const torch::Tensor& w) {
      auto moved = layer;
      *which(moved) = w;
      return moved.estimation(earlier, later, kept).sum();
    };
    return testing::finite_differences(value, *which(layer));
  };
  const auto senders = [](auto& of) -> auto& { return of.sender; };
  const auto outputs = [](auto& of) -> auto& { return of.output; };
  CHECK(torch::allclose(layer.sender->grad(), slope(senders) * 2.0, 1e-5, 1e-8));
  CHECK(torch::allclose(layer.output->grad(), slope(outputs), 1e-5, 1e-8));
}

TEST_CASE("attention learns by the estimation alone, the student by the transfer alone")
{
  const auto t1 = noise({4, 4, 3, 3}, 1).relu(), t2 = noise({4, 5, 2, 2}, 2).relu();
  const auto s1 = noise({4, 4, 3, 3}, 3).relu(), s2 = noise({4, 5, 2, 2}, 4).relu();
  targets batch;
  batch.ids = torch::arange(4);
  const auto gradients = [&](graphs loss) {
    const auto x = s1.clone().set_requires_grad(true);
    loss({with(t1, t2), with(x, s2)}, batch).backward();
    const auto sum = [](const torch::Tensor& g) {
      return g.defined() ? g.abs().sum().item<double>() : 0.0;
    };
    double of_layers = 0;
    for_each_tensor(loss, [&](const std::string&, torch::Tensor& t, tensor_kind) {
      of_layers += sum(t.grad());
    });
    return std::pair{of_layers, sum(x.grad())};
  };
  const auto waiting = gradients(made({.heads = 2, .attention_epochs = 1}));
  CHECK(waiting.first > 0);
  CHECK(waiting.second == 0);
  const auto still = gradients(made({.heads = 2, .estimation_weight = 0}));
  CHECK(still.first == 0);
  CHECK(still.second > 0);

  // Heads leave out the same examples in any batch.
  const auto ids = torch::tensor(std::vector<std::int64_t>{5, 2, 9});
  targets some, turned;
  some.ids = ids;
  turned.ids = ids.flip(0);
  const auto kept = rolewise::detail::kept_by_heads(some, 3, 4, seed{1}, "test");
  CHECK(torch::equal(rolewise::detail::kept_by_heads(turned, 3, 4, seed{1}, "test"), kept.flip(1)));
  CHECK(kept.any(0).all().item<bool>());
  CHECK_FALSE(kept.all(0).any().item<bool>());

  CHECK_THROWS_WITH_AS((void)made({.heads = 0}),
                       "rolewise: multi-head-graph-distillation: want at least 1 head, got 0",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS((void)made({.estimation_weight = -1}),
                       "rolewise: multi-head-graph-distillation: want a finite estimation_weight "
                       "of at least 0, got -1",
                       std::invalid_argument);
  const auto loss = made({.heads = 2});
  CHECK_THROWS_WITH_AS((void)loss({with(t1, t2), with(s1, s2)}, {}),
                       "rolewise: multi-head-graph-distillation: want ids [4] of Long, got an "
                       "undefined tensor",
                       std::invalid_argument);
  const auto cut = [](const torch::Tensor& x) { return x.narrow(0, 0, 1); };
  CHECK_THROWS_WITH_AS((void)loss({with(cut(t1), cut(t2)), with(cut(s1), cut(s2))}, batch),
                       "rolewise: multi-head-graph-distillation: want at least two examples to "
                       "relate to each other, got one",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS((void)graphs{}({with(t1, t2), with(s1, s2)}, batch),
                       "rolewise: multi-head-graph-distillation: was not configured: the training "
                       "step does it before its optimizer starts",
                       std::invalid_argument);
  testing::is_close_in_16_bits(
      [&](const torch::Tensor& t, const torch::Tensor& s) {
        return loss({with(t, t2.to(t.scalar_type())), with(s, s2.to(s.scalar_type()))}, batch);
      },
      t1, s1, 5e-2);
  testing::is_finite_for_odd_features(
      [&](const torch::Tensor& x) { return loss({with(t1, t2), with(x, s2)}, batch); }, s1, 1e200);
}

TEST_CASE("losses on singular vectors train a student")
{
  constexpr auto shape = testing::noise_shape;
  const auto data = testing::noise_images(16);
  const auto value = [](const epoch_record& epoch) { return epoch.numbers.at(2).value; };
  const auto train = [&](const auto& loss) {
    distillation training{.teacher = frozen(resnet8(shape, {.seed = seed{1}})),
                          .student = resnet8(shape, {.seed = seed{2}}),
                          .loss = cross_entropy{} + weight{1.0} * loss};
    const auto history = fit(training, data, {.epochs = 8, .batch_size = 8});
    CHECK(std::isfinite(value(history.epochs.back())));
    CHECK(value(history.epochs.back()) < value(history.epochs.front()));
    return training.loss;
  };
  (void)train(singular_value_distillation<first, second, tap::stage<3>>{});
  using whole = multi_head_graph_distillation<first, second, tap::stage<3>>;
  (void)train(whole{.heads = 2});
  auto still = train(whole{.heads = 2, .attention = graph_attention::random});
  auto begun = whole{.heads = 2, .attention = graph_attention::random};
  feature_shapes shapes;
  shapes.set(first, {16, 8, 8});
  shapes.set(second, {32, 4, 4});
  shapes.set(tap::stage<3>, {64, 2, 2});
  begun.configure(shapes, shapes);
  std::vector<torch::Tensor> as_drawn;
  for_each_tensor(begun, [&](const std::string&, torch::Tensor& t, tensor_kind) {
    if (t.defined()) as_drawn.push_back(t);
  });
  std::size_t i = 0;
  for_each_tensor(still, [&](const std::string& name, torch::Tensor& t, tensor_kind) {
    CAPTURE(name);
    if (t.defined()) CHECK(torch::equal(t, as_drawn.at(i++)));
  });
  CHECK(i == 4);
}
