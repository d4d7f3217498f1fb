// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `run_signature`: the settings that identify a run.

#include <rolewise/core/settings.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/inline.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace rolewise {

/// The settings that a resumed run must share with the stored run; otherwise its results would
/// belong to neither.
struct run_signature {
  std::int64_t epochs = 1;
  std::int64_t batch_size = 1;
  std::int64_t steps_per_epoch = 1;
  std::int64_t seed = 0;  ///< the bits of `fit_options::seed`
  bool shuffle = true;
  std::string data{};               ///< name of the data set
  std::int64_t samples = 0;         ///< examples in it
  std::int64_t data_sum = 0;        ///< `fingerprint` of the data set
  std::string validation{};         ///< name of the validation set, or empty
  std::int64_t judged = 0;          ///< examples in it
  std::int64_t validation_sum = 0;  ///< `fingerprint` of the validation set
  std::vector<double> rates{};   ///< learning rates at some points of the run, if the step has any
  std::int64_t step_seed = 0;    ///< the bits of the step's own seed, if it has one
  std::int64_t teacher_sum = 0;  ///< `fingerprint()` of the step's teacher, if there is one
  /// Of the step; `validation_interval` unless 1, `validation_metric` unless the accuracy.
  std::vector<setting> settings{};
  /// Name of the metric that validation follows if that is not the accuracy; not stored, as it is
  /// among the settings.
  std::string validation_metric{};

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    archive.value("epochs", epochs);
    archive.value("batch_size", batch_size);
    archive.value("steps_per_epoch", steps_per_epoch);
    archive.value("seed", seed);
    archive.value("shuffle", shuffle);
    archive.value("data", data);
    archive.value("samples", samples);
    archive.value("data_sum", data_sum);
    archive.value("validation", validation);
    archive.value("judged", judged);
    archive.value("validation_sum", validation_sum);
    archive.value("rates", rates);
    archive.value("step_seed", step_seed);
    archive.value("teacher_sum", teacher_sum);
    std::vector<std::string> names, values;
    for (const auto& [name, value] : settings) {
      names.push_back(name);
      values.push_back(value);
    }
    archive.value("settings", names);
    archive.value("values", values);
    if (names.size() != values.size())
      throw_runtime_error("run_signature", "has ", names.size(), " settings and ", values.size(),
                          " values");
    settings.clear();
    for (std::size_t i = 0; i < names.size(); ++i)
      settings.push_back({std::move(names[i]), std::move(values[i])});
  }

  friend bool operator==(const run_signature&, const run_signature&) = default;
};

/// Describes the differences between a stored and a new run; empty if there are none.
[[nodiscard]] ROLEWISE_INLINE std::string differences(const run_signature& stored,
                                                      const run_signature& progress);

}  // namespace rolewise

#ifndef ROLEWISE_SEPARATE_COMPILATION
#include <rolewise/train/implementation/run_signature.hpp>
#endif
