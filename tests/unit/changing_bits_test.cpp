// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"

#include "laws/bit_width_scheme.hpp"
#include "laws/student.hpp"

#include <rolewise/data/glyphs.hpp>
#include <rolewise/loss/cross_entropy.hpp>
#include <rolewise/loss/soft_target_kl.hpp>
#include <rolewise/loss/weighted_sum.hpp>
#include <rolewise/network/resnet.hpp>
#include <rolewise/network/wide_resnet.hpp>
#include <rolewise/quant/apot.hpp>
#include <rolewise/quant/dorefa.hpp>
#include <rolewise/quant/lq_nets.hpp>
#include <rolewise/quant/per_layer.hpp>
#include <rolewise/quant/progressive.hpp>
#include <rolewise/teacher/frozen.hpp>
#include <rolewise/train/adam.hpp>
#include <rolewise/train/distillation.hpp>
#include <rolewise/train/fit.hpp>
#include <rolewise/train/snapshot.hpp>
#include <rolewise/train/supervised.hpp>

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace rw = rolewise;
using rw::bit_width;

namespace {

const rw::sample_shape small{.channels = 1, .height = 12, .width = 10, .classes = 5};
const rw::layer_id first{"stem", rw::layer_kind::convolution, 0, 4};
const rw::layer_id inner{"stage1.0.convolution1", rw::layer_kind::convolution, 1, 4};
const rw::layer_id shortcut{"stage2.0.shortcut", rw::layer_kind::shortcut, 2, 4};
const rw::layer_id last{"classifier", rw::layer_kind::linear, 3, 4};

rw::layer_bits both(int bits) { return {bit_width{bits}, bit_width{bits}}; }

rw::dataset letters()
{
  return rw::glyphs({.classes = 4, .train = 32, .test = 8, .seed = rw::seed{3}}).train;
}

/// A callback that keeps the snapshots of a run in memory.
struct memory {
  static constexpr bool has_state = false;
  std::vector<rw::snapshot>* kept_states;

  void on(const auto&) {}
  void keep(const rw::snapshot& state, const rw::run_history&) const
  {
    auto& copy = kept_states->emplace_back(state);
    for (auto& entry : copy)
      if (auto* t = std::get_if<torch::Tensor>(&entry.value); t != nullptr && t->defined())
        *t = t->detach().clone();
  }
  std::optional<rw::snapshot> kept() const
  {
    return kept_states->empty() ? std::nullopt : std::optional{kept_states->back()};
  }
};

/// A learned step for weights and one for activations; the clip stays the same when widths
/// change.
struct keeps_clip {
  static constexpr std::string_view name = "keeps-clip";

  struct state {
    torch::Tensor step = torch::full({}, .25).set_requires_grad(true);

    rw::quantized operator()(const torch::Tensor& x, bit_width bits) const
    {
      if (bits.is_full()) return {.levels = x};
      const auto levels = x / step;
      return {.levels = levels + (levels.detach().round() - levels.detach()), .scale = step};
    }
    void change_bits(bit_width from, bit_width to) const
    {
      const torch::NoGradGuard without_graph;
      step.mul_(static_cast<double>(from.value()) / to.value());
    }
    template<typename Archive>
    void visit_state(Archive& archive)
    {
      archive.range("step", step);
    }
  };

  state start_weights(const rw::layer_id&) const { return {}; }
  state start_activations(const rw::layer_id&) const { return {}; }
};

template<typename Part>
bool same_tensors(Part a, Part b)
{
  const auto x = rw::snapshot_of(a), y = rw::snapshot_of(b);
  if (x.size() != y.size()) return false;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (x[i].name != y[i].name || x[i].value.index() != y[i].value.index()) return false;
    const auto* t = std::get_if<torch::Tensor>(&x[i].value);
    if (t == nullptr) continue;
    const auto& u = std::get<torch::Tensor>(y[i].value);
    if (t->defined() != u.defined() || (t->defined() && !torch::equal(*t, u))) return false;
  }
  return true;
}

template<typename Network>
int inner_bits_of(const Network& n)
{
  return n.layers()[1].widths.weights.value();
}

}  // namespace

TEST_CASE("ends and shortcuts may have widths of their own")
{
  const rw::full_precision_ends lsq{
      .first = {bit_width{8}, bit_width{32}}, .last = both(8), .shortcut = rw::layer_bits{}};
  rw::laws::hold_for(lsq);
  CHECK(lsq(first) == rw::layer_bits{bit_width{8}, bit_width{32}});
  CHECK(lsq(inner) == both(2));
  CHECK(lsq(shortcut) == both(32));
  CHECK(lsq(last) == both(8));
  const auto n = rw::resnet8(small, rw::dorefa{}, lsq);
  CHECK(n.layers().front().widths == lsq(first));
  CHECK(n.layers().back().widths == both(8));
  CHECK(n.layers()[5].widths == both(32));

  const rw::per_kind kinds{.shortcut = both(8), .otherwise = rw::inner_bits<3>};
  rw::laws::hold_for(kinds);
  CHECK(kinds(first) == both(32));
  CHECK(kinds(inner) == both(3));
  CHECK(kinds(shortcut) == both(8));
  CHECK(kinds(last) == both(32));
  CHECK(rw::per_kind<>{.linear = both(4)}(last) == both(4));
  CHECK(rw::per_kind<>{.convolution = both(4)}(inner) == both(4));
}

TEST_CASE("progressive and two_step say which widths are whose")
{
  const auto falling = rw::bits_falling<32, 8, 4, 2>(2);
  rw::laws::hold_for(falling);
  const std::vector<int> expected{32, 32, 8, 8, 4, 4, 2, 2, 2, 2};
  for (std::size_t epoch = 0; epoch < expected.size(); ++epoch) {
    const auto scheme = falling.at(static_cast<std::int64_t>(epoch));
    CHECK(scheme(inner) == both(expected[epoch]));
    CHECK(scheme(first) == both(32));
  }
  CHECK(falling(inner) == both(32));

  const rw::two_step steps{.scheme = rw::inner_bits<2, 3>, .epochs = 3};
  rw::laws::hold_for(steps);
  CHECK(steps.at(2)(inner) == rw::layer_bits{bit_width{2}, bit_width{32}});
  CHECK(steps.at(3)(inner) == rw::layer_bits{bit_width{2}, bit_width{3}});
  const rw::two_step joined{.scheme = rw::bits_falling<8, 2>(1), .epochs = 2};
  CHECK(joined.at(0)(inner) == rw::layer_bits{bit_width{8}, bit_width{32}});
  CHECK(joined.at(1)(inner) == rw::layer_bits{bit_width{2}, bit_width{32}});
  CHECK(joined.at(2)(inner) == both(2));

  const rw::per_layer named{.layers = {{"classifier", both(8)}}, .otherwise = falling};
  static_assert(rw::ChangingScheme<std::remove_const_t<decltype(named)>>);
  static_assert(!rw::ChangingScheme<rw::per_layer<>>);
  CHECK(named.at(9)(last) == both(8));
  CHECK(named.at(9)(inner) == both(2));

  const std::vector<rw::layer_id> places{first, last};
  CHECK_THROWS_WITH_AS(rw::check_scheme(rw::progressive<>{}, places),
                       "rolewise: progressive: has no stages", std::invalid_argument);
  CHECK_THROWS_AS(rw::check_scheme(rw::bits_falling<8, 2>(0), places), std::invalid_argument);
  CHECK_THROWS_AS(rw::check_scheme(rw::two_step{.scheme = falling, .epochs = 0}, places),
                  std::invalid_argument);
  CHECK_THROWS_AS(rw::resnet8(small, rw::dorefa{}, rw::progressive<>{}), std::invalid_argument);
}

TEST_CASE("a scheme that misspells a layer is refused with the nearest name")
{
  const rw::per_layer<> wrong{.layers = {{"stage2.0.convolutoin1", both(4)}}};
  CHECK_THROWS_WITH_AS(rw::resnet8(small, rw::dorefa{}, wrong),
                       "rolewise: per_layer: the network has no layer stage2.0.convolutoin1; the "
                       "nearest of its 10 are stage2.0.convolution1, stage1.0.convolution1 or "
                       "stage2.0.convolution2",
                       std::invalid_argument);
  auto n = rw::resnet8(small, rw::dorefa{});
  CHECK_THROWS_AS(n.set_bits(wrong), std::invalid_argument);
}

TEST_CASE("a network with other widths computes like one that was made with them")
{
  torch::manual_seed(0);
  const rw::batch images{
      torch::randn({3, 1, 12, 10}), torch::zeros(3, torch::kLong), torch::arange(3), {}};
  const auto check = [&](auto n, const auto& expected, const auto& scheme) {
    CHECK(n.set_bits(scheme).empty());
    CHECK(n.bytes() == expected.bytes());
    const auto a = n.layers(), b = expected.layers();
    for (std::size_t i = 0; i < a.size(); ++i) CHECK(a[i].widths == b[i].widths);
    CHECK(torch::equal(n.predict(images).logits, expected.predict(images).logits));
  };
  const rw::per_kind mixed{.shortcut = rw::layer_bits{bit_width{4}, bit_width{8}},
                           .linear = both(5),
                           .otherwise = rw::all_alike{bit_width{3}, bit_width{2}}};
  check(rw::resnet8(small, rw::dorefa{}), rw::resnet8(small, rw::dorefa{}, mixed), mixed);
  check(rw::wide_resnet(10, 2, small, rw::dorefa{}),
        rw::wide_resnet(10, 2, small, rw::dorefa{}, mixed), mixed);
  check(rw::resnet8(small, rw::dorefa{}), rw::resnet8(small, rw::dorefa{}, rw::full_precision{}),
        rw::full_precision{});

  auto full = rw::resnet8(small);
  CHECK(full.set_bits(rw::full_precision{}).empty());
  CHECK_THROWS_WITH_AS(full.set_bits(rw::inner_bits<2>),
                       "rolewise: no-quantizer: layer stage1.0.convolution1 is to have 2-bit "
                       "weights and 2-bit activations, but this quantizer changes nothing",
                       std::invalid_argument);
  for (const auto& layer : full.layers()) CHECK(layer.widths == both(32));
}

TEST_CASE("ranges whose width is new are told so and named")
{
  auto n = rw::resnet8(small, keeps_clip{}, rw::full_precision_ends{bit_width{8}, bit_width{4}});
  const rw::full_precision_ends fewer{bit_width{2}, bit_width{4}};
  const auto changed = n.set_bits(fewer);
  CHECK(changed.size() == 8);  // 6 convolutions and 2 shortcuts inside
  for (const auto& p : n.parameters()) {
    if (p.kind != rw::tensor_kind::range) continue;
    const bool is_named = std::ranges::find(changed, p.name) != changed.end();
    CHECK(p.value.template item<float>() == (is_named ? 1.0f : .25f));
    CHECK(p.value.requires_grad());
    CHECK_FALSE((is_named && p.name.find("put") != std::string::npos));
  }
  CHECK(n.set_bits(fewer).empty());
}

TEST_CASE("fit carries a progressive scheme out, with every quantizer")
{
  const auto data = letters();
  const auto check = [&](const auto& quantizer, const auto& method) {
    rw::supervised pretraining{
        .student = rw::resnet8(data.shape, quantizer, rw::bits_falling<32, 4, 2>(1)),
        .optimizer = method,
        .ema = rw::ema{.decay = .5}};
    CHECK(inner_bits_of(pretraining.student) == 32);
    for (std::int64_t epoch = 0; epoch < 4; ++epoch) {
      rw::fit(pretraining, data,
              {.epochs = 4, .batch_size = 16, .from = epoch, .until = epoch + 1});
      const int expected = epoch == 0 ? 32 : epoch == 1 ? 4 : 2;
      CHECK(inner_bits_of(pretraining.student) == expected);
      CHECK(inner_bits_of(pretraining.evaluated()) == expected);
    }
    CHECK(pretraining.student.layers()[1].widths == both(2));
  };
  check(rw::dorefa{}, rw::sgd{.learning_rate = .01});
  check(rw::apot{}, rw::adam{});
  check(rw::lq_nets{}, rw::sgd{.learning_rate = .01});
}

TEST_CASE("a run with a changing scheme resumes inside any stage with the same bits")
{
  const auto data = letters();
  const auto start = [&] {
    return rw::distillation{
        .teacher = rw::frozen(rw::resnet8(data.shape)),
        .student = rw::resnet8(data.shape, keeps_clip{},
                               rw::two_step{.scheme = rw::bits_falling<8, 4>(2), .epochs = 1}),
        .loss = .5 * rw::cross_entropy{} + .5 * rw::soft_target_kl{rw::temperature{4}},
        .optimizer = rw::sgd{.learning_rate = .01},
        .ema = rw::ema{.decay = .5}};
  };
  const rw::fit_options options{.epochs = 4, .batch_size = 16};
  std::vector<rw::snapshot> kept;
  auto whole = start();
  rw::fit(whole, data, options, memory{&kept});
  REQUIRE(kept.size() == 5);
  CHECK(whole.student.layers()[1].widths == both(4));

  for (std::size_t epochs = 0; epochs <= 4; ++epochs) {
    CAPTURE(epochs);
    std::vector<rw::snapshot> until{kept.begin(), kept.begin() + 1 + static_cast<long>(epochs)};
    auto resumed = start();
    auto again = options;
    again.resume = true;
    rw::fit(resumed, data, again, memory{&until});
    CHECK(resumed.student.layers()[1].widths == both(4));
    CHECK(resumed.evaluated().layers()[1].widths == both(4));
    CHECK(same_tensors(resumed, whole));
  }
}

TEST_CASE("widths change with epochs when views are made ahead, too")
{
  const auto data = letters();
  const auto trained = [&](std::int64_t ahead) {
    rw::distillation training{
        .teacher = rw::frozen(rw::resnet8(data.shape)),
        .student = rw::resnet8(data.shape, keeps_clip{}, rw::bits_falling<8, 4>(1)),
        .loss = .5 * rw::cross_entropy{} + .5 * rw::soft_target_kl{rw::temperature{4}},
        .optimizer = rw::sgd{.learning_rate = .01}};
    rw::supervised pretraining{
        .student = rw::resnet8(data.shape, keeps_clip{}, rw::bits_falling<8, 4>(1)),
        .optimizer = rw::sgd{.learning_rate = .01}};
    const rw::fit_options options{.epochs = 2, .batch_size = 16, .prefetch = ahead};
    rw::fit(training, data, options);
    rw::fit(pretraining, data, options);
    CHECK(training.student.layers()[1].widths == both(4));
    CHECK(pretraining.student.layers()[1].widths == both(4));
    return std::pair{std::move(training), std::move(pretraining)};
  };
  auto [training, pretraining] = trained(0);
  auto [distillation_prefetched, supervised_prefetched] = trained(2);
  CHECK(same_tensors(training, distillation_prefetched));
  CHECK(same_tensors(pretraining, supervised_prefetched));
}

TEST_CASE("the optimizer discards its state of ranges that are new, and only that")
{
  const auto data = letters();
  rw::supervised pretraining{
      .student = rw::resnet8(data.shape, keeps_clip{}, rw::bits_falling<8, 4>(1)),
      .optimizer = rw::sgd{.learning_rate = .01},
      .ema = rw::ema{.decay = .9}};
  rw::fit(pretraining, data, {.epochs = 2, .batch_size = 16, .until = 1});
  const auto ema_step = [&] {
    for (const auto& p : pretraining.evaluated().parameters())
      if (p.name == "stage1.0.convolution1.quantizer.step") return p.value.item<float>();
    return 0.0f;
  };
  const auto before = ema_step();
  const rw::training_progress second{.epoch = 1, .step = 0, .epochs = 2, .steps_per_epoch = 2};
  const auto remembered = [&](bool of_ranges) {
    int count = 0;
    rw::for_each_tensor(
        pretraining.learner_state, [&](const std::string& name, torch::Tensor& t, rw::tensor_kind) {
          if (name.starts_with("optimizer.") && name.ends_with(".step") == of_ranges &&
              t.count_nonzero().item<std::int64_t>() > 0)
            ++count;
        });
    return count;
  };
  CHECK(remembered(true) == 14);  // 8 weights inside; shortcuts share the input of their block
  const auto others = remembered(false);
  CHECK(others > 20);
  pretraining.learner_state.begin_epoch(pretraining.student, second);
  CHECK(remembered(true) == 0);
  CHECK(remembered(false) == others);
  CHECK(ema_step() == 2 * before);  // the average keeps its clip, too
  CHECK(before > 0);
}

TEST_CASE("the epoch of the widths is state, of networks whose widths change alone")
{
  rw::laws::hold_for(
      rw::resnet8(small, rw::dorefa{}, rw::bits_falling<8, 2>(1)),
      rw::batch{torch::randn({4, 1, 12, 10}), torch::zeros(4, torch::kLong), torch::arange(4), {}});
  auto n = rw::resnet8(small, rw::dorefa{}, rw::bits_falling<8, 2>(1));
  auto still = rw::resnet8(small, rw::dorefa{}, rw::inner_bits<2>);
  CHECK(rw::snapshot_of(n).size() == rw::snapshot_of(still).size() + 1);
  n.begin_epoch(5);
  CHECK(inner_bits_of(n) == 2);
  auto copy = n;
  CHECK(inner_bits_of(copy) == 2);
  auto fresh = rw::resnet8(small, rw::dorefa{}, rw::bits_falling<8, 2>(1));
  rw::restore(fresh, rw::snapshot_of(n));
  CHECK(inner_bits_of(fresh) == 2);
  copy.begin_epoch(0);
  CHECK(inner_bits_of(copy) == 8);
  CHECK(inner_bits_of(n) == 2);
}
