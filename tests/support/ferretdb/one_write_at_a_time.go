package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
)

const (
	headerBytes   = 16 // length, request id, response to, opcode: four little-endian int32
	opMsg         = 2013
	moreToCome    = 2 // flag: no answer is expected
	messageBytes  = 48_000_000
	commandOffset = headerBytes + 4 + 1 + 4 + 1 // after the flags, the section's kind, the document's length, a type
)

// A front is a listener that passes writes on to FerretDB one at a time. FerretDB carries out a guarded update in two
// steps, it looks and then writes; two of them at once can put an older document on top of a newer one, which MongoDB
// never does. An update whose sender has gone keeps its turn until FerretDB has answered, as it would in a server.
type front struct {
	target string
	turn   chan struct{} // holds one token while a write is with FerretDB
}

func newFront(target string) *front {
	return &front{target: target, turn: make(chan struct{}, 1)}
}

// serve accepts until the listener is closed.
func (f *front) serve(listener net.Listener) {
	for {
		client, err := listener.Accept()
		if err != nil {
			return
		}
		go f.join(client)
	}
}

func (f *front) join(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", f.target)
	if err != nil {
		return
	}
	defer server.Close()
	for { // a driver has one request outstanding on a connection
		request, err := readMessage(client)
		if err != nil {
			return
		}
		answer, err := f.exchange(server, request)
		if err != nil {
			return
		}
		if _, err := client.Write(answer); err != nil {
			return
		}
	}
}

func (f *front) exchange(server net.Conn, request []byte) ([]byte, error) {
	if isWrite(request) {
		f.turn <- struct{}{}
		defer func() { <-f.turn }()
	}
	if _, err := server.Write(request); err != nil {
		return nil, err
	}
	if wantsNoAnswer(request) {
		return nil, nil
	}
	return readMessage(server)
}

func readMessage(from io.Reader) ([]byte, error) {
	header := make([]byte, headerBytes)
	if _, err := io.ReadFull(from, header); err != nil {
		return nil, err
	}
	length := binary.LittleEndian.Uint32(header)
	if length < headerBytes || length > messageBytes {
		return nil, fmt.Errorf("a message of %d bytes", length)
	}
	message := make([]byte, length)
	copy(message, header)
	_, err := io.ReadFull(from, message[headerBytes:])
	return message, err
}

func isMsg(message []byte) bool {
	return len(message) > commandOffset && binary.LittleEndian.Uint32(message[12:]) == opMsg
}

func wantsNoAnswer(message []byte) bool {
	return isMsg(message) && binary.LittleEndian.Uint32(message[headerBytes:])&moreToCome != 0
}

// The command is the name of its document's first field.
func isWrite(message []byte) bool {
	if !isMsg(message) {
		return false
	}
	name, _, _ := bytes.Cut(message[commandOffset:], []byte{0})
	switch string(name) {
	case "update", "delete", "insert", "findAndModify":
		return true
	}
	return false
}
