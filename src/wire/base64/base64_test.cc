#include "wire/base64/base64.h"

#include <gtest/gtest.h>

#include "base/prng.h"

namespace headgate::wire::base64 {
namespace {

TEST(Base64, encodes_the_vectors_of_rfc_4648) {
  EXPECT_EQ(encode(""), "");
  EXPECT_EQ(encode("f"), "Zg==");
  EXPECT_EQ(encode("fo"), "Zm8=");
  EXPECT_EQ(encode("foo"), "Zm9v");
  EXPECT_EQ(encode("foobar"), "Zm9vYmFy");
  EXPECT_EQ(encode_url("foob"), "Zm9vYg");
  EXPECT_EQ(encode("\xfb\xff\xfe"), "+//+");
  EXPECT_EQ(encode_url("\xfb\xff\xfe"), "-__-");
}

TEST(Base64, refuses_every_second_spelling_of_a_value) {
  for (const char* text : {"Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Zm8", "Z", "=", "==", "====",
                           "Zm9v\n", " Zm9v", "Zm9v====", "Zg==Zg==", "Zm=v", "-__-", "Zm9*"})
    EXPECT_FALSE(decode(text)) << text;
  for (const char* text : {"Zg==", "Zh", "Zm9", "Z", "+//+", "Zm9v "})
    EXPECT_FALSE(decode_url(text)) << text;
}

TEST(Base64, decodes_what_it_encodes) {
  Prng random(1);
  for (std::size_t size = 0; size < 300; ++size) {
    std::string bytes;
    for (std::size_t i = 0; i < size; ++i) bytes += static_cast<char>(random.next());
    EXPECT_EQ(decode(encode(bytes)), bytes);
    EXPECT_EQ(decode_url(encode_url(bytes)), bytes);
    EXPECT_EQ(encode(bytes).size(), encoded_bytes(size));
  }
}

}  // namespace
}  // namespace headgate::wire::base64
