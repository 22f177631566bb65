#pragma once
// For tests: a name server on loopback, on the loop of the test, that answers A questions from a
// table and everything else with an empty answer. Packets are made by hand.
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
  Mood mood = Mood::kAnswers;
  std::map<std::string, std::vector<std::uint8_t>> names;  // "www.test": last bytes of 127.0.0.x
  int questions = 0;                                       // of type A

  void on_io(std::uint32_t) override {
    char query[512];
    sockaddr_storage from{};
    socklen_t length = sizeof from;
    const ssize_t size =
        ::recvfrom(fd_.get(), query, sizeof query, 0, reinterpret_cast<sockaddr*>(&from), &length);
    if (size < 17) return;
    const std::string reply = answer({query, static_cast<std::size_t>(size)});
    if (mood == Mood::kSilent) return;
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
    const bool asks_a = query[at + 2] == 1;
    questions += asks_a;
    std::string records;
    char count = 0, code = 0;
    if (mood == Mood::kServfail) code = 2;
    if (mood == Mood::kNxdomain || !names.contains(name)) code = 3;
    if (mood == Mood::kAnswers && code == 0 && asks_a) {
      for (const std::uint8_t last : names[name]) {
        records += std::string("\xc0\x0c\0\1\0\1\0\0\0\0\0\4\x7f\0\0", 15) +
                   static_cast<char>(last);  // TTL 0
        ++count;
      }
    }
    return std::string(query.substr(0, 2)) + '\x81' + static_cast<char>(0x80 | code) +
           std::string("\0\1\0", 3) + count + std::string(4, '\0') +
           std::string(query.substr(12, at + 5 - 12)) + records;
  }

  io::Fd fd_;
};

}  // namespace headgate::proxy::testing
