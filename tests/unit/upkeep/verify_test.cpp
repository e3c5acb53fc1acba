// Verify: every way in which the two stores can differ is found, named and mended from the ledger.
#include "support/memory_house.hpp"
#include "upkeep/limits.hpp"

namespace panier::test {
namespace {

using upkeep::Verify;
using Documents = MemoryMirrorStore::Documents;

class VerifyTest : public House {
protected:
  void SetUp() override {
    make_cart(*instance_, "t");
    make_cart(*instance_, "u");
    make_cart(*instance_, "v");
  }
  upkeep::VerifyReport verify(Verify::Mode mode) {
    Verify verify(
        stores_,
        [this](std::chrono::milliseconds time) {
          clock_.advance(time);
          if (on_pause_) on_pause_();
          return true;
        },
        mode);
    return verify.run().value();
  }
  // u's document.
  void edit_document(const std::function<void(commit::MirrorDoc&)>& change) {
    mirror_.edit([&](Documents& docs) {
      for (auto& [id, doc] : docs)
        if (doc.user == user("u")) change(doc);
    });
  }
  // The one difference, named, and gone after a repair.
  void expect_found_and_mended(const std::string& what, const std::string& who = "u") {
    const auto report = verify(Verify::Mode::report);
    EXPECT_EQ(report.differences, 1);
    ASSERT_EQ(report.listed.size(), 1U);
    EXPECT_EQ(report.listed[0].user, who);
    EXPECT_NE(report.listed[0].what.find(what), std::string::npos) << report.listed[0].what;
    EXPECT_TRUE(ledger_.state().lag.empty()) << "a report changes nothing";
    EXPECT_EQ(verify(Verify::Mode::repair).differences, 1);
    repair();
    EXPECT_EQ(differences(), "");
    EXPECT_EQ(ledger_lines("u"), std::vector{line("a", 1)}) << "the ledger decides";
    EXPECT_EQ(mirror_lines("u"), std::vector{line("a", 1)});
  }

  std::unique_ptr<Instance> instance_ = start("one");
  upkeep::Stores stores_ = upkeep_stores();
  std::function<void()> on_pause_;
};

TEST_F(VerifyTest, StoresThatAgreeAreSaidToAgree) {
  const auto report = verify(Verify::Mode::report);
  EXPECT_EQ(report.differences, 0);
  EXPECT_EQ(report.carts, 3);
  EXPECT_EQ(report.documents, 3);
}

TEST_F(VerifyTest, AMissingDocument) {
  mirror_.edit([](Documents& docs) {
    std::erase_if(docs, [](const auto& doc) { return doc.second.user == user("u"); });
  });
  expect_found_and_mended("missing in the mirror");
}

TEST_F(VerifyTest, ADocumentOfNobody) {
  mirror_.edit([](Documents& docs) {
    const commit::CartId id({99});
    docs.emplace(id, commit::MirrorDoc{id, user("zz"), 4, {}, 1, true, true, {line("a", 3)}});
  });
  expect_found_and_mended("in the mirror only", "zz");
  EXPECT_FALSE(mirror_.document(user("zz")));
}

// The predecessor's, beside a ledger that was made anew: perhaps the only copy there is.
TEST_F(VerifyTest, ADocumentWithoutAVersionOfAnUnknownUserIsToldAndLeft) {
  const commit::MirrorDoc theirs{commit::CartId({98}), user("zz"), 0, {}, 1, true, true,
                                 {line("a", 3)}};
  mirror_.edit([&](Documents& docs) { docs.emplace(theirs.id, theirs); });
  for (const auto mode : {Verify::Mode::repair, Verify::Mode::continuous}) {
    const auto report = verify(mode);
    EXPECT_EQ(report.differences, 1);
    ASSERT_EQ(report.listed.size(), 1U);
    EXPECT_EQ(report.listed[0].what, "in the mirror only, not written by panier");
    repair();
    EXPECT_EQ(mirror_lines("zz"), theirs.lines);
  }
}

TEST_F(VerifyTest, BesideADocumentThatIsLeftOneOfOursOfNobodyIsRemoved) {
  mirror_.drop_index();
  mirror_.edit([](Documents& docs) {
    for (const int version : {0, 4}) {
      const commit::CartId id({static_cast<std::uint8_t>(90 + version)});
      docs.emplace(id, commit::MirrorDoc{id, user("zz"), version, {}, 1, true, true, {}});
    }
  });
  (void)verify(Verify::Mode::repair);
  ASSERT_TRUE(mirror_.document(user("zz")));
  EXPECT_EQ(mirror_.document(user("zz"))->version, 0);
  EXPECT_EQ(mirror_.seen().size(), 4U);
}

// A cart that the ledger knows, if only as never created: what it had is the ledger's to say.
TEST_F(VerifyTest, ADocumentWithoutAVersionOfAKnownUserIsRemoved) {
  ledger_.edit([](MemoryLedgerStore::State& state) {
    state.carts.emplace(user("zz"), commit::CartRow{.user = user("zz")});
  });
  mirror_.edit([](Documents& docs) {
    const commit::CartId id({97});
    docs.emplace(id, commit::MirrorDoc{id, user("zz"), 0, {}, 1, true, true, {}});
  });
  expect_found_and_mended("in the mirror only", "zz");
  EXPECT_FALSE(mirror_.document(user("zz")));
}

TEST_F(VerifyTest, AnOlderVersion) {
  edit_document([](auto& doc) { --doc.version; });
  expect_found_and_mended("version: ledger");
}

TEST_F(VerifyTest, ANewerVersion) {
  edit_document([](auto& doc) { doc.version += 1'000'000; });
  expect_found_and_mended("version: ledger");
}

TEST_F(VerifyTest, NoVersionAtAll) {
  edit_document([](auto& doc) { doc.version = 0; });
  expect_found_and_mended("version: ledger");
}

TEST_F(VerifyTest, AnotherToken) {
  edit_document([](auto& doc) { doc.token = commit::Token({66}); });
  expect_found_and_mended("token: ledger");
}

TEST_F(VerifyTest, AForeignId) {
  mirror_.edit([](Documents& docs) { // restored from before a purge
    const auto old =
        std::ranges::find(docs, user("u"), [](const auto& doc) { return doc.second.user; });
    auto doc = old->second;
    docs.erase(old);
    doc.id = commit::CartId({99});
    docs.emplace(doc.id, doc);
  });
  expect_found_and_mended("_id: ledger");
}

TEST_F(VerifyTest, OtherLines) {
  edit_document([](auto& doc) { doc.lines.push_back(line("b", 1)); });
  expect_found_and_mended("lines differ");
}

TEST_F(VerifyTest, LinesOfOtherTypes) {
  edit_document([](auto& doc) {
    doc.readable = false;
    doc.lines.clear();
  });
  expect_found_and_mended("lines of other types");
}

TEST_F(VerifyTest, FieldsOfOtherTypes) {
  edit_document([](auto& doc) { doc.as_written = false; });
  const auto report = verify(Verify::Mode::report);
  ASSERT_EQ(report.listed.size(), 1U);
  EXPECT_EQ(report.listed[0].what, "fields of other types in the mirror");
  EXPECT_EQ(verify(Verify::Mode::repair).differences, 1);
  repair();
  EXPECT_EQ(verify(Verify::Mode::report).differences, 0);
}

TEST_F(VerifyTest, AnotherUsersDocumentUnderACartsId) {
  mirror_.edit([](Documents& docs) {
    for (auto& [id, doc] : docs)
      if (doc.user == user("u")) doc.user = user("zz");
  });
  EXPECT_EQ(verify(Verify::Mode::report).differences, 2);
  (void)verify(Verify::Mode::repair);
  repair();
  EXPECT_EQ(differences(), "");
}

TEST_F(VerifyTest, AnotherIdMaria) {
  edit_document([](auto& doc) { ++doc.id_maria; });
  expect_found_and_mended("id_maria");
}

TEST_F(VerifyTest, DeletedInOneStoreOnly) {
  edit_document([](auto& doc) { doc.exists = false; });
  expect_found_and_mended("deleted in one store only");
}

TEST_F(VerifyTest, TwoDocumentsOfOneUser) {
  mirror_.drop_index();
  mirror_.edit([](Documents& docs) {
    const commit::CartId id({99});
    docs.emplace(id, commit::MirrorDoc{id, user("u"), 4, {}, 1, true, true, {}});
  });
  expect_found_and_mended("2 documents");
}

TEST_F(VerifyTest, AnUnreadableRowIsToldAndNotRepairedFrom) {
  ledger_.edit([](MemoryLedgerStore::State& state) {
    state.carts.at(user("u")).unreadable = "[oops";
    state.carts.at(user("u")).cart.lines.clear();
  });
  const auto report = verify(Verify::Mode::repair);
  EXPECT_EQ(report.differences, 1);
  EXPECT_EQ(report.listed.at(0).what, "unreadable in the ledger");
  EXPECT_TRUE(ledger_.state().lag.empty());
  EXPECT_EQ(mirror_lines("u"), std::vector{line("a", 1)});
}

TEST_F(VerifyTest, ARowThatNoRequestCanNameIsToldOnceAndTheRestIsCompared) {
  ledger_.edit([](MemoryLedgerStore::State& state) { state.misnamed = {"jean dupont", "zoé"}; });
  edit_document([](auto& doc) { doc.exists = false; });
  const auto report = verify(Verify::Mode::repair);
  EXPECT_EQ(report.carts, 3);
  EXPECT_EQ(report.differences, 3);
  EXPECT_EQ(report.listed.at(1).user, "jean dupont");
  repair();
  EXPECT_EQ(verify(Verify::Mode::report).differences, 2);
}

TEST_F(VerifyTest, ATombstoneThatWasNeverToldIsNoDifference) {
  ledger_.edit([](MemoryLedgerStore::State& state) {
    state.carts.emplace(user("new"), commit::CartRow{.user = user("new")});
  });
  EXPECT_EQ(verify(Verify::Mode::report).differences, 0);
}

TEST_F(VerifyTest, ADeletedCartIsComparedTooAndCountedApart) {
  const auto asked = ask(*instance_, operation(OperationKind::erase, "v"));
  settle(*instance_);
  const auto report = verify(Verify::Mode::report);
  EXPECT_EQ(report.differences, 0);
  EXPECT_EQ(report.carts, 2);
  EXPECT_EQ(report.tombstones, 1);
  EXPECT_EQ(report.documents, 3);
}

// The ledger knows that the mirror is behind, after an outage say: nobody wrote into the mirror.
TEST_F(VerifyTest, ACartThatIsUnderRepairIsNoFinding) {
  edit_document([](auto& doc) { --doc.version; });
  ledger_.edit([&](MemoryLedgerStore::State& state) {
    state.lag[user("u")] = state.carts.at(user("u")).cart.version;
  });
  EXPECT_EQ(verify(Verify::Mode::continuous).differences, 0);
  EXPECT_NE(metrics_.text().find("panier_verify_found_total 0"), std::string::npos);
  const auto report = verify(Verify::Mode::report);
  ASSERT_EQ(report.listed.size(), 1U) << "but it does differ";
  EXPECT_NE(report.listed[0].what.find("(repair is under way)"), std::string::npos);
  repair();
  EXPECT_EQ(verify(Verify::Mode::report).differences, 0);
}

// A restored mirror differs in every cart: what is waited for is waited for once a page.
TEST_F(VerifyTest, ManyDifferencesCostNoMoreLooksThanOne) {
  constexpr int carts = 50;
  for (int i = 0; i < carts; ++i)
    make_cart(*instance_, "p" + std::to_string(i));
  mirror_.edit([](Documents& docs) { docs.clear(); });
  const auto started = clock_.steady();
  EXPECT_EQ(verify(Verify::Mode::repair).differences, carts + 3);
  EXPECT_LE(clock_.steady() - started, 5 * upkeep::verify_look_again);
  EXPECT_NE(metrics_.text().find("panier_verify_found_total 53"), std::string::npos);
  repair();
  EXPECT_EQ(differences(), "");
}

// Somebody reserves the cart between the last look and the repair: its document is not touched.
TEST_F(VerifyTest, ACartThatIsReservedAfterTheLastLookIsLeftAlone) {
  edit_document([](auto& doc) { doc.lines.push_back(line("b", 1)); });
  std::optional<Asked> asked;
  ledger_.faults.on_call([&](LedgerCall call) -> std::optional<Fault> {
    if (call != LedgerCall::open || asked) return std::nullopt;
    asked = Asked{};
    *asked = ask(*instance_, add("u"));
    (void)instance_->lane.run_once();
    return std::nullopt;
  });
  EXPECT_EQ(verify(Verify::Mode::continuous).differences, 1);
  ledger_.faults.on_call({});
  EXPECT_TRUE(mirror_.document(user("u")));
  settle(*instance_);
  EXPECT_EQ(asked->outcome(), "ok");
  EXPECT_EQ(differences(), "");
}

TEST_F(VerifyTest, ACartInFlightIsWaitedForAndIsNoDifference) {
  const auto asked = ask(*instance_, add("u"));
  (void)instance_->lane.run_once();
  int pauses = 0;
  on_pause_ = [&] {
    if (++pauses == 5) settle(*instance_);
  };
  EXPECT_EQ(verify(Verify::Mode::repair).differences, 0);
  EXPECT_EQ(asked.outcome(), "ok");
  EXPECT_TRUE(ledger_.state().lag.empty());
}

TEST_F(VerifyTest, AnotherLanesCartIsNeverRepairedUnderIt) {
  const auto asked = ask(*instance_, add("u"));
  (void)instance_->lane.run_once(); // and no more of it
  EXPECT_EQ(verify(Verify::Mode::continuous).differences, 0);
  const auto report = verify(Verify::Mode::repair);
  EXPECT_EQ(report.differences, 1);
  EXPECT_NE(report.listed.at(0).what.find("in a lane's list"), std::string::npos);
  EXPECT_TRUE(ledger_.state().lag.empty());
  settle(*instance_);
  EXPECT_EQ(asked.outcome(), "ok");
}

TEST_F(VerifyTest, ADeadLanesCartsAreWaitedForOnceNotOneByOne) {
  for (const auto* who : {"t", "u", "v"})
    ask(*instance_, add(who));
  (void)instance_->lane.run_once();
  const auto started = clock_.steady();
  EXPECT_EQ(verify(Verify::Mode::report).differences, 3);
  EXPECT_LT(clock_.steady() - started, 2 * upkeep::verify_looks_max * upkeep::verify_look_again);
  settle(*instance_);
}

TEST_F(VerifyTest, PagesOfBothStoresEndAtTheSameUser) {
  for (int i = 0; i < 7; ++i)
    make_cart(*instance_, "p" + std::to_string(i));
  mirror_.edit([](Documents& docs) { // gaps on one side, so that the pages end at different users
    std::erase_if(docs, [](const auto& doc) {
      return doc.second.user == user("p1") || doc.second.user == user("p2");
    });
  });
  for (const int limit : {1, 2, 3, 10, 100}) {
    Verify verify(stores_, [](std::chrono::milliseconds) { return true; }, Verify::Mode::report);
    upkeep::VerifyReport sum;
    do {
      const auto page = verify.next_page(limit).value();
      sum.carts += page.carts;
      sum.documents += page.documents;
      sum.differences += page.differences;
    } while (verify.in_round());
    EXPECT_EQ(sum.carts, 10) << limit;
    EXPECT_EQ(sum.documents, 8) << limit;
    EXPECT_EQ(sum.differences, 2) << limit;
  }
}

TEST_F(VerifyTest, AStoreThatDoesNotAnswerIsAnErrorNotAnAgreement) {
  Verify verify(stores_, [](std::chrono::milliseconds) { return true; }, Verify::Mode::report);
  mirror_.faults.fail_next(MirrorCall::scan, {timed_out()});
  EXPECT_FALSE(verify.run());
  ledger_.faults.fail_next(LedgerCall::scan, {unreachable()});
  EXPECT_FALSE(verify.run());
  EXPECT_TRUE(verify.run());
}

} // namespace
} // namespace panier::test
