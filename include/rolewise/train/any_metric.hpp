// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// `any_metric`: a metric of any type, chosen at run time.

#include <rolewise/core/settings.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/train/metric.hpp>
#include <rolewise/train/top_k_accuracy.hpp>

#include <concepts>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace rolewise {

/// A type-erased metric, made from any `Metric` by implicit conversion; the accuracy by default.
/// Copies share the metric, which never changes.
class any_metric {
 public:
  bool higher_is_better = true;

  any_metric() : any_metric{top_k_accuracy{}} {}
  template<typename M>
    requires(!std::same_as<M, any_metric>) && Metric<M>
  any_metric(M of)  // NOLINT(google-explicit-constructor)
      : higher_is_better{of.higher_is_better},
        inner_{std::make_shared<const model<M>>(std::move(of))}
  {}

  [[nodiscard]] std::string name() const { return inner_->name(); }
  [[nodiscard]] torch::Tensor sums(const outputs& found, const targets& wanted) const
  {
    return inner_->sums(found, wanted);
  }
  [[nodiscard]] torch::Tensor value(const torch::Tensor& sums) const { return inner_->value(sums); }

  /// Whether this is `top_k_accuracy` with k = 1.
  [[nodiscard]] bool is_accuracy() const { return inner_->is_accuracy(); }
  /// Name and settings, which identify the metric of a run.
  [[nodiscard]] std::vector<setting> settings() const { return inner_->settings(); }

 private:
  struct interface {
    virtual ~interface() = default;
    [[nodiscard]] virtual std::string name() const = 0;
    [[nodiscard]] virtual torch::Tensor sums(const outputs&, const targets&) const = 0;
    [[nodiscard]] virtual torch::Tensor value(const torch::Tensor&) const = 0;
    [[nodiscard]] virtual bool is_accuracy() const = 0;
    [[nodiscard]] virtual std::vector<setting> settings() const = 0;
  };
  template<typename M>
  struct model final : interface {
    explicit model(M of) : metric{std::move(of)} {}
    [[nodiscard]] std::string name() const override { return metric_name(metric); }
    [[nodiscard]] torch::Tensor sums(const outputs& found, const targets& wanted) const override
    {
      return metric.sums(found, wanted);
    }
    [[nodiscard]] torch::Tensor value(const torch::Tensor& sums) const override
    {
      return metric.value(sums);
    }
    [[nodiscard]] bool is_accuracy() const override
    {
      if constexpr (std::same_as<M, top_k_accuracy>)
        return metric.k == 1;
      else
        return false;
    }
    [[nodiscard]] std::vector<setting> settings() const override
    {
      std::vector<setting> all{{"validation_metric", name()}};
      if constexpr (Described<M>)
        for (auto& [name, value] : settings_of(metric))
          if (!name.empty()) all.push_back({"validation_metric." + name, std::move(value)});
      return all;
    }

    M metric;
  };

  std::shared_ptr<const interface> inner_;
};

static_assert(Metric<any_metric>);

}  // namespace rolewise
