// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Losses with learned layers between feature maps: OFD, AB, ReviewKD, MGD.
#include "laws/distillation_loss.hpp"
#include "support/doctest.hpp"
#include "support/finite_differences.hpp"
#include "support/noise_images.hpp"
#include "support/odd_features.hpp"

#include <rolewise/loss.hpp>
#include <rolewise/network/resnet.hpp>
#include <rolewise/teacher/frozen.hpp>
#include <rolewise/train/distillation.hpp>
#include <rolewise/train/fit.hpp>

#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

using namespace rolewise;

namespace {

constexpr auto first = tap::before_activation<1>;
constexpr auto second = tap::before_activation<2>;
using overhaul = overhaul_distillation<first, second>;
using boundary = activation_boundary<first, second>;
using review = review_kd<tap::stage<1>, tap::stage<2>, tap::penultimate>;

torch::Tensor noise(at::IntArrayRef sizes, std::uint64_t key)
{
  torch::manual_seed(key);
  return torch::randn(sizes, torch::kDouble);
}

torch::Tensor row(std::vector<double> values)
{
  const auto count = static_cast<std::int64_t>(values.size());
  return torch::tensor(values, torch::kDouble).view({1, 1, 1, count});
}

doctest::Approx near(double value, double tolerance = 2e-6)
{
  return doctest::Approx(value).epsilon(tolerance);
}

/// Features of all taps that a loss reads, from one tensor.
template<typename L>
outputs all_taps(const torch::Tensor& features)
{
  outputs said;
  L::student_taps.for_each([&](tap_id at) { said.features.set(at, features); });
  return said;
}

/// The loss for maps of these channels and sides, in double precision.
template<typename L>
L made(L loss, std::int64_t of_teacher, std::int64_t of_student, std::int64_t side = 4)
{
  feature_shapes teacher, student;
  L::student_taps.for_each([&](tap_id at) {
    teacher.set(at, {of_teacher, side, side});
    student.set(at, {of_student, side, side});
  });
  loss.configure(teacher, student);
  for_each_tensor(loss, [](const std::string&, torch::Tensor& t, tensor_kind kind) {
    if (t.defined()) t = t.detach().to(torch::kDouble).set_requires_grad(is_learned(kind));
  });
  return loss;
}

template<typename L>
torch::Tensor value_of(const L& loss, const torch::Tensor& teacher, const torch::Tensor& student,
                       const torch::Tensor& weights = {})
{
  return evaluate_loss(loss, {all_taps<L>(teacher), all_taps<L>(student)},
                       {{}, torch::arange(student.size(0)), {}, weights});
}

/// Checks the gradients to the student's features and to each learned tensor.
template<typename L>
void check_gradients(const L& loss, const torch::Tensor& teacher, const torch::Tensor& student)
{
  const auto x = student.clone().set_requires_grad(true);
  value_of(loss, teacher, x).backward();
  const auto at_student = [&](const torch::Tensor& s) { return value_of(loss, teacher, s); };
  CHECK(torch::allclose(x.grad(), testing::finite_differences(at_student, student), 1e-5, 1e-7));
  auto same = loss;
  value_of(same, teacher, student).backward();
  for_each_tensor(same, [&](const std::string& name, torch::Tensor& t, tensor_kind kind) {
    if (!is_learned(kind) || !t.defined()) return;
    CAPTURE(name);
    auto other = loss;
    const auto at_parameter = [&](const torch::Tensor& p) {
      for_each_tensor(other, [&](const std::string& of, torch::Tensor& mine, tensor_kind) {
        if (of == name) mine = p;
      });
      return value_of(other, teacher, student);
    };
    const auto begin = t.detach().clone();
    CHECK(torch::allclose(t.grad(), testing::finite_differences(at_parameter, begin), 1e-5, 1e-7));
  });
}

torch::Tensor connected(const rolewise::detail::convolution_norm& by, const torch::Tensor& s)
{
  const auto y = torch::conv2d(s, *by.weight);
  const auto unit = (y - y.mean({0, 2, 3}, true)) / (y.var({0, 2, 3}, false, true) + 1e-5).sqrt();
  return unit * by.scale->view({1, -1, 1, 1}) + by.shift->view({1, -1, 1, 1});
}

}  // namespace

TEST_CASE("losses with learned maps keep the promises of DistillationLoss")
{
  laws::hold_for(overhaul{});
  laws::hold_for(overhaul_distillation<first>{.margins = {owned_tensor{torch::full({3}, -1.0)}}});
  laws::hold_for(boundary{});
  laws::hold_for(activation_boundary<tap::before_activation<3>>{.margin = 0.5, .seed = seed{3}});
  laws::hold_for(review{});
  laws::hold_for(masked_generative_distillation<tap::stage<3>>{});
  laws::hold_for(masked_generative_distillation<tap::stage<2>, tap::stage<3>>{
      .masks = masked_part::positions, .mask_ratio = 0.5, .seed = seed{1}});
  laws::hold_for(review_kd<tap::stage<3>>{.channels = 5, .seed = seed{1}});
}

TEST_CASE("margins of a batch norm have the reference values")
{
  const auto margins = batch_norm_margins(torch::tensor({1.0, 1.0, -1.0, 0.5, 0.0, 0.0, 1.0}),
                                          torch::tensor({0.0, 0.5, 0.5, 4.0, -2.0, 2.0, 2.8}));
  const std::vector<double> expected{-0.797885, -0.641078, -0.641078, -1.5, -2.0, 0.0, -0.297866};
  for (std::int64_t i = 0; i < 7; ++i)
    CHECK(margins[i].item<double>() == near(expected[static_cast<std::size_t>(i)]));
  CHECK_THROWS_WITH_AS((void)batch_norm_margins(torch::ones({2}), torch::ones({3})),
                       "rolewise: batch_norm_margins: want scale and shift [C], got [2] and [3]",
                       std::invalid_argument);
}

TEST_CASE("partial distances follow their three cases")
{
  const auto t = row({2, 2, -1, -1, -4, -4, -4, 0}), u = row({3, -3, 0, -2, 0, -2.5, -5, -9});
  const auto margin = torch::tensor({-2.0}, torch::kDouble);
  const auto value = [&](const torch::Tensor& m) {
    return rolewise::detail::partial_distances(t, u, m, "test").item<double>();
  };
  CHECK(value(margin) == near(1 + 25 + 1 + 0 + 4 + 0 + 0 + 0));
  const double mean = -14.0 / 5;  // of the negative values
  CHECK(value({}) == near(1 + 25 + 1 + 0 + mean * mean + 0.3 * 0.3 + 0));
  const auto positive = row({1, 2}),
             same = rolewise::detail::partial_distances(positive, positive, {}, "test");
  CHECK(same.item<double>() == 0.0);
}

TEST_CASE("boundary hinges read the signs of the teacher alone")
{
  const auto t = row({5, 0.1, -3, 0, 2}), u = row({0.5, 2, -0.5, -3, -1});
  const auto value = [&](const torch::Tensor& teacher) {
    return rolewise::detail::boundary_hinges(teacher, u, 1.0).item<double>();
  };
  CHECK(value(t) == near(0.25 + 0 + 0.25 + 0 + 4));
  CHECK(value(t * 7) == value(t));
  CHECK(
      rolewise::detail::boundary_hinges(t.masked_fill(t.eq(0), -1), t * 100, 1.0).item<double>() ==
      near(1.0));  // where it is 0
}

TEST_CASE("OFD and AB: connectors, factors of the stages, sizes, gradients")
{
  const auto t = noise({3, 3, 4, 4}, 1), s = noise({3, 2, 4, 4}, 2);
  const auto each = [&](const auto& loss, const auto& values) {
    const auto at = [&](std::size_t l, const torch::Tensor& teacher) {
      return values(teacher, connected(loss.connectors.stages[l], s)).mean();
    };
    CHECK(torch::allclose(value_of(loss, t, s), at(0, t) / 2 + at(1, t)));
    const auto large = noise({3, 3, 8, 8}, 3);
    const auto small = torch::adaptive_avg_pool2d(large, {4, 4});
    CHECK(torch::allclose(value_of(loss, large, s), at(0, small) / 2 + at(1, small)));
    check_gradients(loss, t, s);
  };
  each(made(boundary{}, 3, 2), [](const torch::Tensor& teacher, const torch::Tensor& u) {
    return rolewise::detail::boundary_hinges(teacher, u, 1.0);
  });
  each(made(overhaul{}, 3, 2), [](const torch::Tensor& teacher, const torch::Tensor& u) {
    return rolewise::detail::partial_distances(teacher, u, {}, "test");
  });
  const auto margins = torch::tensor({-0.1, -0.5, -1.0}, torch::kDouble);
  each(made(overhaul{.margins = {owned_tensor{margins.clone()}, owned_tensor{margins.clone()}}}, 3,
            2),
       [&](const torch::Tensor& teacher, const torch::Tensor& u) {
         return rolewise::detail::partial_distances(teacher, u, margins, "test");
       });
}

TEST_CASE("hierarchical_context_loss has the reference value")
{
  const auto t = noise({2, 3, 8, 8}, 1);
  CHECK(hierarchical_context_loss(t, t + 1).item<double>() == near(1.0));
  CHECK(hierarchical_context_loss(t, t).item<double>() == 0.0);
  const auto s = noise({2, 3, 8, 8}, 2);
  const auto of_fields = [](const torch::Tensor& a, const torch::Tensor& b, std::int64_t n) {
    return torch::mse_loss(torch::adaptive_avg_pool2d(a, {n, n}),
                           torch::adaptive_avg_pool2d(b, {n, n}));
  };
  const auto expected = (torch::mse_loss(s, t) + of_fields(s, t, 4) / 2 + of_fields(s, t, 2) / 4 +
                         of_fields(s, t, 1) / 8) /
                        1.875;
  CHECK(torch::allclose(hierarchical_context_loss(t, s), expected));
  const auto cut = [](const torch::Tensor& x) { return x.narrow(3, 0, 3); };  // 2x2 and 1x1 only
  CHECK(torch::allclose(hierarchical_context_loss(cut(t), cut(s)),
                        (torch::mse_loss(cut(s), cut(t)) + of_fields(cut(s), cut(t), 2) / 2 +
                         of_fields(cut(s), cut(t), 1) / 4) /
                            1.75));
  const auto four = [](const torch::Tensor& x) { return x.narrow(3, 0, 4).narrow(2, 0, 4); };
  CHECK(torch::allclose(hierarchical_context_loss(four(t), four(s)),
                        (torch::mse_loss(four(s), four(t)) + of_fields(four(s), four(t), 2) / 2 +
                         of_fields(four(s), four(t), 1) / 4) /
                            1.75));
  const auto point = [](const torch::Tensor& x) { return x.narrow(3, 0, 1).narrow(2, 0, 1); };
  CHECK(torch::allclose(hierarchical_context_loss(point(t), point(s)),
                        torch::mse_loss(point(s), point(t))));
  CHECK((hierarchical_context_loss(t.to(torch::kHalf), s.to(torch::kHalf)).scalar_type() ==
         torch::kFloat));
  CHECK_THROWS_WITH_AS((void)hierarchical_context_loss(t, cut(s)),
                       "rolewise: hierarchical_context_loss: want maps [N, C, H, W] of one shape, "
                       "got [2, 3, 8, 8] and [2, 3, 8, 3]",
                       std::invalid_argument);
}

TEST_CASE("review_kd fuses from the deepest stage to the first, and has the gradient of its value")
{
  CHECK(rolewise::detail::channels_passed(0, 700, "test") == 512);
  CHECK(rolewise::detail::channels_passed(0, 300, "test") == 300);
  review loss{.channels = 2, .seed = seed{1}};
  feature_shapes of_teacher, of_student;
  outputs t, s;
  const auto add = [](feature_shapes& shapes, outputs& said, tap_id at,
                      std::vector<std::int64_t> shape, std::uint64_t key) {
    shapes.set(at, shape);
    shape.insert(shape.begin(), 3);
    said.features.set(at, noise(shape, key));
  };
  add(of_teacher, t, tap::stage<1>, {4, 8, 8}, 1);
  add(of_teacher, t, tap::stage<2>, {5, 4, 4}, 2);
  add(of_teacher, t, tap::penultimate, {6}, 3);
  add(of_student, s, tap::stage<1>, {2, 4, 4}, 4);  // fused there, and compared at 8 x 8
  add(of_student, s, tap::stage<2>, {3, 2, 2}, 5);
  add(of_student, s, tap::penultimate, {4}, 6);
  loss.configure(of_teacher, of_student);
  for_each_tensor(loss, [](const std::string&, torch::Tensor& x, tensor_kind) {
    if (x.defined()) x = x.detach().to(torch::kDouble).set_requires_grad(true);
  });
  const auto normed = [](const rolewise::detail::convolution_norm& by, const torch::Tensor& x) {
    const auto y = torch::conv2d(x, *by.weight, {}, 1, by.weight->size(2) / 2);
    return (y - y.mean({0, 2, 3}, true)) / (y.var({0, 2, 3}, false, true) + 1e-5).sqrt();
  };
  const auto repeated = [](const torch::Tensor& x, std::int64_t by) {
    return x.repeat_interleave(by, 2).repeat_interleave(by, 3);
  };
  const auto fused = [&](std::size_t l, const torch::Tensor& x, const torch::Tensor& y) {
    const auto& stage = loss.stages[l];
    const auto maps =
        torch::conv2d(torch::cat({x, y}, 1), *stage.attention.weight, *stage.attention.bias)
            .sigmoid();
    return x * maps.narrow(1, 0, 1) + y * maps.narrow(1, 1, 1);
  };
  const auto z3 = normed(loss.stages[2].entry, s.features[tap::penultimate].view({3, 4, 1, 1}));
  const auto x2 = normed(loss.stages[1].entry, s.features[tap::stage<2>]);
  const auto z2 = repeated(fused(1, x2, repeated(z3, 2)), 2);
  const auto x1 = normed(loss.stages[0].entry, s.features[tap::stage<1>]);
  const auto z1 = repeated(fused(0, x1, z2), 2);
  const auto at = [&](std::size_t l, const torch::Tensor& of, const torch::Tensor& z) {
    return hierarchical_context_loss(of, normed(loss.stages[l].exit, z));
  };
  const auto expected = at(0, t.features[tap::stage<1>], z1) +
                        at(1, t.features[tap::stage<2>], z2) +
                        at(2, t.features[tap::penultimate].view({3, 6, 1, 1}), z3);
  CHECK(torch::allclose(loss({t, s}, {}), expected));

  for (const auto id : {tap::stage<1>, tap::stage<2>, tap::penultimate}) {
    const auto f = [&](const torch::Tensor& x) {
      auto moved = s;
      moved.features.set(id, x);
      return loss({t, moved}, {});
    };
    const auto x = s.features[id].clone().set_requires_grad(true);
    f(x).backward();
    CHECK(torch::allclose(x.grad(), testing::finite_differences(f, s.features[id]), 1e-5, 1e-7));
  }
  loss.warm_up_epochs = 4;
  const auto in_epoch = [&](std::int64_t epoch) {
    targets when;
    when.progress.epoch = epoch;
    return loss({t, s}, when);
  };
  CHECK(in_epoch(0).item<double>() == 0.0);
  CHECK(torch::allclose(in_epoch(1), expected / 4));
  CHECK(torch::allclose(in_epoch(9), expected));

  review negative{.channels = -1};
  CHECK_THROWS_WITH_AS(negative.configure(of_teacher, of_student),
                       "rolewise: review-kd: want at least 0 channels, got -1",
                       std::invalid_argument);
}

TEST_CASE("masked_generative_distillation masks by id, epoch and seed, and follows its formula")
{
  using masked = masked_generative_distillation<tap::stage<1>>;
  const auto like = noise({4, 50, 6, 5}, 1);
  const auto mask_of = [&](masked_part part, double ratio, const torch::Tensor& ids,
                           std::int64_t epoch = 0, seed key = seed{1}) {
    targets batch;
    batch.ids = ids;
    batch.progress.epoch = epoch;
    return rolewise::detail::feature_mask(like, part, ratio, key, batch, "test");
  };
  const auto ids = torch::tensor(std::vector<std::int64_t>{8, 3, 5, 90});
  const auto by_channel = mask_of(masked_part::channels, 0.15, ids);
  CHECK(by_channel.sizes() == at::IntArrayRef{4, 50, 1, 1});
  CHECK(std::abs(by_channel.mean().item<double>() - 0.85) < 0.08);
  CHECK(mask_of(masked_part::positions, 0.5, ids).sizes() == at::IntArrayRef{4, 1, 6, 5});
  CHECK(torch::equal(mask_of(masked_part::channels, 0.15, ids.flip(0)), by_channel.flip(0)));
  CHECK_FALSE(torch::equal(mask_of(masked_part::channels, 0.15, ids, 1), by_channel));
  CHECK_FALSE(torch::equal(mask_of(masked_part::channels, 0.15, ids, 0, seed{2}), by_channel));
  CHECK(mask_of(masked_part::channels, 0, ids).eq(1).all().item<bool>());
  CHECK(mask_of(masked_part::positions, 1, ids).eq(0).all().item<bool>());
  CHECK_THROWS_WITH_AS((void)mask_of(masked_part::channels, 0.5, {}),
                       "rolewise: test: want ids [4] of Long, got an undefined tensor",
                       std::invalid_argument);

  const auto loss = made(masked{.mask_ratio = 0.7, .seed = seed{5}}, 3, 2);
  const auto t = noise({3, 3, 4, 4}, 2), s = noise({3, 2, 4, 4}, 3);
  const auto& layers = loss.generator;
  const auto convolved = [](const auto& by, const torch::Tensor& x) {
    return torch::conv2d(x, *by.weight, *by.bias, 1, by.weight->size(2) / 2);
  };
  targets batch;
  batch.ids = torch::arange(3);
  const auto mask = rolewise::detail::feature_mask(
      t, masked_part::channels, 0.7,
      seed{5}.split(purpose{"masked-generative"}).split(purpose{"mask"}), batch, "test");
  CHECK(mask.eq(0).any().item<bool>());
  const auto generated =
      convolved(layers.second, convolved(layers.first, convolved(layers.align, s) * mask).relu());
  CHECK(torch::allclose(value_of(loss, t, s), (generated - t).square().sum() / 3));
  check_gradients(loss, t, s);
  check_gradients(made(masked{.masks = masked_part::positions, .mask_ratio = 0.5}, 3, 2), t, s);
  CHECK_THROWS_WITH_AS(
      (void)made(masked{.mask_ratio = 1.5}, 3, 2),
      "rolewise: masked-generative-distillation: want a mask_ratio in 0 .. 1, got 1.5",
      std::invalid_argument);
}

TEST_CASE("losses with learned maps: zero, huge and 16-bit features, weights")
{
  const auto t = noise({4, 3, 4, 4}, 1), s = noise({4, 3, 4, 4}, 2);
  const auto weights = torch::tensor({1.0, 3.0, 0.0, 0.0}, torch::kDouble);
  const auto each = [&](const auto& loss) {
    CAPTURE(std::string{std::remove_cvref_t<decltype(loss)>::name});
    testing::is_finite_for_odd_features(
        [&](const torch::Tensor& x) { return value_of(loss, t, x); }, s);
    CHECK(torch::allclose(value_of(loss, t, s),
                          value_of(loss, t, s, torch::full({4}, 2.0, torch::kDouble))));
    CHECK(torch::allclose(value_of(loss, t, s, weights),
                          value_of(loss, t, s, weights.view({4, 1, 1}).expand({4, 8, 8}))));
    testing::is_close_in_16_bits(
        [&](const torch::Tensor& teacher, const torch::Tensor& student) {
          return value_of(loss, teacher, student);
        },
        t, s);
  };
  each(made(overhaul{}, 3, 3));
  each(made(boundary{}, 3, 3));
  each(made(review_kd<tap::stage<1>, tap::stage<2>>{}, 3, 3));
  each(made(masked_generative_distillation<tap::stage<1>>{}, 3, 3));
}

TEST_CASE("losses with learned maps refuse what does not fit, in words")
{
  const auto map = noise({2, 3, 4, 4}, 1);
  CHECK_THROWS_WITH_AS((void)value_of(overhaul{}, map, map),
                       "rolewise: overhaul-distillation: was not configured: the training step "
                       "does it before its optimizer starts",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS((void)value_of(made(boundary{}, 3, 3), map.flatten(1), map),
                       "rolewise: activation-boundary: want maps [N, C, H, W] of floating point at "
                       "tap::before_activation<1>, got [2, 48] of Double of the teacher",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS((void)made(boundary{.margin = 0}, 3, 3),
                       "rolewise: activation-boundary: want a finite margin above 0, got 0",
                       std::invalid_argument);
  auto other = made(overhaul{}, 3, 2);
  CHECK_THROWS_WITH_AS((void)made(other, 4, 2),
                       "rolewise: overhaul-distillation: was made with weights [3, 2, 1, 1], these "
                       "features want [4, 2, 1, 1]",
                       std::invalid_argument);
  other.margins[0] = owned_tensor{torch::ones({2})};
  CHECK_THROWS_WITH_AS((void)value_of(other, map, noise({2, 2, 4, 4}, 2)),
                       "rolewise: overhaul-distillation: want margins [3], got [2]",
                       std::invalid_argument);
  feature_shapes vector;
  vector.set(first, {3});
  vector.set(second, {3});
  overhaul flat;
  CHECK_THROWS_WITH_AS(flat.configure(vector, vector),
                       "rolewise: overhaul-distillation: want maps [C, H, W], got [3]",
                       std::invalid_argument);
}

TEST_CASE("losses with learned maps train a student, and learn")
{
  constexpr auto shape = testing::noise_shape;
  const auto data = testing::noise_images(16);
  const auto teacher = frozen(resnet8(shape, {.seed = seed{1}}));
  const auto train = [&](double factor, const auto& loss) {
    using loss_type = std::remove_cvref_t<decltype(loss)>;
    CAPTURE(std::string{loss_type::name});
    distillation training{.teacher = teacher,
                          .student = resnet8(shape, {.seed = seed{2}}),
                          .loss = cross_entropy{} + weight{factor} * loss};
    auto begun = loss;
    begun.configure(teacher.tap_shapes(loss_type::teacher_taps),
                    training.student.tap_shapes(loss_type::student_taps));
    const auto history = fit(training, data, {.epochs = 6, .batch_size = 8});
    const auto value = [&](const epoch_record& epoch) { return epoch.numbers.at(2).value; };
    CHECK(std::isfinite(value(history.epochs.back())));
    CHECK(value(history.epochs.back()) < value(history.epochs.front()));
    std::vector<torch::Tensor> learned;
    for_each_tensor(training.loss, [&](const std::string&, torch::Tensor& t, tensor_kind kind) {
      if (is_learned(kind) && t.defined()) learned.push_back(t);
    });
    std::size_t i = 0;
    for_each_tensor(begun, [&](const std::string& name, torch::Tensor& t, tensor_kind kind) {
      CAPTURE(name);
      if (is_learned(kind) && t.defined()) CHECK_FALSE(torch::equal(t, learned.at(i++)));
    });
  };
  train(0.001, overhaul{});
  train(0.003, boundary{});
  train(1.0, review{});
  train(0.0005, masked_generative_distillation<tap::stage<3>>{});
}
