// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "laws/distillation_loss.hpp"
#include "laws/loss_function.hpp"
#include "support/doctest.hpp"
#include "support/finite_differences.hpp"
#include "support/tiny_student.hpp"

#include <rolewise/loss.hpp>
#include <rolewise/teacher/frozen.hpp>
#include <rolewise/train/distillation.hpp>
#include <rolewise/train/fit.hpp>
#include <rolewise/train/supervised.hpp>

#include <cmath>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <vector>

using namespace rolewise;

namespace {

constexpr std::int64_t ignored = -100;

torch::Tensor rows(std::vector<double> values, std::int64_t classes = 3)
{
  return torch::tensor(values, torch::kDouble).view({-1, classes});
}

// The example that the reference values were computed from, and a batch that begins with it.
const auto z_teacher = rows({2.0, 1.0, 0.1}), z_student = rows({1.0, 0.5, -0.5});
const auto three_teacher = rows({2.0, 1.0, 0.1, -1.0, 2.0, 0.0, 0.1, -1.5, 1.2}),
           three_student = rows({1.0, 0.5, -0.5, 0.0, 1.0, 0.2, 0.3, -0.7, 0.9});
const auto first_class = torch::zeros({1}, torch::kLong);

torch::Tensor value_of(const auto& loss, const torch::Tensor& teacher, const torch::Tensor& student,
                       const targets& targets)
{
  return evaluate_loss(loss, paired_outputs{{teacher, {}}, {student, {}}}, targets);
}

double number_of(const auto& loss, const torch::Tensor& teacher = z_teacher,
                 const torch::Tensor& student = z_student,
                 const torch::Tensor& labels = first_class)
{
  return value_of(loss, teacher, student, {labels, {}, {}}).template item<double>();
}

doctest::Approx near(double value, double tolerance = 2e-6)
{
  return doctest::Approx(value).epsilon(tolerance);
}

template<typename F>
torch::Tensor gradient_of(F&& f, const torch::Tensor& at)
{
  const auto x = at.detach().clone().set_requires_grad(true);
  f(x).backward();
  return x.grad();
}

template<typename F>
void check_gradient(F&& f, const torch::Tensor& at)
{
  CHECK(torch::allclose(gradient_of(f, at), testing::finite_differences(f, at), 1e-5, 1e-8));
}

static_assert(SoftenedLoss<soft_target_kl> && SoftenedLoss<normalized_kd> && SoftenedLoss<dist>);
static_assert(!SoftenedLoss<cross_entropy> && !SoftenedLoss<multi_level_distillation>);

/// Shows the logits that it is given.
struct shown {
  static constexpr std::string_view name = "shown";
  torch::Tensor operator()(const paired_outputs& pair) const
  {
    const auto weights = rows({1.0, 100.0, 1e4});
    return (pair.student.logits * weights).sum() + 0 * pair.teacher.logits.sum();
  }
};

/// Remembers the student's logits of the last update.
struct remembering {
  static constexpr std::string_view name = "remembering";
  torch::Tensor seen{};
  torch::Tensor operator()(const paired_outputs& pair) const { return pair.student.logits.sum(); }
  void after_step(const paired_outputs& pair, const targets&) { seen = pair.student.logits; }
};

/// Calls `f(loss)` for each loss that counts elements without a label.
void for_losses_on_teachers(auto&& f)
{
  f(reverse_kl{});
  f(reverse_kl{.temperature = temperature{3}, .scale_by_t_squared = false});
  f(jensen_shannon{});
  f(jensen_shannon{.temperature = temperature{2}, .teacher_share = fraction{0.1}});
  f(dist{});
  f(dist{.temperature = temperature{4}, .inter_weight = 0.5, .intra_weight = 2});
  f(multi_level_distillation{});
  f(standardized(soft_target_kl{.temperature = temperature{2}}));
  f(scheduled_temperature{
      .loss = soft_target_kl{},
      .schedule = cosine_temperature{.from = temperature{6}, .to = temperature{2}}});
}

/// Calls `f(loss)` for each loss that leaves ignored labels out.
void for_losses_on_labels(auto&& f)
{
  f(label_smoothing{});
  f(label_smoothing{.over = smoothed_over::other_classes});
  f(non_saturating{});
  f(non_saturating{fraction{0.1}});
  f(teacher_free_kd{});
  f(teacher_free_kd{.temperature = temperature{1}, .reduction = kl_reduction::batch_mean});
  f(decoupled_kd{});
  f(decoupled_kd{.temperature = temperature{1}, .target_weight = 3, .other_weight = 0.5});
  f(normalized_kd{});
  f(normalized_kd{.temperature = temperature{3}, .other_weight = 3.5});
  f(standardized(decoupled_kd{}));
}

void for_all_losses(auto&& f)
{
  for_losses_on_teachers(f);
  for_losses_on_labels(f);
}

}  // namespace

TEST_CASE("losses on logits keep the promises of their concepts")
{
  for_losses_on_teachers([](const auto& loss) { laws::hold_for(loss); });
  for_losses_on_labels([](const auto& loss) {
    laws::hold_for_labels(loss);
    if constexpr (DistillationLoss<std::remove_cvref_t<decltype(loss)>>) laws::hold_for(loss);
  });
  laws::hold_for(standardized(cross_entropy{} + weight{2} * soft_target_kl{}));
  laws::hold_for_labels(standardized(cross_entropy{}));
}

TEST_CASE("label_smoothing has the reference values of both forms")
{
  const auto four = rows({1.0, 0.5, -0.5, 0.0}, 4);
  CHECK(number_of(label_smoothing{}, {}, four) == near(0.8623387));
  const label_smoothing others{.over = smoothed_over::other_classes};
  CHECK(number_of(others, {}, four) == near(0.8873387));

  // y = (1 - e) at the label, e / (C - 1) elsewhere.
  const auto y = rows({0.9, 0.1 / 3, 0.1 / 3, 0.1 / 3}, 4);
  const auto by_hand = -(y * torch::log_softmax(four, 1)).sum();
  CHECK(number_of(others, {}, four) == near(by_hand.item<double>(), 1e-12));
  CHECK(number_of(cross_entropy{}, {}, four, y) == near(by_hand.item<double>(), 1e-12));
}

TEST_CASE("teacher_free_kd has the reference values")
{
  const auto four = rows({1.0, 0.5, -0.5, 0.0}, 4);
  CHECK(number_of(teacher_free_kd{}, {}, four) == near(0.0354782));
  CHECK(number_of(teacher_free_kd{.reduction = kl_reduction::batch_mean}, {}, four) ==
        near(0.1419126));
  CHECK(number_of(0.05 * cross_entropy{} + 0.95 * teacher_free_kd{}, {}, four) == near(0.0730712));
  CHECK(number_of(0.9 * cross_entropy{} + (0.1 * 100) * teacher_free_kd{}, {}, four) ==
        near(1.0633864));

  // Zero where the student is the virtual teacher; the gradient elsewhere is (q - t) / C.
  const auto target = rows({0.259364, 0.246879, 0.246879, 0.246879}, 4);
  const auto f = [](const torch::Tensor& x) {
    return value_of(teacher_free_kd{}, {}, x, {first_class, {}, {}});
  };
  CHECK(f(target.log()).item<double>() == near(0.0, 1e-10));
  const auto slope = (torch::softmax(four, 1) - target) / 4;
  CHECK(torch::allclose(gradient_of(f, four), slope, 0.0, 1e-6));
  const auto soft = torch::one_hot(first_class, 4).to(torch::kDouble);
  CHECK(number_of(teacher_free_kd{}, {}, four, soft) ==
        number_of(teacher_free_kd{}, {}, four, first_class));
}

TEST_CASE("Tf-KD by self-training is soft_target_kl with the mean over elements")
{
  const double alpha = 0.95, m = 50, T = 6;
  const auto total = (1 - alpha) * cross_entropy{} +
                     (alpha * m) * soft_target_kl{temperature{T}, kl_reduction::element_mean};
  const auto p = torch::softmax(z_teacher / T, 1);
  const auto by_hand =
      (1 - alpha) * torch::nll_loss(torch::log_softmax(z_student, 1), first_class) +
      alpha * m * T * T * (p * (p.log() - torch::log_softmax(z_student / T, 1))).mean();
  CHECK(number_of(total) == near(by_hand.item<double>(), 1e-10));
}

TEST_CASE("decoupled_kd has the reference values, and its parts make up soft_target_kl")
{
  const decoupled_kd target{.target_weight = 1, .other_weight = 0},
      others{.target_weight = 0, .other_weight = 1};
  CHECK(number_of(target) == near(0.0250854));
  CHECK(number_of(others) == near(0.0012331, 5e-5));
  CHECK(number_of(decoupled_kd{}) == near(0.0349505));
  const double rest = 1 - 0.41654763;
  CHECK(number_of(target) + rest * number_of(others) == near(0.0258049));
  CHECK(number_of(decoupled_kd{.other_weight = rest}) == near(number_of(soft_target_kl{}), 1e-7));

  // The other classes do not depend on the student's logit of the label.
  auto moved = z_student.clone();
  moved[0][0] = -7.0;
  CHECK(number_of(others, z_teacher, moved) == number_of(others));
  CHECK(number_of(target, z_teacher, moved) > 2 * number_of(target));
  const auto slope = gradient_of(
      [&](const torch::Tensor& x) { return value_of(others, z_teacher, x, {first_class, {}, {}}); },
      z_student);
  CHECK(slope[0][0].item<double>() == 0.0);
}

TEST_CASE("decoupled_kd warms up over epochs")
{
  const decoupled_kd loss{.warm_up_epochs = 20};
  const auto at = [&](std::int64_t epoch) {
    const training_progress progress{
        .epoch = epoch, .step = 3, .epochs = 240, .steps_per_epoch = 9};
    return value_of(loss, z_teacher, z_student, {first_class, {}, progress}).item<double>();
  };
  CHECK(at(0) == 0.0);
  CHECK(at(5) == near(0.0349505 / 4));
  CHECK(at(20) == near(0.0349505));
  CHECK(at(200) == at(20));
}

TEST_CASE("normalized_kd has the values of its formula")
{
  CHECK(number_of(normalized_kd{}) == near(1.30159103, 1e-8));
  CHECK(number_of(normalized_kd{.temperature = temperature{3}, .other_weight = 3.5}) ==
        near(21.88610193, 1e-8));
  CHECK(number_of(normalized_kd{.other_weight = 0}) == near(0.39812276, 1e-7));
  const auto soft = rows({0.7, 0.1, 0.2});  // its most probable class is the target
  CHECK(number_of(normalized_kd{}, z_teacher, z_student, soft) == number_of(normalized_kd{}));
  // The other part alone is lowest at the teacher.
  const auto slope = gradient_of(
      [&](const torch::Tensor& x) {
        return value_of(normalized_kd{}, z_teacher, x, {first_class, {}, {}}) -
               value_of(normalized_kd{.other_weight = 0}, z_teacher, x, {first_class, {}, {}});
      },
      z_teacher);
  CHECK(slope.abs().max().item<double>() < 1e-12);
}

TEST_CASE("dist has the reference values, and sees relations alone")
{
  const dist inter{.intra_weight = 0}, intra{.inter_weight = 0};
  CHECK(number_of(inter, three_teacher, three_student) == near(0.0166964));
  CHECK(number_of(intra, three_teacher, three_student) == near(0.0238003));
  CHECK(number_of(dist{}, three_teacher, three_student) == near(0.0166964 + 0.0238003));
  const auto two = [](const torch::Tensor& t) { return t.slice(0, 0, 2); };
  CHECK(number_of(inter, two(three_teacher), two(three_student)) == near(0.0179831));
  CHECK(number_of(intra, two(three_teacher), two(three_student)) == near(0.00000349, 2e-3));
  CHECK(number_of(dist{.temperature = temperature{4}, .intra_weight = 0}, two(three_teacher),
                  two(three_student)) == near(0.253618));
  CHECK(number_of(dist{.temperature = temperature{4}, .scale_by_t_squared = false}, three_teacher,
                  three_student) ==
        near(number_of(dist{.temperature = temperature{4}}, three_teacher, three_student) / 16));

  // Probabilities that are scaled and shifted: q = p / 2 + 1 / (2 C).
  const auto flatter = (torch::softmax(three_teacher, 1) / 2 + 1.0 / 6).log();
  CHECK(std::abs(number_of(dist{}, three_teacher, flatter)) < 1e-6);
  CHECK(std::abs(number_of(dist{}, three_teacher, three_teacher)) < 1e-6);
  CHECK(number_of(dist{}, z_teacher, z_teacher) == near(1.0, 1e-6));  // a batch of one
}

TEST_CASE("multi_level_distillation has the reference values and sums over temperatures")
{
  const auto two = [](const torch::Tensor& t) { return t.slice(0, 0, 2); };
  const auto at_four = [&](double instance, double batch, double classes) {
    return number_of(multi_level_distillation{.temperatures = {temperature{4}},
                                              .instance_weight = instance,
                                              .batch_weight = batch,
                                              .class_weight = classes},
                     two(three_teacher), two(three_student));
  };
  CHECK(at_four(0, 1, 0) == near(0.0005307, 5e-5));
  CHECK(at_four(0, 0, 1) == near(0.0023532, 2e-5));
  CHECK(at_four(1, 0, 0) == near(number_of(soft_target_kl{}, two(three_teacher), two(three_student),
                                           torch::zeros({2}, torch::kLong)),
                                 1e-12));
  double sum = 0;
  for (const double t : {2, 3, 4, 5, 6})
    sum += number_of(multi_level_distillation{.temperatures = {temperature{t}}}, three_teacher,
                     three_student);
  CHECK(number_of(multi_level_distillation{}, three_teacher, three_student) == near(sum, 1e-12));
}

TEST_CASE("reverse_kl and jensen_shannon have the reference values")
{
  CHECK(number_of(soft_target_kl{temperature{1}}) == near(0.02645775, 1e-6));
  CHECK(number_of(reverse_kl{}) == near(0.02742955, 1e-6));
  CHECK(number_of(jensen_shannon{}) == near(0.00671677, 1e-6));
  CHECK(number_of(jensen_shannon{.teacher_share = fraction{0.1}}) == near(0.00238757, 2e-6));

  torch::manual_seed(0);
  const auto teacher = 3 * torch::randn({5, 7}, torch::kDouble),
             student = 3 * torch::randn({5, 7}, torch::kDouble);
  const temperature t{3};
  CHECK(number_of(reverse_kl{t}, teacher, student) ==
        near(number_of(soft_target_kl{t}, student, teacher), 1e-12));
  CHECK(number_of(jensen_shannon{t}, teacher, student) ==
        near(number_of(jensen_shannon{t}, student, teacher), 1e-12));
  CHECK(number_of(jensen_shannon{}, 1e4 * teacher, 1e4 * student) <= std::log(2) + 1e-12);
  const double small = 1e-6;
  CHECK(number_of(jensen_shannon{t, fraction{small}}, teacher, student) / small ==
        near(number_of(soft_target_kl{t}, teacher, student), 1e-4));
  CHECK(number_of(jensen_shannon{t, fraction{1 - small}}, teacher, student) / small ==
        near(number_of(reverse_kl{t}, teacher, student), 1e-4));
}

TEST_CASE("standardized logits have the reference values and forget scale and shift")
{
  const auto two = standardized(soft_target_kl{.temperature = temperature{2}});
  static_assert(decltype(two)::name == "standardized soft-target-kl");
  CHECK(number_of(two) == near(0.0163326, 4e-6));
  CHECK(number_of(0.1 * cross_entropy{} + 9 * two) == near(0.2074064));

  CHECK(number_of(standardized(shown{})) == near(0.872871 + 100 * 0.218218 - 1e4 * 1.091089, 1e-6));
  CHECK(number_of(standardized(shown{}), z_student, z_teacher) ==
        near(1.017074 - 100 * 0.035072 - 1e4 * 0.982003, 1e-6));

  for_all_losses([](const auto& loss) {
    const auto labels = torch::tensor({0, 2, 1}, torch::kLong);
    const auto all = standardized(loss);
    CHECK(number_of(all, three_teacher * 3 + 2, three_student * 0.4 - 5, labels) ==
          near(number_of(all, three_teacher, three_student, labels), 1e-5));
  });
}

TEST_CASE("equal logits of an element have no relations, and no gradient of them")
{
  const auto equal = torch::full({3, 3}, 0.1, torch::kFloat);  // as of a last layer that is 0
  const auto teacher = three_teacher.to(torch::kFloat);
  const auto holds = [&](const auto& loss, double value) {
    const auto f = [&](const torch::Tensor& x) { return value_of(loss, teacher, x, {}); };
    CHECK(f(equal).template item<double>() == near(value, 1e-6));
    CHECK(torch::equal(gradient_of(f, equal), torch::zeros_like(equal)));
  };
  holds(dist{}, 2.0);
  const temperature t{2};
  holds(standardized(soft_target_kl{t}), number_of(soft_target_kl{t},
                                                   (three_teacher - three_teacher.mean(1, true)) /
                                                       three_teacher.std({1}, true, true),
                                                   torch::zeros({3, 3}, torch::kDouble)));
}

TEST_CASE("losses are lowest, with no gradient, at the teacher's logits")
{
  torch::manual_seed(1);
  const auto teacher = torch::randn({5, 7}, torch::kDouble);
  const auto labels = torch::randint(7, {5}, torch::kLong);
  for_all_losses([&](const auto& loss) {
    using Loss = std::remove_cvref_t<decltype(loss)>;
    if constexpr (minimum_at_teacher<Loss>()) {
      const std::string name{Loss::name};
      CAPTURE(name);
      CHECK(std::abs(number_of(loss, teacher, teacher, labels)) < 1e-12);
      const auto f = [&](const torch::Tensor& x) {
        return value_of(loss, teacher, x, {labels, {}, {}});
      };
      CHECK(gradient_of(f, teacher).abs().max().template item<double>() < 1e-12);
    }
  });
}

TEST_CASE("the order of classes does not matter")
{
  torch::manual_seed(2);
  const auto teacher = torch::randn({5, 7}, torch::kDouble),
             student = torch::randn({5, 7}, torch::kDouble);
  const auto labels = torch::randint(7, {5}, torch::kLong);
  const auto place = torch::tensor({3, 0, 6, 1, 5, 2, 4}, torch::kLong);  // new place -> old class
  const auto renamed = place.argsort().index_select(0, labels);
  for_all_losses([&](const auto& loss) {
    CHECK(number_of(loss, teacher.index_select(1, place), student.index_select(1, place),
                    renamed) == near(number_of(loss, teacher, student, labels), 1e-10));
  });
}

TEST_CASE("gradients of losses on logits agree with finite differences")
{
  torch::manual_seed(3);
  const auto teacher = torch::randn({4, 5, 2}, torch::kDouble),
             student = torch::randn({4, 5, 2}, torch::kDouble);
  auto labels = torch::randint(5, {4, 2}, torch::kLong);
  const auto weights = torch::rand({4, 2}, torch::kDouble);
  for_all_losses([&](const auto& loss) {
    using Loss = std::remove_cvref_t<decltype(loss)>;
    const std::string name{Loss::name};
    CAPTURE(name);
    check_gradient(
        [&](const torch::Tensor& x) { return value_of(loss, teacher, x, {labels, {}, {}}); },
        student);
    auto some = labels.clone();
    if constexpr (wants_class_labels<Loss>()) some[1][0] = some[3][1] = ignored;
    check_gradient(
        [&](const torch::Tensor& x) { return value_of(loss, teacher, x, {some, {}, {}, weights}); },
        student);
  });
}

TEST_CASE("pixels and tokens count like examples, and what has no weight or label does not")
{
  torch::manual_seed(4);
  const auto teacher = torch::randn({4, 5, 3}, torch::kDouble),
             student = torch::randn({4, 5, 3}, torch::kDouble);
  const auto labels = torch::randint(5, {4, 3}, torch::kLong);
  const auto flat = [](const torch::Tensor& logits) {
    return logits.movedim(1, -1).reshape({-1, logits.size(1)});
  };
  const auto equal = [](const torch::Tensor& a, const torch::Tensor& b) {
    CHECK(torch::allclose(a, b, 1e-10, 1e-13));
  };
  const auto kept = torch::tensor({0, 1, 2, 4, 5, 8, 9, 11}, torch::kLong);
  const auto keep = [&](const torch::Tensor& t) { return t.index_select(0, kept); };
  const auto counted = torch::zeros({12}, torch::kDouble).index_fill(0, kept, 1.0).view({4, 3});
  const auto by_example = torch::tensor({1.0, 0.0, 2.0, 0.5}, torch::kDouble);

  for_all_losses([&](const auto& loss) {
    using Loss = std::remove_cvref_t<decltype(loss)>;
    const std::string name{Loss::name};
    CAPTURE(name);
    const auto all = value_of(loss, teacher, student, {labels, {}, {}});
    equal(all, value_of(loss, flat(teacher), flat(student), {labels.flatten(), {}, {}}));
    const auto image = [](const torch::Tensor& t) { return t.unsqueeze(-1); };
    equal(all, value_of(loss, image(teacher), image(student), {image(labels), {}, {}}));

    // Equal weights are no weights; those of examples are those of their elements.
    const auto twos = torch::full({4, 3}, 2.0, torch::kDouble);
    equal(all, value_of(loss, teacher, student, {labels, {}, {}, twos}));
    const auto each = by_example.unsqueeze(1).expand({4, 3});
    equal(value_of(loss, teacher, student, {labels, {}, {}, by_example}),
          value_of(loss, teacher, student, {labels, {}, {}, each}));

    // Of weight 0, or ignored: the loss of the batch without them, even if they are infinite.
    const auto reduced =
        value_of(loss, keep(flat(teacher)), keep(flat(student)), {keep(labels.flatten()), {}, {}});
    auto padded = student.clone();
    padded[1].select(1, 0) = std::numeric_limits<double>::infinity();  // element 3
    equal(reduced, value_of(loss, teacher, padded, {labels, {}, {}, counted}));
    equal(reduced, value_of(loss, teacher, student, {labels, {}, {}, 3 * counted}));
    if constexpr (wants_class_labels<Loss>()) {
      const auto some = labels.masked_fill(counted.eq(0), ignored);
      equal(reduced, value_of(loss, teacher, student, {some, {}, {}}));
      const auto none = torch::full({4, 3}, ignored, torch::kLong);
      CHECK(value_of(loss, teacher, student, {none, {}, {}}).template item<double>() == 0.0);
    } else {
      const auto none = torch::full({4, 3}, ignored, torch::kLong);
      equal(all, value_of(loss, teacher, student, {none, {}, {}}));  // counts what has no label
    }
    const auto nothing = torch::zeros({4}, torch::kDouble);
    CHECK(value_of(loss, teacher, student, {labels, {}, {}, nothing}).template item<double>() ==
          0.0);
    const auto f = [&](const torch::Tensor& x) {
      return value_of(loss, teacher, x, {labels, {}, {}, nothing});
    };
    CHECK(torch::equal(gradient_of(f, student), torch::zeros_like(student)));
  });
}

TEST_CASE("losses on logits of 16 bits are computed in single precision")
{
  torch::manual_seed(5);
  const auto labels = torch::arange(64).remainder(10);
  for (const auto type : {torch::kHalf, torch::kBFloat16}) {
    CAPTURE(c10::toString(type));
    const double digits = type == torch::kHalf ? 0x1p-10 : 0x1p-7;
    const auto teacher = (torch::randn({64, 10}) * 6).to(type);
    const auto student = (torch::randn({64, 10}) * 6).to(type);
    for_all_losses([&](const auto& loss) {
      const std::string name{std::string_view{loss.name}};
      CAPTURE(name);
      const auto x = student.clone().set_requires_grad(true);
      const auto found = value_of(loss, teacher, x, {labels, {}, {}});
      CHECK((found.scalar_type() == type));
      CHECK(found.template item<double>() ==
            near(number_of(loss, teacher.to(torch::kDouble), student.to(torch::kDouble), labels),
                 digits));
      found.backward();
      CHECK((x.grad().scalar_type() == type));
      CHECK(x.grad().isfinite().all().template item<bool>());
      CHECK(x.grad().abs().sum().template item<double>() > 0);
    });
  }
}

TEST_CASE("logits far apart give finite losses and gradients")
{
  torch::manual_seed(6);
  const auto labels = torch::tensor({0, 1, 2, 3}, torch::kLong);
  for (const auto type : {torch::kFloat, torch::kDouble, torch::kBFloat16, torch::kHalf}) {
    CAPTURE(c10::toString(type));
    const auto signs = [&] {
      return ((torch::randint(2, {4, 5}, torch::kFloat) * 2 - 1) * 1e4).to(type);
    };
    for (int repeat = 0; repeat < 4; ++repeat) {
      const auto teacher = signs(), student = signs();
      for_all_losses([&](const auto& loss) {
        const std::string name{std::string_view{loss.name}};
        CAPTURE(name);
        const auto f = [&](const torch::Tensor& x) {
          return value_of(loss, teacher, x, {labels, {}, {}});
        };
        const auto found = f(student);
        CHECK_FALSE(found.isnan().template item<bool>());
        if (type != torch::kHalf)  // which ends at 65504
          CHECK(found.isfinite().template item<bool>());
        CHECK(gradient_of(f, student).isfinite().all().template item<bool>());
        CHECK(f(teacher).isfinite().template item<bool>());
      });
    }
  }
  // NCKD is exact where a shift of the target's logit by 1000 would not be.
  const auto far = rows({2e4, 1.0, 0.0}), other = rows({-3e4, 0.0, 2.0});
  const auto p = torch::softmax(rows({1.0, 0.0}, 2), 1), q = torch::softmax(rows({0.0, 2.0}, 2), 1);
  CHECK(
      number_of(decoupled_kd{.temperature = temperature{1}, .target_weight = 0, .other_weight = 1},
                far, other) == near((p * (p / q).log()).sum().item<double>(), 1e-12));
}

TEST_CASE("temperatures follow their schedules")
{
  const auto at = [](std::int64_t step) {
    return training_progress{.epoch = 0, .step = step, .epochs = 1, .steps_per_epoch = 100};
  };
  const linear_temperature line{.from = temperature{8}, .to = temperature{2}};
  const cosine_temperature wave{.from = temperature{8}, .to = temperature{2}};
  CHECK(line(at(0)).value() == 8.0);
  CHECK(line(at(25)).value() == near(6.5, 1e-12));
  CHECK(line(at(100)).value() == 2.0);
  CHECK(wave(at(0)).value() == 8.0);
  CHECK(wave(at(50)).value() == near(5.0, 1e-12));
  CHECK(wave(at(25)).value() == near(5.0 + 3.0 * std::sqrt(0.5), 1e-12));
  const linear_temperature half{
      .from = temperature{1}, .to = temperature{3}, .until = fraction{0.5}};
  CHECK(half(at(25)).value() == near(2.0, 1e-12));
  CHECK(half(at(75)).value() == 3.0);
  CHECK(linear_temperature{temperature{1}, temperature{3}, fraction{0}}(at(0)).value() == 3.0);

  const scheduled_temperature loss{.loss = decoupled_kd{}, .schedule = wave};
  static_assert(decltype(loss)::wants_class_labels && decltype(loss)::name == decoupled_kd::name);
  for (const std::int64_t step : {0, 30, 99})
    CHECK(value_of(loss, z_teacher, z_student, {first_class, {}, at(step)}).item<double>() ==
          number_of(decoupled_kd{.temperature = wave(at(step))}));
}

TEST_CASE("curriculum_temperature is soft_target_kl at a temperature with a reversed gradient")
{
  laws::hold_for(curriculum_temperature{});
  auto loss = laws::configured(curriculum_temperature{});
  const double t = 1 + 20 / (1 + std::exp(-1.0));
  CHECK(loss.current({}).item<double>() == near(t, 1e-12));
  const auto at = [&](std::int64_t epoch) {
    return training_progress{.epoch = epoch, .step = 3, .epochs = 240, .steps_per_epoch = 9};
  };
  const auto value = [&](const curriculum_temperature& of, std::int64_t epoch) {
    return value_of(of, three_teacher, three_student, {{}, {}, at(epoch)});
  };
  CHECK(value(loss, 7).item<double>() ==
        near(number_of(soft_target_kl{temperature{t}}, three_teacher, three_student), 1e-12));
  check_gradient(
      [&](const torch::Tensor& x) {
        return value_of(loss, three_teacher, x, {{}, {}, at(4), torch::ones({3})});
      },
      three_student);

  // The gradient of x, by differences, times -lambda.
  const auto moved = [&](double step) {
    auto other = loss;
    *other.position = other.position->detach() + step;
    return value(other, 0).item<double>();
  };
  const double slope = (moved(1e-5) - moved(-1e-5)) / 2e-5;
  CHECK(std::abs(slope) > 1e-6);
  for (const auto& [epoch, lambda] : std::vector<std::pair<std::int64_t, double>>{
           {0, (1 - std::cos(0.1 * std::acos(-1.0))) / 2}, {4, 0.5}, {9, 1.0}, {100, 1.0}}) {
    loss.position->mutable_grad().reset();
    value(loss, epoch).backward();
    CHECK(loss.position->grad().item<double>() == near(-lambda * slope, 1e-5));
  }
  loss.ramp_epochs = 0;
  loss.position->mutable_grad().reset();
  value(loss, 0).backward();
  CHECK(loss.position->grad().item<double>() == near(-slope, 1e-5));

  CHECK_THROWS_WITH_AS((void)curriculum_temperature{}.current({}),
                       "rolewise: curriculum-temperature: was not configured: the training step "
                       "does it before its optimizer starts",
                       std::invalid_argument);
  loss.range = 0;
  CHECK_THROWS_WITH_AS((void)loss.current({}),
                       "rolewise: curriculum-temperature: want a range above 0, got 0",
                       std::invalid_argument);
}

TEST_CASE("a step learns the temperature of curriculum_temperature, in 16 bits too")
{
  const auto data = testing::tiny_data(16);
  distillation training{.teacher = frozen(testing::tiny_student{data.shape, seed{1}}),
                        .student = testing::tiny_student{data.shape, seed{2}},
                        .loss = 0.1 * cross_entropy{} + 0.9 * curriculum_temperature{}};
  (void)fit(training, data, {.epochs = 2, .batch_size = 8});
  const auto& learned = std::get<1>(training.loss.terms()).loss;
  CHECK(learned.position->item<double>() != 1.0);
  CHECK(std::isfinite(learned.position->item<double>()));

  torch::manual_seed(7);
  for (const auto type : {torch::kHalf, torch::kBFloat16, torch::kFloat}) {
    const auto teacher = (torch::randn({8, 5}) * 1e4).to(type);
    const auto student = (torch::randn({8, 5}) * 1e4).to(type).set_requires_grad(true);
    value_of(learned, teacher, student, {}).backward();
    CHECK((student.grad().scalar_type() == type));
    CHECK(student.grad().isfinite().all().item<bool>());
  }
}

TEST_CASE("losses around a loss hand on its taps, state and calls")
{
  constexpr auto stage = tap::stage<1>;
  laws::hold_for(standardized(fitnet<stage>{} + weight{1} * soft_target_kl{}));
  laws::hold_for(standardized(curriculum_temperature{}));
  static_assert(decltype(standardized(fitnet<stage>{}))::student_taps.contains(stage));

  auto memory = standardized(remembering{});
  loss_after_step(memory, {{z_teacher, {}}, {z_student, {}}}, {});
  CHECK(torch::allclose(memory.loss.seen, rows({0.872871, 0.218218, -1.091089}), 0, 1e-6));
}

TEST_CASE("losses on logits refuse what does not fit, in words")
{
  const auto good = torch::zeros({5, 3});
  const auto labels = torch::zeros({5}, torch::kLong);
  const auto refuses = [&](const auto& loss, const torch::Tensor& teacher,
                           const torch::Tensor& student, const targets& targets,
                           const std::string& why) {
    const std::string all = std::string{"rolewise: "}.append(loss.name).append(": ").append(why);
    CHECK_THROWS_WITH_AS((void)value_of(loss, teacher, student, targets), all.c_str(),
                         std::invalid_argument);
  };
  for_all_losses([&](const auto& loss) {
    using Loss = std::remove_cvref_t<decltype(loss)>;
    const std::string name{Loss::name};
    CAPTURE(name);
    const targets some{labels, {}, {}};
    // A label_smoothing of the usual form speaks as the cross_entropy that it is.
    if (name == "label-smoothing") return;
    refuses(loss, good, {}, some, "logits are undefined");
    refuses(loss, good, good[0], some, "want logits [N, C] or [N, C, ...], no size 0, got [3]");
    refuses(loss, good, good.to(torch::kLong), some, "want logits of floating point, got Long");
    if constexpr (reads_teacher<Loss>()) {
      refuses(loss, {}, good, some, "logits of the teacher are undefined");
      refuses(loss, torch::zeros({5, 4}), good, some, "shape of teacher [5, 4], of student [5, 3]");
    }
  });
  const auto one = torch::zeros({5, 1});
  const targets some{labels, {}, {}};
  const auto needs_two = [&](const auto& loss) {
    refuses(loss, one, one, some, "want logits of at least 2 classes, got [5, 1]");
  };
  needs_two(label_smoothing{.over = smoothed_over::other_classes});
  needs_two(teacher_free_kd{});
  needs_two(decoupled_kd{});
  needs_two(normalized_kd{});
  needs_two(dist{});
  needs_two(multi_level_distillation{});
  needs_two(standardized(soft_target_kl{}));

  refuses(label_smoothing{fraction{0.7}, smoothed_over::other_classes}, {}, good, some,
          "want a smoothing of at most (C - 1) / C for 3 classes, got 0.7");
  refuses(multi_level_distillation{.temperatures = {}}, good, good, some,
          "want at least one temperature, got none");
  refuses(jensen_shannon{.teacher_share = fraction{0}}, good, good, some,
          "want a teacher_share above 0 and below 1, got 0");
  refuses(decoupled_kd{}, good, good, {}, "labels are undefined");
  refuses(decoupled_kd{.other_weight = -1.0}, good, good, some,
          "want a finite other_weight of at least 0, got -1");
  refuses(decoupled_kd{.target_weight = std::numeric_limits<double>::infinity()}, good, good, some,
          "want a finite target_weight of at least 0, got inf");
  refuses(normalized_kd{.other_weight = -2.0}, good, good, some,
          "want a finite other_weight of at least 0, got -2");
  refuses(dist{.intra_weight = -0.5}, good, good, some,
          "want a finite intra_weight of at least 0, got -0.5");
  refuses(multi_level_distillation{.class_weight = -1.0}, good, good, some,
          "want a finite class_weight of at least 0, got -1");
  refuses(normalized_kd{}, good, good, {labels.slice(0, 1), {}, {}},
          "want labels [5] of Long or [5, 3] of floating point, got [4] of Long");
  refuses(decoupled_kd{}, good, good, {labels + 3, {}, {}},
          "want labels in 0 .. 2, got 3 for example 0 of the batch");
  refuses(dist{}, good, good, {labels, {}, {}, torch::ones({4})},
          "want weights [5] or [5], got [4]");
  CHECK_THROWS_WITH_AS((void)(reverse_kl{.temperature = temperature{0}}),
                       "rolewise: temperature must be finite and above 0", std::invalid_argument);
}

TEST_CASE("losses on logits stand in sums and in steps")
{
  using testing::tiny_data;
  using testing::tiny_student;
  const auto data = tiny_data(16);
  for_all_losses([&](const auto& loss) {
    using Loss = std::remove_cvref_t<decltype(loss)>;
    const std::string name{Loss::name};
    CAPTURE(name);
    const tiny_student student{data.shape, seed{2}};
    distillation training{.teacher = frozen(tiny_student{data.shape, seed{1}}),
                          .student = student,
                          .loss = weight{0.5} * cross_entropy{} + weight{0.5} * loss};
    const auto history = fit(training, data, {.epochs = 1, .batch_size = 16});
    const auto& numbers = history.epochs.front().numbers;
    REQUIRE(numbers.size() >= 3);
    CHECK(numbers[2].name == name);
    CHECK(std::isfinite(numbers[0].value));
    CHECK_FALSE(torch::equal(training.student.parameters().front().value,
                             student.parameters().front().value));
    if constexpr (SupervisedLoss<Loss>) {
      supervised alone{.student = student, .loss = loss};
      (void)fit(alone, data, {.epochs = 1, .batch_size = 16});
    }
  });

  const tiny_student pretrained{data.shape, seed{1}}, student{data.shape, seed{2}};
  // [composed]
  distillation training{
      .teacher = frozen(pretrained),
      .student = student,
      .loss = 0.1 * cross_entropy{} +
              9.0 * standardized(soft_target_kl{.temperature = temperature{2}}) +
              scheduled_temperature{
                  .loss = decoupled_kd{.warm_up_epochs = 20},
                  .schedule = cosine_temperature{.from = temperature{6}, .to = temperature{2}}}};
  // [/composed]
  const auto history = fit(training, data, {.epochs = 2, .batch_size = 8});
  CHECK(std::isfinite(history.epochs.back().numbers.front().value));
}
