// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// A student and data small enough for runs of milliseconds.

#include <rolewise/core/batch.hpp>
#include <rolewise/core/draws.hpp>
#include <rolewise/core/outputs.hpp>
#include <rolewise/core/state.hpp>
#include <rolewise/core/taps.hpp>
#include <rolewise/data/dataset.hpp>
#include <rolewise/student/student.hpp>

#include <torch/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace rolewise::testing {

/// Uniform values in [-0.5, 0.5), a function of the seed.
inline torch::Tensor drawn(seed key, at::IntArrayRef sizes)
{
  std::int64_t count = 1;
  for (const auto size : sizes) count *= size;
  return (uniform_draws(key, 0, torch::zeros({1}, torch::kLong), count) - 0.5).view(sizes);
}

/// Two layers, `[C * H * W] -> hidden -> classes`, on inputs centered by their running mean, and a
/// count of outputs: parameters, a buffer and a plain value, every kind of state of a student.
class tiny_student {
 public:
  explicit tiny_student(const sample_shape& shape, seed key = {}, std::int64_t hidden = 6)
      : inputs_{shape.channels * shape.height * shape.width},
        first_{drawn(key.split(purpose{"first"}), {hidden, inputs_}).set_requires_grad(true)},
        bias_{torch::zeros({hidden}).set_requires_grad(true)},
        second_{
            drawn(key.split(purpose{"second"}), {shape.classes, hidden}).set_requires_grad(true)},
        mean_{torch::zeros({inputs_})}
  {}
  tiny_student(const tiny_student& other)
      : inputs_{other.inputs_},
        first_{deep(other.first_)},
        bias_{deep(other.bias_)},
        second_{deep(other.second_)},
        mean_{deep(other.mean_)},
        all_outputs_{other.all_outputs_}
  {}
  tiny_student& operator=(const tiny_student& other)
  {
    auto copy = other;
    std::swap(*this, copy);
    return *this;
  }
  tiny_student(tiny_student&&) noexcept = default;
  tiny_student& operator=(tiny_student&&) noexcept = default;
  ~tiny_student() = default;

  [[nodiscard]] outputs forward(const batch& examples, taps wanted = {})
  {
    const auto x = flat(examples);
    {
      const torch::NoGradGuard without_graph;
      mean_.lerp_(x.mean(0), 0.1);
    }
    ++all_outputs_;
    return outputs_of(x, wanted);
  }
  [[nodiscard]] outputs predict(const batch& examples, taps wanted = {}) const
  {
    return outputs_of(flat(examples), wanted);
  }
  [[nodiscard]] std::vector<named_tensor> parameters() const
  {
    return {{"first", first_}, {"bias", bias_}, {"second", second_}};
  }
  [[nodiscard]] std::int64_t all_outputs() const { return all_outputs_; }

  template<typename Archive>
  void visit_settings(Archive& archive) const
  {
    archive.show("hidden", bias_.size(0));
  }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.parameter("first", first_);
    archive.parameter("bias", bias_);
    archive.parameter("second", second_);
    archive.buffer("mean", mean_);
    archive.value("outputs", all_outputs_);
  }

 private:
  static torch::Tensor deep(const torch::Tensor& t)
  {
    return t.detach().clone().set_requires_grad(t.requires_grad());
  }
  [[nodiscard]] torch::Tensor flat(const batch& examples) const
  {
    return normalized_inputs(examples).reshape({-1, inputs_});
  }
  [[nodiscard]] outputs outputs_of(const torch::Tensor& x, taps wanted) const
  {
    const auto hidden = torch::relu((x - mean_).matmul(first_.t()) + bias_);
    outputs found{.logits = hidden.matmul(second_.t()), .features = {}};
    if (wanted.contains(tap::penultimate)) found.features.set(tap::penultimate, hidden);
    return found;
  }

  std::int64_t inputs_;
  torch::Tensor first_, bias_, second_, mean_;
  std::int64_t all_outputs_ = 0;
};

static_assert(Student<tiny_student>);

/// The same, which offers its hidden layer to losses on features.
class tiny_tapped_student : public tiny_student {
 public:
  static constexpr taps offered_taps{tap::penultimate};

  using tiny_student::tiny_student;

  [[nodiscard]] feature_shapes tap_shapes(taps wanted) const
  {
    feature_shapes shapes;
    if (wanted.contains(tap::penultimate))
      shapes.set(tap::penultimate, {parameters().front().value.size(0)});
    return shapes;
  }
};

static_assert(Student<tiny_tapped_student>);

/// Images of 1 x 3 x 3 in 3 classes; the class is the brightest row, with noise.
inline dataset tiny_data(std::int64_t count, seed key = seed{7}, std::string name = "tiny")
{
  dataset data;
  data.shape = {.channels = 1, .height = 3, .width = 3, .classes = 3};
  data.inputs = torch::zeros({count, 1, 3, 3}, torch::kByte);
  data.labels = torch::zeros({count}, torch::kLong);
  data.ids = torch::arange(count, torch::kLong);
  data.normalization = {.mean = {0.4}, .std = {0.3}};
  data.name = std::move(name);
  auto pixel = data.inputs.accessor<std::uint8_t, 4>();
  auto label = data.labels.accessor<std::int64_t, 1>();
  for (std::int64_t n = 0; n < count; ++n) {
    const draws of{key, 0, n};
    label[n] = of.below(0, 3);
    for (std::int64_t i = 0; i < 9; ++i)
      pixel[n][0][i / 3][i % 3] = static_cast<std::uint8_t>(
          of.below(static_cast<std::uint64_t>(i) + 1, 140) + (i / 3 == label[n] ? 90 : 0));
  }
  return data;
}

/// Whether all state tensors of two parts are equal, bit for bit.
template<typename P>
bool same_tensors(P& a, P& b)
{
  std::vector<torch::Tensor> of_a, of_b;
  for_each_tensor(a, [&](const std::string&, torch::Tensor& t, tensor_kind) { of_a.push_back(t); });
  for_each_tensor(b, [&](const std::string&, torch::Tensor& t, tensor_kind) { of_b.push_back(t); });
  if (of_a.size() != of_b.size()) return false;
  for (std::size_t i = 0; i < of_a.size(); ++i)
    if (of_a[i].defined() != of_b[i].defined() ||
        (of_a[i].defined() && !torch::equal(of_a[i], of_b[i])))
      return false;
  return true;
}

}  // namespace rolewise::testing
