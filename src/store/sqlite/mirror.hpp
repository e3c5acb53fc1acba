// The mirror in a SQLite file: a row for each MongoDB document, the guard in the upsert's WHERE.
#pragma once

#include "commit/ports/mirror.hpp"
#include "store/sqlite/shared_connection.hpp"
#include "store/sqlite/stores.hpp"

namespace panier::store::sqlite {

[[nodiscard]] std::filesystem::path mirror_file(const Settings& settings);

class SqliteMirror final : public commit::Mirror {
public:
  SqliteMirror(Settings settings, std::shared_ptr<SharedConnection> connection)
      : settings_(std::move(settings)), connection_(std::move(connection)) {}

  Result<std::vector<commit::Took>> write(std::span<const commit::MirrorWrite> writes,
                                          Timeout timeout) override;
  Result<std::vector<commit::MirrorDoc>> find(std::span<const commit::UserId> users,
                                              Timeout timeout) override;
  Result<void> ping(Timeout timeout) override;
  Result<commit::IndexState> ensure_index(bool build, Timeout timeout) override;
  Result<bool> purge(const commit::UserId& user, commit::Version version, Timeout timeout) override;
  Result<void> remove(const commit::CartId& id, Timeout timeout) override;
  Result<void> clear_way(const commit::UserId& user, const commit::CartId& id,
                         Timeout timeout) override;
  Result<Page> scan(const std::optional<commit::UserId>& after, int limit,
                    Timeout timeout) override;

private:
  // The connection, waiting for locks no longer than this; made, with its file, when there is none.
  Result<SharedConnection::Turn> connected(Timeout timeout);
  // The same, with a transaction begun on it.
  Result<SharedConnection::Turn> writing(Timeout timeout);

  const Settings settings_;
  const std::shared_ptr<SharedConnection> connection_;
};

} // namespace panier::store::sqlite
