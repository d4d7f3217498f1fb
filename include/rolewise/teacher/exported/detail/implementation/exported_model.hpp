// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// Function bodies of <rolewise/teacher/exported/detail/exported_model.hpp>.

#include <rolewise/teacher/exported/detail/exported_model.hpp>

#include <rolewise/core/checksum.hpp>
#include <rolewise/core/require_taps.hpp>
#include <rolewise/support/error.hpp>
#include <rolewise/support/mapped_file.hpp>

namespace rolewise::detail {

ROLEWISE_INLINE std::string_view kind_of_model(std::string_view bytes)
{
  using namespace std::string_view_literals;
  const auto has = [&](std::string_view text) { return bytes.find(text) != bytes.npos; };
  if (bytes.starts_with("PK\x03\x04"sv)) {  // names in a zip archive are not compressed
    if (has("/data/aotinductor/"))
      return "an AOTInductor package; aot_inductor_teacher reads those";
    if (has("/constants.pkl")) return "a TorchScript file; torchscript_teacher reads those";
    if (has("/archive_format") || has("serialized_exported_program"))
      return "an exported program, as torch.export.save writes; compile it by "
             "torch._inductor.aoti_compile_and_package";
    if (has("/data.pkl"))
      return "a pickle of Python, as torch.save writes (a state dict, or a model without its "
             "code); save the model by torch.jit.script(model).save";
    return "a zip archive of something else";
  }
  if (bytes.size() > 1 && bytes[0] == '\x80' && bytes[1] >= '\x02' && bytes[1] <= '\x05')
    return "a pickle of Python, as torch.save wrote; save the model by "
           "torch.jit.script(model).save";
  if (bytes.size() > 9 && bytes[8] == '{' && bytes[6] == '\0' && bytes[7] == '\0')
    return "a safetensors file, which has weights and no code; save the model by "
           "torch.jit.script(model).save";
  return {};
}

ROLEWISE_INLINE std::string_view kind_of_model_file(const std::string& path)
{
  return kind_of_model(mapped_file(path).view());
}

ROLEWISE_INLINE std::uint64_t sum_of_file(const std::string& path)
{
  checksum sum;
  sum.add(mapped_file(path).view());
  return sum.value();
}

ROLEWISE_INLINE void refuse_model_file(const std::string& path, std::string_view wanted,
                                       std::string_view reason)
{
  if (const auto kind = kind_of_model_file(path); !kind.empty())
    if (!kind.starts_with(wanted)) throw_runtime_error(path, "want ", wanted, ", this is ", kind);
  throw_runtime_error(path, "want ", wanted,
                      "; LibTorch cannot load it: ", reason.substr(0, reason.find('\n')));
}

ROLEWISE_INLINE torch::Tensor exported_inputs(const batch& examples, torch::ScalarType floating)
{
  const auto& x = examples.inputs;
  if (x.defined() && x.dim() != 4) {
    if (x.scalar_type() == torch::kLong) return x.contiguous();
    if (x.is_floating_point()) return x.to(floating).contiguous();
  }
  // Images of one channel count as contiguous in channels last too, but a convolution passes their
  // strides on, which `view` of a model may refuse.
  const auto images = normalized_inputs(examples, floating).contiguous();
  return images.flatten().view(images.sizes());
}

ROLEWISE_INLINE batch two_examples(const sample_shape& shape, torch::Device device)
{
  auto sizes = shape.sizes();
  sizes.insert(sizes.begin(), 2);
  const torch::TensorOptions there{device};
  batch examples;
  examples.inputs = at::zeros(sizes, there.dtype(torch::kLong));
  if (shape.kind != sample_kind::tokens) {
    const auto numbers = at::arange(examples.inputs.numel(), there.dtype(torch::kLong));
    examples.inputs = numbers.mul(37).remainder(256).to(torch::kByte).view(sizes);
    if (shape.kind == sample_kind::vector)
      examples.inputs = examples.inputs.to(torch::kFloat) / 255;
  }
  examples.labels = at::zeros({2}, there.dtype(torch::kLong));
  examples.ids = at::arange(2, torch::kLong);
  return examples;
}

ROLEWISE_INLINE void require_classes(std::string_view who, const outputs& found,
                                     const sample_shape& shape)
{
  if (found.logits.size(1) != shape.classes)
    throw_invalid_argument(who, "want logits of ", shape.classes, " classes, got ",
                           form_of(found.logits), " for two examples");
}

ROLEWISE_INLINE void require_repeated(std::string_view who, const outputs& first,
                                      const outputs& second)
{
  if (!at::equal(first.logits.nan_to_num(), second.logits.nan_to_num()))
    throw_invalid_argument(who,
                           "two evaluations of the same examples give different logits; was the "
                           "model exported in training mode? Call model.eval() before");
}

ROLEWISE_INLINE feature_shapes shapes_of_examples(const outputs& found)
{
  feature_shapes shapes;
  for (const auto& [id, value] : found.features) shapes.set(id, value.sizes().slice(1).vec());
  return shapes;
}

ROLEWISE_INLINE void require_same_taps(std::string_view who, const taps& offered,
                                       const taps& listed)
{
  if (offered != listed)
    throw_invalid_argument(who, "want the places of the features that the type offers, ",
                           to_text(offered), ", got those of ", to_text(listed));
}

}  // namespace rolewise::detail
