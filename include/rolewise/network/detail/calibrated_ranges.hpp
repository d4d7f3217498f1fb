// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Calibration of clipping ranges of feature maps on batches.

#include <rolewise/network/byte_grid.hpp>
#include <rolewise/support/inline.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace rolewise::detail {

/// The calibrated range under each name, which holds a share of the values: with share 1 minimum
/// and maximum over all batches, with a smaller share the batches' quantiles, averaged.
class calibrated_ranges {
 public:
  explicit calibrated_ranges(double share);

  void observe(const std::string& name, const torch::Tensor& values);

  [[nodiscard]] byte_grid grid(const std::string& name) const;
  [[nodiscard]] std::optional<byte_grid> grid_if(bool wanted, const std::string& name) const
  {
    if (!wanted) return std::nullopt;
    return grid(name);
  }

 private:
  struct range {
    double lowest = 0.0, highest = 0.0;  ///< 0 is always on the grid
    int batches = 0;
  };

  [[nodiscard]] std::pair<double, double> ends_of(const std::string& name,
                                                  const torch::Tensor& values) const;

  double share_;
  std::map<std::string, range> seen_;
};

}  // namespace rolewise::detail

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/network/detail/implementation/calibrated_ranges.hpp>
#endif
