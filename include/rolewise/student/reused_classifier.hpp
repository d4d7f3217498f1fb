// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// SimKD's student: its feature map, through a learned projector, into the teacher's classifier.

#include <rolewise/core/batch.hpp>
#include <rolewise/core/outputs.hpp>
#include <rolewise/core/phase.hpp>
#include <rolewise/core/require_taps.hpp>
#include <rolewise/core/seed.hpp>
#include <rolewise/core/state.hpp>
#include <rolewise/core/taps.hpp>
#include <rolewise/network/bottleneck_projector.hpp>
#include <rolewise/network/linear_classifier.hpp>
#include <rolewise/student/student.hpp>
#include <rolewise/support/error.hpp>

#include <ATen/ops/adaptive_avg_pool2d.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rolewise {

/// Options of `with_reused_classifier`.
struct reused_classifier_options {
  std::int64_t reduction = 2;  ///< r of the projector, whose bottleneck has 1 / r of the channels
  rolewise::seed seed{0};      ///< of the projector's first weights
  std::string teacher_classifier = "classifier";  ///< name of the teacher's last layer
  /// Name of the student's own last layer, which is not used; empty if it has none.
  std::string student_classifier = "classifier";
};

namespace detail {

/// Whether a full name is that of a layer, or of one of its parts.
[[nodiscard]] inline bool is_of_layer(std::string_view name, std::string_view layer)
{
  return !layer.empty() && name.starts_with(layer) &&
         (name.size() == layer.size() || name[layer.size()] == '.');
}

/// Archive that hands what it is shown on to another one, all of it as buffers.
template<typename Archive>
class as_buffers {
 public:
  explicit as_buffers(Archive& to) : to_{to} {}

  void parameter(std::string_view name, torch::Tensor& t) { to_.buffer(name, t); }
  void range(std::string_view name, torch::Tensor& t) { to_.buffer(name, t); }
  void buffer(std::string_view name, torch::Tensor& t) { to_.buffer(name, t); }
  template<PlainState T>
  void value(std::string_view name, T& x)
  {
    to_.value(name, x);
  }
  template<typename Part>
  void part(std::string_view name, Part& inner);

 private:
  Archive& to_;
};

/// A part that shows its parameters as buffers.
template<typename Part>
struct shown_as_buffers {
  Part& inner;

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    as_buffers<Archive> buffers{archive};
    inner.visit_state(buffers);
  }
};

template<typename Archive>
template<typename Part>
void as_buffers<Archive>::part(std::string_view name, Part& inner)
{
  shown_as_buffers<Part> shown{inner};
  to_.part(name, shown);
}

/// Archive that hands what it is shown on to another one, the parameters of one layer as buffers.
template<typename Archive>
class without_layer {
 public:
  without_layer(Archive& to, std::string_view layer) : to_{to}, layer_{layer} {}

  void parameter(std::string_view name, torch::Tensor& t)
  {
    is_of_layer(name, layer_) ? to_.buffer(name, t) : to_.parameter(name, t);
  }
  void range(std::string_view name, torch::Tensor& t)
  {
    is_of_layer(name, layer_) ? to_.buffer(name, t) : to_.range(name, t);
  }
  void buffer(std::string_view name, torch::Tensor& t) { to_.buffer(name, t); }
  template<PlainState T>
  void value(std::string_view name, T& x)
  {
    to_.value(name, x);
  }
  template<typename Part>
  void part(std::string_view name, Part& inner);

 private:
  Archive& to_;
  std::string_view layer_;
};

/// A part that shows the parameters of one of its layers as buffers.
template<typename Part>
struct shown_without_layer {
  Part& inner;
  std::string_view layer;

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    without_layer<Archive> rest{archive, layer};
    inner.visit_state(rest);
  }
};

template<typename Archive>
template<typename Part>
void without_layer<Archive>::part(std::string_view name, Part& inner)
{
  if (is_of_layer(name, layer_)) {
    shown_as_buffers<Part> shown{inner};
    to_.part(name, shown);
  } else if (is_of_layer(layer_, name)) {
    shown_without_layer<Part> shown{inner, layer_.substr(name.size() + 1)};
    to_.part(name, shown);
  } else {
    to_.part(name, inner);
  }
}

/// The values of a tap as the classifier sees them: before the last activation, rectified.
template<tap_id Tap>
[[nodiscard]] torch::Tensor activated(const torch::Tensor& maps)
{
  if constexpr (Tap.kind == tap_kind::before_activation)
    return maps.relu();
  else
    return maps;
}

}  // namespace detail

/// SimKD's student: its own body, a learned projector to the channels of the teacher's last map,
/// and the teacher's classifier, which stays as it is. `with_reused_classifier` makes one.
///
///     map    = projector(s),  s the student's map, averaged to the teacher's rows and columns
///                             where it has more of them
///     logits = W_t mean_pixels(map) + b_t
///
/// Trained with `simkd<TeacherTap>` alone, its map is drawn to the teacher's, and no label is read;
/// at evaluation it is this student. Offers the projected map as `tap::stage<k>`, k the index of
/// the teacher's tap, its mean as `tap::penultimate`, and all other taps of the body.
///
/// The body's own last layer is not used: its parameters are kept as buffers. So are the teacher's
/// classifier, its name in the state `classifier`. Copies are deep.
///
/// @tparam TeacherTap the teacher's last map: `tap::stage<k>` or, for networks whose stage is not
///         rectified (wide residual networks), `tap::before_activation<k>`, which then is
/// @tparam StudentTap the student's last map, likewise
/// @par Source
/// Chen, Mei, Zhang, Wang, Feng, Chen: Knowledge Distillation with the Reused Teacher Classifier,
/// 2022, arXiv:2203.14001, section 3; the sizes of maps as in the authors' code (DefangChen/SimKD).
template<typename StudentType, tap_id TeacherTap, tap_id StudentTap>
class reused_classifier_student {
  static_assert(Student<StudentType>, "with_reused_classifier wants a Student");
  static_assert(TeacherTap.kind == tap_kind::stage ||
                    TeacherTap.kind == tap_kind::before_activation,
                "with_reused_classifier wants tap::stage<k> or tap::before_activation<k> of the "
                "teacher");
  static_assert(StudentTap.kind == tap_kind::stage ||
                    StudentTap.kind == tap_kind::before_activation,
                "with_reused_classifier wants tap::stage<k> or tap::before_activation<k> of the "
                "student");

 public:
  static constexpr tap_id map_tap{tap_kind::stage, TeacherTap.index};
  static constexpr taps offered_taps =
      rolewise::offered_taps<StudentType>() | taps{map_tap, tap::penultimate};

  /// @param student_map, teacher_map `[C, H, W]` of an example
  /// @throws std::invalid_argument for other shapes, a classifier of other features than the
  ///         teacher's map, and a student without the layer that it names
  reused_classifier_student(StudentType student, linear_classifier classifier,
                            const std::vector<std::int64_t>& student_map,
                            const std::vector<std::int64_t>& teacher_map,
                            const reused_classifier_options& options)
      : student_{std::move(student)},
        projector_{{.in = channels_of(student_map, "student"),
                    .out = channels_of(teacher_map, "teacher"),
                    .reduction = options.reduction},
                   options.seed.split(purpose{"reused-classifier"})},
        classifier_{std::move(classifier)},
        size_{std::min(student_map[1], teacher_map[1]), std::min(student_map[2], teacher_map[2])},
        seed_{options.seed},
        unused_{options.student_classifier}
  {
    if (const auto features = classifier_.weight->size(1); features != teacher_map[0])
      throw_invalid_argument(who, "want a classifier of the ", teacher_map[0],
                             " channels of the teacher's map, it reads ", features, " features");
    const auto all = student_.parameters();
    if (!unused_.empty() && std::ranges::none_of(all, [&](const named_tensor& p) {
          return detail::is_of_layer(p.name, unused_);
        }))
      throw_invalid_argument(who, "the student has no layer '", unused_,
                             "' that the teacher's classifier replaces; its parameters begin with ",
                             all.empty() ? std::string{"none"} : all.front().name,
                             "; say .student_classifier");
  }

  /// @throws std::invalid_argument if taps are wanted that are not offered
  [[nodiscard]] outputs forward(const batch& examples, taps wanted = {})
  {
    detail::require_offered(who, offered_taps, wanted);
    return classified(student_.forward(examples, of_body(wanted)), wanted, phase::training);
  }
  /// @throws std::invalid_argument if taps are wanted that are not offered
  [[nodiscard]] outputs predict(const batch& examples, taps wanted = {}) const
  {
    detail::require_offered(who, offered_taps, wanted);
    auto& self = const_cast<reused_classifier_student&>(*this);  // not changed in evaluation
    return self.classified(student_.predict(examples, of_body(wanted)), wanted, phase::evaluation);
  }

  /// Shapes of the tapped features of one example.
  [[nodiscard]] feature_shapes tap_shapes(taps wanted) const
    requires ShowsTapShapes<StudentType>
  {
    detail::require_offered(who, offered_taps, wanted);
    auto shapes = student_.tap_shapes(wanted.without(own_taps));
    if (wanted.contains(map_tap)) shapes.set(map_tap, {projector_.shape().out, size_[0], size_[1]});
    if (wanted.contains(tap::penultimate)) shapes.set(tap::penultimate, {projector_.shape().out});
    return shapes;
  }

  /// Those of the body but for its last layer, and of the projector.
  [[nodiscard]] std::vector<named_tensor> parameters() const
  {
    return listed(student_.parameters(), true, [](const auto& kind) { return is_learned(kind); });
  }
  /// The rest of the state: running statistics, the body's last layer and the teacher's classifier.
  [[nodiscard]] std::vector<named_tensor> buffers() const
    requires requires(const StudentType body) { body.buffers(); }
  {
    auto all = student_.parameters();
    std::erase_if(all, [&](const auto& p) { return !detail::is_of_layer(p.name, unused_); });
    for (auto& buffer : student_.buffers()) all.push_back(std::move(buffer));
    all = listed(std::move(all), false, [](const auto& kind) { return !is_learned(kind); });
    for (auto& each : all) each.kind = tensor_kind::buffer;
    return all;
  }
  [[nodiscard]] std::int64_t parameter_count() const
  {
    std::int64_t count = 0;
    for (const auto& p : parameters()) count += p.value.numel();
    return count;
  }

  [[nodiscard]] const StudentType& body() const noexcept { return student_; }
  [[nodiscard]] const bottleneck_projector& projector() const noexcept { return projector_; }
  [[nodiscard]] const linear_classifier& classifier() const noexcept { return classifier_; }

  /// What the student says of features that are already projected: `[N, C, H, W]` to logits.
  [[nodiscard]] torch::Tensor classify(const torch::Tensor& maps) const
  {
    return classifier_(maps.mean(at::IntArrayRef{2, 3}));
  }

  /// Reports of the body's layers but its last, and of the projector's.
  [[nodiscard]] std::vector<layer_report> layers() const
    requires requires(const StudentType body) {
      { body.layers() } -> std::same_as<std::vector<layer_report>>;
    }
  {
    auto all = student_.layers();
    std::erase_if(all, [&](const auto& l) { return detail::is_of_layer(l.place.name, unused_); });
    const auto of_body = all.size();
    projector_.report(all);
    for (std::size_t i = 0; i < all.size(); ++i) {
      all[i].place.name.insert(0, i < of_body ? "student." : "projector.");
      all[i].place.index = static_cast<std::int64_t>(i);
      all[i].place.count = static_cast<std::int64_t>(all.size());
    }
    return all;
  }

  /// Passes the epoch on to a body whose bit widths change over epochs.
  auto begin_epoch(std::int64_t epoch)
    requires requires(StudentType body) { body.begin_epoch(epoch); }
  {
    return student_.begin_epoch(epoch);
  }
  /// Sets the dtype of the body; projector and classifier stay in single precision.
  void cast(torch::ScalarType type)
    requires requires(StudentType body) { body.cast(type); }
  {
    student_.cast(type);
  }
  void to(torch::Device device)
    requires requires(StudentType body) { body.to(device); }
  {
    student_.to(device);
    projector_.to(device);
    for (auto* t : {&*classifier_.weight, &*classifier_.bias})
      if (t->defined()) *t = t->to(device);
  }

  template<typename Archive>
  void visit_state(Archive& archive)
  {
    detail::shown_without_layer<StudentType> body{student_, unused_};
    archive.part("student", body);
    archive.part("projector", projector_);
    archive.part("classifier", classifier_);
  }

  template<typename Archive>
  void visit_settings(Archive& archive) const
  {
    archive.show("student", student_);
    archive.show("reduction", projector_.shape().reduction);
    archive.show("seed", seed_);
  }

 private:
  static constexpr std::string_view who = "with_reused_classifier";
  static constexpr taps own_taps{map_tap, tap::penultimate};

  [[nodiscard]] static std::int64_t channels_of(const std::vector<std::int64_t>& map,
                                                std::string_view whose)
  {
    if (map.size() != 3)
      throw_invalid_argument(who, "want maps [C, H, W] of the ", whose, ", got ",
                             at::IntArrayRef{map});
    return map[0];
  }

  [[nodiscard]] static taps of_body(const taps& wanted)
  {
    return wanted.without(own_taps) | taps{StudentTap};
  }

  [[nodiscard]] outputs classified(const outputs& of_student, const taps& wanted, phase when)
  {
    auto s = detail::activated<StudentTap>(of_student.features[StudentTap]);
    if (s.size(2) > size_[0] || s.size(3) > size_[1])
      s = at::adaptive_avg_pool2d(s,
                                  {std::min(s.size(2), size_[0]), std::min(s.size(3), size_[1])});
    const auto maps = projector_(s, when);
    const auto vectors = maps.mean(at::IntArrayRef{2, 3});
    outputs found{.logits = classifier_(vectors), .features = {}};
    const auto of_others = wanted.without(own_taps);
    for (const auto& [id, value] : of_student.features)
      if (of_others.contains(id)) found.features.set(id, value);
    if (wanted.contains(map_tap)) found.features.set(map_tap, maps);
    if (wanted.contains(tap::penultimate)) found.features.set(tap::penultimate, vectors);
    return found;
  }

  /// The body's tensors under their full names, then those of the other parts that are `wanted`.
  template<typename Wanted>
  [[nodiscard]] std::vector<named_tensor> listed(std::vector<named_tensor> of_body,
                                                 bool without_last, const Wanted& wanted) const
  {
    std::vector<named_tensor> all;
    for (auto& p : of_body) {
      if (without_last && detail::is_of_layer(p.name, unused_)) continue;
      p.name.insert(0, "student.");
      all.push_back(std::move(p));
    }
    const auto add = [&](std::string_view part, auto& from) {
      for_each_tensor(from, [&](const std::string& name, torch::Tensor& t, tensor_kind kind) {
        if (wanted(kind) && t.defined()) all.push_back({std::string{part} + "." + name, t, kind});
      });
    };
    auto& self = const_cast<reused_classifier_student&>(*this);  // visit_state is not const
    add("projector", self.projector_);
    add("classifier", self.classifier_);
    return all;
  }

  StudentType student_;
  bottleneck_projector projector_;
  linear_classifier classifier_;
  std::array<std::int64_t, 2> size_;  ///< rows and columns of the projected map, at most
  rolewise::seed seed_;
  std::string unused_;  ///< the body's last layer
};

/// Makes a student with the classifier of a trained teacher.
///
///     auto student = with_reused_classifier<tap::stage<3>>(resnet8x4(shape), teacher);
///     distillation training{
///         .teacher = teacher, .student = student, .loss = simkd<tap::stage<3>>{}};
///
/// @tparam TeacherTap, StudentTaps the last map of the teacher, and of the student if it is another
/// @param teacher with `tap_shapes` and a classifier that `classifier_of` finds: `frozen(network)`
/// @throws std::invalid_argument unless the teacher's classifier reads the channels of its map, and
///         the student has the layer that it replaces
template<tap_id TeacherTap, tap_id... StudentTaps, typename StudentType, typename TeacherType>
[[nodiscard]] auto with_reused_classifier(StudentType student, const TeacherType& teacher,
                                          const reused_classifier_options& options = {})
{
  static_assert(sizeof...(StudentTaps) <= 1,
                "with_reused_classifier wants the teacher's tap, and the student's if it is "
                "another");
  // A parameter of a class type with a default value breaks g++ 12 in templates.
  constexpr tap_id student_tap = std::array{TeacherTap, StudentTaps...}.back();
  static_assert(ShowsTapShapes<TeacherType> && ShowsTapShapes<StudentType>,
                "with_reused_classifier wants a teacher and a student with tap_shapes(taps)");
  static_assert(offered_taps<TeacherType>().contains(TeacherTap),
                "with_reused_classifier wants a tap that the teacher does not offer");
  static_assert(offered_taps<StudentType>().contains(student_tap),
                "with_reused_classifier wants a tap that the student does not offer");
  const auto of_student = student.tap_shapes({student_tap})[student_tap];
  const auto of_teacher = teacher.tap_shapes({TeacherTap})[TeacherTap];
  return reused_classifier_student<StudentType, TeacherTap, student_tap>{
      std::move(student), classifier_of(teacher, options.teacher_classifier), of_student,
      of_teacher, options};
}

}  // namespace rolewise
