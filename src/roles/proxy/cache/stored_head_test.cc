#include "roles/proxy/cache/stored_head.h"

#include <gtest/gtest.h>

namespace headgate::proxy {
namespace {

using wire::http::Field;
using wire::http::FieldId;
using wire::http::Fields;

const Fields kFields = {{"content-type", "text/html", FieldId::kContentType},
                        {"X-Own", "", FieldId::kOther},
                        {"etag", "\"a\"", FieldId::kEtag}};

constexpr std::size_t kTableAt = 1, kFirstIdAt = 8;

std::string written(const Fields& fields) {
  std::string out;
  write_stored_head(out, fields);
  return out;
}

void expect_same(const Fields& a, const Fields& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].name, b[i].name);
    EXPECT_EQ(a[i].value, b[i].value);
    EXPECT_EQ(a[i].id, b[i].id);
  }
}

TEST(StoredHead, IsReadAsItWasWritten) {
  const std::string head = written(kFields);
  Fields read;
  ASSERT_TRUE(read_stored_head(head, read));
  expect_same(read, kFields);
}

TEST(StoredHead, OfAnotherTableOfIdsIsReadByItsNames) {
  std::string head = written(kFields);
  head[kTableAt] = static_cast<char>(head[kTableAt] ^ 1);
  head[kFirstIdAt] = static_cast<char>(FieldId::kVary);  // what the other build called content-type
  Fields read;
  ASSERT_TRUE(read_stored_head(head, read));
  expect_same(read, kFields);
}

TEST(StoredHead, CutAnywhereOrContinuedItIsNoHeadAndAddsNothing) {
  const std::string head = written(kFields);
  for (std::size_t length = 0; length < head.size(); ++length) {
    Fields read = {{"before", "x"}};
    EXPECT_FALSE(read_stored_head(std::string_view(head).substr(0, length), read)) << length;
    EXPECT_EQ(read.size(), 1U);
  }
  Fields read;
  EXPECT_FALSE(read_stored_head(head + "x", read));
}

TEST(StoredHead, OfAnotherFormatIsNoHead) {
  std::string head = written(kFields);
  head[0] = static_cast<char>(head[0] + 1);
  Fields read;
  EXPECT_FALSE(read_stored_head(head, read));
  EXPECT_EQ(unchanging_lines(head), "");
}

TEST(StoredHead, LinesThatDoNotEndWhereTheirLengthsSayAreNoHead) {
  const std::string sound = written(kFields);
  for (const char* mark : {": text", "\r\nX-Own", "\n"}) {
    std::string head = sound;
    head[head.find(mark)] = 'x';
    Fields read;
    EXPECT_FALSE(read_stored_head(head, read)) << mark;
  }
}

TEST(StoredHead, AnIdThatDoesNotExistIsNoHead) {
  std::string head = written({kFields[0]});
  head[kFirstIdAt] = static_cast<char>(FieldId::kCount);
  Fields read;
  EXPECT_FALSE(read_stored_head(head, read));
}

TEST(StoredHead, TheLinesOfAnAnswerThatNothingChangesAreTheFieldsInOrder) {
  Fields fields = kFields;
  EXPECT_EQ(unchanging_lines(written(fields)), "") << "a Date would be added";
  fields.push_back({"Date", "now", FieldId::kDate});
  EXPECT_EQ(unchanging_lines(written(fields)),
            "content-type: text/html\r\nX-Own: \r\netag: \"a\"\r\nDate: now\r\n");
}

TEST(StoredHead, AFieldThatAnAnswerDropsOrContinuesKeepsTheLinesFromBeingCopied) {
  for (const FieldId id :
       {FieldId::kVia, FieldId::kAge, FieldId::kContentLength, FieldId::kConnection}) {
    const Fields fields = {{"date", "now", FieldId::kDate}, {wire::http::name_of(id), "1", id}};
    EXPECT_EQ(unchanging_lines(written(fields)), "") << fields[1].name;
  }
}

TEST(StoredHead, TheLinesOfAnotherTableOfIdsAreReadFieldByField) {
  std::string head = written({{"date", "now", FieldId::kDate}});
  ASSERT_NE(unchanging_lines(head), "");
  head[kTableAt] = static_cast<char>(head[kTableAt] ^ 1);
  EXPECT_EQ(unchanging_lines(head), "");
}

}  // namespace
}  // namespace headgate::proxy
