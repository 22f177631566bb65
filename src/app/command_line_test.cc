#include "app/command_line.h"

#include <gtest/gtest.h>

#include <vector>

namespace headgate::app {
namespace {

Result<Invocation> parse(std::vector<const char*> words) {
  words.insert(words.begin(), "headgate");
  return parse_command_line(static_cast<int>(words.size()), words.data());
}

std::string error_of(std::vector<const char*> words) {
  const auto parsed = parse(std::move(words));
  return parsed ? "no error" : parsed.error().message;
}

TEST(CommandLine, UpNeedsFilesAndDefaultsTheRest) {
  const auto parsed = parse({"up", "-f", "a", "-f", "b"});
  ASSERT_TRUE(parsed) << parsed.error().message;
  const UpOptions& up = std::get<Up>(*parsed).options;
  EXPECT_EQ(up.files, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(wire::ip::to_string(*up.admin), "127.0.0.1:9900");
  EXPECT_EQ(wire::ip::to_string(*up.api), "127.0.0.1:9901");
  EXPECT_EQ(up.drain_timeout, 30s);
  EXPECT_EQ(up.workers, 0U);
  EXPECT_FALSE(up.state.empty());
  EXPECT_NE(error_of({"up"}).find("--file"), std::string::npos);
}

TEST(CommandLine, ReadsEveryFlagOfUp) {
  const auto parsed = parse({"up",
                             "-f",
                             "d",
                             "--state",
                             "s",
                             "--workers",
                             "3",
                             "--address",
                             "127.0.0.2",
                             "--admin",
                             "[::1]:1",
                             "--api",
                             "off",
                             "--watch",
                             "--access-log",
                             "x.log",
                             "--drain-timeout",
                             "1m30s",
                             "--dns-server",
                             "127.0.0.1:53",
                             "--log-format",
                             "json",
                             "--locality",
                             "z1",
                             "--pin-workers"});
  ASSERT_TRUE(parsed) << parsed.error().message;
  const UpOptions& up = std::get<Up>(*parsed).options;
  EXPECT_EQ(up.state, "s");
  EXPECT_EQ(up.workers, 3U);
  EXPECT_EQ(up.address, "127.0.0.2");
  EXPECT_EQ(wire::ip::to_string(*up.admin), "[::1]:1");
  EXPECT_FALSE(up.api);
  EXPECT_TRUE(up.watch && up.pin_workers);
  EXPECT_EQ(up.access_log, "x.log");
  EXPECT_EQ(up.drain_timeout, 90s);
  EXPECT_EQ(up.dns_servers, std::vector<std::string>{"127.0.0.1:53"});
  EXPECT_EQ(up.log_format, Log::Format::kJson);
  EXPECT_EQ(up.locality, "z1");
}

TEST(CommandLine, SigningNeedsAUrlAndAKey) {
  const auto parsed =
      parse({"sign-url", "--key-id", "k", "--key-file", "f", "--expires-in", "90s", "--prefix",
             "/a/", "--address", "::1", "--parameter-prefix", "x-", "http://a/a/b"});
  ASSERT_TRUE(parsed) << parsed.error().message;
  const auto& sign = std::get<SignUrlOptions>(*parsed);
  EXPECT_EQ(sign.url, "http://a/a/b");
  EXPECT_EQ(sign.key_id + sign.key_file, "kf");
  EXPECT_EQ(sign.expires_in, 90s);
  EXPECT_EQ(sign.prefix + sign.address + sign.parameter_prefix, "/a/::1x-");
  EXPECT_NE(error_of({"sign-url", "http://a/"}).find("--key-"), std::string::npos);
  EXPECT_NE(
      error_of({"sign-url", "--key-id", "k", "--key-file", "f", "--expires-in", "1", "http://a/"})
          .find("--expires-in: '1' is not a duration"),
      std::string::npos);
}

TEST(CommandLine, ADataPlaneTakesTheSameFlagsAndItsReason) {
  const auto parsed = parse({"data-plane", "--start", "restart", "--restarts", "2", "-f", "d"});
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(std::get<ServeTraffic>(*parsed).plane.start, Start::kRestart);
  EXPECT_EQ(std::get<ServeTraffic>(*parsed).plane.restarts, 2U);
}

TEST(CommandLine, SuggestsTheFlagThatWasMeant) {
  EXPECT_EQ(error_of({"up", "-f", "d", "--wach"}),
            "unknown option '--wach'; did you mean '--watch'?\nTry 'headgate up --help'.");
  EXPECT_EQ(error_of({"up", "--flie", "d"}),
            "unknown option '--flie'; did you mean '--file'?\nTry 'headgate up --help'.");
  EXPECT_EQ(error_of({"chek"}),
            "unknown argument 'chek'; did you mean 'check'?\nTry 'headgate --help'.");
}

TEST(CommandLine, RefusesValuesThatCannotBe) {
  for (const std::vector<const char*>& extra :
       std::vector<std::vector<const char*>>{{"--admin", "localhost"},
                                             {"--admin", "127.0.0.1:0"},
                                             {"--drain-timeout", "soon"},
                                             {"--address", "here"},
                                             {"--workers", "0"},
                                             {"--dns-server", "dns"},
                                             {"--log-format", "xml"}}) {
    std::vector<const char*> words = {"up", "-f", "d"};
    words.insert(words.end(), extra.begin(), extra.end());
    EXPECT_NE(error_of(words).find(extra[0]), std::string::npos)
        << extra[0] << ": " << error_of(words);
  }
}

TEST(CommandLine, PrintsVersionAndHelp) {
  EXPECT_EQ(std::get<Print>(*parse({"--version"})).text, "headgate 0.1.0\n");
  const std::string help = std::get<Print>(*parse({"--help"})).text;
  EXPECT_NE(help.find("check"), std::string::npos);
  EXPECT_EQ(help.find("data-plane"), std::string::npos) << "internal";
  EXPECT_NE(std::get<Print>(*parse({"up", "--help"})).text.find("SIGUSR2"), std::string::npos);
}

}  // namespace
}  // namespace headgate::app
