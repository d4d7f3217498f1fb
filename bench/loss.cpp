// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Benchmark: losses on logits, forward and backward pass to the student's logits, against the same
// formula as it is usually written in eager LibTorch.

#include "support/measure.hpp"

#include <rolewise/loss/cross_entropy.hpp>
#include <rolewise/loss/decoupled_kd.hpp>
#include <rolewise/loss/dist.hpp>
#include <rolewise/loss/soft_target_kl.hpp>
#include <rolewise/loss/weighted_sum.hpp>
#include <rolewise/support/retain_heap.hpp>

#include <torch/torch.h>

#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

namespace rw = rolewise;
namespace F = torch::nn::functional;

namespace {

constexpr double t = 4.0;

/// 0.1 * cross entropy + 0.9 * T^2 * KL.
torch::Tensor eager_kd(const torch::Tensor& student, const torch::Tensor& teacher,
                       const torch::Tensor& labels)
{
  const auto divergence = F::kl_div(F::log_softmax(student / t, 1), F::softmax(teacher / t, 1),
                                    F::KLDivFuncOptions().reduction(torch::kBatchMean)) *
                          (t * t);
  return 0.1 * F::cross_entropy(student, labels) + 0.9 * divergence;
}

/// DKD as its authors' code computes it, alpha 1, beta 8.
torch::Tensor eager_dkd(const torch::Tensor& student, const torch::Tensor& teacher,
                        const torch::Tensor& labels)
{
  const auto target =
      torch::zeros_like(student).scatter_(1, labels.unsqueeze(1), 1).to(torch::kBool);
  const auto others =
      torch::ones_like(student).scatter_(1, labels.unsqueeze(1), 0).to(torch::kBool);
  const auto of_target = [&](const torch::Tensor& p) {
    return torch::cat({(p * target).sum(1, true), (p * others).sum(1, true)}, 1);
  };
  const auto options = F::KLDivFuncOptions().reduction(torch::kSum);
  const auto examples = static_cast<double>(labels.size(0));
  const auto tckd = F::kl_div(torch::log(of_target(F::softmax(student / t, 1))),
                              of_target(F::softmax(teacher / t, 1)), options) *
                    (t * t) / examples;
  const auto nckd = F::kl_div(F::log_softmax(student / t - 1000.0 * target, 1),
                              F::softmax(teacher / t - 1000.0 * target, 1), options) *
                    (t * t) / examples;
  return tckd + 8.0 * nckd;
}

torch::Tensor eager_correlation(const torch::Tensor& x, const torch::Tensor& y)
{
  return F::cosine_similarity(x - x.mean(1, true), y - y.mean(1, true),
                              F::CosineSimilarityFuncOptions().dim(1).eps(1e-8));
}

/// DIST as its authors' code computes it, beta and gamma 1.
torch::Tensor eager_dist(const torch::Tensor& student, const torch::Tensor& teacher)
{
  const auto q = F::softmax(student / t, 1), p = F::softmax(teacher / t, 1);
  return (t * t) * (1 - eager_correlation(q, p).mean()) +
         (t * t) * (1 - eager_correlation(q.t(), p.t()).mean());
}

template<typename Value>
void pass(const Value& value, const torch::Tensor& student)
{
  student.mutable_grad().reset();
  value().backward();
}

struct batch {
  torch::Tensor teacher, student, labels;
  rw::paired_outputs pair;
  rw::targets targets;

  batch(std::int64_t examples, std::int64_t classes)
      : teacher{torch::randn({examples, classes}) * 3},
        student{(torch::randn({examples, classes}) * 3).set_requires_grad(true)},
        labels{torch::randint(classes, {examples}, torch::kLong)},
        pair{{teacher, {}}, {student, {}}},
        targets{.labels = labels, .ids = {}, .progress = {}}
  {}
};

template<typename Ours, typename Eager>
void against(const std::string& name, double goal, int repetitions, const torch::Tensor& student,
             const Ours& ours, const Eager& eager)
{
  bench::print(bench::compare(
      name, goal, repetitions, [&] { pass(ours, student); }, [&] { pass(eager, student); }));
}

void logit_losses(const std::string& threads, std::int64_t examples, std::int64_t classes,
                  int repetitions)
{
  const batch b{examples, classes};
  const bool vocabulary = classes > 10000;
  const auto shape = std::to_string(examples) + "x" + std::to_string(classes) + ", " + threads;
  const bool counts = threads == "one thread";

  const auto sum = 0.1 * rw::cross_entropy{} + 0.9 * rw::soft_target_kl{rw::temperature{t}};
  against(
      "KD + CE " + shape, counts && (vocabulary || classes == 100) ? 3.0 : 1.0, repetitions,
      b.student, [&] { return sum(b.pair, b.targets); },
      [&] { return eager_kd(b.student, b.teacher, b.labels); });
  const rw::decoupled_kd dkd{.temperature = rw::temperature{t}};
  against(
      "DKD " + shape, counts && vocabulary ? 3.0 : 1.0, repetitions, b.student,
      [&] { return dkd(b.pair, b.targets); },
      [&] { return eager_dkd(b.student, b.teacher, b.labels); });
  const rw::dist dist{.temperature = rw::temperature{t}};
  against(
      "DIST " + shape, counts && vocabulary ? 3.0 : 1.0, repetitions, b.student,
      [&] { return dist(b.pair, b.targets); }, [&] { return eager_dist(b.student, b.teacher); });
}

}  // namespace

int main(int argc, char** argv)
{
  const bool is_short = bench::is_short(argc, argv);
  if (!rw::retain_heap()) std::fprintf(stderr, "the allocator keeps what it likes\n");
  torch::manual_seed(0);
  const int all = at::get_num_threads();
  const int many = is_short ? 101 : 1001, some = is_short ? 11 : 51;
  for (const int threads : {1, all}) {
    at::set_num_threads(threads);
    const std::string with = threads == 1 ? "one thread" : std::to_string(threads) + " threads";
    logit_losses(with, 128, 10, many);
    logit_losses(with, 128, 100, many);
    logit_losses(with, 128, 1000, many);
    logit_losses(with, 64, 30522, some);
    if (all == 1) break;
  }
}
