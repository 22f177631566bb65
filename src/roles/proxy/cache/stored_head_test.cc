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

std::string written(const Fields& fields) {
  std::string out;
  begin_stored_head(out);
  for (const Field& field : fields) append_stored_field(out, field);
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
  head[0] = static_cast<char>(head[0] ^ 1);
  head[4] = static_cast<char>(FieldId::kVary);  // what the other build called content-type
  Fields read;
  ASSERT_TRUE(read_stored_head(head, read));
  expect_same(read, kFields);
}

TEST(StoredHead, CutAnywhereInAFieldIsNoHeadAndAddsNothing) {
  const std::string head = written(kFields);
  for (std::size_t length = 0; length < head.size(); ++length) {
    Fields read = {{"before", "x"}};
    const bool is_between_fields = [&] {
      for (std::size_t i = 0; i <= kFields.size(); ++i)
        if (written({kFields.begin(), kFields.begin() + static_cast<std::ptrdiff_t>(i)}).size() ==
            length)
          return true;
      return false;
    }();
    EXPECT_EQ(read_stored_head(std::string_view(head).substr(0, length), read), is_between_fields);
    if (is_between_fields) continue;
    EXPECT_EQ(read.size(), 1U);
  }
}

TEST(StoredHead, AnIdThatDoesNotExistIsNoHead) {
  std::string head = written({kFields[0]});
  head[4] = static_cast<char>(FieldId::kCount);
  Fields read;
  EXPECT_FALSE(read_stored_head(head, read));
}

}  // namespace
}  // namespace headgate::proxy
