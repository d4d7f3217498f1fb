// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Probe of the int8 operators: whether their sums are exact.

#include <rolewise/network/detail/integer_operators.hpp>
#include <rolewise/support/inline.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>
#include <utility>

namespace rolewise {

namespace detail {

/// A test case: a convolution of extreme codes, by the operators and in floating point.
struct byte_case {
  std::int64_t in, out, size, kernel, stride, zero;
  std::int64_t groups = 1;
};

/// Weights with extreme codes in pairs: those that saturate, those that cancel, and a mixture.
[[nodiscard]] ROLEWISE_INLINE torch::Tensor extreme_weights(const byte_case& c);

[[nodiscard]] ROLEWISE_INLINE torch::Tensor extreme_inputs(const byte_case& c);

/// Without groups; sums stay below 2^24, so floating point computes them exactly.
inline constexpr std::array whole_convolutions{
    byte_case{16, 16, 8, 3, 1, 0}, byte_case{3, 16, 9, 3, 1, 128}, byte_case{32, 48, 8, 3, 2, 255},
    byte_case{64, 32, 7, 1, 2, 0}, byte_case{56, 64, 4, 3, 1, 0}};

/// Depthwise, and of few and many channels in a group.
inline constexpr std::array grouped_convolutions{
    byte_case{16, 16, 8, 3, 1, 0, 16}, byte_case{58, 58, 9, 3, 2, 128, 58},
    byte_case{54, 216, 4, 1, 1, 255, 3}, byte_case{240, 60, 4, 1, 1, 128, 3},
    byte_case{24, 48, 7, 3, 1, 255, 8}};

/// @tparam Operators `integer_operators`, or a test double
template<typename Operators, std::size_t Count>
[[nodiscard]] std::string convolution_problem(const Operators& operators,
                                              const std::array<byte_case, Count>& cases,
                                              bool& scales_exactly)
{
  for (const auto& c : cases) {
    const auto w = extreme_weights(c), x = extreme_inputs(c);
    const auto padding = c.kernel / 2;
    const auto sums = at::conv2d(x.to(torch::kFloat) - c.zero, w.to(torch::kFloat), {}, c.stride,
                                 padding, 1, c.groups);
    const auto packed = operators.pack_convolution(w, c.stride, padding, c.groups, x.sizes());
    const auto of = [&](const torch::Tensor& scale) {
      return operators.convolution({x, c.zero, packed, scale}, c.stride, padding, c.groups);
    };
    if (!at::equal(of(at::ones(1, torch::kFloat)), sums))
      return "convolutions of bytes give other sums than convolutions of floats (do they "
             "saturate?)";
    const auto each = at::arange(1, c.out + 1).to(torch::kFloat) / 3e3;
    for (const auto& scale : {each, at::full({1}, 1.0 / 21, torch::kFloat)})
      scales_exactly = scales_exactly && at::equal(of(scale), sums * scale.view({1, -1, 1, 1}));
  }
  return {};
}

template<typename Operators>
[[nodiscard]] std::string linear_problem(const Operators& operators, bool& scales_exactly)
{
  for (const byte_case& c : {byte_case{64, 100, 1, 1, 1, 0}, byte_case{510, 10, 1, 1, 1, 128}}) {
    const auto w = extreme_weights(c).flatten(1), x = extreme_inputs(c).flatten(1).contiguous();
    const auto sums = at::linear(x.to(torch::kFloat) - c.zero, w.to(torch::kFloat));
    const auto packed = operators.pack_linear(w, x.sizes());
    const auto of = [&](const torch::Tensor& scale) {
      return operators.linear({x, c.zero, packed, scale});
    };
    if (!at::equal(of(at::ones(1, torch::kFloat)), sums))
      return "matrix products of bytes give other sums than those of floats (do they saturate?)";
    const auto each = at::arange(1, c.out + 1).to(torch::kFloat) / 3e3;
    for (const auto& scale : {each, at::full({1}, 1.0 / 21, torch::kFloat)})
      scales_exactly = scales_exactly && at::equal(of(scale), sums * scale);
  }
  return {};
}

/// The problem that `probe` returns, or its failure as one.
template<typename Probe>
[[nodiscard]] std::string problem_of(const Probe& probe)
{
  try {
    const torch::NoGradGuard without_graph;
    const c10::impl::ExcludeDispatchKeyGuard without_autocast{c10::autocast_dispatch_keyset};
    return probe();
  } catch (const c10::Error& error) {
    return std::string{"an operator failed: "} + error.what_without_backtrace();
  } catch (const std::exception& error) {
    return std::string{"an operator failed: "} + error.what();
  } catch (...) {
    return "an operator failed";
  }
}

/// Runs the probe. Does not throw: a failure becomes the reason for missing support.
template<typename Operators>
[[nodiscard]] integer_support probe_integer_operators(const Operators& operators)
{
  if (!operators.problem().empty()) return {.reason = operators.problem()};
  bool scales_exactly = true;
  auto problem = problem_of([&] {
    auto of_convolutions = convolution_problem(operators, whole_convolutions, scales_exactly);
    return of_convolutions.empty() ? linear_problem(operators, scales_exactly) : of_convolutions;
  });
  if (!problem.empty()) return {.reason = std::move(problem)};
  bool scales_groups_exactly = true;
  auto of_groups = problem_of(
      [&] { return convolution_problem(operators, grouped_convolutions, scales_groups_exactly); });
  if (!of_groups.empty()) scales_groups_exactly = true;  // they do not run
  return {.available = true,
          .scales_exactly = scales_exactly && scales_groups_exactly,
          .problem_of_groups = std::move(of_groups)};
}

}  // namespace detail

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/network/detail/implementation/integer_probe.hpp>
#endif
