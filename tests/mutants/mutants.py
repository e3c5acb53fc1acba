"""Rules of the commit path and, for each, the small edit that removes it. design: docs/adr/0001.

A mutant is (name, file, text, replacement): `text` stands exactly once in the file. Where one edit is not enough, text and
replacement are lists.
"""

PROTOCOL = "src/commit/protocol.cpp"
VERDICTS = "src/commit/verdicts.cpp"
ABORT = "src/commit/abort.cpp"
LANE = "src/commit/lane.cpp"
REPAIR = "src/upkeep/lag_repair.cpp"
ONE_CART = "src/upkeep/one_cart.cpp"
PURGE = "src/upkeep/purge.cpp"
LISTS = "src/upkeep/abandoned_lists.cpp"
VERIFY = "src/upkeep/verify.cpp"
MARIADB = "src/store/mariadb/ledger.cpp"
STATEMENTS = "src/store/mariadb/statements.cpp"

MUTANTS = [
    ("others only abort: the list is cleared, its carts left as they are", ABORT,
     "    writes.carts.push_back(std::move(row));\n", ""),
    ("an abort raises EVERY listed cart", ABORT,
     "if (it == listed.end()) continue;", "if (it == listed.end() || !writes.carts.empty()) continue;"),
    ("an abort raises above the LISTED version", ABORT,
     "raise_version(row, opened, it->second, abort_token);", "row.cart.version += 1;"),
    ("an abort takes all of a list or nothing", ABORT,
     "if (!opened->skipped.empty())", "if (false)"),
    ("an abort re-reads the token", ABORT,
     "if (!opened.own || opened.own->token != seen.token) return false;", "if (!opened.own) return false;"),
    ("an abort re-reads the expiry if that was its ground", ABORT,
     "return ground == AbortGround::unseen || opened.own->expires_at <= opened.now;",
     "return static_cast<int>(ground) >= 0;"),
    ("an abort turns what was in flight into lag", ABORT,
     "    writes.lag.push_back(entry);\n", "    (void)entry;\n"),
    ("an abort brings the mirror to the new version", ABORT,
     "    writes.lag.push_back({row.user, row.cart.version});\n", ""),
    ("versions come from the ledger's clock", ABORT,
     "std::max({clock, after(visible),", "std::max({clock * 0, after(visible),"),
    ("new versions are above the floor", ABORT, "after(opened.floor)", "opened.floor * 0"),
    ("an own abort goes above the reserved version", PROTOCOL,
     "std::max(entry.next.cart.version, above), ids_.token()",
     "above, ids_.token()"),
    ("an own abort goes above what the mirror has", PROTOCOL,
     "std::max(entry.next.cart.version, above), ids_.token()",
     "entry.next.cart.version, ids_.token()"),
    ("an own abort leaves a lag row", PROTOCOL,
     "  round.writes.lag.push_back({row.user, row.cart.version});\n", ""),
    ("the mirror being ahead is not success", VERDICTS,
     "if (doc->version == entry.next.cart.version && doc->token == entry.next.token)",
     "if (doc->version >= entry.next.cart.version)"),
    ("the same version with another token is not success", VERDICTS,
     "if (doc->version == entry.next.cart.version && doc->token == entry.next.token)",
     "if (doc->version == entry.next.cart.version)"),
    ("the mark's token test", PROTOCOL,
     "opened.own && opened.own->token && opened.own->token == token_;", "true;"),
    ("never clear an unknown token", PROTOCOL,
     "return opened.own && opened.own->token && opened.own->token != token_;",
     "return opened.own && opened.own->token && opened.own->token != token_ && opened.own->key != lane_;"),
    ("a cart in another lane's list is parked", PROTOCOL,
     "    std::ranges::for_each(lane.reserved, is_elsewhere, &Listed::user);\n", "    (void)lane;\n"),
    ("a locked cart is parked", PROTOCOL,
     "  std::ranges::for_each(opened.skipped, is_elsewhere);\n", ""),
    ("what is kept stays in the list", PROTOCOL,
     "if (round.fates[i].kind == Fate::Kind::kept) list(entries_[i]);", ";"),
    ("second line of defence: the base has not changed", PROTOCOL,
     "if (row.cart.version != entry.base) {", "if (false) {"),
    ("keys are written at settle", PROTOCOL,
     "    entry.keys = std::move(folded.keys);\n", "    append(round.writes.keys, folded.keys);\n"),
    ("the key of a no-op is written at once", PROTOCOL,
     "    append(round.replies, folded.replies);\n    append(round.writes.keys, folded.keys);\n    return;",
     "    append(round.replies, folded.replies);\n    return;"),
    ("what changes nothing claims no mirror that lags", PROTOCOL, "!lags && ", "(lags || true) && "),
    ("what changes nothing claims no mirror that has just refused", PROTOCOL, "!lists(settled.lag) &&", ""),
    ("what changes nothing claims no mirror that is being told", PROTOCOL,
     " &&\n         std::ranges::none_of(opened.others, lists, &LaneRow::in_flight);", ";"),
    ("two under one key in a fold share an answer", PROTOCOL,
     "{&opened.keys, &round.writes.keys, &folded.keys}",
     "{&opened.keys, &round.writes.keys}"),
    ("a key settled in this very transaction is known", PROTOCOL,
     "{&opened.keys, &round.writes.keys, &folded.keys}",
     "{&opened.keys, &folded.keys}"),
    ("answers are held until settle", PROTOCOL,
     "    entry.replies = std::move(folded.replies);\n", "    append(round.replies, folded.replies);\n"),
    ("available: what the mirror did not confirm becomes lag", PROTOCOL,
     "if (entry.verdict != Entry::Verdict::held) round.writes.lag.push_back(entry.listed());", ""),
    ("available: what is in flight is listed", PROTOCOL,
     "    if (settings_.mirrored) list(entry);\n",
     "    if (settings_.mirrored && entry.policy == Policy::strict) list(entry);\n"),
    ("a write whose answer is unknown is read back, not believed", VERDICTS,
     "if (one == Took::held) entry.verdict = Entry::Verdict::held;",
     "if (one == Took::held || one == Took::unknown) entry.verdict = Entry::Verdict::held;"),
    ("a write whose answer is unknown is read back, not given up", VERDICTS,
     "if (one == Took::failed) {", "if (one == Took::failed || one == Took::unknown) {"),
    ("a forgotten batch is unknown, not failed", PROTOCOL,
     "fail(Errc::outcome_unknown)});", "fail(Errc::ledger_unavailable)});"),
    ("ids are stable: what is written anew keeps the id", PROTOCOL,
     "  next.updated_at = opened.now;\n", "  next.updated_at = opened.now;\n  next.cart.id = ids_.cart_id();\n"),
    ("an undecided COMMIT is unknown, not failed", LANE,
     'write->answer(fail(Errc::outcome_unknown, "COMMIT was not answered"));',
     'write->answer(fail(Errc::ledger_unavailable, "COMMIT was not answered"));'),
    ("a missing lane row is not \"not committed\"", LANE,
     "    if (last && *last) {\n      if (**last >= round.number) {",
     "    if (last) {\n      if (last->value_or(0) >= round.number) {"),
    ("a COMMIT without an answer is looked up, not taken for lost", LANE,
     "return find_out(std::move(writes), std::move(round), started);",
     "return open_failed(std::move(writes), done.error());"),
    ("nothing is sent after the reservation's life", LANE,
     "if (sent - started >= shared_.timing.reservation_ttl)",
     "if (sent - started >= std::chrono::hours{1})"),
    ("the reservation's life counts from before BEGIN", LANE,
     "    took_effect(std::move(round), started);\n    return Did::worked;\n  }\n  if (done.error()",
     "    took_effect(std::move(round), shared_.clock.steady());\n    return Did::worked;\n  }\n  if (done.error()"),
    ("an operation past its deadline is not executed", LANE,
     "if (write->deadline() <= shared_.clock.steady()) {", "if (false) {"),
    ("foreign lists also expire by the own steady clock", LISTS,
     "const bool unseen = steady - first >= stores_.reservation_ttl;",
     "const bool unseen = steady < first;"),
    ("another batch of the same lane is seen anew", LISTS,
     "before->second.token == *row.token;", "true;"),
    ("a purged tombstone is in no list", PURGE,
     "if (locked.contains(entry.user) && !listed.contains(entry.user))", "if (locked.contains(entry.user))"),
    ("the mirror is purged first", PURGE,
     "if (stores_.mirror && entry.version > 0) {", "if (stores_.mirror && entry.version < 0) {"),
    ("a purged tombstone has stood for a while", PURGE,
     "if (now - first >= stood_for)", "if (now >= first)"),
    ("a repair's \"ahead\" counts only under the lock and in no list", ONE_CART,
     "if (opened->carts.empty() || std::ranges::any_of(opened->others, in_hand)) {", "if (opened->carts.empty()) {"),
    ("a lag row above its cart is not repaired for ever", REPAIR,
     "if (lagging.lag_version <= lagging.row.cart.version) return false;", "if (!lagging.row.user.text().empty()) return false;"),
    ("a repair reads what the guard refused", REPAIR,
     "if ((*took)[i] == commit::Took::held) {", "if ((*took)[i] != commit::Took::failed) {"),
    ("verify compares the ids", VERIFY, "if (doc.id != cart.id) return", "if (false) return"),
    ("verify repairs no cart that a lane has in hand", VERIFY,
     "if (!suspect.holder && !under_repair(suspect.user, *behind)) {", "if (!under_repair(suspect.user, *behind)) {"),
    ("verify removes nothing that panier never wrote", VERIFY, "if (is_foreign(row, doc)) continue;", "if (false) continue;"),
    ("a ledger that may be lost is not written to", "src/upkeep/probe.cpp",
     "      if (mirror_) look_whether_lost(); // before anybody takes it for up\n", ""),
]

# Rules that the store adapters keep, with the suite that must notice.
OF_ADAPTERS = [
    ("MariaDB: the greatest version stays in a lag row", STATEMENTS,
     "version=GREATEST(version,VALUES(version))", "version=VALUES(version)", "contract_mariadb"),
    ("MariaDB: locked carts are skipped", STATEMENTS,
     "ORDER BY p.user_id FOR UPDATE SKIP LOCKED", "ORDER BY p.user_id FOR UPDATE", "contract_mariadb"),
    ("MariaDB: look after the last lock", MARIADB,
     "  return take_look(request, opened);\n", "  commit::Opened later;\n  return take_look(request, later);\n",
     "contract_mariadb"),
    ("MariaDB: the lane's row is locked until the end", STATEMENTS,
     'of_lane(sql, lane);\n  sql.raw(" FOR UPDATE");', "of_lane(sql, lane);", "contract_mariadb"),
    ("MariaDB: the lane's row before the carts", MARIADB, [
        "  if (request.lane && how == Mark::lock) mark(sql, *request.lane);\n"
        "  if (request.lane && how == Mark::insert) insert_lane(sql, *request.lane);\n"
        "  if (!request.wanted.empty()) lock_carts(sql, request.wanted);\n",
        "  if (request.lane) {\n"
        "    if (auto marked = take_mark(how, opened); !marked) return std::unexpected(marked.error());\n"
        "    if (!opened.own && how == Mark::lock) return opened;\n"
        "  }\n"
        "  if (!request.wanted.empty())\n"
        "    if (auto taken = take_carts(opened); !taken) return std::unexpected(taken.error());\n",
     ], [
        "  if (!request.wanted.empty()) lock_carts(sql, request.wanted);\n"
        "  if (request.lane && how == Mark::lock) mark(sql, *request.lane);\n"
        "  if (request.lane && how == Mark::insert) insert_lane(sql, *request.lane);\n",
        "  if (!request.wanted.empty())\n"
        "    if (auto taken = take_carts(opened); !taken) return std::unexpected(taken.error());\n"
        "  if (request.lane) {\n"
        "    if (auto marked = take_mark(how, opened); !marked) return std::unexpected(marked.error());\n"
        "    if (!opened.own && how == Mark::lock) return opened;\n"
        "  }\n",
     ], "contract_mariadb"),
    ("MariaDB: a COMMIT that was not answered is unknown", MARIADB,
     "case Session::Cause::no_answer: break;",
     "case Session::Cause::no_answer: return std::unexpected(std::move(error));", "contract_mariadb"),
    ("MariaDB: a newer lag row outlives an older repair", STATEMENTS,
     'sql.raw(" AND version<=").number(one.version);', "", "contract_mariadb"),
    ("MariaDB: a purge raises the floor", STATEMENTS,
     'WHERE id=1 AND ROW_COUNT()>0', 'WHERE id=0 AND ROW_COUNT()>0', "contract_mariadb"),
    ("MariaDB: a tombstone is purged at its version only", STATEMENTS,
     'sql.user(one.user).raw(" AND p.version=").number(one.version);', "sql.user(one.user);", "contract_mariadb"),
    ("MongoDB: the guard", "src/store/mongo/document.cpp",
     'BSON_APPEND_INT64(&guard, "$gte", write.cart.version);',
     'BSON_APPEND_INT64(&guard, "$gte", std::numeric_limits<Version>::max());', "contract_mongo"),
    ("MongoDB: nothing is known of a bulk after a write concern error", "src/store/mongo/replies.cpp",
     "  if (auto met = write_concern_met(reply); !met) return std::unexpected(std::move(met.error()));\n"
     "  std::vector tooks", "  std::vector tooks", "contract_mongo"),
    ("MongoDB: a ping asks the majority", "src/store/mongo/requests.cpp",
     "  return write_concern_met(reply.get());\n", "  return {};\n", "contract_mongo"),
    ("MongoDB: a bulk that was not carried out whole is unknown", "src/store/mongo/replies.cpp",
     "if (!std::cmp_equal(reply_count(reply), std::ranges::count(told, false)))", "if (false)", "contract_mongo"),
    ("MongoDB: a duplicate key is looked at, not given up", "src/store/mongo/errors.cpp",
     "case 12582: return Took::refused;", "case 12582: return Took::failed;", "contract_mongo"),
    ("MongoDB: written by a majority", "src/store/mongo/document.cpp",
     'BSON_APPEND_UTF8(&concern, "w", "majority");', 'BSON_APPEND_INT32(&concern, "w", 1);', "contract_mongo"),
    ("MongoDB: a tombstone is purged at its version only", "src/store/mongo/mongo_mirror.cpp",
     '    BSON_APPEND_INT64(request->bson.get(), "version", version);\n', "", "contract_mongo"),
    ("SQLite: the greatest version stays in a lag row", "src/store/sqlite/ledger.cpp",
     "DO UPDATE SET version = max(version, excluded.version)", "DO UPDATE SET version = excluded.version",
     "sqlite_contract_test"),
    ("SQLite: the guard", "src/store/sqlite/mirror.cpp",
     " WHERE excluded.version > version", "", "sqlite_contract_test"),
]
