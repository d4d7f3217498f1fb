// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Benchmark: as systems.cpp, of systems that are mainly in the views that they train on: drawn,
// picked, or made by learned augmentation.

#include "support/plain_augmenter.hpp"
#include "support/system_step.hpp"

#include <rolewise/rolewise.hpp>

#include <torch/torch.h>

#include <algorithm>
#include <cstdint>
#include <tuple>
#include <vector>

namespace rw = rolewise;
using namespace bench;

namespace {

/// Pastes a box of another image into each.
torch::Tensor plain_cutmix(const torch::Tensor& x)
{
  const auto n = x.size(0), side = x.size(2);
  const auto half = torch::floor(0.5 * static_cast<double>(side) * torch::rand({n, 1}).sqrt());
  const auto along = [&] {
    const auto center = torch::randint(0, side, {n, 1}, torch::kFloat32);
    const auto at = torch::arange(side, torch::kFloat32).unsqueeze(0);
    return at.ge(center - half).logical_and(at.lt(center + half));
  };
  const auto box = along().view({n, 1, side, 1}).logical_and(along().view({n, 1, 1, side}));
  const auto order = torch::randperm(n);
  return torch::where(box, x.index_select(0, order.roll(1).index_select(0, order.argsort())), x);
}

void cutmix_pick()
{
  rw::systems::cutmix_pick step{.teacher = rw::frozen(rw::resnet20(shape)),
                                .student = rw::learner{.model = rw::resnet8(shape)},
                                .extra = rw::cutmix{},
                                .base = rw::no_agent{}};
  plain_learner teacher{20, shape}, student{8, shape};
  measure("CutMixPick", step, [&](const torch::Tensor& x, const torch::Tensor& labels) {
    const auto pool = torch::cat({plain_cutmix(x), plain_cutmix(x)});
    const auto of_pool = teacher.answer(pool);
    const auto log_p = torch::log_softmax(of_pool, 1);
    const auto kept = std::get<1>((-(log_p.exp() * log_p).sum(1)).topk(batch_size, 0, true, false));
    const auto answer = teacher.answer(x);
    const auto logits = student.network->forward(x);
    const auto on_kept = student.network->forward(pool.index_select(0, kept));
    student.minimize(plain_usual_loss(answer, logits, labels) +
                     0.9 * plain_divergence(of_pool.index_select(0, kept), on_kept, 4));
  });
}

void function_matching()
{
  const auto seen = rw::systems::views_of<rw::systems::input_mode::function_matching>(
      rw::systems::matching_views{.view = rw::no_agent{}, .classes = shape.classes});
  rw::distillation step{.teacher = rw::frozen(rw::resnet20(shape)),
                        .student = rw::resnet8(shape),
                        .teacher_agent = seen.teacher_agent,
                        .student_agent = seen.student_agent,
                        .loss = rw::systems::matching_loss(rw::temperature{2})};
  plain_learner teacher{20, shape}, student{8, shape};
  measure("function matching", step, [&](const torch::Tensor& x, const torch::Tensor&) {
    const double drawn = torch::rand({}).item<double>(), share = std::max(drawn, 1 - drawn);
    const auto u = x * share + x.roll(1, 0) * (1 - share);
    const auto answer = teacher.answer(u);
    student.minimize(plain_divergence(answer, student.network->forward(u), 2));
  });
}

/// A step in which the augmenter learns, too, as one of five does.
void teach_augment()
{
  rw::systems::teach_augment step{.student = rw::learner{.model = rw::resnet8(shape)},
                                  .augmenter = {.model = rw::learned_augmentation{shape}}};
  plain_learner student{8, shape}, average{8, shape};
  plain_augmenter augmenter{shape.classes};
  const auto learned = augmenter.parameters();
  std::vector<torch::Tensor> first, second, steps;
  for (const auto& p : learned) {
    first.push_back(torch::zeros_like(p));
    second.push_back(torch::zeros_like(p));
    steps.push_back(torch::zeros({}));
  }
  const auto sorted = [](const torch::Tensor& images, const torch::Tensor& directions) {
    const auto pixels = images.flatten(2).transpose(0, 1).flatten(1);
    return std::get<0>(directions.matmul(pixels).view({128, images.size(0), -1}).sort(1));
  };
  const auto teach_augmenter = [&](const torch::Tensor& x, const torch::Tensor& labels) {
    const auto made = augmenter.forward(x, labels);
    const auto smooth =
        torch::one_hot(labels, shape.classes).to(torch::kFloat32) * 0.8 + 0.2 / 100.0;
    const auto q = torch::softmax(rehearsed(*student.network, made.view), 1);
    const auto directions = torch::nn::functional::normalize(torch::randn({128, 3}));
    const auto loss =
        -(smooth * torch::log(1 - q + 1e-12)).sum(1).mean() +
        torch::cross_entropy_loss(rehearsed(*average.network, made.view), labels) +
        10 * (sorted(x, directions) - sorted(made.tinted, directions)).square().mean();
    const auto gradients = torch::autograd::grad({loss}, learned);
    const torch::NoGradGuard no_graph;
    at::_foreach_add_(steps, 1);
    at::_fused_adamw_(learned, gradients, first, second, {}, steps, 1e-3, 0.9, 0.999, 1e-2, 1e-8,
                      false, false);
  };
  const auto replayed = [&](const torch::Tensor& x, const torch::Tensor& labels) {
    const torch::NoGradGuard no_graph;
    std::vector<torch::Tensor> groups;
    for (std::int64_t at = 0; at < batch_size; at += 8)
      groups.push_back(augmenter.forward(x.narrow(0, at, 8), labels.narrow(0, at, 8)).view);
    const auto along = [] {
      const auto from = torch::arange(32) - torch::randint(0, 32, {batch_size, 1}, torch::kLong);
      return from.ge(-8).logical_and(from.lt(8));
    };
    const auto box = along().view({-1, 1, 32, 1}).logical_and(along().view({-1, 1, 1, 32}));
    return torch::cat(groups).masked_fill_(box, 0);
  };
  measure("TeachAugment, augmenter and student", step,
          [&](const torch::Tensor& x, const torch::Tensor& labels) {
            {
              const torch::NoGradGuard no_graph;
              at::_foreach_lerp_(average.parameters, student.parameters, 0.001);
              const auto from = student.network->buffers(), to = average.network->buffers();
              for (std::size_t i = 0; i < to.size(); ++i)
                if (to[i].is_floating_point()) to[i].lerp_(from[i], 0.001);
            }
            teach_augmenter(x, labels);
            student.minimize(
                torch::cross_entropy_loss(student.network->forward(replayed(x, labels)), labels));
          },
          {.epochs = 10, .steps_per_epoch = 390});
}

/// What an encoder of TST is by hand; the first rows of `maps` are of its features.
struct plain_encoder {
  torch::Tensor features, maps, bias = torch::zeros({6}), kernel = torch::zeros({3, 3, 5, 5});

  plain_encoder(std::int64_t size, std::int64_t outputs)
      : features{torch::rand({size})}, maps{torch::zeros({size + 1, outputs})}
  {
    bias[0] = bias[4] = 1;
  }
  [[nodiscard]] torch::Tensor numbers(const torch::Tensor& r, const torch::Tensor& noise) const
  {
    return torch::cat({(features + noise).expand({batch_size, -1}), r.unsqueeze(1)}, 1).mm(maps);
  }
  [[nodiscard]] torch::Tensor colored(const torch::Tensor& x, const torch::Tensor& r) const
  {
    const auto by = (torch::sigmoid(numbers(r, torch::randn({batch_size, 10}) / 100)) - 0.5)
                        .view({-1, 2, 1, 1});
    return torch::conv2d(((2 * by.narrow(1, 0, 1) + 1) * x + by.narrow(1, 1, 1)) * plain_inside(x),
                         kernel, {}, 1, 2);
  }
  [[nodiscard]] torch::Tensor warped(const torch::Tensor& x, const torch::Tensor& r) const
  {
    return plain_warped(x - 0.5, (numbers(r, torch::zeros({1})) + bias).view({-1, 2, 3})) + 0.5;
  }
};

/// The first key by which two operations on colors and two geometric ones are drawn, the usual
/// draw; equalize, invert and cutout have no part in the comparison.
rw::seed key_of_two_and_two(const rw::learned_operations& policy)
{
  for (std::uint64_t key = 0;; ++key) {
    const auto drawn = policy.drawn_operations({}, rw::seed{key});
    const auto colors = std::ranges::count_if(drawn, [](auto k) { return k < 6; });
    if (colors == 2 && std::ranges::all_of(drawn, [](auto k) { return k < 11; }))
      return rw::seed{key};
  }
}

/// Stage III, in which the student learns.
void teaching_what_you_should_teach()
{
  rw::systems::tst step{.teacher = rw::frozen(rw::resnet20(shape)),
                        .student = rw::learner{.model = rw::resnet8(shape)},
                        .policy = rw::systems::policy_of(rw::operation_encoders::untrained(3, {})),
                        .searches = {}};
  step.seed = key_of_two_and_two(step.policy.model);
  plain_learner teacher{20, shape}, student{8, shape};
  const std::vector<plain_encoder> colors(2, {10, 2}), maps(2, {6, 6});
  const auto magnitudes = torch::zeros({4}), probabilities = torch::zeros({4});
  measure("TST, stage III", step, [&](const torch::Tensor& x, const torch::Tensor& labels) {
    torch::Tensor both;
    {
      const torch::NoGradGuard no_graph;
      const auto pixels = x * 0.25 + 0.5;
      auto moved = torch::zeros_like(x);
      for (std::int64_t k = 0; k < 4; ++k) {
        const auto sign = torch::randint(0, 2, {batch_size}, torch::kFloat32) * 2 - 1;
        const auto r = torch::sigmoid(magnitudes[k]) * sign;
        const auto at = static_cast<std::size_t>(k % 2);
        const auto result = k < 2 ? colors[at].colored(pixels, r) : maps[at].warped(pixels, r);
        moved += plain_gate(probabilities[k].expand({batch_size})).view({-1, 1, 1, 1}) *
                 (result - pixels);
      }
      both = torch::cat({x + moved / 0.25, x});
    }
    const auto answer = teacher.answer(both);
    const auto logits = student.network->forward(both);
    student.minimize(torch::cross_entropy_loss(logits, torch::cat({labels, labels})) +
                     plain_divergence(answer, logits, 4));
  });
}

}  // namespace

int main(int argc, char** argv)
{
  if (is_short(argc, argv)) repetitions = 5;
  cutmix_pick();
  function_matching();
  teach_augment();
  teaching_what_you_should_teach();
}
