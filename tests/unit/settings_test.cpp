// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "support/doctest.hpp"
#include "support/tiny_student.hpp"

#include <rolewise/agent.hpp>
#include <rolewise/core/settings.hpp>
#include <rolewise/loss.hpp>
#include <rolewise/network.hpp>
#include <rolewise/policy.hpp>
#include <rolewise/quant.hpp>
#include <rolewise/search.hpp>
#include <rolewise/student.hpp>
#include <rolewise/systems/search_rewards.hpp>
#include <rolewise/teacher.hpp>
#include <rolewise/train.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

using namespace rolewise;

namespace {

enum class shade : std::uint8_t { light, dark };

struct brush {
  double size = 0.1;
  shade of = shade::dark;
};

/// An aggregate with members of every kind that is listed without further code.
struct picture {
  static constexpr int no_member = 3;

  bool is_framed = true;
  std::int64_t width = std::int64_t{1} << 40;
  float gain = 0.5F;
  std::string title = "lines, dots";
  std::optional<brush> main{};
  std::optional<brush> spare = brush{.size = 2.0};
  std::vector<double> stops = {0.25, 1e-300};
  std::vector<brush> all{brush{}};
  std::pair<int, temperature> pair{7, temperature{4.0}};
  std::variant<double, brush> either = brush{};
  torch::Tensor canvas = torch::zeros({2, 3});
  torch::ScalarType type = torch::kBFloat16;

  [[nodiscard]] double area() const { return gain * no_member; }
};

class closed {
 public:
  explicit closed(int x) : x_{x} {}
  [[nodiscard]] int doubled() const { return 2 * x_; }

 private:
  int x_;
};

class open_class : closed {
 public:
  using closed::closed;
  template<typename Archive>
  void visit_settings(Archive& archive) const
  {
    archive.show("doubled", doubled());
  }
};

class memory {
 public:
  static constexpr bool has_settings = false;
  explicit memory(int x) : x_{x} {}
  [[nodiscard]] int x() const { return x_; }

 private:
  int x_;
};

/// Cannot be listed: one member is a class without `visit_settings`.
struct with_closed {
  brush first{};
  closed second{3};
};

struct derived : brush {
  int more = 1;
};

template<int Number>
struct constant_of {};

template<typename Tag>
struct tagged {};

/// A part with a number that training changes and one that it does not.
struct counting {
  std::int64_t seen = 0;
  double strength = 0.5;
  memory cache{5};

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.value("seen", seen);
  }
};

template<typename P>
std::string text_of(const P& part)
{
  std::string all;
  for (const auto& [name, value] : settings_of(part))
    all.append(all.empty() ? "" : "; ").append(name).append("=").append(value);
  return all;
}

static_assert(Described<picture> && Described<open_class> && Described<memory>);
static_assert(Described<std::vector<std::optional<brush>>>);
static_assert(!Described<closed> && !Described<with_closed> && !Described<derived>);
static_assert(!Described<std::vector<closed>> && !Described<std::optional<with_closed>>);
static_assert(!Described<std::variant<int, closed>> && !Described<int*>);

// The parts of the library that are passed to a step, a network or a search.
template<typename... P>
inline constexpr bool all_described = (Described<P> && ...);

static_assert(
    all_described<aug_mix, auto_augment, color_jitter, cutmix, cutout, composed_warps<rand_augment>,
                  hardest_view<cutmix, frozen_teacher<residual_network<>>>, horizontal_flip,
                  random_choice<no_agent, cutout>, mixup, pad_crop_flip, policy_agent, rand_augment,
                  random_erasing, random_grayscale, random_resized_crop, cyclic_views<cutout>,
                  compose<cutout, mixup>, same_view, trivial_augment, trivial_augment_wide,
                  uniform_augment, vertical_flip>);
static_assert(all_described<sgd, adam, adamw, param_groups<sgd>, multi_step_lr, exponential_lr,
                            cosine_annealing, warm_up<>, constant_lr, clip_gradients, ema>);
static_assert(all_described<apot, binary_connect, bwn, dorefa, lq_nets, lsq, lsq_plus, no_quantizer,
                            pact, paired<dorefa, lsq>, sawb, ttq, twn, uniform_affine<>,
                            with_gradients<lsq, dorefa_gradients>, xnor>);
static_assert(all_described<all_alike, full_precision_ends, full_precision, per_kind<>, per_layer<>,
                            progressive<>, two_step<>>);
static_assert(
    all_described<cross_entropy, curriculum_temperature, decoupled_kd, dist, jensen_shannon,
                  label_smoothing, multi_level_distillation, normalized_kd, reverse_kl,
                  soft_target_kl, standardized_logits<decoupled_kd>, teacher_free_kd,
                  scheduled_temperature<dist, cosine_temperature>,
                  scheduled_weight<dist, cosine_weight>, no_distillation,
                  uncertainty_weighted<cross_entropy, dist>,
                  balanced_to_task<cross_entropy, soft_target_kl>,
                  clipped_to_task<cross_entropy, soft_target_kl>,
                  weighted_sum<cross_entropy, soft_target_kl>>);
static_assert(
    all_described<search::asynchronous_successive_halving, search::bohb, search::cma_es,
                  search::grid, search::hyperband, search::pb2, search::population_based,
                  search::population_based_asynchronous, search::random_search,
                  search::regularized_evolution, search::successive_halving, search::tree_parzen>);
static_assert(all_described<residual_network<dorefa, full_precision_ends>,
                            network<wide_residual_body<>>, frozen_teacher<residual_network<>>,
                            shared_teacher<frozen_teacher<residual_network<>>>,
                            cached_teacher<frozen_teacher<residual_network<>>>>);
static_assert(all_described<systems::student_accuracy, systems::low_teacher_stddev<>>);

}  // namespace

TEST_CASE("the settings of an aggregate are its members, by name and as text")
{
  CHECK(text_of(brush{}) == "=brush; size=0.1; of=dark");
  CHECK(text_of(picture{}) ==
        "=picture; is_framed=true; width=1099511627776; gain=0.5; title=lines, dots; main=none; "
        "spare=brush; spare.size=2; spare.of=dark; stops=[0.25, 1e-300]; all.0=brush; "
        "all.0.size=0.1; all.0.of=dark; all.count=1; pair.0=7; pair.1=4; either=brush; "
        "either.size=0.1; either.of=dark; canvas=Float 2 3; type=BFloat16");
  CHECK(text_of(open_class{4}) == "=open_class; doubled=8");
  CHECK(text_of(std::array<int, 2>{1, 2}) == "=[1, 2]");
  CHECK(text_of(rand_augment{.operations = 1, .magnitude = 9}) ==
        "=rand_augment; operations=1; magnitude=9");
}

TEST_CASE("a type tells its arguments, whatever the compiler leaves out")
{
  CHECK(text_of(constant_of<3>{}) == "=constant_of<3>");
  CHECK(text_of(tagged<brush>{}) == "=tagged<brush>");
  CHECK(text_of(warm_up<>{}) ==
        "=warm_up<cosine_annealing>; epochs=5; then=cosine_annealing; then.lowest=0");
  const auto closure = [](int x) { return x; };
  CHECK(text_of(closure) == "=lambda");
}

TEST_CASE("what training changes is no setting")
{
  counting part;
  const auto before = settings_of(part);
  CHECK(text_of(part) == "=counting; strength=0.5");
  part.seen = 7;
  CHECK((settings_of(part) == before));
  part.strength = 0.25;
  CHECK(differences(before, settings_of(part)) == "strength 0.5 (now 0.25)");
}

TEST_CASE("a trained step has the settings of a fresh one")
{
  const auto data = testing::tiny_data(20);
  const auto make = [&] {
    return supervised{.student = resnet8(data.shape, lsq{}, inner_bits<2>),
                      .agent = random_choice{{0.5, 0.25}, cutout{}, mixup{.partners = data}},
                      .optimizer = adam{},
                      .ema = ema{}};
  };
  auto trained = make();
  (void)fit(trained, data, {.epochs = 2, .batch_size = 10});
  auto fresh = make();
  CHECK((settings_of(trained) == settings_of(fresh)));
  auto falling = supervised{.student = resnet8(data.shape, dorefa{}, bits_falling<8, 2>(1))};
  const auto before = settings_of(falling);
  (void)fit(falling, data, {.epochs = 2, .batch_size = 10});
  CHECK((settings_of(falling) == before));
  fresh.student.set_precision({.forward = pass_precision::bfloat16});
  CHECK(differences(settings_of(trained), settings_of(fresh)) ==
        "student.passes none (now pass_precisions)");
}

TEST_CASE("differences name the part that is another one, not all that holds it")
{
  const std::vector<setting> one{
      {"", "step<a>"}, {"agent", "a"}, {"agent.size", "3"}, {"rate", "1"}};
  CHECK(differences(one, one).empty());
  CHECK(differences(one, {{"", "step<b>"}, {"agent", "b"}, {"agent.weight", "2"}, {"rate", "1"}}) ==
        "agent a (now b)");
  CHECK(differences(one, {{"", "step<b>"}, {"agent", "a"}, {"agent.size", "3"}, {"rate", "1"}}) ==
        "the step step<a> (now step<b>)");
  CHECK(differences(one, {{"", "other"}, {"agent", "a"}, {"agent.size", "4"}}) ==
        "the step step<a> (now other)");
  CHECK(differences(one, {{"", "step<a>"}, {"agent", "a"}, {"agent.size", "4"}, {"more", "x"}}) ==
        "agent.size 3 (now 4), rate 1 (now nothing), more nothing (now x)");
  std::vector<setting> many, others;
  for (const auto* name : {"a", "b", "c", "d", "e", "f", "g", "h"}) {
    many.push_back({name, "1"});
    others.push_back({name, "2"});
  }
  CHECK(differences(many, others).ends_with("f 1 (now 2) and 2 more"));
}
