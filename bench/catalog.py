"""The systems, and the carts they hold. All measured with 5-line carts unless a row is about another size."""
import dataclasses

from carts import Carts
from systems import Spec

CONNECTIONS = (1, 16, 64, 256, 1024)
OPERATIONS = ("add", "edit", "get", "mix")

MAIN = Carts(1, 100_000, 5)
HOT = Carts(1, 1, 5)  # the first of MAIN
# As many of each size, so that only the size differs.
SIZES = {lines: Carts(20_000_000 + lines * 10_000, 5_000, lines) for lines in (1, 5, 50, 200)}
COUNTS = {count: Carts(1, count, 5) for count in (10_000, 100_000, 1_000_000)}

STRICT = Spec("strict", (MAIN, *SIZES.values()))
AVAILABLE = Spec("available", (MAIN,), policy="available")
EMBEDDED = Spec("embedded-strict", (MAIN,), ledger="sqlite", mirror="sqlite")
EMBEDDED_AVAILABLE = dataclasses.replace(EMBEDDED, name="embedded-available", policy="available")
MILLION = Spec("strict-1000000-carts", (COUNTS[1_000_000],))
TEN_THOUSAND = Spec("strict-10000-carts", (COUNTS[10_000],))

ONE_STORE = Spec("one-store", (MAIN,), program="one-store", mirror="none")
TWO_STORES = Spec("two-stores", (MAIN,), program="two-stores")
POINT_READS = Spec("point-reads", (MAIN,), program="point-reads", mirror="none")
SQLITE_PEER = Spec("sqlite", (MAIN,), program="sqlite", ledger="sqlite", mirror="none")

# Stores for what is measured apart: nobody serves them.
ALONE = Spec("alone", (MAIN,), program="limit")
ALONE_EMBEDDED = Spec("alone-embedded", (MAIN,), program="limit", ledger="sqlite", mirror="sqlite")


def with_lanes(lanes):
    return Spec(f"strict-{lanes}-lanes", (MAIN,), lanes=lanes)


def with_mirror(policy, mirror, delay_us=0):
    label = f"double-{delay_us / 1000:g}-ms" if mirror == "double" else mirror
    return Spec(f"{policy}-{label}", (MAIN,), policy=policy, mirror=mirror, delay_us=delay_us)


def on_slow_disk(spec, sync_delay_us):
    """As if every sync took so much longer; of the embedded kind only, the service itself syncs there."""
    return dataclasses.replace(spec, name=f"{spec.name}-sync-{sync_delay_us}-us", sync_delay_us=sync_delay_us)


def with_binlog(spec):
    return dataclasses.replace(spec, name=f"{spec.name}-binlog", ledger="mariadb-binlog", carts=(MAIN,))
