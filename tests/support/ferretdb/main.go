// panier-ferretdb is FerretDB with its SQLite backend as one small program: an independent server on MongoDB's wire
// for panier's tests. It keeps its data in -dir, listens on 127.0.0.1, prints its connection string once it listens,
// and stops on SIGTERM. Writes reach FerretDB one at a time (one_write_at_a_time.go). Telemetry is off: the embedded
// package never starts a reporter.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/FerretDB/FerretDB/ferretdb"
)

func main() {
	dir := flag.String("dir", "", "directory of the SQLite files (made if absent)")
	port := flag.Int("port", 0, "TCP port on 127.0.0.1; 0 takes a free one")
	flag.Parse()
	if *dir == "" || flag.NArg() > 0 {
		log.Fatal("usage: panier-ferretdb -dir DIRECTORY [-port N]")
	}
	data, err := filepath.Abs(*dir)
	if err == nil {
		err = os.MkdirAll(data, 0o700)
	}
	if err != nil {
		log.Fatal(err)
	}
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", *port))
	if err != nil {
		log.Fatal(err)
	}
	server, err := ferretdb.New(&ferretdb.Config{
		Listener:  ferretdb.ListenerConfig{TCP: "127.0.0.1:0"},
		Logger:    slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
		Handler:   "sqlite",
		SQLiteURL: "file:" + data + "/",
	})
	if err != nil {
		log.Fatal(err)
	}
	stop, done := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer done()
	go func() {
		inner, err := url.Parse(server.MongoDBURI()) // waits until FerretDB listens
		if err != nil {
			log.Fatal(err)
		}
		go newFront(inner.Host).serve(listener)
		fmt.Printf("MONGO_URI_PANIERS=mongodb://%s/Paniers\n", listener.Addr())
	}()
	if err := server.Run(stop); err != nil {
		log.Fatal(err)
	}
}
