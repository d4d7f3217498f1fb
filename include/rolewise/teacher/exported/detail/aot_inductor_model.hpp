// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// A loaded AOTInductor package. Its functions are inline in both forms of the library, so that
/// only programs that use them need a LibTorch that loads packages.

#include <rolewise/core/batch.hpp>
#include <rolewise/core/tensor.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/teacher/exported/detail/exported_model.hpp>

#if !__has_include(<torch/csrc/inductor/aoti_package/model_package_loader.h>)
#error rolewise::aot_inductor_teacher needs a LibTorch that loads AOTInductor packages, and this one does not.
#endif
#include <torch/csrc/inductor/aoti_package/model_package_loader.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rolewise::detail {

/// Guard: packages that run for the first time under it check their inputs then and ever after.
/// They read this variable of the environment once; without it they read past the end of inputs of
/// another size than they were compiled for.
class checking_inputs {
 public:
  checking_inputs() : lock_{guard()}, was_unset_{std::getenv(name) == nullptr}
  {
    if (was_unset_) ::setenv(name, "1", 1);
  }
  checking_inputs(const checking_inputs&) = delete;
  checking_inputs& operator=(const checking_inputs&) = delete;
  ~checking_inputs()
  {
    if (was_unset_) ::unsetenv(name);
  }

 private:
  static constexpr const char* name = "AOTI_RUNTIME_CHECK_INPUTS";

  [[nodiscard]] static std::mutex& guard()
  {
    static std::mutex one;
    return one;
  }

  std::lock_guard<std::mutex> lock_;
  bool was_unset_;
};

/// An AOTInductor package for inference; copies share it.
class aot_inductor_model {
 public:
  /// @throws std::runtime_error that names the file if it is no package, or is for a device that is
  ///         not there
  aot_inductor_model(const std::string& path, torch::ScalarType inputs, std::int64_t batch_size)
      : loader_{loaded(path)},
        device_{device_of_package(*loader_)},
        inputs_{inputs},
        batch_size_{batch_size}
  {
    if (batch_size < 0)
      throw_invalid_argument("aot_inductor_teacher", "want a batch size of 0 or more, got ",
                             batch_size);
  }

  /// The outputs of the package for a batch, in its order. With a batch size the examples are given
  /// in batches of that size, the last one filled by its last example.
  /// @throws std::invalid_argument if the batch is empty or on another device, or the package
  ///         fails
  [[nodiscard]] std::vector<torch::Tensor> evaluated(std::string_view who,
                                                     const batch& examples) const
  {
    if (examples.inputs.defined() && examples.inputs.device().type() != device_.type())
      throw_invalid_argument(who, "want inputs on ", device_.str(), ", got them on ",
                             examples.inputs.device().str());
    const torch::NoGradGuard without_graph;
    auto x = exported_inputs(examples, inputs_);
    const auto count = x.size(0);
    if (count == 0) throw_invalid_argument(who, "want at least one example, got none");
    // Packages with a dynamic batch size want two examples at least.
    const auto size = batch_size_ > 0 ? batch_size_ : std::max<std::int64_t>(count, 2);
    if (const auto missing = (size - count % size) % size; missing > 0)
      x = at::cat({x, x.slice(0, count - 1).repeat_interleave(missing, 0)});
    std::vector<std::vector<torch::Tensor>> parts;  // of each output, those of each batch
    for (std::int64_t at = 0; at < x.size(0); at += size) {
      auto found = run(who, x.slice(0, at, at + size));
      parts.resize(found.size());
      for (std::size_t i = 0; i < found.size(); ++i) parts[i].push_back(std::move(found[i]));
    }
    std::vector<torch::Tensor> all;
    for (auto& of_output : parts) {
      auto whole = of_output.size() > 1 && of_output.front().dim() > 0 ? at::cat(of_output)
                                                                       : of_output.front();
      if (whole.dim() > 0 && whole.size(0) == x.size(0)) whole = whole.slice(0, 0, count);
      all.push_back(std::move(whole));
    }
    return all;
  }

  [[nodiscard]] torch::Device device() const { return device_; }

 private:
  using loader = torch::inductor::AOTIModelPackageLoader;

  [[nodiscard]] std::vector<torch::Tensor> run(std::string_view who, const torch::Tensor& x) const
  {
    std::vector<torch::Tensor> given{x};
    try {
      return loader_->run(given);
    } catch (const std::exception&) {  // what() names the function; the reason is on stderr
      throw_invalid_argument(
          who, "the package fails on ", x.scalar_type(), " ", x.sizes(),
          " (LibTorch wrote the reason to stderr). A package takes the type and the sizes that the "
          "model was exported for, batches too unless their size is dynamic; .batch_size gives it "
          "batches of one size");
    }
  }

  [[nodiscard]] static std::shared_ptr<loader> loaded(const std::string& path)
  {
    constexpr std::string_view wanted = "an AOTInductor package";
    if (const auto kind = kind_of_model_file(path); !kind.starts_with(wanted))
      refuse_model_file(path, wanted, "its bytes are those of no format that is known here");
    try {
      return std::make_shared<loader>(path);
    } catch (const c10::Error& error) {
      refuse_model_file(path, wanted, error.what_without_backtrace());
    } catch (const std::exception& error) {
      refuse_model_file(path, wanted, error.what());
    }
  }

  [[nodiscard]] static torch::Device device_of_package(loader& package)
  {
    const auto about = package.get_metadata();
    const auto found = about.find("AOTI_DEVICE_KEY");
    return found == about.end() ? torch::Device{torch::kCPU} : torch::Device{found->second};
  }

  std::shared_ptr<loader> loader_;
  torch::Device device_;
  torch::ScalarType inputs_;
  std::int64_t batch_size_;
};

}  // namespace rolewise::detail
