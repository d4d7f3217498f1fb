// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Writes event files of a run that is interrupted and resumed: live_tensorboard FOLDER.
// tensorboard.py runs it and reads them with the package tensorboard.
#include <rolewise/report/tensorboard.hpp>

#include <torch/types.h>

#include <cstdint>
#include <cstdio>
#include <exception>
#include <stdexcept>

namespace rw = rolewise;

namespace {

/// Epochs `first` .. `last` - 1 of 5 steps. A killed run also leaves steps of the epoch after.
void run(rw::report::tensorboard& board, std::int64_t first, std::int64_t last, bool is_killed,
         double loss)
{
  const rw::run_signature signature;
  const rw::run_history history;
  board.on(rw::fit_begin{signature, history, first, last, first > 0});
  for (auto epoch = first; epoch < last; ++epoch) {
    const rw::metrics numbers{{"loss", torch::tensor(loss)}};
    for (std::int64_t step = 0; step < 5; ++step)
      board.on(rw::step_end{
          {.epoch = epoch, .step = step, .epochs = 4, .steps_per_epoch = 5}, 8, numbers});
    rw::epoch_record record;
    record.epoch = epoch;
    record.numbers = {{"loss", loss}};
    record.validation_accuracy = 0.125 * static_cast<double>(epoch);
    board.on(rw::epoch_end{signature, record, history});
  }
  if (!is_killed) board.on(rw::fit_end{history});
}

}  // namespace

int main(int count, char** words)
try {
  if (count != 2) throw std::invalid_argument{"want FOLDER"};
  double seconds = 1.7e9;
  const auto board = [&] {
    rw::report::tensorboard made{
        .folder = words[1], .every = 2, .clock = [&seconds] { return seconds += 1.0; }};
    made.each_epoch = [](rw::report::event_writer& to, std::int64_t step) {
      to.add_histogram("levels/first", torch::tensor({-1.0, 0.0, 0.0, 1.0}), step);
      const auto pixels = torch::arange(2 * 3 * 4 * 5).remainder(256).to(torch::kByte);
      to.add_view("views", {pixels.view({2, 3, 4, 5}), {}, torch::arange(2), {}}, step);
    };
    return made;
  };
  auto killed = board(), resumed = board();
  run(killed, 0, 3, true, 2.0);  // its last checkpoint is that of epoch 1
  run(resumed, 2, 4, false, 1.0);
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
