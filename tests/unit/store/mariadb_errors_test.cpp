// What MariaDB's numbers mean: whose fault an error is decides who is told to wait, and whether a
// cart is.
#include <gtest/gtest.h>

#include "store/mariadb/errors.hpp"

namespace panier::store::mariadb {
namespace {

TEST(MariadbErrors, WhatConcernsTheWholeServerIsNoRowsFault) {
  // Files, InnoDB that takes no writes, corruption, tables of locks and transactions, the binlog.
  for (const unsigned number :
       {1U,    2U,    3U,    5U,    20U,   23U,   28U,   1015U, 1016U, 1017U,
        1021U, 1024U, 1026U, 1030U, 1034U, 1035U, 1036U, 1037U, 1105U, 1119U,
        1180U, 1194U, 1195U, 1206U, 1296U, 1297U, 1436U, 1467U, 1534U, 1598U,
        1637U, 1712U, 1810U, 1811U, 1812U, 1814U, 1815U, 1874U, 1877U, 1932U}) {
    EXPECT_EQ(judge(number).code, Errc::store_unreachable) << number;
    EXPECT_FALSE(judge(number).connection_lives) << number;
    EXPECT_FALSE(refuses_commit(number)) << number << ": it may have got as far as the log";
  }
}

TEST(MariadbErrors, WhatAnotherTransactionCausedIsTriedAgain) {
  for (const unsigned number : {1020U, 1205U, 1213U, 1317U, 1412U})
    EXPECT_EQ(judge(number).code, Errc::store_conflict) << number;
}

TEST(MariadbErrors, ValuesAreTheRowsFault) {
  for (const unsigned number :
       {1048U, 1062U, 1118U, 1197U, 1264U, 1292U, 1366U, 1406U, 1644U, 4025U})
    EXPECT_EQ(judge(number).code, Errc::store_rejected) << number;
}

TEST(MariadbErrors, OnlyWhatRefusesACommitForCertainSaysSo) {
  for (const unsigned number : {1213U, 1290U, 1836U})
    EXPECT_TRUE(refuses_commit(number)) << number;
  for (const unsigned number : {1053U, 1205U, 1927U, 2006U, 2013U})
    EXPECT_FALSE(refuses_commit(number)) << number;
}

} // namespace
} // namespace panier::store::mariadb
