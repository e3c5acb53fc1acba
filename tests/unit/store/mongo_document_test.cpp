// A stored document, read alone. What a server and a GUI make of one stands in
// contract/mongo_documents_test.cpp; here is what only raw BSON can say.
#include <gtest/gtest.h>

#include "store/mongo/document.hpp"

namespace panier::store::mongo {
namespace {

void append_article(bson_t* articles, const char* index, double quantity) {
  bson_t line;
  bson_append_document_begin(articles, index, -1, &line);
  BSON_APPEND_UTF8(&line, "article_id", "a");
  BSON_APPEND_DOUBLE(&line, "quantite", quantity);
  bson_append_document_end(articles, &line);
}

// {_id, user_id: "u", articles: [..], articles: [..]}
commit::MirrorDoc two_lists(double first, double second) {
  Bson document;
  append_id(document.get(), cart::CartId({1}));
  append_text(document.get(), "user_id", "u");
  for (const double quantity : {first, second}) {
    bson_t articles;
    BSON_APPEND_ARRAY_BEGIN(document.get(), "articles", &articles);
    append_article(&articles, "0", quantity);
    bson_append_array_end(document.get(), &articles);
  }
  return decode(*document.get()).doc.value();
}

// Found by fuzzing: the lines of one list were told as those of a document without readable lines.
TEST(MongoDocument, TwoListsOfArticlesAreNoneThatCanBeRead) {
  for (const auto& [first, second] :
       {std::pair{1.0, 2.0}, std::pair{1.0, 0.0}, std::pair{0.0, 1.0}, std::pair{1.0, 1.0}}) {
    const auto doc = two_lists(first, second);
    EXPECT_FALSE(doc.readable) << first << " " << second;
    EXPECT_TRUE(doc.lines.empty()) << first << " " << second;
  }
}

} // namespace
} // namespace panier::store::mongo
