// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "laws/optimizer.hpp"
#include "support/doctest.hpp"

#include <rolewise/data/glyphs.hpp>
#include <rolewise/network/resnet.hpp>
#include <rolewise/quant/dorefa.hpp>
#include <rolewise/quant/freeze_ranges.hpp>
#include <rolewise/train/adam.hpp>
#include <rolewise/train/fit.hpp>
#include <rolewise/train/param_groups.hpp>
#include <rolewise/train/snapshot.hpp>
#include <rolewise/train/supervised.hpp>
#include <rolewise/train/update_batch_norm.hpp>

#include <map>
#include <string>

namespace {

namespace rw = rolewise;

/// A minimal quantizer with a range: activations are clipped at a learned end, weights unchanged.
struct learned_clip {
  static constexpr std::string_view name = "learned-clip";

  struct weights {
    static constexpr bool has_state = false;
    [[nodiscard]] rw::quantized operator()(const torch::Tensor& w, rw::bit_width) const
    {
      return {.levels = w};
    }
  };

  struct activations {
    torch::Tensor end = torch::full({}, 2.0).set_requires_grad(true);
    bool frozen = false;

    [[nodiscard]] rw::quantized operator()(const torch::Tensor& x, rw::bit_width bits) const
    {
      return {.levels = bits.is_full() ? x.relu() : at::minimum(x.relu(), end)};
    }
    void freeze(bool progress) { frozen = progress; }
    template<typename Archive>
    void visit_state(Archive& archive)
    {
      archive.range("end", end);
    }
  };

  [[nodiscard]] weights start_weights(const rw::layer_id&) const { return {}; }
  [[nodiscard]] activations start_activations(const rw::layer_id&) const { return {}; }
};

[[nodiscard]] std::vector<rw::named_tensor> weight_and_range()
{
  return {{"weight", torch::full({2, 2}, 1.0)},
          {"step", torch::full({}, 1.0), rw::tensor_kind::range}};
}

[[nodiscard]] std::vector<torch::Tensor> ones_for(const std::vector<rw::named_tensor>& parameters)
{
  std::vector<torch::Tensor> gradients;
  for (const auto& p : parameters) gradients.push_back(torch::ones_like(p.value));
  return gradients;
}

[[nodiscard]] rw::glyph_options few_glyphs()
{
  return {.classes = 4, .train = 200, .test = 40, .seed = rw::seed{3}};
}

TEST_CASE("weight decay passes ranges by")
{
  auto p = weight_and_range();
  const rw::sgd method{.learning_rate = 0.5, .momentum = 0.0, .weight_decay = 0.1};
  auto state = method.start(p);
  state.update(p, {torch::zeros({2, 2}), torch::zeros({})}, 0.5);
  CHECK(torch::allclose(p[0].value, torch::full({2, 2}, 0.95)));
  CHECK(p[1].value.item<double>() == 1.0);
}

TEST_CASE("param_groups gives ranges a rate and a decay of their own, and freezes them")
{
  const rw::param_groups method{
      .weights = rw::sgd{.learning_rate = 0.5, .momentum = 0.0, .weight_decay = 0.0},
      .ranges = rw::sgd{.learning_rate = 0.01, .momentum = 0.0, .weight_decay = 0.5},
      .freeze_after = 2};
  static_assert(rw::Optimizer<rw::param_groups<>>);
  CHECK(method.learning_rate == 0.5);
  auto p = weight_and_range();
  auto state = method.start(p);

  state.update(p, ones_for(p), 0.5);  // the schedule's factor is 1
  CHECK(torch::allclose(p[0].value, torch::full({2, 2}, 0.5)));
  CHECK(p[1].value.item<double>() == doctest::Approx(1.0 - 0.01 * 1.5));
  state.update(p, ones_for(p), 0.25);  // the factor is 1/2
  CHECK(torch::allclose(p[0].value, torch::full({2, 2}, 0.25)));
  const double second = 0.985 - 0.005 * (1.0 + 0.5 * 0.985);
  CHECK(p[1].value.item<double>() == doctest::Approx(second));

  // A restored state continues: ranges are frozen by now.
  auto again = method.start(p);
  rw::restore(again, rw::snapshot_of(state));
  again.update(p, ones_for(p), 0.5);
  CHECK(torch::allclose(p[0].value, torch::full({2, 2}, -0.25)));
  CHECK(p[1].value.item<double>() == doctest::Approx(second));
}

TEST_CASE("param_groups keeps what optimizers promise")
{
  rw::laws::hold_for(rw::param_groups{.weights = rw::sgd{.learning_rate = 0.05}});
  rw::laws::hold_for(rw::param_groups<rw::adam, rw::sgd>{.weights = {.learning_rate = 0.05}});
  CHECK_THROWS_WITH_AS((rw::param_groups{.freeze_after = -1}.start({})),
                       doctest::Contains("want freeze_after >= 0 updates, got -1"),
                       std::invalid_argument);
  auto p = weight_and_range();
  auto state = rw::param_groups{}.start(p);
  CHECK_THROWS_WITH_AS(state.update(p, {torch::ones({})}, 0.1),
                       doctest::Contains("was started for 2 parameters, was handed 2"),
                       std::invalid_argument);
}

TEST_CASE("a network shows learned ranges as parameters of their kind, and learns them")
{
  const auto data = rw::glyphs(few_glyphs());
  rw::supervised pretraining{
      .student = rw::resnet8(data.shape, learned_clip{}, rw::inner_bits<4>),
      .optimizer = rw::param_groups{.weights = rw::sgd{.learning_rate = 0.05},
                                    .ranges = rw::sgd{.learning_rate = 0.01}}};
  std::map<std::string, torch::Tensor> before;
  for (const auto& p : pretraining.student.parameters())
    if (p.kind == rw::tensor_kind::range) before[p.name] = p.value.clone();
  CHECK(before.size() == 9);  // two of each block, two shortcuts, classifier
  rw::fit(pretraining, data.train, {.epochs = 1, .batch_size = 50});
  std::size_t moved = 0;
  for (const auto& p : pretraining.student.parameters())
    if (p.kind == rw::tensor_kind::range && !torch::equal(p.value, before.at(p.name))) ++moved;
  CHECK(moved >= 5);

  rw::freeze_ranges(pretraining.student);
  for (const auto& p : pretraining.student.parameters())
    CHECK(p.value.requires_grad() == (p.kind != rw::tensor_kind::range));
  std::size_t told = 0;
  rw::for_each_part(pretraining.student, [&](const std::string&, auto& part) {
    if constexpr (requires { part.frozen; }) told += part.frozen ? 1U : 0U;
  });
  CHECK(told == before.size());
  before.clear();
  for (const auto& p : pretraining.student.parameters()) before[p.name] = p.value.clone();
  rw::fit(pretraining, data.train, {.epochs = 1, .batch_size = 50});
  for (const auto& p : pretraining.student.parameters())
    CHECK_MESSAGE(torch::equal(p.value, before.at(p.name)) == (p.kind == rw::tensor_kind::range),
                  p.name);
  rw::freeze_ranges(pretraining.student, false);
  for (const auto& p : pretraining.student.parameters()) CHECK(p.value.requires_grad());
}

TEST_CASE("pooled statistics are those of all values at once")
{
  rw::batch_norm norm{3};
  const auto x =
      torch::randn({12, 3, 5, 4}) * 2 + torch::tensor({1.0, -3.0, 100.0}).view({3, 1, 1});
  norm.restart_statistics();
  for (const auto& [first, last] : {std::pair{0, 5}, {5, 6}, {6, 12}}) {
    const auto part = x.slice(0, first, last);
    const auto y = norm(part, rw::phase::statistics);
    CHECK(torch::allclose(y, at::batch_norm(part, {}, {}, {}, {}, true, 0.1, 1e-5, false), 1e-4,
                          1e-5));
  }
  std::map<std::string, torch::Tensor> shown;
  rw::for_each_tensor(
      norm, [&](const std::string& name, torch::Tensor& t, rw::tensor_kind) { shown[name] = t; });
  const auto wide = x.to(torch::kDouble);
  CHECK(torch::allclose(shown.at("running_mean"),
                        wide.mean(at::IntArrayRef{0, 2, 3}).to(torch::kFloat)));
  CHECK(torch::allclose(shown.at("running_variance"),
                        wide.var(at::IntArrayRef{0, 2, 3}, true).to(torch::kFloat)));
}

TEST_CASE("update_bn changes running statistics and nothing else")
{
  const auto data = rw::glyphs(few_glyphs());
  auto student = rw::resnet8(data.shape, rw::dorefa{}, rw::inner_bits<2>);
  const auto first = student;
  rw::update_bn(student, data.train, rw::no_agent{}, {.batch_size = 64});
  const auto once = student;
  rw::update_bn(student, data.train, rw::no_agent{}, {.batch_size = 64});
  const auto same = [](const auto& a, const auto& b) {
    std::size_t equal = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
      equal += torch::equal(a[i].value, b[i].value) ? 1U : 0U;
    return equal;
  };
  const auto all = first.buffers().size();
  CHECK(same(first.parameters(), student.parameters()) == first.parameters().size());
  CHECK(same(first.buffers(), student.buffers()) == 0);
  CHECK(same(once.buffers(), student.buffers()) == all);  // measured from scratch, not continued

  auto other = first;
  rw::update_bn(other, data.train, rw::no_agent{}, {.batches = 1, .batch_size = 64});
  CHECK(same(other.buffers(), student.buffers()) < all);
  CHECK_THROWS_WITH_AS(rw::update_bn(other, data.train, rw::no_agent{}, {.batches = 0}),
                       doctest::Contains("want batches and batch_size above 0, got 0 and 128"),
                       std::invalid_argument);
  auto nothing = data.train;
  nothing.inputs = nothing.inputs.narrow(0, 0, 0);
  CHECK_THROWS_WITH_AS(rw::update_bn(other, nothing), "rolewise: update_bn: the data set is empty",
                       std::invalid_argument);
}

}  // namespace
