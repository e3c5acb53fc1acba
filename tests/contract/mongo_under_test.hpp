// The MongoDB mirror, made for the contract suite.
#pragma once

#include "mirror_suite.hpp"
#include "mongo_fixture.hpp"

namespace panier::contract {

// On a database of its own, of a server that outlives it.
class MongoUnderTest final : public MirrorUnderTest {
public:
  explicit MongoUnderTest(std::string uri) : store_(mongo_store(std::move(uri), 5s)) {}
  commit::MirrorStore& store() override { return *store_; }

private:
  const std::unique_ptr<store::mongo::MongoMirrorStore> store_;
};

} // namespace panier::contract
