// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "experiment.hpp"

#include "arms.hpp"
#include "job_record.hpp"
#include "parts.hpp"
#include "report.hpp"
#include "sources.hpp"
#include "views.hpp"

#include <rolewise/rolewise.hpp>

#include <torch/types.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace rw = rolewise;

namespace role_wise {

namespace {

class experiment {
 public:
  explicit experiment(const job& wanted) : job_{wanted}, source_{wanted}
  {
    require_views_of_the_same_images();
    for (std::int64_t i = 0; i < job_.seeds; ++i) data_.push_back(source_.of(job_.first_seed + i));
  }

  [[nodiscard]] std::vector<outcome> run()
  {
    const auto views = picture_of_views();
    // Everything is validated before anything is written: a folder left by an invalid command line
    // would be taken for the intended job.
    start(job_);
    rw::report::write_svg(job_.folder + "/views.svg", views);
    train_all(teachers_wanted());
    train_all(students_wanted());
    return std::move(outcomes_);
  }

 private:
  /// A network to be trained.
  struct task {
    std::int64_t place = 0;               ///< index of its seed among the job's
    const role_wise::arm* arm = nullptr;  ///< nullptr: a teacher
    int bits = 32;
    bool has_teacher_agent = false;  ///< whether it is, or has, the second teacher

    [[nodiscard]] std::string name() const
    {
      if (arm != nullptr) return student_name(*arm, bits);
      return has_teacher_agent ? "teacher-agent" : "teacher";
    }
  };

  /// Rejects agents that mix images in arms with a view for each role: the roles would mix
  /// different images, and the teacher's logits for its view would be no target for the student's.
  void require_views_of_the_same_images() const
  {
    for (const auto& name : job_.arms) {
      const auto& arm = arm_named(name);
      if (arm.has_own_view &&
          ((arm.has_teacher_agent && agent_of(job_.teacher_agent).mixes_examples()) ||
           (arm.has_student_agent && agent_of(job_.student_agent).mixes_examples())))
        rw::throw_invalid_argument(
            "role_wise", "arm ", name,
            " shows each role its own view, which wants agents that do not mix images");
    }
  }

  [[nodiscard]] std::vector<task> teachers_wanted() const
  {
    std::vector<task> found;
    for (std::int64_t place = 0; place < job_.seeds; ++place)
      for (const bool has_agent : {false, true})
        if (std::any_of(job_.arms.begin(), job_.arms.end(), [&](const auto& name) {
              const auto& arm = arm_named(name);
              return (arm.is_distilled || job_.start == "teacher") &&
                     arm.has_teacher_agent == has_agent;
            }))
          found.push_back({.place = place, .has_teacher_agent = has_agent});
    return found;
  }

  [[nodiscard]] std::vector<task> students_wanted() const
  {
    std::vector<task> found;
    for (std::int64_t place = 0; place < job_.seeds; ++place)
      for (const int bits : job_.bits)
        for (const auto& name : job_.arms) {
          const auto& arm = arm_named(name);
          found.push_back({.place = place,
                           .arm = &arm,
                           .bits = bits,
                           .has_teacher_agent = arm.has_teacher_agent});
        }
    return found;
  }

  /// Trains `max_concurrent_trials` networks at a time, on one thread each. Records a diverged run
  /// in its outcome; any other exception ends the job.
  void train_all(const std::vector<task>& tasks)
  {
    std::vector<std::int64_t> numbers(tasks.size());
    for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<std::int64_t>(i);
    std::size_t done = 0;
    std::vector<outcome> found(tasks.size());
    rw::support::run_concurrently(
        numbers, {.max_concurrent = job_.max_concurrent_trials, .threads_per_task = 1},
        [&](std::int64_t number) {
          const auto& what = tasks[static_cast<std::size_t>(number)];
          try {
            return what.arm == nullptr ? train_teacher(what) : train_student(what);
          } catch (const rw::diverged& why) {
            return outcome{.name = what.name(), .seed = seed_of(what), .failure = why.what()};
          }
        },
        [&](std::int64_t number, outcome outcome) {
          tell(outcome, ++done, tasks.size());
          found[static_cast<std::size_t>(number)] = std::move(outcome);
        });
    for (auto& outcome : found) outcomes_.push_back(std::move(outcome));
  }

  outcome train_teacher(const task& what)
  {
    const auto& data = data_of(what);
    const auto key = key_of(what);
    rw::supervised pretraining{
        .student = new_teacher(job_, data.train.shape, key.split(1)),
        .agent = rw::compose{what.has_teacher_agent ? agent_for(job_.teacher_agent, data.train)
                                                    : chosen_agent{},
                             crop_flip},
        .optimizer = rw::sgd{.learning_rate = job_.teacher_rate},
        .seed = key};
    auto outcome = trained(what, pretraining);
    const std::lock_guard hold{mutex_};
    teachers_.emplace(std::pair{what.place, what.has_teacher_agent},
                      teacher_handle{rw::frozen(std::move(pretraining.student))});
    return outcome;
  }

  outcome train_student(const task& what)
  {
    return with_quantizer(job_,
                          [&](const auto& quantizer) { return train_student(what, quantizer); });
  }

  template<typename Quantizer>
  outcome train_student(const task& what, const Quantizer& quantizer)
  {
    const auto& data = data_of(what);
    const auto& arm = *what.arm;
    const auto key = key_of(what);
    auto student = new_student(job_, what.bits, quantizer, data.train.shape, key.split(2));
    if (job_.start == "teacher")
      (void)rw::copy_weights(teacher_of(what).teacher().network(), student,
                             {.other_shape = rw::on_other_shape::leave, .partial = true});
    const auto student_agent =
        arm.has_student_agent ? agent_for(job_.student_agent, data.train) : chosen_agent{};
    if (!arm.is_distilled) {
      rw::supervised alone{.student = std::move(student),
                           .agent = rw::compose{student_agent, crop_flip},
                           .optimizer = student_optimizer(job_.alone_rate),
                           .seed = key};
      return trained(what, alone);
    }
    const auto distil = [&](const auto& teacher_agent) {
      rw::distillation step{.teacher = teacher_of(what),
                            .student = std::move(student),
                            .teacher_agent = teacher_agent,
                            .student_agent = student_agent,
                            .shared_agent = crop_flip,
                            .loss = distillation_loss(),
                            .optimizer = student_optimizer(job_.distilled_rate),
                            .seed = key};
      return trained(what, step);
    };
    if (!arm.has_own_view) return distil(rw::same_view{});
    return distil(arm.has_teacher_agent ? agent_for(job_.teacher_agent, data.train)
                                        : chosen_agent{});
  }

  /// Trains a network, from its last checkpoint if there is one; evaluates it on the test images.
  template<typename Step>
  outcome trained(const task& what, Step& step) const
  {
    const auto& data = data_of(what);
    const auto folder =
        job_.folder + "/runs/seed" + std::to_string(seed_of(what)) + "/" + what.name();
    std::filesystem::create_directories(folder);
    auto history = rw::fit(step, data.train,
                           {.epochs = job_.epochs,
                            .batch_size = job_.batch_size,
                            .seed = key_of(what),
                            .validation = data.validation.size() > 0 ? &data.validation : nullptr,
                            .validation_interval = std::max<std::int64_t>(1, job_.epochs / 14),
                            .resume = true},
                           rw::json_lines{.path = folder + "/epochs.jsonl"},
                           rw::checkpoints{.folder = folder,
                                           .every = std::max<std::int64_t>(1, job_.epochs / 8),
                                           .keep_best = false});
    if (auto known = recorded(job_, what.name(), seed_of(what));
        known && same_results(known->history, history))
      return *std::move(known);
    const auto on_test = rw::evaluate(step.evaluated(), data.test);
    outcome found{.name = what.name(),
                  .seed = seed_of(what),
                  .history = std::move(history),
                  .accuracy = on_test.top1,
                  .top5 = on_test.top5,
                  .loss = on_test.loss,
                  .bytes = step.evaluated().bytes()};
    if constexpr (requires { step.student_agent; })
      found.views =
          look_at_views(step.teacher, data.train, step.student_agent, crop_flip, job_.batch_size);
    write_outcome(job_, found);
    return found;
  }

  /// Contact sheet of the first 16 training images in the first epoch: the samples, the student's
  /// views, the teacher's own views.
  [[nodiscard]] rw::report::contact_sheet picture_of_views() const
  {
    const auto& train = data_.front().train;
    const auto sixteen =
        rw::subset(train, torch::arange(std::min<std::int64_t>(16, train.size()))).examples();
    const rw::training_progress progress{.epoch = 0, .step = 0, .epochs = job_.epochs};
    const rw::seed key{static_cast<std::uint64_t>(job_.first_seed)};
    const auto views_under = [&](const auto& teacher_agent) {
      return rw::make_views(sixteen, teacher_agent,
                            agent_for(job_.student_agent, data_.front().train), crop_flip, progress,
                            key);
    };
    const auto own = views_under(agent_for(job_.teacher_agent, data_.front().train));
    return {.rows = {{"sample", sixteen},
                     {"student's view, shown to both", own.student},
                     {"teacher's own view", own.teacher}}};
  }

  [[nodiscard]] std::int64_t seed_of(const task& what) const
  {
    return job_.first_seed + what.place;
  }
  [[nodiscard]] rw::seed key_of(const task& what) const
  {
    return rw::seed{static_cast<std::uint64_t>(seed_of(what))};
  }
  [[nodiscard]] const sources& data_of(const task& what) const
  {
    return data_[static_cast<std::size_t>(what.place)];
  }
  /// @throws rolewise::diverged if the teacher diverged
  [[nodiscard]] const teacher_handle& teacher_of(const task& what) const
  {
    const auto found = teachers_.find({what.place, what.has_teacher_agent});
    if (found == teachers_.end()) rw::diverge("role_wise", "its teacher diverged");
    return found->second;
  }

  job job_;
  source_of_seeds source_;
  std::vector<sources> data_;
  std::mutex mutex_;  // guards `teachers_` while it is filled
  std::map<std::pair<std::int64_t, bool>, teacher_handle> teachers_;
  std::vector<outcome> outcomes_;
};

}  // namespace

std::vector<outcome> run_experiment(const job& wanted) { return experiment{wanted}.run(); }

}  // namespace role_wise
