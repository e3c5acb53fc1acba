// A receipt kept with an idempotency key reads back as it was, and nothing else reads as one.
#include "commit/receipt.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace panier::commit {
namespace {

using cart::OperationKind;

Receipt receipt(OperationKind kind, std::int64_t version, std::int64_t thousandths, int flags) {
  Receipt made;
  made.outcome = {.kind = kind,
                  .id = *CartId::parse("65f0c1d2e3a4b5c6d7e8f901"),
                  .version = version,
                  .quantity = cart::Quantity::from_thousandths(thousandths),
                  .existed = (flags & 1) != 0,
                  .changed = (flags & 2) != 0};
  made.mirrored = (flags & 4) != 0;
  return made;
}

TEST(Receipt, ReadsBackAsItWas) {
  using enum OperationKind;
  for (const auto kind : {create, add, edit, remove, empty, erase})
    for (const auto version : {std::int64_t{0}, std::int64_t{1764000000001}, INT64_MAX})
      for (const auto thousandths : {0, 1500, 1'000'000'000})
        for (int flags = 0; flags < 8; ++flags) {
          const auto made = receipt(kind, version, thousandths, flags);
          const auto text = encode(made);
          EXPECT_LE(text.size(), 200u);
          EXPECT_TRUE(std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; }));
          EXPECT_EQ(decode(text), made) << text;
        }
}

TEST(Receipt, ItsTextIsStable) {
  // Keys outlive an upgrade by a day: a change here needs a new form number beside this one.
  EXPECT_EQ(encode(receipt(OperationKind::add, 1764000000001, 1500, 6)),
            "1 add 65f0c1d2e3a4b5c6d7e8f901 1764000000001 1500 CM");
  EXPECT_EQ(encode(receipt(OperationKind::create, 7, 0, 0)),
            "1 create 65f0c1d2e3a4b5c6d7e8f901 7 0 -");
}

TEST(Receipt, NothingElseIsOne) {
  for (const auto* text :
       {"", "1", "2 add 65f0c1d2e3a4b5c6d7e8f901 7 0 CM", "1 ad 65f0c1d2e3a4b5c6d7e8f901 7 0 CM",
        "1 add 65f0c1d2e3a4b5c6d7e8f90 7 0 CM", "1 add 65f0c1d2e3a4b5c6d7e8f901 x 0 CM",
        "1 add 65f0c1d2e3a4b5c6d7e8f901 7 0.5 CM", "1 add 65f0c1d2e3a4b5c6d7e8f901 7 0",
        "1 add 65f0c1d2e3a4b5c6d7e8f901 7 0 MC", "1 add 65f0c1d2e3a4b5c6d7e8f901 7 0 CM ",
        "1 add 65f0c1d2e3a4b5c6d7e8f901  7 0 CM", "1 add 65f0c1d2e3a4b5c6d7e8f901 7 0 X"})
    EXPECT_FALSE(decode(text)) << text;
  EXPECT_FALSE(decode(std::string(201, '1')));
}

} // namespace
} // namespace panier::commit
