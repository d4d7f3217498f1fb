// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// One teacher for all trials of a search.

#include <rolewise/core/batch.hpp>
#include <rolewise/core/response.hpp>
#include <rolewise/teacher/frozen.hpp>

#include <memory>
#include <utility>

namespace rolewise::detail {

/// Copies ask the same network, which is there once however many trials there are. Nothing of it
/// changes, so several threads may ask.
template<typename Network>
class shared_teacher {
 public:
  static constexpr bool has_state = false;

  explicit shared_teacher(Network network)
      : teacher_{std::make_shared<const frozen_teacher<Network>>(std::move(network))}
  {}

  [[nodiscard]] response respond(const batch& examples, taps wanted = {}) const
  {
    return teacher_->respond(examples, wanted);
  }

 private:
  std::shared_ptr<const frozen_teacher<Network>> teacher_;
};

}  // namespace rolewise::detail
