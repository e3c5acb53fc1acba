// libmongoc as a process-wide thing: started once, its own messages sent to the service's log.
#pragma once

namespace panier::store::mongo {

// Installs the log handler, then starts the driver; the first call does it, the others return at
// once. The handler comes first: libmongoc prints to standard error by itself until it has one. The
// driver is never shut down: it cannot be started again, and its threads end with their pools.
void start_driver();

} // namespace panier::store::mongo
