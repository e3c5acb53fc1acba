// The order of the work file, and the ids that carts keep.
#include "migrate/identity.hpp"

#include <gmock/gmock.h>

namespace panier::migrate {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const std::string id_a(24, 'a');
const std::string id_b(24, 'b');
constexpr std::int64_t next_id_maria = 100;

Row row(std::uint32_t id_maria, std::string user, std::string id) {
  Row made;
  made.id_maria = id_maria;
  made.user_id = std::move(user);
  made.id = std::move(id);
  made.articles = "[]";
  return made;
}

Document document(std::string user, std::string id, std::uint32_t id_maria) {
  Document made;
  made.user_id = std::move(user);
  made.id = std::move(id);
  made.id_maria = id_maria;
  made.json = R"({"articles": []})";
  return made;
}

// A work file with these, and what is chosen for each user in its order.
class Chosen {
public:
  Chosen(const std::vector<Row>& rows, const std::vector<Document>& documents) {
    auto file = WorkFile::make();
    EXPECT_TRUE(file);
    for (const auto& one : rows)
      EXPECT_TRUE((*file)->add(one));
    for (const auto& one : documents)
      EXPECT_TRUE((*file)->add(one));
    EXPECT_TRUE((*file)->sort());
    Identities identities(**file, next_id_maria);
    EXPECT_TRUE((*file)->foreign(
        [&](Row&& one) -> Result<void> {
          foreign.push_back(one.user_id);
          return {};
        },
        [&](Document&& one) -> Result<void> {
          foreign.push_back(one.user_id.value_or("(none)"));
          return {};
        }));
    EXPECT_TRUE((*file)->groups([&](Group&& group) -> Result<void> {
      for (const auto& user : split(std::move(group))) {
        Merged merged;
        const auto identity = identities.choose(user, merged);
        EXPECT_TRUE(identity);
        users.push_back(user.user.text() + " " + identity->id.hex() + " " +
                        std::to_string(identity->id_maria));
        for (const auto& aside : merged.aside)
          told.push_back(aside.reason);
        for (const auto& finding : merged.findings)
          told.push_back(finding);
      }
      return {};
    }));
  }

  std::vector<std::string> users;
  std::vector<std::string> told;
  std::vector<std::string> foreign;
};

TEST(Identities, AnIdOfAForeignRowIsAnothersWhateverItsCase) {
  const Chosen chosen({row(1, "chlo\xc3\xa9", std::string(24, 'A'))},
                      {document("u", id_a, 2), document("w", id_b, 3)});
  EXPECT_THAT(chosen.users,
              ElementsAre(::testing::Not(::testing::HasSubstr(id_a)), "w " + id_b + " 3"));
  EXPECT_THAT(chosen.told, Contains("id is another user's"));
}

TEST(Identities, ARowNumbered0GetsANumberOfItsOwn) {
  const Chosen chosen({row(0, "u", id_a), row(0, "w", id_b), row(7, "w", "")},
                      {document("u", id_a, 0)});
  EXPECT_THAT(chosen.users, ElementsAre("u " + id_a + " 100", "w " + id_b + " 7"));
  EXPECT_THAT(chosen.told, ElementsAre("id_maria missing", "new id_maria 100", "id missing"));
}

TEST(Identities, AreThoseOnWhichBothStoresAgree) {
  const Chosen chosen({row(7, "u", id_a)}, {document("u", id_a, 7)});
  EXPECT_THAT(chosen.users, ElementsAre("u " + id_a + " 7"));
  EXPECT_THAT(chosen.told, IsEmpty());
}

TEST(Identities, ComeInTheOrderOfUsersWhateverTheirCase) {
  const Chosen chosen({row(1, "c", id_a), row(2, "\xc3\xa9", "")},
                      {document("B", id_b, 0), document("a b", "", 0)});
  EXPECT_THAT(chosen.users, ElementsAre("B " + id_b + " 100", "c " + id_a + " 1"));
  EXPECT_THAT(chosen.foreign, ElementsAre("\xc3\xa9", "a b"));
}

TEST(Identities, TheDocumentsIdWinsAndTheRowThatItNames) {
  const Chosen chosen({row(3, "u", ""), row(7, "u", id_b)}, {document("u", id_a, 7)});
  EXPECT_THAT(chosen.users, ElementsAre("u " + id_a + " 7"));
  EXPECT_THAT(chosen.told, ElementsAre("id differs from " + id_a, "id missing"));
}

TEST(Identities, AnIdThatIsAnotherUsersDocumentIsNotTaken) {
  const Chosen chosen({row(1, "a", id_b)}, {document("b", id_b, 2)});
  ASSERT_EQ(chosen.users.size(), 2U);
  EXPECT_THAT(chosen.users[0], ::testing::Not(::testing::HasSubstr(id_b)));
  EXPECT_EQ(chosen.users[1], "b " + id_b + " 2");
  EXPECT_EQ(chosen.told.front(), "id is another user's");
}

TEST(Identities, ANewIdIsTheSameInEveryRun) {
  const std::vector rows{row(1, "u", "no id")};
  EXPECT_EQ(Chosen(rows, {}).users, Chosen(rows, {}).users);
}

TEST(Identities, ADocumentsIdMariaIsBelievedOnlyIfMariaDbHandedItOutAndNoRowHasIt) {
  const Chosen chosen({row(5, "z", std::string(24, '0'))},
                      {document("a", std::string(24, '1'), 50), document("b", id_a, 5),
                       document("c", id_b, 4'000'000'000U),
                       document("d", std::string(24, '2'), 50)});
  EXPECT_THAT(chosen.users, ElementsAre("a " + std::string(24, '1') + " 50", "b " + id_a + " 100",
                                        "c " + id_b + " 101", "d " + std::string(24, '2') + " 102",
                                        "z " + std::string(24, '0') + " 5"));
}

} // namespace
} // namespace panier::migrate
