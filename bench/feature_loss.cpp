// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Benchmark: losses on features. RKD's distances and angles, forward and backward pass, against
// torchdistill's (bench/peers/loss.py) and against the same operations in eager LibTorch; a step of
// CRD against its authors' operations in eager LibTorch.

#include "support/measure.hpp"
#include "support/peer.hpp"

#include <rolewise/loss/contrastive_representation_distillation.hpp>
#include <rolewise/loss/relational_kd.hpp>
#include <rolewise/support/retain_heap.hpp>

#include <torch/torch.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

namespace rw = rolewise;
namespace F = torch::nn::functional;

namespace {

/// RKD as its authors' code and torchdistill compute it, distances 25, angles 50.
torch::Tensor eager_rkd(const torch::Tensor& student, const torch::Tensor& teacher)
{
  const auto distances = [](const torch::Tensor& x) {
    const auto square = x.pow(2).sum(1);
    auto found =
        (square.unsqueeze(1) + square.unsqueeze(0) - 2 * x.mm(x.t())).clamp_min(1e-12).sqrt();
    found = found * (1 - torch::eye(x.size(0)));
    return found / found.masked_select(found > 0).mean();
  };
  const auto angles = [](const torch::Tensor& x) {
    const auto apart = x.unsqueeze(0) - x.unsqueeze(1);
    const auto unit = apart / apart.norm(2, 2, true).clamp_min(1e-12);
    return unit.bmm(unit.transpose(1, 2)).flatten();
  };
  torch::Tensor of_distances, of_angles;
  {
    const torch::NoGradGuard without_graph;
    of_distances = distances(teacher);
    of_angles = angles(teacher);
  }
  return 25.0 * F::smooth_l1_loss(distances(student), of_distances) +
         50.0 * F::smooth_l1_loss(angles(student), of_angles);
}

void relations(const std::string& threads, int count, std::int64_t examples, std::int64_t width,
               int repetitions)
{
  const auto teacher = torch::randn({examples, width}) * 3;
  const auto student = (torch::randn({examples, width}) * 3).set_requires_grad(true);
  const rw::paired_outputs pair{{teacher, {}}, {student, {}}};
  const rw::relational_kd<> rkd{};
  const auto pass = [&](const auto& value) {
    student.mutable_grad().reset();
    value().backward();
  };
  const auto ours = [&] { pass([&] { return rkd(pair, {}); }); };
  const auto shape = std::to_string(examples) + "x" + std::to_string(width) + ", " + threads;
  bench::print(bench::compare("RKD distances and angles " + shape + ", against eager LibTorch", 1.0,
                              repetitions, ours,
                              [&] { pass([&] { return eager_rkd(student, teacher); }); }));

  bench::peer peer{ROLEWISE_PEERS "/loss.py"};
  const auto question =
      "RKD " + std::to_string(count) + " " + std::to_string(examples) + " " + std::to_string(width);
  if (!peer.ask(question)) return;
  std::vector<double> a, c;
  ours();
  for (int i = 0; i < repetitions; ++i) {
    a.push_back(bench::milliseconds(ours));
    const auto answer = peer.ask(question);
    if (!answer) return;
    c.push_back(*answer);
  }
  bench::print({"RKD distances and angles " + shape + ", against torchdistill", bench::median(a),
                bench::median(c), *std::min_element(a.begin(), a.end()),
                *std::min_element(c.begin(), c.end()), "ms", 10.0});
}

/// CRD as its authors' code computes it: rows of both memories are gathered for each example.
struct eager_crd {
  static constexpr double temperature = 0.07;

  std::int64_t examples, negatives;
  torch::nn::Linear of_student, of_teacher;
  torch::Tensor student_rows, teacher_rows;

  static torch::Tensor unit(const torch::Tensor& x) { return x / x.pow(2).sum(1, true).sqrt(); }
  torch::Tensor side(const torch::Tensor& embedding, const torch::Tensor& memory,
                     const torch::Tensor& places) const
  {
    const auto rows = memory.index_select(0, places.flatten())
                          .view({places.size(0), places.size(1), memory.size(1)});
    const auto scores = (rows.bmm(embedding.unsqueeze(2)).squeeze(2) / temperature).exp();
    const auto found = scores / (scores.detach().mean() * static_cast<double>(examples));
    const double noise = static_cast<double>(negatives) / static_cast<double>(examples);
    const auto own = found.select(1, 0), others = found.narrow(1, 1, negatives);
    return -((own / (own + noise + 1e-7)).log().sum() +
             (torch::full_like(others, noise) / (others + noise + 1e-7)).log().sum()) /
           places.size(0);
  }
  void step(const torch::Tensor& student, const torch::Tensor& teacher, const torch::Tensor& places)
  {
    const auto seen = unit(of_student(student)), shown = unit(of_teacher(teacher));
    (side(seen, teacher_rows, places) + side(shown, student_rows, places)).backward();
    const torch::NoGradGuard without_graph;
    const auto own = places.select(1, 0);
    for (const auto& [memory, now] :
         {std::pair{student_rows, seen}, std::pair{teacher_rows, shown}})
      memory.index_copy_(0, own, unit(memory.index_select(0, own) * 0.5 + now * 0.5));
  }
};

/// A step of CRD: forward and backward pass, and the memories. Ours draws its negatives, too; those
/// of the other side are given.
void contrastive(const std::string& threads, std::int64_t examples, std::int64_t negatives,
                 int repetitions)
{
  constexpr std::int64_t batch_size = 64, width = 64, size = 128;
  rw::contrastive_representation_distillation<rw::tap::penultimate> crd{
      .labels = torch::randint(100, {examples}, torch::kLong), .negatives = negatives};
  rw::feature_shapes shapes;
  shapes.set(rw::tap::penultimate, {width});
  crd.configure(shapes, shapes);
  const auto teacher = torch::randn({batch_size, width});
  const auto student = torch::randn({batch_size, width}).set_requires_grad(true);
  rw::paired_outputs pair{};
  pair.teacher.features.set(rw::tap::penultimate, teacher);
  pair.student.features.set(rw::tap::penultimate, student);
  const rw::targets targets{.labels = {}, .ids = torch::arange(batch_size), .progress = {}};

  const auto rows = [&] { return eager_crd::unit(torch::randn({examples, size})); };
  eager_crd eager{
      examples, negatives, torch::nn::Linear(width, size), torch::nn::Linear(width, size),
      rows(),   rows()};
  const auto places = torch::randint(examples, {batch_size, 1 + negatives}, torch::kLong);
  places.select(1, 0).copy_(targets.ids);

  bench::print(bench::compare(
      "CRD, " + std::to_string(negatives) + " negatives of " + std::to_string(examples) + "x" +
          std::to_string(size) + ", " + threads,
      5.0, repetitions,
      [&] {
        student.mutable_grad().reset();
        crd(pair, targets).backward();
        crd.after_step(pair, targets);
      },
      [&] {
        student.mutable_grad().reset();
        eager.step(student, teacher, places);
      }));
}

}  // namespace

int main(int argc, char** argv)
{
  const bool is_short = bench::is_short(argc, argv);
  if (!rw::retain_heap()) std::fprintf(stderr, "the allocator keeps what it likes\n");
  torch::manual_seed(0);
  const int all = at::get_num_threads();
  for (const int threads : {1, all}) {
    at::set_num_threads(threads);
    const std::string with = threads == 1 ? "one thread" : std::to_string(threads) + " threads";
    relations(with, threads, 128, 256, is_short ? 11 : 51);
    contrastive(with, 50000, 16384, is_short ? 3 : 9);
    if (all == 1) break;
  }
}
