// The MongoDB mirror under the contract suite, on the wire double: old and new wire versions, a
// replica set and a standalone server, and answers that come in many small batches.
#include "mongo_under_test.hpp"
#include "support/wire_double.hpp"

namespace panier::contract {
namespace {

using support::WireDouble;

class OnDouble final : public MirrorUnderTest {
public:
  explicit OnDouble(WireDouble::Options options) : double_(options), mongo_(double_.uri()) {}
  commit::MirrorStore& store() override { return mongo_.store(); }

private:
  WireDouble double_;
  MongoUnderTest mongo_; // after the server: goes first
};

MirrorFactory on(WireDouble::Options options) {
  return {.fresh = [options] { return std::make_unique<OnDouble>(options); }};
}

using Topology = WireDouble::Topology;
INSTANTIATE_TEST_SUITE_P(WireDouble, MirrorContract,
                         testing::Values(on({}), on({.max_wire_version = support::mongodb_4_2}),
                                         on({.max_wire_version = support::mongodb_4_4}),
                                         on({.max_wire_version = support::mongodb_6}),
                                         on({.max_wire_version = support::mongodb_8,
                                             .topology = Topology::standalone}),
                                         on({.batch_documents_max = 3})));

} // namespace
} // namespace panier::contract
