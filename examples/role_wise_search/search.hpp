// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// @file
/// The searches of each method, for the teacher and then for its student.

#include "../role_wise/parts.hpp"
#include "methods.hpp"

#include <rolewise/report.hpp>
#include <rolewise/systems.hpp>
#include <rolewise/train.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

namespace role_wise_search {

namespace rw = rolewise;

/// Measures the seconds since its construction.
class stopwatch {
 public:
  [[nodiscard]] double seconds() const
  {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  }

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

class searches {
 public:
  explicit searches(const search_job& wanted) : wanted_{wanted}, job_{wanted.conditions}
  {
    auto images = role_wise::source_of_seeds{job_}.of(wanted.search_seed);
    parts_.all = images.train;
    parts_.search = std::move(images.train);
    parts_.validation = std::move(images.validation);
  }

 private:
  [[nodiscard]] auto new_teacher() const
  {
    return [of = job_](const rw::sample_shape& shape, rw::seed own) {
      return role_wise::new_teacher(of, shape, own);
    };
  }
  template<typename Quantizer>
  [[nodiscard]] auto new_student(const Quantizer& quantizer) const
  {
    return [of = job_, quantizer](const rw::sample_shape& shape, rw::seed own) {
      return role_wise::new_student(of, of.bits.front(), quantizer, shape, own);
    };
  }
  [[nodiscard]] std::string folder_of(const std::string& method, const std::string& role) const
  {
    auto folder = wanted_.folder + "/searches/" + method + "/" + role;
    std::filesystem::create_directories(folder);
    return folder;
  }
  [[nodiscard]] rw::search_run_options options(const std::string& method,
                                               const std::string& role) const
  {
    std::fprintf(stderr, "%s: search for the %s\n", method.c_str(), role.c_str());
    return {.trials = wanted_.trials,
            .epochs = job_.epochs,
            .evaluation_interval = wanted_.interval,
            .batch_size = job_.batch_size,
            .seed = rw::seed{static_cast<std::uint64_t>(wanted_.search_seed)},
            .max_concurrent_trials = job_.max_concurrent_trials,
            .threads_per_trial = 1,
            .folder = folder_of(method, role)};
  }

  // [stages]
  [[nodiscard]] auto teacher_stage(const std::string& method, const chosen_strategy& by) const
  {
    return rw::systems::teacher_search{.network = new_teacher(),
                                       .strategy = by,
                                       .optimizer = rw::sgd{.learning_rate = job_.teacher_rate},
                                       .search = options(method, "teacher")};
  }

  template<typename Quantizer, typename Reward>
  [[nodiscard]] auto student_stage(const std::string& method, const chosen_strategy& by,
                                   const Quantizer& quantizer, const Reward& reward) const
  {
    return rw::systems::student_search{
        .network = new_student(quantizer),
        .strategy = by,
        .loss = role_wise::distillation_loss(),
        .teacher_input = rw::same_view{},
        .reward = reward,
        .optimizer = role_wise::student_optimizer(job_.distilled_rate),
        .starts_from_teacher = job_.start == "teacher",
        .search = options(method, "student")};
  }
  // [/stages]

 public:
  /// @param method one of `known_methods`
  [[nodiscard]] found_agents agents_by(const std::string& method)
  {
    const stopwatch watch;
    auto found = chosen_by(method);
    found.seconds = watch.seconds();
    return found;
  }

 private:
  using network = role_wise::teacher_network;

  [[nodiscard]] found_agents chosen_by(const std::string& method)
  {
    if (method == "none") return {method};
    if (method == "trivial-augment") return {method, method, method};
    if (method == "rand-augment") return by_grid(method);
    const chosen_strategy by =
        method == "random" ? chosen_strategy{rw::search::random_search{}} : chosen_strategy{};
    // The search for low T. stddev is for the student only; its teacher is that of `population`.
    const std::string teachers = method == "random" ? "random" : "population";
    const auto stage_one = teacher_stage(teachers, by)
                               .look_for_policies(parts_, role_wise::crop_flip, rw::trial_table{});
    found_agents found{method, keep(teachers, "teacher", stage_one)};
    found.student = role_wise::with_quantizer(job_, [&](const auto& quantizer) {
      const rw::systems::search_teachers<network> teacher{*stage_one.of_search,
                                                          *stage_one.of_search};
      const auto look = [&](const auto& reward) {
        return keep(
            method, "student",
            student_stage(method, by, quantizer, reward)
                .look_for_policies(parts_, teacher, role_wise::crop_flip, rw::trial_table{}));
      };
      if (method != "teacher-stddev") return look(rw::systems::student_accuracy{});
      constexpr std::int64_t epochs = 4;  // for at least as many groups
      const auto steps = std::clamp<std::int64_t>(parts_.validation.size() / job_.batch_size, 1, 5);
      return look(rw::systems::low_teacher_stddev{.measured = {.batch_size = job_.batch_size,
                                                               .steps = steps,
                                                               .epochs = epochs,
                                                               .base = role_wise::crop_flip}});
    });
    return found;
  }

  /// Grid search of RandAugment, with about as many configurations as other searches have trials.
  [[nodiscard]] found_agents by_grid(const std::string& method)
  {
    const auto side = std::max<std::int64_t>(
        1, static_cast<std::int64_t>(std::sqrt(static_cast<double>(wanted_.trials))));
    const rw::search::search_space space{{"operations", rw::search::integer_interval{1, 4}},
                                         {"magnitude", rw::search::integer_interval{2, 8}}};
    const rw::search::grid strategy{.steps = side};
    auto by_role = [&](const char* role) {
      auto made = options(method, role);
      made.trials = strategy.configurations(space);
      made.conditions = parts_.validation.fingerprint();
      return made;
    };
    const auto agent_at = [](const rw::search::configuration& at) {
      return rw::rand_augment{.operations = at.integer("operations"),
                              .magnitude = at.integer("magnitude")};
    };
    const auto text_of = [&](const rw::search::trial_state& best) {
      const auto agent = agent_at(*best.at);
      return method + ":" + std::to_string(agent.operations) + "," +
             std::to_string(agent.magnitude);
    };
    const auto accuracy = [&](const auto& step) {
      return rw::accuracy(step.evaluated(), parts_.validation);
    };
    const auto of_teachers = rw::run_search(
        strategy, space,
        [&](const rw::search::configuration& at, std::int64_t, rw::seed own) {
          return rw::supervised{.student = new_teacher()(parts_.search.shape, own.split(1)),
                                .agent = rw::compose{agent_at(at), role_wise::crop_flip},
                                .optimizer = rw::sgd{.learning_rate = job_.teacher_rate},
                                .seed = own};
        },
        accuracy, parts_.search, by_role("teacher"), rw::trial_table{});
    const auto& best = of_teachers.best();
    const role_wise::teacher_handle teacher{
        rw::frozen(of_teachers.steps[static_cast<std::size_t>(best.trial)]->evaluated())};
    auto of_students = by_role("student");
    of_students.conditions ^= teacher.fingerprint();  // no search is resumed under another teacher
    found_agents found{method, text_of(best)};
    found.student = role_wise::with_quantizer(job_, [&](const auto& quantizer) {
      return text_of(
          rw::run_search(
              strategy, space,
              [&](const rw::search::configuration& at, std::int64_t, rw::seed own) {
                return rw::distillation{
                    .teacher = teacher,
                    .student =
                        started(new_student(quantizer)(parts_.search.shape, own.split(1)), teacher),
                    .teacher_agent = rw::same_view{},
                    .student_agent = agent_at(at),
                    .shared_agent = role_wise::crop_flip,
                    .loss = role_wise::distillation_loss(),
                    .optimizer = role_wise::student_optimizer(job_.distilled_rate),
                    .seed = own};
              },
              accuracy, parts_.search, of_students, rw::trial_table{})
              .best());
    });
    return found;
  }

  template<typename Student>
  [[nodiscard]] Student started(Student student, const role_wise::teacher_handle& teacher) const
  {
    if (job_.start == "teacher")
      (void)rw::copy_weights(teacher.teacher().network(), student,
                             {.other_shape = rw::on_other_shape::leave, .partial = true});
    return student;
  }

  /// Writes the results of a search. @return the agent of the found schedule, as a text
  template<typename Network>
  [[nodiscard]] std::string keep(const std::string& method, const std::string& role,
                                 const rw::systems::found_policies<Network>& found) const
  {
    const auto folder = folder_of(method, role);
    rw::report::write_search_page(
        folder + "/page.html", found.history,
        {.title = method + ", " + role,
         .settings = {{"data", parts_.all.name},
                      {"images to search with", std::to_string(parts_.search.size())},
                      {"images to validate with", std::to_string(parts_.validation.size())},
                      {"share of validation, %",
                       rw::report::fixed_text(100 * found.cost.validation_share(), 1)}}});
    const auto path = folder + "/schedule.json";
    rw::write_policy_schedule(path, found.schedule(job_.epochs));
    (void)rw::search::write_policy_logs(folder, found.history);
    return "schedule:" + path;
  }

  search_job wanted_;
  role_wise::job job_;
  rw::systems::search_splits parts_;
};

}  // namespace role_wise_search
