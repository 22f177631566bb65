#pragma once
// A move-only function object, for handlers that are kept. Callable when it is not empty; as often
// as one likes.
#include <memory>
#include <type_traits>
#include <utility>

namespace headgate::io {

template <typename... Args>
class Callback {
 public:
  Callback() = default;
  template <typename F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, Callback> && std::is_invocable_v<F&, Args...>)
  Callback(F work)
      : work_(std::make_unique<Holder<F>>(std::move(work))) {}  // NOLINT: meant to be implicit

  explicit operator bool() const { return work_ != nullptr; }
  void operator()(Args... args) const { work_->call(std::forward<Args>(args)...); }

 private:
  struct Base {
    virtual ~Base() = default;
    virtual void call(Args... args) = 0;
  };
  template <typename F>
  struct Holder : Base {
    explicit Holder(F w) : work(std::move(w)) {}
    void call(Args... args) override { work(std::forward<Args>(args)...); }
    F work;
  };
  std::unique_ptr<Base> work_;
};

}  // namespace headgate::io
