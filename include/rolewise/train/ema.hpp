// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `ema`: an exponential moving average of a student's weights.

#include <rolewise/core/distinct_tensors.hpp>
#include <rolewise/core/state.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/train/snapshot.hpp>
#include <rolewise/train/trainable.hpp>

#include <ATen/ops/_foreach_lerp.h>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace rolewise {

/// Exponential moving average (EMA) of all floating-point tensors in a model's state, those of
/// batch norm among them. Other tensors and plain values are copied. A tensor that is listed
/// under two names is updated once.
///
///     a <- d * a + (1 - d) * w,    d = min(decay, (1 + n) / (10 + n)) after n updates
///
/// @par Source
/// Polyak, Juditsky: Acceleration of Stochastic Approximation by Averaging, SIAM J. Control Optim.
/// 30, 1992; the exponential form with its ramp is that of `tf.train.ExponentialMovingAverage`.
struct ema {
  static constexpr bool has_state = false;

  double decay = 0.999;  ///< in [0, 1); 0 copies the student
  bool ramp = true;      ///< false: d = decay from the start

  /// Updates `averaged` from `student`; `updates` counts the earlier updates.
  template<Trainable S>
  void operator()(S& averaged, S& student, std::int64_t updates) const;
};

namespace detail {

/// Archive that collects the plain values of an object.
class value_writer : nested_names {
 public:
  explicit value_writer(snapshot& out) : out_{out} {}
  void parameter(std::string_view, torch::Tensor&) {}
  void range(std::string_view, torch::Tensor&) {}
  void buffer(std::string_view, torch::Tensor&) {}
  template<PlainState T>
  void value(std::string_view name, T& x)
  {
    out_.push_back({full(name), false, x});
  }
  template<typename Part>
  void part(std::string_view name, Part& inner)
  {
    enter(name, inner, *this);
  }

 private:
  snapshot& out_;
};

/// Archive that assigns the plain values of another object of the same type, in the same order.
class value_reader {
 public:
  explicit value_reader(const snapshot& in) : next_{in.begin()} {}
  void parameter(std::string_view, torch::Tensor&) {}
  void range(std::string_view, torch::Tensor&) {}
  void buffer(std::string_view, torch::Tensor&) {}
  template<PlainState T>
  void value(std::string_view, T& x)
  {
    x = std::get<T>((next_++)->value);
  }
  template<typename Part>
  void part(std::string_view, Part& inner)
  {
    inner.visit_state(*this);
  }

 private:
  snapshot::const_iterator next_;
};

}  // namespace detail

template<Trainable S>
void ema::operator()(S& averaged, S& student, std::int64_t updates) const
{
  if (!(decay >= 0.0 && decay < 1.0))
    throw_invalid_argument("ema", "want decay in [0, 1), got ", decay);
  const torch::NoGradGuard without_graph;
  const auto n = static_cast<double>(updates);
  const double d = ramp ? std::min(decay, (1.0 + n) / (10.0 + n)) : decay;

  std::vector<torch::Tensor> from, to, moved_from, moved_to;
  distinct_tensors moved;
  for_each_tensor(student, [&](const std::string&, torch::Tensor& t, tensor_kind) {
    from.push_back(t.defined() ? t.detach() : t);
  });
  for_each_tensor(averaged, [&](const std::string&, torch::Tensor& t, tensor_kind) {
    auto& source = from[to.size()];
    // A quantizer may replace a range by one of another shape when bit widths change.
    if (t.defined() != source.defined() || (t.defined() && t.sizes() != source.sizes()))
      t = source.defined() ? source.clone() : torch::Tensor{};
    to.push_back(t.defined() ? t.detach() : t);
  });
  for (std::size_t i = 0; i < to.size(); ++i) {
    if (!to[i].defined() || !moved.add(to[i])) continue;
    if (to[i].is_floating_point()) {
      moved_from.push_back(from[i]);
      moved_to.push_back(to[i]);
    } else {
      to[i].copy_(from[i]);
    }
  }
  if (!moved_to.empty()) at::_foreach_lerp_(moved_to, moved_from, 1.0 - d);

  snapshot values;
  detail::value_writer writer{values};
  student.visit_state(writer);
  detail::value_reader reader{values};
  averaged.visit_state(reader);
}

}  // namespace rolewise
