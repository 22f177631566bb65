#pragma once
// For tests: a name server on loopback, on the loop of the test, that answers A and AAAA questions
// from tables and everything else with an empty answer. Packets are made by hand.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <map>
#include <string>
#include <vector>

#include "io/loop.h"
#include "io/socket.h"

namespace headgate::proxy::testing {

class NameServer : public io::EventHandler {
 public:
  explicit NameServer(io::Loop& loop) : fd_(io::bind_udp("127.0.0.1", 0).value()) {
    EXPECT_TRUE(loop.add(fd_.get(), EPOLLIN, *this));
  }
  std::string address() const {
    return "127.0.0.1:" + std::to_string(io::local_endpoint(fd_.get()).port);
  }

  enum class Mood { kAnswers, kServfail, kNxdomain, kEmpty, kSilent };
  Mood mood = Mood::kAnswers;  // of both families; while it answers, each has its own
  Mood ipv4_mood = Mood::kAnswers, ipv6_mood = Mood::kAnswers;
  using Names = std::map<std::string, std::vector<std::uint8_t>>;
  Names names;        // "www.test": last bytes of 127.0.0.x
  Names ipv6_names;   // and of fd00::x
  int questions = 0;  // of type A

  void on_io(std::uint32_t) override {
    char query[512];
    sockaddr_storage from{};
    socklen_t length = sizeof from;
    const ssize_t size =
        ::recvfrom(fd_.get(), query, sizeof query, 0, reinterpret_cast<sockaddr*>(&from), &length);
    if (size < 17) return;
    const std::string reply = answer({query, static_cast<std::size_t>(size)});
    if (reply.empty()) return;
    ::sendto(fd_.get(), reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&from), length);
  }

 private:
  std::string answer(std::string_view query) {
    std::string name;
    std::size_t at = 12;
    while (query[at] != 0) {
      const auto label = static_cast<std::size_t>(query[at]);
      if (!name.empty()) name += '.';
      name += query.substr(at + 1, label);
      at += label + 1;
    }
    const char type = query[at + 2];
    questions += type == kA;
    const Mood family_mood = type == kAaaa ? ipv6_mood : ipv4_mood;
    const Mood now = mood == Mood::kAnswers ? family_mood : mood;
    if (now == Mood::kSilent) return {};
    std::string records;
    char count = 0, code = 0;
    if (now == Mood::kServfail) code = 2;
    if (now == Mood::kNxdomain || !(names.contains(name) || ipv6_names.contains(name))) code = 3;
    if (now == Mood::kAnswers && code == 0 && (type == kA || type == kAaaa)) {
      for (const std::uint8_t last : (type == kA ? names : ipv6_names)[name]) {
        records += record(type, last);
        ++count;
      }
    }
    return std::string(query.substr(0, 2)) + '\x81' + static_cast<char>(0x80 | code) +
           std::string("\0\1\0", 3) + count + std::string(4, '\0') +
           std::string(query.substr(12, at + 5 - 12)) + records;
  }

  static std::string record(char type, std::uint8_t last) {  // TTL 0
    const std::string data = type == kA ? std::string("\x7f\0\0", 3)
                                        : std::string("\xfd", 1) + std::string(14, '\0');
    return std::string("\xc0\x0c\0", 3) + type + std::string("\0\1\0\0\0\0\0", 7) +
           static_cast<char>(data.size() + 1) + data + static_cast<char>(last);
  }
  static constexpr char kA = 1, kAaaa = 28;

  io::Fd fd_;
};

}  // namespace headgate::proxy::testing
