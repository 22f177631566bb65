#include "app/background.h"

namespace headgate::app {

Background::Background(io::Loop& loop) : loop_(loop), thread_([this] { serve(); }) {}

Background::~Background() {
  alive_.reset();
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

bool Background::stopping() {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

void Background::add(io::Task task) {
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  wake_.notify_one();
}

void Background::serve() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stopping_ || !tasks_.empty(); });
    if (stopping_) return;
    io::Task task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task.run();
    lock.lock();
  }
}

}  // namespace headgate::app
